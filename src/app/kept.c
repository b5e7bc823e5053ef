#include "app/kept.h"
#include "app/deployment/deployment.h"
#include "base/arena.h"
#include "query/query.h"

#define COUNT_OF_STATUS(status) "(SELECT count(*) FROM predicted_asset a WHERE a.deployment_id = o.id AND a.status = '" status "')"
#define BEHIND "(SELECT dataset_version_id FROM batch WHERE shown <> 0)" /* its assets follow in slices */

/* Each counts the rows that are not as they should be. */
static const struct {
    const char *what, *sql;
} rules[] = {
    { "the file name of assets", "SELECT count(*) FROM asset a JOIN data d ON d.id = a.data_id WHERE a.filename <> d.filename" },
    { "number of objects and status of assets",
      "SELECT count(*) FROM asset a LEFT JOIN annotation n ON n.asset_id = a.id WHERE (a.n_shapes <> coalesce(n.n_shapes, 0) OR "
      "coalesce(a.status, '') <> coalesce(n.status, '')) AND a.dataset_version_id NOT IN " BEHIND },
    { "objects of annotations",
      "SELECT count(*) FROM annotation n WHERE n.n_shapes <> (SELECT count(*) FROM shape h WHERE h.annotation_id = n.id)" },
    { "objects of labels",
      "SELECT count(*) FROM label l WHERE l.n_shapes <> (SELECT count(*) FROM shape h WHERE h.label_id = l.id)" },
    { "assets of versions", "SELECT count(*) FROM dataset_version v WHERE v.n_assets <> (SELECT count(*) FROM asset a WHERE "
                            "a.dataset_version_id = v.id)" },
    { "annotated assets of versions", "SELECT count(*) FROM dataset_version v WHERE v.n_annotated <> (SELECT count(*) FROM "
                                      "annotation n WHERE n.dataset_version_id = "
                                      "v.id)" },
    { "tags of a version's data that are not counted",
      "SELECT count(*) FROM (SELECT a.dataset_version_id AS version, x.tag_id AS tag, count(*) AS n FROM asset a JOIN tagged x ON "
      "x.target_id = a.data_id GROUP BY 1, 2) c WHERE NOT EXISTS (SELECT 1 FROM version_tag k WHERE k.dataset_version_id = "
      "c.version "
      "AND k.tag_id = c.tag AND k.n = c.n)" },
    { "counted tags of a version's data", "SELECT count(*) FROM version_tag k WHERE k.n <> (SELECT count(*) FROM tagged x JOIN "
                                          "asset a ON a.data_id = x.target_id WHERE "
                                          "x.tag_id = k.tag_id AND a.dataset_version_id = k.dataset_version_id)" },
    { "name and size of predicted assets", "SELECT count(*) FROM predicted_asset a JOIN data d ON d.id = a.data_id WHERE "
                                           "a.filename <> d.filename OR coalesce(a.width, 0) <> "
                                           "coalesce(d.width, 0) OR coalesce(a.height, 0) <> coalesce(d.height, 0)" },
    { "latency and objects of predicted assets",
      "SELECT count(*) FROM predicted_asset a LEFT JOIN prediction p ON p.predicted_asset_id = a.id AND p.is_shadow = 0 WHERE "
      "coalesce(a.latency, -1) <> coalesce(p.latency, -1) OR a.n_shapes <> (SELECT count(*) FROM prediction_shape h WHERE "
      "h.prediction_id = p.id)" },
    { "look of predicted assets",
      "SELECT count(*) FROM predicted_asset a LEFT JOIN image_look k ON k.data_id = a.data_id WHERE coalesce(a.brightness, -1) <> "
      "coalesce(k.brightness, -1) OR coalesce(a.contrast, -1) <> coalesce(k.contrast, -1) OR coalesce(a.sharpness, -1) <> "
      "coalesce(k.sharpness, -1) OR coalesce(a.saturation, -1) <> coalesce(k.saturation, -1)" },
    { "confidence of predicted assets",
      "SELECT count(*) FROM predicted_asset a LEFT JOIN prediction p ON p.predicted_asset_id = a.id AND p.is_shadow = 0 WHERE "
      "coalesce(a.score_mean, -9) <> coalesce((SELECT avg(h.score) FROM prediction_shape h WHERE h.prediction_id = p.id), -9) OR "
      "coalesce(a.score_max, -9) <> coalesce((SELECT max(h.score) FROM prediction_shape h WHERE h.prediction_id = p.id), -9)" },
    { "uncertainty of predicted assets",
      "SELECT count(*) FROM predicted_asset a LEFT JOIN prediction p ON p.predicted_asset_id = a.id AND p.is_shadow = 0 WHERE "
      "coalesce(a.uncertainty, -9) <> coalesce((SELECT avg(" SHAPE_UNSURE
      ") FROM prediction_shape h WHERE h.prediction_id = p.id), -9)" },
    { "flags of outliers",
      "SELECT count(*) FROM predicted_asset a LEFT JOIN outlier m ON m.id = a.deployment_id LEFT JOIN outlier_fit f ON f.id = "
      "m.fit_id WHERE coalesce(m.reflag, 0) = 0 AND f.behind_at IS NULL AND a.is_outlier <> CASE WHEN a.outlier_score > "
      "f.threshold "
      "THEN 1 ELSE 0 END" },
    { "predictions of deployments",
      "SELECT count(*) FROM deployment o WHERE o.n_to_review <> " COUNT_OF_STATUS(
          "TO_REVIEW") " OR o.n_reviewed <> " COUNT_OF_STATUS("REVIEWED") " OR o.n_submitted <> " COUNT_OF_STATUS("SUBMITTED") },
    { "values of metadata whose thing is gone",
      "SELECT count(*) FROM metadata_value m WHERE NOT EXISTS (SELECT 1 FROM data d WHERE d.id = m.owner_id) AND NOT EXISTS "
      "(SELECT 1 "
      "FROM predicted_asset a WHERE a.id = m.owner_id) AND NOT EXISTS (SELECT 1 FROM annotation_row n WHERE n.id = m.owner_id)" },
};

/* Every document there is: id, and its text or NULL. */
static const struct {
    const char *document, *sql;
} documents[] = {
    { KEPT_METADATA, "SELECT id, metadata FROM data" },
    { KEPT_CUSTOM, "SELECT id, custom_metadata FROM data" },
    { KEPT_PREDICTION_METADATA, "SELECT id, metadata FROM predicted_asset" },
    { KEPT_PREDICTION_CUSTOM, "SELECT id, custom_metadata FROM predicted_asset" },
    { KEPT_ATTRIBUTES, "SELECT id, attributes FROM annotation_row" },
};

static enum err check_documents(struct sql *db, size_t which, int64_t *ret_wrong)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_each_text(db, &r, documents[which].sql, NULL, 0));
    while (rows_next(r)) {
        bool same;
        TRY(kept_is(db, documents[which].document, rows_text(r, 0), rows_text(r, 1), &same));
        *ret_wrong += !same;
    }
    return rows_error(r);
}

static void tell_of(kept_tell *tell, void *with, int64_t n, const char *what)
{
    AUTO(arena) struct arena *a = arena_new();
    if (n)
        tell(with, arena_fmt(a, "%s: %lld differ from what they are kept of", what, (long long)n));
}

enum err kept_check(struct sql *db, kept_tell *tell, void *with)
{
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        int64_t n = 0;
        TRY(sql_int_text(db, &n, rules[i].sql, NULL, 0));
        tell_of(tell, with, n, rules[i].what);
    }
    int64_t differ = 0;
    TRY(disagreements_check(db, &differ));
    tell_of(tell, with, differ, "disagreement of predicted assets");
    for (size_t i = 0; i < COUNT_OF(documents); i++) {
        int64_t n = 0;
        TRY(check_documents(db, i, &n));
        tell_of(tell, with, n, documents[i].document);
    }
    return OK;
}
