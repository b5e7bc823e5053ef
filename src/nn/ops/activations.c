/* SiLU (Elfwing et al. 2018: x * sigmoid(x)), ReLU, sigmoid. */
#include "nn/ops.h"

static void silu_forward(struct node *n)
{
    const float *x = n->in[0]->data;
    for (size_t i = 0, count = tensor_count(&n->out); i < count; i++)
        n->out.data[i] = x[i] * sigmoid(x[i]);
}

static void silu_backward(struct node *n)
{
    const float *x = n->in[0]->data, *dy = n->out.grad;
    float *dx = node_grad(n, 0);
    for (size_t i = 0, count = tensor_count(&n->out); dx && i < count; i++) {
        float s = sigmoid(x[i]);
        dx[i] = dy[i] * s * (1.0f + x[i] * (1.0f - s));
    }
    node_grad_done(n, 0, dx);
}

static void relu_forward(struct node *n)
{
    const float *x = n->in[0]->data;
    for (size_t i = 0, count = tensor_count(&n->out); i < count; i++)
        n->out.data[i] = x[i] > 0 ? x[i] : 0;
}

static void relu_backward(struct node *n)
{
    const float *y = n->out.data, *dy = n->out.grad;
    float *dx = node_grad(n, 0);
    for (size_t i = 0, count = tensor_count(&n->out); dx && i < count; i++)
        dx[i] = y[i] > 0 ? dy[i] : 0;
    node_grad_done(n, 0, dx);
}

static void sigmoid_forward(struct node *n)
{
    const float *x = n->in[0]->data;
    for (size_t i = 0, count = tensor_count(&n->out); i < count; i++)
        n->out.data[i] = sigmoid(x[i]);
}

static void sigmoid_backward(struct node *n)
{
    const float *y = n->out.data, *dy = n->out.grad;
    float *dx = node_grad(n, 0);
    for (size_t i = 0, count = tensor_count(&n->out); dx && i < count; i++)
        dx[i] = dy[i] * y[i] * (1.0f - y[i]);
    node_grad_done(n, 0, dx);
}

const struct op_kind op_silu = { "silu", silu_forward, silu_backward, NULL };
const struct op_kind op_relu = { "relu", relu_forward, relu_backward, NULL };
const struct op_kind op_sigmoid = { "sigmoid", sigmoid_forward, sigmoid_backward, NULL };

static struct tensor *unary(struct graph *g, const struct op_kind *kind, struct tensor *x)
{
    struct node *n = graph_add_node(g, kind, x->n, x->h, x->w, x->c);
    n->in[0] = x;
    n->n_in = 1;
    return &n->out;
}

struct tensor *nn_silu(struct graph *g, struct tensor *x)
{
    return unary(g, &op_silu, x);
}

struct tensor *nn_relu(struct graph *g, struct tensor *x)
{
    return unary(g, &op_relu, x);
}

struct tensor *nn_sigmoid(struct graph *g, struct tensor *x)
{
    return unary(g, &op_sigmoid, x);
}
