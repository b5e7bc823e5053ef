/* max(x, 0). */
#include "nn/ops/ops.h"

static void forward(struct node *n, bool training)
{
    (void)training;
    struct tensor *x = n->in[0], *y = &n->out;
    for (long i = 0; i < tensor_pixels(x); i++)
        for (int c = 0; c < x->c; c++) {
            float v = x->data[i * x->pitch + c];
            y->data[i * y->pitch + c] = v > 0 ? v : 0;
        }
}

static void backward(struct node *n)
{
    struct tensor *x = n->in[0], *y = &n->out;
    for (long i = 0; i < tensor_pixels(x) && x->grad; i++)
        for (int c = 0; c < x->c; c++) {
            if (y->data[i * y->pitch + c] > 0)
                x->grad[i * x->pitch + c] += y->grad[i * y->pitch + c];
        }
}

const struct op_kind op_relu = { "relu", KEEPS_OUT, forward, backward };

struct tensor *nn_relu(struct graph *g, struct tensor *x)
{
    return node_shape(g, graph_add_node(g, &op_relu, &x, 1), x->n, x->h, x->w, x->c);
}
