/* One answer with all that a deployment's dashboard shows. */
#include "app/deployment/deployment.h"
#include "app/monitor/alert.h"
#include "app/monitor/monitor.h"
#include "base/clock.h"
#include <string.h>

enum { SERIES_POINTS = 500, LAST = 24, KEPT_FROM = 200 }; /* KEPT_FROM: reviews */

/* What a dashboard looks at: all of a long range by the hour, else the newest predictions one by one. */
struct board {
    struct filter filter;
    bool is_long;
    struct picked picked;
    struct selection selection; /* of those */
};

static enum err counts(struct op *op, struct board *b)
{
    static const char *const names[] = { "total", "to_review", "reviewed", "submitted", "in_range" };
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r,
                  "SELECT (SELECT count(*) FROM predicted_asset WHERE deployment_id = ?1 AND status = 'TO_REVIEW'),"
                  " (SELECT count(*) FROM predicted_asset WHERE deployment_id = ?1 AND status = 'REVIEWED'),"
                  " (SELECT count(*) FROM predicted_asset WHERE deployment_id = ?1 AND status = 'SUBMITTED')",
                  V(op->id)));
    int64_t total = rows_int(r, 0) + rows_int(r, 1) + rows_int(r, 2), in_range = b->picked.n;
    if (b->is_long && (b->filter.from_ms || b->filter.to_ms != INT64_MAX))
        TRY(sql_int(op->db, &in_range,
                    "SELECT count(*) FROM predicted_asset WHERE deployment_id = ?1 AND created_at BETWEEN ?2 AND ?3", V(op->id),
                    V(b->filter.from_ms), V(b->filter.to_ms)));
    else if (b->is_long)
        in_range = total;
    b->picked.n = in_range;
    out_object(&op->out, "counts");
    out_int(&op->out, names[0], total);
    for (int i = 0; i < 3; i++)
        out_int(&op->out, names[i + 1], rows_int(r, i));
    out_int(&op->out, names[4], in_range);
    out_end_object(&op->out);
    out_int(&op->out, "predictions", in_range);
    picked_write(&op->out, &b->picked);
    return OK;
}

void latency_point_write(struct op *op, struct rows *r)
{
    struct out *o = &op->out;
    out_object(o, NULL);
    out_text(o, "id", rows_text(r, 0));
    out_text(o, "at", clock_iso(op->arena, rows_int(r, 1)));
    out_number(o, "champion", rows_real(r, 2));
    if (rows_null(r, 3))
        out_null(o, "shadow");
    else
        out_number(o, "shadow", rows_real(r, 3));
    out_end_object(o);
}

#define OF_PICKED "FROM listed i CROSS JOIN prediction p WHERE i.list = ?1 AND p.predicted_asset_id = i.value AND p.is_shadow"
/* Figures over all that was picked, and at most SERIES_POINTS points evenly taken from it. Seconds. */
static enum err latency(struct op *op, const struct selection *s)
{
    struct out *o = &op->out;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(
        op->db, &r,
        "WITH v AS (SELECT p.latency AS x, row_number() OVER (ORDER BY p.latency) AS n, count(*) OVER () AS c " OF_PICKED " = 0)"
        " SELECT avg(x), max(x) FILTER (WHERE n <= (c + 1) / 2), max(x) FILTER (WHERE n = 1 OR n <= c * 95 / 100), max(x),"
        " (SELECT avg(p.latency) " OF_PICKED " <> 0) FROM v",
        V(s->picked)));
    static const char *const names[] = { "mean_latency", "mean", "median", "p95", "max", "shadow_mean" };
    static const int columns[] = { 0, 0, 1, 2, 3, 4 };
    for (int k = 0; k < 6; k++) {
        int i = columns[k];
        if (k == 1)
            out_object(o, "latency_summary");
        if (rows_null(r, i))
            out_null(o, names[k]);
        else
            out_number(o, names[k], rows_real(r, i));
    }
    out_end_object(o);
    AUTO(rows) struct rows *series = NULL;
    TRY(sql_rows(op->db, &series,
                 "WITH v AS (SELECT a.id, a.created_at AS at, p.latency AS x, (SELECT q.latency FROM prediction q"
                 " WHERE q.predicted_asset_id = a.id AND q.is_shadow <> 0) AS y, row_number() OVER (ORDER BY a.created_at) AS n,"
                 " count(*) OVER () AS c FROM listed i CROSS JOIN predicted_asset a CROSS JOIN prediction p WHERE i.list = ?1"
                 " AND a.id = i.value AND p.predicted_asset_id = a.id AND p.is_shadow = 0)"
                 " SELECT id, at, x, y FROM v WHERE n % (c / ?2 + 1) = 0 OR n = c ORDER BY at",
                 V(s->picked), V((int64_t)SERIES_POINTS)));
    out_array(o, "latency");
    while (rows_next(series))
        latency_point_write(op, series);
    out_end_array(o);
    return rows_error(series);
}

static enum err last_predictions(struct op *op, const struct board *b)
{
    struct picked last;
    const char *ids[LAST];
    size_t n = 0;
    TRY(filter_pick(op, &b->filter, PICK_ALL, LAST, &last));
    {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_rows(op->db, &r, "SELECT value FROM listed WHERE list = ?1 ORDER BY place", V(last.ids)));
        while (n < LAST && rows_next(r))
            ids[n++] = arena_str(op->arena, rows_text(r, 0));
        TRY(rows_error(r));
    }
    out_array(&op->out, "last_predictions");
    for (size_t i = 0; i < n; i++)
        TRY(reply_member(op, NULL, &predicted_asset_resource, ids[i]));
    out_end_array(&op->out);
    return OK;
}

/* Ten classes of score from 0 to 1. */
static enum err scores(struct op *op, const struct board *b)
{
    int64_t bins[10] = { 0 };
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(
        op->db, &r,
        "SELECT CASE WHEN h.score < 0.1 THEN 0 WHEN h.score < 0.2 THEN 1 WHEN h.score < 0.3 THEN 2 WHEN h.score < 0.4 THEN 3"
        " WHEN h.score < 0.5 THEN 4 WHEN h.score < 0.6 THEN 5 WHEN h.score < 0.7 THEN 6 WHEN h.score < 0.8 THEN 7"
        " WHEN h.score < 0.9 THEN 8 ELSE 9 END, count(*) FROM listed i CROSS JOIN prediction p CROSS JOIN prediction_shape h"
        " WHERE i.list = ?1 AND p.predicted_asset_id = i.value AND p.is_shadow = ?2 AND h.prediction_id = p.id GROUP BY 1",
        V(b->picked.ids), V(b->filter.shadow)));
    while (rows_next(r))
        if (rows_int(r, 0) >= 0)
            bins[rows_int(r, 0)] = rows_int(r, 1);
    out_array(&op->out, "scores");
    for (int i = 0; i < 10; i++)
        out_int(&op->out, NULL, bins[i]);
    out_end_array(&op->out);
    return rows_error(r);
}

/* ---- champion and shadow on the same images */

static enum err comparison(struct op *op, const struct board *b)
{
    struct out *o = &op->out;
    struct agreement g;
    struct selection s = b->selection;
    if (b->is_long) /* only the newest ones are compared */
        s = (struct selection){ .deployment_id = op->id,
                                .from_ms = b->filter.from_ms,
                                .to_ms = b->filter.to_ms == INT64_MAX ? 0 : b->filter.to_ms };
    TRY(agreement_compute(op->db, &s, AGREEMENT_MOST, &g));
    if (!g.images) {
        out_null(o, "shadow_comparison");
        return OK;
    }
    out_object(o, "shadow_comparison");
    out_int(o, "images", g.images);
    out_number(o, "champion_shapes", (double)g.champion / (double)g.images);
    out_number(o, "shadow_shapes", (double)g.shadow / (double)g.images);
    if (agreement_part(&g) >= 0)
        out_number(o, "agreement", agreement_part(&g));
    else
        out_null(o, "agreement");
    out_end_object(o);
    return OK;
}

static enum err write_reviews(struct op *op, struct out *o, void *with)
{
    return reviewed_write(op->db, op->arena, o, with);
}

static enum err reviews(struct op *op, const struct board *b)
{
    struct picked reviewed, directed;
    TRY(filter_pick(op, &b->filter, PICK_REVIEWS, SUPERVISED_MOST, &reviewed));
    TRY(filter_pick(op, &b->filter, PICK_DIRECTED, SUPERVISED_MOST, &directed));
    struct selection s = { .deployment_id = op->id, .picked = reviewed.ids, .directed = directed.n };
    if (reviewed.n > KEPT_FROM)
        return kept_write(op, "reviews", b->filter.mark, write_reviews, &s);
    out_object(&op->out, "reviews");
    TRY(reviewed_write(op->db, op->arena, &op->out, &s));
    out_end_object(&op->out);
    return OK;
}

static void write_alert(struct op *op, struct rows *r)
{
    struct out *o = &op->out;
    const struct alert_metric *m = alert_metric_called(rows_text(r, 1));
    double last = rows_real(r, 4);
    const char *is = m && !rows_null(r, 4) ? arena_fmt(op->arena, ": it is %s", alert_amount(op->arena, m, last)) : "";
    out_object(o, NULL);
    out_text(o, "id", rows_text(r, 0));
    out_text(o, "metric", rows_text(r, 1));
    out_text(o, "operator", rows_text(r, 2));
    out_number(o, "value", rows_real(r, 3));
    out_number(o, "last_value", last);
    out_text(o, "at", clock_iso(op->arena, rows_int(r, 5)));
    out_text(o, "text", arena_fmt(op->arena, "%s%s", rows_text(r, 6), is));
    out_bool(o, "acknowledged", rows_int(r, 7) != 0);
    out_end_object(o);
}

/* Those that fire now. */
static enum err alerts(struct op *op)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r,
                 "SELECT id, metric, operator, value, last_value, triggered_at, says, acknowledged_at IS NOT NULL FROM alert"
                 " WHERE deployment_id = ?1 AND active <> 0 AND state = 'FIRING' ORDER BY created_at",
                 V(op->id)));
    out_array(&op->out, "alerts");
    while (rows_next(r))
        write_alert(op, r);
    out_end_array(&op->out);
    return rows_error(r);
}

static enum err dashboard(struct op *op)
{
    struct board b = { .selection = { .deployment_id = op->id } };
    TRY(filter_read(op, &b.filter));
    TRY(long_range(op, &b.filter, &b.is_long));
    if (!b.is_long)
        TRY(filter_pick(op, &b.filter, PICK_ALL, LOOKED_AT_EACH, &b.picked));
    b.selection.picked = b.picked.ids;
    out_object(&op->out, NULL);
    TRY(reply_member(op, "deployment", &deployment_resource, op->id));
    out_text(&op->out, "since", b.filter.from_ms ? clock_iso(op->arena, b.filter.from_ms) : NULL);
    out_text(&op->out, "until", b.filter.to_ms != INT64_MAX ? clock_iso(op->arena, b.filter.to_ms) : NULL);
    out_text(&op->out, "query", b.filter.all);
    TRY(counts(op, &b));
    TRY(b.is_long ? long_latency_write(op, &b.filter) : latency(op, &b.selection));
    TRY(last_predictions(op, &b));
    TRY(b.is_long ? long_labels_write(op, &b.filter) : label_distribution_write(op->db, &op->out, "labels", &b.selection));
    TRY(b.is_long ? long_scores_write(op, &b.filter) : scores(op, &b));
    TRY(comparison(op, &b));
    TRY(reviews(op, &b));
    TRY(alerts(op));
    out_end_object(&op->out);
    return OK;
}

static const struct field in[] = { FILTER_IN };

DESCRIBED(looked_at, "what was looked at", { "predictions", T_INT }, { "all", T_BOOL });
DESCRIBED(dashboard_counts, "counts of a dashboard", { "total", T_INT }, { "to_review", T_INT }, { "reviewed", T_INT },
          { "submitted", T_INT }, { "in_range", T_INT });
DESCRIBED(latency_answer, "latency summary", { "mean", T_NUMBER, F_NULL }, { "median", T_NUMBER, F_NULL },
          { "p95", T_NUMBER, F_NULL }, { "max", T_NUMBER, F_NULL }, { "shadow_mean", T_NUMBER, F_NULL });
DESCRIBED(latency_point, "latency point", { "id", T_ID }, { "at", T_TIME }, { "champion", T_NUMBER },
          { "shadow", T_NUMBER, F_NULL });
DESCRIBED(count_number, "count number", { "*", T_INT });
DESCRIBED(shadow_answer, "shadow comparison", { "images", T_INT }, { "champion_shapes", T_NUMBER }, { "shadow_shapes", T_NUMBER },
          { "agreement", T_NUMBER, F_NULL });
DESCRIBED(alert_answer, "alert that holds", { "id", T_ID }, { "metric", T_TEXT }, { "operator", T_TEXT }, { "value", T_NUMBER },
          { "last_value", T_NUMBER, F_NULL }, { "at", T_TIME, F_NULL }, { "text", T_TEXT }, { "acknowledged", T_BOOL });
DESCRIBED(label_answer, "label distribution", { "label", T_TEXT }, { "label_id", T_ID }, { "champion", T_INT }, { "shadow", T_INT },
          { "reviewed", T_INT }, { "training", T_INT, F_NULL });
/* What reviews say: of detectors average precision with its interval, of classifiers accuracy. */
#define FIGURE(name)                                                                                                               \
    {                                                                                                                              \
        name, T_NUMBER, F_NULL                                                                                                     \
    }
#define MAYBE(name)                                                                                                                \
    {                                                                                                                              \
        name, T_NUMBER, F_NULL | F_WHEN                                                                                            \
    }
DESCRIBED(interval_answer, "interval", { "low", T_NUMBER }, { "high", T_NUMBER });
#define INTERVAL(name)                                                                                                             \
    {                                                                                                                              \
        name, T_TUPLE, F_NULL | F_WHEN, .of = &interval_answer                                                                     \
    }
static const char *const sizes[] = { "small", "medium", "large", NULL };
DESCRIBED(reviewed_size, "reviewed size", { "size", T_TEXT, .words = sizes }, { "truths", T_INT }, { "images", T_INT },
          FIGURE("ap"), FIGURE("ar"), INTERVAL("ap_interval"), INTERVAL("ar_interval"));
DESCRIBED(reviewed_label, "reviewed label", { "label", T_TEXT }, { "truths", T_INT }, { "images", T_INT, F_WHEN },
          INTERVAL("ap_interval"), INTERVAL("ap_50_interval"), INTERVAL("ap_75_interval"), INTERVAL("ar_interval"),
          INTERVAL("precision_interval"), INTERVAL("recall_interval"), INTERVAL("f1_interval"),
          { "sizes", T_MANY, F_WHEN, .of = &reviewed_size }, MAYBE("ap"), MAYBE("ap_50"), MAYBE("ap_75"), MAYBE("ar"),
          FIGURE("precision"), FIGURE("recall"), FIGURE("f1"));
DESCRIBED(reviewed_answer, "reviewed predictions", { "images", T_INT }, { "truths", T_INT, F_WHEN }, MAYBE("accuracy"),
          INTERVAL("accuracy_interval"), MAYBE("ap_50_95"), MAYBE("ap_50"), MAYBE("ap_75"), INTERVAL("ap_50_95_interval"),
          INTERVAL("ap_50_interval"), INTERVAL("ap_75_interval"), INTERVAL("ar_interval"), INTERVAL("precision_interval"),
          INTERVAL("recall_interval"), INTERVAL("f1_interval"), { "sizes", T_MANY, F_WHEN, .of = &reviewed_size }, MAYBE("ar"),
          FIGURE("precision"), FIGURE("recall"), FIGURE("f1"), MAYBE("best_score"), { "labels", T_MANY, .of = &reviewed_label });
DESCRIBED(beside_answer, "shadow beside the champion", { "metric", T_TEXT }, { "images", T_INT }, FIGURE("champion"),
          FIGURE("shadow"), FIGURE("better"), { "champion_interval", T_TUPLE, F_NULL, .of = &interval_answer },
          { "shadow_interval", T_TUPLE, F_NULL, .of = &interval_answer },
          { "difference", T_TUPLE, F_NULL, .of = &interval_answer });
DESCRIBED(shared_answer, "figures of reviews that both have", { "champion", T_PART, .of = &reviewed_answer },
          { "shadow", T_PART, .of = &reviewed_answer });
DESCRIBED(reviews_answer, "figures of reviews", { "champion", T_PART, .of = &reviewed_answer },
          { "shadow", T_PART, .of = &reviewed_answer }, { "beside", T_PART, .of = &beside_answer },
          { "shared", T_PART, F_NULL, .of = &shared_answer }, { "directed", T_INT });
DESCRIBED(dashboard_answer, "dashboard", { "deployment", T_PART, .of = &deployment_resource }, { "since", T_TIME, F_NULL },
          { "until", T_TIME, F_NULL }, { "query", T_TEXT }, { "looked_at", T_PART, .of = &looked_at },
          { "counts", T_PART, .of = &dashboard_counts }, { "predictions", T_INT }, { "mean_latency", T_NUMBER, F_NULL },
          { "latency_summary", T_PART, .of = &latency_answer }, { "latency", T_MANY, .of = &latency_point },
          { "last_predictions", T_MANY, .of = &predicted_asset_resource }, { "labels", T_MANY, .of = &label_answer },
          { "scores", T_ARRAY, .of = &count_number }, { "shadow_comparison", T_PART, F_NULL, .of = &shadow_answer },
          { "reviews", T_PART, .of = &reviews_answer }, { "alerts", T_MANY, .of = &alert_answer });

static const struct route routes[] = {
    { "GET", "/api/deployment/{id}/dashboard", dashboard, MAY_READ, WORK_READ, "all that a dashboard shows, in one answer",
      FIELDS(in), .on = &deployment_resource, .answers = &dashboard_answer },
};

const struct resource dashboard_resource = { .name = "dashboard", .routes = routes, .n_routes = COUNT_OF(routes) };
