#include "learn/task/resample.h"
#include "learn/data/random.h"
#include "learn/task/weigh.h"
#include <stdlib.h>

void metrics_weighted(const struct metrics *m, const uint32_t *weight, double *ret_ap, double *ret_ap50)
{
    AUTO(weighing) struct weighing *w = weighing_new(m, 1);
    struct weighed all = weigh_all(w, 0, weight, NULL);
    *ret_ap = all.ap;
    *ret_ap50 = all.ap50;
}

void metrics_resample(const struct metrics *m, struct arena *a, uint64_t seed, struct draws *ret)
{
    AUTO(weighing) struct weighing *w = weighing_new(m, 1);
    size_t images = (size_t)m->images;
    int times = draws_for(w);
    uint32_t *weight = heap_take((images + 1) * sizeof *weight);
    *ret = (struct draws){ arena_new_array(a, double, times), arena_new_array(a, double, times), 0 };
    for (int i = 0; i < times && images; i++) {
        weights_draw(seed, i, weight, images);
        struct weighed all = weigh_all(w, 0, weight, NULL);
        ret->ap[ret->n] = all.ap;
        ret->ap50[ret->n] = all.ap50;
        ret->n += all.ap >= 0;
    }
    free(weight);
}

void mean_resample(const double *values, size_t n, struct arena *a, uint64_t seed, struct draws *ret)
{
    enum { TIMES = 400 };
    *ret = (struct draws){ .ap = arena_new_array(a, double, TIMES), .n = n ? TIMES : 0 };
    for (int i = 0; i < ret->n; i++) {
        struct random r = random_of(seed, 0x626f6f74, (uint64_t)i);
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
