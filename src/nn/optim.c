#include "nn/optim.h"
#include "nn/vector.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 8192 }; /* values that are worked on at a time: they stay in the nearest cache */
struct chunk {
    size_t param, from, n; /* values from … from + n - 1 of the parameter */
    size_t at;             /* of m, v, ema and sum */
};
struct optim {
    struct graph *graph;
    struct optim_options options;
    struct param **params;
    size_t n_params, n;       /* parameters; their values in all */
    float *m, *v, *ema, *sum; /* each n values, parameter after parameter; v only for AdamW, ema only if there is one */
    struct chunk *chunks;
    int n_chunks;
    double *squares; /* of each chunk's gradient: the sum */
    int64_t step;
    bool swapped;
};

static float *values(size_t n)
{
    return heap_take(n * sizeof(float));
}

static void divide_into_chunks(struct optim *o)
{
    size_t most = o->n / CHUNK + o->n_params, at = 0;
    o->chunks = heap_take(most * sizeof *o->chunks);
    o->squares = heap_take(most * sizeof *o->squares);
    for (size_t i = 0; i < o->n_params; i++) {
        size_t n = tensor_count(&o->params[i]->value);
        for (size_t from = 0; from < n; from += CHUNK) {
            size_t left = n - from < CHUNK ? n - from : CHUNK;
            o->chunks[o->n_chunks++] = (struct chunk){ i, from, left, at };
            at += left;
        }
    }
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
    divide_into_chunks(o);
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
    free(o->chunks);
    free(o->squares);
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

/* ---- a step: chunk by chunk, so that what one pass over a chunk leaves in the cache is there for the next */

struct pass {
    struct optim *o;
    struct graph *const *replicas;
    size_t n_replicas;
    float divide, rate, scale;
};

static void each_chunk(struct pass *p, struct team *team, void (*work)(void *with, int i, int thread))
{
    if (team)
        team_run(team, p->o->n_chunks, work, p);
    else
        for (int i = 0; i < p->o->n_chunks; i++)
            work(p, i, 0);
}

/* Adds up the replicas' gradients in their order, so that the result does not depend on who was first. What is not trained has 0
 * there always. */
static void sum_gradients(void *with, int i, int thread)
{
    (void)thread;
    struct pass *p = with;
    const struct chunk *c = &p->o->chunks[i];
    float *sum = p->o->sum + c->at;
    for (size_t r = 0; r < p->n_replicas; r++) {
        struct param **params;
        graph_params(p->replicas[r], &params);
        const float *grad = params[c->param]->value.grad;
        if (grad && r == 0)
            memcpy(sum, grad + c->from, c->n * sizeof(float));
        else if (grad)
            vector_add(sum, grad + c->from, c->n);
    }
    p->o->squares[i] = vector_scale(sum, 1 / p->divide, c->n);
}

WIDEST static void sgd(const struct pass *p, const struct chunk *c, const struct param *param)
{
    const struct optim *o = p->o;
    float decay = param->decay ? o->options.weight_decay : 0, momentum = o->options.momentum, rate = p->rate, scale = p->scale;
    float *w = param->value.data + c->from, *m = o->m + c->at;
    const float *g = o->sum + c->at;
    for (size_t k = 0; k < c->n; k++) {
        float d = g[k] * scale + decay * w[k];
        m[k] = momentum * m[k] + d;
        w[k] -= rate * (d + momentum * m[k]);
    }
}

WIDEST static void adamw(const struct pass *p, const struct chunk *c, const struct param *param)
{
    const struct optim *o = p->o;
    float b1 = o->options.beta1, b2 = o->options.beta2, decay = param->decay ? o->options.weight_decay : 0;
    float c1 = 1 - powf(b1, (float)o->step), c2 = 1 - powf(b2, (float)o->step), rate = p->rate, scale = p->scale;
    float *w = param->value.data + c->from, *m = o->m + c->at, *v = o->v + c->at;
    const float *g = o->sum + c->at;
    for (size_t k = 0; k < c->n; k++) {
        float d = g[k] * scale;
        m[k] = b1 * m[k] + (1 - b1) * d;
        v[k] = b2 * v[k] + (1 - b2) * d * d;
        w[k] -= rate * (m[k] / c1 / (sqrtf(v[k] / c2) + o->options.epsilon) + decay * w[k]);
    }
}

WIDEST static void average(const struct optim *o, const struct chunk *c, const struct param *param)
{
    float decay = fminf(o->options.ema_decay, (float)(1 + o->step) / (float)(10 + o->step)), *ema = o->ema + c->at;
    const float *w = param->value.data + c->from;
    for (size_t k = 0; k < c->n; k++)
        ema[k] = decay * ema[k] + (1 - decay) * w[k];
}

static void update(void *with, int i, int thread)
{
    (void)thread;
    const struct pass *p = with;
    const struct chunk *c = &p->o->chunks[i];
    const struct param *param = p->o->params[c->param];
    if (param->trained && p->o->options.kind == OPTIM_SGD)
        sgd(p, c, param);
    else if (param->trained)
        adamw(p, c, param);
    if (p->o->ema)
        average(p->o, c, param);
}

double optim_step(struct optim *o, struct team *team, struct graph *const *replicas, size_t n_replicas, float rate, float divide)
{
    struct pass p = { .o = o, .replicas = replicas, .n_replicas = n_replicas, .divide = divide, .rate = rate, .scale = 1 };
    each_chunk(&p, team, sum_gradients);
    double norm = 0;
    for (int i = 0; i < o->n_chunks; i++)
        norm += o->squares[i];
    norm = sqrt(norm);
    if (!isfinite(norm))
        return norm;
    o->step++;
    if (o->options.clip_norm > 0 && norm > (double)o->options.clip_norm)
        p.scale = (float)((double)o->options.clip_norm / norm);
    graph_update_statistics(replicas, n_replicas);
    each_chunk(&p, team, update);
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

static float *slot_of(const struct optim *o, enum optim_slot slot)
{
    return slot == OPTIM_MOMENTUM ? o->m : slot == OPTIM_SECOND ? o->v : o->ema;
}
size_t optim_values(const struct optim *o, enum optim_slot slot)
{
    return slot_of(o, slot) ? o->n : 0;
}
void optim_put(struct optim *o, enum optim_slot slot, size_t first, const float *from, size_t n)
{
    memcpy(slot_of(o, slot) + first, from, n * sizeof *from);
}
void optim_get(const struct optim *o, enum optim_slot slot, size_t first, float *to, size_t n)
{
    memcpy(to, slot_of(o, slot) + first, n * sizeof *to);
}
int64_t optim_steps(const struct optim *o)
{
    return o->step;
}
void optim_set_steps(struct optim *o, int64_t steps)
{
    o->step = steps;
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
