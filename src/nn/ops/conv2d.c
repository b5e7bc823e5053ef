/* Convolution, NHWC; weights out channels x kernel x kernel x (in channels / groups). */
#include "nn/ops.h"
#include <math.h>
#include <string.h>

static void forward(struct node *n)
{
    const struct tensor *x = n->in[0], *w = &n->params[0]->value;
    struct tensor *y = &n->out;
    int k = n->attr.kernel, s = n->attr.stride, pad = n->attr.pad, per_group = y->c / n->attr.groups, ic = w->c;
    for (int b = 0; b < y->n; b++)
        for (int oy = 0; oy < y->h; oy++)
            for (int ox = 0; ox < y->w; ox++) {
                float *to = y->data + ((size_t)(b * y->h + oy) * (size_t)y->w + (size_t)ox) * (size_t)y->c;
                for (int o = 0; o < y->c; o++) {
                    float sum = n->params[1] ? n->params[1]->value.data[o] : 0;
                    for (int ky = 0; ky < k; ky++)
                        for (int kx = 0; kx < k; kx++) {
                            int iy = oy * s - pad + ky, ix = ox * s - pad + kx;
                            if (iy < 0 || ix < 0 || iy >= x->h || ix >= x->w)
                                continue;
                            const float *from =
                                x->data + ((size_t)(b * x->h + iy) * (size_t)x->w + (size_t)ix) * (size_t)x->c + o / per_group * ic;
                            const float *weight = w->data + (size_t)((o * k + ky) * k + kx) * (size_t)ic;
                            for (int i = 0; i < ic; i++)
                                sum += from[i] * weight[i];
                        }
                    to[o] = sum;
                }
            }
}

static void backward(struct node *n)
{
    const struct tensor *x = n->in[0], *w = &n->params[0]->value, *y = &n->out;
    int k = n->attr.kernel, s = n->attr.stride, pad = n->attr.pad, per_group = y->c / n->attr.groups, ic = w->c;
    float *dx = node_grad(n, 0), *dw = w->grad, *db = n->params[1] ? n->params[1]->value.grad : NULL;
    if (dx)
        memset(dx, 0, tensor_count(x) * sizeof *dx);
    for (int b = 0; b < y->n; b++)
        for (int oy = 0; oy < y->h; oy++)
            for (int ox = 0; ox < y->w; ox++) {
                const float *dy = y->grad + ((size_t)(b * y->h + oy) * (size_t)y->w + (size_t)ox) * (size_t)y->c;
                for (int o = 0; o < y->c; o++) {
                    if (db)
                        db[o] += dy[o];
                    for (int ky = 0; ky < k; ky++)
                        for (int kx = 0; kx < k; kx++) {
                            int iy = oy * s - pad + ky, ix = ox * s - pad + kx;
                            if (iy < 0 || ix < 0 || iy >= x->h || ix >= x->w)
                                continue;
                            size_t at =
                                ((size_t)(b * x->h + iy) * (size_t)x->w + (size_t)ix) * (size_t)x->c + (size_t)(o / per_group * ic);
                            size_t weight = (size_t)((o * k + ky) * k + kx) * (size_t)ic;
                            for (int i = 0; i < ic; i++) {
                                if (dw)
                                    dw[weight + (size_t)i] += dy[o] * x->data[at + (size_t)i];
                                if (dx)
                                    dx[at + (size_t)i] += dy[o] * w->data[weight + (size_t)i];
                            }
                        }
                }
            }
    node_grad_done(n, 0, dx);
}

const struct op_kind op_conv2d = { "conv2d", forward, backward, NULL };

struct tensor *nn_conv2d(struct graph *g, struct tensor *x, const char *name, int out_channels, int kernel, int stride, int groups,
                         bool bias)
{
    int pad = (kernel - 1) / 2, h = (x->h + 2 * pad - kernel) / stride + 1, w = (x->w + 2 * pad - kernel) / stride + 1;
    struct node *n = graph_add_node(g, &op_conv2d, x->n, h, w, out_channels);
    AUTO(arena) struct arena *a = arena_new();
    n->attr = (struct attr){ .kernel = kernel, .stride = stride, .pad = pad, .groups = groups };
    n->in[0] = x;
    n->n_in = 1;
    struct param *weight = n->params[0] =
        graph_add_param(g, arena_fmt(a, "%s.weight", name), out_channels, kernel, kernel, x->c / groups, true, true);
    /* uniform within 1/sqrt(fan in), as is usual for networks with batch norm (He et al. 2015 with a = sqrt 5) */
    double bound = 1 / sqrt((double)kernel * kernel * x->c / groups);
    for (size_t i = 0; i < tensor_count(&weight->value); i++)
        weight->value.data[i] = (float)((graph_random(g) * 2 - 1) * bound);
    if (bias)
        n->params[1] = graph_add_param(g, arena_fmt(a, "%s.bias", name), 1, 1, 1, out_channels, false, true);
    return &n->out;
}
