/* verdict.h - inside task/: what metrics keep of each detection and image. */
#pragma once
#include "learn/task/metrics.h"

enum { RECALL_STEPS = 101, AREAS = 4 }; /* all things, small, medium and large ones */

/* A detection, once it is known at which IoU it is right, for each range of areas. Bit t: at the t-th IoU. */
struct verdict {
    double score;
    uint32_t order; /* as it came, to break ties as a stable sort does */
    uint32_t image; /* by the order of metrics_add() */
    uint8_t rank;   /* among those of its label in its image, best first */
    uint16_t right[AREAS], does_not_count[AREAS];
};
/* How many truths an image has of a label, for each range; images without any are left out. */
struct there {
    uint32_t image, truths[AREAS];
};
struct of_label {
    struct verdict *items; /* sorted by score once metrics_compute() was called */
    size_t n, room;
    struct there *there;
    size_t n_there, there_room;
    int64_t truths[AREAS];
};
struct metrics {
    int labels;
    int64_t images, with[AREAS]; /* with: those that have a truth in the range */
    struct of_label *of;
};

double recall_step(int r); /* the r-th of RECALL_STEPS recalls from 0 to 1 */
