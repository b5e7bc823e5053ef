/* Alerts: their rules, what was seen of them last, and their history. */
#include "app/monitor/alert.h"
#include "app/account/account.h"
#include "app/deployment/deployment.h"
#include "base/clock.h"
#include <string.h>

static const char *const operators[] = { "<", "<=", ">", ">=", NULL };

/* says: the rule as a sentence. since: when the state began. seen: what a dear metric was computed of the last time. told: somebody
 * was told of this firing. */
static const char table[] =
    "CREATE TABLE alert (id TEXT PRIMARY KEY, deployment_id TEXT NOT NULL REFERENCES deployment(id) ON DELETE CASCADE,"
    " metric TEXT NOT NULL, label TEXT, operator TEXT NOT NULL, value REAL NOT NULL, window_predictions INTEGER,"
    " window_seconds INTEGER, min_count INTEGER NOT NULL, hold_seconds INTEGER NOT NULL, active INTEGER NOT NULL,"
    " emails TEXT NOT NULL, webhooks INTEGER NOT NULL, says TEXT NOT NULL,"
    " state TEXT NOT NULL DEFAULT 'OK' CHECK (state IN ('OK', 'PENDING', 'FIRING')), since INTEGER NOT NULL,"
    " told INTEGER NOT NULL DEFAULT 0, last_value REAL, last_count INTEGER NOT NULL DEFAULT 0, seen TEXT, looked_at INTEGER,"
    " triggered_at INTEGER, acknowledged_at INTEGER, acknowledged_by TEXT, muted_until INTEGER, created_at INTEGER NOT NULL,"
    " created_by TEXT) STRICT;"
    "CREATE INDEX alert_of ON alert (deployment_id);"
    "CREATE INDEX alert_state ON alert (state) WHERE state <> 'OK';"
    "CREATE TABLE alert_change (id TEXT PRIMARY KEY, alert_id TEXT NOT NULL REFERENCES alert(id) ON DELETE CASCADE,"
    " at INTEGER NOT NULL, state TEXT NOT NULL, value REAL, count INTEGER NOT NULL, why TEXT NOT NULL) STRICT;"
    "CREATE INDEX alert_change_of ON alert_change (alert_id, id)";

static const struct field fields[] = {
    { "id", T_ID, F_FILTER, "x.id" },
    { "deployment_id", T_ID, F_FILTER, "x.deployment_id" },
    { "deployment", T_TEXT, F_SORT | F_FILTER, "o.name" },
    { "metric", T_TEXT, F_FILTER | F_NEW | F_NEED | F_EDIT, "x.metric", .max = 60 },
    { "label", T_TEXT, F_NULL | F_NEW | F_EDIT, "x.label", .min = 1, .max = 200 },
    { "operator", T_TEXT, F_NEW | F_EDIT, "x.operator", .words = operators },
    { "value", T_NUMBER, F_NEW | F_EDIT, "x.value", .min = 0, .max = 1e9 },
    { "window_predictions", T_INT, F_NULL | F_NEW | F_EDIT, "x.window_predictions", .min = 1, .max = WINDOW_MOST },
    { "window_seconds", T_INT, F_NULL | F_NEW | F_EDIT, "x.window_seconds", .min = 60, .max = WINDOW_S_MOST },
    { "min_count", T_INT, F_NEW | F_EDIT, "x.min_count", .max = WINDOW_MOST },
    { "hold_seconds", T_INT, F_NEW | F_EDIT, "x.hold_seconds", .max = WINDOW_S_MOST },
    { "active", T_BOOL, F_FILTER | F_NEW | F_EDIT, "x.active" },
    { "emails", T_ARRAY, F_NEW | F_EDIT, "x.emails", .max = ALERT_EMAILS, .of = &text_value },
    { "webhooks", T_BOOL, F_NEW | F_EDIT, "x.webhooks" },
    { "says", T_TEXT, 0, "x.says" },
    { "state", T_TEXT, F_SORT | F_FILTER, "x.state", .words = alert_states },
    { "triggered", T_BOOL, F_FILTER, "CASE WHEN x.state = 'FIRING' THEN 1 ELSE 0 END" },
    { "since", T_TIME, F_SORT, "x.since" },
    { "last_value", T_NUMBER, F_NULL, "x.last_value" },
    { "last_count", T_INT, 0, "x.last_count" },
    { "looked_at", T_TIME, F_NULL, "x.looked_at" },
    { "triggered_at", T_TIME, F_SORT | F_NULL, "x.triggered_at" },
    { "acknowledged_at", T_TIME, F_NULL, "x.acknowledged_at" },
    { "acknowledged_by", T_TEXT, F_NULL, USER_NAME("x.acknowledged_by") },
    { "muted_until", T_TIME, F_NULL, "x.muted_until" },
    { "created_at", T_TIME, F_SORT, "x.created_at" },
};

static const struct field change_fields[] = {
    { "id", T_ID, 0, "c.id" },
    { "at", T_TIME, F_SORT, "c.at" },
    { "state", T_TEXT, F_FILTER, "c.state" },
    { "value", T_NUMBER, F_NULL, "c.value" },
    { "count", T_INT, 0, "c.count" },
    { "why", T_TEXT, 0, "c.why" },
};
const struct resource alert_change_resource = {
    .name = "change of an alert",
    .fields = change_fields,
    .n_fields = COUNT_OF(change_fields),
    .from = "alert_change c JOIN alert x ON x.id = c.alert_id JOIN deployment o ON o.id = x.deployment_id",
    .key = "c.id",
    .org = "o.org",
    .root = "o.id",
    .order = "c.id DESC",
};

/* ---- a rule as it is written */

static struct value number_or_null(int64_t n)
{
    return n ? V(n) : V((const char *)NULL);
}

static enum err read_rule(struct op *op, const char *id, struct alert_rule *ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r,
                  "SELECT metric, label, operator, value, coalesce(window_predictions, 0), coalesce(window_seconds, 0), min_count,"
                  " hold_seconds FROM alert WHERE id = ?1",
                  V(id)));
    *ret = (struct alert_rule){ .metric = alert_metric_called(rows_text(r, 0)),
                                .label = arena_str(op->arena, rows_text(r, 1)),
                                .operator= arena_str(op->arena, rows_text(r, 2)),
                                .value = rows_real(r, 3),
                                .window_predictions = rows_int(r, 4),
                                .window_seconds = rows_int(r, 5),
                                .min_count = rows_int(r, 6),
                                .hold_seconds = rows_int(r, 7) };
    return ret->metric
               ? OK
               : fail(E_INVALID, "metric: there is none called \"%.60s\"; GET /api/alerts/metrics lists them", rows_text(r, 0));
}

static enum err check_window(const struct alert_rule *r)
{
    const struct alert_metric *m = r->metric;
    if (!m->windows && (r->window_predictions || r->window_seconds))
        return fail(E_UNMEANT, "%s has no window", m->name);
    if (r->window_predictions && r->window_seconds)
        return fail(E_UNMEANT, "window_predictions and window_seconds exclude each other");
    if (m->windows && !r->window_predictions && !r->window_seconds)
        return fail(E_UNMEANT, "%s needs a window: window_predictions or window_seconds", m->name);
    if (r->window_predictions && !(m->windows & WINDOW_PREDICTIONS))
        return fail(E_UNMEANT, "%s is counted over time: it needs window_seconds", m->name);
    if (r->window_predictions && r->min_count > r->window_predictions)
        return fail(E_UNMEANT, "min_count is over window_predictions: the alert could never say anything");
    return OK;
}

static enum err check_label(struct op *op, const char *id, const struct alert_rule *r)
{
    int64_t known = 0;
    if (!r->metric->of_label)
        return r->label ? fail(E_UNMEANT, "%s is not of one label", r->metric->name) : OK;
    if (!r->label)
        return fail(E_UNMEANT, "%s needs a label", r->metric->name);
    TRY(sql_int(op->db, &known,
                "SELECT count(*) FROM alert x JOIN deployment_label l ON l.deployment_id = x.deployment_id AND l.name = x.label"
                " WHERE x.id = ?1",
                V(id)));
    return known ? OK : fail(E_UNMEANT, "the deployment has no label \"%.100s\"", r->label);
}

static enum err check_emails(struct op *op)
{
    const struct json *emails = in_json(op, "emails");
    for (size_t i = 0; i < json_count(emails); i++) {
        const char *address = json_text(json_at(emails, i));
        TRY(fail_within(address_check(address ? address : ""), "emails[%zu]: ", i));
    }
    return OK;
}

/* The row as it stands in the table now must be a rule; then it is said in words. */
static enum err settle(struct op *op, const char *id)
{
    struct alert_rule r;
    TRY(read_rule(op, id, &r));
    if (r.value > r.metric->most)
        return fail(E_UNMEANT, "value of %s is at most %g", r.metric->name, r.metric->most);
    TRY(check_window(&r));
    TRY(check_label(op, id, &r));
    TRY(check_emails(op));
    return sql_run(op->db, "UPDATE alert SET says = ?2 WHERE id = ?1", V(id), V(alert_sentence(op->arena, &r)));
}

/* What was seen of another rule says nothing of this one. */
static enum err begin_anew(struct op *op, const char *says_before)
{
    int64_t same = 0;
    TRY(sql_int(op->db, &same, "SELECT count(*) FROM alert WHERE id = ?1 AND says = ?2 AND active <> 0", V(op->id),
                V(says_before)));
    if (same)
        return OK;
    TRY(sql_run(op->db,
                "INSERT INTO alert_change (id, alert_id, at, state, value, count, why) SELECT ?2, id, ?3, 'OK', last_value,"
                " last_count, CASE WHEN active <> 0 THEN 'the rule was changed' ELSE 'it was switched off' END FROM alert"
                " WHERE id = ?1 AND state <> 'OK'",
                V(op->id), V(id_new(op->arena)), V(clock_now_ms())));
    return sql_run(op->db,
                   "UPDATE alert SET state = 'OK', since = ?2, told = 0, last_value = NULL, last_count = 0, seen = NULL,"
                   " looked_at = NULL, acknowledged_at = NULL, acknowledged_by = NULL WHERE id = ?1",
                   V(op->id), V(clock_now_ms()));
}

enum err alert_tell(struct sql *db, struct arena *a, const char *deployment, const char *json)
{
    TRY(event_tell(db, &deployment_resource, deployment, "alert", json));
    return deployment_tell(db, a, deployment, json);
}

static enum err tell_pages(struct op *op, const char *deployment, const char *id)
{
    return alert_tell(op->db, op->arena, deployment, arena_fmt(op->arena, "{\"kind\":\"alert\",\"alert_id\":\"%s\"}", id));
}

/* ---- routes */

static enum err list(struct op *op)
{
    return reply_list(op, &alert_resource, "x.deployment_id = ?1", V(op->id));
}

static enum err list_all(struct op *op)
{
    return reply_page(op, &alert_resource, "1 = 1");
}

static enum err get(struct op *op)
{
    return reply_one(op, &alert_resource, op->id);
}

/* What stands for what is not sent. One window that was sent takes the place of the other. */
static enum err create(struct op *op)
{
    const struct alert_metric *m = alert_metric_called(in_text(op, "metric"));
    bool window = in_has(op, "window_predictions") || in_has(op, "window_seconds");
    int64_t n = 0, of = in_int(op, "window_predictions", 0);
    const char *id;
    if (!m)
        m = alert_metrics; /* settle() says so */
    TRY(sql_int(op->db, &n, "SELECT count(*) FROM alert WHERE deployment_id = ?1", V(op->id)));
    if (n >= ALERTS_MOST)
        return fail(E_TOO_BIG, "a deployment has at most %d alerts", ALERTS_MOST);
    TRY(resource_add(op, &alert_resource, &id, { "deployment_id", V(op->id) }, { "operator", V(m->operator) },
                     { "value", V(m->value) }, { "window_predictions", number_or_null(window ? 0 : m->window_predictions) },
                     { "window_seconds", number_or_null(window ? 0 : m->window_seconds) },
                     { "min_count", V(of && of < m->min_count ? of : m->min_count) }, { "hold_seconds", V(m->hold_seconds) },
                     { "active", V(true) }, { "emails", V("[]") }, { "webhooks", V(true) }, { "says", V("") },
                     { "since", V(clock_now_ms()) }, { "created_by", V(op->user_id) }));
    TRY(settle(op, id));
    TRY(tell_pages(op, op->id, id));
    op->status = 201;
    return reply_one(op, &alert_resource, id);
}

/* Another metric is compared and looked at as its own defaults say. */
static enum err begin_metric(struct op *op)
{
    const struct alert_metric *m = in_has(op, "metric") ? alert_metric_called(in_text(op, "metric")) : NULL;
    if (!m)
        return OK;
    return sql_run(op->db,
                   "UPDATE alert SET label = NULL, operator = ?3, value = ?4, window_predictions = ?5, window_seconds = ?6,"
                   " min_count = ?7, hold_seconds = ?8 WHERE id = ?1 AND metric <> ?2",
                   V(op->id), V(m->name), V(m->operator), V(m->value), number_or_null(m->window_predictions),
                   number_or_null(m->window_seconds), V(m->min_count), V(m->hold_seconds));
}

static enum err update(struct op *op)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r, "SELECT deployment_id, says FROM alert WHERE id = ?1", V(op->id)));
    const char *deployment = arena_str(op->arena, rows_text(r, 0)), *says = arena_str(op->arena, rows_text(r, 1));
    TRY(begin_metric(op));
    if (in_has(op, "window_predictions") != in_has(op, "window_seconds"))
        TRY(sql_run(op->db, "UPDATE alert SET window_predictions = NULL, window_seconds = NULL WHERE id = ?1", V(op->id)));
    TRY(resource_update(op, &alert_resource, op->id));
    TRY(settle(op, op->id));
    TRY(begin_anew(op, says));
    TRY(tell_pages(op, deployment, op->id));
    return reply_one(op, &alert_resource, op->id);
}

static enum err delete_alert(struct op *op)
{
    return sql_run(op->db, "DELETE FROM alert WHERE id = ?1", V(op->id));
}

static enum err deployment_of(struct op *op, const char **ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r, "SELECT deployment_id FROM alert WHERE id = ?1", V(op->id)));
    *ret = arena_str(op->arena, rows_text(r, 0));
    return OK;
}

/* Somebody has seen it: until it fires again. */
static enum err acknowledge(struct op *op)
{
    const char *deployment;
    TRY(sql_run(op->db, "UPDATE alert SET acknowledged_at = ?2, acknowledged_by = ?3 WHERE id = ?1 AND state = 'FIRING'", V(op->id),
                V(clock_now_ms()), V(op->user_id)));
    if (sql_changes(op->db) != 1)
        return fail(E_CONFLICT, "the alert does not fire");
    TRY(deployment_of(op, &deployment));
    TRY(tell_pages(op, deployment, op->id));
    return reply_one(op, &alert_resource, op->id);
}

static enum err read_until(struct op *op, struct value *ret)
{
    const struct json *v = in_json(op, "until");
    int64_t at = 0;
    *ret = V((const char *)NULL);
    if (json_absent(v))
        return OK;
    if (!json_int(v, &at) && !clock_parse_iso(json_text(v) ? json_text(v) : "", &at))
        return fail(E_INVALID, "until must be a time in ISO 8601");
    if (at <= clock_now_ms())
        return fail(E_INVALID, "until lies in the past");
    *ret = V(at);
    return OK;
}

/* Nobody is told outside of the pages until then; null: of it at once again. */
static enum err mute(struct op *op)
{
    const char *deployment;
    struct value until;
    TRY(read_until(op, &until));
    TRY(sql_run(op->db, "UPDATE alert SET muted_until = ?2 WHERE id = ?1", V(op->id), until));
    TRY(deployment_of(op, &deployment));
    TRY(tell_pages(op, deployment, op->id));
    return reply_one(op, &alert_resource, op->id);
}

static enum err history(struct op *op)
{
    return reply_page(op, &alert_change_resource, "c.alert_id = ?1", V(op->id));
}

static enum err metrics(struct op *op)
{
    struct out *o = &op->out;
    out_array(o, NULL);
    for (const struct alert_metric *m = alert_metrics; m->name; m++) {
        out_object(o, NULL);
        out_text(o, "name", m->name);
        out_text(o, "says", m->says);
        out_text(o, "unit", m->unit);
        out_bool(o, "supervised", m->supervised);
        out_bool(o, "of_predictions", m->windows & WINDOW_PREDICTIONS);
        out_bool(o, "of_time", m->windows & WINDOW_TIME);
        out_bool(o, "of_label", m->of_label);
        out_number(o, "most", m->most);
        out_text(o, "operator", m->operator);
        out_number(o, "value", m->value);
        out_int(o, "window_predictions", m->window_predictions);
        out_int(o, "window_seconds", m->window_seconds);
        out_int(o, "min_count", m->min_count);
        out_int(o, "hold_seconds", m->hold_seconds);
        out_end_object(o);
    }
    out_end_array(o);
    return OK;
}

static const struct field mute_in[] = { { "until", T_TIME, F_NULL } };

DESCRIBED(metric_answer, "metric of alerts", { "name", T_TEXT }, { "says", T_TEXT }, { "unit", T_TEXT }, { "supervised", T_BOOL },
          { "of_predictions", T_BOOL }, { "of_time", T_BOOL }, { "of_label", T_BOOL }, { "most", T_NUMBER },
          { "operator", T_TEXT, .words = operators }, { "value", T_NUMBER }, { "window_predictions", T_INT },
          { "window_seconds", T_INT }, { "min_count", T_INT }, { "hold_seconds", T_INT });

#define ALERT .answers = &alert_resource
static const struct route routes[] = {
    { "GET", "/api/alerts/metrics", metrics, MAY_READ, WORK_READ, "what an alert may watch, its unit, and what a form begins with",
      .answers = &metric_answer, .gives = GIVES_ROWS },
    { "GET", "/api/organization/{id}/alerts", list_all, MAY_READ, WORK_READ, "the alerts of all deployments", ALERT,
      .on = &organization_resource, .gives = GIVES_PAGE },
    { "GET", "/api/deployment/{id}/alerts", list, MAY_READ, WORK_READ, "the alerts of a deployment", ALERT,
      .on = &deployment_resource, .gives = GIVES_PAGE },
    { "POST", "/api/deployment/{id}/alerts", create, MAY_WRITE, WORK_WRITE,
      "makes an alert; what is left out is as its metric's defaults say", MAKES(&alert_resource), .on = &deployment_resource },
    { "GET", "/api/alert/{id}", get, MAY_READ, WORK_READ, "an alert", ALERT, .on = &alert_resource },
    { "PATCH", "/api/alert/{id}", update, MAY_WRITE, WORK_WRITE, "changes an alert; with another rule it begins anew",
      CHANGES(&alert_resource), .on = &alert_resource },
    { "DELETE", "/api/alert/{id}", delete_alert, MAY_WRITE, WORK_WRITE, "deletes an alert", .on = &alert_resource,
      .gives = GIVES_NOTHING },
    { "GET", "/api/alert/{id}/history", history, MAY_READ, WORK_READ, "when it changed its state, and why",
      .answers = &alert_change_resource, .on = &alert_resource, .gives = GIVES_PAGE },
    { "POST", "/api/alert/{id}/acknowledge", acknowledge, MAY_WRITE, WORK_WRITE, "says that somebody takes care of it", ALERT,
      .on = &alert_resource },
    { "POST", "/api/alert/{id}/mute", mute, MAY_WRITE, WORK_WRITE, "sends nothing until a time; null: no longer", FIELDS(mute_in),
      ALERT, .on = &alert_resource },
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
