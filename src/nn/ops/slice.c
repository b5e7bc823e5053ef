/* Some channels of a tensor, side by side there. */
#include "nn/ops/ops.h"
#include <assert.h>

static void forward(struct node *n, bool training)
{
    (void)training;
    struct tensor *x = n->in[0], *y = &n->out;
    for (long i = 0; i < tensor_pixels(y); i++)
        for (int c = 0; c < y->c; c++)
            y->data[i * y->pitch + c] = x->data[i * x->pitch + n->attr.first + c];
}

static void backward(struct node *n)
{
    struct tensor *x = n->in[0], *y = &n->out;
    for (long i = 0; i < tensor_pixels(y) && x->grad; i++)
        for (int c = 0; c < y->c; c++)
            x->grad[i * x->pitch + n->attr.first + c] += y->grad[i * y->pitch + c];
}

const struct op_kind op_slice = { "slice", KEEPS_NOTHING, forward, backward };

struct tensor *nn_slice(struct graph *g, struct tensor *x, int first, int channels)
{
    assert(first >= 0 && channels > 0 && first + channels <= x->c);
    struct node *n = graph_add_node(g, &op_slice, &x, 1);
    n->attr = (struct attr){ .first = first };
    return node_shape(g, n, x->n, x->h, x->w, channels);
}
