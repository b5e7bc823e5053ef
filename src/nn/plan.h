/* plan.h - what the parts of the planner share. Only inside nn/. */
#pragma once
#include "nn/graph.h"
#include "nn/place.h"

struct buffer {
    struct buffer *root; /* whose memory it lies in; itself, or NULL where there is none */
    int shift;           /* floats into the root */
    int pitch;
    bool kept; /* of a root: from the forward pass to the end of the backward pass; else its steps are done again */
    struct place place;
};
struct plan {
    struct graph *g;
    struct arena *arena;
    int *users;          /* by tensor */
    struct step **maker; /* by tensor: the step that writes it */
    struct buffer *values, *grads;
    int *again, *back, end; /* by step: when it is done again and when it goes backward; the time after all */
};

struct buffer *buffer_root(struct buffer *);

/* Sets the time at which each value and gradient is in use, for the segments that the steps are in. Time runs forward, one tick a
 * step; then for each segment, from the last to the first: its steps that are done again, and its steps backward. */
void lifetimes_find(struct plan *);
/* If more than `most` bytes would be in use at a time, cuts the steps into the segments with which the least memory is in use at a
 * time (Chen et al. 2016, "Training deep nets with sublinear memory cost"): values inside a segment are forgotten and computed once
 * more before it goes backward. */
void recompute_choose(struct plan *, size_t most);
size_t places_list(struct plan *, struct place **ret); /* of all roots; room: 2 × tensors */
