/* x · sigmoid(x) (Elfwing et al. 2017). */
#include "nn/ops/ops.h"
#include <math.h>

static void forward(struct node *n, bool training)
{
    (void)training;
    struct tensor *x = n->in[0], *y = &n->out;
    for (long i = 0; i < tensor_pixels(x); i++)
        for (int c = 0; c < x->c; c++) {
            float v = x->data[i * x->pitch + c];
            y->data[i * y->pitch + c] = v / (1 + expf(-v));
        }
}

static void backward(struct node *n)
{
    struct tensor *x = n->in[0], *y = &n->out;
    for (long i = 0; i < tensor_pixels(x) && x->grad; i++)
        for (int c = 0; c < x->c; c++) {
            float v = x->data[i * x->pitch + c], s = 1 / (1 + expf(-v));
            x->grad[i * x->pitch + c] += y->grad[i * y->pitch + c] * s * (1 + v * (1 - s));
        }
}

const struct op_kind op_silu = { "silu", KEEPS_IN, forward, backward };

struct tensor *nn_silu(struct graph *g, struct tensor *x)
{
    return node_shape(g, graph_add_node(g, &op_silu, &x, 1), x->n, x->h, x->w, x->c);
}
