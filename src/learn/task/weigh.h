/* weigh.h - inside task/: the figures of metrics as if each image were there as often as its weight says. */
#pragma once
#include "learn/task/resample.h"
#include "learn/task/verdict.h"

/* What draws look at, for each label and range of areas: the detections that count there, as small as can be, since some hundred
 * draws go through all of them. */
struct lot {
    struct seen {
        uint32_t image;
        uint16_t right, wrong; /* bit t: at the t-th IoU */
    } * items;
    size_t n;
};
struct weighing {
    const struct metrics *of;
    int ranges;                 /* of AREAS, the first ones */
    struct lot *lots;           /* labels × ranges */
    size_t n;                   /* detections of all of them */
    struct seen *drawn;         /* room for those of one lot that a draw has: `image` is how often */
    double *precision, *recall; /* room for one curve */
};
/* After metrics_compute(), which sorts. The metrics must outlive it. */
struct weighing *weighing_new(const struct metrics *, int ranges);
void weighing_free(struct weighing *);
static inline void auto_weighing(struct weighing **w)
{
    weighing_free(*w);
}

/* Of one label in one range; all -1 if it has no truth there. */
struct weighed {
    double ap, ap50, ap75, ar;
};
struct weighed weigh(const struct weighing *, int label, int range, const uint32_t *weight);
/* The means over the labels that have truths in the range. each: NULL, or room for those of every label. */
struct weighed weigh_all(const struct weighing *, int range, const uint32_t *weight, struct weighed *each);
double weighed_truths(const struct of_label *, int range, const uint32_t *weight);

/* The i-th draw of a seed: as many images as there are, with replacement. */
void weights_draw(uint64_t seed, int i, uint32_t *weight, size_t images);
/* How many draws: without end they would hold up whoever waits for the answer. */
int draws_for(const struct weighing *);
