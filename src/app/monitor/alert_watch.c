/* The worker's look at all alerts. Figures are read without a transaction; what changed is written in one, each only if its rule is
 * still the one that was looked at. */
#include "app/account/account.h"
#include "app/deployment/deployment.h"
#include "app/monitor/alert.h"
#include "base/clock.h"
#include "base/log.h"
#include <string.h>

enum { LOOKS_MOST = 20000, WRITE_MS = 5000 }; /* a value that only moved is written this often at most */

struct watched {
    struct alert_rule rule;
    struct alert_look look;
    struct alert_at at;
    const char *id, *org, *name, *says, *emails, *why;
    int64_t count_before;
    bool was_known, paused, told, muted, webhooks, changed, moved;
};

static enum alert_state state_called(const char *word)
{
    return strcmp(word, "FIRING") == 0 ? ALERT_FIRING : strcmp(word, "PENDING") == 0 ? ALERT_PENDING : ALERT_OK;
}

static bool read_one(struct sql *db, struct arena *a, struct rows *r, int64_t now, struct watched *w)
{
    *w = (struct watched){ .id = arena_str(a, rows_text(r, 0)),
                           .org = arena_str(a, rows_text(r, 16)),
                           .name = arena_str(a, rows_text(r, 17)),
                           .says = arena_str(a, rows_text(r, 15)),
                           .at = { state_called(rows_text(r, 10)), rows_int(r, 11) },
                           .count_before = rows_int(r, 13),
                           .was_known = !rows_null(r, 12),
                           .paused = rows_int(r, 19),
                           .emails = arena_str(a, rows_text(r, 20)),
                           .webhooks = rows_int(r, 21),
                           .told = rows_int(r, 22),
                           .muted = rows_int(r, 23) > now };
    w->rule = (struct alert_rule){ .metric = alert_metric_called(rows_text(r, 2)),
                                   .label = arena_str(a, rows_text(r, 3)),
                                   .operator= arena_str(a, rows_text(r, 4)),
                                   .value = rows_real(r, 5),
                                   .window_predictions = rows_int(r, 6),
                                   .window_seconds = rows_int(r, 7),
                                   .min_count = rows_int(r, 8),
                                   .hold_seconds = rows_int(r, 9) };
    w->look = (struct alert_look){ .db = db,
                                   .arena = a,
                                   .rule = &w->rule,
                                   .deployment = arena_str(a, rows_text(r, 1)),
                                   .seen = arena_str(a, rows_text(r, 14)),
                                   .now = now,
                                   .looked_at = rows_int(r, 18),
                                   .last_value = rows_real(r, 12),
                                   .had_value = !rows_null(r, 12) };
    return w->rule.metric;
}

static enum err read_all(struct sql *db, struct arena *a, int64_t now, struct watched *ret, size_t room, size_t *ret_n)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r,
                 "SELECT x.id, x.deployment_id, x.metric, x.label, x.operator, x.value, x.window_predictions, x.window_seconds,"
                 " x.min_count, x.hold_seconds, x.state, x.since, x.last_value, x.last_count, x.seen, x.says, o.org, o.name,"
                 " x.looked_at, o.status = 'PAUSED', x.emails, x.webhooks, x.told, coalesce(x.muted_until, 0) FROM alert x JOIN "
                 "deployment o ON o.id = x.deployment_id WHERE x.active <> 0"
                 " AND " NOT_GONE("o.id") " ORDER BY x.looked_at LIMIT ?1",
                 V((int64_t)room)));
    for (*ret_n = 0; rows_next(r);)
        *ret_n += read_one(db, a, r, now, &ret[*ret_n]);
    return rows_error(r);
}

static const char *reason(struct arena *a, const struct watched *w)
{
    const struct alert_look *l = &w->look;
    if (w->paused)
        return "the deployment is paused";
    if (!l->known)
        return arena_fmt(a, "too few to say: %lld of %lld", (long long)l->count, (long long)w->rule.min_count);
    return arena_fmt(a, "it is %s", alert_amount(a, w->rule.metric, l->value));
}

/* One that cannot be read keeps its state; the others are looked at all the same. */
static void look(struct arena *a, struct watched *w, bool something_changed)
{
    struct alert_look *l = &w->look;
    if (w->paused)
        l->known = false;
    else if (alert_read(l) != OK) {
        log_failure("looking at an alert");
        return;
    }
    w->changed = alert_step(&w->rule, l->known, l->value, l->now, &w->at);
    w->why = reason(a, w);
    bool differs = l->known != w->was_known || (l->known && l->value != l->last_value) || l->count != w->count_before;
    bool to_tell = w->at.state == ALERT_FIRING && !w->told && !w->muted;
    w->moved = ((differs || something_changed) && l->now - l->looked_at >= WRITE_MS) || to_tell;
}

static struct value seen_value(const struct alert_look *l)
{
    return l->known ? V(l->value) : V((const char *)NULL);
}

/* Writes the value and, where it changed, the state. *ret: the rule is still the same one. */
static enum err write_one(struct sql *db, const struct watched *w, bool *ret)
{
    const struct alert_look *l = &w->look;
    TRY(sql_run(db,
                "UPDATE alert SET last_value = ?3, last_count = ?4, seen = ?5, looked_at = ?6, state = ?7, since = ?8,"
                " triggered_at = CASE WHEN ?7 = 'FIRING' AND state <> 'FIRING' THEN ?6 ELSE triggered_at END,"
                " acknowledged_at = CASE WHEN ?7 = 'FIRING' THEN acknowledged_at END,"
                " acknowledged_by = CASE WHEN ?7 = 'FIRING' THEN acknowledged_by END WHERE id = ?1 AND says = ?2 AND active <> 0",
                V(w->id), V(w->says), seen_value(l), V(l->count), V(l->now_seen), V(l->now), V(alert_states[w->at.state]),
                V(w->at.since)));
    *ret = sql_changes(db) == 1;
    return OK;
}

static const char *data_of(struct arena *a, const struct watched *w)
{
    AUTO(out) struct out o;
    out_init(&o, 1 << 16);
    out_object(&o, NULL);
    out_text(&o, "alert_id", w->id);
    out_text(&o, "deployment_id", w->look.deployment);
    out_text(&o, "deployment", w->name);
    out_text(&o, "metric", w->rule.metric->name);
    out_text(&o, "says", w->says);
    out_text(&o, "state", alert_states[w->at.state]);
    if (w->look.known)
        out_number(&o, "value", w->look.value);
    else
        out_null(&o, "value");
    out_text(&o, "why", w->why);
    out_text(&o, "at", clock_iso(a, w->look.now));
    out_end_object(&o);
    return arena_str(a, o.text.bytes);
}

static enum err write_letters(struct sql *db, struct arena *a, const struct watched *w, const char *event, const char *what)
{
    const struct json *emails;
    const char *subject = arena_fmt(a, "%s: %s", w->name, what);
    const char *text = arena_fmt(a, "%s\n\nDeployment: %s\nAlert: %s\nNow: %s\nAt: %s\n", what, w->name, w->says, w->why,
                                 clock_iso(a, w->look.now));
    TRY(json_parse(a, w->emails, strlen(w->emails), &emails));
    for (size_t i = 0; i < json_count(emails); i++)
        if (json_text(json_at(emails, i)))
            TRY(mail_tell(db, a, w->org, json_text(json_at(emails, i)), event, subject, text));
    return OK;
}

/* Outside of the pages: of a firing, and of the end of one that was told. While it is muted nothing is sent; one that still fires
 * afterwards is told then. */
static enum err tell(struct sql *db, struct arena *a, const struct watched *w)
{
    bool fires = w->at.state == ALERT_FIRING;
    if (fires == w->told || (fires && w->muted))
        return OK;
    const char *event = fires ? "alert_firing" : "alert_ended";
    if (w->webhooks && !w->muted)
        TRY(webhooks_tell(db, a, w->org, event, data_of(a, w)));
    if (!w->muted)
        TRY(write_letters(db, a, w, event, fires ? w->says : arena_fmt(a, "Ended: %s", w->says)));
    return sql_run(db, "UPDATE alert SET told = ?2 WHERE id = ?1", V(w->id), V(fires));
}

static enum err write_change(struct sql *db, struct arena *a, const struct watched *w)
{
    TRY(sql_run(db, "INSERT INTO alert_change (id, alert_id, at, state, value, count, why) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                V(id_new(a)), V(w->id), V(w->look.now), V(alert_states[w->at.state]), seen_value(&w->look), V(w->look.count),
                V(w->why)));
    TRY(sql_run(db,
                "DELETE FROM alert_change WHERE id IN (SELECT id FROM alert_change WHERE alert_id = ?1 ORDER BY id DESC LIMIT 10"
                " OFFSET ?2)",
                V(w->id), V((int64_t)ALERT_CHANGES_KEPT)));
    TRY(tell(db, a, w));
    const char *json = arena_fmt(a, "{\"kind\":\"alert\",\"alert_id\":\"%s\",\"state\":\"%s\"}", w->id, alert_states[w->at.state]);
    return alert_tell(db, a, w->look.deployment, json);
}

static enum err write_all(struct sql *db, struct arena *a, const struct watched *all, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct watched *w = &all[i];
        bool same = false;
        if (w->changed || w->moved)
            TRY(write_one(db, w, &same));
        if (same && w->changed)
            TRY(write_change(db, a, w));
        else if (same)
            TRY(tell(db, a, w));
    }
    return OK;
}

enum err alerts_look(struct sql *db, int64_t now, bool something_changed)
{
    AUTO(arena) struct arena *a = arena_new();
    int64_t alerts = 0;
    size_t n = 0;
    bool any = false;
    TRY(sql_int(db, &alerts, "SELECT count(*) FROM alert WHERE active <> 0"));
    if (!alerts)
        return OK;
    size_t room = alerts < LOOKS_MOST ? (size_t)alerts : LOOKS_MOST;
    struct watched *all = arena_new_array(a, struct watched, room);
    TRY(read_all(db, a, now, all, room, &n));
    for (size_t i = 0; i < n; i++) {
        look(a, &all[i], something_changed);
        any |= all[i].changed || all[i].moved;
    }
    if (!any)
        return OK;
    TRY(sql_begin(db));
    return sql_end(db, write_all(db, a, all, n));
}
