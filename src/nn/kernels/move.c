/* Operators that only move pixels: concatenation, slices, nearest upsampling, space to depth. Inputs lie side by side; outputs may
 * lie inside a concatenation. */
#include "nn/kernels/kernels.h"
#include <string.h>

/* An input that the planner laid into the concatenation is there already. */
static void concat_forward(struct step *s)
{
    struct tensor *y = s->out;
    for (int k = 0, at = 0; k < s->node->n_in; at += s->node->in[k++]->c) {
        const struct tensor *x = s->node->in[k];
        if ((void *)x->data == tensor_at(y, y->data, at))
            continue;
        for (long i = 0; i < tensor_pixels(y); i++)
            memcpy(tensor_at(y, y->data, i * y->pitch + at), tensor_at(x, x->data, i * x->c), tensor_value_bytes(y) * (size_t)x->c);
    }
}

static void concat_backward(struct step *s)
{
    struct tensor *y = s->out;
    for (int k = 0, at = 0; k < s->node->n_in; at += s->node->in[k++]->c) {
        const struct tensor *x = s->node->in[k];
        void *from = tensor_at(y, y->grad, at);
        if (x->grad && x->grad != from)
            tensor_give_rows(x, x->grad, x->c, from, y->pitch, tensor_pixels(y), x->c, step_adds(s, k));
    }
}

static void slice_forward(struct step *s)
{
    struct tensor *x = s->node->in[0], *y = s->out;
    vector_give_rows(y->data, y->pitch, x->data + s->node->attr.first, x->c, tensor_pixels(y), y->c, false);
}

static void slice_backward(struct step *s)
{
    struct tensor *x = s->node->in[0], *y = s->out;
    if (!x->grad)
        return;
    if (!step_adds(s, 0))
        memset(x->grad, 0, sizeof(float) * tensor_count(x));
    vector_give_rows(x->grad + s->node->attr.first, x->c, y->grad, y->pitch, tensor_pixels(y), y->c, step_adds(s, 0));
}

static void upsample_forward(struct step *s)
{
    struct tensor *x = s->node->in[0], *y = s->out;
    int scale = s->node->attr.scale;
    for (long row = 0; row < (long)y->n * y->h; row++) /* x's row is row / scale: y->h is a multiple of scale */
        for (long u = 0; u < y->w; u++)
            memcpy(tensor_at(y, y->data, (row * y->w + u) * y->pitch),
                   tensor_at(x, x->data, (row / scale * x->w + u / scale) * x->c), tensor_value_bytes(x) * (size_t)x->c);
}

static void upsample_backward(struct step *s)
{
    struct tensor *x = s->node->in[0], *y = s->out;
    int scale = s->node->attr.scale;
    for (long row = 0; x->grad && row < (long)y->n * y->h; row++)
        for (long u = 0; u < y->w; u++)
            tensor_give_rows(x, tensor_at(x, x->grad, (row / scale * x->w + u / scale) * x->c), 0,
                             tensor_at(y, y->grad, (row * y->w + u) * y->pitch), 0, 1, x->c,
                             step_adds(s, 0) || row % scale || u % scale);
}

static void fold_forward(struct step *s)
{
    struct tensor *x = s->node->in[0], *y = s->out;
    long c = x->c;
    for (long row = 0; row < (long)y->n * y->h; row++) {
        const float *top = x->data + 2 * row * x->w * c, *bottom = top + x->w * c;
        float *to = y->data + row * y->w * y->pitch;
        for (int u = 0; u < y->w; u++, top += 2 * c, bottom += 2 * c, to += y->pitch)
            for (long k = 0; k < c; k++) {
                to[k] = top[k];
                to[c + k] = bottom[k];
                to[2 * c + k] = top[c + k];
                to[3 * c + k] = bottom[c + k];
            }
    }
}

static void fold_backward(struct step *s)
{
    struct tensor *x = s->node->in[0], *y = s->out;
    long c = x->c;
    for (long row = 0; x->grad && row < (long)y->n * y->h; row++) {
        const float *from = y->grad + row * y->w * y->pitch;
        for (long u = 0; u < y->w; u++, from += y->pitch)
            for (long part = 0; part < 4; part++)
                vector_give_rows(x->grad + ((2 * row + part % 2) * x->w + 2 * u + part / 2) * c, 0, from + part * c, 0, 1, c,
                                 step_adds(s, 0));
    }
}

const struct kernel kernel_concat = {
    .name = "concat",
    .chain = { &op_concat },
    .traits = FOR_TRAINING | FOR_INFERENCE | SAME_TYPE,
    .forward = concat_forward,
    .backward = concat_backward,
};
const struct kernel kernel_slice = {
    .name = "slice",
    .chain = { &op_slice },
    .traits = FOR_TRAINING | FOR_INFERENCE | PITCHED_OUT,
    .forward = slice_forward,
    .backward = slice_backward,
};
const struct kernel kernel_upsample = {
    .name = "upsample",
    .chain = { &op_upsample },
    .traits = FOR_TRAINING | FOR_INFERENCE | SAME_TYPE | PITCHED_OUT,
    .forward = upsample_forward,
    .backward = upsample_backward,
};
const struct kernel kernel_space_to_depth = {
    .name = "space to depth",
    .chain = { &op_space_to_depth },
    .traits = FOR_TRAINING | FOR_INFERENCE | PITCHED_OUT,
    .forward = fold_forward,
    .backward = fold_backward,
};
