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

static const char table[] = INDEX("brightness", "brightness") INDEX("contrast", "contrast") INDEX("sharpness", "sharpness")
    INDEX("saturation", "saturation") INDEX("score_mean", "score_mean") INDEX("score_max", "score_max")
        INDEX("ratio", "(width * 1.0 / nullif(height, 0))") INDEX("area", "(width * height)") INDEX("filename", "filename") INDEX(
            "width", "width") INDEX("height", "height") INDEX("latency", "latency") INDEX("shapes", "n_shapes") INDEX("source",
                                                                                                                      "source")
            INDEX("submitted", "submitted_at") "CREATE TRIGGER predicted_asset_made AFTER INSERT ON predicted_asset BEGIN " COUNT(
                "new", "+") " END;"
                            "CREATE TRIGGER predicted_asset_moved AFTER UPDATE OF status ON predicted_asset WHEN old.status <> "
                            "new.status BEGIN " COUNT("old", "-") " " COUNT(
                                "new", "+") " END;"
                                            "CREATE TRIGGER predicted_asset_gone AFTER DELETE ON predicted_asset BEGIN DELETE FROM "
                                            "tagged WHERE target_id = old.id; " KEPT_GOES
                                            " " COUNT("old", "-") " END;"
                                                                  "CREATE TRIGGER image_look_made AFTER INSERT ON image_look BEGIN "
                                                                  "UPDATE predicted_asset SET brightness = new.brightness, "
                                                                  "contrast = new.contrast, sharpness = new.sharpness, saturation "
                                                                  "= new.saturation WHERE data_id = new.data_id; END";

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

const struct resource prediction_kept_resource = { .name = "what is kept of predictions", .table = table };
