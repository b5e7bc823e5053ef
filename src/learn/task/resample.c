#include "learn/task/resample.h"
#include "learn/data/random.h"
#include "learn/task/verdict.h"
#include <float.h>
#include <stdlib.h>
#include <string.h>

/* Room for a curve of one label. */
struct curve {
    double *precision, *recall;
};

/* As average_precision() of metrics.c, counting each detection as often as its image is there. Equal images' detections share a
 * score: only the last of them matters, since precision is made falling. */
static double weighted_ap(const struct of_label *l, const uint32_t *weight, double truths, int t, const struct curve *c)
{
    double right = 0, wrong = 0, sum = 0;
    size_t n = 0, at = 0;
    for (const struct verdict *v = l->items; v < l->items + l->n; v++) {
        double times = weight[v->image];
        if (times > 0 && v->right[0] >> t & 1) {
            right += times;
            c->precision[n] = right / (right + wrong + DBL_EPSILON);
            c->recall[n++] = right / truths;
        } else if (!(v->does_not_count[0] >> t & 1)) {
            wrong += times;
        }
    }
    for (size_t i = n; i > 1; i--)
        if (c->precision[i - 1] > c->precision[i - 2])
            c->precision[i - 2] = c->precision[i - 1];
    for (int r = 0; r < RECALL_STEPS; r++) {
        while (at < n && c->recall[at] < recall_step(r))
            at++;
        sum += at < n ? c->precision[at] : 0;
    }
    return sum / RECALL_STEPS;
}

static double truths_of(const struct of_label *l, const uint32_t *weight)
{
    double n = 0;
    for (size_t i = 0; i < l->n_there; i++)
        n += (double)l->there[i].truths * weight[l->there[i].image];
    return n;
}

/* AP of each label is put into of_label, two by two with AP50 (-1: no truth), if that is not NULL. */
static void weighted(const struct metrics *m, const uint32_t *weight, const struct curve *c, double *of_label, double *ret_ap,
                     double *ret_ap50)
{
    double ap = 0, ap50 = 0;
    int labels = 0;
    for (const struct of_label *l = m->of; l < m->of + m->labels; l++) {
        double truths = truths_of(l, weight), mine[2] = { -1, -1 };
        if (truths > 0) {
            labels++;
            mine[1] = weighted_ap(l, weight, truths, 0, c);
            mine[0] = mine[1] / IOU_STEPS;
            for (int t = 1; t < IOU_STEPS; t++)
                mine[0] += weighted_ap(l, weight, truths, t, c) / IOU_STEPS;
            ap += mine[0];
            ap50 += mine[1];
        }
        if (of_label)
            memcpy(of_label + 2 * (l - m->of), mine, sizeof mine);
    }
    *ret_ap = labels ? ap / labels : -1;
    *ret_ap50 = labels ? ap50 / labels : -1;
}

static struct curve curve_new(const struct metrics *m)
{
    size_t most = 1;
    for (const struct of_label *l = m->of; l < m->of + m->labels; l++)
        most = l->n > most ? l->n : most;
    return (struct curve){ heap_take(most * sizeof(double)), heap_take(most * sizeof(double)) };
}

void metrics_weighted(const struct metrics *m, const uint32_t *weight, double *ret_ap, double *ret_ap50)
{
    struct curve c = curve_new(m);
    weighted(m, weight, &c, NULL, ret_ap, ret_ap50);
    free(c.precision);
    free(c.recall);
}

/* Draws without end would hold up whoever waits for the answer. */
static int times_for(const struct metrics *m)
{
    enum { MOST = 400, LEAST = 100, DETECTIONS = 2000000 };
    size_t n = 1;
    for (const struct of_label *l = m->of; l < m->of + m->labels; l++)
        n += l->n;
    size_t times = DETECTIONS / n;
    return times > MOST ? MOST : times < LEAST ? LEAST : (int)times;
}

static struct random draw_of(uint64_t seed, int i)
{
    return random_of(seed, 0x626f6f74, (uint64_t)i);
}

static void draw_images(struct random *r, uint32_t *weight, size_t images)
{
    memset(weight, 0, images * sizeof *weight);
    for (size_t k = 0; k < images; k++)
        weight[random_below(r, images)]++;
}

void metrics_resample(const struct metrics *m, struct arena *a, uint64_t seed, struct draws *ret)
{
    size_t images = (size_t)m->images;
    int times = times_for(m);
    uint32_t *weight = heap_take((images + 1) * sizeof *weight);
    struct curve c = curve_new(m);
    *ret = (struct draws){ arena_new_array(a, double, times), arena_new_array(a, double, times), 0 };
    for (int i = 0; i < times && images; i++) {
        struct random r = draw_of(seed, i);
        draw_images(&r, weight, images);
        weighted(m, weight, &c, NULL, &ret->ap[ret->n], &ret->ap50[ret->n]);
        ret->n += ret->ap[ret->n] >= 0;
    }
    free(weight);
    free(c.precision);
    free(c.recall);
}

void mean_resample(const double *values, size_t n, struct arena *a, uint64_t seed, struct draws *ret)
{
    enum { TIMES = 400 };
    *ret = (struct draws){ .ap = arena_new_array(a, double, TIMES), .n = n ? TIMES : 0 };
    for (int i = 0; i < ret->n; i++) {
        struct random r = draw_of(seed, i);
        for (size_t k = 0; k < n; k++)
            ret->ap[i] += values[random_below(&r, n)] / (double)n;
    }
}

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct interval interval_of(double *values, int n, double confidence)
{
    double out = (1 - confidence) / 2;
    int low = (int)(out * n), high = n - 1 - low;
    qsort(values, (size_t)n, sizeof *values, rising);
    return (struct interval){ values[low], values[high] };
}

/* ---- of everything */

/* What is counted of a label at the score: right, said, truths. */
struct at_score {
    double right, said, truths;
};
static struct at_score count_at(const struct of_label *l, const uint32_t *weight, double score)
{
    struct at_score n = { .truths = truths_of(l, weight) };
    for (const struct verdict *v = l->items; v < l->items + l->n && v->score >= score; v++)
        if (!(v->does_not_count[0] & 1)) {
            n.said += weight[v->image];
            n.right += v->right[0] & 1 ? weight[v->image] : 0;
        }
    return n;
}

/* The draws of each figure side by side: draw i of figure k at [k * times + i]. */
enum { WHOLE = 5, EACH = 4 }; /* AP, AP50, precision, recall, F1; of a label the first four */
struct table {
    double *values;
    int times, figures, labels; /* labels: 0: none is kept */
};

static double part(double n, double of)
{
    return of > 0 ? n / of : 0;
}

static void put(struct table *t, int figure, int i, double value)
{
    t->values[(size_t)figure * (size_t)t->times + (size_t)i] = value;
}

static void count_draw(const struct metrics *m, const uint32_t *weight, double score, struct table *t, int i)
{
    struct at_score all = { 0 };
    for (int k = 0; k < m->labels; k++) {
        struct at_score n = count_at(&m->of[k], weight, score);
        all = (struct at_score){ all.right + n.right, all.said + n.said, all.truths + n.truths };
        if (k < t->labels) {
            put(t, WHOLE + EACH * k + 2, i, part(n.right, n.said));
            put(t, WHOLE + EACH * k + 3, i, n.truths > 0 ? n.right / n.truths : -1);
        }
    }
    put(t, 2, i, part(all.right, all.said));
    put(t, 3, i, part(all.right, all.truths));
    put(t, 4, i, part(2 * all.right, all.said + all.truths));
}

static void fill_table(const struct metrics *m, uint64_t seed, double score, struct table *t)
{
    size_t images = (size_t)m->images;
    uint32_t *weight = heap_take((images + 1) * sizeof *weight);
    double *of_label = heap_take(2 * (size_t)m->labels * sizeof *of_label), ap, ap50;
    struct curve c = curve_new(m);
    for (int i = 0; i < t->times; i++) {
        struct random r = draw_of(seed, i);
        draw_images(&r, weight, images);
        weighted(m, weight, &c, of_label, &ap, &ap50);
        put(t, 0, i, ap);
        put(t, 1, i, ap50);
        for (int k = 0; k < t->labels; k++)
            for (int f = 0; f < 2; f++)
                put(t, WHOLE + EACH * k + f, i, of_label[2 * k + f]);
        count_draw(m, weight, score, t, i);
    }
    free(weight);
    free(of_label);
    free(c.precision);
    free(c.recall);
}

/* Of the draws in which there was something to find: with[i] is a figure that is -1 else. */
static bool interval_of_figure(const struct table *t, int figure, int with, double *room, struct interval *ret)
{
    const double *v = t->values + (size_t)figure * (size_t)t->times, *there = t->values + (size_t)with * (size_t)t->times;
    int n = 0;
    for (int i = 0; i < t->times; i++)
        if (there[i] >= 0)
            room[n++] = v[i];
    if (n)
        *ret = interval_of(room, n, 0.95);
    return n > 0;
}

void metrics_spread(const struct metrics *m, struct arena *a, uint64_t seed, double score, struct spread *ret)
{
    *ret = (struct spread){ 0 };
    if (m->images < 2)
        return;
    struct table t = { .times = times_for(m), .labels = m->labels <= SPREAD_LABELS ? m->labels : 0 };
    t.figures = WHOLE + EACH * t.labels;
    t.values = heap_take((size_t)t.figures * (size_t)t.times * sizeof *t.values);
    double *room = heap_take((size_t)t.times * sizeof *room);
    fill_table(m, seed, score, &t);
    struct interval *whole[WHOLE] = { &ret->ap, &ret->ap50, &ret->precision, &ret->recall, &ret->f1 };
    for (int f = 0; f < WHOLE; f++)
        ret->known = interval_of_figure(&t, f, 0, room, whole[f]);
    ret->labels = t.labels ? arena_new_array(a, struct label_spread, t.labels) : NULL;
    for (int k = 0; k < t.labels; k++) {
        struct label_spread *l = &ret->labels[k];
        struct interval *each[EACH] = { &l->ap, &l->ap50, &l->precision, &l->recall };
        for (int f = 0; f < EACH; f++)
            l->known = interval_of_figure(&t, WHOLE + EACH * k + f, WHOLE + EACH * k, room, each[f]);
    }
    free(room);
    free(t.values);
}

double share_better(const double *a, const double *b, int n, double margin)
{
    int better = 0;
    for (int i = 0; i < n; i++)
        better += a[i] - b[i] > margin;
    return n ? (double)better / n : 0;
}
