/* taps.h - which pixels of an axis make one that is resampled, and by how much each (private to img/). */
#pragma once

/* A filter: its weight at a distance, and the distance beyond which it is 0, in pixels of the coarser axis. */
struct kernel {
    double reach;
    double (*weight)(double away);
};
extern const struct kernel kernel_triangle;

/* Output pixel i of `to` that are made of `from`: *ret_first and as many weights as it answers, which sum to 1. ret_weight: room
 * for taps_room() of them. */
int taps_at(const struct kernel *, int from, int to, int i, int *ret_first, double *ret_weight);
int taps_room(const struct kernel *, int from, int to);
