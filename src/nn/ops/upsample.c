/* Each pixel becomes scale × scale equal ones. */
#include "nn/ops/ops.h"

static void forward(struct node *n, bool training)
{
    (void)training;
    struct tensor *x = n->in[0], *y = &n->out;
    for (long i = 0; i < tensor_pixels(y); i++) {
        const float *from = pixel_at(x, x->data, i / y->w / y->h, i / y->w % y->h / n->attr.scale, i % y->w / n->attr.scale);
        for (int c = 0; c < y->c; c++)
            y->data[i * y->pitch + c] = from[c];
    }
}

static void backward(struct node *n)
{
    struct tensor *x = n->in[0], *y = &n->out;
    for (long i = 0; i < tensor_pixels(y) && x->grad; i++) {
        float *to = pixel_at(x, x->grad, i / y->w / y->h, i / y->w % y->h / n->attr.scale, i % y->w / n->attr.scale);
        for (int c = 0; c < y->c; c++)
            to[c] += y->grad[i * y->pitch + c];
    }
}

const struct op_kind op_upsample = { "upsample", KEEPS_NOTHING, forward, backward };

struct tensor *nn_upsample(struct graph *g, struct tensor *x, int scale)
{
    struct node *n = graph_add_node(g, &op_upsample, &x, 1);
    n->attr = (struct attr){ .scale = scale };
    return node_shape(g, n, x->n, x->h * scale, x->w * scale, x->c);
}
