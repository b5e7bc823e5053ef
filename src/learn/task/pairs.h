/* pairs.h - which detection stands for which thing, whatever their labels: what a confusion matrix of boxes is made of. */
#pragma once
#include "learn/task/metrics.h"

/* ret[i]: the truth that detection i stands for, or -1. Best score first, each takes the thing of its own label that it overlaps
 * most, by half at least; what is left then takes what is left of other labels in the same way, so that a wrong label never takes a
 * thing from a right one. Detections are sorted, best first. */
void pair_boxes(const struct metrics_truth *, size_t n_truth, const struct metrics_detection *, size_t n_found, int *ret);
