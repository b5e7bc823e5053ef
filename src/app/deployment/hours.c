#include "app/deployment/hours.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double FIRST_BIN_S = 1e-4, BIN_WIDTH = 1.05;

/* ---- texts of counts */

static void unpack(const char *s, int64_t *add, int most)
{
    while (*s) {
        char *end;
        long place = strtol(s, &end, 10);
        if (*end != ':')
            return;
        long long count = strtoll(end + 1, &end, 10);
        if (place >= 0 && place < most)
            add[place] += count;
        s = *end ? end + 1 : end;
    }
}

static const char *pack(struct arena *a, const int64_t *counts, int n)
{
    AUTO(text) struct text t;
    text_init(&t, 1 << 16);
    for (int i = 0; i < n; i++)
        if (counts[i])
            text_fmt(&t, "%s%d:%lld", t.n ? " " : "", i, (long long)counts[i]);
    return arena_str(a, t.bytes);
}

/* ---- one hour's row */

struct hour {
    const char *deployment, *version;
    bool shadow;
    int64_t number; /* hours since 1970 */
};

#define COLUMNS "n, latency_sum, latency_max, latencies, scores, labels, reviewed"

static void add_row(struct rows *r, struct tally *t)
{
    t->n += rows_int(r, 0);
    t->latency_sum += rows_real(r, 1);
    t->latency_max = fmax(t->latency_max, rows_real(r, 2));
    unpack(rows_text(r, 3), t->latencies, LATENCY_BINS);
    unpack(rows_text(r, 4), t->scores, SCORE_BINS);
    unpack(rows_text(r, 5), t->labels, LABELS_TALLIED);
    unpack(rows_text(r, 6), t->reviewed, LABELS_TALLIED);
}

static enum err read_hour(struct sql *db, const struct hour *h, struct tally *ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r,
                 "SELECT " COLUMNS " FROM prediction_hour WHERE deployment_id = ?1 AND model_version_id = ?2 AND is_shadow = ?3"
                 " AND hour = ?4",
                 V(h->deployment), V(h->version), V(h->shadow), V(h->number)));
    *ret = (struct tally){ 0 };
    if (rows_next(r))
        add_row(r, ret);
    return rows_error(r);
}

static enum err write_hour(struct sql *db, struct arena *a, const struct hour *h, const struct tally *t)
{
    return sql_run(db,
                   "INSERT INTO prediction_hour (deployment_id, model_version_id, is_shadow, hour, " COLUMNS
                   ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT (deployment_id, is_shadow, hour,"
                   " model_version_id) DO UPDATE SET n = ?5, latency_sum = ?6, latency_max = ?7, latencies = ?8, scores = ?9,"
                   " labels = ?10, reviewed = ?11",
                   V(h->deployment), V(h->version), V(h->shadow), V(h->number), V(t->n), V(t->latency_sum), V(t->latency_max),
                   V(pack(a, t->latencies, LATENCY_BINS)), V(pack(a, t->scores, SCORE_BINS)), V(pack(a, t->labels, LABELS_TALLIED)),
                   V(pack(a, t->reviewed, LABELS_TALLIED)));
}

/* ---- what is counted */

static int latency_bin(double seconds)
{
    double bin = seconds > FIRST_BIN_S ? floor(log(seconds / FIRST_BIN_S) / log(BIN_WIDTH)) : 0;
    return bin < LATENCY_BINS - 1 ? (int)bin : LATENCY_BINS - 1;
}

static enum err count_shapes(struct sql *db, const char *prediction, struct tally *t)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r,
                 "SELECT l.position, h.score FROM prediction_shape h JOIN deployment_label l ON l.id = h.label_id"
                 " WHERE h.prediction_id = ?1",
                 V(prediction)));
    while (rows_next(r)) {
        int64_t label = rows_int(r, 0);
        int score = (int)(rows_real(r, 1) * SCORE_BINS);
        if (label < LABELS_TALLIED)
            t->labels[label]++;
        if (!rows_null(r, 1) && rows_real(r, 1) >= 0)
            t->scores[score < SCORE_BINS ? score : SCORE_BINS - 1]++;
    }
    return rows_error(r);
}

static enum err count_review(struct sql *db, const char *review, int64_t by, struct tally *t)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r,
                 "SELECT l.position FROM review_shape h JOIN deployment_label l ON l.id = h.label_id WHERE h.review_id = ?1",
                 V(review)));
    while (rows_next(r))
        if (rows_int(r, 0) < LABELS_TALLIED)
            t->reviewed[rows_int(r, 0)] += by;
    return rows_error(r);
}

static enum err count_prediction(struct sql *db, const char *prediction, double latency, struct tally *t)
{
    t->n++;
    t->latency_sum += latency;
    t->latency_max = fmax(t->latency_max, latency);
    t->latencies[latency_bin(latency)]++;
    return count_shapes(db, prediction, t);
}

static struct hour hour_of(struct arena *a, struct rows *r) /* its first columns: deployment, version, shadow, time */
{
    return (struct hour){ arena_str(a, rows_text(r, 0)), rows_null(r, 1) ? "" : arena_str(a, rows_text(r, 1)), rows_int(r, 2) != 0,
                          rows_int(r, 3) / HOUR_MS };
}

enum err hours_add_prediction(struct sql *db, struct arena *a, const char *prediction_id)
{
    struct hour h;
    double latency;
    struct tally *t = arena_take(a, sizeof *t);
    {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_first(db, &r,
                      "SELECT a.deployment_id, p.model_version_id, p.is_shadow, a.created_at, p.latency FROM prediction p"
                      " JOIN predicted_asset a ON a.id = p.predicted_asset_id WHERE p.id = ?1",
                      V(prediction_id)));
        h = hour_of(a, r);
        latency = rows_real(r, 4);
    }
    TRY(read_hour(db, &h, t));
    TRY(count_prediction(db, prediction_id, latency, t));
    return write_hour(db, a, &h, t);
}

static enum err change_review(struct sql *db, struct arena *a, const char *review_id, int64_t by)
{
    struct hour h;
    struct tally *t = arena_take(a, sizeof *t);
    {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_rows(db, &r,
                     "SELECT a.deployment_id, p.model_version_id, 0, a.created_at FROM review v JOIN predicted_asset a"
                     " ON a.id = v.predicted_asset_id JOIN prediction p ON p.predicted_asset_id = a.id AND p.is_shadow = 0"
                     " WHERE v.id = ?1",
                     V(review_id)));
        if (!rows_next(r))
            return rows_error(r);
        h = hour_of(a, r);
    }
    TRY(read_hour(db, &h, t));
    TRY(count_review(db, review_id, by, t));
    return write_hour(db, a, &h, t);
}

enum err hours_add_review(struct sql *db, struct arena *a, const char *review_id)
{
    return change_review(db, a, review_id, 1);
}

enum err hours_take_out_review(struct sql *db, struct arena *a, const char *review_id)
{
    return change_review(db, a, review_id, -1);
}

/* ---- an hour anew, from what there is but one predicted asset (NULL: from all) */

static enum err count_hour(struct sql *db, const struct hour *h, const char *without, struct tally *t)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r,
                 "SELECT p.id, p.latency, v.id FROM predicted_asset a JOIN prediction p ON p.predicted_asset_id = a.id"
                 " AND p.is_shadow = ?4 LEFT JOIN review v ON v.predicted_asset_id = a.id WHERE a.deployment_id = ?1"
                 " AND a.created_at >= ?2 AND a.created_at < ?3 AND coalesce(p.model_version_id, '') = ?5"
                 " AND (a.id <> ?6 OR ?6 IS NULL)",
                 V(h->deployment), V(h->number * HOUR_MS), V((h->number + 1) * HOUR_MS), V(h->shadow), V(h->version), V(without)));
    while (rows_next(r)) {
        TRY(count_prediction(db, rows_text(r, 0), rows_real(r, 1), t));
        if (!h->shadow && !rows_null(r, 2))
            TRY(count_review(db, rows_text(r, 2), 1, t));
    }
    return rows_error(r);
}

static enum err sum_anew(struct sql *db, const struct hour *h, const char *without)
{
    AUTO(arena) struct arena *a = arena_new();
    struct tally *t = arena_take(a, sizeof *t);
    *t = (struct tally){ 0 };
    TRY(count_hour(db, h, without, t));
    return write_hour(db, a, h, t);
}

enum err hours_take_out(struct sql *db, struct arena *a, const char *predicted_asset_id)
{
    struct hour hours[2];
    size_t n = 0;
    {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_rows(
            db, &r,
            "SELECT a.deployment_id, p.model_version_id, p.is_shadow, a.created_at FROM predicted_asset a JOIN prediction p"
            " ON p.predicted_asset_id = a.id WHERE a.id = ?1",
            V(predicted_asset_id)));
        while (n < COUNT_OF(hours) && rows_next(r)) /* a champion's and a shadow's: no more */
            hours[n++] = hour_of(a, r);
        TRY(rows_error(r));
    }
    for (size_t i = 0; i < n; i++)
        TRY(sum_anew(db, &hours[i], predicted_asset_id));
    return OK;
}

enum err hours_migrate(struct sql *db, struct arena *a)
{
    TRY(sql_script(db, HOURS_TABLE));
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r,
                 "SELECT DISTINCT a.deployment_id, p.model_version_id, p.is_shadow, a.created_at - a.created_at % ?1"
                 " FROM predicted_asset a JOIN prediction p ON p.predicted_asset_id = a.id",
                 V((int64_t)HOUR_MS)));
    while (rows_next(r)) {
        struct hour h = hour_of(a, r);
        TRY(sum_anew(db, &h, NULL));
    }
    return rows_error(r);
}

/* ---- reading */

enum err hours_sum(struct sql *db, const char *deployment_id, bool shadow, int64_t from_ms, int64_t to_ms, struct tally *ret)
{
    AUTO(rows) struct rows *r = NULL;
    *ret = (struct tally){ 0 };
    TRY(sql_rows(db, &r,
                 "SELECT " COLUMNS " FROM prediction_hour WHERE deployment_id = ?1 AND is_shadow = ?2 AND hour >= ?3"
                 " AND hour <= ?4",
                 V(deployment_id), V(shadow), V(from_ms / HOUR_MS), V(to_ms / HOUR_MS)));
    while (rows_next(r))
        add_row(r, ret);
    return rows_error(r);
}

double tally_latency(const struct tally *t, double part)
{
    int64_t wanted = (int64_t)ceil((double)t->n * part), so_far = 0;
    for (int i = 0; i < LATENCY_BINS && t->n; i++)
        if ((so_far += t->latencies[i]) >= wanted)
            return fmin(FIRST_BIN_S * pow(BIN_WIDTH, i + 0.5), t->latency_max);
    return -1;
}
