/* Side by side along the channels. */
#include "nn/ops.h"
#include <string.h>

static void forward(struct node *n)
{
    size_t rows = (size_t)n->out.n * (size_t)n->out.h * (size_t)n->out.w, all = (size_t)n->out.c, at = 0;
    for (int i = 0; i < n->n_in; at += (size_t)n->in[i++]->c) {
        size_t c = (size_t)n->in[i]->c;
        for (size_t r = 0; r < rows; r++)
            memcpy(n->out.data + r * all + at, n->in[i]->data + r * c, c * sizeof(float));
    }
}

static void backward(struct node *n)
{
    size_t rows = (size_t)n->out.n * (size_t)n->out.h * (size_t)n->out.w, all = (size_t)n->out.c, at = 0;
    for (int i = 0; i < n->n_in; at += (size_t)n->in[i++]->c) {
        size_t c = (size_t)n->in[i]->c;
        float *dx = node_grad(n, i);
        for (size_t r = 0; dx && r < rows; r++)
            memcpy(dx + r * c, n->out.grad + r * all + at, c * sizeof(float));
        node_grad_done(n, i, dx);
    }
}

const struct op_kind op_concat = { "concat", forward, backward, NULL };

struct tensor *nn_concat(struct graph *g, struct tensor *const *x, int n_in)
{
    int c = 0;
    for (int i = 0; i < n_in; i++)
        c += x[i]->c;
    struct node *n = graph_add_node(g, &op_concat, x[0]->n, x[0]->h, x[0]->w, c);
    for (int i = 0; i < n_in; i++)
        n->in[i] = x[i];
    n->n_in = n_in;
    return &n->out;
}
