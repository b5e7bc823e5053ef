#include "nn/plan.h"
#include <stdlib.h>
#include <string.h>

struct buffer *buffer_root(struct buffer *b)
{
    while (b->root != b)
        b = b->root;
    return b;
}

static void make_root(struct buffer *b, const struct tensor *t)
{
    if (!b->root)
        *b = (struct buffer){ .root = b, .pitch = t->c };
    if (b->root != b)
        return;
    b->place = (struct place){ .bytes = tensor_value_bytes(t) * tensor_count(t), .first = INT32_MAX, .last = -1 };
    b->place.again_first = INT32_MAX;
    b->place.again_last = -1;
    b->kept = false;
}

static void make_roots(struct plan *p)
{
    struct graph *g = p->g;
    for (int i = 0; i < g->n_tensors; i++) {
        struct tensor *t = g->tensors[i];
        if (t->from && !p->maker[i])
            continue; /* inside a chain */
        make_root(&p->values[i], t);
        if (g->use == GRAPH_TRAIN && t->wants_grad)
            make_root(&p->grads[i], t);
    }
}

/* What the backward pass of a step reads: its inputs, its output. */
static unsigned keeps(const struct plan *p, const struct step *s)
{
    bool backward = p->g->use == GRAPH_TRAIN && s->out->wants_grad;
    return !backward ? 0 : s->kernel ? s->kernel->keeps : s->node->kind->keeps;
}

static struct buffer *value_of(struct plan *p, const struct tensor *t)
{
    return buffer_root(&p->values[t->id]);
}

/* Kept is what comes from outside, what goes outside, what another segment reads, and the last segment, which goes backward at
 * once. */
static void find_kept(struct plan *p)
{
    struct graph *g = p->g;
    int last = g->steps[g->n_steps - 1].segment;
    for (int i = 0; i < g->n_tensors; i++) {
        struct tensor *t = g->tensors[i];
        if (p->values[i].root)
            value_of(p, t)->kept |= !t->from || t->is_output || p->maker[i]->segment == last;
    }
    for (int i = 0; i < g->n_steps; i++)
        for (int k = 0; k < g->steps[i].node->n_in; k++) {
            struct tensor *x = g->steps[i].node->in[k];
            value_of(p, x)->kept |= p->maker[x->id] && p->maker[x->id]->segment != g->steps[i].segment;
        }
}

/* Done again is what makes a value that is not kept and that the backward pass reads, or that such a step reads. */
static void find_done_again(struct plan *p)
{
    struct graph *g = p->g;
    bool *wanted = arena_new_array(p->arena, bool, g->n_tensors);
    for (int i = g->n_steps - 1; i >= 0; i--) {
        const struct step *s = &g->steps[i];
        wanted[value_of(p, s->out) - p->values] |= (keeps(p, s) & KEEPS_OUT) != 0;
        for (int k = 0; k < s->node->n_in; k++)
            wanted[value_of(p, s->node->in[k]) - p->values] |= (keeps(p, s) & KEEPS_IN) != 0;
    }
    for (int i = g->n_steps - 1; i >= 0; i--) {
        struct step *s = &g->steps[i];
        s->again = !value_of(p, s->out)->kept && wanted[value_of(p, s->out) - p->values];
        for (int k = 0; s->again && k < s->node->n_in; k++)
            wanted[value_of(p, s->node->in[k]) - p->values] = true;
    }
}

static void set_times(struct plan *p)
{
    struct graph *g = p->g;
    int time = g->n_steps;
    for (int end = g->n_steps, first; end > 0; end = first) {
        first = graph_segment_start(g, end - 1);
        for (int i = first; i < end; i++)
            if (g->steps[i].again)
                p->again[i] = time++;
        for (int i = end - 1; i >= first; i--)
            p->back[i] = time++;
    }
    p->end = time;
}

static void use_buffer(struct buffer *b, int time)
{
    b = buffer_root(b);
    if (time < b->place.first)
        b->place.first = time;
    if (time > b->place.last)
        b->place.last = time;
}

/* In the backward pass. */
static void use_later(struct buffer *b, int time)
{
    b = buffer_root(b);
    if (b->kept) {
        use_buffer(b, time);
        return;
    }
    if (time < b->place.again_first)
        b->place.again_first = time;
    if (time > b->place.again_last)
        b->place.again_last = time;
}

static void use_always(struct plan *p, int i)
{
    for (int k = 0; k < 2; k++) {
        use_buffer(&p->values[i], k ? p->end : 0);
        if (p->grads[i].root)
            use_buffer(&p->grads[i], k ? p->end : 0);
    }
}

static void use_in_step(struct plan *p, int i)
{
    const struct step *s = &p->g->steps[i];
    use_buffer(&p->values[s->out->id], i);
    if (s->again)
        use_later(&p->values[s->out->id], p->again[i]);
    if (keeps(p, s) & KEEPS_OUT)
        use_later(&p->values[s->out->id], p->back[i]);
    if (p->grads[s->out->id].root)
        use_buffer(&p->grads[s->out->id], p->back[i]);
    for (int k = 0; k < s->node->n_in; k++) {
        int id = s->node->in[k]->id;
        use_buffer(&p->values[id], i);
        if (s->again)
            use_later(&p->values[id], p->again[i]);
        if (keeps(p, s) & KEEPS_IN)
            use_later(&p->values[id], p->back[i]);
        if (p->grads[id].root)
            use_buffer(&p->grads[id], p->back[i]);
    }
}

void lifetimes_find(struct plan *p)
{
    struct graph *g = p->g;
    make_roots(p);
    find_kept(p);
    find_done_again(p);
    set_times(p);
    for (int i = 0; i < g->n_tensors; i++)
        if (p->values[i].root && (!g->tensors[i]->from || g->tensors[i]->is_output))
            use_always(p, i);
    for (int i = 0; i < g->n_steps; i++)
        use_in_step(p, i);
}

size_t places_list(struct plan *p, struct place **ret)
{
    size_t n = 0;
    for (int i = 0; i < p->g->n_tensors; i++) {
        if (p->values[i].root == &p->values[i])
            ret[n++] = &p->values[i].place;
        if (p->grads[i].root == &p->grads[i])
            ret[n++] = &p->grads[i].place;
    }
    return n;
}

/* ---- where to cut */

/* By step: bytes that it makes and that are in use until it goes backward; bytes that lie over the cut after it. */
struct weights {
    size_t *made, *across, all;
};

static struct weights weigh(struct plan *p)
{
    struct graph *g = p->g;
    struct weights w = { arena_new_array(p->arena, size_t, g->n_steps), arena_new_array(p->arena, size_t, g->n_steps), 0 };
    int *last_read = arena_new_array(p->arena, int, g->n_tensors);
    for (int i = 0; i < g->n_steps; i++)
        for (int k = 0; k < g->steps[i].node->n_in; k++)
            last_read[g->steps[i].node->in[k]->id] = i;
    for (int i = 0; i < g->n_steps; i++) {
        const struct tensor *t = g->steps[i].out;
        size_t bytes = t->is_output ? 0 : tensor_value_bytes(t) * tensor_count(t);
        const struct place *at = &value_of(p, t)->place;
        w.made[i] = at->last >= g->n_steps ? bytes : 0;
        w.all += w.made[i];
        for (int k = i; k < last_read[t->id]; k++)
            w.across[k] += bytes;
    }
    return w;
}

/* Segments of about `size` bytes, each cut where the fewest bytes lie across, in the second half of it. */
static void cut(struct graph *g, const struct weights *w, size_t size)
{
    int segment = 0, best = -1;
    size_t sum = 0;
    for (int i = 0; i < g->n_steps; i++) {
        g->steps[i].segment = segment;
        sum += w->made[i];
        if (sum >= size / 2 && (best < 0 || w->across[i] < w->across[best]))
            best = i;
        if (sum < size || best < 0 || i == g->n_steps - 1)
            continue;
        i = best; /* what came after it is the next segment's */
        segment++;
        sum = 0;
        best = -1;
    }
}

void recompute_choose(struct plan *p, size_t most)
{
    enum { SEGMENTS_MOST = 64 };
    struct graph *g = p->g;
    struct place **all = arena_new_array(p->arena, struct place *, 2 * g->n_tensors + 1);
    struct weights w = weigh(p);
    size_t least = places_ideal(all, places_list(p, all), p->end), best = 0;
    if (least <= most)
        return;
    for (size_t k = 2; k < SEGMENTS_MOST; k++) {
        size_t size = w.all / k + 1;
        cut(g, &w, size);
        lifetimes_find(p);
        size_t bytes = places_ideal(all, places_list(p, all), p->end);
        if (bytes < least) {
            least = bytes;
            best = size;
        }
    }
    cut(g, &w, best ? best : SIZE_MAX);
    lifetimes_find(p);
}
