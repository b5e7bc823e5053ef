/* One answer with all that a deployment's dashboard shows. */
#include "app/deployment/deployment.h"
#include "app/monitor/monitor.h"
#include "base/clock.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SERIES_POINTS = 500, LAST = 24, COMPARED_IMAGES = 500, BOXES = 2000 };

static enum err counts(struct op *op, const struct selection *s)
{
    static const char *const names[] = { "total", "to_review", "reviewed", "submitted", "in_range" };
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r,
                  "SELECT (SELECT count(*) FROM predicted_asset WHERE deployment_id = ?1 AND status = 'TO_REVIEW'),"
                  " (SELECT count(*) FROM predicted_asset WHERE deployment_id = ?1 AND status = 'REVIEWED'),"
                  " (SELECT count(*) FROM predicted_asset WHERE deployment_id = ?1 AND status = 'SUBMITTED'),"
                  " (SELECT count(*) FROM predicted_asset WHERE deployment_id = ?1 AND created_at >= ?2 AND ?2 > 0)",
                  V(s->deployment_id), V(s->from_ms)));
    int64_t total = rows_int(r, 0) + rows_int(r, 1) + rows_int(r, 2), in_range = s->from_ms ? rows_int(r, 3) : total;
    out_object(&op->out, "counts");
    out_int(&op->out, names[0], total);
    for (int i = 0; i < 3; i++)
        out_int(&op->out, names[i + 1], rows_int(r, i));
    out_int(&op->out, names[4], in_range);
    out_end_object(&op->out);
    out_int(&op->out, "predictions", in_range);
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

/* Figures over all of the range, and at most SERIES_POINTS points evenly taken from it. Seconds. */
static enum err latency(struct op *op, const struct selection *s)
{
    struct out *o = &op->out;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(
        op->db, &r,
        "WITH v AS (SELECT p.latency AS x, row_number() OVER (ORDER BY p.latency) AS n, count(*) OVER () AS c"
        " FROM predicted_asset a JOIN prediction p ON p.predicted_asset_id = a.id AND p.is_shadow = 0 WHERE " SELECTED ")"
        " SELECT avg(x), max(x) FILTER (WHERE n <= (c + 1) / 2), max(x) FILTER (WHERE n <= max(1, c * 95 / 100)), max(x),"
        " (SELECT avg(p.latency) FROM predicted_asset a JOIN prediction p ON p.predicted_asset_id = a.id AND p.is_shadow <> 0"
        " WHERE " SELECTED ") FROM v",
        SELECTION(s)));
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
    TRY(sql_rows(
        op->db, &series,
        "WITH v AS (SELECT a.id, a.created_at AS at, p.latency AS x, (SELECT q.latency FROM prediction q"
        " WHERE q.predicted_asset_id = a.id AND q.is_shadow <> 0) AS y, row_number() OVER (ORDER BY a.created_at) AS n,"
        " count(*) OVER () AS c FROM predicted_asset a JOIN prediction p ON p.predicted_asset_id = a.id AND p.is_shadow = 0"
        " WHERE " SELECTED ") SELECT id, at, x, y FROM v WHERE n % (c / ?8 + 1) = 0 OR n = c ORDER BY at",
        SELECTION(s), V((int64_t)SERIES_POINTS)));
    out_array(o, "latency");
    while (rows_next(series))
        latency_point_write(op, series);
    out_end_array(o);
    return rows_error(series);
}

static enum err last_predictions(struct op *op, const struct selection *s)
{
    const char *ids[LAST];
    size_t n = 0;
    {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_rows(op->db, &r,
                     "SELECT id FROM predicted_asset WHERE deployment_id = ?1 ORDER BY created_at DESC, id DESC LIMIT ?2",
                     V(s->deployment_id), V((int64_t)LAST)));
        while (rows_next(r))
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
static enum err scores(struct op *op, const struct selection *s)
{
    int64_t bins[10] = { 0 };
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(
        op->db, &r,
        "SELECT min(9, CAST(h.score * 10 AS INTEGER)), count(*) FROM predicted_asset a JOIN prediction p"
        " ON p.predicted_asset_id = a.id AND p.is_shadow = 0 JOIN prediction_shape h ON h.prediction_id = p.id WHERE " SELECTED
        " GROUP BY 1",
        SELECTION(s)));
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

struct box {
    char label[ID_SIZE];
    double x, y, w, h;
    bool taken;
};

static double iou(const struct box *a, const struct box *b)
{
    if (a->w == 0 && a->h == 0 && b->w == 0 && b->h == 0) /* labels of the whole image */
        return 1;
    double w = fmin(a->x + a->w, b->x + b->w) - fmax(a->x, b->x), h = fmin(a->y + a->h, b->y + b->h) - fmax(a->y, b->y);
    if (w <= 0 || h <= 0)
        return 0;
    return w * h / (a->w * a->h + b->w * b->h - w * h);
}

static enum err boxes_of(struct sql *db, const char *asset, bool shadow, struct box *ret, size_t *ret_n)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r,
                 "SELECT h.label_id, h.x, h.y, h.w, h.h FROM prediction p JOIN prediction_shape h ON h.prediction_id = p.id"
                 " WHERE p.predicted_asset_id = ?1 AND p.is_shadow = ?2 ORDER BY h.score DESC LIMIT ?3",
                 V(asset), V(shadow), V((int64_t)BOXES)));
    for (*ret_n = 0; rows_next(r); (*ret_n)++) {
        struct box *b = &ret[*ret_n];
        *b = (struct box){ .x = rows_real(r, 1), .y = rows_real(r, 2), .w = rows_real(r, 3), .h = rows_real(r, 4) };
        id_parse(rows_text(r, 0), b->label);
    }
    return rows_error(r);
}

/* Boxes of the same label that overlap by half, one to one, the champion's best first. */
static size_t matches(struct box *a, size_t n, struct box *b, size_t m)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        struct box *best = NULL;
        double most = 0.5;
        for (size_t k = 0; k < m; k++)
            if (!b[k].taken && strcmp(a[i].label, b[k].label) == 0 && iou(&a[i], &b[k]) >= most) {
                most = iou(&a[i], &b[k]);
                best = &b[k];
            }
        if (best) {
            best->taken = true;
            found++;
        }
    }
    return found;
}

/* agreement: 2 × matches / (boxes of both), as Dice; null when neither said anything. */
static enum err comparison(struct op *op, const struct selection *s)
{
    int64_t has_shadow = 0;
    TRY(sql_int(op->db, &has_shadow, "SELECT count(*) FROM deployment WHERE id = ?1 AND shadow_model_version_id IS NOT NULL",
                V(s->deployment_id)));
    if (!has_shadow) { /* all predictions would be looked through for one */
        out_null(&op->out, "shadow_comparison");
        return OK;
    }
    struct out *o = &op->out;
    struct box *champion = arena_new_array(op->arena, struct box, BOXES), *shadow = arena_new_array(op->arena, struct box, BOXES);
    int64_t images = 0;
    size_t said = 0, said_shadow = 0, both = 0;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(
        op->db, &r,
        "SELECT a.id FROM predicted_asset a JOIN prediction p ON p.predicted_asset_id = a.id AND p.is_shadow WHERE " SELECTED
        " AND p.model_version_id = (SELECT shadow_model_version_id FROM deployment WHERE id = ?1)"
        " ORDER BY a.created_at DESC LIMIT ?8",
        SELECTION(s), V((int64_t)COMPARED_IMAGES)));
    for (; rows_next(r); images++) {
        size_t n, m;
        TRY(boxes_of(op->db, rows_text(r, 0), false, champion, &n));
        TRY(boxes_of(op->db, rows_text(r, 0), true, shadow, &m));
        both += matches(champion, n, shadow, m);
        said += n;
        said_shadow += m;
    }
    TRY(rows_error(r));
    if (!images) {
        out_null(o, "shadow_comparison");
        return OK;
    }
    out_object(o, "shadow_comparison");
    out_int(o, "images", images);
    out_number(o, "champion_shapes", (double)said / (double)images);
    out_number(o, "shadow_shapes", (double)said_shadow / (double)images);
    if (said + said_shadow)
        out_number(o, "agreement", 2.0 * (double)both / (double)(said + said_shadow));
    else
        out_null(o, "agreement");
    out_end_object(o);
    return OK;
}

static enum err reviews(struct op *op, const struct selection *s, bool is_long)
{
    const struct selection now = { .deployment_id = s->deployment_id, .from_ms = s->from_ms, .model_version_id = NULL };
    if (is_long)
        return long_reviews_write(op, &now);
    out_object(&op->out, "reviews");
    TRY(reviewed_write(op->db, op->arena, &op->out, &now));
    out_end_object(&op->out);
    return OK;
}

static void write_alert(struct op *op, struct rows *r)
{
    struct out *o = &op->out;
    double value = rows_real(r, 3), last = rows_real(r, 4);
    const char *what = strcmp(rows_text(r, 1), "latency") == 0 ? "Latency" : "Mean latency";
    out_object(o, NULL);
    out_text(o, "id", rows_text(r, 0));
    out_text(o, "metric", rows_text(r, 1));
    out_text(o, "operator", rows_text(r, 2));
    out_number(o, "value", value);
    out_number(o, "last_value", last);
    out_text(o, "at", clock_iso(op->arena, rows_int(r, 5)));
    out_text(o, "text", arena_fmt(op->arena, "%s %s %g ms: it is %.1f ms", what, rows_text(r, 2), value, last));
    out_end_object(o);
}

/* Those that hold now. */
static enum err alerts(struct op *op, const struct selection *s)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r,
                 "SELECT id, metric, operator, value, last_value, triggered_at FROM alert WHERE deployment_id = ?1 AND active <> 0"
                 " AND triggered <> 0 ORDER BY created_at",
                 V(s->deployment_id)));
    out_array(&op->out, "alerts");
    while (rows_next(r))
        write_alert(op, r);
    out_end_array(&op->out);
    return rows_error(r);
}

enum err since_read(struct op *op, int64_t *ret)
{
    const char *text = in_text(op, "since");
    *ret = 0;
    if (!text)
        return OK;
    char *end;
    double seconds = strtod(text, &end);
    if (*text && !*end && seconds >= 0 && seconds < 1e10) {
        *ret = clock_now_ms() - (int64_t)(seconds * 1000);
        return OK;
    }
    return clock_parse_iso(text, ret) ? OK : fail(E_INVALID, "since must be seconds before now, or a time in ISO 8601");
}

static enum err dashboard(struct op *op)
{
    struct selection s = { .model_version_id = in_text(op, "model_version_id") };
    s.deployment_id = op->id;
    bool is_long;
    TRY(since_read(op, &s.from_ms));
    TRY(long_range(op->db, &s, &is_long));
    out_object(&op->out, NULL);
    TRY(reply_member(op, "deployment", &deployment_resource, s.deployment_id));
    if (s.from_ms)
        out_text(&op->out, "since", clock_iso(op->arena, s.from_ms));
    else
        out_null(&op->out, "since");
    TRY(counts(op, &s));
    TRY(is_long ? long_latency_write(op, &s) : latency(op, &s));
    TRY(last_predictions(op, &s));
    TRY(is_long ? long_labels_write(op, &s) : label_distribution_write(op->db, &op->out, "labels", &s));
    TRY(is_long ? long_scores_write(op, &s) : scores(op, &s));
    TRY(comparison(op, &s));
    TRY(reviews(op, &s, is_long));
    TRY(alerts(op, &s));
    out_end_object(&op->out);
    return OK;
}

static const struct field in[] = { { "since", T_TEXT, 0, .max = 40 }, { "model_version_id", T_ID } };

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
          { "last_value", T_NUMBER, F_NULL }, { "at", T_TIME, F_NULL }, { "text", T_TEXT });
DESCRIBED(label_answer, "label distribution", { "label", T_TEXT }, { "label_id", T_ID }, { "champion", T_INT }, { "shadow", T_INT },
          { "reviewed", T_INT }, { "training", T_INT, F_NULL });
DESCRIBED(dashboard_answer, "dashboard", { "deployment", T_PART, .of = &deployment_resource }, { "since", T_TIME, F_NULL },
          { "counts", T_PART, .of = &dashboard_counts }, { "predictions", T_INT }, { "mean_latency", T_NUMBER, F_NULL },
          { "latency_summary", T_PART, .of = &latency_answer }, { "latency", T_MANY, .of = &latency_point },
          { "last_predictions", T_MANY, .of = &predicted_asset_resource }, { "labels", T_MANY, .of = &label_answer },
          { "scores", T_ARRAY, .of = &count_number }, { "shadow_comparison", T_PART, F_NULL, .of = &shadow_answer },
          { "reviews", T_OBJECT }, { "alerts", T_MANY, .of = &alert_answer });

static const struct route routes[] = {
    { "GET", "/api/deployment/{id}/dashboard", dashboard, MAY_READ, WORK_READ, "all that a dashboard shows, in one answer",
      FIELDS(in), .on = &deployment_resource, .answers = &dashboard_answer },
};

const struct resource dashboard_resource = { .name = "dashboard", .routes = routes, .n_routes = COUNT_OF(routes) };
