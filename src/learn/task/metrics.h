/* metrics.h - detection metrics as the COCO evaluation defines them (Lin et al. 2014; equal to pycocotools): average precision over
 * 101 points of recall, at IoU 0.5, 0.55 … 0.95, at most 100 detections of a label in an image. In a crowd (a region with many
 * things that nobody counted) detections are neither right nor wrong. */
#pragma once
#include "base/arena.h"

enum { IOU_STEPS = 10, METRICS_DETECTIONS = 100, METRICS_LABELS = 10000, COCO_FIGURES = 12, METRICS_SIZES = 3 };

struct metrics_truth {
    int label;
    double x, y, w, h;
    double area; /* of the thing, by which it is small, medium or large */
    bool crowd;
};
static inline struct metrics_truth metrics_truth_of(int label, double x, double y, double w, double h)
{
    return (struct metrics_truth){ label, x, y, w, h, w * h, false };
}
struct metrics_detection {
    int label;
    double score, x, y, w, h; /* one of a negative size counts only if it is right, which it cannot be */
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

/* Of things up to 32², up to 96² and larger. */
struct size_metrics {
    int64_t truths, images; /* images: that have one */
    double ap, ar;          /* -1: no truth */
};
struct label_metrics {
    int64_t truths, images;    /* crowds are none */
    double ap, ap50, ap75, ar; /* -1: the label has no truth */
    double precision, recall;  /* at IoU 0.5 and best_score */
    struct size_metrics sizes[METRICS_SIZES];
};
struct detect_metrics {
    double ap, ap50, ap75, ar; /* means over the labels that have truths; -1 if there are none */
    double coco[COCO_FIGURES]; /* the twelve figures of the COCO evaluation; -1: there was nothing to find */
    double best_score;         /* the threshold at which F1 over all labels is best, at IoU 0.5 */
    double precision, recall, f1;
    struct size_metrics sizes[METRICS_SIZES];
    struct label_metrics *labels; /* the arena's */
    int n_labels;
    int64_t images, truths;
};
/* S, M, L: of things up to 32², up to 96² and larger. AR1, AR10, AR100: with so many detections of a label in an image. */
extern const char *const coco_figures[COCO_FIGURES]; /* "AP", "AP50", … "ARL", in the order in which pycocotools has them */
void metrics_compute(struct metrics *, struct arena *, struct detect_metrics *ret);
