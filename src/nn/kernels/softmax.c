/* Softmax over the channels of each pixel. */
#include "nn/kernels/kernels.h"

enum { LANES = 16 };

WIDEST static float largest(const float *restrict x, long n)
{
    float most[LANES], all = x[0];
    long j = 0;
    for (long k = 0; k < LANES; k++)
        most[k] = x[0];
    for (; j + LANES <= n; j += LANES)
        for (long k = 0; k < LANES; k++)
            most[k] = x[j + k] > most[k] ? x[j + k] : most[k];
    for (; j < n; j++)
        all = x[j] > all ? x[j] : all;
    for (long k = 0; k < LANES; k++)
        all = most[k] > all ? most[k] : all;
    return all;
}

/* y = exp(x - most); returns the sum */
WIDEST static double exponentials(const float *restrict x, float *restrict y, float most, long n)
{
    double sum = 0;
    for (long j = 0; j < n; j++)
        y[j] = fast_exp(x[j] - most);
    for (long j = 0; j < n; j++)
        sum += (double)y[j];
    return sum;
}

WIDEST static void scale(float *y, float by, long n)
{
    for (long j = 0; j < n; j++)
        y[j] *= by;
}

WIDEST static void give(const float *restrict value, const float *restrict dy, float *restrict dx, float dot, bool adds, long n)
{
    for (long j = 0; j < n; j++)
        dx[j] = (adds ? dx[j] : 0) + value[j] * (dy[j] - dot);
}

static void forward(struct step *s)
{
    struct tensor *x = s->node->in[0], *y = s->out;
    for (long i = 0; i < tensor_pixels(y); i++) {
        const float *from = x->data + i * x->c;
        float *to = y->data + i * y->pitch;
        double sum = exponentials(from, to, largest(from, x->c), x->c);
        scale(to, (float)(1 / sum), x->c);
    }
}

static void backward(struct step *s)
{
    struct tensor *x = s->node->in[0], *y = s->out;
    for (long i = 0; i < tensor_pixels(y) && x->grad; i++) {
        const float *value = y->data + i * y->pitch, *dy = y->grad + i * y->pitch;
        double dot = 0;
        for (int c = 0; c < y->c; c++)
            dot += (double)dy[c] * (double)value[c];
        give(value, dy, x->grad + i * x->c, (float)dot, step_adds(s, 0), x->c);
    }
}

const struct kernel kernel_softmax = {
    .name = "softmax",
    .chain = { &op_softmax },
    .traits = FOR_TRAINING | FOR_INFERENCE | PITCHED_OUT,
    .keeps = KEEPS_OUT,
    .forward = forward,
    .backward = backward,
};
