/* exp(x) as shares of their sum over the channels of a pixel. */
#include "nn/ops/ops.h"
#include <math.h>

static void forward(struct node *n, bool training)
{
    (void)training;
    struct tensor *x = n->in[0], *y = &n->out;
    for (long i = 0; i < tensor_pixels(x); i++) {
        const float *from = x->data + i * x->pitch;
        float *to = y->data + i * y->pitch, most = from[0];
        double sum = 0;
        for (int c = 1; c < x->c; c++)
            most = from[c] > most ? from[c] : most;
        for (int c = 0; c < x->c; c++)
            sum += (double)(to[c] = expf(from[c] - most));
        for (int c = 0; c < x->c; c++)
            to[c] = (float)(to[c] / sum);
    }
}

static void backward(struct node *n)
{
    struct tensor *x = n->in[0], *y = &n->out;
    for (long i = 0; i < tensor_pixels(x) && x->grad; i++) {
        const float *value = y->data + i * y->pitch, *dy = y->grad + i * y->pitch;
        double dot = 0;
        for (int c = 0; c < x->c; c++)
            dot += (double)dy[c] * (double)value[c];
        for (int c = 0; c < x->c; c++)
            x->grad[i * x->pitch + c] += value[c] * (float)(dy[c] - dot);
    }
}

const struct op_kind op_softmax = { "softmax", KEEPS_OUT, forward, backward };

struct tensor *nn_softmax(struct graph *g, struct tensor *x)
{
    return node_shape(g, graph_add_node(g, &op_softmax, &x, 1), x->n, x->h, x->w, x->c);
}
