#include "learn/task/weigh.h"
#include "base/arena.h"
#include "learn/data/random.h"
#include <float.h>
#include <stdlib.h>
#include <string.h>

enum { EVERY_IOU = (1 << IOU_STEPS) - 1 };

static struct lot lot_of(const struct of_label *l, int range)
{
    struct lot lot = { heap_take((l->n + 1) * sizeof *lot.items), 0 };
    for (const struct verdict *v = l->items; v < l->items + l->n; v++) {
        uint16_t right = v->right[range], wrong = (uint16_t)(EVERY_IOU & ~right & ~v->does_not_count[range]);
        if (right | wrong)
            lot.items[lot.n++] = (struct seen){ v->image, right, wrong };
    }
    return lot;
}

struct weighing *weighing_new(const struct metrics *m, int ranges)
{
    struct weighing *w = heap_take(sizeof *w);
    size_t most = 1;
    *w = (struct weighing){ .of = m, .ranges = ranges };
    w->lots = heap_take((size_t)(m->labels * ranges + 1) * sizeof *w->lots);
    for (int i = 0; i < m->labels * ranges; i++) {
        w->lots[i] = lot_of(&m->of[i / ranges], i % ranges);
        most = w->lots[i].n > most ? w->lots[i].n : most;
        w->n += w->lots[i].n;
    }
    w->drawn = heap_take((most + 1) * sizeof *w->drawn); /* one is written before it is known whether it stays */
    w->precision = heap_take(most * sizeof(double));
    w->recall = heap_take(most * sizeof(double));
    return w;
}

void weighing_free(struct weighing *w)
{
    if (!w)
        return;
    for (int i = 0; i < w->of->labels * w->ranges; i++)
        free(w->lots[i].items);
    free(w->lots);
    free(w->drawn);
    free(w->precision);
    free(w->recall);
    free(w);
}

/* Ten curves are drawn of them: what the draw does not have is passed over once. */
static size_t drawn_of(const struct weighing *w, const struct lot *l, const uint32_t *weight)
{
    size_t n = 0;
    for (const struct seen *s = l->items; s < l->items + l->n; s++) {
        uint32_t times = weight[s->image];
        w->drawn[n] = (struct seen){ times, s->right, s->wrong };
        n += times > 0;
    }
    return n;
}

/* As average_precision() of metrics.c, counting each detection as often as its image is there. Equal images' detections share a
 * score: only the last of them matters, since precision is made falling. */
static double average_precision(const struct weighing *w, size_t seen, double truths, int t)
{
    double right = 0, wrong = 0, sum = 0;
    size_t n = 0, at = 0;
    for (const struct seen *s = w->drawn; s < w->drawn + seen; s++) {
        double times = s->image;
        if (s->right >> t & 1) {
            right += times;
            w->precision[n] = right / (right + wrong + DBL_EPSILON);
            w->recall[n++] = right / truths;
        } else if (s->wrong >> t & 1) {
            wrong += times;
        }
    }
    for (size_t i = n; i > 1; i--)
        if (w->precision[i - 1] > w->precision[i - 2])
            w->precision[i - 2] = w->precision[i - 1];
    for (int r = 0; r < RECALL_STEPS; r++) {
        while (at < n && w->recall[at] < recall_step(r))
            at++;
        sum += at < n ? w->precision[at] : 0;
    }
    return sum / RECALL_STEPS;
}

static double average_recall(const struct weighing *w, size_t seen, double truths)
{
    double right = 0;
    for (const struct seen *s = w->drawn; s < w->drawn + seen; s++)
        right += (double)s->image * __builtin_popcount(s->right);
    return right / truths / IOU_STEPS;
}

double weighed_truths(const struct of_label *l, int range, const uint32_t *weight)
{
    double n = 0;
    for (size_t i = 0; i < l->n_there; i++)
        n += (double)l->there[i].truths[range] * weight[l->there[i].image];
    return n;
}

struct weighed weigh(const struct weighing *w, int label, int range, const uint32_t *weight)
{
    double truths = weighed_truths(&w->of->of[label], range, weight), ap[IOU_STEPS], mean = 0;
    if (truths <= 0)
        return (struct weighed){ -1, -1, -1, -1 };
    size_t seen = drawn_of(w, &w->lots[label * w->ranges + range], weight);
    for (int t = 0; t < IOU_STEPS; t++) {
        ap[t] = average_precision(w, seen, truths, t);
        mean += ap[t] / IOU_STEPS;
    }
    return (struct weighed){ mean, ap[0], ap[IOU_STEPS / 2], average_recall(w, seen, truths) };
}

struct weighed weigh_all(const struct weighing *w, int range, const uint32_t *weight, struct weighed *each)
{
    struct weighed sum = { 0 };
    int n = 0;
    for (int i = 0; i < w->of->labels; i++) {
        struct weighed one = weigh(w, i, range, weight);
        if (each)
            each[i] = one;
        if (one.ap < 0)
            continue;
        n++;
        sum = (struct weighed){ sum.ap + one.ap, sum.ap50 + one.ap50, sum.ap75 + one.ap75, sum.ar + one.ar };
    }
    return n ? (struct weighed){ sum.ap / n, sum.ap50 / n, sum.ap75 / n, sum.ar / n } : (struct weighed){ -1, -1, -1, -1 };
}

void weights_draw(uint64_t seed, int i, uint32_t *weight, size_t images)
{
    struct random r = random_of(seed, 0x626f6f74, (uint64_t)i);
    memset(weight, 0, images * sizeof *weight);
    for (size_t k = 0; k < images; k++)
        weight[random_below(&r, images)]++;
}

int draws_for(const struct weighing *w)
{
    enum { MOST = 400, LEAST = 100, DETECTIONS = 2000000 };
    size_t times = DETECTIONS / (w->n + 1);
    return times > MOST ? MOST : times < LEAST ? LEAST : (int)times;
}
