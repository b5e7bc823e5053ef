/* Turns nodes into steps and gives every value and gradient its place. */
#include "nn/plan.h"
#include <cpuid.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const size_t MEMORY_CAP = (size_t)64 << 30;

static void count_users(struct plan *p)
{
    for (struct node *n = p->g->first; n; n = n->next)
        for (int i = 0; i < n->n_in; i++)
            p->users[n->in[i]->id]++;
}

/* Below the first layer that is trained nothing goes back then. */
static void freeze(struct graph *g, const char *prefix)
{
    for (struct node *n = g->first; n; n = n->next)
        for (size_t i = 0; i < COUNT_OF(n->params) && n->params[i]; i++)
            if (strncmp(n->params[i]->value.name, prefix, strlen(prefix)) == 0) {
                n->params[i]->trained = false;
                n->attr.frozen = true;
            }
}

static void find_needed_gradients(struct graph *g)
{
    for (struct node *n = g->first; n; n = n->next) {
        for (int i = 0; i < n->n_in; i++)
            n->out.wants_grad |= n->in[i]->wants_grad;
        for (size_t i = 0; i < COUNT_OF(n->params); i++)
            n->out.wants_grad |= n->params[i] && n->params[i]->trained;
    }
}

/* Does a chain of nodes of these kinds begin at n, where each feeds the next alone? Sets the last. */
static bool chain_fits(const struct plan *p, const struct kernel *k, struct node *n, struct node **ret_last)
{
    for (int i = 0; i < CHAIN_MOST && k->chain[i]; i++, n = n->next) {
        if (!n || n->kind != k->chain[i])
            return false;
        if (i > 0 && (n->in[0] != &(*ret_last)->out || p->users[(*ret_last)->out.id] != 1 || (*ret_last)->out.is_output))
            return false;
        *ret_last = n;
    }
    return true;
}

static void choose_kernel(struct plan *p, struct step *s, struct node *n)
{
    for (const struct kernel *const *k = nn_kernels; *k; k++) {
        struct node *last = NULL;
        if (!((*k)->traits & (p->g->use == GRAPH_TRAIN ? FOR_TRAINING : FOR_INFERENCE)) || !chain_fits(p, *k, n, &last))
            continue;
        *s = (struct step){ .kernel = *k, .use = p->g->use, .bf16 = p->g->bf16, .node = n, .last = last, .out = &last->out };
        if (!(*k)->prepare || (*k)->prepare(s))
            return;
    }
    *s = (struct step){ .use = p->g->use, .node = n, .last = n, .out = &n->out };
}

static void choose_steps(struct plan *p, bool plain)
{
    struct graph *g = p->g;
    int n_nodes = 0;
    for (struct node *n = g->first; n; n = n->next)
        n_nodes++;
    g->steps = arena_new_array(g->arena, struct step, n_nodes);
    for (struct node *n = g->first; n;) {
        struct step *s = &g->steps[g->n_steps++];
        if (plain)
            *s = (struct step){ .use = g->use, .node = n, .last = n, .out = &n->out };
        else
            choose_kernel(p, s, n);
        p->maker[s->out->id] = s;
        n = s->last->next;
    }
}

/* A value is bf16 if the step that makes it and all that read it can have it so. */
static bool restrict_types(struct step *s)
{
    bool same = s->kernel && s->kernel->traits & SAME_TYPE, in = same || s->reads_half, out = same || s->writes_half, all = out;
    bool changed = false;
    for (int i = 0; i < s->node->n_in; i++)
        all &= s->node->in[i]->half;
    in &= !same || (all && s->out->half);
    out &= !same || all;
    changed |= s->out->half && !out;
    s->out->half &= out;
    for (int i = 0; i < s->node->n_in; i++) {
        changed |= s->node->in[i]->half && !in;
        s->node->in[i]->half &= in;
    }
    return changed;
}

static void choose_types(struct plan *p)
{
    struct graph *g = p->g;
    for (int i = 0; i < g->n_tensors; i++)
        g->tensors[i]->half = g->bf16 && g->tensors[i]->from && p->maker[i] && !g->tensors[i]->is_output;
    for (bool changed = g->bf16; changed;) {
        changed = false;
        for (int i = 0; i < g->n_steps; i++)
            changed |= restrict_types(&g->steps[i]);
    }
    for (int i = 0; i < g->n_steps; i++)
        if (g->steps[i].kernel && g->steps[i].kernel->finish)
            g->steps[i].kernel->finish(&g->steps[i]);
}

/* Inputs of a concatenation that nobody else reads are written straight into it, where their kernel can do that. */
static void lay_inputs_into_concats(struct plan *p)
{
    for (int i = 0; i < p->g->n_steps; i++) {
        struct step *s = &p->g->steps[i];
        if (!s->kernel || strcmp(s->node->kind->name, "concat") != 0)
            continue;
        for (int k = 0, at = 0; k < s->node->n_in; at += s->node->in[k++]->c) {
            struct tensor *x = s->node->in[k];
            struct step *maker = p->maker[x->id];
            if (!maker || !maker->kernel || !(maker->kernel->traits & PITCHED_OUT) || p->users[x->id] != 1 || x->is_output ||
                x->half != s->out->half)
                continue;
            p->values[x->id] = (struct buffer){ .root = &p->values[s->out->id], .shift = at, .pitch = s->out->c };
            if (x->wants_grad)
                p->grads[x->id] = (struct buffer){ .root = &p->grads[s->out->id], .shift = at, .pitch = s->out->c };
        }
    }
}

/* An output that is the input lies where that does; nobody writes there again while either is read. */
static void share_values(struct plan *p)
{
    for (int i = 0; i < p->g->n_steps; i++) {
        struct step *s = &p->g->steps[i];
        if (s->kernel && s->kernel->traits & SAME_IN_INFERENCE)
            p->values[s->out->id] = (struct buffer){ .root = &p->values[s->node->in[0]->id], .pitch = s->out->c };
    }
}

static void share_gradients(struct plan *p)
{
    for (int i = 0; i < p->g->n_steps; i++) {
        struct step *s = &p->g->steps[i];
        if (!s->kernel || !(s->kernel->traits & (GRAD_IN_PLACE | GRAD_SHARED)) || s->out->is_output || p->grads[s->out->id].root)
            continue;
        for (int k = 0; k < s->node->n_in; k++) {
            struct tensor *x = s->node->in[k];
            if (!x->wants_grad || p->users[x->id] != 1 || x->is_output || p->grads[x->id].root || !p->maker[x->id] ||
                x->half != s->out->half)
                continue;
            p->grads[x->id] = (struct buffer){ .root = &p->grads[s->out->id], .pitch = x->c };
            break;
        }
    }
}

static void find_adds(struct plan *p)
{
    struct graph *g = p->g;
    bool *written = arena_new_array(p->arena, bool, g->n_tensors);
    for (int i = 0; i < g->n_tensors; i++)
        written[i] = g->tensors[i]->is_output;
    for (int i = g->n_steps - 1; i >= 0; i--)
        for (int k = 0; k < g->steps[i].node->n_in; k++) {
            int id = g->steps[i].node->in[k]->id;
            g->steps[i].adds |= (unsigned)written[id] << k;
            written[id] = true;
        }
}

/* Takes the memory in whole large pages, which the processor looks up faster. */
static enum err take_memory(size_t bytes, void **ret, char **ret_aligned)
{
    const size_t page = (size_t)2 << 20;
    TRY(big_take(bytes + page, MEMORY_CAP, "the values of the network", ret));
    *ret_aligned = (char *)(((uintptr_t)*ret + page - 1) & ~(uintptr_t)(page - 1));
    madvise(*ret_aligned, bytes, MADV_HUGEPAGE);
    return OK;
}

static enum err place_values(struct plan *p)
{
    struct graph *g = p->g;
    struct place **all = arena_new_array(p->arena, struct place *, 2 * g->n_tensors + 1);
    size_t n = places_list(p, all);
    struct place scratch = { .last = p->end, .again_last = -1 };
    for (int i = 0; i < g->n_steps; i++)
        if (g->steps[i].scratch_bytes > scratch.bytes)
            scratch.bytes = g->steps[i].scratch_bytes;
    all[n++] = &scratch;
    g->memory_bytes = places_pack(all, n);
    g->ideal_bytes = places_ideal(all, n, p->end);
    char *memory;
    TRY(take_memory(g->memory_bytes, &g->memory, &memory));
    for (int i = 0; i < g->n_steps; i++)
        g->steps[i].scratch = (float *)(memory + scratch.offset);
    for (int i = 0; i < g->n_tensors; i++) {
        struct tensor *t = g->tensors[i];
        if (p->values[i].root) {
            t->data =
                (void *)(memory + buffer_root(&p->values[i])->place.offset + (size_t)p->values[i].shift * tensor_value_bytes(t));
            t->pitch = p->values[i].pitch;
        }
        if (p->grads[i].root)
            t->grad =
                (void *)(memory + buffer_root(&p->grads[i])->place.offset + (size_t)p->grads[i].shift * tensor_value_bytes(t));
    }
    return OK;
}

static enum err place_params(struct graph *g)
{
    size_t floats = 0;
    for (size_t i = 0; i < g->n_params; i++)
        floats += g->params[i]->trained ? (tensor_count(&g->params[i]->value) + 15) & ~(size_t)15 : 0;
    g->grad_bytes = floats * sizeof(float);
    TRY(big_take(g->grad_bytes, MEMORY_CAP, "the gradients of the network", &g->grad_memory));
    float *at = g->grad_memory;
    for (size_t i = 0; i < g->n_params; i++) {
        struct param *p = g->params[i];
        size_t n = tensor_count(&p->value);
        if (p->trained) {
            p->value.grad = at;
            at += (n + 15) & ~(size_t)15;
        }
    }
    return OK;
}

bool processor_has_amx_bf16(void) /* Intel's manual, CPUID leaf 7: EDX bit 22 */
{
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && d & 1u << 22;
}

enum precision precision_here(enum precision asked)
{
    if (asked != PRECISION_AUTO)
        return asked;
    bool full_rate = __builtin_cpu_is("amd") && __builtin_cpu_supports("avx512bf16"); /* Intel's without AMX gain nothing */
    return full_rate || processor_has_amx_bf16() ? PRECISION_BF16 : PRECISION_F32;
}

enum err graph_plan(struct graph *g, enum graph_use use, bool plain)
{
    return graph_plan_with(g, &(struct plan_options){ .use = use, .precision = PRECISION_F32, .plain = plain });
}

enum err graph_plan_with(struct graph *g, const struct plan_options *o)
{
    enum graph_use use = o->use;
    AUTO(arena) struct arena *a = arena_new();
    struct plan p = { .g = g, .arena = a };
    g->use = use;
    g->bf16 = use == GRAPH_TRAIN && !o->plain && precision_here(o->precision) == PRECISION_BF16;
    p.users = arena_new_array(a, int, g->n_tensors);
    p.maker = arena_new_array(a, struct step *, g->n_tensors);
    p.values = arena_new_array(a, struct buffer, g->n_tensors);
    p.grads = arena_new_array(a, struct buffer, g->n_tensors);
    count_users(&p);
    if (o->frozen)
        freeze(g, o->frozen);
    if (use == GRAPH_TRAIN)
        find_needed_gradients(g);
    else
        for (int i = 0; i < g->n_tensors; i++)
            g->tensors[i]->wants_grad = false;
    choose_steps(&p, o->plain);
    choose_types(&p);
    lay_inputs_into_concats(&p);
    if (use == GRAPH_TRAIN)
        share_gradients(&p);
    else
        share_values(&p);
    p.again = arena_new_array(a, int, g->n_steps);
    p.back = arena_new_array(a, int, g->n_steps);
    lifetimes_find(&p);
    if (use == GRAPH_TRAIN && o->values_most)
        recompute_choose(&p, o->values_most);
    find_adds(&p);
    TRY(place_values(&p));
    return use == GRAPH_TRAIN ? place_params(g) : OK;
}
