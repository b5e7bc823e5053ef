/* Dropout of values and of samples. In inference the planner lets the output lie where the input does, and there is nothing to do.
 */
#include "nn/kernels/kernels.h"
#include "nn/ops/draw.h"
#include <string.h>

/* n values of a sample: to = from with what is dropped left out; to may be from */
WIDEST static void give(const float *from, float *to, long n, uint64_t key, uint32_t rate, float scale)
{
#pragma GCC ivdep
    for (long i = 0; i < n; i++)
        to[i] = draw_drops(key, (uint32_t)i, rate) ? 0 : from[i] * scale;
}
WIDEST static void add(const float *restrict from, float *restrict to, long n, uint64_t key, uint32_t rate, float scale)
{
    for (long i = 0; i < n; i++)
        to[i] += draw_drops(key, (uint32_t)i, rate) ? 0 : from[i] * scale;
}
WIDEST static void scale_give(const float *from, float *to, long n, float scale)
{
#pragma GCC ivdep
    for (long i = 0; i < n; i++)
        to[i] = from[i] * scale;
}
WIDEST static void scale_add(const float *restrict from, float *restrict to, long n, float scale)
{
    for (long i = 0; i < n; i++)
        to[i] += from[i] * scale;
}

static void pass(const struct step *s, const float *from, float *to, bool adds)
{
    const struct node *node = s->node;
    long n = (long)tensor_count(s->out) / s->out->n;
    for (int i = 0; i < s->out->n; i++, from += n, to += n)
        if (node->kind == &op_drop_path)
            (adds ? scale_add : scale_give)(from, to, n, drop_path_scale(node, i));
        else
            (adds ? add : give)(from, to, n, draw_key(node, i), draw_rate(node->attr.rate), 1 / (1 - node->attr.rate));
}

static void forward(struct step *s)
{
    struct tensor *x = s->node->in[0], *y = s->out;
    if (s->use == GRAPH_TRAIN)
        pass(s, x->data, y->data, false);
    else if (y->data != x->data)
        memcpy(y->data, x->data, sizeof(float) * tensor_count(y));
}

static void backward(struct step *s)
{
    if (s->node->in[0]->grad)
        pass(s, s->out->grad, s->node->in[0]->grad, step_adds(s, 0));
}

#define KERNEL(op, text)                                                                                                           \
    const struct kernel kernel_##op = {                                                                                            \
        .name = text,                                                                                                              \
        .chain = { &op_##op },                                                                                                     \
        .traits = FOR_TRAINING | FOR_INFERENCE | GRAD_IN_PLACE | SAME_IN_INFERENCE,                                                \
        .forward = forward,                                                                                                        \
        .backward = backward,                                                                                                      \
    };
KERNEL(dropout, "dropout")
KERNEL(drop_path, "drop path")
