#include "nn/optim.h"
#include "nn/vector.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct optim {
    struct graph *graph;
    struct optim_options options;
    struct param **params;
    size_t n_params, n;       /* parameters; their values in all */
    float *m, *v, *ema, *sum; /* each n values, parameter after parameter; v only for AdamW, ema only if there is one */
    int64_t step;
    bool swapped;
};

static float *values(size_t n)
{
    return heap_take(n * sizeof(float));
}

struct optim *optim_new(struct graph *g, const struct optim_options *options)
{
    struct optim *o = heap_take(sizeof *o);
    *o = (struct optim){ .graph = g, .options = *options };
    o->n_params = graph_params(g, &o->params);
    for (size_t i = 0; i < o->n_params; i++)
        o->n += tensor_count(&o->params[i]->value);
    o->m = values(o->n);
    o->sum = values(o->n);
    o->v = options->kind == OPTIM_ADAMW ? values(o->n) : NULL;
    o->ema = options->ema_decay > 0 ? values(o->n) : NULL;
    optim_reset_ema(o);
    return o;
}

void optim_free(struct optim *o)
{
    if (!o)
        return;
    free(o->m);
    free(o->v);
    free(o->ema);
    free(o->sum);
    free(o);
}

void optim_reset_ema(struct optim *o)
{
    size_t at = 0;
    for (size_t i = 0; o->ema && i < o->n_params; i++) {
        size_t n = tensor_count(&o->params[i]->value);
        memcpy(o->ema + at, o->params[i]->value.data, n * sizeof(float));
        at += n;
    }
}

/* Adds up the replicas' gradients in their order, so that the result does not depend on who was first. */
static double sum_gradients(struct optim *o, struct graph *const *replicas, size_t n_replicas, float divide)
{
    for (size_t r = 0; r < n_replicas; r++) {
        struct param **params;
        graph_params(replicas[r], &params);
        size_t at = 0;
        for (size_t i = 0; i < o->n_params; i++) {
            const struct tensor *t = &params[i]->value;
            size_t n = tensor_count(t);
            if (t->grad && r == 0)
                memcpy(o->sum + at, t->grad, n * sizeof(float));
            else if (t->grad)
                vector_add(o->sum + at, t->grad, n);
            at += n;
        }
    }
    return sqrt(vector_scale(o->sum, 1 / divide, o->n)); /* what is not trained has 0 there always */
}

WIDEST static void sgd(const struct optim *o, const struct param *p, size_t at, float rate, float scale)
{
    float decay = p->decay ? o->options.weight_decay : 0, momentum = o->options.momentum, *w = p->value.data, *m = o->m + at;
    const float *g = o->sum + at;
    for (size_t k = 0, n = tensor_count(&p->value); k < n; k++) {
        float d = g[k] * scale + decay * w[k];
        m[k] = momentum * m[k] + d;
        w[k] -= rate * (d + momentum * m[k]);
    }
}

WIDEST static void adamw(const struct optim *o, const struct param *p, size_t at, float rate, float scale)
{
    float b1 = o->options.beta1, b2 = o->options.beta2, decay = p->decay ? o->options.weight_decay : 0;
    float c1 = 1 - powf(b1, (float)o->step), c2 = 1 - powf(b2, (float)o->step);
    float *w = p->value.data, *m = o->m + at, *v = o->v + at;
    const float *g = o->sum + at;
    for (size_t k = 0, n = tensor_count(&p->value); k < n; k++) {
        float d = g[k] * scale;
        m[k] = b1 * m[k] + (1 - b1) * d;
        v[k] = b2 * v[k] + (1 - b2) * d * d;
        w[k] -= rate * (m[k] / c1 / (sqrtf(v[k] / c2) + o->options.epsilon) + decay * w[k]);
    }
}

WIDEST static void average(struct optim *o)
{
    float decay = fminf(o->options.ema_decay, (float)(1 + o->step) / (float)(10 + o->step));
    size_t at = 0;
    for (size_t i = 0; i < o->n_params; i++) {
        const struct tensor *t = &o->params[i]->value;
        size_t n = tensor_count(t);
        for (size_t k = 0; k < n; k++)
            o->ema[at + k] = decay * o->ema[at + k] + (1 - decay) * t->data[k];
        at += n;
    }
}

double optim_step(struct optim *o, struct graph *const *replicas, size_t n_replicas, float rate, float divide)
{
    double norm = sum_gradients(o, replicas, n_replicas, divide);
    if (!isfinite(norm))
        return norm;
    o->step++;
    float scale =
        o->options.clip_norm > 0 && norm > (double)o->options.clip_norm ? (float)((double)o->options.clip_norm / norm) : 1;
    size_t at = 0;
    for (size_t i = 0; i < o->n_params; i++) {
        const struct param *p = o->params[i];
        if (p->trained && o->options.kind == OPTIM_SGD)
            sgd(o, p, at, rate, scale);
        else if (p->trained)
            adamw(o, p, at, rate, scale);
        at += tensor_count(&p->value);
    }
    graph_update_statistics(replicas, n_replicas);
    if (o->ema)
        average(o);
    return norm;
}

void optim_swap_ema(struct optim *o)
{
    size_t at = 0;
    for (size_t i = 0; o->ema && i < o->n_params; i++) {
        struct tensor *t = &o->params[i]->value;
        size_t n = tensor_count(t);
        for (size_t k = 0; k < n; k++) {
            float w = t->data[k];
            t->data[k] = o->ema[at + k];
            o->ema[at + k] = w;
        }
        at += n;
    }
    o->swapped = !o->swapped;
}

size_t optim_state(struct optim *o, float *ret_slots[3], int64_t **ret_step)
{
    ret_slots[0] = o->m;
    ret_slots[1] = o->v;
    ret_slots[2] = o->ema;
    *ret_step = &o->step;
    return o->n;
}

double schedule_at(const struct schedule *s, int64_t step)
{
    if (s->warmup_steps > 0 && step < s->warmup_steps)
        return s->warmup_lr + (s->learning_rate - s->warmup_lr) * (double)(step + 1) / (double)s->warmup_steps;
    double part;
    switch (s->kind) {
    case LR_EXPONENTIAL:
        part = (double)step / (double)(s->decay_steps > 0 ? s->decay_steps : 1);
        return s->learning_rate * pow(s->decay_factor, s->staircase ? floor(part) : part);
    case LR_COSINE: {
        int64_t span = s->steps - s->warmup_steps;
        part = span > 0 ? fmin(1, (double)(step - s->warmup_steps) / (double)span) : 1;
        double end = s->learning_rate * s->end_factor;
        return end + (s->learning_rate - end) * 0.5 * (1 + cos(3.14159265358979323846 * part));
    }
    default: return s->learning_rate;
    }
}
