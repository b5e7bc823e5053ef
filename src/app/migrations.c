/* The road from every released schema to today's: how to add a step is told in docs/howto.md. A row that was released never
 * changes. */
#include "api/schema.h"
#include "app/annotation/annotation.h"
#include "app/deployment/deployment.h"
#include "app/experiment/experiment.h"
#include "base/unicode.h"
#include "query/query.h"
#include <string.h>

/* Triggers and queues say what any database understands. Texts of their own: today's may change. */
#define UNNAMED(table) " AND NOT EXISTS (SELECT 1 FROM " table " u WHERE u.object_name = object.name)"
#define FREES_PICTURE                                                                                                              \
    "DELETE FROM object WHERE name = old.object_name" UNNAMED("data") UNNAMED("artifact") UNNAMED("model_file")                    \
        UNNAMED("logging_file") "; END;"
static const char plain_sql[] =
    "DROP TRIGGER data_gone;"
    "CREATE TRIGGER data_gone AFTER DELETE ON data BEGIN DELETE FROM tagged WHERE target_id = old.id; "
    "DELETE FROM object WHERE name = old.object_name; DELETE FROM object WHERE name IN (old.org || '/thumbnail/' || old.hash || "
    "'/128.jpg', old.org || '/thumbnail/' || old.hash || '/256.jpg', old.org || '/thumbnail/' || old.hash || '/512.jpg', old.org "
    "|| "
    "'/thumbnail/' || old.hash || '/1024.jpg') AND NOT EXISTS (SELECT 1 FROM data WHERE hash = old.hash AND org = old.org); END;"
    "DROP TRIGGER shape_relabelled;"
    "CREATE TRIGGER shape_relabelled AFTER UPDATE OF label_id ON shape_row WHEN old.label_id <> new.label_id BEGIN UPDATE label "
    "SET "
    "n_shapes = n_shapes + CASE WHEN id = new.label_id THEN 1 ELSE -1 END WHERE id IN (old.label_id, new.label_id); END;"
    "ALTER TABLE log ADD COLUMN object_name TEXT;"
    "DROP TRIGGER log_gone;"
    "DROP TRIGGER log_replaced;"
    "UPDATE log SET object_name = json_extract(data, '$.object_name') WHERE type = 'IMAGE';"
    "CREATE TRIGGER log_gone AFTER DELETE ON log WHEN old.object_name IS NOT NULL BEGIN " FREES_PICTURE
    "CREATE TRIGGER log_replaced AFTER UPDATE OF object_name ON log WHEN old.object_name <> coalesce(new.object_name, '') "
    "BEGIN " FREES_PICTURE "ALTER TABLE model ADD COLUMN place INTEGER NOT NULL DEFAULT 0;"
    "CREATE TEMP TABLE waiting AS SELECT printf('%016x', rowid) AS id, predicted_asset_id, model_version_id FROM shadow_todo;"
    "DROP TABLE shadow_todo;"
    "CREATE TABLE shadow_todo (id TEXT PRIMARY KEY, predicted_asset_id TEXT NOT NULL REFERENCES predicted_asset(id) ON DELETE "
    "CASCADE, "
    "model_version_id TEXT NOT NULL REFERENCES model_version(id) ON DELETE CASCADE) STRICT;"
    "INSERT INTO shadow_todo SELECT id, predicted_asset_id, model_version_id FROM waiting;"
    "DROP TABLE waiting";

static const char kept_sql[] =
    "CREATE TABLE metadata_key (id INTEGER PRIMARY KEY, org TEXT NOT NULL REFERENCES organization(id), document TEXT NOT NULL,"
    " path TEXT NOT NULL, UNIQUE (document, path, org)) STRICT;"
    "CREATE TABLE metadata_value (owner_id TEXT NOT NULL, key_id INTEGER NOT NULL REFERENCES metadata_key(id), place INTEGER NOT "
    "NULL, number REAL, words TEXT, PRIMARY KEY (owner_id, key_id, place)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX metadata_value_of_key ON metadata_value (key_id, number, words, owner_id);"
    "DROP TRIGGER data_gone;"
    "CREATE TRIGGER data_gone AFTER DELETE ON data BEGIN DELETE FROM tagged WHERE target_id = old.id; "
    "DELETE FROM metadata_value WHERE owner_id = old.id; "
    "DELETE FROM object WHERE name = old.object_name; DELETE FROM object WHERE name IN (old.org || '/thumbnail/' || old.hash || "
    "'/128.jpg', old.org || '/thumbnail/' || old.hash || '/256.jpg', old.org || '/thumbnail/' || old.hash || '/512.jpg', old.org "
    "|| '/thumbnail/' || old.hash || '/1024.jpg') AND NOT EXISTS (SELECT 1 FROM data WHERE hash = old.hash AND org = old.org); END;"
    "DROP TRIGGER predicted_asset_gone;"
    "CREATE TRIGGER predicted_asset_gone AFTER DELETE ON predicted_asset BEGIN DELETE FROM tagged WHERE target_id = old.id; "
    "DELETE FROM metadata_value WHERE owner_id = old.id; END;"
    "CREATE TRIGGER annotation_gone AFTER DELETE ON annotation_row BEGIN DELETE FROM metadata_value WHERE owner_id = old.id; END;"
    "DROP INDEX predicted_asset_data;"
    "CREATE INDEX predicted_asset_data ON predicted_asset (data_id, deployment_id)";

/* What lists are sorted by, and counts, kept where they are asked for. */
static const char sorted_assets[] =
    "ALTER TABLE asset ADD COLUMN filename TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE asset ADD COLUMN n_shapes INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE asset ADD COLUMN status TEXT;"
    "UPDATE asset SET filename = coalesce((SELECT d.filename FROM data d WHERE d.id = asset.data_id), ''),"
    " n_shapes = coalesce((SELECT n.n_shapes FROM annotation n WHERE n.asset_id = asset.id), 0),"
    " status = (SELECT n.status FROM annotation n WHERE n.asset_id = asset.id);"
    "CREATE INDEX asset_filename ON asset (dataset_version_id, filename, id);"
    "CREATE INDEX asset_shapes ON asset (dataset_version_id, n_shapes, id);"
    "CREATE INDEX asset_status ON asset (dataset_version_id, status, id);"
    "ALTER TABLE dataset_version ADD COLUMN n_assets INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE dataset_version ADD COLUMN n_annotated INTEGER NOT NULL DEFAULT 0;"
    "UPDATE dataset_version SET n_assets = (SELECT count(*) FROM asset a WHERE a.dataset_version_id = dataset_version.id),"
    " n_annotated = (SELECT count(*) FROM annotation n WHERE n.dataset_version_id = dataset_version.id);"
    "CREATE TABLE version_tag (dataset_version_id TEXT NOT NULL REFERENCES dataset_version(id) ON DELETE CASCADE, "
    "tag_id TEXT NOT NULL REFERENCES tag(id) ON DELETE CASCADE, n INTEGER NOT NULL, PRIMARY KEY (dataset_version_id, tag_id)) "
    "STRICT, "
    "WITHOUT ROWID;"
    "CREATE INDEX version_tag_of_tag ON version_tag (tag_id);"
    "INSERT INTO version_tag SELECT a.dataset_version_id, x.tag_id, count(*) FROM asset a JOIN tagged x ON x.target_id = a.data_id "
    "GROUP BY 1, 2;"
    "DROP TRIGGER asset_gone;"
    "CREATE TRIGGER asset_made AFTER INSERT ON asset BEGIN "
    "UPDATE dataset_version SET n_assets = n_assets + 1 WHERE id = new.dataset_version_id; "
    "INSERT INTO version_tag (dataset_version_id, tag_id, n) SELECT new.dataset_version_id, x.tag_id, 1 FROM tagged x "
    "WHERE x.target_id = new.data_id ON CONFLICT (dataset_version_id, tag_id) DO UPDATE SET n = version_tag.n + 1; END;"
    "CREATE TRIGGER asset_gone AFTER DELETE ON asset BEGIN DELETE FROM tagged WHERE target_id = old.id; "
    "UPDATE dataset_version SET n_assets = n_assets - 1 WHERE id = old.dataset_version_id; "
    "UPDATE version_tag SET n = n - 1 WHERE dataset_version_id = old.dataset_version_id AND tag_id IN (SELECT x.tag_id FROM "
    "tagged x WHERE x.target_id = old.data_id); END;"
    "CREATE TRIGGER tagged_made AFTER INSERT ON tagged BEGIN INSERT INTO version_tag (dataset_version_id, tag_id, n) SELECT "
    "a.dataset_version_id, new.tag_id, 1 FROM asset a WHERE a.data_id = new.target_id ON CONFLICT (dataset_version_id, tag_id) DO "
    "UPDATE SET n = version_tag.n + 1; END;"
    "CREATE TRIGGER tagged_gone AFTER DELETE ON tagged BEGIN UPDATE version_tag SET n = n - 1 WHERE tag_id = old.tag_id AND "
    "dataset_version_id IN (SELECT a.dataset_version_id FROM asset a WHERE a.data_id = old.target_id); END";
#define KEEP_IN_ASSET                                                                                                              \
    "UPDATE asset SET n_shapes = new.n_shapes, status = new.status WHERE id = new.asset_id AND (n_shapes <> new.n_shapes OR "      \
    "coalesce(status, '') <> new.status);"
static const char sorted_annotations[] =
    "CREATE INDEX annotation_duration ON annotation_row (dataset_version_id, duration, id, batch);"
    "CREATE INDEX annotation_revision ON annotation_row (dataset_version_id, revision, id, batch);"
    "ALTER TABLE batch ADD COLUMN n_new INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE batch ADD COLUMN n_old INTEGER NOT NULL DEFAULT 0;"
    "UPDATE batch SET n_new = (SELECT count(*) FROM annotation_row n WHERE n.dataset_version_id = batch.dataset_version_id AND "
    "n.batch "
    "= batch.id), n_old = (SELECT count(*) FROM annotation_row n WHERE n.dataset_version_id = batch.dataset_version_id AND n.batch "
    "= "
    "-batch.id);"
    "DROP TRIGGER annotation_gone;"
    "CREATE TRIGGER annotation_made AFTER INSERT ON annotation_row WHEN new.batch = 0 BEGIN " KEEP_IN_ASSET
    " UPDATE dataset_version SET n_annotated = n_annotated + 1 WHERE id = new.dataset_version_id; END;"
    "CREATE TRIGGER annotation_made_hidden AFTER INSERT ON annotation_row WHEN new.batch > 0 BEGIN UPDATE batch SET n_new = n_new "
    "+ 1 "
    "WHERE id = new.batch; END;"
    "CREATE TRIGGER annotation_changed AFTER UPDATE OF status, n_shapes, batch ON annotation_row WHEN new.batch = 0 OR new.batch "
    "IN "
    "(SELECT batch FROM batch_shown) BEGIN " KEEP_IN_ASSET " END;"
    "CREATE TRIGGER annotation_replaced AFTER UPDATE OF batch ON annotation_row WHEN new.batch < 0 BEGIN UPDATE batch SET n_old = "
    "n_old + 1 WHERE id = -new.batch; END;"
    "CREATE TRIGGER annotation_back AFTER UPDATE OF batch ON annotation_row WHEN old.batch < 0 BEGIN UPDATE batch SET n_old = "
    "n_old - "
    "1 WHERE id = -old.batch; END;"
    "CREATE TRIGGER annotation_gone AFTER DELETE ON annotation_row BEGIN DELETE FROM metadata_value WHERE owner_id = old.id;"
    " UPDATE batch SET n_new = n_new - 1 WHERE id = old.batch; UPDATE batch SET n_old = n_old - 1 WHERE id = -old.batch; END;"
    "CREATE TRIGGER annotation_gone_shown AFTER DELETE ON annotation_row WHEN old.batch = 0 OR old.batch IN (SELECT batch FROM "
    "batch_shown) BEGIN UPDATE asset SET n_shapes = 0, status = NULL WHERE id = old.asset_id; UPDATE dataset_version SET "
    "n_annotated = "
    "n_annotated - 1 WHERE id = old.dataset_version_id; END";
#define CHANGED(row, sign, column, status) column " = " column " " sign " CASE WHEN " row ".status = '" status "' THEN 1 ELSE 0 END"
#define COUNT_STATUS(row, sign)                                                                                                    \
    "UPDATE deployment SET " CHANGED(row, sign, "n_to_review", "TO_REVIEW") ", " CHANGED(                                          \
        row, sign, "n_reviewed", "REVIEWED") ", " CHANGED(row, sign, "n_submitted", "SUBMITTED") " WHERE id = " row                \
                                                                                                 ".deployment_id;"
#define HAS_STATUS(status)                                                                                                         \
    "(SELECT count(*) FROM predicted_asset a WHERE a.deployment_id = deployment.id AND a.status = '" status "')"
static const char sorted_predictions[] =
    "ALTER TABLE predicted_asset ADD COLUMN filename TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE predicted_asset ADD COLUMN width INTEGER;"
    "ALTER TABLE predicted_asset ADD COLUMN height INTEGER;"
    "ALTER TABLE predicted_asset ADD COLUMN latency REAL;"
    "ALTER TABLE predicted_asset ADD COLUMN n_shapes INTEGER NOT NULL DEFAULT 0;"
    "UPDATE predicted_asset SET filename = coalesce((SELECT d.filename FROM data d WHERE d.id = data_id), ''),"
    " width = (SELECT d.width FROM data d WHERE d.id = data_id), height = (SELECT d.height FROM data d WHERE d.id = data_id),"
    " latency = (SELECT p.latency FROM prediction p WHERE p.predicted_asset_id = predicted_asset.id AND p.is_shadow = 0),"
    " n_shapes = (SELECT count(*) FROM prediction p JOIN prediction_shape h ON h.prediction_id = p.id WHERE p.predicted_asset_id = "
    "predicted_asset.id AND p.is_shadow = 0);"
    "CREATE INDEX predicted_asset_filename ON predicted_asset (deployment_id, filename, id);"
    "CREATE INDEX predicted_asset_width ON predicted_asset (deployment_id, width, id);"
    "CREATE INDEX predicted_asset_height ON predicted_asset (deployment_id, height, id);"
    "CREATE INDEX predicted_asset_latency ON predicted_asset (deployment_id, latency, id);"
    "CREATE INDEX predicted_asset_shapes ON predicted_asset (deployment_id, n_shapes, id);"
    "CREATE INDEX predicted_asset_source ON predicted_asset (deployment_id, source, id);"
    "CREATE INDEX predicted_asset_submitted ON predicted_asset (deployment_id, submitted_at, id);"
    "ALTER TABLE deployment ADD COLUMN n_to_review INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE deployment ADD COLUMN n_reviewed INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE deployment ADD COLUMN n_submitted INTEGER NOT NULL DEFAULT 0;"
    "UPDATE deployment SET n_to_review = " HAS_STATUS("TO_REVIEW") ", n_reviewed = " HAS_STATUS(
        "REVIEWED") ", n_submitted = " HAS_STATUS("SUBMITTED") ";"
                                                               "DROP TRIGGER predicted_asset_gone;"
                                                               "CREATE TRIGGER predicted_asset_made AFTER INSERT ON "
                                                               "predicted_asset BEGIN " COUNT_STATUS(
                                                                   "new",
                                                                   "+") " END;"
                                                                        "CREATE TRIGGER predicted_asset_moved AFTER UPDATE OF "
                                                                        "status ON predicted_asset WHEN old.status <> new.status "
                                                                        "BEGIN " COUNT_STATUS("old", "-") " " COUNT_STATUS(
                                                                            "new", "+") " END;"
                                                                                        "CREATE TRIGGER predicted_asset_gone AFTER "
                                                                                        "DELETE ON predicted_asset BEGIN DELETE "
                                                                                        "FROM tagged WHERE target_id = old.id; "
                                                                                        "DELETE FROM metadata_value WHERE owner_id "
                                                                                        "= old.id; " COUNT_STATUS("old",
                                                                                                                  "-") " END";

static const char sorted_looks[] =
    "ALTER TABLE predicted_asset ADD COLUMN brightness REAL;"
    "ALTER TABLE predicted_asset ADD COLUMN contrast REAL;"
    "ALTER TABLE predicted_asset ADD COLUMN sharpness REAL;"
    "ALTER TABLE predicted_asset ADD COLUMN saturation REAL;"
    "ALTER TABLE predicted_asset ADD COLUMN score_mean REAL;"
    "ALTER TABLE predicted_asset ADD COLUMN score_max REAL;"
    "UPDATE predicted_asset SET brightness = (SELECT k.brightness FROM image_look k WHERE k.data_id = predicted_asset.data_id),"
    " contrast = (SELECT k.contrast FROM image_look k WHERE k.data_id = predicted_asset.data_id),"
    " sharpness = (SELECT k.sharpness FROM image_look k WHERE k.data_id = predicted_asset.data_id),"
    " saturation = (SELECT k.saturation FROM image_look k WHERE k.data_id = predicted_asset.data_id),"
    " score_mean = (SELECT avg(h.score) FROM prediction p JOIN prediction_shape h ON h.prediction_id = p.id WHERE p.is_shadow = 0 "
    "AND "
    "p.predicted_asset_id = predicted_asset.id),"
    " score_max = (SELECT max(h.score) FROM prediction p JOIN prediction_shape h ON h.prediction_id = p.id WHERE p.is_shadow = 0 "
    "AND "
    "p.predicted_asset_id = predicted_asset.id);"
    "CREATE INDEX predicted_asset_brightness ON predicted_asset (deployment_id, brightness, id);"
    "CREATE INDEX predicted_asset_contrast ON predicted_asset (deployment_id, contrast, id);"
    "CREATE INDEX predicted_asset_sharpness ON predicted_asset (deployment_id, sharpness, id);"
    "CREATE INDEX predicted_asset_saturation ON predicted_asset (deployment_id, saturation, id);"
    "CREATE INDEX predicted_asset_score_mean ON predicted_asset (deployment_id, score_mean, id);"
    "CREATE INDEX predicted_asset_score_max ON predicted_asset (deployment_id, score_max, id);"
    "CREATE INDEX predicted_asset_ratio ON predicted_asset (deployment_id, (width * 1.0 / nullif(height, 0)), id);"
    "CREATE INDEX predicted_asset_area ON predicted_asset (deployment_id, (width * height), id);"
    "CREATE TRIGGER image_look_made AFTER INSERT ON image_look BEGIN UPDATE predicted_asset SET brightness = new.brightness, "
    "contrast = new.contrast, sharpness = new.sharpness, saturation = new.saturation WHERE data_id = new.data_id; END";

static enum err events_of_organizations(struct sql *db, struct arena *a)
{
    return schema_rebuild(
        db, a, "event",
        "CREATE TABLE new_event (id INTEGER PRIMARY KEY AUTOINCREMENT, org TEXT NOT NULL, topic TEXT NOT NULL, json "
        "TEXT NOT NULL, at INTEGER NOT NULL) STRICT",
        "id, org, topic, json, at", "id, (SELECT o.id FROM organization o ORDER BY o.created_at LIMIT 1), topic, json, at");
}

/* One that would then be called like another keeps its name: which of the two to give up is not for a program to say. */
static enum err compose_names(struct sql *db, struct arena *a, const char *select, const char *update)
{
    AUTO(rows) struct rows *r = NULL;
    AUTO(text) struct text found;
    text_init(&found, (size_t)1 << 30);
    TRY(sql_rows_text(db, &r, select, NULL, 0));
    while (rows_next(r)) /* written after it was read: no row is come by twice */
        if (unicode_nfc(a, rows_text(r, 1)) != rows_text(r, 1)) {
            const char *composed = unicode_nfc(a, rows_text(r, 1));
            text_bytes(&found, rows_text(r, 0), strlen(rows_text(r, 0)) + 1);
            text_bytes(&found, composed, strlen(composed) + 1);
        }
    TRY(rows_error(r));
    for (const char *id = found.bytes, *name; id && id < found.bytes + found.n; id = name + strlen(name) + 1) {
        name = id + strlen(id) + 1;
        TRY(sql_run_text(db, update, VALUES(V(id), V(name))));
    }
    return OK;
}

static enum err names_composed(struct sql *db, struct arena *a)
{
    TRY(compose_names(db, a, "SELECT id, name FROM tag",
                      "UPDATE tag SET name = ?2 WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM tag o WHERE o.scope = tag.scope AND "
                      "o.target_type = tag.target_type AND o.name = ?2)"));
    return compose_names(db, a, "SELECT id, name FROM data_source",
                         "UPDATE data_source SET name = ?2 WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM data_source o WHERE "
                         "o.org = data_source.org AND o.name = ?2)");
}

/* Old ones were of a deployment's latency, of the last prediction or of the mean of a hundred. */
static const char alerts_of_any_figure[] =
    "CREATE TABLE served_minute (deployment_id TEXT NOT NULL REFERENCES deployment(id) ON DELETE CASCADE, minute INTEGER "
    "NOT NULL, answered INTEGER NOT NULL, refused INTEGER NOT NULL, last_at INTEGER, PRIMARY KEY (deployment_id, minute)) "
    "STRICT, WITHOUT ROWID;"
    "ALTER TABLE alert RENAME TO old_alert; DROP INDEX alert_of;"
    "CREATE TABLE alert (id TEXT PRIMARY KEY, deployment_id TEXT NOT NULL REFERENCES deployment(id) ON DELETE CASCADE, "
    "metric TEXT NOT NULL, label TEXT, operator TEXT NOT NULL, value REAL NOT NULL, window_predictions INTEGER, "
    "window_seconds INTEGER, min_count INTEGER NOT NULL, hold_seconds INTEGER NOT NULL, active INTEGER NOT NULL, "
    "emails TEXT NOT NULL, webhooks INTEGER NOT NULL, says TEXT NOT NULL, "
    "state TEXT NOT NULL DEFAULT 'OK' CHECK (state IN ('OK', 'PENDING', 'FIRING')), since INTEGER NOT NULL, "
    "told INTEGER NOT NULL DEFAULT 0, last_value REAL, last_count INTEGER NOT NULL DEFAULT 0, seen TEXT, looked_at "
    "INTEGER, triggered_at INTEGER, acknowledged_at INTEGER, acknowledged_by TEXT, muted_until INTEGER, created_at "
    "INTEGER NOT NULL, created_by TEXT) STRICT;"
    "INSERT INTO alert (id, deployment_id, metric, operator, value, window_predictions, min_count, hold_seconds, active, "
    "emails, webhooks, says, since, last_value, triggered_at, created_at, created_by) SELECT id, deployment_id, metric, "
    "operator, value, CASE metric WHEN 'latency' THEN 1 ELSE 100 END, 1, 0, active, '[]', 1, "
    "CASE metric WHEN 'latency' THEN 'Latency of the last prediction is ' ELSE 'Mean latency of the last 100 predictions is "
    "' END || CASE operator WHEN '<' THEN 'below ' WHEN '<=' THEN 'at most ' WHEN '>' THEN 'above ' ELSE 'at least ' END || "
    "printf('%g ms', value), created_at, last_value, triggered_at, created_at, created_by FROM old_alert;"
    "DROP TABLE old_alert;"
    "CREATE INDEX alert_of ON alert (deployment_id);"
    "CREATE INDEX alert_state ON alert (state) WHERE state <> 'OK';"
    "CREATE TABLE alert_change (id TEXT PRIMARY KEY, alert_id TEXT NOT NULL REFERENCES alert(id) ON DELETE CASCADE, "
    "at INTEGER NOT NULL, state TEXT NOT NULL, value REAL, count INTEGER NOT NULL, why TEXT NOT NULL) STRICT;"
    "CREATE INDEX alert_change_of ON alert_change (alert_id, id)";

static const char told_sql[] =
    "CREATE TABLE webhook (id TEXT PRIMARY KEY, org TEXT NOT NULL REFERENCES organization(id), url TEXT NOT NULL, events TEXT NOT "
    "NULL, secret TEXT NOT NULL, hint TEXT NOT NULL, active INTEGER NOT NULL, last_at INTEGER, last_status INTEGER, last_error "
    "TEXT, created_at INTEGER NOT NULL, created_by TEXT) STRICT;"
    "CREATE INDEX webhook_of ON webhook (org);"
    "CREATE TABLE delivery (id TEXT PRIMARY KEY, org TEXT NOT NULL REFERENCES organization(id), target TEXT NOT NULL, webhook_id "
    "TEXT REFERENCES webhook(id) ON DELETE CASCADE, address TEXT, event TEXT NOT NULL, subject TEXT, body TEXT NOT NULL, state "
    "TEXT NOT NULL CHECK (state IN ('WAITING', 'DELIVERED', 'FAILED')), tries INTEGER NOT NULL, next_at INTEGER NOT NULL, status "
    "INTEGER, answer TEXT, error TEXT, created_at INTEGER NOT NULL, ended_at INTEGER) STRICT;"
    "CREATE INDEX delivery_due ON delivery (target, next_at, id) WHERE state = 'WAITING';"
    "CREATE INDEX delivery_of ON delivery (target, id);"
    "CREATE INDEX delivery_of_webhook ON delivery (webhook_id, id);"
    "CREATE TABLE mail_server (org TEXT PRIMARY KEY REFERENCES organization(id), host TEXT NOT NULL, port INTEGER NOT NULL, "
    "security TEXT NOT NULL CHECK (security IN ('TLS', 'STARTTLS', 'NONE')), username TEXT, password TEXT, sender TEXT NOT NULL, "
    "updated_at INTEGER NOT NULL) STRICT";

static enum err labels_composed(struct sql *db, struct arena *a)
{
    TRY(compose_names(db, a, "SELECT id, name FROM label",
                      "UPDATE label SET name = ?2 WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM label o WHERE o.dataset_version_id ="
                      " label.dataset_version_id AND o.name = ?2)"));
    TRY(compose_names(db, a, "SELECT id, name FROM label_group",
                      "UPDATE label_group SET name = ?2 WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM label_group o WHERE"
                      " o.dataset_version_id = label_group.dataset_version_id AND o.name = ?2)"));
    return compose_names(db, a, "SELECT id, name FROM deployment_label",
                         "UPDATE deployment_label SET name = ?2 WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM deployment_label o"
                         " WHERE o.deployment_id = deployment_label.deployment_id AND o.name = ?2)");
}

/* Two tables get other words in a CHECK; a decision may be about one model, and without a score. */
static enum err trainings_by_triggers(struct sql *db, struct arena *a)
{
    TRY(sql_script(db, "ALTER TABLE pipeline ADD COLUMN ct_every_hours INTEGER; ALTER TABLE pipeline ADD COLUMN ct_weekday INTEGER;"
                       "ALTER TABLE pipeline ADD COLUMN ct_hour INTEGER; ALTER TABLE pipeline ADD COLUMN ct_metric TEXT;"
                       "ALTER TABLE pipeline ADD COLUMN ct_below REAL; ALTER TABLE pipeline ADD COLUMN ct_reviews INTEGER;"
                       "ALTER TABLE pipeline ADD COLUMN ct_rest_hours INTEGER; ALTER TABLE pipeline ADD COLUMN ct_at INTEGER;"
                       "ALTER TABLE pipeline ADD COLUMN ct_user_id TEXT; ALTER TABLE pipeline ADD COLUMN ct_seen TEXT;"
                       "ALTER TABLE pipeline ADD COLUMN cd_tests INTEGER NOT NULL DEFAULT 1;"
                       "ALTER TABLE pipeline ADD COLUMN cd_test_version_id TEXT REFERENCES dataset_version(id) ON DELETE SET NULL;"
                       "ALTER TABLE pipeline ADD COLUMN cd_margin REAL NOT NULL DEFAULT 0;"
                       "ALTER TABLE pipeline ADD COLUMN cd_confidence REAL NOT NULL DEFAULT 0.95;"
                       "CREATE INDEX predicted_asset_new ON predicted_asset (deployment_id, submitted_at) WHERE status ="
                       " 'SUBMITTED' AND retraining_id IS NULL"));
    TRY(schema_rebuild(
        db, a, "retraining",
        "CREATE TABLE new_retraining (id TEXT PRIMARY KEY, deployment_id TEXT NOT NULL REFERENCES deployment(id) ON"
        " DELETE CASCADE, experiment_id TEXT UNIQUE REFERENCES experiment(id) ON DELETE SET NULL, experiment_name TEXT"
        " NOT NULL, state TEXT NOT NULL CHECK (state IN ('RUNNING', 'TESTING', 'DONE', 'FAILED')), error TEXT,"
        " model_version_id TEXT REFERENCES model_version(id) ON DELETE SET NULL, nb_images INTEGER NOT NULL, created_at"
        " INTEGER NOT NULL, ended_at INTEGER, cause TEXT, says TEXT NOT NULL DEFAULT '') STRICT",
        "id, deployment_id, experiment_id, experiment_name, state, error, model_version_id, nb_images, created_at,"
        " ended_at",
        "id, deployment_id, experiment_id, experiment_name, state, error, model_version_id, nb_images, created_at,"
        " ended_at"));
    return schema_rebuild(
        db, a, "decision",
        "CREATE TABLE new_decision (id TEXT PRIMARY KEY, deployment_id TEXT NOT NULL REFERENCES deployment(id) ON DELETE CASCADE,"
        " created_at INTEGER NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('TRAINING', 'PASSED', 'REFUSED', 'PROMOTED', 'KEPT',"
        " 'ROLLED_BACK', 'STAYED')), model_version_id TEXT NOT NULL, against_id TEXT, images INTEGER NOT NULL, metric TEXT, score"
        " REAL, against REAL, better REAL, confidence REAL, says TEXT NOT NULL) STRICT",
        "id, deployment_id, created_at, kind, model_version_id, against_id, images, metric, score, against, better, confidence, "
        "says",
        "id, deployment_id, created_at, kind, model_version_id, against_id, images, metric, score, against, better, confidence, "
        "says");
}

static enum err steered(struct sql *db, struct arena *a)
{
    TRY(sql_script(db, "ALTER TABLE deployment ADD COLUMN former_model_version_id TEXT REFERENCES model_version(id) ON DELETE SET"
                       " NULL;"
                       "ALTER TABLE deployment ADD COLUMN canary_share REAL NOT NULL DEFAULT 0;"
                       "ALTER TABLE deployment ADD COLUMN own_serving INTEGER NOT NULL DEFAULT 0;"
                       "ALTER TABLE predicted_asset ADD COLUMN canary INTEGER NOT NULL DEFAULT 0;"
                       "ALTER TABLE shadow_todo ADD COLUMN is_shadow INTEGER NOT NULL DEFAULT 1"));
    return schema_rebuild(
        db, a, "decision",
        "CREATE TABLE new_decision (id TEXT PRIMARY KEY, deployment_id TEXT NOT NULL REFERENCES deployment(id) ON DELETE CASCADE,"
        " created_at INTEGER NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('TRAINING', 'PASSED', 'REFUSED', 'PROMOTED', 'KEPT',"
        " 'ROLLED_BACK', 'STAYED', 'CHAMPION', 'SHADOW', 'CANARY', 'PAUSED', 'RESUMED')), model_version_id TEXT NOT NULL, "
        "against_id"
        " TEXT, images INTEGER NOT NULL, metric TEXT, score REAL, against REAL, better REAL, confidence REAL, says TEXT NOT NULL,"
        " created_by TEXT) STRICT",
        "id, deployment_id, created_at, kind, model_version_id, against_id, images, metric, score, against, better, confidence, "
        "says",
        "id, deployment_id, created_at, kind, model_version_id, against_id, images, metric, score, against, better, confidence, "
        "says");
}

const struct migration migrations[] = {
    { 1, "the first release" },
    { 2, "the database says its version by a number", "ALTER TABLE schema_of ADD COLUMN version INTEGER NOT NULL DEFAULT 1" },
    { 3, "a prediction keeps the custom metadata that came with its image",
      "ALTER TABLE predicted_asset ADD COLUMN custom_metadata TEXT" },
    { 4, "jobs run in named lanes, and count their tries anew when they came further",
      "DROP INDEX job_waiting;"
      "ALTER TABLE job ADD COLUMN lane TEXT NOT NULL DEFAULT 'quick';"
      "ALTER TABLE job ADD COLUMN furthest REAL NOT NULL DEFAULT 0;"
      "UPDATE job SET lane = CASE kind WHEN 'train' THEN 'training' WHEN 'import_annotations' THEN 'files' ELSE 'quick' END;"
      "ALTER TABLE job DROP COLUMN slow;"
      "CREATE INDEX job_waiting ON job (lane, created_at) WHERE status IN ('PENDING', 'RUNNING')" },
    { 5, "imports write annotations in short steps and show them at once", .run = batch_migrate, .rebuilds = true },
    { 6, "large things are deleted at once for everybody, and emptied later",
      "CREATE TABLE gone (id TEXT PRIMARY KEY, within TEXT NOT NULL) STRICT, WITHOUT ROWID" },
    { 7, "a new label asks for the last position of its version only",
      "CREATE INDEX label_of_version ON label (dataset_version_id, position)" },
    { 8, "triggers and queues work in any database", plain_sql },
    { 9, "changes of very many things are written down and done in slices",
      "CREATE TABLE bulk (job_id TEXT PRIMARY KEY, slices INTEGER NOT NULL, slice INTEGER NOT NULL, item INTEGER NOT NULL,"
      " counted INTEGER NOT NULL, undoing INTEGER NOT NULL, tells TEXT, why TEXT, created_at INTEGER NOT NULL) STRICT;"
      "CREATE TABLE bulk_slice (job_id TEXT NOT NULL REFERENCES bulk(job_id) ON DELETE CASCADE, n INTEGER NOT NULL, ids TEXT NOT "
      "NULL,"
      " PRIMARY KEY (job_id, n)) STRICT, WITHOUT ROWID" },
    { 10, "jobs say what they work on", "ALTER TABLE job ADD COLUMN about_id TEXT; ALTER TABLE job ADD COLUMN about TEXT" },
    { 11, "evaluated shapes are rows of their own", .run = evaluation_migrate },
    { 12, "lists are answered from indexes in every order",
      "DROP INDEX data_source_of; DROP INDEX annotation_sizes; DROP INDEX predicted_asset_time;"
      "DROP INDEX predicted_asset_status;"
      "CREATE INDEX data_source_of ON data (data_source_id, id);"
      "CREATE INDEX data_created ON data (datalake_id, created_at, id);"
      "CREATE INDEX data_size ON data (datalake_id, size, id);"
      "CREATE INDEX data_width ON data (datalake_id, width, id);"
      "CREATE INDEX data_height ON data (datalake_id, height, id);"
      "CREATE INDEX data_kind ON data (datalake_id, content_type, id);"
      "CREATE INDEX data_status ON data (datalake_id, upload_status, id);"
      "CREATE INDEX asset_created ON asset (dataset_version_id, created_at, id);"
      "CREATE INDEX annotation_sizes ON annotation_row (dataset_version_id, n_shapes, asset_id, batch);"
      "CREATE INDEX annotation_status ON annotation_row (dataset_version_id, status, id, batch, asset_id);"
      "CREATE INDEX annotation_created ON annotation_row (dataset_version_id, created_at, id, batch);"
      "CREATE INDEX annotation_updated ON annotation_row (dataset_version_id, updated_at, id, batch);"
      "CREATE INDEX predicted_asset_time ON predicted_asset (deployment_id, created_at, id);"
      "CREATE INDEX predicted_asset_status ON predicted_asset (deployment_id, status, id);"
      "CREATE INDEX prediction_shape_label ON prediction_shape (label_id, prediction_id);"
      "CREATE INDEX review_shape_label ON review_shape (label_id, review_id)" },
    { 13, "a line of a log knows how many points it has",
      "ALTER TABLE log ADD COLUMN n_points INTEGER NOT NULL DEFAULT 0;"
      "UPDATE log SET n_points = (SELECT count(*) FROM log_point p WHERE p.log_id = log.id)" },
    { 14, "what refers to an image, a model or a training is found without a search",
      "CREATE INDEX predicted_asset_retraining ON predicted_asset (retraining_id) WHERE retraining_id IS NOT NULL;"
      "CREATE INDEX prediction_of_model ON prediction (model_version_id);"
      "CREATE INDEX evaluation_of_asset ON evaluation (asset_id)" },
    { 15, "what deployments said is summed up by the hour", .run = hours_migrate },
    { 16, "people belong to organizations, and access is given on single things",
      "ALTER TABLE user RENAME TO person;"
      "ALTER TABLE person RENAME COLUMN org TO home;"
      "CREATE TABLE member (person_id TEXT NOT NULL REFERENCES person(id) ON DELETE CASCADE, org TEXT NOT NULL REFERENCES "
      "organization(id), role TEXT NOT NULL CHECK (role IN ('viewer', 'annotator', 'member', 'admin', 'owner')), created_at "
      "INTEGER NOT NULL, PRIMARY KEY (person_id, org)) STRICT;"
      "CREATE INDEX member_org ON member (org);"
      "INSERT INTO member (person_id, org, role, created_at) SELECT id, home, role, created_at FROM person;"
      "ALTER TABLE person DROP COLUMN role;"
      "CREATE TABLE access (person_id TEXT NOT NULL REFERENCES person(id) ON DELETE CASCADE, thing_id TEXT NOT NULL, kind TEXT "
      "NOT "
      "NULL, org TEXT NOT NULL REFERENCES organization(id), role TEXT NOT NULL CHECK (role IN ('viewer', 'annotator', 'member', "
      "'admin')), given_by TEXT, created_at INTEGER NOT NULL, PRIMARY KEY (person_id, thing_id)) STRICT;"
      "CREATE INDEX access_thing ON access (thing_id);"
      "ALTER TABLE session ADD COLUMN org TEXT REFERENCES organization(id)" },
    { 17, "events have an organization", NULL, events_of_organizations, true },
    { 18, "what was put up for a job that is cancelled before it runs is cleared away",
      "CREATE INDEX job_to_clear ON job (lane) WHERE cancel = 2" },
    { 19, "people save views of their own",
      "CREATE TABLE saved_view (id TEXT PRIMARY KEY, org TEXT NOT NULL REFERENCES organization(id), person_id TEXT NOT NULL "
      "REFERENCES person(id) ON DELETE CASCADE, page TEXT NOT NULL, name TEXT NOT NULL, q TEXT NOT NULL, order_by TEXT, created_at "
      "INTEGER NOT NULL, UNIQUE (org, person_id, page, name)) STRICT" },
    { 20, "tags and sources are the same in either form of an accent", .run = names_composed },
    { 21, "jobs say what they read besides", "ALTER TABLE job ADD COLUMN reads_id TEXT" },
    { 22, "keys of metadata are found by an index", kept_sql, kept_migrate },
    { 23, "alerts watch any figure over a window, with a state and a history", alerts_of_any_figure },
    { 24, "shapes are counted once for all that a change writes",
      "DROP TRIGGER shape_made; DROP TRIGGER shape_gone; DROP TRIGGER shape_gone_of_batch;"
      "CREATE TABLE batch_part (batch INTEGER NOT NULL, annotation_id TEXT NOT NULL, PRIMARY KEY (batch, annotation_id)) STRICT;"
      "CREATE TRIGGER annotation_leaves BEFORE DELETE ON annotation_row WHEN old.batch = 0 OR old.batch IN (SELECT batch FROM "
      "batch_shown) BEGIN UPDATE label SET n_shapes = n_shapes - (SELECT count(*) FROM shape_row h WHERE h.label_id = label.id AND "
      "h.asset_id = old.asset_id AND (h.batch = 0 OR h.batch IN (SELECT batch FROM batch_shown))) WHERE id IN (SELECT h.label_id "
      "FROM shape_row h WHERE h.asset_id = old.asset_id); END;"
      "CREATE TRIGGER annotation_leaves_batch BEFORE DELETE ON annotation_row WHEN EXISTS (SELECT 1 FROM batch_label) BEGIN UPDATE "
      "batch_label SET n = n - (SELECT count(*) FROM shape_row h WHERE h.label_id = batch_label.label_id AND h.asset_id = "
      "old.asset_id AND h.batch = batch_label.batch AND h.annotation_id = old.id) WHERE (batch, label_id) IN (SELECT h.batch, "
      "h.label_id FROM shape_row h WHERE h.annotation_id = old.id AND h.batch <> 0); END;" },
    { 25, "deployments are watched for drift",
      "CREATE TABLE image_look (data_id TEXT PRIMARY KEY REFERENCES data(id) ON DELETE CASCADE, brightness REAL, contrast REAL,"
      " sharpness REAL, saturation REAL) STRICT, WITHOUT ROWID;"
      "CREATE TABLE look_todo (id TEXT PRIMARY KEY, data_id TEXT NOT NULL UNIQUE REFERENCES data(id) ON DELETE CASCADE) STRICT;"
      "CREATE TABLE drift (id TEXT PRIMARY KEY REFERENCES deployment(id) ON DELETE CASCADE, active INTEGER NOT NULL DEFAULT 1,"
      " alpha REAL NOT NULL DEFAULT 0.001, window_size INTEGER NOT NULL DEFAULT 100, step_size INTEGER NOT NULL DEFAULT 10,"
      " compares_with TEXT NOT NULL DEFAULT 'TRAINING' CHECK (compares_with IN ('TRAINING', 'FIRST_PREDICTIONS')),"
      " fresh INTEGER NOT NULL DEFAULT 0, due INTEGER NOT NULL DEFAULT 0, allowance REAL NOT NULL DEFAULT 16,"
      " allowance_at INTEGER NOT NULL DEFAULT 0, training_version_id TEXT, waits_for TEXT) STRICT;"
      "CREATE TABLE drift_reference (deployment_id TEXT NOT NULL REFERENCES deployment(id) ON DELETE CASCADE,"
      " data_id TEXT NOT NULL REFERENCES data(id) ON DELETE CASCADE, PRIMARY KEY (deployment_id, data_id)) STRICT, WITHOUT ROWID;"
      "CREATE INDEX drift_reference_data ON drift_reference (data_id);"
      "CREATE TABLE drift_check (id TEXT PRIMARY KEY, deployment_id TEXT NOT NULL REFERENCES deployment(id) ON DELETE CASCADE,"
      " created_at INTEGER NOT NULL, drifted INTEGER NOT NULL, alarm INTEGER NOT NULL, n_tested INTEGER NOT NULL, detail TEXT)"
      " STRICT;"
      "CREATE INDEX drift_check_time ON drift_check (deployment_id, created_at, id);"
      "CREATE TABLE drift_value (check_id TEXT NOT NULL REFERENCES drift_check(id) ON DELETE CASCADE, feature TEXT NOT NULL,"
      " d REAL NOT NULL, p REAL NOT NULL, limit_d REAL NOT NULL, drifted INTEGER NOT NULL, PRIMARY KEY (check_id, feature))"
      " STRICT, WITHOUT ROWID;"
      "INSERT INTO drift (id, due) SELECT id, 1 FROM deployment" },
    { 26, "assets are sorted by an index, and versions know how many they have", sorted_assets },
    { 27, "annotations tell their assets and versions", sorted_annotations },
    { 28, "predictions are sorted by an index, and deployments know how many they have", sorted_predictions },
    { 29, "models may say their own type and framework",
      "ALTER TABLE model ADD COLUMN type TEXT; ALTER TABLE model ADD COLUMN framework TEXT" },
    { 30, "predictions are sorted by how their images look and how sure the champion was", sorted_looks },
    { 31, "experiments keep what they learnt from when it is deleted",
      "CREATE TABLE experiment_source (experiment_id TEXT NOT NULL REFERENCES experiment(id) ON DELETE CASCADE, name TEXT NOT NULL,"
      " kind TEXT NOT NULL CHECK (kind IN ('dataset version', 'model version')), thing_id TEXT NOT NULL, origin_name TEXT NOT "
      "NULL, version TEXT NOT NULL,"
      " nb_assets INTEGER, nb_objects INTEGER, labels TEXT, kept_at INTEGER NOT NULL, PRIMARY KEY (experiment_id, kind, name)) "
      "STRICT;"
      "INSERT INTO experiment_source (experiment_id, name, kind, thing_id, origin_name, version, nb_assets, nb_objects, kept_at) "
      "SELECT "
      "x.experiment_id, x.name, 'dataset version', v.id, s.name, v.version, v.n_assets, (SELECT "
      "coalesce(sum(l.n_shapes), "
      "0) FROM label l WHERE l.dataset_version_id = v.id), x.created_at FROM experiment_dataset x JOIN dataset_version v ON v.id = "
      "x.dataset_version_id JOIN dataset s ON s.id = v.dataset_id;"
      "INSERT INTO experiment_source (experiment_id, name, kind, thing_id, origin_name, version, kept_at) SELECT e.id, 'base "
      "model', 'model "
      "version', v.id, m.name, v.version, e.created_at FROM experiment e JOIN model_version v ON v.id = "
      "e.base_model_version_id JOIN model m ON m.id = v.model_id" },
    { 32, "webhooks and letters tell what happens", told_sql },
    { 33, "shadows take over and champions go by what reviews say",
      "CREATE TABLE gate (id TEXT PRIMARY KEY REFERENCES deployment(id) ON DELETE CASCADE, promotes INTEGER NOT NULL DEFAULT 0,"
      " rolls_back INTEGER NOT NULL DEFAULT 0, reviews INTEGER NOT NULL DEFAULT 50, margin REAL NOT NULL DEFAULT 0,"
      " confidence REAL NOT NULL DEFAULT 0.95, champion_id TEXT, shadow_id TEXT, shadow_looks INTEGER NOT NULL DEFAULT 0,"
      " former_id TEXT, former_low REAL, champion_since INTEGER NOT NULL DEFAULT 0, champion_looks INTEGER NOT NULL DEFAULT 0,"
      " seen TEXT) STRICT, WITHOUT ROWID;"
      "CREATE TABLE decision (id TEXT PRIMARY KEY, deployment_id TEXT NOT NULL REFERENCES deployment(id) ON DELETE CASCADE,"
      " created_at INTEGER NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('PROMOTED', 'KEPT', 'ROLLED_BACK', 'STAYED')),"
      " model_version_id TEXT NOT NULL, against_id TEXT NOT NULL, images INTEGER NOT NULL, metric TEXT NOT NULL, score REAL NOT "
      "NULL,"
      " against REAL NOT NULL, better REAL, confidence REAL NOT NULL, says TEXT NOT NULL) STRICT;"
      "CREATE INDEX decision_of ON decision (deployment_id, id);"
      "INSERT INTO gate (id, champion_id) SELECT id, model_version_id FROM deployment" },
    { 34, "labels are the same in either form of an accent", .run = labels_composed },
    { 35, "tokens may be for one deployment alone",
      "ALTER TABLE api_token ADD COLUMN thing_id TEXT;"
      "CREATE INDEX api_token_thing ON api_token (thing_id) WHERE thing_id IS NOT NULL" },
    { 36, "trainings start by schedule, drift or what reviews say, and a new model is tested before it is put to work",
      .run = trainings_by_triggers, .rebuilds = true },
    { 37, "reviewers get what teaches most, and a share that chance chose",
      "ALTER TABLE deployment ADD COLUMN review_share REAL NOT NULL DEFAULT 0.2;"
      "ALTER TABLE predicted_asset ADD COLUMN uncertainty REAL;"
      "ALTER TABLE predicted_asset ADD COLUMN disagreement REAL;"
      "ALTER TABLE predicted_asset ADD COLUMN draw REAL NOT NULL DEFAULT 0;"
      "ALTER TABLE predicted_asset ADD COLUMN reserved INTEGER NOT NULL DEFAULT 0;"
      "ALTER TABLE predicted_asset ADD COLUMN skipped INTEGER NOT NULL DEFAULT 0;"
      "ALTER TABLE review ADD COLUMN chosen TEXT NOT NULL DEFAULT 'BY_HAND';"
      "UPDATE predicted_asset SET draw = abs(random() % 1000000007) / 1000000007.0, uncertainty = (SELECT avg(CASE WHEN h.kind = "
      "'classification' THEN 1 - h.score ELSE 4 * h.score * (1 - h.score) END) FROM prediction p JOIN prediction_shape h ON "
      "h.prediction_id = p.id WHERE p.is_shadow = 0 AND p.predicted_asset_id = predicted_asset.id);"
      "UPDATE predicted_asset SET reserved = 1 WHERE draw < 0.2 AND status = 'TO_REVIEW';"
      "CREATE INDEX predicted_asset_drawn ON predicted_asset (deployment_id, draw, id) WHERE status = 'TO_REVIEW' AND skipped = 0 "
      "AND reserved = 1;"
      "CREATE INDEX predicted_asset_uncertain ON predicted_asset (deployment_id, uncertainty, id) WHERE status = 'TO_REVIEW' AND "
      "skipped = 0 AND reserved = 0;"
      "CREATE INDEX predicted_asset_disputed ON predicted_asset (deployment_id, disagreement, id) WHERE status = 'TO_REVIEW' AND "
      "skipped = 0 AND reserved = 0 AND disagreement > 0;"
      "CREATE INDEX predicted_asset_skipped ON predicted_asset (deployment_id, skipped, id) WHERE status = 'TO_REVIEW' AND skipped "
      "> 0;"
      "CREATE TABLE review_lease (predicted_asset_id TEXT PRIMARY KEY REFERENCES predicted_asset(id) ON DELETE CASCADE, id TEXT "
      "NOT NULL UNIQUE, deployment_id TEXT NOT NULL, person_id TEXT NOT NULL, chosen TEXT NOT NULL, until INTEGER NOT NULL) "
      "STRICT;"
      "CREATE INDEX review_lease_of ON review_lease (deployment_id, person_id, id);"
      "CREATE INDEX review_lease_until ON review_lease (deployment_id, until)" },
    { 38, "how far champion and shadow disagree is kept", .run = disagreements_keep },
    { 39, "images are scored by how unlike the training images they are",
      "ALTER TABLE predicted_asset ADD COLUMN outlier_score REAL;"
      "ALTER TABLE predicted_asset ADD COLUMN is_outlier INTEGER NOT NULL DEFAULT 0;"
      "CREATE INDEX predicted_asset_outlier_score ON predicted_asset (deployment_id, outlier_score, id);"
      "CREATE INDEX predicted_asset_outliers ON predicted_asset (deployment_id, is_outlier, outlier_score, id);"
      "CREATE TABLE outlier (id TEXT PRIMARY KEY REFERENCES deployment(id) ON DELETE CASCADE, active INTEGER NOT NULL DEFAULT 1,"
      " percentile REAL NOT NULL DEFAULT 99, fit_id TEXT, reflag INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;"
      "CREATE TABLE outlier_fit (id TEXT PRIMARY KEY, deployment_id TEXT NOT NULL REFERENCES deployment(id) ON DELETE CASCADE,"
      " dataset_version_id TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('WORKING', 'READY', 'FAILED')), job_id TEXT,"
      " created_at INTEGER NOT NULL, ended_at INTEGER, images INTEGER, held_out INTEGER, seconds REAL, loss REAL, percentile REAL,"
      " threshold REAL, chance REAL, held TEXT, object_name TEXT, error TEXT, behind_at INTEGER, behind_id TEXT,"
      " behind INTEGER NOT NULL DEFAULT 0) STRICT;"
      "CREATE INDEX outlier_fit_of ON outlier_fit (deployment_id, id);"
      "CREATE INDEX outlier_fit_working ON outlier_fit (state) WHERE state = 'WORKING';"
      "CREATE INDEX outlier_fit_behind ON outlier_fit (id) WHERE behind_at IS NOT NULL;"
      "CREATE TRIGGER outlier_fit_gone AFTER DELETE ON outlier_fit BEGIN DELETE FROM object WHERE name = old.object_name; END;"
      "CREATE TABLE outlier_todo (id TEXT PRIMARY KEY REFERENCES predicted_asset(id) ON DELETE CASCADE) STRICT, WITHOUT ROWID;"
      "INSERT INTO outlier (id) SELECT id FROM deployment" },
    { 40, "what is in a model file is kept with its version",
      "CREATE TABLE model_look (model_version_id TEXT PRIMARY KEY REFERENCES model_version(id) ON DELETE CASCADE, hash TEXT NOT "
      "NULL, told TEXT NOT NULL, tells TEXT NOT NULL, looked_at INTEGER NOT NULL) STRICT, WITHOUT ROWID" },
    { 41, "the shadow may answer a share of the requests, a champion is rolled back, and people's decisions are kept",
      .run = steered, .rebuilds = true },
    { 42, "what the champion's network sees of images is kept along a few directions",
      "ALTER TABLE drift ADD COLUMN directions INTEGER NOT NULL DEFAULT 8;"
      "CREATE TABLE embedding_fit (id TEXT PRIMARY KEY, model_version_id TEXT NOT NULL REFERENCES model_version(id) ON DELETE "
      "CASCADE,"
      " dataset_version_id TEXT NOT NULL REFERENCES dataset_version(id) ON DELETE CASCADE, file_hash TEXT NOT NULL,"
      " created_at INTEGER NOT NULL, width INTEGER, n_directions INTEGER, numbers BLOB, why TEXT,"
      " UNIQUE (model_version_id, dataset_version_id)) STRICT;"
      "CREATE INDEX embedding_fit_dataset ON embedding_fit (dataset_version_id);"
      "CREATE TABLE embedding_training (fit_id TEXT NOT NULL REFERENCES embedding_fit(id) ON DELETE CASCADE,"
      " data_id TEXT NOT NULL REFERENCES data(id) ON DELETE CASCADE,"
      " state TEXT NOT NULL CHECK (state IN ('WANTED', 'SEEN', 'PLACED', 'FAILED')), vector BLOB, PRIMARY KEY (fit_id, data_id))"
      " STRICT;"
      "CREATE INDEX embedding_training_state ON embedding_training (fit_id, state);"
      "CREATE INDEX embedding_training_data ON embedding_training (data_id);"
      "CREATE TABLE embedding_raw (predicted_asset_id TEXT PRIMARY KEY REFERENCES predicted_asset(id) ON DELETE CASCADE,"
      " fit_id TEXT NOT NULL REFERENCES embedding_fit(id) ON DELETE CASCADE, vector BLOB NOT NULL) STRICT;"
      "CREATE INDEX embedding_raw_fit ON embedding_raw (fit_id);"
      "CREATE TABLE embedding (predicted_asset_id TEXT PRIMARY KEY REFERENCES predicted_asset(id) ON DELETE CASCADE,"
      " fit_id TEXT NOT NULL, vector BLOB NOT NULL) STRICT, WITHOUT ROWID;"
      "UPDATE drift SET due = 1 WHERE active <> 0" },
    { 43, "reviewers get what is unlike the training images, and a deployment knows until when all was reviewed",
      "ALTER TABLE deployment ADD COLUMN reviewed_until INTEGER NOT NULL DEFAULT 0;"
      "CREATE INDEX predicted_asset_outlying ON predicted_asset (deployment_id, outlier_score, id) WHERE status = 'TO_REVIEW' AND "
      "skipped = 0 AND reserved = 0 AND outlier_score > 0" },
    { 44, "predictions that were made without the server are delivered once",
      "ALTER TABLE predicted_asset ADD COLUMN delivery TEXT;"
      "CREATE UNIQUE INDEX predicted_asset_delivery ON predicted_asset (deployment_id, delivery) WHERE delivery IS NOT NULL" },
    { 45, "names of people are told apart without heed of capitals by an index",
      "CREATE UNIQUE INDEX person_name ON person (lower(username))" },
    { 46, "data may have their bytes in buckets of other stores",
      "ALTER TABLE object ADD COLUMN away INTEGER NOT NULL DEFAULT 0;"
      "CREATE TABLE bucket (id TEXT PRIMARY KEY, org TEXT NOT NULL REFERENCES organization(id), name TEXT NOT NULL, endpoint TEXT "
      "NOT "
      "NULL, region TEXT NOT NULL, bucket TEXT NOT NULL, prefix TEXT NOT NULL, path_style INTEGER NOT NULL, access_key TEXT, "
      "secret "
      "TEXT, profile TEXT, created_at INTEGER NOT NULL, created_by TEXT, UNIQUE (org, name)) STRICT;"
      "CREATE TABLE bucket_object (id TEXT PRIMARY KEY, org TEXT NOT NULL REFERENCES organization(id), datalake_id TEXT NOT NULL "
      "REFERENCES datalake(id), bucket_id TEXT NOT NULL REFERENCES bucket(id) ON DELETE CASCADE, object_key TEXT NOT NULL, etag "
      "TEXT NOT NULL, hash "
      "TEXT "
      "NOT NULL, size INTEGER NOT NULL, object_name TEXT UNIQUE, "
      "state TEXT NOT NULL CHECK (state IN ('THERE', 'CHANGED', 'GONE', 'REMOVED')), job_id TEXT, ended_by TEXT, created_at "
      "INTEGER "
      "NOT NULL, UNIQUE (datalake_id, bucket_id, object_key, etag)) STRICT;"
      "CREATE INDEX bucket_object_hash ON bucket_object (hash);"
      "CREATE INDEX bucket_object_of ON bucket_object (bucket_id, state);"
      "CREATE INDEX bucket_object_job ON bucket_object (job_id) WHERE job_id IS NOT NULL;"
      "CREATE INDEX bucket_object_ended ON bucket_object (ended_by) WHERE ended_by IS NOT NULL;"
      "CREATE TRIGGER bucket_object_gone AFTER DELETE ON object BEGIN UPDATE bucket_object SET state = 'REMOVED', "
      "object_name = NULL WHERE object_name = old.name; END" },
    { 47, "datalakes may be kept in step with buckets by a schedule",
      "CREATE TABLE bucket_sync (id TEXT PRIMARY KEY, org TEXT NOT NULL REFERENCES organization(id), datalake_id TEXT NOT NULL "
      "REFERENCES "
      "datalake(id), bucket_id TEXT NOT NULL REFERENCES bucket(id) ON DELETE CASCADE, prefix TEXT NOT NULL, tag_ids TEXT NOT NULL, "
      "every_minutes INTEGER NOT NULL, active INTEGER NOT NULL, due_at INTEGER NOT NULL, job_id TEXT, created_at INTEGER NOT NULL, "
      "person_id TEXT, UNIQUE (datalake_id, bucket_id, prefix)) STRICT;"
      "CREATE INDEX bucket_sync_due ON bucket_sync (due_at) WHERE active = 1;"
      "CREATE INDEX bucket_sync_bucket ON bucket_sync (bucket_id)" },
    { 48, "continuous training of a champion that was brought along begins from a network of ours",
      "ALTER TABLE pipeline ADD COLUMN ct_base_id TEXT REFERENCES model_version(id) ON DELETE SET NULL" },
    { 49, "how a model file must be described is found out by annotated images, and kept",
      "CREATE TABLE model_evidence (model_version_id TEXT PRIMARY KEY REFERENCES model_version(id) ON DELETE CASCADE,"
      " dataset_version_id TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('WORKING', 'FOUND', 'UNCLEAR', 'NOTHING', "
      "'FAILED')),"
      " job_id TEXT NOT NULL, created_at INTEGER NOT NULL, ended_at INTEGER, result TEXT, error TEXT) STRICT, WITHOUT ROWID" },
    { 0 },
};
