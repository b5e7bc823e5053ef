#include "nn/profile.h"
#include <assert.h>
#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

struct graph *graph_new(uint64_t seed)
{
    struct graph *g = heap_take(sizeof *g);
    g->arena = arena_new();
    g->seed = g->draw.seed = seed;
    g->end = &g->first;
    return g;
}

void graph_free(struct graph *g)
{
    if (!g)
        return;
    for (int i = 0; i < g->n_steps; i++)
        if (g->steps[i].kernel && g->steps[i].kernel->release)
            g->steps[i].kernel->release(&g->steps[i]);
    for (size_t i = 0; i < g->n_params; i++)
        if (!g->params[i]->borrowed)
            free(g->params[i]->value.data);
    free(g->params);
    free(g->tensors);
    free(g->memory);
    free(g->grad_memory);
    arena_free(g->arena);
    free(g);
}

static void add_tensor(struct graph *g, struct tensor *t, int n, int h, int w, int c)
{
    assert(n > 0 && h > 0 && w > 0 && c > 0 && !g->steps);
    t->n = n;
    t->h = h;
    t->w = w;
    t->c = t->pitch = c;
    t->id = g->n_tensors++;
    g->tensors = heap_grow(g->tensors, sizeof *g->tensors * (size_t)g->n_tensors);
    g->tensors[t->id] = t;
}

struct tensor *nn_input(struct graph *g, const char *name, int n, int h, int w, int c)
{
    struct tensor *t = arena_take(g->arena, sizeof *t);
    t->name = arena_str(g->arena, name);
    add_tensor(g, t, n, h, w, c);
    return t;
}

struct node *graph_add_node(struct graph *g, const struct op_kind *kind, struct tensor *const *in, int n_in)
{
    struct node *n = arena_take(g->arena, sizeof *n);
    assert(n_in > 0 && (size_t)n_in <= COUNT_OF(n->in));
    n->kind = kind;
    n->draw = &g->draw;
    n->n_in = n_in;
    memcpy(n->in, in, sizeof *in * (size_t)n_in);
    n->out.from = n;
    *g->end = n;
    g->end = &n->next;
    return n;
}

struct tensor *node_shape(struct graph *g, struct node *node, int n, int h, int w, int c)
{
    add_tensor(g, &node->out, n, h, w, c);
    return &node->out;
}

struct param *graph_add_param(struct graph *g, const char *prefix, const char *name, int n, int h, int w, int c)
{
    struct param *p = arena_take(g->arena, sizeof *p);
    p->value = (struct tensor){ .n = n, .h = h, .w = w, .c = c, .pitch = c };
    p->value.name = arena_fmt(g->arena, "%s.%s", prefix, name);
    p->value.data = heap_take(sizeof(float) * tensor_count(&p->value));
    p->trained = true;
    assert(!graph_param(g, p->value.name));
    g->params = heap_grow(g->params, sizeof(struct param *) * (g->n_params + 1));
    g->params[g->n_params++] = p;
    return p;
}

void nn_output(struct graph *g, struct tensor *x, const char *name)
{
    assert(x->from && !x->is_output);
    x->name = arena_str(g->arena, name);
    x->is_output = true;
}

enum err graph_share(struct graph *g, struct graph *other)
{
    for (size_t i = 0; i < g->n_params; i++) {
        struct param *p = g->params[i], *twin = graph_param(other, p->value.name);
        if (!twin || tensor_count(&twin->value) != tensor_count(&p->value))
            return fail(E_UNMEANT, "the networks differ: the other has no '%s' of that shape", p->value.name);
        if (!p->borrowed)
            free(p->value.data);
        p->value.data = twin->value.data;
        p->twin = &twin->value;
        p->borrowed = true;
    }
    return OK;
}

static void step_forward(const struct graph *g, struct step *s)
{
    if (s->kernel)
        s->kernel->forward(s);
    else
        s->node->kind->forward(s->node, g->use == GRAPH_TRAIN);
}

static void clear_gradients(struct step *s)
{
    for (int i = 0; i < s->node->n_in; i++) {
        struct tensor *x = s->node->in[i];
        if (x->grad && !step_adds(s, i))
            for (long p = 0; p < tensor_pixels(x); p++)
                memset(x->grad + p * x->pitch, 0, sizeof(float) * (size_t)x->c);
    }
}

static void step_backward(struct step *s)
{
    if (s->kernel) {
        s->kernel->backward(s);
    } else {
        clear_gradients(s);
        s->node->kind->backward(s->node);
    }
}

/* Numbers under 2^-126 are taken as 0 while a network runs: they change no result and cost hundreds of cycles each. */
enum { FLUSH_TO_ZERO = 0x8000, DENORMALS_ARE_ZERO = 0x40 };

void graph_set_step(struct graph *g, int64_t step, int64_t first_sample)
{
    g->draw.step = step;
    g->draw.first_sample = first_sample;
}

int graph_segment_start(const struct graph *g, int i)
{
    while (i > 0 && g->steps[i - 1].segment == g->steps[i].segment)
        i--;
    return i;
}

static void time_forward(struct graph *g, struct step *s)
{
    double at = profile_seconds(g);
    step_forward(g, s);
    s->forward_s += profile_seconds(g) - at;
}

/* The values of a segment that were forgotten. */
static void do_again(struct graph *g, int first, int last)
{
    for (int i = first; i <= last; i++)
        if (g->steps[i].again)
            time_forward(g, &g->steps[i]);
}

void graph_forward(struct graph *g)
{
    unsigned mode = _mm_getcsr();
    _mm_setcsr(mode | FLUSH_TO_ZERO | DENORMALS_ARE_ZERO);
    for (int i = 0; i < g->n_steps; i++)
        time_forward(g, &g->steps[i]);
    g->passes++;
    _mm_setcsr(mode);
}

void graph_backward(struct graph *g)
{
    assert(g->use == GRAPH_TRAIN);
    unsigned mode = _mm_getcsr();
    _mm_setcsr(mode | FLUSH_TO_ZERO | DENORMALS_ARE_ZERO);
    for (int i = g->n_steps - 1, first = g->n_steps; i >= 0; i--) {
        if (i < first) {
            first = graph_segment_start(g, i);
            do_again(g, first, i);
        }
        if (!g->steps[i].out->wants_grad)
            continue;
        double at = profile_seconds(g);
        step_backward(&g->steps[i]);
        g->steps[i].backward_s += profile_seconds(g) - at;
    }
    _mm_setcsr(mode);
}

void graph_zero_grad(struct graph *g)
{
    if (g->grad_memory)
        memset(g->grad_memory, 0, g->grad_bytes);
}

size_t graph_params(struct graph *g, struct param ***ret)
{
    *ret = g->params;
    return g->n_params;
}

struct param *graph_param(struct graph *g, const char *name)
{
    for (size_t i = 0; i < g->n_params; i++)
        if (strcmp(g->params[i]->value.name, name) == 0)
            return g->params[i];
    return NULL;
}

struct tensor *graph_output(struct graph *g, const char *name)
{
    for (int i = 0; i < g->n_tensors; i++)
        if (g->tensors[i]->is_output && strcmp(g->tensors[i]->name, name) == 0)
            return g->tensors[i];
    return NULL;
}

struct node *graph_nodes(struct graph *g)
{
    return g->first;
}

const char *node_kind(const struct node *n)
{
    return n->kind->name;
}

size_t graph_peak_bytes(const struct graph *g)
{
    size_t bytes = g->memory_bytes + g->grad_bytes;
    for (size_t i = 0; i < g->n_params; i++)
        bytes += g->params[i]->borrowed ? 0 : sizeof(float) * tensor_count(&g->params[i]->value);
    return bytes;
}

size_t graph_value_bytes(const struct graph *g, double *ret_over_ideal)
{
    *ret_over_ideal = (double)g->memory_bytes / (double)g->ideal_bytes;
    return g->memory_bytes;
}

bool graph_recomputes(const struct graph *g)
{
    return g->steps[g->n_steps - 1].segment > 0;
}
