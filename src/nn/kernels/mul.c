/* Products, and the global mean that the factors of squeeze and excitation come from. */
#include "nn/kernels/columns.h"
#include "nn/kernels/kernels.h"
#include <string.h>

/* y = a * b, or y += a * b, over rows of n floats */
WIDEST static void multiply(const float *restrict a, long a_pitch, const float *restrict b, float *restrict y, long y_pitch,
                            long rows, long n)
{
    for (long r = 0; r < rows; r++, a += a_pitch, b += n, y += y_pitch)
        for (long j = 0; j < n; j++)
            y[j] = a[j] * b[j];
}
WIDEST static void multiply_add(const float *restrict a, long a_pitch, const float *restrict b, float *restrict y, long y_pitch,
                                long rows, long n)
{
    for (long r = 0; r < rows; r++, a += a_pitch, b += n, y += y_pitch)
        for (long j = 0; j < n; j++)
            y[j] += a[j] * b[j];
}

static bool is_broadcast(const struct step *s)
{
    return s->node->in[1]->h != s->out->h || s->node->in[1]->w != s->out->w;
}
static size_t sums_bytes(long channels) /* of columns_sum(): doubles, then floats */
{
    return (size_t)channels * (sizeof(double) + sizeof(float));
}

static bool prepare(struct step *s)
{
    s->scratch_bytes = sums_bytes(s->out->c);
    return true;
}

static void forward(struct step *s)
{
    struct tensor *a = s->node->in[0], *b = s->node->in[1], *y = s->out;
    long each = (long)y->h * y->w;
    if (!is_broadcast(s))
        multiply(a->data, a->c, b->data, y->data, y->pitch, tensor_pixels(y), y->c);
    for (long i = 0; i < y->n && is_broadcast(s); i++)
        columns_scale(a->data + i * each * a->c, a->c, b->data + i * b->c, y->data + i * each * y->pitch, y->pitch, each, y->c,
                      false);
}

static void give_to_factor(struct step *s, long i) /* of image i */
{
    struct tensor *a = s->node->in[0], *b = s->node->in[1], *y = s->out;
    long each = (long)y->h * y->w;
    double *sum = (double *)(void *)s->scratch;
    float *to = b->grad + i * b->c;
    memset(sum, 0, sizeof *sum * (size_t)y->c);
    columns_sum(y->grad + i * each * y->pitch, y->pitch, a->data + i * each * a->c, a->c, each, y->c, (float *)(sum + y->c), sum);
    for (int c = 0; c < y->c; c++)
        to[c] = (float)sum[c] + (step_adds(s, 1) ? to[c] : 0);
}

static void backward(struct step *s)
{
    struct tensor *a = s->node->in[0], *b = s->node->in[1], *y = s->out;
    long each = (long)y->h * y->w;
    for (int k = 0; k < 2 && !is_broadcast(s); k++) {
        struct tensor *x = s->node->in[k], *other = s->node->in[!k];
        if (x->grad)
            (step_adds(s, k) ? multiply_add : multiply)(y->grad, y->pitch, other->data, x->grad, x->c, tensor_pixels(y), y->c);
    }
    for (long i = 0; i < y->n && is_broadcast(s); i++) {
        if (a->grad)
            columns_scale(y->grad + i * each * y->pitch, y->pitch, b->data + i * b->c, a->grad + i * each * a->c, a->c, each, y->c,
                          step_adds(s, 0));
        if (b->grad)
            give_to_factor(s, i);
    }
}

static void pool_forward(struct step *s)
{
    struct tensor *x = s->node->in[0], *y = s->out;
    long each = (long)x->h * x->w;
    double *sum = (double *)(void *)s->scratch;
    for (long i = 0; i < y->n; i++) {
        memset(sum, 0, sizeof *sum * (size_t)y->c);
        columns_sum(x->data + i * each * x->c, x->c, NULL, 0, each, x->c, (float *)(sum + y->c), sum);
        for (int c = 0; c < y->c; c++)
            y->data[i * y->pitch + c] = (float)(sum[c] / (double)each);
    }
}

static void pool_backward(struct step *s)
{
    struct tensor *x = s->node->in[0], *y = s->out;
    long each = (long)x->h * x->w;
    float *share = s->scratch;
    for (long i = 0; i < y->n && x->grad; i++) {
        for (int c = 0; c < y->c; c++)
            share[c] = y->grad[i * y->pitch + c] / (float)each;
        vector_give_rows(x->grad + i * each * x->c, x->c, share, 0, each, x->c, step_adds(s, 0));
    }
}

const struct kernel kernel_mul = {
    .name = "mul",
    .chain = { &op_mul },
    .traits = FOR_TRAINING | FOR_INFERENCE | PITCHED_OUT,
    .keeps = KEEPS_IN,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
};
const struct kernel kernel_global_pool = {
    .name = "global pool",
    .chain = { &op_global_pool },
    .traits = FOR_TRAINING | FOR_INFERENCE | PITCHED_OUT,
    .prepare = prepare,
    .forward = pool_forward,
    .backward = pool_backward,
};
