/* What is kept of predictions: with the predicted asset its image's name, size and look, which never change, and how fast the
 * champion was, how much it found and how sure it was, so that lists have an index in every order; with the deployment how many it
 * has of each status. */
#include "app/deployment/deployment.h"
#include "query/query.h"

#define CHANGED(row, sign, column, status) column " = " column " " sign " CASE WHEN " row ".status = '" status "' THEN 1 ELSE 0 END"
#define COUNT(row, sign)                                                                                                           \
    "UPDATE deployment SET " CHANGED(row, sign, "n_to_review", "TO_REVIEW") ", " CHANGED(                                          \
        row, sign, "n_reviewed", "REVIEWED") ", " CHANGED(row, sign, "n_submitted", "SUBMITTED") " WHERE id = " row                \
                                                                                                 ".deployment_id;"
#define INDEX(name, column) "CREATE INDEX predicted_asset_" name " ON predicted_asset (deployment_id, " column ", id);"

#define OF_IMAGES                                                                                                                  \
    INDEX("brightness", "brightness")                                                                                              \
    INDEX("contrast", "contrast")                                                                                                  \
    INDEX("sharpness", "sharpness")                                                                                                \
    INDEX("saturation", "saturation")                                                                                              \
    INDEX("ratio", "(width * 1.0 / nullif(height, 0))")                                                                            \
    INDEX("area", "(width * height)")                                                                                              \
    INDEX("filename", "filename") INDEX("width", "width") INDEX("height", "height") INDEX("source", "source")
#define OF_PREDICTIONS                                                                                                             \
    INDEX("score_mean", "score_mean")                                                                                              \
    INDEX("score_max", "score_max") INDEX("latency", "latency") INDEX("shapes", "n_shapes") INDEX("submitted", "submitted_at")
#define OF_OUTLIERS INDEX("outlier_score", "outlier_score") INDEX("outliers", "is_outlier, outlier_score")

#define WHEN_MADE "CREATE TRIGGER predicted_asset_made AFTER INSERT ON predicted_asset BEGIN " COUNT("new", "+") " END;"
#define WHEN_MOVED                                                                                                                 \
    "CREATE TRIGGER predicted_asset_moved AFTER UPDATE OF status ON predicted_asset WHEN old.status <> new.status BEGIN " COUNT(   \
        "old", "-") " " COUNT("new", "+") " END;"
#define WHEN_GONE                                                                                                                  \
    "CREATE TRIGGER predicted_asset_gone AFTER DELETE ON predicted_asset BEGIN DELETE FROM tagged WHERE target_id = "              \
    "old.id; " KEPT_GOES " " COUNT("old", "-") " END;"
#define WHEN_LOOKED_AT                                                                                                             \
    "CREATE TRIGGER image_look_made AFTER INSERT ON image_look BEGIN UPDATE predicted_asset SET brightness = new.brightness, "     \
    "contrast = new.contrast, sharpness = new.sharpness, saturation = new.saturation WHERE data_id = new.data_id; END"
static const char table[] = OF_IMAGES OF_PREDICTIONS OF_OUTLIERS WHEN_MADE WHEN_MOVED WHEN_GONE WHEN_LOOKED_AT;

enum err prediction_keep(struct sql *db, const char *prediction_id)
{
    return sql_run(db,
                   "UPDATE predicted_asset SET latency = (SELECT p.latency FROM prediction p WHERE p.id = ?1), n_shapes = (SELECT "
                   "count(*) FROM prediction_shape h WHERE h.prediction_id = ?1), score_mean = (SELECT avg(h.score) FROM "
                   "prediction_shape h WHERE h.prediction_id = ?1), score_max = (SELECT max(h.score) FROM prediction_shape h WHERE "
                   "h.prediction_id = ?1), uncertainty = (SELECT avg(" SHAPE_UNSURE
                   ") FROM prediction_shape h WHERE h.prediction_id = ?1)"
                   " WHERE id = (SELECT p.predicted_asset_id FROM prediction p WHERE p.id = ?1)",
                   V(prediction_id));
}

enum err outlier_score_keep(struct sql *db, const char *predicted_asset_id, double score, double threshold)
{
    return sql_run(db, "UPDATE predicted_asset SET outlier_score = ?2, is_outlier = ?3 WHERE id = ?1", V(predicted_asset_id),
                   score < 0 ? V((const char *)NULL) : V(score), V(score > threshold));
}

enum err outlier_scores_forget(struct sql *db, const char *deployment_id, int64_t before_at, const char *before_id, int64_t from_at,
                               const char *from_id)
{
    return sql_run(
        db,
        "UPDATE predicted_asset SET outlier_score = NULL, is_outlier = 0 WHERE deployment_id = ?1 AND (created_at < ?2 OR"
        " created_at = ?2 AND id < ?3) AND (created_at > ?4 OR created_at = ?4 AND id >= ?5) AND outlier_score IS NOT NULL",
        V(deployment_id), V(before_at), V(before_id), V(from_at), V(from_id));
}

enum err outliers_flag(struct sql *db, const char *deployment_id, double threshold, int64_t most, int64_t *ret_changed)
{
    TRY(sql_run(db,
                "UPDATE predicted_asset SET is_outlier = 1 WHERE id IN (SELECT id FROM predicted_asset WHERE deployment_id = ?1 AND"
                " is_outlier = 0 AND outlier_score > ?2 LIMIT ?3)",
                V(deployment_id), V(threshold), V(most)));
    *ret_changed = sql_changes(db);
    TRY(sql_run(db,
                "UPDATE predicted_asset SET is_outlier = 0 WHERE id IN (SELECT id FROM predicted_asset WHERE deployment_id = ?1 AND"
                " is_outlier = 1 AND outlier_score <= ?2 LIMIT ?3)",
                V(deployment_id), V(threshold), V(most)));
    *ret_changed += sql_changes(db);
    return OK;
}

const struct resource prediction_kept_resource = { .name = "what is kept of predictions", .table = table };
