/* Batch normalisation, alone or with the SiLU behind it: two passes over memory forward, two backward. The activation is computed
 * anew when going back instead of being kept, so that all that stays in memory is what the convolution gave and what the next one
 * reads.
 *
 * Where pixels lie side by side, several are taken as one long row (their per-channel factors repeated), so that the inner loops
 * are long and whole registers whatever the number of channels is. */
#include "nn/kernels/kernels.h"
#include "nn/kernels/silu.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GAMMA, BETA };
enum { ROW = 256, TOGETHER = 4, SUMMED = 64 }; /* floats of a long row; rows in one go; rows summed in float, the rest in double */

struct norm {
    bool silu;
    int channels, together; /* pixels in a long row */
    struct row_factors f;
    double *sum, *dot; /* by channel */
    float memory[];
};

static bool prepare_as(struct step *s, bool silu)
{
    int c = s->out->c, together = ROW / c < 1 ? 1 : ROW / c;
    size_t row = ((size_t)c * (size_t)together + 15) & ~(size_t)15;
    struct norm *n = s->state = heap_take(sizeof *n + 5 * row * sizeof(float) + 2 * (size_t)c * sizeof(double));
    n->silu = silu;
    n->channels = c;
    n->together = together;
    n->sum = (double *)(void *)n->memory;
    n->dot = n->sum + c;
    float *at = (float *)(n->dot + c);
    n->f = (struct row_factors){ at, at + row, at + 2 * row, at + 3 * row, at + 4 * row };
    if (s->use == GRAPH_TRAIN) /* for a gradient that is added to another */
        s->scratch_bytes = sizeof(float) * tensor_count(s->out);
    return true;
}
static bool prepare(struct step *s)
{
    return prepare_as(s, false);
}
static bool prepare_silu(struct step *s)
{
    return prepare_as(s, true);
}
static void release(struct step *s)
{
    free(s->state);
}

/* rows × floats at x, side by side: a += x, b += x² */
WIDEST static void add_moments(const float *restrict x, long rows, long floats, float *restrict a, float *restrict b)
{
    long r = 0;
    for (; r + TOGETHER <= rows; r += TOGETHER, x += TOGETHER * floats)
        for (long j = 0; j < floats; j++) {
            float p = x[j], q = x[floats + j], s = x[2 * floats + j], t = x[3 * floats + j];
            a[j] += (p + q) + (s + t);
            b[j] += (p * p + q * q) + (s * s + t * t);
        }
    for (; r < rows; r++, x += floats)
        for (long j = 0; j < floats; j++) {
            a[j] += x[j];
            b[j] += x[j] * x[j];
        }
}

/* y = x * scale + shift; rows of y are `pitch` apart */
WIDEST static void apply(const float *restrict x, float *restrict y, long rows, long floats, long pitch,
                         const struct row_factors *f)
{
    const float *restrict scale = f->scale, *restrict shift = f->shift;
    for (long r = 0; r < rows; r++, x += floats, y += pitch)
        for (long j = 0; j < floats; j++)
            y[j] = x[j] * scale[j] + shift[j];
}

/* a += dy, b += dy * (x - mean) */
WIDEST static void back_sums(const float *restrict x, const float *restrict dy, long rows, long floats, long pitch,
                             const struct row_factors *f)
{
    const float *restrict mean = f->mean;
    float *restrict a = f->a, *restrict b = f->b;
    for (long r = 0; r < rows; r++, x += floats, dy += pitch)
        for (long j = 0; j < floats; j++) {
            a[j] += dy[j];
            b[j] += dy[j] * (x[j] - mean[j]);
        }
}

/* dx = scale * dz - b * x - a; dx may lie where dz does. adds: dx += */
WIDEST static void back_apply(const float *restrict x, const float *dz, float *dx, long rows, long floats, long pitch,
                              const struct row_factors *f)
{
    const float *restrict scale = f->scale, *restrict a = f->a, *restrict b = f->b;
    for (long r = 0; r < rows; r++, x += floats, dz += pitch, dx += floats) {
#pragma GCC ivdep
        for (long j = 0; j < floats; j++)
            dx[j] = scale[j] * dz[j] - b[j] * x[j] - a[j];
    }
}

/* A walk over all pixels: long rows where everything lies side by side, then what is left pixel by pixel. */
struct walk {
    long rows, floats, pitch;
    long at; /* first pixel */
};
static struct walk walk_over(const struct norm *n, const struct tensor *x, const struct tensor *y, bool rest)
{
    long pixels = tensor_pixels(x), together = y->pitch == y->c ? n->together : 1, whole = pixels / together * together;
    if (rest)
        return (struct walk){ pixels - whole, n->channels, y->pitch, whole };
    return (struct walk){ whole / together, n->channels * together, y->pitch * together, 0 };
}

static void repeat(const struct norm *n, float *row)
{
    for (int i = 1; i < n->together; i++)
        memcpy(row + i * n->channels, row, sizeof(float) * (size_t)n->channels);
}

static void clear_sums(struct norm *n)
{
    size_t floats = (size_t)n->channels * (size_t)n->together;
    memset(n->f.a, 0, sizeof(float) * floats);
    memset(n->f.b, 0, sizeof(float) * floats);
}

static void gather_sums(struct norm *n)
{
    for (int i = 0; i < n->together; i++)
        for (int c = 0; c < n->channels; c++) {
            n->sum[c] += (double)n->f.a[i * n->channels + c];
            n->dot[c] += (double)n->f.b[i * n->channels + c];
        }
    clear_sums(n);
}

static void measure(struct norm *n, const struct tensor *x, float *mean, float *variance)
{
    double pixels = (double)tensor_pixels(x);
    memset(n->sum, 0, 2 * sizeof(double) * (size_t)n->channels);
    clear_sums(n);
    for (int rest = 0; rest < 2; rest++) {
        struct walk w = walk_over(n, x, x, rest);
        for (long r = 0; r < w.rows; r += SUMMED) {
            add_moments(x->data + w.at * x->c + r * w.floats, w.rows - r < SUMMED ? w.rows - r : SUMMED, w.floats, n->f.a, n->f.b);
            gather_sums(n);
        }
    }
    for (int c = 0; c < n->channels; c++) {
        double m = n->sum[c] / pixels, v = n->dot[c] / pixels - m * m;
        mean[c] = (float)m;
        variance[c] = v > 0 ? (float)v : 0;
    }
}

static void set_factors(struct norm *n, const struct node *node, const float *mean, float *rstd, const float *variance)
{
    const float *gamma = node->params[GAMMA]->value.data, *beta = node->params[BETA]->value.data;
    for (int c = 0; c < n->channels; c++) {
        rstd[c] = 1 / sqrtf(variance[c] + node->attr.epsilon);
        n->f.scale[c] = gamma[c] * rstd[c];
        n->f.shift[c] = beta[c] - mean[c] * n->f.scale[c];
        n->f.mean[c] = mean[c];
    }
    repeat(n, n->f.scale);
    repeat(n, n->f.shift);
    repeat(n, n->f.mean);
}

static void forward(struct step *s)
{
    struct norm *n = s->state;
    struct tensor *x = s->node->in[0], *y = s->out;
    float *mean = s->node->kept, *rstd = mean + n->channels, *variance = rstd + n->channels;
    if (s->use == GRAPH_TRAIN && !s->node->attr.frozen)
        measure(n, x, mean, variance);
    else
        batch_norm_use_running(s->node);
    set_factors(n, s->node, mean, rstd, variance);
    for (int rest = 0; rest < 2; rest++) {
        struct walk w = walk_over(n, x, y, rest);
        const float *from = x->data + w.at * x->c;
        if (n->silu)
            silu_apply(from, y->data + w.at * y->pitch, w.rows, w.floats, w.pitch, &n->f);
        else
            apply(from, y->data + w.at * y->pitch, w.rows, w.floats, w.pitch, &n->f);
    }
}

/* Sums of dz and of dz * (x - mean); dz stays in `keep`, or is dy where there is no activation. */
static void sum_gradients(struct norm *n, const struct tensor *x, const struct tensor *y, float *keep)
{
    memset(n->sum, 0, 2 * sizeof(double) * (size_t)n->channels);
    clear_sums(n);
    for (int rest = 0; rest < 2; rest++) {
        struct walk w = walk_over(n, x, y, rest);
        for (long r = 0; r < w.rows; r += SUMMED) {
            long rows = w.rows - r < SUMMED ? w.rows - r : SUMMED;
            const float *from = x->data + w.at * x->c + r * w.floats, *dy = y->grad + w.at * y->pitch + r * w.pitch;
            if (n->silu)
                silu_back(from, dy, keep + w.at * x->c + r * w.floats, rows, w.floats, w.pitch, &n->f);
            else
                back_sums(from, dy, rows, w.floats, w.pitch, &n->f);
            gather_sums(n);
        }
    }
}

static void set_back_factors(struct norm *n, const struct node *node)
{
    const float *mean = node->kept, *rstd = mean + n->channels;
    float *gamma = node->params[GAMMA]->value.grad, *beta = node->params[BETA]->value.grad;
    double pixels = (double)tensor_pixels(&node->out), moves = node->attr.frozen ? 0 : 1; /* do the statistics, with x? */
    for (int c = 0; c < n->channels; c++) {
        double dot = n->dot[c] * (double)rstd[c], scale = (double)n->f.scale[c];
        if (gamma)
            gamma[c] += (float)dot;
        if (beta)
            beta[c] += (float)n->sum[c];
        double b = moves * scale * dot / pixels * (double)rstd[c];
        n->f.b[c] = (float)b;
        n->f.a[c] = (float)(moves * scale * n->sum[c] / pixels - b * (double)mean[c]);
    }
    repeat(n, n->f.a);
    repeat(n, n->f.b);
}

static void backward(struct step *s)
{
    struct norm *n = s->state;
    struct tensor *x = s->node->in[0], *y = s->out;
    bool adds = step_adds(s, 0);
    float *dx = adds || !x->grad ? s->scratch : x->grad; /* dense, as x is */
    sum_gradients(n, x, y, dx);
    set_back_factors(n, s->node);
    if (!x->grad)
        return;
    for (int rest = 0; rest < 2; rest++) {
        struct walk w = walk_over(n, x, n->silu ? x : y, rest);
        const float *dz = n->silu ? dx + w.at * x->c : y->grad + w.at * y->pitch;
        back_apply(x->data + w.at * x->c, dz, dx + w.at * x->c, w.rows, w.floats, w.pitch, &n->f);
    }
    if (adds)
        vector_add(x->grad, dx, tensor_count(x));
}

const struct kernel kernel_norm = {
    .name = "batch norm",
    .chain = { &op_batch_norm },
    .traits = FOR_TRAINING | FOR_INFERENCE | PITCHED_OUT | GRAD_IN_PLACE,
    .keeps = KEEPS_IN,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
    .release = release,
};
const struct kernel kernel_norm_silu = {
    .name = "batch norm + silu",
    .chain = { &op_batch_norm, &op_silu },
    .traits = FOR_TRAINING | FOR_INFERENCE | PITCHED_OUT | GRAD_IN_PLACE,
    .keeps = KEEPS_IN,
    .prepare = prepare_silu,
    .forward = forward,
    .backward = backward,
    .release = release,
};
