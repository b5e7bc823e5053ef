/* What starts a continuous training by itself: one row for each trigger. That there are enough new images, that no training runs
 * and that the last start is long enough ago is asked before (deployment/retraining.c). */
#include "app/deployment/deployment.h"
#include "app/monitor/alert.h"
#include <string.h>

enum { HOUR = 3600 * 1000, DAY = 24 * HOUR };

static const char *const days[] = { "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday" };

static enum err never(struct sql *db, struct arena *a, const struct training_plan *p, int64_t now, struct training_cause *ret)
{
    (void)db, (void)a, (void)p, (void)now, (void)ret;
    return OK;
}

static enum err enough(struct sql *db, struct arena *a, const struct training_plan *p, int64_t now, struct training_cause *ret)
{
    (void)db, (void)now;
    ret->says = arena_fmt(a, "%lld new reviewed images, %lld were asked for", (long long)p->waiting, (long long)p->least);
    return OK;
}

/* ---- a schedule */

int64_t training_slot(int64_t now_ms, int64_t weekday, int64_t hour)
{
    int64_t at = now_ms - now_ms % DAY + hour * HOUR;
    if (at > now_ms)
        at -= DAY;
    if (weekday >= 0)
        at -= ((at / DAY + 3) % 7 - weekday + 7) % 7 * DAY; /* 1970 began on a Thursday */
    return at;
}

static enum err due_by_time(struct sql *db, struct arena *a, const struct training_plan *p, int64_t now, struct training_cause *ret)
{
    (void)db;
    int64_t since = p->last_at_ms > p->set_at_ms ? p->last_at_ms : p->set_at_ms;
    if (p->every_hours > 0 && now - since >= p->every_hours * HOUR)
        ret->says = arena_fmt(a, "%lld hours have passed, and %lld reviewed images are new", (long long)p->every_hours,
                              (long long)p->waiting);
    if (p->hour >= 0 && training_slot(now, p->weekday, p->hour) > since)
        ret->says = arena_fmt(a, "it is %s %02lld:00 UTC, and %lld reviewed images are new",
                              p->weekday >= 0 ? days[p->weekday] : "past", (long long)p->hour, (long long)p->waiting);
    return OK;
}

/* ---- drift */

/* The newest alarm since the training was set up; each starts one training, unless that failed. */
static enum err due_by_drift(struct sql *db, struct arena *a, const struct training_plan *p, int64_t now,
                             struct training_cause *ret)
{
    (void)now;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r,
                 "SELECT x.id, (SELECT count(*) FROM predicted_asset s WHERE s.deployment_id = ?1 AND s.status = 'SUBMITTED' AND"
                 " s.retraining_id IS NULL AND s.submitted_at >= x.created_at), (SELECT v.feature FROM drift_value v WHERE"
                 " v.check_id = x.id AND v.drifted <> 0 ORDER BY v.p, v.feature LIMIT 1) FROM (SELECT c.id, c.created_at FROM"
                 " drift_check c WHERE c.deployment_id = ?1 AND c.alarm <> 0 AND c.created_at >= ?2 ORDER BY c.created_at DESC,"
                 " c.id DESC LIMIT 1) x WHERE NOT EXISTS (SELECT 1 FROM retraining t WHERE t.deployment_id = ?1 AND t.cause = x.id"
                 " AND t.state <> 'FAILED')",
                 V(p->deployment), V(p->set_at_ms)));
    if (!rows_next(r) || rows_int(r, 1) < p->least)
        return rows_error(r);
    ret->key = arena_str(a, rows_text(r, 0));
    ret->says =
        arena_fmt(a, "drift was told of%s%s, and %lld images were reviewed since", rows_null(r, 2) ? "" : ", first of all of ",
                  rows_null(r, 2) ? "" : rows_text(r, 2), (long long)rows_int(r, 1));
    return OK;
}

/* ---- what reviews say of the champion */

const char *const training_metric_words[] = { "ap_50", "ap_50_95", "precision", "recall", "accuracy", NULL };

static enum err due_by_metric(struct sql *db, struct arena *a, const struct training_plan *p, int64_t now,
                              struct training_cause *ret)
{
    const struct alert_rule rule = { .metric = alert_metric_called(arena_fmt(a, "stats.%s", p->metric)),
                                     .operator= "<",
                                     .value = p->below,
                                     .window_seconds = p->serving ? (now - p->deployed_at_ms) / 1000 + 1 : now / 1000,
                                     .min_count = p->reviews };
    struct alert_look l = { .db = db,
                            .arena = a,
                            .rule = &rule,
                            .deployment = p->deployment,
                            .now = now,
                            .seen = p->seen,
                            .last_value = p->below,
                            .had_value = p->seen != NULL }; /* the same images were not below it the last time either */
    if (!rule.metric)
        return OK;
    TRY(alert_read(&l));
    ret->seen = l.now_seen;
    if (l.known && l.value < p->below)
        ret->says =
            arena_fmt(a, "%s is %.3f on %lld reviewed images, below %g", rule.metric->says, l.value, (long long)l.count, p->below);
    return OK;
}

/* ---- the table */

const char *const training_trigger_words[] = { "FEEDBACK_LOOP", "SCHEDULE", "DRIFT", "METRIC", "NONE", NULL };

const struct training_trigger training_triggers[] = {
    { "FEEDBACK_LOOP", "threshold", "after how many submitted reviews a training starts", 0, true, enough },
    { "SCHEDULE", NULL, NULL, 0, false, due_by_time },
    { "DRIFT", NULL, NULL, 24, true, due_by_drift },
    { "METRIC", "metric", "which figure of the reviews starts a training when it falls", 24, false, due_by_metric },
    { "NONE", NULL, NULL, 0, false, never },
    { 0 },
};

const struct training_trigger *training_trigger_called(const char *word)
{
    for (const struct training_trigger *t = training_triggers; t->word; t++)
        if (strcmp(t->word, word) == 0)
            return t;
    return NULL;
}
