/* Every metric that an alert may watch, and how it is read: of a few predictions from the newest ones by index, of long times from
 * the sums by the hour, of requests from the counts by the minute. */
#include "app/deployment/deployment.h"
#include "app/monitor/alert.h"
#include "app/monitor/estimate.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    RECENT_S = 6 * 3600, /* a longer window is read from the sums by the hour, and begins with an hour */
    RECENT_MOST = 5000   /* of a shorter one the newest predictions */
};

/* The newest predictions of the champion in the window: values ?1 to ?3. */
#define RECENT(columns)                                                                                                            \
    "SELECT " columns " FROM predicted_asset a JOIN prediction p ON p.predicted_asset_id = a.id AND p.is_shadow = 0"               \
    " WHERE a.deployment_id = ?1 AND a.created_at > ?2 ORDER BY a.created_at DESC, a.id DESC LIMIT ?3"
#define RECENT_VALUES(l) V((l)->deployment), V(begin(l)), V(most(l))

static int64_t begin(const struct alert_look *l)
{
    return l->rule->window_seconds ? l->now - l->rule->window_seconds * 1000 : -1;
}

static int64_t most(const struct alert_look *l)
{
    return l->rule->window_predictions ? l->rule->window_predictions : RECENT_MOST;
}

static enum err found(struct alert_look *l, double value, int64_t count)
{
    l->count = count;
    l->value = value;
    l->known = count > 0 && isfinite(value);
    return OK;
}

static bool is_long(const struct alert_look *l)
{
    return l->rule->window_seconds > RECENT_S;
}

static enum err sums(struct alert_look *l, struct tally **ret)
{
    *ret = arena_take(l->arena, sizeof **ret);
    return hours_sum(l->db, l->deployment, false, begin(l), l->now, *ret);
}

/* ---- latency */

static enum err recent_latencies(struct alert_look *l, int64_t limit, double **ret, size_t *ret_n)
{
    double *values = arena_new_array(l->arena, double, limit);
    size_t n = 0;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(l->db, &r, RECENT("p.latency"), V(l->deployment), V(begin(l)), V(limit)));
    while (rows_next(r))
        values[n++] = rows_real(r, 0) * 1000;
    *ret = values;
    *ret_n = n;
    return rows_error(r);
}

/* Of the window, and of all that came since the last look: no slow one slips through between two looks. */
static enum err read_slowest(struct alert_look *l)
{
    int64_t since = 0;
    if (is_long(l)) {
        struct tally *t;
        TRY(sums(l, &t));
        return found(l, t->latency_max * 1000, t->n);
    }
    if (l->looked_at)
        TRY(sql_int(l->db, &since,
                    "SELECT count(*) FROM (SELECT 1 AS one FROM predicted_asset WHERE deployment_id = ?1 AND created_at >= ?2"
                    " LIMIT ?3) n",
                    V(l->deployment), V(l->looked_at), V((int64_t)RECENT_MOST)));
    double *values, slowest = 0;
    size_t n;
    TRY(recent_latencies(l, since > most(l) ? since : most(l), &values, &n));
    for (size_t i = 0; i < n; i++)
        slowest = fmax(slowest, values[i]);
    return found(l, slowest, (int64_t)n);
}

static enum err read_mean_latency(struct alert_look *l)
{
    if (is_long(l)) {
        struct tally *t;
        TRY(sums(l, &t));
        return found(l, t->n ? t->latency_sum / (double)t->n * 1000 : 0, t->n);
    }
    double *values, sum = 0;
    size_t n;
    TRY(recent_latencies(l, most(l), &values, &n));
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    return found(l, n ? sum / (double)n : 0, (int64_t)n);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static enum err read_p95(struct alert_look *l)
{
    if (is_long(l)) {
        struct tally *t;
        TRY(sums(l, &t));
        return found(l, tally_latency(t, 0.95) * 1000, t->n);
    }
    double *values;
    size_t n;
    TRY(recent_latencies(l, most(l), &values, &n));
    qsort(values, n, sizeof *values, by_size);
    return found(l, n ? values[(size_t)ceil((double)n * 0.95) - 1] : 0, (int64_t)n);
}

/* ---- requests */

static enum err requests(struct alert_look *l, int64_t *ret_answered, int64_t *ret_refused)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(l->db, &r,
                  "SELECT coalesce(sum(answered), 0), coalesce(sum(refused), 0) FROM served_minute WHERE deployment_id = ?1"
                  " AND minute > ?2",
                  V(l->deployment), V(begin(l) / MINUTE_MS)));
    *ret_answered = rows_int(r, 0);
    *ret_refused = rows_int(r, 1);
    return OK;
}

static enum err read_rate(struct alert_look *l)
{
    int64_t answered, refused;
    TRY(requests(l, &answered, &refused));
    l->known = true; /* none is a figure, too */
    l->count = answered;
    l->value = (double)answered * 3600 / (double)l->rule->window_seconds;
    return OK;
}

static enum err read_errors(struct alert_look *l)
{
    int64_t answered, refused;
    TRY(requests(l, &answered, &refused));
    int64_t all = answered + refused;
    return found(l, all ? (double)refused * 100 / (double)all : 0, all);
}

/* Since the last answer; of one that has given none yet, since it was deployed. */
static enum err read_silence(struct alert_look *l)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(l->db, &r,
                  "SELECT coalesce((SELECT last_at FROM served_minute WHERE deployment_id = d.id AND last_at IS NOT NULL"
                  " ORDER BY minute DESC LIMIT 1), d.deployed_at) FROM deployment d WHERE d.id = ?1",
                  V(l->deployment)));
    l->known = true;
    l->value = fmax(0, (double)(l->now - rows_int(r, 0)) / 1000);
    return OK;
}

/* ---- what was predicted */

struct shapes {
    int64_t predictions, shapes, of_label;
    double score_sum;
    int64_t scores;
};

static enum err summed_shapes(struct alert_look *l, int64_t label, struct shapes *ret)
{
    struct tally *t;
    TRY(sums(l, &t));
    *ret = (struct shapes){ .predictions = t->n };
    for (int i = 0; i < LABELS_TALLIED; i++)
        ret->shapes += t->labels[i];
    ret->of_label = label >= 0 && label < LABELS_TALLIED ? t->labels[label] : 0;
    for (int i = 0; i < SCORE_BINS; i++) {
        ret->scores += t->scores[i];
        ret->score_sum += (double)t->scores[i] * (i + 0.5) / SCORE_BINS;
    }
    return OK;
}

static enum err recent_shapes(struct alert_look *l, const char *label_id, struct shapes *ret)
{
    *ret = (struct shapes){ 0 };
    TRY(sql_int(l->db, &ret->predictions, "SELECT count(*) FROM (" RECENT("p.id") ") q", RECENT_VALUES(l)));
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(l->db, &r,
                  "SELECT count(*), coalesce(sum(h.score), 0), count(h.score), coalesce(sum(CASE WHEN h.label_id = ?4 THEN 1 ELSE 0"
                  " END), 0) FROM (" RECENT("p.id") ") q JOIN prediction_shape h ON h.prediction_id = q.id",
                  RECENT_VALUES(l), V(label_id)));
    ret->shapes = rows_int(r, 0);
    ret->score_sum = rows_real(r, 1);
    ret->scores = rows_int(r, 2);
    ret->of_label = rows_int(r, 3);
    return OK;
}

static enum err read_shapes(struct alert_look *l, struct shapes *ret)
{
    const char *label_id = NULL;
    int64_t label = -1;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(l->db, &r, "SELECT id, position FROM deployment_label WHERE deployment_id = ?1 AND name = ?2", V(l->deployment),
                 V(l->rule->label)));
    if (rows_next(r)) {
        label_id = arena_str(l->arena, rows_text(r, 0));
        label = rows_int(r, 1);
    }
    TRY(rows_error(r));
    return is_long(l) ? summed_shapes(l, label, ret) : recent_shapes(l, label_id, ret);
}

static enum err read_confidence(struct alert_look *l)
{
    struct shapes s;
    TRY(read_shapes(l, &s));
    return found(l, s.scores ? s.score_sum / (double)s.scores : NAN, s.predictions);
}

static enum err read_objects(struct alert_look *l)
{
    struct shapes s;
    TRY(read_shapes(l, &s));
    return found(l, s.predictions ? (double)s.shapes / (double)s.predictions : 0, s.predictions);
}

static enum err read_label_share(struct alert_look *l)
{
    struct shapes s;
    TRY(read_shapes(l, &s));
    return found(l, s.shapes ? (double)s.of_label * 100 / (double)s.shapes : NAN, s.predictions);
}

static enum err read_disagreement(struct alert_look *l)
{
    struct selection s = { .deployment_id = l->deployment };
    struct agreement g;
    TRY(sql_int(l->db, &s.from_ms, "SELECT coalesce(shadow_at, 0) FROM deployment WHERE id = ?1", V(l->deployment)));
    s.from_ms = begin(l) > s.from_ms ? begin(l) : s.from_ms; /* none of it was seen by the shadow before that */
    TRY(agreement_compute(l->db, &s, most(l) < AGREEMENT_MOST ? most(l) : AGREEMENT_MOST, &g));
    double part = agreement_part(&g);
    return found(l, part < 0 ? NAN : (1 - part) * 100, g.images);
}

/* ---- what reviews say */

/* The newest reviewed images in the window. Their ids sort by time, and each of the two states has its index. */
static enum err reviewed_ids(struct alert_look *l, const char ***ret, size_t *ret_n)
{
    int64_t limit = l->rule->window_predictions ? l->rule->window_predictions : WINDOW_MOST;
    const char **ids = arena_new_array(l->arena, const char *, limit);
    size_t n = 0;
#define REVIEWED(status)                                                                                                           \
    "SELECT id FROM (SELECT a.id FROM predicted_asset a WHERE a.deployment_id = ?1 AND a.status = '" status                        \
    "' AND a.created_at > ?2 AND " CHOSEN_FAIRLY " ORDER BY a.id DESC LIMIT ?3) " status
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(l->db, &r, REVIEWED("REVIEWED") " UNION ALL " REVIEWED("SUBMITTED") " ORDER BY id DESC LIMIT ?3", V(l->deployment),
                 V(begin(l)), V(limit)));
    while (rows_next(r))
        ids[n++] = arena_str(l->arena, rows_text(r, 0));
    *ret = ids;
    *ret_n = n;
    return rows_error(r);
}

/* The images and the rule's value that a figure was computed of: when it is the same, so is the figure. */
static const char *mark(struct alert_look *l, const char **ids, size_t n)
{
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < n; i++)
        for (const char *s = ids[i]; *s; s++)
            h = (h ^ (unsigned char)*s) * 1099511628211u;
    return arena_fmt(l->arena, "%zu:%016llx", n, (unsigned long long)h);
}

/* name: a member of what a dashboard shows of reviews. */
static enum err figure(struct alert_look *l, const char *name, const char **ids, size_t n)
{
    AUTO(out) struct out o;
    struct value list;
    const struct json *all;
    double value = NAN;
    out_init(&o, 8 << 20);
    TRY(sql_list(l->db, ids, n, &list));
    out_object(&o, NULL);
    TRY(reviewed_of_write(l->db, l->arena, &o, l->deployment, list));
    out_end_object(&o);
    TRY(json_parse(l->arena, o.text.bytes, o.text.n, &all));
    if (!json_number(json_get(json_get(all, "champion"), name), &value))
        value = NAN;
    return found(l, value, (int64_t)n);
}

static enum err read_reviews(struct alert_look *l)
{
    const char **ids;
    size_t n;
    TRY(reviewed_ids(l, &ids, &n));
    l->now_seen = mark(l, ids, n);
    if (l->had_value && l->seen && strcmp(l->seen, l->now_seen) == 0)
        return found(l, l->last_value, (int64_t)n);
    return figure(l, strchr(l->rule->metric->name, '.') + 1, ids, n);
}

/* ---- what is to be expected without reviews */

static enum err window_ids(struct alert_look *l, const char ***ret, size_t *ret_n)
{
    int64_t limit = most(l) < ESTIMATED_MOST ? most(l) : ESTIMATED_MOST;
    const char **ids = arena_new_array(l->arena, const char *, limit);
    size_t n = 0;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(l->db, &r, RECENT("a.id"), V(l->deployment), V(begin(l)), V(limit)));
    while (rows_next(r))
        ids[n++] = arena_str(l->arena, rows_text(r, 0));
    *ret = ids;
    *ret_n = n;
    return rows_error(r);
}

static enum err champion_of(struct alert_look *l, int64_t *ret_reviews, const char **ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(l->db, &r, "SELECT coalesce(model_version_id, ''), n_reviewed + n_submitted FROM deployment WHERE id = ?1",
                  V(l->deployment)));
    *ret = arena_str(l->arena, rows_text(r, 0));
    *ret_reviews = rows_int(r, 1);
    return OK;
}

static enum err read_estimate(struct alert_look *l)
{
    const char **ids, *champion;
    size_t n;
    int64_t reviews;
    struct value list;
    struct estimated e;
    TRY(window_ids(l, &ids, &n));
    TRY(champion_of(l, &reviews, &champion));
    l->now_seen = arena_fmt(l->arena, "%lld:%s:%s", (long long)reviews, champion, mark(l, ids, n));
    if (l->had_value && l->seen && strcmp(l->seen, l->now_seen) == 0)
        return found(l, l->last_value, (int64_t)n);
    TRY(sql_list(l->db, ids, n, &list));
    TRY(estimate_compute(l->db, l->arena, l->deployment, champion, false, list, 0, &e));
    bool fits = (strcmp(e.metric, "accuracy") == 0) == (strcmp(l->rule->metric->name, "estimated.accuracy") == 0);
    return found(l, e.expected.known && fits ? e.expected.value : NAN, e.images);
}

/* ---- the table */

enum { BOTH = WINDOW_PREDICTIONS | WINDOW_TIME };

/* How many features the last check of the drift found drifted. */
static enum err read_drift(struct alert_look *l)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(
        l->db, &r,
        "SELECT c.n_tested, (SELECT count(*) FROM drift_value v WHERE v.check_id = c.id AND v.drifted <> 0) FROM drift_check c"
        " WHERE c.deployment_id = ?1 ORDER BY c.created_at DESC, c.id DESC LIMIT 1",
        V(l->deployment)));
    return rows_next(r) ? found(l, (double)rows_int(r, 1), rows_int(r, 0)) : rows_error(r);
}

/* Of the newest predictions that have a score. While those before a new fit are scored anew, they say nothing. */
enum { SHARE = 1, SCORE = 2 }; /* columns */
static enum err read_outliers(struct alert_look *l, int column, double times)
{
    int64_t behind = 0;
    TRY(sql_int(
        l->db, &behind,
        "SELECT count(*) FROM outlier m JOIN outlier_fit f ON f.id = m.fit_id WHERE m.id = ?1 AND f.behind_at IS NOT NULL AND"
        " f.behind < ?2",
        V(l->deployment), V(most(l))));
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(l->db, &r,
                  "SELECT count(outlier_score), coalesce(sum(is_outlier), 0), coalesce(sum(outlier_score), 0) FROM (" RECENT(
                      "a.outlier_score, a.is_outlier") ") q",
                  RECENT_VALUES(l)));
    int64_t n = behind ? 0 : rows_int(r, 0);
    return found(l, n ? rows_real(r, column) * times / (double)n : 0, n);
}

static enum err read_outlier_share(struct alert_look *l)
{
    return read_outliers(l, SHARE, 100);
}

static enum err read_outlier_score(struct alert_look *l)
{
    return read_outliers(l, SCORE, 1);
}

/* name, words, unit, supervised, windows, of a label, most; then what a form begins with: operator, value, window (predictions, s),
 * least number, hold (s). */
const struct alert_metric alert_metrics[] = {
    { "latency", "Latency", "ms", false, BOTH, false, 1e7, ">", 1000, 1, 0, 1, 0, read_slowest },
    { "avg_latency", "Mean latency", "ms", false, BOTH, false, 1e7, ">", 500, 100, 0, 20, 60, read_mean_latency },
    { "p95_latency", "95 % latency", "ms", false, BOTH, false, 1e7, ">", 1000, 200, 0, 50, 60, read_p95 },
    { "predictions_per_hour", "Predictions an hour", "", false, WINDOW_TIME, false, 1e9, "<", 10, 0, 3600, 0, 0, read_rate },
    { "silence", "Time without a prediction", "s", false, 0, false, 1e8, ">", 3600, 0, 0, 0, 0, read_silence },
    { "error_rate", "Refused requests", "%", false, WINDOW_TIME, false, 100, ">", 5, 0, 600, 20, 0, read_errors },
    { "confidence", "Mean confidence", "", false, BOTH, false, 1, "<", 0.5, 100, 0, 30, 300, read_confidence },
    { "objects", "Objects an image", "", false, BOTH, false, 1e5, "<", 1, 100, 0, 30, 300, read_objects },
    { "label_share", "Share of objects that are", "%", false, BOTH, true, 100, ">", 50, 200, 0, 50, 300, read_label_share },
    { "shadow_disagreement", "Disagreement with the shadow", "%", false, BOTH, false, 100, ">", 30, 100, 0, 30, 0,
      read_disagreement },
    { "is_drift", "Number of drifted features", "", false, 0, false, 100, ">", 0, 0, 0, 0, 0, read_drift },
    { "is_outlier", "Images that are outliers", "%", false, BOTH, false, 100, ">", 10, 100, 0, 30, 0, read_outlier_share },
    { "outlier_score", "Mean outlier score", "", false, BOTH, false, 10, ">", 0.01, 100, 0, 30, 0, read_outlier_score },
    { "estimated.ap_50", "Estimated AP 50", "", false, BOTH, false, 1, "<", 0.6, 200, 0, 50, 600, read_estimate },
    { "estimated.accuracy", "Estimated accuracy", "", false, BOTH, false, 1, "<", 0.8, 200, 0, 50, 600, read_estimate },
    { "stats.ap_50_95", "AP 50–95", "", true, BOTH, false, 1, "<", 0.4, 200, 0, 30, 0, read_reviews },
    { "stats.ap_50", "AP 50", "", true, BOTH, false, 1, "<", 0.6, 200, 0, 30, 0, read_reviews },
    { "stats.precision", "Precision", "", true, BOTH, false, 1, "<", 0.8, 200, 0, 30, 0, read_reviews },
    { "stats.recall", "Recall", "", true, BOTH, false, 1, "<", 0.8, 200, 0, 30, 0, read_reviews },
    { "stats.accuracy", "Accuracy", "", true, BOTH, false, 1, "<", 0.8, 200, 0, 30, 0, read_reviews },
    { 0 },
};

enum err alert_read(struct alert_look *l)
{
    l->known = false;
    l->count = 0;
    TRY(l->rule->metric->read(l));
    if (l->count < l->rule->min_count)
        l->known = false;
    return OK;
}
