/* Batch normalisation (Ioffe & Szegedy 2015), alone or fused with the SiLU behind it: then one pass forward, and two backward that
 * compute the activation anew instead of keeping it. Running statistics are moved by graph_update_statistics(). */
#include "nn/ops.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 128 }; /* sums of so many rows are made in float, the rest in double */

struct kept {
    int c;
    float *mean, *inverse, *variance; /* of the last batch; inverse: 1/sqrt(variance + epsilon) */
    float *scale, *shift;             /* z = x * scale + shift */
    float *a, *b;                     /* sums of a block of rows */
    double *sum_a, *sum_b;
};

static void release(void *with)
{
    free(with);
}

static void prepare(struct node *n, bool train)
{
    (void)train;
    size_t c = (size_t)n->out.c;
    struct kept *k = heap_take(sizeof *k + c * (7 * sizeof(float) + 2 * sizeof(double)) + 64);
    k->c = (int)c;
    k->sum_a = (double *)(k + 1);
    k->sum_b = k->sum_a + c;
    k->mean = (float *)(k->sum_b + c);
    k->inverse = k->mean + c;
    k->variance = k->inverse + c;
    k->scale = k->variance + c;
    k->shift = k->scale + c;
    k->a = k->shift + c;
    k->b = k->a + c;
    n->kept = k;
    n->release = release;
}

static size_t rows_of(const struct tensor *t)
{
    return (size_t)t->n * (size_t)t->h * (size_t)t->w;
}

static void batch_statistics(struct kept *k, const float *x, size_t rows)
{
    size_t c = (size_t)k->c;
    memset(k->sum_a, 0, 2 * c * sizeof(double));
    for (size_t r = 0; r < rows; r += ROWS) {
        size_t end = r + ROWS < rows ? r + ROWS : rows;
        float *restrict a = k->a, *restrict b = k->b;
        memset(a, 0, c * sizeof(float));
        memset(b, 0, c * sizeof(float));
        for (size_t i = r; i < end; i++)
            for (size_t j = 0; j < c; j++) {
                float v = x[i * c + j];
                a[j] += v;
                b[j] += v * v;
            }
        for (size_t j = 0; j < c; j++) {
            k->sum_a[j] += (double)a[j];
            k->sum_b[j] += (double)b[j];
        }
    }
    for (size_t j = 0; j < c; j++) {
        double mean = k->sum_a[j] / (double)rows, variance = k->sum_b[j] / (double)rows - mean * mean;
        k->mean[j] = (float)mean;
        k->variance[j] = (float)(variance > 0 ? variance : 0);
    }
}

static void forward(struct node *n)
{
    struct kept *k = n->kept;
    const float *x = n->in[0]->data;
    float *y = n->writes_to->data;
    size_t rows = rows_of(&n->out), c = (size_t)k->c;
    const float *gamma = n->params[0]->value.data, *beta = n->params[1]->value.data;
    const float *mean = n->params[2]->value.data, *variance = n->params[3]->value.data;
    if (graph_trains(n->graph)) {
        batch_statistics(k, x, rows);
        mean = k->mean;
        variance = k->variance;
    }
    for (size_t j = 0; j < c; j++) {
        k->inverse[j] = 1.0f / sqrtf(variance[j] + n->attr.epsilon);
        k->scale[j] = gamma[j] * k->inverse[j];
        k->shift[j] = beta[j] - mean[j] * k->scale[j];
    }
    const float *restrict scale = k->scale, *restrict shift = k->shift;
    if (n->writes_to == &n->out)
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < c; j++)
                y[i * c + j] = x[i * c + j] * scale[j] + shift[j];
    else
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < c; j++) {
                float z = x[i * c + j] * scale[j] + shift[j];
                y[i * c + j] = z * sigmoid(z);
            }
}

/* The sums over all rows of dz and of dz * (x - mean), a block of channels at a time, so that the sums stay in registers. With the
 * activation fused, dz = dy * silu'(z) with z computed anew; it is left in dz for the second pass. */
enum { WIDE = 16 };

static void silu_block(const struct kept *k, const float *restrict x, const float *restrict dy, float *restrict dz, size_t rows,
                       size_t c, size_t from, size_t n, float *restrict a, float *restrict b)
{
    for (size_t r = 0; r < rows; r++) {
        const float *restrict xr = x + r * c + from, *restrict dyr = dy + r * c + from;
        float *restrict to = dz + r * c + from;
        for (size_t j = 0; j < n; j++) {
            float z = xr[j] * k->scale[from + j] + k->shift[from + j], s = sigmoid(z), d = dyr[j] * s * (1.0f + z * (1.0f - s));
            to[j] = d;
            a[j] += d;
            b[j] += d * (xr[j] - k->mean[from + j]);
        }
    }
}

static void plain_block(const struct kept *k, const float *restrict x, const float *restrict dy, size_t rows, size_t c, size_t from,
                        size_t n, float *restrict a, float *restrict b)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < n; j++) {
            float d = dy[r * c + from + j];
            a[j] += d;
            b[j] += d * (x[r * c + from + j] - k->mean[from + j]);
        }
}

static void gradient_sums(struct kept *k, const float *x, const float *dy, float *dz, size_t rows)
{
    size_t c = (size_t)k->c;
    memset(k->sum_a, 0, 2 * c * sizeof(double));
    for (size_t r = 0; r < rows; r += ROWS) {
        size_t n_rows = r + ROWS < rows ? ROWS : rows - r;
        for (size_t from = 0; from < c; from += WIDE) {
            float a[WIDE] = { 0 }, b[WIDE] = { 0 };
            size_t n = c - from < WIDE ? c - from : WIDE;
            if (dz && n == WIDE)
                silu_block(k, x + r * c, dy + r * c, dz + r * c, n_rows, c, from, WIDE, a, b);
            else if (dz)
                silu_block(k, x + r * c, dy + r * c, dz + r * c, n_rows, c, from, n, a, b);
            else
                plain_block(k, x + r * c, dy + r * c, n_rows, c, from, n, a, b);
            for (size_t j = 0; j < n; j++) {
                k->sum_a[from + j] += (double)a[j];
                k->sum_b[from + j] += (double)b[j];
            }
        }
    }
}

/* dx = scale * (dz - mean(dz) - xhat * mean(dz * xhat)), in place of dz where that was kept in dx itself */
static void backward(struct node *n)
{
    struct kept *k = n->kept;
    const float *x = n->in[0]->data, *dy = n->writes_to->grad;
    size_t rows = rows_of(&n->out), c = (size_t)k->c;
    bool silu = n->writes_to != &n->out;
    float *dx = node_grad(n, 0), *dz = !silu ? NULL : dx ? dx : graph_scratch(n->graph, rows * c);
    gradient_sums(k, x, dy, dz, rows);
    float *gamma = n->params[0]->value.grad, *beta = n->params[1]->value.grad;
    for (size_t j = 0; j < c; j++) {
        double xhat = k->sum_b[j] * (double)k->inverse[j];
        if (gamma)
            gamma[j] += (float)xhat;
        if (beta)
            beta[j] += (float)k->sum_a[j];
        /* dx = scale * dz - p * x - q, with what depends on the channel only put together */
        float b = (float)(xhat / (double)rows) * k->inverse[j];
        k->b[j] = k->scale[j] * b;
        k->a[j] = k->scale[j] * (float)(k->sum_a[j] / (double)rows) - k->b[j] * k->mean[j];
    }
    if (!dx)
        return;
    const float *restrict a = k->a, *restrict b = k->b, *restrict scale = k->scale;
    const float *from = silu ? dz : dy;
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < c; j++)
            dx[i * c + j] = scale[j] * from[i * c + j] - b[j] * x[i * c + j] - a[j];
    node_grad_done(n, 0, dx);
}

const struct op_kind op_batch_norm = { "batch_norm", forward, backward, prepare };

struct tensor *nn_batch_norm(struct graph *g, struct tensor *x, const char *name, float epsilon, float momentum)
{
    struct node *n = graph_add_node(g, &op_batch_norm, x->n, x->h, x->w, x->c);
    AUTO(arena) struct arena *a = arena_new();
    n->attr = (struct attr){ .epsilon = epsilon, .momentum = momentum };
    n->in[0] = x;
    n->n_in = 1;
    n->params[0] = graph_add_param(g, arena_fmt(a, "%s.weight", name), 1, 1, 1, x->c, false, true);
    n->params[1] = graph_add_param(g, arena_fmt(a, "%s.bias", name), 1, 1, 1, x->c, false, true);
    n->params[2] = graph_add_param(g, arena_fmt(a, "%s.running_mean", name), 1, 1, 1, x->c, false, false);
    n->params[3] = graph_add_param(g, arena_fmt(a, "%s.running_var", name), 1, 1, 1, x->c, false, false);
    for (int i = 0; i < x->c; i++)
        n->params[0]->value.data[i] = n->params[3]->value.data[i] = 1;
    return &n->out;
}

/* The variance is the unbiased one, as is usual for running statistics. */
void graph_update_statistics(struct graph *const *replicas, size_t n_replicas)
{
    struct node **at = heap_take(n_replicas * sizeof(struct node *));
    for (size_t r = 0; r < n_replicas; r++)
        at[r] = graph_nodes(replicas[r]);
    while (at[0]) {
        struct node *n = at[0];
        for (int j = 0; n->kind == &op_batch_norm && j < n->out.c; j++) {
            double mean = 0, variance = 0, rows = (double)rows_of(&n->out), unbiased = rows > 1 ? rows / (rows - 1) : 1;
            for (size_t r = 0; r < n_replicas; r++) {
                const struct kept *k = at[r]->kept;
                mean += (double)k->mean[j] / (double)n_replicas;
                variance += (double)k->variance[j] * unbiased / (double)n_replicas;
            }
            float *m = &n->params[2]->value.data[j], *v = &n->params[3]->value.data[j], share = n->attr.momentum;
            *m += share * ((float)mean - *m);
            *v += share * ((float)variance - *v);
        }
        for (size_t r = 0; r < n_replicas; r++)
            at[r] = at[r]->next;
    }
    free(at);
}
