/* Alerts on a deployment's latency: of each prediction, or the mean of the last hundred. */
#include "app/deployment/deployment.h"
#include "base/clock.h"
#include <string.h>

enum { MEAN_OF = 100 };

static const char *const metrics[] = { "latency", "avg_latency", NULL };
static const char *const operators[] = { "<", "<=", ">", ">=", NULL };

/* value: milliseconds. triggered: the condition held the last time it was looked at. */
static const char table[] =
    "CREATE TABLE alert (id TEXT PRIMARY KEY, deployment_id TEXT NOT NULL REFERENCES deployment(id) ON DELETE CASCADE,"
    " metric TEXT NOT NULL, operator TEXT NOT NULL, value REAL NOT NULL, active INTEGER NOT NULL, triggered INTEGER NOT NULL "
    "DEFAULT 0,"
    " last_value REAL, triggered_at INTEGER, created_at INTEGER NOT NULL, created_by TEXT) STRICT;"
    "CREATE INDEX alert_of ON alert (deployment_id)";

static const struct field fields[] = {
    { "id", T_ID, F_FILTER, "x.id" },
    { "deployment_id", T_ID, 0, "x.deployment_id" },
    { "metric", T_TEXT, F_FILTER | F_NEW | F_NEED | F_EDIT, "x.metric", .words = metrics },
    { "operator", T_TEXT, F_NEW | F_NEED | F_EDIT, "x.operator", .words = operators },
    { "value", T_NUMBER, F_NEW | F_NEED | F_EDIT, "x.value", .min = 0, .max = 1e9 },
    { "active", T_BOOL, F_FILTER | F_NEW | F_EDIT, "x.active" },
    { "triggered", T_BOOL, F_FILTER, "x.triggered" },
    { "last_value", T_NUMBER, F_NULL, "x.last_value" },
    { "triggered_at", T_TIME, F_SORT | F_NULL, "x.triggered_at" },
    { "created_at", T_TIME, F_SORT, "x.created_at" },
};

static bool holds(const char *operator, double is, double limit)
{
    bool equal = operator[1] == '=' && is == limit;
    return equal || (operator[0] == '<' ? is < limit : is> limit);
}

static enum err look(struct sql *db, struct arena *a, const char *deployment, struct rows *r, double is)
{
    const char *id = arena_str(a, rows_text(r, 0));
    bool now = holds(rows_text(r, 2), is, rows_real(r, 3)), before = rows_int(r, 4);
    TRY(sql_run(db,
                "UPDATE alert SET last_value = ?2, triggered = ?3, triggered_at = CASE WHEN ?4 <> 0 THEN ?5 ELSE triggered_at END "
                "WHERE id = ?1",
                V(id), V(is), V(now), V(now && !before), V(clock_now_ms())));
    if (!now || before)
        return OK;
    return deployment_tell(db, a, deployment, arena_fmt(a, "{\"kind\":\"alert\",\"alert_id\":\"%s\"}", id));
}

enum err alerts_look(struct sql *db, struct arena *a, const char *deployment_id, double latency)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r, "SELECT id, metric, operator, value, triggered FROM alert WHERE deployment_id = ?1 AND active <> 0",
                 V(deployment_id)));
    while (rows_next(r)) {
        double is = latency * 1000;
        if (strcmp(rows_text(r, 1), "avg_latency") == 0) {
            AUTO(rows) struct rows *mean = NULL;
            TRY(sql_first(
                db, &mean,
                "SELECT avg(p.latency) * 1000 FROM (SELECT id FROM predicted_asset WHERE deployment_id = ?1"
                " ORDER BY created_at DESC LIMIT ?2) a JOIN prediction p ON p.predicted_asset_id = a.id AND p.is_shadow = 0",
                V(deployment_id), V((int64_t)MEAN_OF)));
            is = rows_real(mean, 0);
        }
        TRY(look(db, a, deployment_id, r, is));
    }
    return rows_error(r);
}

static enum err list(struct op *op)
{
    return reply_list(op, &alert_resource, "x.deployment_id = ?1", V(op->id));
}

static enum err create(struct op *op)
{
    const char *id;
    TRY(resource_add(op, &alert_resource, &id, { "deployment_id", V(op->id) }, { "active", V(true) },
                     { "created_by", V(op->user_id) }));
    op->status = 201;
    return reply_one(op, &alert_resource, id);
}

static enum err update(struct op *op)
{
    TRY(resource_update(op, &alert_resource, op->id));
    TRY(sql_run(op->db, "UPDATE alert SET triggered = 0 WHERE id = ?1", V(op->id)));
    return reply_one(op, &alert_resource, op->id);
}

static enum err delete (struct op *op) { return sql_run(op->db, "DELETE FROM alert WHERE id = ?1", V(op->id)); }

static const struct route routes[] = {
    { "GET", "/api/deployment/{id}/alerts", list, MAY_READ, WORK_READ, "the alerts of a deployment", .answers = &alert_resource,
      .on = &deployment_resource, .gives = GIVES_PAGE },
    { "POST", "/api/deployment/{id}/alerts", create, MAY_WRITE, WORK_WRITE, "makes an alert; latencies in milliseconds",
      MAKES(&alert_resource), .on = &deployment_resource },
    { "PATCH", "/api/alert/{id}", update, MAY_WRITE, WORK_WRITE, "changes an alert", CHANGES(&alert_resource),
      .on = &alert_resource },
    { "DELETE", "/api/alert/{id}", delete, MAY_WRITE, WORK_WRITE, "deletes an alert", .on = &alert_resource,
      .gives = GIVES_NOTHING },
};

const struct resource alert_resource = {
    .name = "alert",
    .table = table,
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "alert x JOIN deployment o ON o.id = x.deployment_id",
    .key = "x.id",
    .org = "o.org",
    .root = "o.id",
    .order = "x.created_at, x.id",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
