/* What is kept of predictions: with the predicted asset its data's name and size, which never change, and how fast the champion was
 * and how much it found, so that lists have an index in every order (predicted_asset.c writes them once); with the deployment how
 * many it has of each status. */
#include "app/deployment/deployment.h"
#include "query/query.h"

#define CHANGED(row, sign, column, status) column " = " column " " sign " CASE WHEN " row ".status = '" status "' THEN 1 ELSE 0 END"
#define COUNT(row, sign)                                                                                                           \
    "UPDATE deployment SET " CHANGED(row, sign, "n_to_review", "TO_REVIEW") ", " CHANGED(                                          \
        row, sign, "n_reviewed", "REVIEWED") ", " CHANGED(row, sign, "n_submitted", "SUBMITTED") " WHERE id = " row                \
                                                                                                 ".deployment_id;"
#define INDEX(name, column) "CREATE INDEX predicted_asset_" name " ON predicted_asset (deployment_id, " column ", id);"

static const char table[] = INDEX("filename", "filename") INDEX("width", "width") INDEX("height", "height")
    INDEX("latency", "latency") INDEX("shapes", "n_shapes") INDEX("source", "source")
        INDEX("submitted", "submitted_at") "CREATE TRIGGER predicted_asset_made AFTER INSERT ON predicted_asset BEGIN " COUNT(
            "new", "+") " END;"
                        "CREATE TRIGGER predicted_asset_moved AFTER UPDATE OF status ON predicted_asset WHEN old.status <> "
                        "new.status BEGIN " COUNT("old", "-") " " COUNT(
                            "new", "+") " END;"
                                        "CREATE TRIGGER predicted_asset_gone AFTER DELETE ON predicted_asset BEGIN DELETE FROM "
                                        "tagged WHERE target_id = old.id; " KEPT_GOES " " COUNT("old", "-") " END";

const struct resource prediction_kept_resource = { .name = "what is kept of predictions", .table = table };
