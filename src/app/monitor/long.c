/* The dashboard of a long range, from sums by the hour. */
#include "app/deployment/deployment.h"
#include "app/monitor/monitor.h"
#include "base/clock.h"

enum { POINTS = 500 };

enum err long_range(struct op *op, struct filter *f, bool *ret)
{
    int64_t n = 0;
    *ret = false;
    if (f->query)
        return OK;
    TRY(sql_int(op->db, &n,
                "SELECT count(*) FROM (SELECT 1 FROM predicted_asset WHERE deployment_id = ?1 AND created_at BETWEEN ?2 AND ?3"
                " LIMIT ?4) q",
                V(op->id), V(f->from_ms), V(f->to_ms), V((int64_t)LOOKED_AT_EACH + 1)));
    *ret = n > LOOKED_AT_EACH;
    if (*ret)
        f->from_ms -= f->from_ms % HOUR_MS;
    return OK;
}

static enum err sum(struct op *op, const struct filter *f, bool shadow, struct tally **ret)
{
    *ret = arena_take(op->arena, sizeof **ret);
    return hours_sum(op->db, op->id, shadow, f->from_ms, f->to_ms, *ret);
}

/* ---- latency: figures, and one prediction of each five hundredth of the time */

static void figure(struct out *o, const char *key, double seconds) /* below 0: there is none */
{
    if (seconds < 0)
        out_null(o, key);
    else
        out_number(o, key, seconds);
}

static void write_figures(struct out *o, const struct tally *champion, const struct tally *shadow)
{
    double mean = champion->n ? champion->latency_sum / (double)champion->n : -1;
    figure(o, "mean_latency", mean);
    out_object(o, "latency_summary");
    figure(o, "mean", mean);
    figure(o, "median", tally_latency(champion, 0.5));
    figure(o, "p95", tally_latency(champion, 0.95));
    figure(o, "max", champion->n ? champion->latency_max : -1);
    figure(o, "shadow_mean", shadow->n ? shadow->latency_sum / (double)shadow->n : -1);
    out_end_object(o);
}

static enum err write_point(struct op *op, int64_t from, int64_t to)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(
        op->db, &r,
        "SELECT a.id, a.created_at, p.latency, (SELECT q.latency FROM prediction q WHERE q.predicted_asset_id = a.id"
        " AND q.is_shadow <> 0) FROM predicted_asset a JOIN prediction p ON p.predicted_asset_id = a.id AND p.is_shadow = 0"
        " WHERE a.deployment_id = ?1 AND a.created_at >= ?2 AND a.created_at < ?3 ORDER BY a.created_at LIMIT 1",
        V(op->id), V(from), V(to)));
    if (!rows_next(r))
        return rows_error(r);
    latency_point_write(op, r);
    return OK;
}

enum err long_latency_write(struct op *op, const struct filter *f)
{
    struct tally *champion, *shadow;
    int64_t first = 0, last = 0;
    TRY(sum(op, f, false, &champion));
    TRY(sum(op, f, true, &shadow));
    write_figures(&op->out, champion, shadow);
    TRY(sql_int(op->db, &first, "SELECT min(created_at) FROM predicted_asset WHERE deployment_id = ?1 AND created_at >= ?2",
                V(op->id), V(f->from_ms)));
    TRY(sql_int(op->db, &last, "SELECT max(created_at) FROM predicted_asset WHERE deployment_id = ?1 AND created_at <= ?2",
                V(op->id), V(f->to_ms)));
    int64_t step = (last - first) / POINTS + 1;
    out_array(&op->out, "latency");
    for (int64_t at = first; at <= last; at += step)
        TRY(write_point(op, at, at + step));
    out_end_array(&op->out);
    return OK;
}

/* ---- labels and scores */

enum err long_labels_write(struct op *op, const struct filter *f)
{
    const char *trained;
    struct tally *champion, *shadow;
    struct out *o = &op->out;
    TRY(sum(op, f, false, &champion));
    TRY(sum(op, f, true, &shadow));
    TRY(trained_on(op->db, op->arena, op->id, &trained));
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r,
                 "SELECT l.name, l.id, l.position, coalesce((SELECT t.n_shapes FROM label t WHERE"
                 " t.dataset_version_id = ?3 AND t.name = l.name), 0) FROM deployment_label l WHERE l.deployment_id = ?1 AND "
                 "l.position < ?2 ORDER BY l.position",
                 V(op->id), V((int64_t)LABELS_TALLIED), V(trained)));
    out_array(o, "labels");
    while (rows_next(r)) {
        int64_t k = rows_int(r, 2);
        out_object(o, NULL);
        out_text(o, "label", rows_text(r, 0));
        out_text(o, "label_id", rows_text(r, 1));
        out_int(o, "champion", champion->labels[k]);
        out_int(o, "shadow", shadow->labels[k]);
        out_int(o, "reviewed", champion->reviewed[k]);
        if (!trained)
            out_null(o, "training");
        else
            out_int(o, "training", rows_int(r, 3));
        out_end_object(o);
    }
    out_end_array(o);
    return rows_error(r);
}

enum err long_scores_write(struct op *op, const struct filter *f)
{
    struct tally *champion;
    TRY(sum(op, f, false, &champion));
    out_array(&op->out, "scores");
    for (int i = 0; i < SCORE_BINS; i++)
        out_int(&op->out, NULL, champion->scores[i]);
    out_end_array(&op->out);
    return OK;
}
