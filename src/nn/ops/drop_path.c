/* Stochastic depth (Huang et al. 2016, arXiv 1603.09382): in training a sample is 0 with a chance of `rate`, and otherwise
 * 1 / (1 - rate) times as large. For a residual branch, before it is added. */
#include "nn/ops/draw.h"
#include "nn/ops/ops.h"
#include <assert.h>

float drop_path_scale(const struct node *n, int sample)
{
    return draw_drops(draw_key(n, sample), 0, draw_rate(n->attr.rate)) ? 0 : 1 / (1 - n->attr.rate);
}

static void forward(struct node *n, bool training)
{
    struct tensor *x = n->in[0], *y = &n->out;
    for (long i = 0; i < tensor_pixels(y); i++) {
        float scale = training ? drop_path_scale(n, (int)(i / y->w / y->h)) : 1;
        for (int c = 0; c < y->c; c++)
            y->data[i * y->pitch + c] = scale * x->data[i * x->pitch + c];
    }
}

static void backward(struct node *n)
{
    struct tensor *x = n->in[0], *y = &n->out;
    for (long i = 0; i < tensor_pixels(y) && x->grad; i++) {
        float scale = drop_path_scale(n, (int)(i / y->w / y->h));
        for (int c = 0; c < y->c; c++)
            x->grad[i * x->pitch + c] += scale * y->grad[i * y->pitch + c];
    }
}

const struct op_kind op_drop_path = { "drop_path", KEEPS_NOTHING, forward, backward };

struct tensor *nn_drop_path(struct graph *g, struct tensor *x, float rate)
{
    assert(rate >= 0 && rate < 1);
    struct node *n = graph_add_node(g, &op_drop_path, &x, 1);
    n->attr = (struct attr){ .rate = rate };
    return node_shape(g, n, x->n, x->h, x->w, x->c);
}
