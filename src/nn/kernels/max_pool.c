/* Maxima of windows, all channels of a pixel at a time; where each was found is kept for going back. */
#include "nn/bf16.h"
#include "nn/kernels/kernels.h"
#include <stdlib.h>
#include <string.h>

struct pool {
    int32_t *found; /* by value of the output: which pixel of its image; NULL when nobody goes back */
    float row[];    /* two pixels as f32 */
};

static bool prepare(struct step *s)
{
    struct pool *p = s->state = heap_take(sizeof *p + 2 * sizeof(float) * (size_t)s->out->c);
    if (s->use == GRAPH_TRAIN)
        p->found = heap_take(sizeof *p->found * tensor_count(s->out));
    return true;
}

static void release(struct step *s)
{
    struct pool *p = s->state;
    free(p->found);
    free(p);
}

WIDEST static void take_larger(float *restrict best, int32_t *restrict found, const float *restrict x, int32_t pixel, long c)
{
    for (long j = 0; j < c; j++) {
        bool larger = x[j] > best[j];
        best[j] = larger ? x[j] : best[j];
        found[j] = larger ? pixel : found[j];
    }
}

WIDEST static void take_maximum(float *restrict best, const float *restrict x, long c)
{
    for (long j = 0; j < c; j++)
        best[j] = x[j] > best[j] ? x[j] : best[j];
}

/* bf16 is compared as f32, in rows of its own. */
static const float *as_floats(const struct tensor *t, const void *values, float *row)
{
    if (!t->half)
        return values;
    vector_from_bf16(row, values, (size_t)t->c);
    return row;
}

static void forward(struct step *s)
{
    struct pool *p = s->state;
    struct tensor *x = s->node->in[0], *y = s->out;
    for (long i = 0; i < tensor_pixels(y); i++) {
        struct area a = window_at(s->node, i);
        long image = i / y->w / y->h * x->h * x->w, first = (long)a.top * x->w + a.left;
        float *best = y->half ? p->row : y->data + i * y->c, *other = p->row + y->c;
        int32_t *found = p->found ? p->found + i * y->c : NULL;
        memcpy(best, as_floats(x, tensor_at(x, x->data, (image + first) * x->c), other), sizeof(float) * (size_t)x->c);
        for (int c = 0; found && c < x->c; c++)
            found[c] = (int32_t)first;
        for (int v = a.top; v < a.bottom; v++)
            for (int u = a.left; u < a.right; u++) {
                long at = (long)v * x->w + u;
                const float *pixel = as_floats(x, tensor_at(x, x->data, (image + at) * x->c), other);
                if (found)
                    take_larger(best, found, pixel, (int32_t)at, x->c);
                else
                    take_maximum(best, pixel, x->c);
            }
        if (y->half)
            vector_to_bf16(tensor_at(y, y->data, i * y->c), best, (size_t)y->c);
    }
}

static void backward(struct step *s)
{
    struct pool *p = s->state;
    struct tensor *x = s->node->in[0], *y = s->out;
    if (!x->grad)
        return;
    if (!step_adds(s, 0))
        memset(x->grad, 0, tensor_value_bytes(x) * tensor_count(x));
    for (long i = 0; i < tensor_pixels(y); i++) {
        long image = i / y->w / y->h * x->h * x->w;
        for (int c = 0; c < y->c; c++) {
            long to = (image + p->found[i * y->c + c]) * x->c + c, from = i * y->c + c;
            if (x->half) {
                uint16_t *dx = (uint16_t *)(void *)x->grad + to;
                *dx = bf16_of(bf16_to_float(*dx) + bf16_to_float(((uint16_t *)(void *)y->grad)[from]));
            } else {
                x->grad[to] += y->grad[from];
            }
        }
    }
}

const struct kernel kernel_max_pool = {
    .name = "max pool",
    .chain = { &op_max_pool },
    .traits = FOR_TRAINING | FOR_INFERENCE | SAME_TYPE,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
    .release = release,
};
