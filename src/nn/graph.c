#include "nn/ops.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { OUTPUTS = 16 };

struct graph {
    struct arena *arena;
    uint64_t random;
    struct node *first, *last;
    struct tensor *inputs[OUTPUTS], *outputs[OUTPUTS];
    size_t n_inputs, n_outputs;
    struct param **params;
    size_t n_params, params_room;
    struct graph *shared_with;
    enum graph_use use;
    bool planned;
    float *values, *grads, *weights, *weight_grads, *scratch;
    size_t n_values, n_grads, n_weights, scratch_room;
};

struct graph *graph_new(uint64_t seed)
{
    struct graph *g = heap_take(sizeof *g);
    g->arena = arena_new();
    g->random = seed * 0x9e3779b97f4a7c15u + 0x853c49e6748fea9bu;
    return g;
}

void graph_free(struct graph *g)
{
    if (!g)
        return;
    for (struct node *n = g->first; n; n = n->next)
        if (n->release)
            n->release(n->kept);
    free(g->values);
    free(g->grads);
    free(g->weights);
    free(g->weight_grads);
    free(g->scratch);
    free(g->params);
    arena_free(g->arena);
    free(g);
}

/* splitmix64 (Steele et al. 2014) */
double graph_random(struct graph *g)
{
    uint64_t z = g->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

struct node *graph_add_node(struct graph *g, const struct op_kind *kind, int n, int h, int w, int c)
{
    struct node *node = arena_take(g->arena, sizeof *node);
    *node = (struct node){ .kind = kind, .graph = g, .out = { .n = n, .h = h, .w = w, .c = c } };
    node->out.from = node;
    node->writes_to = &node->out;
    *(g->last ? &g->last->next : &g->first) = node;
    g->last = node;
    return node;
}

struct param *graph_add_param(struct graph *g, const char *name, int n, int h, int w, int c, bool decay, bool trained)
{
    struct param *p = arena_take(g->arena, sizeof *p);
    p->value = (struct tensor){ .n = n, .h = h, .w = w, .c = c, .name = arena_str(g->arena, name) };
    p->decay = decay;
    p->trained = trained;
    p->value.data = arena_new_array(g->arena, float, tensor_count(&p->value)); /* until the plan gives it its place */
    if (g->n_params == g->params_room) {
        g->params_room = g->params_room ? g->params_room * 2 : 64;
        g->params = heap_grow(g->params, g->params_room * sizeof(struct param *));
    }
    g->params[g->n_params++] = p;
    return p;
}

struct tensor *nn_input(struct graph *g, const char *name, int n, int h, int w, int c)
{
    struct tensor *t = arena_take(g->arena, sizeof *t);
    *t = (struct tensor){ .n = n, .h = h, .w = w, .c = c, .name = arena_str(g->arena, name) };
    g->inputs[g->n_inputs++] = t;
    return t;
}

void nn_output(struct graph *g, struct tensor *t, const char *name)
{
    t->name = arena_str(g->arena, name);
    g->outputs[g->n_outputs++] = t;
}

struct tensor *graph_output(struct graph *g, const char *name)
{
    for (size_t i = 0; i < g->n_outputs; i++)
        if (strcmp(g->outputs[i]->name, name) == 0)
            return g->outputs[i];
    return NULL;
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

struct node *graph_nodes(struct graph *g)
{
    return g->first;
}

const char *node_kind(const struct node *n)
{
    return n->kind->name;
}

bool graph_trains(const struct graph *g)
{
    return g->use == GRAPH_TRAIN;
}

size_t graph_peak_bytes(const struct graph *g)
{
    return (g->n_values + g->n_grads + 2 * g->n_weights + g->scratch_room) * sizeof(float);
}

enum err graph_share(struct graph *g, struct graph *other)
{
    if (g->n_params != other->n_params)
        return fail(E_UNMEANT, "the networks differ: %zu and %zu parameters", g->n_params, other->n_params);
    for (size_t i = 0; i < g->n_params; i++) {
        struct tensor *a = &g->params[i]->value, *b = &other->params[i]->value;
        if (strcmp(a->name, b->name) != 0 || a->n != b->n || a->h != b->h || a->w != b->w || a->c != b->c)
            return fail(E_UNMEANT, "the networks differ at %s and %s", a->name, b->name);
        g->params[i]->twin = b;
    }
    g->shared_with = other;
    return OK;
}

/* ---- the plan */

static size_t aligned(size_t floats)
{
    return (floats + 15) & ~(size_t)15; /* 64 bytes */
}

static enum err block(size_t floats, const char *what, float **ret)
{
    if (floats > ((size_t)1 << 36) / sizeof(float))
        return fail(E_TOO_BIG, "%s need %zu MiB; at most 64 GiB are allowed", what, floats >> 18);
    size_t bytes = aligned(floats ? floats : 1) * sizeof(float);
    float *p = aligned_alloc(64, bytes);
    if (!p)
        return fail(E_BROKEN, "no memory for %s (%zu MiB)", what, bytes >> 20);
    memset(p, 0, bytes);
    *ret = p;
    return OK;
}

/* batch norm + SiLU in one pass, where nobody else reads what is between them. */
static void fuse(struct graph *g)
{
    for (struct node *n = g->first; n; n = n->next) {
        if (n->kind != &op_batch_norm)
            continue;
        struct node *user = NULL;
        int users = 0;
        for (struct node *m = n->next; m; m = m->next)
            for (int i = 0; i < m->n_in; i++)
                if (m->in[i] == &n->out) {
                    user = m;
                    users++;
                }
        if (users == 1 && user->kind == &op_silu && !n->out.name) {
            n->writes_to = &user->out;
            user->fused_away = true;
        }
    }
}

static bool has_place(const struct node *n)
{
    return n->writes_to == &n->out;
}

static enum err place_values(struct graph *g)
{
    size_t floats = 0;
    for (size_t i = 0; i < g->n_inputs; i++)
        floats += aligned(tensor_count(g->inputs[i]));
    for (struct node *n = g->first; n; n = n->next)
        floats += has_place(n) ? aligned(tensor_count(&n->out)) : 0;
    g->n_values = floats;
    g->n_grads = graph_trains(g) ? floats : 0;
    TRY(block(floats, "the network's values", &g->values));
    if (graph_trains(g))
        TRY(block(floats, "the network's gradients", &g->grads));
    size_t at = 0;
    for (size_t i = 0; i < g->n_inputs; i++) {
        g->inputs[i]->data = g->values + at;
        at += aligned(tensor_count(g->inputs[i]));
    }
    for (struct node *n = g->first; n; n = n->next)
        if (has_place(n)) {
            n->out.data = g->values + at;
            n->out.grad = graph_trains(g) ? g->grads + at : NULL;
            at += aligned(tensor_count(&n->out));
        }
    return OK;
}

static enum err place_params(struct graph *g)
{
    size_t floats = 0;
    for (size_t i = 0; i < g->n_params; i++)
        floats += aligned(tensor_count(&g->params[i]->value));
    g->n_weights = floats;
    if (!g->shared_with)
        TRY(block(floats, "the weights", &g->weights));
    if (graph_trains(g))
        TRY(block(floats, "the gradients of the weights", &g->weight_grads));
    size_t at = 0;
    for (size_t i = 0; i < g->n_params; i++) {
        struct param *p = g->params[i];
        size_t n = tensor_count(&p->value);
        if (p->twin) {
            p->value.data = p->twin->data;
        } else {
            memcpy(g->weights + at, p->value.data, n * sizeof(float));
            p->value.data = g->weights + at;
        }
        p->value.grad = graph_trains(g) && p->trained ? g->weight_grads + at : NULL;
        at += aligned(n);
    }
    return OK;
}

enum err graph_plan(struct graph *g, enum graph_use use, bool plain)
{
    if (g->planned)
        return fail(E_BROKEN, "the graph is planned already");
    g->use = use;
    g->planned = true;
    if (!plain)
        fuse(g);
    TRY(place_values(g));
    TRY(place_params(g));
    dnnl_one_thread();
    for (struct node *n = g->first; n; n = n->next) {
        n->forward = n->kind->forward;
        n->backward = n->kind->backward;
        if (plain || !dnnl_take(n, graph_trains(g)))
            if (n->kind->prepare)
                n->kind->prepare(n, graph_trains(g));
    }
    return OK;
}

/* ---- running */

void graph_forward(struct graph *g)
{
    dnnl_one_thread();
    for (struct node *n = g->first; n; n = n->next)
        if (!n->fused_away)
            n->forward(n);
}

void graph_backward(struct graph *g)
{
    dnnl_one_thread();
    struct node **order = heap_take(sizeof *order);
    size_t count = 0;
    for (struct node *n = g->first; n; n = n->next) {
        n->out_grad_written = n->out.name != NULL; /* outputs: by the loss */
        count++;
    }
    order = heap_grow(order, (count + 1) * sizeof *order);
    size_t i = 0;
    for (struct node *n = g->first; n; n = n->next)
        order[i++] = n;
    while (i--) {
        struct node *n = order[i], *last = n->writes_to->from;
        if (!n->fused_away && last->out_grad_written)
            n->backward(n);
    }
    free(order);
}

float *graph_scratch(struct graph *g, size_t floats)
{
    if (g->scratch_room < floats) {
        free(g->scratch);
        g->scratch_room = aligned(floats);
        g->scratch = aligned_alloc(64, g->scratch_room * sizeof(float));
        if (!g->scratch)
            abort();
    }
    return g->scratch;
}

float *node_grad(struct node *n, int i)
{
    struct tensor *t = n->in[i];
    if (!t->grad)
        return NULL; /* an input of the graph */
    if (t->from->out_grad_written)
        return graph_scratch(n->graph, tensor_count(t));
    t->from->out_grad_written = true;
    return t->grad;
}

void node_grad_done(struct node *n, int i, float *grad)
{
    struct tensor *t = n->in[i];
    if (!grad || grad == t->grad)
        return;
    for (size_t k = 0, count = tensor_count(t); k < count; k++)
        t->grad[k] += grad[k];
}

void graph_zero_grad(struct graph *g)
{
    if (g->weight_grads)
        memset(g->weight_grads, 0, g->n_weights * sizeof(float));
}

const char *nn_backend(void)
{
    const char *name = dnnl_name();
    return name ? name : "plain loops";
}
