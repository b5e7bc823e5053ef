/* The intervals of all figures of some images: those of every draw are kept side by side, and what lies between them is told. */
#include "learn/task/weigh.h"
#include <stdlib.h>

/* Draw i of figure f (a spread_figure) of a part at [(part * SPREAD_FIGURES + f) * times + i]; part 0 is the whole, then come the
 * labels. */
struct table {
    double *values;
    int times, parts;
};

static void put(struct table *t, int part, int f, int i, double value)
{
    if (part < t->parts)
        t->values[(size_t)(part * SPREAD_FIGURES + f) * (size_t)t->times + (size_t)i] = value;
}

/* ---- average precision and recall */

static void put_range(struct table *t, int part, int range, int i, struct weighed v)
{
    if (range) {
        put(t, part, OF_AP_SIZE + range - 1, i, v.ap);
        put(t, part, OF_AR_SIZE + range - 1, i, v.ar);
        return;
    }
    put(t, part, OF_AP, i, v.ap);
    put(t, part, OF_AP50, i, v.ap50);
    put(t, part, OF_AP75, i, v.ap75);
    put(t, part, OF_AR, i, v.ar);
}

static void average_draw(const struct weighing *w, const uint32_t *weight, struct weighed *each, struct table *t, int i)
{
    for (int range = 0; range < AREAS; range++) {
        put_range(t, 0, range, i, weigh_all(w, range, weight, each));
        for (int k = 0; k < w->of->labels; k++)
            put_range(t, 1 + k, range, i, each[k]);
    }
}

/* ---- at the score */

/* What is counted of a label from the score on, at IoU 0.5. */
struct at_score {
    double right, said, truths;
};
static struct at_score count_at(const struct of_label *l, const uint32_t *weight, double score)
{
    struct at_score n = { .truths = weighed_truths(l, 0, weight) };
    for (const struct verdict *v = l->items; v < l->items + l->n && v->score >= score; v++)
        if (!(v->does_not_count[0] & 1)) {
            n.said += weight[v->image];
            n.right += v->right[0] & 1 ? weight[v->image] : 0;
        }
    return n;
}

static void put_counts(struct table *t, int part, int i, struct at_score n)
{
    bool any = n.truths > 0;
    put(t, part, OF_PRECISION, i, !any ? -1 : n.said > 0 ? n.right / n.said : 0);
    put(t, part, OF_RECALL, i, any ? n.right / n.truths : -1);
    put(t, part, OF_F1, i, any ? 2 * n.right / (n.said + n.truths) : -1);
}

static void count_draw(const struct metrics *m, const uint32_t *weight, double score, struct table *t, int i)
{
    struct at_score all = { 0 };
    for (int k = 0; k < m->labels; k++) {
        struct at_score n = count_at(&m->of[k], weight, score);
        all = (struct at_score){ all.right + n.right, all.said + n.said, all.truths + n.truths };
        put_counts(t, 1 + k, i, n);
    }
    put_counts(t, 0, i, all);
}

/* ---- all of it */

static void fill(const struct metrics *m, const struct weighing *w, uint64_t seed, double score, struct table *t)
{
    size_t images = (size_t)m->images;
    uint32_t *weight = heap_take((images + 1) * sizeof *weight);
    struct weighed *each = heap_take(((size_t)m->labels + 1) * sizeof *each);
    for (int i = 0; i < t->times; i++) {
        weights_draw(seed, i, weight, images);
        average_draw(w, weight, each, t, i);
        count_draw(m, weight, score, t, i);
    }
    free(weight);
    free(each);
}

/* Of the draws in which there was something to find; the others have -1. */
static void conclude(const struct table *t, int part, double *room, struct spread_part *ret)
{
    const double *v = t->values + (size_t)(part * SPREAD_FIGURES) * (size_t)t->times;
    for (int f = 0; f < SPREAD_FIGURES; f++, v += t->times) {
        int n = 0;
        for (int i = 0; i < t->times; i++)
            if (v[i] >= 0)
                room[n++] = v[i];
        ret->known[f] = n > 0;
        if (n)
            ret->of[f] = interval_of(room, n, 0.95);
    }
}

void metrics_spread(const struct metrics *m, struct arena *a, uint64_t seed, double score, struct spread *ret)
{
    *ret = (struct spread){ 0 };
    if (m->images < 2)
        return;
    AUTO(weighing) struct weighing *w = weighing_new(m, AREAS);
    int labels = m->labels <= SPREAD_LABELS ? m->labels : 0;
    struct table t = { .times = draws_for(w), .parts = 1 + labels };
    t.values = heap_take((size_t)(t.parts * SPREAD_FIGURES) * (size_t)t.times * sizeof *t.values);
    double *room = heap_take((size_t)t.times * sizeof *room);
    fill(m, w, seed, score, &t);
    conclude(&t, 0, room, &ret->all);
    ret->labels = labels ? arena_new_array(a, struct spread_part, labels) : NULL;
    for (int k = 0; k < labels; k++)
        conclude(&t, 1 + k, room, &ret->labels[k]);
    free(room);
    free(t.values);
}
