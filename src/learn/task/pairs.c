#include "learn/task/pairs.h"
#include "base/arena.h"
#include <math.h>
#include <stdlib.h>

static double overlap(const struct metrics_truth *t, const struct metrics_detection *d)
{
    double w = fmin(d->x + d->w, t->x + t->w) - fmax(d->x, t->x), h = fmin(d->y + d->h, t->y + t->h) - fmax(d->y, t->y);
    return w <= 0 || h <= 0 ? 0 : w * h / (d->w * d->h + t->w * t->h - w * h);
}

static void take(const struct metrics_truth *truth, size_t n_truth, const struct metrics_detection *found, size_t n_found,
                 bool same_label, bool *taken, int *ret)
{
    for (size_t i = 0; i < n_found; i++) {
        double most = 0.5;
        for (size_t k = 0; k < n_truth && (same_label || ret[i] < 0); k++)
            if (!taken[k] && (truth[k].label == found[i].label) == same_label && overlap(&truth[k], &found[i]) >= most) {
                most = overlap(&truth[k], &found[i]);
                ret[i] = (int)k;
            }
        if (ret[i] >= 0)
            taken[ret[i]] = true;
    }
}

void pair_boxes(const struct metrics_truth *truth, size_t n_truth, const struct metrics_detection *found, size_t n_found, int *ret)
{
    bool *taken = heap_take((n_truth + 1) * sizeof *taken);
    for (size_t i = 0; i < n_found; i++)
        ret[i] = -1;
    take(truth, n_truth, found, n_found, true, taken, ret);
    take(truth, n_truth, found, n_found, false, taken, ret);
    free(taken);
}
