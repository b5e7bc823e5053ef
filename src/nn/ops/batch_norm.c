/* Batch normalisation over N, H, W (Ioffe & Szegedy 2015). Running statistics are moved by
 * graph_update_statistics() alone: replicas share them. */
#include "nn/ops/ops.h"
#include <assert.h>
#include <math.h>
#include <string.h>

enum { GAMMA, BETA, MEAN, VARIANCE };
enum { REPLICAS_MOST = 256 };

static void measure(struct node *n)
{
    struct tensor *x = n->in[0];
    float *mean = n->kept, *variance = n->kept + 2 * x->c;
    long pixels = tensor_pixels(x);
    for (int c = 0; c < x->c; c++) {
        double sum = 0, squares = 0;
        for (long i = 0; i < pixels; i++)
            sum += (double)x->data[i * x->pitch + c];
        double m = sum / (double)pixels;
        for (long i = 0; i < pixels; i++) {
            double d = (double)x->data[i * x->pitch + c] - m;
            squares += d * d;
        }
        mean[c] = (float)m;
        variance[c] = (float)(squares / (double)pixels);
    }
}

void batch_norm_use_running(struct node *n)
{
    size_t bytes = sizeof(float) * (size_t)n->out.c;
    memcpy(n->kept, n->params[MEAN]->value.data, bytes);
    memcpy(n->kept + 2 * n->out.c, n->params[VARIANCE]->value.data, bytes);
}

static void forward(struct node *n, bool training)
{
    struct tensor *x = n->in[0], *y = &n->out;
    float *mean = n->kept, *rstd = n->kept + x->c, *variance = n->kept + 2 * x->c;
    if (training && !n->attr.frozen)
        measure(n);
    else
        batch_norm_use_running(n);
    for (int c = 0; c < x->c; c++)
        rstd[c] = 1 / sqrtf(variance[c] + n->attr.epsilon);
    for (long i = 0; i < tensor_pixels(x); i++)
        for (int c = 0; c < x->c; c++)
            y->data[i * y->pitch + c] =
                (x->data[i * x->pitch + c] - mean[c]) * rstd[c] * n->params[GAMMA]->value.data[c] + n->params[BETA]->value.data[c];
}

static void backward(struct node *n)
{
    struct tensor *x = n->in[0], *y = &n->out;
    struct param *gamma = n->params[GAMMA], *beta = n->params[BETA];
    long pixels = tensor_pixels(x);
    bool moves = !n->attr.frozen; /* the statistics, with x */
    for (int c = 0; c < x->c; c++) {
        double sum = 0, dot = 0, mean = n->kept[c], rstd = n->kept[x->c + c];
        for (long i = 0; i < pixels; i++) {
            double dy = y->grad[i * y->pitch + c];
            sum += dy;
            dot += dy * (x->data[i * x->pitch + c] - mean) * rstd;
        }
        if (gamma->value.grad)
            gamma->value.grad[c] += (float)dot;
        if (beta->value.grad)
            beta->value.grad[c] += (float)sum;
        double scale = gamma->value.data[c] * rstd;
        for (long i = 0; i < pixels && x->grad; i++) {
            double normal = (x->data[i * x->pitch + c] - mean) * rstd, common = (sum + normal * dot) / (double)pixels;
            x->grad[i * x->pitch + c] += (float)(scale * (y->grad[i * y->pitch + c] - (moves ? common : 0)));
        }
    }
}

const struct op_kind op_batch_norm = { "batch_norm", KEEPS_IN, forward, backward };

static struct tensor *build(struct graph *g, struct tensor *x, const char *name, struct attr attr)
{
    static const char *const names[] = { "weight", "bias", "running_mean", "running_var" };
    struct node *n = graph_add_node(g, &op_batch_norm, &x, 1);
    n->attr = attr;
    for (int i = GAMMA; i <= VARIANCE; i++) {
        struct param *p = n->params[i] = graph_add_param(g, name, names[i], 1, 1, 1, x->c);
        param_fill(p, i == GAMMA || i == VARIANCE);
        p->trained = i < MEAN && !attr.frozen;
    }
    n->kept = arena_new_array(g->arena, float, 3 * x->c);
    return node_shape(g, n, x->n, x->h, x->w, x->c);
}

struct tensor *nn_batch_norm(struct graph *g, struct tensor *x, const char *name, float epsilon, float momentum)
{
    return build(g, x, name, (struct attr){ .epsilon = epsilon, .momentum = momentum });
}
struct tensor *nn_batch_norm_frozen(struct graph *g, struct tensor *x, const char *name, float epsilon)
{
    return build(g, x, name, (struct attr){ .epsilon = epsilon, .frozen = true });
}

/* The variance is the unbiased one, as is usual for running statistics. */
static void update(struct node *const *replicas, size_t n_replicas)
{
    const struct node *n = replicas[0];
    double pixels = (double)tensor_pixels(&n->out), unbiased = pixels > 1 ? pixels / (pixels - 1) : 1;
    float *running_mean = n->params[MEAN]->value.data, *running_variance = n->params[VARIANCE]->value.data;
    for (int c = 0; c < n->out.c; c++) {
        double mean = 0, variance = 0;
        for (size_t r = 0; r < n_replicas; r++) {
            mean += (double)replicas[r]->kept[c];
            variance += (double)replicas[r]->kept[2 * n->out.c + c];
        }
        running_mean[c] += n->attr.momentum * ((float)(mean / (double)n_replicas) - running_mean[c]);
        running_variance[c] += n->attr.momentum * ((float)(variance * unbiased / (double)n_replicas) - running_variance[c]);
    }
}

void graph_update_statistics(struct graph *const *replicas, size_t n_replicas)
{
    struct node *at[REPLICAS_MOST];
    assert(n_replicas <= REPLICAS_MOST);
    for (size_t r = 0; r < n_replicas; r++)
        at[r] = graph_nodes(replicas[r]);
    while (at[0]) {
        if (at[0]->kind == &op_batch_norm && !at[0]->attr.frozen)
            update(at, n_replicas);
        for (size_t r = 0; r < n_replicas; r++)
            at[r] = at[r]->next;
    }
}
