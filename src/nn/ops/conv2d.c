/* Cross-correlation with zeros around, in groups, with an optional bias; padded so that stride 1 keeps the size (odd kernels). */
#include "nn/ops/ops.h"
#include <assert.h>

struct window { /* of kernel offsets that lie inside the input */
    int from, to;
};
static struct window inside(int at, int kernel, int size)
{
    return (struct window){ at < 0 ? -at : 0, at + kernel > size ? size - at : kernel };
}

static void forward(struct node *n, bool training)
{
    (void)training;
    struct tensor *x = n->in[0], *y = &n->out, *w = &n->params[0]->value;
    const float *bias = n->params[1] ? n->params[1]->value.data : NULL;
    int k = n->attr.kernel, outs = y->c / n->attr.groups;
    for (long i = 0; i < tensor_pixels(y); i++) {
        int oy = (int)(i / y->w % y->h), ox = (int)(i % y->w), ty = oy * n->attr.stride - n->attr.pad,
            tx = ox * n->attr.stride - n->attr.pad;
        struct window h = inside(ty, k, x->h), v = inside(tx, k, x->w);
        for (int o = 0; o < y->c; o++) {
            double sum = bias ? bias[o] : 0;
            for (int ky = h.from; ky < h.to; ky++)
                for (int kx = v.from; kx < v.to; kx++) {
                    const float *from = pixel_at(x, x->data, i / y->w / y->h, ty + ky, tx + kx) + o / outs * w->c;
                    const float *weight = w->data + ((long)(o * k + ky) * k + kx) * w->c;
                    for (int c = 0; c < w->c; c++)
                        sum += (double)from[c] * weight[c];
                }
            y->data[i * y->pitch + o] = (float)sum;
        }
    }
}

static void backward(struct node *n)
{
    struct tensor *x = n->in[0], *y = &n->out, *w = &n->params[0]->value;
    float *dbias = n->params[1] ? n->params[1]->value.grad : NULL;
    int k = n->attr.kernel, outs = y->c / n->attr.groups;
    for (long i = 0; i < tensor_pixels(y); i++) {
        int oy = (int)(i / y->w % y->h), ox = (int)(i % y->w), ty = oy * n->attr.stride - n->attr.pad,
            tx = ox * n->attr.stride - n->attr.pad;
        struct window h = inside(ty, k, x->h), v = inside(tx, k, x->w);
        for (int o = 0; o < y->c; o++) {
            float dy = y->grad[i * y->pitch + o];
            if (dbias)
                dbias[o] += dy;
            for (int ky = h.from; ky < h.to; ky++)
                for (int kx = v.from; kx < v.to; kx++) {
                    long at = pixel_at(x, x->data, i / y->w / y->h, ty + ky, tx + kx) + o / outs * w->c - x->data;
                    long weight = ((long)(o * k + ky) * k + kx) * w->c;
                    for (int c = 0; c < w->c; c++) {
                        if (w->grad)
                            w->grad[weight + c] += dy * x->data[at + c];
                        if (x->grad)
                            x->grad[at + c] += dy * w->data[weight + c];
                    }
                }
        }
    }
}

const struct op_kind op_conv2d = { "conv2d", KEEPS_IN, forward, backward };

struct tensor *nn_conv2d(struct graph *g, struct tensor *x, const char *name, int out_channels, int kernel, int stride, int groups,
                         bool bias)
{
    assert(groups > 0 && x->c % groups == 0 && out_channels % groups == 0 && kernel > 0 && stride > 0);
    struct node *n = graph_add_node(g, &op_conv2d, &x, 1);
    n->attr = (struct attr){ .kernel = kernel, .stride = stride, .pad = (kernel - 1) / 2, .groups = groups };
    n->params[0] = graph_add_param(g, name, "weight", out_channels, kernel, kernel, x->c / groups);
    n->params[0]->decay = true;
    param_init_uniform(n->params[0], g->seed, kernel * kernel * x->c / groups);
    if (bias)
        n->params[1] = graph_add_param(g, name, "bias", 1, 1, 1, out_channels);
    int pad = 2 * n->attr.pad - kernel;
    return node_shape(g, n, x->n, (x->h + pad) / stride + 1, (x->w + pad) / stride + 1, out_channels);
}
