/* Batch normalisation, alone or with the activation behind it: two passes over memory forward, two backward. On the way back the
 * activation is computed anew instead of being kept, so that all that stays in memory is what the convolution gave and what the
 * next one reads; the first pass leaves the gradient before the activation where the one behind it was.
 *
 * Where pixels lie side by side, several are taken as one long row (their per-channel factors repeated), so that the inner loops
 * are long and whole registers whatever the number of channels is. */
#include "nn/kernels/kernels.h"
#include "nn/kernels/rows.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GAMMA, BETA };
enum { ROW = 256, SUMMED = 64 }; /* floats of a long row; rows summed in float, the rest in double */

struct norm {
    const struct rows_way *way;
    enum act act;
    int channels, together; /* pixels in a long row */
    struct row_factors f;
    double *sum, *dot; /* by channel */
    float memory[];
};

static bool prepare(struct step *s)
{
    int c = s->out->c, together = ROW / c < 1 ? 1 : ROW / c;
    size_t row = ((size_t)c * (size_t)together + 15) & ~(size_t)15;
    struct norm *n = s->state = heap_take(sizeof *n + 5 * row * sizeof(float) + 2 * (size_t)c * sizeof(double));
    n->way = rows_are_wide(s->bf16) ? &rows_wide : &rows_plain;
    n->act = step_act(s);
    n->channels = c;
    n->together = together;
    n->sum = (double *)(void *)n->memory;
    n->dot = n->sum + c;
    float *at = (float *)(n->dot + c);
    n->f = (struct row_factors){ at, at + row, at + 2 * row, at + 3 * row, at + 4 * row };
    s->reads_half = s->writes_half = s->bf16;
    if (s->use == GRAPH_TRAIN) /* for a gradient that is added to another */
        s->scratch_bytes = sizeof(float) * tensor_count(s->out);
    return true;
}

static void release(struct step *s)
{
    free(s->state);
}

/* A walk over all pixels in two parts: long rows where everything lies side by side, then what is left pixel by pixel. */
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

/* Rows from, from + 1, … of a walk; dx: what becomes the gradient of x. */
static struct rows rows_of(const struct walk *w, const struct tensor *x, const struct tensor *y, void *dx, long from, long rows)
{
    long i = w->at * x->c + from * w->floats, k = w->at * y->pitch + from * w->pitch;
    return (struct rows){ .x = tensor_at(x, x->data, i),
                          .dx = dx ? tensor_at(x, dx, i) : NULL,
                          .y = tensor_at(y, y->data, k),
                          .dy = y->grad ? tensor_at(y, y->grad, k) : NULL,
                          .n = rows,
                          .floats = w->floats,
                          .pitch = w->pitch };
}

static struct map map_of(const struct step *s)
{
    const struct norm *n = s->state;
    return (struct map){ n->act, s->node->in[0]->half, s->out->half };
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
            struct rows rows = rows_of(&w, x, x, NULL, r, w.rows - r < SUMMED ? w.rows - r : SUMMED);
            n->way->moments(&rows, x->half, n->f.a, n->f.b);
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
    struct map map = map_of(s);
    for (int rest = 0; rest < 2; rest++) {
        struct walk w = walk_over(n, x, y, rest);
        struct rows rows = rows_of(&w, x, y, NULL, 0, w.rows);
        n->way->apply(&rows, &map, &n->f);
    }
}

/* Sums of dz and of dz * (x - mean). */
static void sum_gradients(const struct step *s, struct norm *n, const struct tensor *x, const struct tensor *y)
{
    struct map map = map_of(s);
    memset(n->sum, 0, 2 * sizeof(double) * (size_t)n->channels);
    clear_sums(n);
    for (int rest = 0; rest < 2; rest++) {
        struct walk w = walk_over(n, x, y, rest);
        for (long r = 0; r < w.rows; r += SUMMED) {
            struct rows rows = rows_of(&w, x, y, NULL, r, w.rows - r < SUMMED ? w.rows - r : SUMMED);
            n->way->back_sums(&rows, &map, &n->f);
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
    struct map map = map_of(s);
    bool adds = step_adds(s, 0);
    void *dx = adds ? s->scratch : x->grad; /* dense, as x is */
    sum_gradients(s, n, x, y);
    set_back_factors(n, s->node);
    for (int rest = 0; rest < 2 && x->grad; rest++) {
        struct walk w = walk_over(n, x, y, rest);
        struct rows rows = rows_of(&w, x, y, dx, 0, w.rows);
        n->way->back_apply(&rows, &map, &n->f);
    }
    if (adds && x->grad)
        tensor_give(x, x->grad, dx);
}

#define NORM_KERNEL(variable, text, ...)                                                                                           \
    const struct kernel variable = {                                                                                               \
        .name = text,                                                                                                              \
        .chain = { &op_batch_norm, __VA_ARGS__ },                                                                                  \
        .traits = FOR_TRAINING | FOR_INFERENCE | PITCHED_OUT | GRAD_IN_PLACE,                                                      \
        .keeps = KEEPS_IN,                                                                                                         \
        .prepare = prepare,                                                                                                        \
        .forward = forward,                                                                                                        \
        .backward = backward,                                                                                                      \
        .release = release,                                                                                                        \
    }
NORM_KERNEL(kernel_norm_silu, "batch norm + silu", &op_silu);
NORM_KERNEL(kernel_norm_relu, "batch norm + relu", &op_relu);
NORM_KERNEL(kernel_norm_relu6, "batch norm + relu6", &op_relu6);
NORM_KERNEL(kernel_norm, "batch norm", NULL);
