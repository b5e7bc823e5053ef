/* metrics.h - detection metrics as the COCO evaluation defines them (Lin et al. 2014; equal to pycocotools, area "all"): average
 * precision over 101 points of recall, at IoU 0.5, 0.55 … 0.95, at most 100 detections of a label in an image. */
#pragma once
#include "base/arena.h"

enum { IOU_STEPS = 10, METRICS_DETECTIONS = 100, METRICS_LABELS = 10000 };

struct metrics_truth {
    int label;
    double x, y, w, h;
};
struct metrics_detection {
    int label;
    double score, x, y, w, h;
};

struct metrics;
struct metrics *metrics_new(int labels);
void metrics_free(struct metrics *);
static inline void auto_metrics(struct metrics **m)
{
    metrics_free(*m);
}
/* One image. Detections of equal score keep their order. Labels must be below the number given to metrics_new(). */
void metrics_add(struct metrics *, const struct metrics_truth *, size_t n_truth, const struct metrics_detection *, size_t n_found);

struct label_metrics {
    int64_t truths;
    double ap, ap50, ap75, ar; /* -1: the label has no truth */
    double precision, recall;  /* at IoU 0.5 and best_score */
};
struct detect_metrics {
    double ap, ap50, ap75, ar; /* means over the labels that have truths; -1 if there are none */
    double best_score;         /* the threshold at which F1 over all labels is best, at IoU 0.5 */
    double precision, recall, f1;
    struct label_metrics *labels; /* the arena's */
    int n_labels;
    int64_t images, truths;
};
void metrics_compute(const struct metrics *, struct arena *, struct detect_metrics *ret);
