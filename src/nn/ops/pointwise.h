/* pointwise.h - the loops of operators that make each value of one other value. Only inside ops/. */
#pragma once
#include "nn/ops/ops.h"

static inline void pointwise_forward(struct node *n, float (*value)(float x))
{
    struct tensor *x = n->in[0], *y = &n->out;
    for (long i = 0; i < tensor_pixels(x); i++)
        for (int c = 0; c < x->c; c++)
            y->data[i * y->pitch + c] = value(x->data[i * x->pitch + c]);
}

/* slope: dy/dx, by what the operator keeps: its input or its output. */
static inline void pointwise_backward(struct node *n, float (*slope)(float kept))
{
    struct tensor *x = n->in[0], *y = &n->out, *kept = n->kind->keeps & KEEPS_IN ? x : y;
    for (long i = 0; i < tensor_pixels(x) && x->grad; i++)
        for (int c = 0; c < x->c; c++)
            x->grad[i * x->pitch + c] += y->grad[i * y->pitch + c] * slope(kept->data[i * kept->pitch + c]);
}

static inline struct tensor *pointwise(struct graph *g, const struct op_kind *kind, struct tensor *x)
{
    return node_shape(g, graph_add_node(g, kind, &x, 1), x->n, x->h, x->w, x->c);
}
