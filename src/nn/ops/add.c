#include "nn/ops.h"
#include <string.h>

static void forward(struct node *n)
{
    const float *a = n->in[0]->data, *b = n->in[1]->data;
    for (size_t i = 0, count = tensor_count(&n->out); i < count; i++)
        n->out.data[i] = a[i] + b[i];
}

static void backward(struct node *n)
{
    for (int i = 0; i < 2; i++) {
        float *dx = node_grad(n, i);
        if (dx)
            memcpy(dx, n->out.grad, tensor_count(&n->out) * sizeof *dx);
        node_grad_done(n, i, dx);
    }
}

const struct op_kind op_add = { "add", forward, backward, NULL };

struct tensor *nn_add(struct graph *g, struct tensor *a, struct tensor *b)
{
    struct node *n = graph_add_node(g, &op_add, a->n, a->h, a->w, a->c);
    n->in[0] = a;
    n->in[1] = b;
    n->n_in = 2;
    return &n->out;
}
