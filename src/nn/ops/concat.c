/* Tensors of one height and width side by side in C. */
#include "nn/ops/ops.h"
#include <assert.h>

static void forward(struct node *n, bool training)
{
    (void)training;
    struct tensor *y = &n->out;
    for (int k = 0, at = 0; k < n->n_in; at += n->in[k++]->c)
        for (long i = 0; i < tensor_pixels(y); i++)
            for (int c = 0; c < n->in[k]->c; c++)
                y->data[i * y->pitch + at + c] = n->in[k]->data[i * n->in[k]->pitch + c];
}

static void backward(struct node *n)
{
    struct tensor *y = &n->out;
    for (int k = 0, at = 0; k < n->n_in; at += n->in[k++]->c)
        for (long i = 0; i < tensor_pixels(y) && n->in[k]->grad; i++)
            for (int c = 0; c < n->in[k]->c; c++)
                n->in[k]->grad[i * n->in[k]->pitch + c] += y->grad[i * y->pitch + at + c];
}

const struct op_kind op_concat = { "concat", KEEPS_NOTHING, forward, backward };

struct tensor *nn_concat(struct graph *g, struct tensor *const *x, int n)
{
    int channels = 0;
    for (int i = 0; i < n; i++) {
        assert(x[i]->n == x[0]->n && x[i]->h == x[0]->h && x[i]->w == x[0]->w);
        channels += x[i]->c;
    }
    return node_shape(g, graph_add_node(g, &op_concat, x, n), x[0]->n, x[0]->h, x[0]->w, channels);
}
