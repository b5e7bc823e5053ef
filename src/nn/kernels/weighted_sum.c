/* Weighted sums, a block that fits the nearest cache at a time. */
#include "nn/kernels/kernels.h"

enum { BLOCK = 2048, LANES = 16 };

WIDEST static void give(float *restrict to, const float *restrict from, float by, long n)
{
    for (long i = 0; i < n; i++)
        to[i] = from[i] * by;
}
WIDEST static void add(float *restrict to, const float *restrict from, float by, long n)
{
    for (long i = 0; i < n; i++)
        to[i] += from[i] * by;
}
WIDEST static double dot(const float *restrict a, const float *restrict b, long n)
{
    float part[LANES] = { 0 };
    double sum = 0;
    long i = 0;
    for (; i + LANES <= n; i += LANES)
        for (long k = 0; k < LANES; k++)
            part[k] += a[i + k] * b[i + k];
    for (; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    for (long k = 0; k < LANES; k++)
        sum += (double)part[k];
    return sum;
}

static long block(const struct tensor *y, long at)
{
    long left = (long)tensor_count(y) - at;
    return left < BLOCK ? left : BLOCK;
}

static void forward(struct step *s)
{
    struct tensor *y = s->out;
    float weight[SUMMANDS_MOST];
    node_sum_weights(s->node, weight);
    for (long at = 0; at < (long)tensor_count(y); at += BLOCK)
        for (int k = 0; k < s->node->n_in; k++)
            (k ? add : give)(y->data + at, s->node->in[k]->data + at, weight[k], block(y, at));
}

static void backward(struct step *s)
{
    struct tensor *y = s->out;
    float weight[SUMMANDS_MOST];
    double dots[SUMMANDS_MOST] = { 0 };
    node_sum_weights(s->node, weight);
    for (long at = 0; at < (long)tensor_count(y); at += BLOCK)
        for (int k = 0; k < s->node->n_in; k++) {
            struct tensor *x = s->node->in[k];
            dots[k] += dot(y->grad + at, x->data + at, block(y, at));
            if (x->grad)
                (step_adds(s, k) ? add : give)(x->grad + at, y->grad + at, weight[k], block(y, at));
        }
    weighted_sum_give(s->node, weight, dots);
}

const struct kernel kernel_weighted_sum = {
    .name = "weighted sum",
    .chain = { &op_weighted_sum },
    .traits = FOR_TRAINING | FOR_INFERENCE,
    .keeps = KEEPS_IN,
    .forward = forward,
    .backward = backward,
};
