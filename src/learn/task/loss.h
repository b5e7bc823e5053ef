/* loss.h - what a detector's answers are worth, and the gradient of it.
 *
 * Which cells answer for which object is chosen by SimOTA (YOLOX, Ge et al. 2021, section 2). The losses are sums over the cells of
 * an image; whoever steps divides by the number of positive cells of the whole batch, so that parts of a batch can be summed. */
#pragma once
#include "learn/data/box.h"
#include "learn/model/network.h"

struct match {
    int level, cell; /* cell: y * w + x */
    int truth;
    float iou; /* of the prediction with its truth, when it was matched */
};
struct loss {
    double box, objectness, label;
    int positives;
};
static inline double loss_total(const struct loss *l)
{
    return l->box + l->objectness + l->label;
}

/* Of image i of the batch. truth: pixels of the input. The matches are the arena's. */
void loss_match(const struct network *, int i, const struct labelled_box *truth, int n, struct arena *, struct match **ret,
                int *ret_n);
/* Adds the losses of image i to sum, and writes the gradients of its part of the outputs:
 * box: 5 (1 - GIoU) (Rezatofighi et al. 2019) for positive cells; objectness: binary cross-entropy of all cells with 1 for positive
 * ones; label: binary cross-entropy of positive cells with the IoU as the target of the true label. */
void loss_add(const struct network *, int i, const struct labelled_box *truth, const struct match *, int n_matches,
              struct loss *sum);

/* The box that a cell predicts, in pixels of the input. t: its 5 outputs. */
struct box level_box(const struct level *, int cell, const float *t);
