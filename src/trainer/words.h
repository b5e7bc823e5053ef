/* words.h - losses and scores as people read them. Texts are the arena's. */
#pragma once
#include "learn/task/task.h"

/* "mAP50 0.812, mAP50-95 0.455 …" */
const char *train_scores_text(struct arena *, const struct task *, const struct scores *);
/* Of sums and how many are summed: "box 1.402, objectness 0.871, class 0.512" */
const char *train_losses_text(struct arena *, const struct task *, const double *parts, double share);
/* Of a label: "boxes 120, AP50 0.812, AP50-95 0.455 …" */
const char *train_label_text(struct arena *, const struct task *, const double *row);
