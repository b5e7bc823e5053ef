/* scene.h - inside monitor/: the boxes of one reviewed image, as reviewed and as predicted. */
#pragma once
#include "app/monitor/monitor.h"

struct scene {
    struct metrics_truth *truths;
    struct metrics_detection *found; /* best first */
    size_t n_truths, n_found;
};
void scene_new(struct arena *, struct scene *ret); /* room for any image */
MUST_USE enum err scene_read(struct sql *, const char *predicted_asset_id, bool shadow, struct scene *);
