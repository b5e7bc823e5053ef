/* Nearest-neighbour upsampling by a whole factor, and space to depth by two (the Focus of YOLOX: pixels (0,0), (1,0), (0,1), (1,1)
 * of each 2 x 2 block side by side in the channels, rows first). */
#include "nn/ops.h"
#include <string.h>

static const float *pixel(const struct tensor *t, const float *base, int b, int y, int x)
{
    return base + ((size_t)(b * t->h + y) * (size_t)t->w + (size_t)x) * (size_t)t->c;
}

static void upsample_forward(struct node *n)
{
    const struct tensor *x = n->in[0], *y = &n->out;
    int s = n->attr.scale;
    for (int b = 0; b < y->n; b++)
        for (int oy = 0; oy < y->h; oy++)
            for (int ox = 0; ox < y->w; ox++)
                memcpy((float *)(uintptr_t)pixel(y, y->data, b, oy, ox), pixel(x, x->data, b, oy / s, ox / s),
                       (size_t)y->c * sizeof(float));
}

static void upsample_backward(struct node *n)
{
    const struct tensor *x = n->in[0], *y = &n->out;
    int s = n->attr.scale;
    float *dx = node_grad(n, 0);
    if (!dx)
        return;
    memset(dx, 0, tensor_count(x) * sizeof *dx);
    for (int b = 0; b < y->n; b++)
        for (int oy = 0; oy < y->h; oy++)
            for (int ox = 0; ox < y->w; ox++) {
                const float *from = pixel(y, y->grad, b, oy, ox);
                float *to = (float *)(uintptr_t)pixel(x, dx, b, oy / s, ox / s);
                for (int j = 0; j < y->c; j++)
                    to[j] += from[j];
            }
    node_grad_done(n, 0, dx);
}

static void focus_forward(struct node *n)
{
    const struct tensor *x = n->in[0], *y = &n->out;
    for (int b = 0; b < y->n; b++)
        for (int oy = 0; oy < y->h; oy++)
            for (int ox = 0; ox < y->w; ox++)
                for (int part = 0; part < 4; part++)
                    memcpy((float *)(uintptr_t)pixel(y, y->data, b, oy, ox) + part * x->c,
                           pixel(x, x->data, b, 2 * oy + part % 2, 2 * ox + part / 2), (size_t)x->c * sizeof(float));
}

static void focus_backward(struct node *n)
{
    const struct tensor *x = n->in[0], *y = &n->out;
    float *dx = node_grad(n, 0);
    if (!dx)
        return;
    for (int b = 0; b < y->n; b++)
        for (int oy = 0; oy < y->h; oy++)
            for (int ox = 0; ox < y->w; ox++)
                for (int part = 0; part < 4; part++)
                    memcpy((float *)(uintptr_t)pixel(x, dx, b, 2 * oy + part % 2, 2 * ox + part / 2),
                           pixel(y, y->grad, b, oy, ox) + part * x->c, (size_t)x->c * sizeof(float));
    node_grad_done(n, 0, dx);
}

const struct op_kind op_upsample = { "upsample", upsample_forward, upsample_backward, NULL };
const struct op_kind op_space_to_depth = { "space_to_depth", focus_forward, focus_backward, NULL };

struct tensor *nn_upsample(struct graph *g, struct tensor *x, int scale)
{
    struct node *n = graph_add_node(g, &op_upsample, x->n, x->h * scale, x->w * scale, x->c);
    n->attr.scale = scale;
    n->in[0] = x;
    n->n_in = 1;
    return &n->out;
}

struct tensor *nn_space_to_depth(struct graph *g, struct tensor *x)
{
    struct node *n = graph_add_node(g, &op_space_to_depth, x->n, x->h / 2, x->w / 2, x->c * 4);
    n->in[0] = x;
    n->n_in = 1;
    return &n->out;
}
