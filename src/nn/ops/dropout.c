/* In training each value is 0 with a chance of `rate`, and otherwise 1 / (1 - rate) times as large (Srivastava et al. 2014). */
#include "nn/ops/draw.h"
#include "nn/ops/ops.h"
#include <assert.h>

/* to = from, or to += from, with what is dropped left out */
static void pass(const struct node *n, const float *from, long from_pitch, float *to, long to_pitch, bool adds)
{
    const struct tensor *y = &n->out;
    float scale = 1 / (1 - n->attr.rate);
    for (long i = 0; i < tensor_pixels(y); i++) {
        uint64_t key = draw_key(n, (int)(i / y->w / y->h));
        for (int c = 0; c < y->c; c++) {
            uint32_t at = (uint32_t)(i % ((long)y->h * y->w) * y->c + c);
            float v = draw_drops(key, at, draw_rate(n->attr.rate)) ? 0 : scale * from[i * from_pitch + c];
            to[i * to_pitch + c] = v + (adds ? to[i * to_pitch + c] : 0);
        }
    }
}

static void forward(struct node *n, bool training)
{
    struct tensor *x = n->in[0], *y = &n->out;
    if (training)
        pass(n, x->data, x->pitch, y->data, y->pitch, false);
    for (long i = 0; i < tensor_pixels(y) && !training; i++)
        for (int c = 0; c < y->c; c++)
            y->data[i * y->pitch + c] = x->data[i * x->pitch + c];
}

static void backward(struct node *n)
{
    struct tensor *x = n->in[0], *y = &n->out;
    if (x->grad)
        pass(n, y->grad, y->pitch, x->grad, x->pitch, true);
}

const struct op_kind op_dropout = { "dropout", KEEPS_NOTHING, forward, backward };

struct tensor *nn_dropout(struct graph *g, struct tensor *x, float rate)
{
    assert(rate >= 0 && rate < 1);
    struct node *n = graph_add_node(g, &op_dropout, &x, 1);
    n->attr = (struct attr){ .rate = rate };
    return node_shape(g, n, x->n, x->h, x->w, x->c);
}
