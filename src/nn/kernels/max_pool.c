/* Maxima of windows, all channels of a pixel at a time; where each was found is kept for going back. */
#include "nn/kernels/kernels.h"
#include <stdlib.h>
#include <string.h>

struct pool {
    int32_t *found; /* by value of the output: which pixel of its image; NULL when nobody goes back */
};

static bool prepare(struct step *s)
{
    struct pool *p = s->state = heap_take(sizeof *p);
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

static void forward(struct step *s)
{
    struct pool *p = s->state;
    struct tensor *x = s->node->in[0], *y = s->out;
    for (long i = 0; i < tensor_pixels(y); i++) {
        struct area a = window_at(s->node, i);
        const float *image = x->data + i / y->w / y->h * x->h * x->w * x->c;
        float *best = y->data + i * y->c;
        int32_t *found = p->found ? p->found + i * y->c : NULL;
        memcpy(best, image + ((long)a.top * x->w + a.left) * x->c, sizeof(float) * (size_t)x->c);
        for (int c = 0; found && c < x->c; c++)
            found[c] = a.top * x->w + a.left;
        for (int v = a.top; v < a.bottom; v++)
            for (int u = a.left; u < a.right; u++) {
                const float *pixel = image + ((long)v * x->w + u) * x->c;
                if (found)
                    take_larger(best, found, pixel, v * x->w + u, x->c);
                else
                    take_maximum(best, pixel, x->c);
            }
    }
}

static void backward(struct step *s)
{
    struct pool *p = s->state;
    struct tensor *x = s->node->in[0], *y = s->out;
    if (!x->grad)
        return;
    if (!step_adds(s, 0))
        memset(x->grad, 0, sizeof(float) * tensor_count(x));
    for (long i = 0; i < tensor_pixels(y); i++) {
        float *image = x->grad + i / y->w / y->h * x->h * x->w * x->c;
        for (int c = 0; c < y->c; c++)
            image[(long)p->found[i * y->c + c] * x->c + c] += y->grad[i * y->c + c];
    }
}

const struct kernel kernel_max_pool = {
    .name = "max pool",
    .chain = { &op_max_pool },
    .traits = FOR_TRAINING | FOR_INFERENCE,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
    .release = release,
};
