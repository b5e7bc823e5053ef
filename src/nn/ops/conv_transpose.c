/* Transposed convolution (Zeiler et al. 2010; Dumoulin & Visin 2016, arXiv 1603.07285, section 4): each pixel of the input adds the
 * kernel times its value to the output, `stride` pixels from that of its neighbour; the padding is cut off. */
#include "nn/ops/ops.h"
#include <assert.h>

/* Calls with(…) for each pixel of x and each weight that lands inside y. */
static void each_pair(struct node *n, void (*with)(struct node *, const float *x, float *dx, long y, long weight))
{
    struct tensor *x = n->in[0], *y = &n->out, *w = &n->params[0]->value;
    int k = n->attr.kernel;
    for (long i = 0; i < tensor_pixels(x); i++) {
        int top = (int)(i / x->w % x->h) * n->attr.stride - n->attr.top, left = (int)(i % x->w) * n->attr.stride - n->attr.left;
        for (int ky = 0; ky < k; ky++)
            for (int kx = 0; kx < k; kx++) {
                if (top + ky < 0 || top + ky >= y->h || left + kx < 0 || left + kx >= y->w)
                    continue;
                long to = pixel_at(y, y->data, i / x->w / x->h, top + ky, left + kx) - y->data;
                for (int o = 0; o < y->c; o++)
                    with(n, x->data + i * x->pitch, x->grad ? x->grad + i * x->pitch : NULL, to + o,
                         ((long)(o * k + ky) * k + kx) * w->c);
            }
    }
}

static void add_product(struct node *n, const float *x, float *dx, long y, long weight)
{
    (void)dx;
    const struct tensor *w = &n->params[0]->value;
    double sum = 0;
    for (int c = 0; c < w->c; c++)
        sum += (double)x[c] * w->data[weight + c];
    n->out.data[y] += (float)sum;
}

static void add_gradients(struct node *n, const float *x, float *dx, long y, long weight)
{
    struct tensor *w = &n->params[0]->value;
    float dy = n->out.grad[y];
    for (int c = 0; c < w->c; c++) {
        if (w->grad)
            w->grad[weight + c] += dy * x[c];
        if (dx)
            dx[c] += dy * w->data[weight + c];
    }
}

static void forward(struct node *n, bool training)
{
    (void)training;
    struct tensor *y = &n->out;
    const float *bias = n->params[1] ? n->params[1]->value.data : NULL;
    for (long i = 0; i < tensor_pixels(y); i++)
        for (int c = 0; c < y->c; c++)
            y->data[i * y->pitch + c] = bias ? bias[c] : 0;
    each_pair(n, add_product);
}

static void backward(struct node *n)
{
    struct tensor *y = &n->out;
    float *dbias = n->params[1] ? n->params[1]->value.grad : NULL;
    for (long i = 0; i < tensor_pixels(y) && dbias; i++)
        for (int c = 0; c < y->c; c++)
            dbias[c] += y->grad[i * y->pitch + c];
    each_pair(n, add_gradients);
}

const struct op_kind op_conv_transpose = { "conv_transpose", KEEPS_IN, forward, backward };

static int cut(int kernel, int stride, const struct padding *p, int given) /* before */
{
    return p->kind == PAD_GIVEN ? given : p->kind == PAD_SAME ? (kernel - stride) / 2 : (kernel - 1) / 2;
}

struct tensor *nn_conv_transpose(struct graph *g, struct tensor *x, const char *name, struct conv_options o)
{
    const struct padding *p = &o.padding;
    int stride = o.stride ? o.stride : 1, top = cut(o.kernel, stride, p, p->top), left = cut(o.kernel, stride, p, p->left);
    int bottom = p->kind == PAD_GIVEN ? p->bottom : p->kind == PAD_SAME ? o.kernel - stride - top : top;
    int right = p->kind == PAD_GIVEN ? p->right : p->kind == PAD_SAME ? o.kernel - stride - left : left;
    assert(o.kernel >= stride && o.groups <= 1 && o.dilation <= 1);
    struct node *n = graph_add_node(g, &op_conv_transpose, &x, 1);
    n->attr = (struct attr){ .kernel = o.kernel, .stride = stride, .dilation = 1, .groups = 1, .top = top, .left = left };
    n->params[0] = graph_add_param(g, name, "weight", o.channels, o.kernel, o.kernel, x->c);
    n->params[0]->decay = true;
    param_init_uniform(n->params[0], g->seed, o.kernel * o.kernel * x->c);
    if (o.bias)
        n->params[1] = graph_add_param(g, name, "bias", 1, 1, 1, o.channels);
    return node_shape(g, n, x->n, (x->h - 1) * stride + o.kernel - top - bottom, (x->w - 1) * stride + o.kernel - left - right,
                      o.channels);
}
