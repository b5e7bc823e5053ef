/* profile.h - what each kernel of a graph costs: time, arithmetic and memory, for a roofline (Williams et al. 2009). */
#pragma once
#include "nn/graph.h"

struct cost { /* of a pass, summed over steps that are alike */
    const char *what;
    int steps;
    double forward_s, backward_s; /* of one processor */
    double forward_flop, backward_flop;
    double forward_bytes, backward_bytes; /* of values and gradients, if each is read or written once */
};
/* Since the last call, the most expensive first; the first call begins to measure. each_shape: convolutions of different shapes are
 * not summed. Texts and the array are the arena's. */
int graph_costs(struct graph *, struct arena *, bool each_shape, struct cost **ret);
double thread_seconds(void);                  /* of processor time, of this thread */
double profile_seconds(const struct graph *); /* the same; 0 while nobody measures */
