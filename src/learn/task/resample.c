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

static void weighted(const struct metrics *m, const uint32_t *weight, const struct curve *c, double *ret_ap, double *ret_ap50)
{
    double ap = 0, ap50 = 0;
    int labels = 0;
    for (const struct of_label *l = m->of; l < m->of + m->labels; l++) {
        double truths = truths_of(l, weight), first;
        if (truths == 0)
            continue;
        labels++;
        first = weighted_ap(l, weight, truths, 0, c);
        ap50 += first;
        ap += first / IOU_STEPS;
        for (int t = 1; t < IOU_STEPS; t++)
            ap += weighted_ap(l, weight, truths, t, c) / IOU_STEPS;
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
    weighted(m, weight, &c, ret_ap, ret_ap50);
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

void metrics_resample(const struct metrics *m, struct arena *a, uint64_t seed, struct draws *ret)
{
    size_t images = (size_t)m->images;
    int times = times_for(m);
    uint32_t *weight = heap_take((images + 1) * sizeof *weight);
    struct curve c = curve_new(m);
    *ret = (struct draws){ arena_new_array(a, double, times), arena_new_array(a, double, times), 0 };
    for (int i = 0; i < times && images; i++) {
        struct random r = draw_of(seed, i);
        memset(weight, 0, images * sizeof *weight);
        for (size_t k = 0; k < images; k++)
            weight[random_below(&r, images)]++;
        weighted(m, weight, &c, &ret->ap[ret->n], &ret->ap50[ret->n]);
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

double share_better(const double *a, const double *b, int n, double margin)
{
    int better = 0;
    for (int i = 0; i < n; i++)
        better += a[i] - b[i] > margin;
    return n ? (double)better / n : 0;
}
