/* What is in a dataset version, in numbers. */
#include "app/dataset/dataset.h"
#include <string.h>

static enum err repartition(struct op *op, const char *version)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r,
                 "SELECT l.name, l.n_shapes FROM label l WHERE l.dataset_version_id = ?1 "
                 "ORDER BY l.position",
                 V(version)));
    out_object(&op->out, "label_repartition");
    while (rows_next(r))
        out_int(&op->out, rows_text(r, 0), rows_int(r, 1));
    out_end_object(&op->out);
    return rows_error(r);
}

/* objects_per_image[k]: how many assets have k shapes. Those with more than the last are counted at the last. */
static enum err per_image(struct op *op, const char *version, int64_t unannotated)
{
    enum { MOST = 1000 };
    int64_t counts[MOST + 1] = { 0 }, most = -1;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r,
                 "SELECT CASE WHEN n_shapes < ?2 THEN n_shapes ELSE ?2 END, count(*) FROM annotation WHERE dataset_version_id = ?1 "
                 "GROUP BY 1 ORDER BY 1",
                 V(version), V((int64_t)MOST)));
    while (rows_next(r))
        counts[most = rows_int(r, 0)] = rows_int(r, 1);
    counts[0] += unannotated;
    if (most < 0 && unannotated)
        most = 0;
    out_array(&op->out, "objects_per_image");
    for (int64_t k = 0; k <= most; k++)
        out_int(&op->out, NULL, counts[k]);
    out_end_array(&op->out);
    return rows_error(r);
}

static enum err stats(struct op *op)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r,
                  "SELECT (SELECT coalesce(sum(l.n_shapes), 0) FROM label l WHERE l.dataset_version_id = v.id), v.n_annotated, "
                  "v.n_assets FROM dataset_version v WHERE v.id = ?1",
                  V(op->id)));
    out_object(&op->out, NULL);
    out_int(&op->out, "nb_objects", rows_int(r, 0));
    out_int(&op->out, "nb_annotations", rows_int(r, 1));
    out_int(&op->out, "nb_assets", rows_int(r, 2));
    TRY(repartition(op, op->id));
    TRY(per_image(op, op->id, rows_int(r, 2) - rows_int(r, 1)));
    out_end_object(&op->out);
    return OK;
}

/* {"tag": count} of the assets' own tags, or of their data's. */
static enum err tag_counts(struct op *op)
{
    const char *type = in_text(op, "tag_type");
    AUTO(rows) struct rows *r = NULL;
    if (strcmp(type, "DATA") == 0)
        TRY(sql_rows(
            op->db, &r,
            "SELECT t.name, c.n FROM version_tag c JOIN tag t ON t.id = c.tag_id WHERE c.dataset_version_id = ?1 AND c.n > 0"
            " ORDER BY 2 DESC, 1",
            V(op->id)));
    else /* the version's own tags are on its assets only */
        TRY(sql_rows(
            op->db, &r,
            "SELECT name, n FROM (SELECT t.name, (SELECT count(*) FROM tagged x WHERE x.tag_id = t.id) AS n FROM tag t WHERE"
            " t.scope = ?1 AND t.target_type = 'ASSET') counted WHERE n > 0 ORDER BY 2 DESC, 1",
            V(op->id)));
    out_object(&op->out, NULL);
    while (rows_next(r))
        out_int(&op->out, rows_text(r, 0), rows_int(r, 1));
    out_end_object(&op->out);
    return rows_error(r);
}

static const char *const tag_types[] = { "ASSET", "DATA", NULL };
static const struct field tags_in[] = { { "tag_type", T_TEXT, F_NEED, .words = tag_types } };

DESCRIBED(how_many, "number", { "*", T_INT });
DESCRIBED(how_many_each, "numbers by name", { "*", T_OBJECT, .of = &how_many });
DESCRIBED(stats_answer, "version stats", { "nb_objects", T_INT }, { "nb_annotations", T_INT }, { "nb_assets", T_INT },
          { "label_repartition", T_OBJECT, .of = &how_many }, { "objects_per_image", T_ARRAY, .of = &how_many });

static const struct route routes[] = {
    { "GET", "/api/dataset/version/{id}/stats", stats, MAY_READ, WORK_READ, "objects by label, by image, and in all",
      .on = &dataset_version_resource, .answers = &stats_answer },
    { "GET", "/api/dataset/version/{id}/analytics/tags", tag_counts, MAY_READ, WORK_READ, "how many assets have each tag",
      FIELDS(tags_in), .on = &dataset_version_resource, .answers = &how_many_each },
};

const struct resource dataset_stats_resource = { .name = "statistics", .routes = routes, .n_routes = COUNT_OF(routes) };
