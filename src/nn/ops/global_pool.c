/* The mean of all pixels of an image, channel by channel: N × 1 × 1 × C. */
#include "nn/ops/ops.h"

static void forward(struct node *n, bool training)
{
    (void)training;
    struct tensor *x = n->in[0], *y = &n->out;
    long each = (long)x->h * x->w;
    for (long i = 0; i < y->n; i++)
        for (int c = 0; c < y->c; c++) {
            double sum = 0;
            for (long k = 0; k < each; k++)
                sum += (double)x->data[(i * each + k) * x->pitch + c];
            y->data[i * y->pitch + c] = (float)(sum / (double)each);
        }
}

static void backward(struct node *n)
{
    struct tensor *x = n->in[0], *y = &n->out;
    long each = (long)x->h * x->w;
    for (long i = 0; i < tensor_pixels(x) && x->grad; i++)
        for (int c = 0; c < y->c; c++)
            x->grad[i * x->pitch + c] += y->grad[i / each * y->pitch + c] / (float)each;
}

const struct op_kind op_global_pool = { "global_pool", KEEPS_NOTHING, forward, backward };

struct tensor *nn_global_pool(struct graph *g, struct tensor *x)
{
    return node_shape(g, graph_add_node(g, &op_global_pool, &x, 1), x->n, 1, 1, x->c);
}
