/* The drift of a deployment: its settings, when it is checked, and what is told of it. */
#include "app/monitor/drift.h"
#include "app/datalake/datalake.h"
#include "app/dataset/dataset.h"
#include "app/deployment/deployment.h"
#include "base/clock.h"
#include <string.h>

enum { MONTH_S = 30 * 24 * 3600 };

/* id: of the deployment. fresh: predictions since the last check; allowance: checks that may be made, as of allowance_at.
 * training_version_id: of what drift_reference holds. */
static const char table[] =
    "CREATE TABLE drift (id TEXT PRIMARY KEY REFERENCES deployment(id) ON DELETE CASCADE, active INTEGER NOT NULL DEFAULT 1,"
    " alpha REAL NOT NULL DEFAULT 0.001, window_size INTEGER NOT NULL DEFAULT 100, step_size INTEGER NOT NULL DEFAULT 10,"
    " compares_with TEXT NOT NULL DEFAULT 'TRAINING' CHECK (compares_with IN ('TRAINING', 'FIRST_PREDICTIONS')),"
    " fresh INTEGER NOT NULL DEFAULT 0, due INTEGER NOT NULL DEFAULT 0, allowance REAL NOT NULL DEFAULT 16,"
    " allowance_at INTEGER NOT NULL DEFAULT 0, training_version_id TEXT, waits_for TEXT, directions INTEGER NOT NULL DEFAULT 8) "
    "STRICT;"
    "CREATE TABLE drift_reference (deployment_id TEXT NOT NULL REFERENCES deployment(id) ON DELETE CASCADE,"
    " data_id TEXT NOT NULL REFERENCES data(id) ON DELETE CASCADE, PRIMARY KEY (deployment_id, data_id)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX drift_reference_data ON drift_reference (data_id);" DRIFT_CHECK_TABLE;

static const char *const tests[] = { "KS", "MMD", NULL };
static const char *const references[] = { "TRAINING", "FIRST_PREDICTIONS", NULL };
static const struct field fields[] = {
    { "active", T_BOOL, F_EDIT, "m.active" },
    { "alpha", T_NUMBER, F_EDIT, "m.alpha", .min = 1e-6, .max = 0.5 },
    { "window_size", T_INT, F_EDIT, "m.window_size", .min = LEAST, .max = WINDOW_MOST },
    { "step_size", T_INT, F_EDIT, "m.step_size", .min = 1, .max = 1000 },
    { "directions", T_INT, F_EDIT, "m.directions", .min = 1, .max = PRINCIPAL_MOST },
    { "compares_with", T_TEXT, F_EDIT, "m.compares_with", .words = references },
};

/* ---- when a check is due */

static enum err count_prediction(struct sql *db, const char *deployment_id, bool *ret_due)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_run(db, "UPDATE drift SET fresh = fresh + 1 WHERE id = ?1 AND active <> 0", V(deployment_id)));
    TRY(sql_rows(db, &r,
                 "SELECT allowance, allowance_at FROM drift WHERE id = ?1 AND active <> 0 AND due = 0 AND fresh >= step_size",
                 V(deployment_id)));
    *ret_due = rows_next(r) && drift_allowance(rows_real(r, 0), rows_int(r, 1), clock_now_ms()) >= 1;
    return rows_error(r);
}

enum err drift_heard(struct sql *db, struct arena *a, const char *deployment_id, const char *predicted_asset_id)
{
    bool due = true;
    if (predicted_asset_id) {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_first(db, &r, "SELECT data_id FROM predicted_asset WHERE id = ?1", V(predicted_asset_id)));
        TRY(look_want(db, arena_str(a, rows_text(r, 0))));
        TRY(count_prediction(db, deployment_id, &due));
    } else {
        TRY(sql_run(db, "INSERT INTO drift (id) VALUES (?1) ON CONFLICT DO NOTHING", V(deployment_id)));
    }
    if (due)
        TRY(sql_run(db, "UPDATE drift SET due = 1 WHERE id = ?1 AND active <> 0", V(deployment_id)));
    lookout_wake();
    return OK;
}

/* ---- what is told */

static enum err write_training(struct op *op, const struct drift_settings *t)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r,
                  "SELECT count(*), count(k.data_id) FROM drift_reference f LEFT JOIN image_look k ON k.data_id = f.data_id"
                  " WHERE f.deployment_id = ?1",
                  V(t->deployment_id)));
    if (!t->training_version) {
        out_null(&op->out, "training");
        return OK;
    }
    out_object(&op->out, "training");
    TRY(reply_member(op, "dataset_version", &dataset_version_short, t->training_version));
    out_int(&op->out, "images", rows_int(r, 0));
    out_int(&op->out, "measured", rows_int(r, 1));
    out_end_object(&op->out);
    return OK;
}

/* alarms: how often it began to drift within 30 days. */
static enum err write_counts(struct op *op)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r,
                  "SELECT count(*), coalesce(sum(alarm), 0) FROM drift_check WHERE deployment_id = ?1 AND created_at >= ?2",
                  V(op->id), V(clock_now_ms() - (int64_t)MONTH_S * 1000)));
    out_int(&op->out, "checks", rows_int(r, 0));
    out_int(&op->out, "alarms", rows_int(r, 1));
    return OK;
}

static const char *state_of(struct rows *r)
{
    return !rows_int(r, 0) ? "OFF" : rows_null(r, 1) ? "WAITING" : rows_int(r, 1) ? "DRIFTED" : "STEADY";
}

static enum err write_latest(struct op *op)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r,
                  "SELECT m.active, c.drifted, c.created_at, c.detail, m.waits_for, m.fresh FROM drift m LEFT JOIN (SELECT * FROM"
                  " drift_check WHERE deployment_id = ?1 ORDER BY created_at DESC, id DESC LIMIT 1) c ON c.deployment_id = m.id"
                  " WHERE m.id = ?1",
                  V(op->id)));
    out_text(&op->out, "state", state_of(r));
    out_text(&op->out, "waits_for", rows_text(r, 4));
    out_text(&op->out, "checked_at", rows_null(r, 2) ? NULL : clock_iso(op->arena, rows_int(r, 2)));
    out_int(&op->out, "predictions_since", rows_int(r, 5));
    out_raw(&op->out, "latest", rows_text(r, 3));
    return OK;
}

/* For each check, oldest first, the features' distances in units of what counts as drifted. */
static enum err write_history(struct op *op)
{
    const char *last = NULL;
    struct out *o = &op->out;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r,
                 "SELECT c.id, c.created_at, c.drifted, v.feature, v.d / v.limit_d FROM (SELECT * FROM drift_check WHERE"
                 " deployment_id = ?1 ORDER BY created_at DESC, id DESC LIMIT ?2) c JOIN drift_value v ON v.check_id = c.id"
                 " ORDER BY c.created_at, c.id, v.feature",
                 V(op->id), V((int64_t)VALUES_KEPT)));
    out_array(o, "history");
    while (rows_next(r)) {
        if (!last || strcmp(last, rows_text(r, 0)) != 0) {
            if (last) {
                out_end_object(o);
                out_end_object(o);
            }
            last = arena_str(op->arena, rows_text(r, 0));
            out_object(o, NULL);
            out_text(o, "at", clock_iso(op->arena, rows_int(r, 1)));
            out_bool(o, "drifted", rows_int(r, 2) != 0);
            out_object(o, "distances");
        }
        out_number(o, rows_text(r, 3), rows_real(r, 4));
    }
    if (last) {
        out_end_object(o);
        out_end_object(o);
    }
    out_end_array(o);
    return rows_error(r);
}

static enum err get(struct op *op)
{
    struct drift_settings t;
    enum err e = drift_settings_read(op->db, op->arena, op->id, &t);
    if (e == E_NOT_FOUND)
        return fail(E_NOT_FOUND, "the deployment is not watched");
    TRY(e);
    out_object(&op->out, NULL);
    TRY(reply_member(op, "settings", &drift_resource, op->id));
    TRY(write_training(op, &t));
    TRY(write_counts(op));
    TRY(write_latest(op));
    TRY(write_history(op));
    out_end_object(&op->out);
    return OK;
}

static enum err update(struct op *op)
{
    TRY(resource_update(op, &drift_resource, op->id));
    TRY(drift_heard(op->db, op->arena, op->id, NULL));
    TRY(deployment_tell(op->db, op->arena, op->id, "{\"kind\":\"drift_check\"}"));
    return reply_one(op, &drift_resource, op->id);
}

/* For who does not want to wait for more predictions. It counts as a check like others. */
static enum err check_now(struct op *op)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r, "SELECT active, allowance, allowance_at FROM drift WHERE id = ?1", V(op->id)));
    if (!rows_int(r, 0))
        return fail(E_CONFLICT, "the deployment is not watched for drift: switch it on first");
    if (drift_allowance(rows_real(r, 1), rows_int(r, 2), clock_now_ms()) < 1)
        return fail(E_CONFLICT,
                    "there were %d checks and more in short time; each one may be a false alarm, so that the next one is made"
                    " within %d minutes",
                    CHECKS_AT_ONCE, CHECK_EVERY_MS / 60000);
    TRY(sql_run(op->db, "UPDATE drift SET due = 1 WHERE id = ?1", V(op->id)));
    lookout_wake();
    return reply_one(op, &drift_resource, op->id);
}

DESCRIBED(drift_curve, "distribution functions", { "x", T_ARRAY, .of = &number_value }, { "before", T_ARRAY, .of = &number_value },
          { "window", T_ARRAY, .of = &number_value });
DESCRIBED(whole_number, "count of values", { "*", T_INT });
DESCRIBED(drift_histogram, "histogram of drift", { "edges", T_ARRAY, .of = &number_value },
          { "before", T_ARRAY, .of = &whole_number }, { "window", T_ARRAY, .of = &whole_number });
DESCRIBED(drift_feature, "compared feature", { "feature", T_TEXT }, { "title", T_TEXT }, { "unit", T_TEXT }, { "query", T_TEXT },
          { "label", T_TEXT, F_NULL }, { "test", T_TEXT, .words = tests }, { "against", T_TEXT, .words = references },
          { "tested", T_BOOL }, { "drifted", T_BOOL }, { "d", T_NUMBER, F_NULL }, { "p", T_NUMBER, F_NULL },
          { "limit", T_NUMBER, F_NULL }, { "at", T_NUMBER, F_NULL }, { "n_before", T_INT }, { "n_window", T_INT },
          { "window_from", T_TIME, F_NULL }, { "window_to", T_TIME, F_NULL }, { "median_before", T_NUMBER, F_NULL },
          { "median_window", T_NUMBER, F_NULL }, { "curve", T_PART, F_NULL, .of = &drift_curve },
          { "histogram", T_PART, F_NULL, .of = &drift_histogram });
DESCRIBED(drift_latest, "check of drift", { "drifted", T_BOOL }, { "feature_alpha", T_NUMBER },
          { "label_distance", T_NUMBER, F_NULL }, { "features", T_MANY, .of = &drift_feature });
DESCRIBED(drift_moment, "earlier check of drift", { "at", T_TIME }, { "drifted", T_BOOL },
          { "distances", T_OBJECT, .of = &number_value });
DESCRIBED(drift_training, "training images of a deployment", { "dataset_version", T_ONE, .of = &dataset_version_short },
          { "images", T_INT }, { "measured", T_INT });
static const char *const states[] = { "OFF", "WAITING", "STEADY", "DRIFTED", NULL };
DESCRIBED(drift_answer, "drift of a deployment", { "settings", T_PART, .of = &drift_resource },
          { "training", T_PART, F_NULL, .of = &drift_training }, { "checks", T_INT }, { "alarms", T_INT },
          { "state", T_TEXT, .words = states }, { "waits_for", T_TEXT, F_NULL }, { "checked_at", T_TIME, F_NULL },
          { "predictions_since", T_INT }, { "latest", T_PART, F_NULL, .of = &drift_latest },
          { "history", T_MANY, .of = &drift_moment });

static const struct route routes[] = {
    { "GET", "/api/deployment/{id}/drift", get, MAY_READ, WORK_READ, "whether production still looks like training",
      .on = &deployment_resource, .answers = &drift_answer },
    { "PATCH", "/api/deployment/{id}/drift", update, MAY_WRITE, WORK_WRITE, "how it is watched", CHANGES(&drift_resource),
      .on = &deployment_resource },
    { "POST", "/api/deployment/{id}/drift/check", check_now, MAY_WRITE, WORK_WRITE,
      "checks it soon, without waiting for predictions", .on = &deployment_resource, .answers = &drift_resource },
};

const struct resource drift_resource = {
    .name = "drift monitor",
    .table = table,
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "drift m JOIN deployment o ON o.id = m.id",
    .key = "m.id",
    .org = "o.org",
    .root = "o.id",
    .order = "m.id",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
