/* scoring.h - how figures of quality are answered, whoever they are of: an experiment's evaluations or a deployment's reviews. */
#pragma once
#include "learn/task/resample.h"
#include "json/json.h"

/* Of models that label images as a whole. */
struct classified {
    int64_t *counts; /* (n_labels + 1) squared: what is true and what was said; the last: nothing was */
    const char **labels;
    int n_labels;
    bool with_intervals; /* of accuracy, precision, recall and F1: of what was reviewed */
};
/* {"images", "accuracy", "precision", "recall", "f1", "labels": […]}; means over the labels; null members without truth. */
void classified_write(struct out *, const char *key, const struct classified *);

void figure_write(struct out *, const char *key, double); /* below 0: null */
/* [low, high], or null. */
void interval_write(struct out *, const char *key, bool known, struct interval);
