/* Blocks of 2 × 2 pixels become one pixel of four times the channels, column by column: top left, bottom left, top right, bottom
 * right (Ge et al. 2021, the stem of YOLOX). */
#include "nn/ops/ops.h"
#include <assert.h>

static long source(const struct node *n, long i, int part) /* index of the pixel of x */
{
    const struct tensor *x = n->in[0], *y = &n->out;
    return (i / y->w / y->h * x->h + i / y->w % y->h * 2 + part % 2) * x->w + i % y->w * 2 + part / 2;
}

static void forward(struct node *n, bool training)
{
    (void)training;
    struct tensor *x = n->in[0], *y = &n->out;
    for (long i = 0; i < tensor_pixels(y); i++)
        for (int part = 0; part < 4; part++)
            for (int c = 0; c < x->c; c++)
                y->data[i * y->pitch + part * x->c + c] = x->data[source(n, i, part) * x->pitch + c];
}

static void backward(struct node *n)
{
    struct tensor *x = n->in[0], *y = &n->out;
    for (long i = 0; i < tensor_pixels(y) && x->grad; i++)
        for (int part = 0; part < 4; part++)
            for (int c = 0; c < x->c; c++)
                x->grad[source(n, i, part) * x->pitch + c] += y->grad[i * y->pitch + part * x->c + c];
}

const struct op_kind op_space_to_depth = { "space_to_depth", KEEPS_NOTHING, forward, backward };

struct tensor *nn_space_to_depth(struct graph *g, struct tensor *x)
{
    assert(x->h % 2 == 0 && x->w % 2 == 0);
    struct node *n = graph_add_node(g, &op_space_to_depth, &x, 1);
    n->attr = (struct attr){ .scale = 2 };
    return node_shape(g, n, x->n, x->h / 2, x->w / 2, 4 * x->c);
}
