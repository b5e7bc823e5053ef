/* detect.h - a network's answers to boxes: decoding and non-maximum suppression, for evaluation. */
#pragma once
#include "learn/data/box.h"
#include "learn/model/network.h"

struct found {
    struct box box; /* pixels of the network's input */
    int label;
    float score; /* probability of an object times that of the label */
};

/* What the network says about image i of its batch: for each cell its best label, if the score is at least min_score; best first;
 * boxes of a label that overlap a better one by more than nms_iou are left out; at most `most`. From the arena. */
void detect_read(const struct network *, int i, float min_score, float nms_iou, int most, struct arena *, struct found **ret,
                 int *ret_n);

/* Sorts by score, best first (equal ones by place), and moves what is kept to the front; answers how many those are. */
int detect_suppress(struct found *, int n, float nms_iou, int most);
