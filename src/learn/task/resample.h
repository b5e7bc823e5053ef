/* resample.h - how far the images at hand decide a score: average precision when as many of them are drawn anew with replacement
 * (the bootstrap, Efron 1979; percentile intervals, Efron & Tibshirani 1993, chapter 13). An image goes with all its things, since
 * those of one image are alike. */
#pragma once
#include "learn/task/metrics.h"
#include <stdint.h>

/* AP and AP50 as if the i-th image (in the order of metrics_add()) were there weight[i] times; -1 without any truth. After
 * metrics_compute(). */
void metrics_weighted(const struct metrics *, const uint32_t *weight, double *ret_ap, double *ret_ap50);

/* Those of some hundred draws: as many as take no longer than a moment. Two metrics of equally many images see the same draws for
 * the same seed, so that two models on the same images are compared draw by draw. */
struct draws {
    double *ap, *ap50; /* the arena's */
    int n;             /* draws without any truth are left out, which for the same images are the same ones */
};
void metrics_resample(const struct metrics *, struct arena *, uint64_t seed, struct draws *ret);
/* The same of a mean over images, as `ap`. */
void mean_resample(const double *values, size_t n, struct arena *, uint64_t seed, struct draws *ret);

struct interval {
    double low, high;
};
/* What lies between the outer parts of the values, which are sorted: confidence 0.95 leaves out 2.5 % on each side. n > 0. */
struct interval interval_of(double *values, int n, double confidence);
/* The intervals of all that is told of some images: of all labels together, and of each, of at most SPREAD_LABELS labels.
 * Precision, recall and F1: at that score and IoU 0.5. */
enum { SPREAD_LABELS = 200 };
enum spread_figure {
    OF_AP,
    OF_AP50,
    OF_AP75,
    OF_AR,
    OF_PRECISION,
    OF_RECALL,
    OF_F1,
    OF_AP_SIZE, /* of small, medium and large things */
    OF_AR_SIZE = OF_AP_SIZE + METRICS_SIZES,
    SPREAD_FIGURES = OF_AR_SIZE + METRICS_SIZES,
};
struct spread_part {
    bool known[SPREAD_FIGURES]; /* two images, and something to find in the draws */
    struct interval of[SPREAD_FIGURES];
};
struct spread {
    struct spread_part all, *labels; /* the arena's; NULL: there are too many */
};
/* After metrics_compute(). */
void metrics_spread(const struct metrics *, struct arena *, uint64_t seed, double score, struct spread *ret);
/* Which share of the draws is better by more than the margin. */
double share_better(const double *a, const double *b, int n, double margin);
