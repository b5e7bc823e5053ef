/* GET /api/organization/{id}/metrics: the deployments of one organization in the text format of Prometheus (exposition format
 * 0.0.4), for who may look at them; /metrics, which needs no login, names none. Counters begin anew with the process, as Prometheus
 * expects. */
#include "app/account/account.h"
#include "app/deployment/deployment.h"
#include "app/monitor/monitor.h"

enum { DEPLOYMENTS_MOST = 1000, FIRING_MOST = 1000, TEXT_CAP = 16 << 20 };

struct named {
    const char *labels; /* deployment="…",name="…" */
    struct served served;
};

static void describe(struct text *t, const char *name, const char *type, const char *says)
{
    text_fmt(t, "# HELP %s %s\n# TYPE %s %s\n", name, says, name, type);
}

/* A label's value: backslash, quote and line feed are escaped. */
static const char *escaped(struct arena *a, const char *s)
{
    AUTO(text) struct text t;
    text_init(&t, 1 << 14);
    for (; *s; s++)
        if (*s == '\n')
            text_add(&t, "\\n");
        else
            text_fmt(&t, "%s%c", *s == '"' || *s == '\\' ? "\\" : "", *s);
    return arena_str(a, t.bytes);
}

static enum err read_deployments(struct op *op, struct named *ret, size_t *ret_n)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r,
                 "SELECT id, name FROM deployment WHERE org = ?1 AND " NOT_GONE("id") " ORDER BY created_at DESC LIMIT ?2",
                 V(op->org), V((int64_t)DEPLOYMENTS_MOST)));
    for (*ret_n = 0; rows_next(r); ++*ret_n) {
        struct named *n = &ret[*ret_n];
        n->labels = arena_fmt(op->arena, "deployment=\"%s\",name=\"%s\"", rows_text(r, 0), escaped(op->arena, rows_text(r, 1)));
        served_since_start(rows_text(r, 0), &n->served);
    }
    return rows_error(r);
}

static void latency(struct text *t, const struct named *n)
{
    long long sum = 0;
    for (int i = 0; i < SERVED_BOUNDS; i++) {
        sum += n->served.latencies[i];
        if (served_bounds[i] < 1e299)
            text_fmt(t, "saccade_prediction_seconds_bucket{%s,le=\"%g\"} %lld\n", n->labels, served_bounds[i], sum);
        else
            text_fmt(t, "saccade_prediction_seconds_bucket{%s,le=\"+Inf\"} %lld\n", n->labels, sum);
    }
    text_fmt(t, "saccade_prediction_seconds_sum{%s} %.6f\nsaccade_prediction_seconds_count{%s} %lld\n", n->labels,
             n->served.latency_sum_s, n->labels, sum);
}

static enum err firing(struct op *op, struct text *t)
{
    describe(t, "saccade_alert_firing", "gauge", "alerts that fire now");
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(
        op->db, &r,
        "SELECT x.id, x.metric, x.says, o.id, o.name, x.acknowledged_at IS NOT NULL FROM alert x JOIN deployment o ON o.id ="
        " x.deployment_id WHERE o.org = ?1 AND x.state = 'FIRING' AND x.active <> 0 AND " NOT_GONE("o.id") " ORDER BY x.id"
                                                                                                           " LIMIT ?2",
        V(op->org), V((int64_t)FIRING_MOST)));
    while (rows_next(r))
        text_fmt(
            t, "saccade_alert_firing{deployment=\"%s\",name=\"%s\",alert=\"%s\",metric=\"%s\",says=\"%s\",acknowledged=\"%s\"} 1\n",
            rows_text(r, 3), escaped(op->arena, rows_text(r, 4)), rows_text(r, 0), rows_text(r, 1),
            escaped(op->arena, rows_text(r, 2)), rows_int(r, 5) ? "true" : "false");
    return rows_error(r);
}

static enum err metrics(struct op *op)
{
    AUTO(text) struct text t = { 0 };
    struct named *all = arena_new_array(op->arena, struct named, DEPLOYMENTS_MOST);
    size_t n = 0;
    if (op->guest)
        return fail(E_FORBIDDEN, "these are for members of the organization");
    text_init(&t, TEXT_CAP);
    TRY(read_deployments(op, all, &n));
    describe(&t, "saccade_predictions_total", "counter", "predictions that were given or told");
    for (size_t i = 0; i < n; i++)
        text_fmt(&t, "saccade_predictions_total{%s} %lld\n", all[i].labels, (long long)all[i].served.answered);
    describe(&t, "saccade_predictions_refused_total", "counter", "requests for a prediction that were not answered with one");
    for (size_t i = 0; i < n; i++)
        text_fmt(&t, "saccade_predictions_refused_total{%s} %lld\n", all[i].labels, (long long)all[i].served.refused);
    describe(&t, "saccade_prediction_seconds", "histogram", "what the model took");
    for (size_t i = 0; i < n; i++)
        latency(&t, &all[i]);
    TRY(firing(op, &t));
    http_answer_bytes(op->call, 200, "text/plain; version=0.0.4", t.bytes, t.n);
    return OK;
}

static const struct route routes[] = {
    { "GET", "/api/organization/{id}/metrics", metrics, MAY_READ, WORK_READ,
      "the organization's deployments for Prometheus: predictions, refusals, latency, firing alerts", .on = &organization_resource,
      .gives = GIVES_FILE },
};

const struct resource prometheus_resource = { .name = "metrics of deployments", .routes = routes, .n_routes = COUNT_OF(routes) };
