/* Cross-correlation with zeros around, in groups, with holes (dilation: that many pixels from a weight to the next, Yu & Koltun
 * 2016), with an optional bias. */
#include "nn/ops/ops.h"
#include <assert.h>

struct window { /* of kernel offsets that lie inside the input */
    int from, to;
};
static struct window inside(int at, const struct attr *a, int size)
{
    int d = a->dilation, past = size - at > 0 ? (size - at + d - 1) / d : 0;
    return (struct window){ at < 0 ? (d - 1 - at) / d : 0, past < a->kernel ? past : a->kernel };
}

static void forward(struct node *n, bool training)
{
    (void)training;
    struct tensor *x = n->in[0], *y = &n->out, *w = &n->params[0]->value;
    const float *bias = n->params[1] ? n->params[1]->value.data : NULL;
    int k = n->attr.kernel, outs = y->c / n->attr.groups, d = n->attr.dilation;
    for (long i = 0; i < tensor_pixels(y); i++) {
        int oy = (int)(i / y->w % y->h), ox = (int)(i % y->w), ty = oy * n->attr.stride - n->attr.top,
            tx = ox * n->attr.stride - n->attr.left;
        struct window h = inside(ty, &n->attr, x->h), v = inside(tx, &n->attr, x->w);
        for (int o = 0; o < y->c; o++) {
            double sum = bias ? bias[o] : 0;
            for (int ky = h.from; ky < h.to; ky++)
                for (int kx = v.from; kx < v.to; kx++) {
                    const float *from = pixel_at(x, x->data, i / y->w / y->h, ty + ky * d, tx + kx * d) + o / outs * w->c;
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
    int k = n->attr.kernel, outs = y->c / n->attr.groups, d = n->attr.dilation;
    for (long i = 0; i < tensor_pixels(y); i++) {
        int oy = (int)(i / y->w % y->h), ox = (int)(i % y->w), ty = oy * n->attr.stride - n->attr.top,
            tx = ox * n->attr.stride - n->attr.left;
        struct window h = inside(ty, &n->attr, x->h), v = inside(tx, &n->attr, x->w);
        for (int o = 0; o < y->c; o++) {
            float dy = y->grad[i * y->pitch + o];
            if (dbias)
                dbias[o] += dy;
            for (int ky = h.from; ky < h.to; ky++)
                for (int kx = v.from; kx < v.to; kx++) {
                    long at = pixel_at(x, x->data, i / y->w / y->h, ty + ky * d, tx + kx * d) + o / outs * w->c - x->data;
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

struct tensor *nn_conv2d_with(struct graph *g, struct tensor *x, const char *name, struct conv_options o)
{
    int groups = o.groups ? o.groups : 1;
    assert(groups > 0 && x->c % groups == 0 && o.channels % groups == 0 && o.kernel > 0);
    struct node *n = graph_add_node(g, &op_conv2d, &x, 1);
    int h, w;
    n->attr = window_attr(x, o.kernel, o.stride, o.dilation, o.padding, &h, &w);
    n->attr.groups = groups;
    n->params[0] = graph_add_param(g, name, "weight", o.channels, o.kernel, o.kernel, x->c / groups);
    n->params[0]->decay = true;
    param_init_uniform(n->params[0], g->seed, o.kernel * o.kernel * x->c / groups);
    if (o.bias)
        n->params[1] = graph_add_param(g, name, "bias", 1, 1, 1, o.channels);
    return node_shape(g, n, x->n, h, w, o.channels);
}

struct tensor *nn_conv2d(struct graph *g, struct tensor *x, const char *name, int out_channels, int kernel, int stride, int groups,
                         bool bias)
{
    return nn_conv2d_with(g, x, name, (struct conv_options){ out_channels, kernel, stride, .groups = groups, .bias = bias });
}

struct tensor *nn_conv2d_again(struct graph *g, struct tensor *x, const struct tensor *like)
{
    const struct node *first = like->from;
    const struct tensor *before = first->in[0];
    assert(first->kind == &op_conv2d && first->attr.stride == 1 && x->c == before->c);
    struct node *n = graph_add_node(g, &op_conv2d, &x, 1);
    n->attr = first->attr;
    n->params[0] = first->params[0];
    n->params[1] = first->params[1];
    return node_shape(g, n, x->n, x->h + like->h - before->h, x->w + like->w - before->w, like->c);
}
