/* confusion.h - figures of classifications, from how often an image of label [row] was said to be of label [column]. */
#pragma once
#include "learn/task/resample.h"

struct label_figures {
    int64_t truths;
    double precision, recall, f1; /* recall and f1 are -1 for a label without an image */
};
/* counts: labels × labels. */
struct label_figures confusion_label(const int64_t *counts, int labels, int label);
/* The means over the labels that have images; -1 if none has. */
struct label_figures confusion_mean(const int64_t *counts, int labels);
double confusion_accuracy(const int64_t *counts, int labels); /* the share that is right; -1 without an image */

/* 95 % intervals, the images drawn anew (resample.h). Known from two images on; of a label if it was in a draw. */
struct confusion_spread {
    bool known;
    struct interval accuracy, precision, recall, f1;
    struct label_intervals {
        bool known;
        struct interval precision, recall, f1;
    } * labels; /* the arena's */
};
void confusion_spread(const int64_t *counts, int labels, struct arena *, uint64_t seed, struct confusion_spread *ret);
