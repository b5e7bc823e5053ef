/* A comparison as JSON: figures, both distribution functions, histograms. */
#include "app/monitor/drift.h"
#include "base/clock.h"
#include <math.h>

/* Edges that are easy to read: multiples of 1, 2 or 5 times a power of ten, at most BINS between the least and the largest value.
 */
struct bins {
    double first, step; /* the first edge in steps; step >= 1: the step, else 1 / step is whole */
    int n;
};

static double edge(const struct bins *b, int i)
{
    return b->step >= 1 ? (b->first + i) * b->step : (b->first + i) / round(1 / b->step);
}

static struct bins bins_of(double least, double most)
{
    static const double steps[] = { 1, 2, 5, 10 };
    double raw = (most - least) / (BINS - 1), power = pow(10, floor(log10(raw > 0 ? raw : 1)));
    struct bins b = { .step = power };
    for (size_t i = 0; i < COUNT_OF(steps) && raw > 0; i++) {
        b.step = steps[i] * power;
        if (b.step >= raw * (1 - 1e-9))
            break;
    }
    b.first = floor(least / b.step * (1 + 1e-12));
    b.n = (int)(floor(most / b.step * (1 + 1e-12)) - b.first) + 1;
    return b;
}

static void write_counts(struct out *o, const char *key, const struct bins *b, const struct series *s)
{
    int64_t counts[BINS + 2] = { 0 };
    for (size_t i = 0; i < s->n; i++) {
        int k = (int)(floor(s->values[i] / b->step * (1 + 1e-12)) - b->first);
        counts[k < 0 ? 0 : k >= b->n ? b->n - 1 : k]++;
    }
    out_array(o, key);
    for (int i = 0; i < b->n; i++)
        out_int(o, NULL, counts[i]);
    out_end_array(o);
}

static double least_of(const struct drifting *d)
{
    return fmin(d->before.values[0], d->now.values[0]);
}

static double most_of(const struct drifting *d)
{
    return fmax(d->before.values[d->before.n - 1], d->now.values[d->now.n - 1]);
}

static void write_histogram(struct out *o, const struct drifting *d)
{
    struct bins b = bins_of(least_of(d), most_of(d));
    b.n = b.n > BINS + 1 ? BINS + 1 : b.n;
    out_object(o, "histogram");
    out_array(o, "edges");
    for (int i = 0; i <= b.n; i++)
        out_number(o, NULL, edge(&b, i));
    out_end_array(o);
    write_counts(o, "before", &b, &d->before);
    write_counts(o, "window", &b, &d->now);
    out_end_object(o);
}

static void write_shares(struct out *o, const char *key, const struct series *s, const double *places, size_t n)
{
    out_array(o, key);
    for (size_t i = 0; i < n; i++)
        out_number(o, NULL, round(sample_share(s->values, s->n, places[i]) * 1e4) / 1e4);
    out_end_array(o);
}

static void write_curve(struct out *o, const struct drifting *d)
{
    double places[PLACES];
    size_t n = ks_places(d->before.values, d->before.n, d->now.values, d->now.n, PLACES, places);
    out_object(o, "curve");
    out_array(o, "x");
    for (size_t i = 0; i < n; i++)
        out_number(o, NULL, places[i]);
    out_end_array(o);
    write_shares(o, "before", &d->before, places, n);
    write_shares(o, "window", &d->now, places, n);
    out_end_object(o);
}

static void write_median(struct out *o, const char *key, const struct series *s)
{
    if (s->n)
        out_number(o, key, s->values[s->n / 2]);
    else
        out_null(o, key);
}

/* Where two distribution functions differ most has no meaning for all directions together. */
static void write_test(struct out *o, const struct drifting *d)
{
    const double figures[] = { d->ks.d, d->ks.p, d->limit, d->ks.at };
    static const char *const names[] = { "d", "p", "limit", "at" };
    for (int i = 0; i < 4; i++)
        if (d->tested && !(d->together && i == 3))
            out_number(o, names[i], figures[i]);
        else
            out_null(o, names[i]);
}

static void write_one(struct out *o, struct arena *a, const struct drifting *d)
{
    out_object(o, NULL);
    out_text(o, "feature", d->name);
    out_text(o, "title", d->title);
    out_text(o, "unit", d->unit);
    out_text(o, "query", d->query);
    out_text(o, "label", d->label);
    out_text(o, "test", d->together ? "MMD" : "KS");
    out_text(o, "against", d->with_training ? "TRAINING" : "FIRST_PREDICTIONS");
    out_bool(o, "tested", d->tested);
    out_bool(o, "drifted", d->drifted);
    write_test(o, d);
    out_int(o, "n_before", (int64_t)d->n_before);
    out_int(o, "n_window", (int64_t)d->n_now);
    out_text(o, "window_from", d->window.from_ms ? clock_iso(a, d->window.from_ms) : NULL);
    out_text(o, "window_to", d->window.to_ms ? clock_iso(a, d->window.to_ms) : NULL);
    write_median(o, "median_before", &d->before);
    write_median(o, "median_window", &d->now);
    if (d->before.n && d->now.n) {
        write_curve(o, d);
        write_histogram(o, d);
    } else {
        out_null(o, "curve");
        out_null(o, "histogram");
    }
    out_end_object(o);
}

void drift_write(struct out *o, struct arena *a, const struct drift *d)
{
    out_bool(o, "drifted", d->drifted);
    out_number(o, "feature_alpha", d->alpha);
    if (d->label_distance < 0)
        out_null(o, "label_distance");
    else
        out_number(o, "label_distance", d->label_distance);
    out_array(o, "features");
    for (size_t i = 0; i < d->n_items; i++)
        write_one(o, a, &d->items[i]);
    out_end_array(o);
}
