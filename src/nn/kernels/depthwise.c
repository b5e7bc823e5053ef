/* Depthwise convolutions of 3 × 3 and 5 × 5 in training, stride 1 or 2, row by row. oneDNN's are written for blocked channels; its
 * gradient of 5 × 5 weights is many times slower than this.
 *
 * Going back, a pixel of dx takes dy from the windows that it lies in. With stride 2 every second column (and row) of weights
 * applies to it, so that its even and odd pixels are two sums with fewer taps. */
#include "nn/kernels/kernels.h"
#include "nn/kernels/taps.h"
#include <string.h>

enum { KERNEL_MOST = 5 };

static int padded(int channels)
{
    return (channels + 15) & ~15;
}

static bool prepare(struct step *s)
{
    const struct node *n = s->node;
    const struct attr *a = &n->attr;
    int c = n->in[0]->c;
    if (a->groups != c || n->out.c != c || c < 2 || n->params[1] || a->dilation > 1 || (a->kernel != 3 && a->kernel != 5) ||
        (a->stride != 1 && a->stride != 2))
        return false;
    s->reads_half = s->writes_half = s->bf16 && taps_are_wide(true);
    s->scratch_bytes = sizeof(float) * (size_t)(a->kernel * a->kernel * padded(c));
    return true;
}

static void run_row(const struct taps_row *r)
{
    if (taps_are_wide(r->half_in || r->half_out))
        taps_row_wide(r);
    else
        taps_row(r);
}

/* Weights by place in the window and then by channel. */
static void bring_weights(const struct step *s)
{
    const struct tensor *w = &s->node->params[0]->value;
    int places = w->h * w->w, pitch = padded(w->n);
    for (int p = 0; p < places; p++)
        for (int c = 0; c < pitch; c++)
            s->scratch[p * pitch + c] = c < w->n ? w->data[c * places + p] : 0;
}

static const float *weights_at(const struct step *s, int ky, int kx)
{
    return s->scratch + (ky * s->node->attr.kernel + kx) * padded(s->out->c);
}

static void *row_at(const struct tensor *t, const void *of, int image, int y)
{
    return tensor_at(t, of, ((long)image * t->h + y) * t->w * t->c);
}

static void forward(struct step *s)
{
    const struct attr *a = &s->node->attr;
    const struct tensor *x = s->node->in[0], *y = s->out;
    struct taps_row r = { .taps = a->kernel, .stride = a->stride, .first = -a->left, .in_width = x->w, .out_width = y->w };
    r.channels = x->c;
    r.out_step = 1;
    r.half_in = x->half;
    r.half_out = y->half;
    bring_weights(s);
    for (int row = 0; row < y->n * y->h; row++) {
        int image = row / y->h, top = row % y->h * a->stride - a->top;
        r.n_lines = 0;
        for (int ky = 0; ky < a->kernel; ky++) {
            if (top + ky < 0 || top + ky >= x->h)
                continue;
            r.lines[r.n_lines].in = row_at(x, x->data, image, top + ky);
            for (int kx = 0; kx < a->kernel; kx++)
                r.lines[r.n_lines].w[kx] = weights_at(s, ky, kx);
            r.n_lines++;
        }
        r.out = row_at(y, y->data, image, row % y->h);
        run_row(&r);
    }
}

/* Of a row or column `at` of dx: windows count `from` and before, at the places `begin`, `begin` + stride … of their own. */
struct phase {
    int begin, from, taps;
};
static struct phase phase_of(int at, int before, const struct attr *a)
{
    int begin = (at + before) % a->stride;
    return (struct phase){ begin, (at + before - begin) / a->stride, (a->kernel - begin + a->stride - 1) / a->stride };
}

/* Columns px, px + stride … of row iy of dx. */
static void data_row(struct step *s, int image, int iy, int px, bool adds)
{
    const struct attr *a = &s->node->attr;
    const struct tensor *x = s->node->in[0], *y = s->out;
    struct phase v = phase_of(iy, a->top, a), h = phase_of(px, a->left, a);
    struct taps_row r = { .taps = h.taps, .stride = 1, .first = h.from - (h.taps - 1), .in_width = y->w, .channels = x->c };
    r.out_width = (x->w - px + a->stride - 1) / a->stride;
    r.out = tensor_at(x, row_at(x, x->grad, image, iy), (long)px * x->c);
    r.out_step = a->stride;
    r.half_in = y->half;
    r.half_out = x->half;
    r.adds = adds;
    for (int j = 0; j < v.taps; j++) {
        int oy = v.from - j;
        if (oy < 0 || oy >= y->h)
            continue;
        r.lines[r.n_lines].in = row_at(y, y->grad, image, oy);
        for (int t = 0; t < h.taps; t++)
            r.lines[r.n_lines].w[t] = weights_at(s, v.begin + j * a->stride, h.begin + (h.taps - 1 - t) * a->stride);
        r.n_lines++;
    }
    run_row(&r);
}

static void backward_data(struct step *s)
{
    const struct tensor *x = s->node->in[0];
    bring_weights(s);
    for (int row = 0; row < x->n * x->h; row++)
        for (int px = 0; px < s->node->attr.stride && px < x->w; px++)
            data_row(s, row / x->h, row % x->h, px, step_adds(s, 0));
}

static void give_weights(const struct step *s)
{
    struct tensor *w = &s->node->params[0]->value;
    int places = w->h * w->w, pitch = padded(w->n);
    for (int c = 0; c < w->n; c++)
        for (int p = 0; p < places; p++)
            w->grad[c * places + p] += s->scratch[p * pitch + c];
}

static void backward_weight(struct step *s)
{
    const struct attr *a = &s->node->attr;
    const struct tensor *x = s->node->in[0], *y = s->out;
    struct taps_sums t = { .taps = a->kernel, .stride = a->stride, .first = -a->left, .in_width = x->w, .out_width = y->w };
    t.channels = x->c;
    t.half_in = x->half;
    t.half_grad = y->half;
    memset(s->scratch, 0, s->scratch_bytes);
    for (int row = 0; row < y->n * y->h; row++) {
        int image = row / y->h, top = row % y->h * a->stride - a->top;
        t.grad = row_at(y, y->grad, image, row % y->h);
        for (int ky = 0; ky < a->kernel; ky++) {
            if (top + ky < 0 || top + ky >= x->h)
                continue;
            t.in = row_at(x, x->data, image, top + ky);
            for (int kx = 0; kx < a->kernel; kx++)
                t.sum[kx] = (float *)(uintptr_t)weights_at(s, ky, kx);
            if (taps_are_wide(t.half_in || t.half_grad))
                taps_sums_wide(&t);
            else
                taps_sums(&t);
        }
    }
    give_weights(s);
}

static void backward(struct step *s)
{
    if (s->node->params[0]->value.grad)
        backward_weight(s);
    if (s->node->in[0]->grad)
        backward_data(s);
}

const struct kernel kernel_depthwise = {
    .name = "depthwise",
    .chain = { &op_conv2d },
    .traits = FOR_TRAINING,
    .keeps = KEEPS_IN,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
};
