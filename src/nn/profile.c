/* Where a pass spends its time. Processor time, not the wall's: others use the machine too. */
#include "nn/profile.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

double thread_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double profile_seconds(const struct graph *g)
{
    return g->profiled ? thread_seconds() : 0;
}

static const char *name_of(const struct step *s)
{
    return s->kernel ? s->kernel->name : s->node->kind->name;
}

/* What the first node of a step does, and to what: only convolutions differ enough among themselves to be told apart. */
static const char *describe(const struct step *s, struct arena *a)
{
    const struct node *n = s->node;
    const struct tensor *x = n->in[0], *y = s->out;
    if (!n->params[0] || n->attr.kernel < 1)
        return name_of(s);
    bool depthwise = n->attr.groups > 1 && n->attr.groups == x->c;
    return arena_fmt(a, "%s: %dx%d%s%s %s%d%s", name_of(s), n->attr.kernel, n->attr.kernel, n->attr.stride > 1 ? "/2" : "",
                     depthwise ? " depthwise" : "", depthwise ? "" : arena_fmt(a, "%d > ", x->c), y->c,
                     arena_fmt(a, " at %dx%d", y->h, y->w));
}

/* Multiplications and additions of convolutions; what the other operators calculate is small beside the memory they touch. */
static double flop_of(const struct step *s)
{
    const struct node *n = s->node;
    if (!n->params[0] || n->attr.kernel < 1)
        return 0;
    return 2.0 * (double)tensor_count(&n->out) * (double)tensor_count(&n->params[0]->value) / n->out.c;
}

static double bytes_of(const struct step *s)
{
    size_t floats = tensor_count(s->out);
    for (int i = 0; i < s->node->n_in; i++)
        floats += tensor_count(s->node->in[i]);
    return sizeof(float) * (double)floats;
}

static int by_time(const void *a, const void *b)
{
    const struct cost *x = a, *y = b;
    double s = x->forward_s + x->backward_s, t = y->forward_s + y->backward_s;
    return (s < t) - (s > t);
}

static struct cost cost_of(const struct graph *g, const struct step *s, struct arena *a, bool each_shape)
{
    struct cost c = { .what = each_shape ? describe(s, a) : name_of(s), .steps = 1 };
    double passes = g->passes > 0 ? g->passes : 1;
    bool data = s->node->in[0]->wants_grad;
    c.forward_s = s->forward_s / passes;
    c.backward_s = s->backward_s / passes;
    c.forward_flop = flop_of(s);
    c.backward_flop = s->out->wants_grad ? c.forward_flop * (data ? 2 : 1) : 0;
    c.forward_bytes = bytes_of(s);
    c.backward_bytes = s->out->wants_grad ? 2 * c.forward_bytes : 0;
    return c;
}

static void add_cost(struct cost *to, const struct cost *c)
{
    to->steps += c->steps;
    to->forward_s += c->forward_s;
    to->backward_s += c->backward_s;
    to->forward_flop += c->forward_flop;
    to->backward_flop += c->backward_flop;
    to->forward_bytes += c->forward_bytes;
    to->backward_bytes += c->backward_bytes;
}

int graph_costs(struct graph *g, struct arena *a, bool each_shape, struct cost **ret)
{
    struct cost *all = arena_new_array(a, struct cost, g->n_steps);
    int n = 0;
    for (int i = 0; i < g->n_steps; i++) {
        struct cost c = cost_of(g, &g->steps[i], a, each_shape);
        int k = 0;
        while (k < n && strcmp(all[k].what, c.what) != 0)
            k++;
        if (k < n)
            add_cost(&all[k], &c);
        else
            all[n++] = c;
        g->steps[i].forward_s = g->steps[i].backward_s = 0;
    }
    g->passes = 0;
    g->profiled = true;
    qsort(all, (size_t)n, sizeof *all, by_time);
    *ret = all;
    return n;
}
