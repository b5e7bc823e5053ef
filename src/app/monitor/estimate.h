/* estimate.h - inside monitor/: the quality that is to be expected of images that nobody reviewed. */
#pragma once
#include "app/monitor/monitor.h"
#include "learn/task/expect.h"

/* KNOWN_MOST: reviewed images that it goes by; ESTIMATED_MOST: images that are estimated. KNOWN_LEAST: fewer reviews say too
 * little. */
enum { KNOWN_MOST = 1000, KNOWN_LEAST = 30, ESTIMATED_MOST = 1000 };

struct estimated {
    const char *metric; /* "mAP50", "accuracy" */
    const char **labels;
    int n_labels;
    int64_t images, known_images;
    struct expected expected; /* not known: there are too few reviews, or nothing is expected there */
};
/* Of that version in that place, on those of the images (a list of predicted assets) that it answered. draws: 0: no interval. */
MUST_USE enum err estimate_compute(struct sql *, struct arena *, const char *deployment_id, const char *model_version_id,
                                   bool shadow, struct value ids, int draws, struct estimated *ret);
