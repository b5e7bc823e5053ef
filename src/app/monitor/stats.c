/* The contract's statistics: of single predictions, and over all that a filter selects. */
#include "app/deployment/deployment.h"
#include "app/monitor/drift.h"
#include "app/monitor/monitor.h"
#include "app/monitor/outlier.h"
#include "base/clock.h"
#include <string.h>

enum { LISTED_MOST = 10000 };

static const char *const services[] = {
    "metrics", "label_distribution", "object_detection", "classification", "ae_outlier", "ks_drift", NULL
};

static bool asks(struct op *op, const char *service)
{
    return strcmp(in_text(op, "service"), service) == 0;
}

/* from, to: seconds since 1970; since: seconds before now. */
static enum err read_selection(struct op *op, struct selection *ret)
{
    *ret = (struct selection){ .model_version_id = in_text(op, "model_id"),
                               .from_ms = (int64_t)(in_number(op, "from_timestamp", 0) * 1000),
                               .to_ms = (int64_t)(in_number(op, "to_timestamp", 0) * 1000) };
    ret->deployment_id = op->id;
    TRY(in_ids(op, "includes", &ret->ids));
    TRY(in_ids(op, "excludes", &ret->without_ids));
    TRY(in_names(op, "tags", &ret->tags));
    if (in_has(op, "since"))
        ret->from_ms = clock_now_ms() - in_int(op, "since", 0) * 1000;
    return OK;
}

static void number_or_null(struct out *o, const char *key, struct rows *r, int column)
{
    if (rows_null(r, column))
        out_null(o, key);
    else
        out_number(o, key, rows_real(r, column));
}

/* ---- one item for each prediction */

static enum err each_metrics(struct op *op, const struct selection *s)
{
    struct out *o = &op->out;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r,
                 "SELECT a.id, a.created_at, p.latency, d.width, d.height, (SELECT count(*) FROM prediction_shape h"
                 " WHERE h.prediction_id = p.id), (SELECT q.latency FROM prediction q WHERE q.predicted_asset_id = a.id AND "
                 "q.is_shadow <> 0),"
                 " a.custom_metrics, k.brightness, k.contrast, k.sharpness, k.saturation FROM predicted_asset a JOIN prediction p"
                 " ON p.predicted_asset_id = a.id AND p.is_shadow = 0 JOIN data d ON d.id = a.data_id LEFT JOIN image_look k"
                 " ON k.data_id = d.id WHERE " SELECTED " ORDER BY a.created_at DESC LIMIT ?8",
                 SELECTION(s), V((int64_t)LISTED_MOST)));
    while (rows_next(r)) {
        double w = rows_real(r, 3), h = rows_real(r, 4);
        out_object(o, NULL);
        out_text(o, "oracle_prediction_id", rows_text(r, 0));
        out_text(o, "timestamp", clock_iso(op->arena, rows_int(r, 1)));
        out_number(o, "latency", rows_real(r, 2));
        out_int(o, "width", rows_int(r, 3));
        out_int(o, "height", rows_int(r, 4));
        out_number(o, "ratio", h > 0 ? w / h : 0);
        out_number(o, "area", w * h);
        out_int(o, "nb_shapes", rows_int(r, 5));
        number_or_null(o, "shadow_latency", r, 6);
        out_raw(o, "custom_metrics", rows_text(r, 7));
        for (int i = 0; i < 4; i++)
            number_or_null(o, drift_features[F_BRIGHTNESS + i].name, r, 8 + i);
        out_end_object(o);
    }
    return rows_error(r);
}

/* Of those that are not scored yet, null. */
static enum err each_outlier(struct op *op, const struct selection *s)
{
    struct out *o = &op->out;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r,
                 "SELECT a.id, a.created_at, a.outlier_score, a.is_outlier FROM predicted_asset a JOIN prediction p ON"
                 " p.predicted_asset_id = a.id AND p.is_shadow = 0 WHERE " SELECTED " ORDER BY a.created_at DESC LIMIT ?8",
                 SELECTION(s), V((int64_t)LISTED_MOST)));
    while (rows_next(r)) {
        out_object(o, NULL);
        out_text(o, "oracle_prediction_id", rows_text(r, 0));
        out_text(o, "timestamp", clock_iso(op->arena, rows_int(r, 1)));
        number_or_null(o, "ae_outlier", r, 2);
        if (rows_null(r, 2))
            out_null(o, "is_outlier");
        else
            out_bool(o, "is_outlier", rows_int(r, 3) != 0);
        out_end_object(o);
    }
    return rows_error(r);
}

static void end_labels(struct op *op, const char *last)
{
    if (!*last)
        return;
    out_end_object(&op->out);
    out_end_object(&op->out);
}

/* Each reviewed image with how often the review says each label. */
static enum err each_labels(struct op *op, const struct selection *s)
{
    char last[ID_SIZE] = "";
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(
        op->db, &r,
        "SELECT q.id, q.created_at, l.name, count(h.label_id) FROM (SELECT a.id, a.created_at FROM predicted_asset a"
        " JOIN prediction p ON p.predicted_asset_id = a.id AND p.is_shadow = 0 WHERE " SELECTED
        " AND a.status <> 'TO_REVIEW' ORDER BY a.created_at DESC LIMIT ?8) q LEFT JOIN review v ON v.predicted_asset_id = q.id"
        " LEFT JOIN review_shape h ON h.review_id = v.id LEFT JOIN deployment_label l ON l.id = h.label_id"
        " GROUP BY q.id, q.created_at, l.id, l.name ORDER BY q.created_at DESC, q.id, l.name",
        SELECTION(s), V((int64_t)LISTED_MOST)));
    while (rows_next(r)) {
        if (strcmp(last, rows_text(r, 0)) != 0) {
            end_labels(op, last);
            memcpy(last, rows_text(r, 0), ID_SIZE);
            out_object(&op->out, NULL);
            out_text(&op->out, "oracle_prediction_id", last);
            out_text(&op->out, "timestamp", clock_iso(op->arena, rows_int(r, 1)));
            out_object(&op->out, "label_distribution");
        }
        if (!rows_null(r, 2))
            out_int(&op->out, rows_text(r, 2), rows_int(r, 3));
    }
    end_labels(op, last);
    return rows_error(r);
}

static enum err stats_of(struct op *op, struct arena *a, const struct selection *one)
{
    struct supervised boxes;
    struct classified labels;
    if (asks(op, "classification")) {
        TRY(classified_compute(op->db, a, one, false, &labels));
        classified_write(&op->out, "stats", &labels);
    } else {
        TRY(supervised_compute(op->db, a, one, false, &boxes));
        supervised_write(&op->out, "stats", &boxes);
    }
    return OK;
}

static enum err each_review(struct op *op, const struct selection *s)
{
    enum { IMAGES_MOST = 1000 };
    const char **ids = arena_new_array(op->arena, const char *, IMAGES_MOST);
    size_t n = 0;
    {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_rows(op->db, &r,
                     "SELECT a.id FROM predicted_asset a JOIN prediction p ON p.predicted_asset_id = a.id AND p.is_shadow = 0 "
                     "WHERE " SELECTED " AND a.status != 'TO_REVIEW' ORDER BY a.created_at DESC LIMIT ?8",
                     SELECTION(s), V((int64_t)IMAGES_MOST)));
        while (rows_next(r))
            ids[n++] = arena_str(op->arena, rows_text(r, 0));
        TRY(rows_error(r));
    }
    for (size_t i = 0; i < n; i++) {
        AUTO(arena) struct arena *a = arena_new(); /* an image's boxes need not outlive it */
        struct selection one = { .deployment_id = s->deployment_id };
        TRY(sql_list(op->db, &ids[i], 1, &one.ids));
        out_object(&op->out, NULL);
        out_text(&op->out, "oracle_prediction_id", ids[i]);
        TRY(stats_of(op, a, &one));
        out_end_object(&op->out);
    }
    return OK;
}

static enum err each(struct op *op)
{
    struct selection s;
    TRY(read_selection(op, &s));
    if (asks(op, "ks_drift"))
        return fail(E_UNMEANT, "service: ks_drift compares many predictions: ask for it over all of them, not for each");
    out_object(&op->out, NULL);
    out_text(&op->out, "service", in_text(op, "service"));
    out_array(&op->out, "items");
    TRY(asks(op, "metrics")              ? each_metrics(op, &s)
        : asks(op, "ae_outlier")         ? each_outlier(op, &s)
        : asks(op, "label_distribution") ? each_labels(op, &s)
                                         : each_review(op, &s));
    out_end_array(&op->out);
    out_end_object(&op->out);
    return OK;
}

/* ---- over all */

static enum err all_metrics(struct op *op, const struct selection *s)
{
    static const char *const names[] = { "latency", "width", "height" };
    struct out *o = &op->out;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r,
                  "SELECT count(*), avg(p.latency), min(p.latency), max(p.latency), avg(d.width), min(d.width), max(d.width),"
                  " avg(d.height), min(d.height), max(d.height) FROM predicted_asset a JOIN prediction p"
                  " ON p.predicted_asset_id = a.id AND p.is_shadow = 0 JOIN data d ON d.id = a.data_id WHERE " SELECTED,
                  SELECTION(s)));
    out_object(o, "result");
    out_int(o, "count", rows_int(r, 0));
    for (int i = 0; i < 3; i++) {
        out_object(o, names[i]);
        for (int k = 0; k < 3; k++)
            number_or_null(o, (const char *const[]){ "mean", "min", "max" }[k], r, 1 + 3 * i + k);
        out_end_object(o);
    }
    out_end_object(o);
    return OK;
}

static enum err all_reviews(struct op *op, const struct selection *s)
{
    out_object(&op->out, "result");
    TRY(reviewed_write(op->db, op->arena, &op->out, s));
    out_end_object(&op->out);
    return OK;
}

/* The newest predictions of the selection, as many as the deployment's window has, against what the deployment is compared with. */
static enum err all_drift(struct op *op, const struct selection *s)
{
    struct drift_settings t;
    struct drift *d = arena_take(op->arena, sizeof *d);
    enum err e = drift_settings_read(op->db, op->arena, op->id, &t);
    if (e == E_NOT_FOUND)
        return fail(E_NOT_FOUND, "the deployment is not watched");
    TRY(e);
    TRY(drift_measure(op->db, op->arena, &t, s, d));
    out_object(&op->out, "result");
    out_text(&op->out, "waits_for", d->waits_for);
    out_number(&op->out, "alpha", t.alpha);
    drift_write(&op->out, op->arena, d);
    out_end_object(&op->out);
    return OK;
}

/* What is scored of the newest of the selection; the threshold is today's. */
static enum err all_outliers(struct op *op, const struct selection *s)
{
    struct outlier_state t;
    struct out *o = &op->out;
    enum err e = outlier_state_read(op->db, op->arena, op->id, &t);
    if (e == E_NOT_FOUND)
        return fail(E_NOT_FOUND, "the deployment is not watched");
    TRY(e);
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r,
                  "SELECT count(*), count(outlier_score), coalesce(sum(is_outlier), 0), avg(outlier_score), min(outlier_score),"
                  " max(outlier_score) FROM (SELECT a.outlier_score, a.is_outlier FROM predicted_asset a JOIN prediction p ON"
                  " p.predicted_asset_id = a.id AND p.is_shadow = 0 WHERE " SELECTED " ORDER BY a.created_at DESC LIMIT ?8) q",
                  SELECTION(s), V((int64_t)LISTED_MOST)));
    out_object(o, "result");
    out_int(o, "count", rows_int(r, 0));
    out_int(o, "scored", rows_int(r, 1));
    out_int(o, "outliers", rows_int(r, 2));
    for (int i = 0; i < 3; i++)
        number_or_null(o, (const char *const[]){ "mean", "min", "max" }[i], r, 3 + i);
    if (t.fit_id)
        out_number(o, "threshold", t.threshold);
    else
        out_null(o, "threshold");
    TRY(outlier_waits_for(op, &t, o));
    out_end_object(o);
    return OK;
}

static enum err all(struct op *op)
{
    struct selection s;
    TRY(read_selection(op, &s));
    out_object(&op->out, NULL);
    out_text(&op->out, "service", in_text(op, "service"));
    out_object(&op->out, "infos");
    out_text(&op->out, "computed_at", clock_iso(op->arena, clock_now_ms()));
    out_end_object(&op->out);
    TRY(asks(op, "metrics")              ? all_metrics(op, &s)
        : asks(op, "ks_drift")           ? all_drift(op, &s)
        : asks(op, "ae_outlier")         ? all_outliers(op, &s)
        : asks(op, "label_distribution") ? label_distribution_write(op->db, &op->out, "result", &s)
                                         : all_reviews(op, &s));
    out_end_object(&op->out);
    return OK;
}

static const struct field stats_in[] = {
    { "service", T_TEXT, F_NEED, .words = services },
    { "model_id", T_ID },
    { "from_timestamp", T_NUMBER, 0, .min = 0, .max = 1e11 },
    { "to_timestamp", T_NUMBER, 0, .min = 0, .max = 1e11 },
    { "since", T_INT, 0, .min = 0, .max = 1e10 },
    { "includes", T_IDS },
    { "excludes", T_IDS },
    { "tags", T_TEXTS, .max = 100 },
};

DESCRIBED(each_answer, "figures of predictions", { "service", T_TEXT }, { "items", T_ARRAY });
DESCRIBED(infos_answer, "when figures were computed", { "computed_at", T_TIME });
DESCRIBED(all_answer, "figures over predictions", { "service", T_TEXT }, { "infos", T_PART, .of = &infos_answer },
          { "result", T_JSON });

static const struct route routes[] = {
    { "GET", "/api/deployment/{id}/predictions/stats", each, MAY_PREDICT, WORK_READ, "figures of single predictions",
      FIELDS(stats_in), .on = &deployment_resource, .answers = &each_answer },
    { "GET", "/api/deployment/{id}/stats", all, MAY_PREDICT, WORK_READ, "figures over all predictions", FIELDS(stats_in),
      .on = &deployment_resource, .answers = &all_answer },
};

const struct resource stats_resource = { .name = "statistics", .routes = routes, .n_routes = COUNT_OF(routes) };
