/* Resizing and means of windows: each output pixel is a sum of a few input pixels, all channels at a time. */
#include "nn/kernels/kernels.h"
#include <stdlib.h>
#include <string.h>

/* to += from * by, over n floats */
WIDEST static void add(float *restrict to, const float *restrict from, float by, long n)
{
    for (long j = 0; j < n; j++)
        to[j] += from[j] * by;
}

WIDEST static void blend(float *restrict to, const float *const from[4], const float share[4], long n)
{
    const float *restrict a = from[0], *restrict b = from[1], *restrict c = from[2], *restrict d = from[3];
    for (long j = 0; j < n; j++)
        to[j] = (share[0] * a[j] + share[1] * b[j]) + (share[2] * c[j] + share[3] * d[j]);
}

static bool resize_prepare(struct step *s)
{
    const struct tensor *x = s->node->in[0], *y = s->out;
    struct tap *taps = s->state = heap_take(sizeof *taps * (size_t)(y->h + y->w)); /* of the rows, then of the columns */
    for (int i = 0; i < y->h; i++)
        taps[i] = resize_tap(i, x->h, y->h, s->node->attr.bilinear);
    for (int i = 0; i < y->w; i++)
        taps[y->h + i] = resize_tap(i, x->w, y->w, s->node->attr.bilinear);
    return true;
}

static void resize_release(struct step *s)
{
    free(s->state);
}

/* Where in `values` (of x, or their gradients) the four pixels lie that pixel (row, u) of y is made of; row counts through all
 * images. */
static void find(const struct step *s, float *values, long row, int u, float *ret_at[4], float ret_share[4])
{
    const struct tensor *x = s->node->in[0], *y = s->out;
    const struct tap *taps = s->state, v = taps[row % y->h], h = taps[y->h + u];
    float *top = values + (row / y->h * x->h + v.low) * x->w * x->c, *bottom = top + (long)(v.high - v.low) * x->w * x->c;
    ret_at[0] = top + (long)h.low * x->c;
    ret_at[1] = top + (long)h.high * x->c;
    ret_at[2] = bottom + (long)h.low * x->c;
    ret_at[3] = bottom + (long)h.high * x->c;
    ret_share[0] = (1 - v.part) * (1 - h.part);
    ret_share[1] = (1 - v.part) * h.part;
    ret_share[2] = v.part * (1 - h.part);
    ret_share[3] = v.part * h.part;
}

static void resize_forward(struct step *s)
{
    struct tensor *x = s->node->in[0], *y = s->out;
    float *at[4], share[4], *to = y->data;
    for (long row = 0; row < (long)y->n * y->h; row++)
        for (int u = 0; u < y->w; u++, to += y->pitch) {
            find(s, x->data, row, u, at, share);
            if (s->node->attr.bilinear)
                blend(to, (const float *[]){ at[0], at[1], at[2], at[3] }, share, y->c);
            else
                memcpy(to, at[0], sizeof(float) * (size_t)y->c);
        }
}

static void clear_gradient(struct step *s)
{
    struct tensor *x = s->node->in[0];
    if (!step_adds(s, 0))
        memset(x->grad, 0, sizeof(float) * tensor_count(x));
}

static void resize_backward(struct step *s)
{
    struct tensor *x = s->node->in[0], *y = s->out;
    float *at[4], share[4];
    const float *from = y->grad;
    if (!x->grad)
        return;
    clear_gradient(s);
    for (long row = 0; row < (long)y->n * y->h; row++)
        for (int u = 0; u < y->w; u++, from += y->pitch) {
            find(s, x->grad, row, u, at, share);
            for (int k = 0; k < (s->node->attr.bilinear ? 4 : 1); k++)
                add(at[k], from, share[k], y->c);
        }
}

static void pool_forward(struct step *s)
{
    struct tensor *x = s->node->in[0], *y = s->out;
    for (long i = 0; i < tensor_pixels(y); i++) {
        struct area a = window_at(s->node, i);
        float *to = y->data + i * y->pitch, share = 1 / (float)area_pixels(a);
        memset(to, 0, sizeof(float) * (size_t)y->c);
        for (int v = a.top; v < a.bottom; v++)
            for (int u = a.left; u < a.right; u++)
                add(to, pixel_at(x, x->data, i / y->w / y->h, v, u), share, y->c);
    }
}

static void pool_backward(struct step *s)
{
    struct tensor *x = s->node->in[0], *y = s->out;
    if (!x->grad)
        return;
    clear_gradient(s);
    for (long i = 0; i < tensor_pixels(y); i++) {
        struct area a = window_at(s->node, i);
        for (int v = a.top; v < a.bottom; v++)
            for (int u = a.left; u < a.right; u++)
                add(pixel_at(x, x->grad, i / y->w / y->h, v, u), y->grad + i * y->pitch, 1 / (float)area_pixels(a), y->c);
    }
}

const struct kernel kernel_resize = {
    .name = "resize",
    .chain = { &op_resize },
    .traits = FOR_TRAINING | FOR_INFERENCE | PITCHED_OUT,
    .prepare = resize_prepare,
    .forward = resize_forward,
    .backward = resize_backward,
    .release = resize_release,
};
const struct kernel kernel_avg_pool = {
    .name = "average pool",
    .chain = { &op_avg_pool },
    .traits = FOR_TRAINING | FOR_INFERENCE | PITCHED_OUT,
    .forward = pool_forward,
    .backward = pool_backward,
};
