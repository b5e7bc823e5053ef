/* evaluate_read.h - annotations as a COCO file and detections as a COCO results file, image by image. */
#pragma once
#include "learn/task/metrics.h"

/* Things of an image lie side by side: those of image i from first[i] to first[i + 1]. */
struct evaluation {
    struct arena *arena;
    int64_t *images, *labels; /* ids, sorted, each once */
    size_t n_images, n_labels;
    const char **names; /* of labels, by number; NULL: none */
    struct metrics_truth *truth;
    struct metrics_detection *found;
    size_t *first_truth, *first_found; /* n_images + 1 each */
    size_t crowds;
    size_t lost_truth, lost_found; /* passed over: of a category or, for annotations, an image that the file does not list */
};
/* E_INVALID, E_UNMEANT: what is wrong with which entry of the file. Frees with evaluation_done(), whatever it answered. */
MUST_USE enum err evaluation_read(struct evaluation *, const char *truth, const char *predictions);
void evaluation_done(struct evaluation *);
static inline void auto_evaluation(struct evaluation *e)
{
    evaluation_done(e);
}
