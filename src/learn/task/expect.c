#include "learn/task/expect.h"
#include "learn/data/random.h"
#include "learn/task/rising.h"
#include "learn/task/verdict.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A label is gone by on its own from so many right and so many wrong detections on, else with all others together. */
enum { OWN = 30 };
static const double RECALL_LEAST = 0.05, TRUTHS_LEAST = 0.5;

/* What is said of one label in one image. */
struct glance {
    uint32_t image;
    double sure; /* mean score of the detections */
    double right, truths;
    uint32_t n;
};
struct glances {
    struct glance *items; /* those with detections, by rising `sure` */
    size_t n;
    double *without; /* by image: truths of images in which nothing was said; -1: something was */
};

static int by_sure(const void *a, const void *b)
{
    const struct glance *x = a, *y = b;
    return (x->sure > y->sure) - (x->sure < y->sure);
}

static struct glances look_at(const struct of_label *l, size_t images)
{
    struct glances g = { heap_take((images + 1) * sizeof *g.items), 0, heap_take((images + 1) * sizeof(double)) };
    struct glance *of = heap_take((images + 1) * sizeof *of);
    for (const struct verdict *v = l->items; v < l->items + l->n; v++) {
        of[v->image].n++;
        of[v->image].sure += v->score;
        of[v->image].right += v->right[0] & 1;
    }
    for (size_t i = 0; i < l->n_there; i++)
        of[l->there[i].image].truths = l->there[i].truths[0];
    for (size_t i = 0; i < images; i++) {
        g.without[i] = of[i].n ? -1 : of[i].truths;
        if (of[i].n) {
            of[i].image = (uint32_t)i;
            of[i].sure /= of[i].n;
            g.items[g.n++] = of[i];
        }
    }
    qsort(g.items, g.n, sizeof *g.items, by_sure);
    free(of);
    return g;
}

static void glances_done(struct glances *g)
{
    free(g->items);
    free(g->without);
}

/* All that one estimate goes by. */
struct estimate {
    const struct metrics *known, *seen;
    struct glances *of_known, *of_seen; /* of each label */
    struct glance *all;                 /* of all labels of the known, by rising `sure` */
    size_t n_all;
    const struct verdict **verdicts; /* of all labels of the known, by rising score */
    size_t n_verdicts;
    bool *own;                     /* of each label */
    struct rising right, recall;   /* of all labels together */
    struct rising mine, my_recall; /* of the label at hand */
    double *found;                 /* by image of the seen: how much is right there, of the label at hand */
    double *precision, *reached;   /* room for a curve */
};

static int by_rising_score(const void *a, const void *b)
{
    const struct verdict *x = *(const struct verdict *const *)a, *y = *(const struct verdict *const *)b;
    return (x->score > y->score) - (x->score < y->score);
}

static void gather(struct estimate *e)
{
    size_t n = 0, m = 0, most = 1;
    for (int i = 0; i < e->known->labels; i++) {
        n += e->known->of[i].n;
        m += e->of_known[i].n;
        most = e->seen->of[i].n > most ? e->seen->of[i].n : most;
    }
    e->verdicts = heap_take((n + 1) * sizeof *e->verdicts);
    e->all = heap_take((m + 1) * sizeof *e->all);
    for (int i = 0; i < e->known->labels; i++) {
        size_t right = 0;
        const struct of_label *l = &e->known->of[i];
        for (size_t k = 0; k < l->n; k++) {
            e->verdicts[e->n_verdicts++] = &l->items[k];
            right += l->items[k].right[0] & 1;
        }
        for (size_t k = 0; k < e->of_known[i].n; k++)
            e->all[e->n_all++] = e->of_known[i].items[k];
        e->own[i] = right >= OWN && l->n - right >= OWN;
    }
    qsort(e->verdicts, e->n_verdicts, sizeof *e->verdicts, by_rising_score);
    qsort(e->all, e->n_all, sizeof *e->all, by_sure);
    e->right = rising_new(n);
    e->mine = rising_new(n);
    e->recall = rising_new(m);
    e->my_recall = rising_new(m);
    e->precision = heap_take((most + 1) * sizeof(double));
    e->reached = heap_take((most + 1) * sizeof(double));
    e->found = heap_take(((size_t)e->seen->images + 1) * sizeof(double));
}

static struct estimate estimate_new(const struct metrics *known, const struct metrics *seen)
{
    size_t labels = (size_t)known->labels;
    struct estimate e = { .known = known, .seen = seen };
    e.of_known = heap_take((labels + 1) * sizeof *e.of_known);
    e.of_seen = heap_take((labels + 1) * sizeof *e.of_seen);
    e.own = heap_take(labels + 1);
    for (size_t i = 0; i < labels; i++) {
        e.of_known[i] = look_at(&known->of[i], (size_t)known->images);
        e.of_seen[i] = look_at(&seen->of[i], (size_t)seen->images);
    }
    gather(&e);
    return e;
}

static void estimate_done(struct estimate *e)
{
    for (int i = 0; i < e->known->labels; i++) {
        glances_done(&e->of_known[i]);
        glances_done(&e->of_seen[i]);
    }
    struct rising *curves[] = { &e->right, &e->recall, &e->mine, &e->my_recall };
    for (size_t i = 0; i < COUNT_OF(curves); i++)
        rising_done(curves[i]);
    void *all[] = { e->of_known, e->of_seen, e->own, e->verdicts, e->all, e->precision, e->reached, e->found };
    for (size_t i = 0; i < COUNT_OF(all); i++)
        free(all[i]);
}

/* ---- what the known teach; weight: how often each image is there */

static void learn_recall(struct rising *r, const struct glance *g, size_t n, const uint32_t *weight)
{
    rising_begin(r);
    for (size_t i = 0; i < n; i++)
        if (g[i].truths > 0)
            rising_add(r, g[i].sure, g[i].right / g[i].truths, g[i].truths * weight[g[i].image]);
}

static void learn_all(struct estimate *e, const uint32_t *weight)
{
    rising_begin(&e->right);
    for (size_t i = 0; i < e->n_verdicts; i++)
        rising_add(&e->right, e->verdicts[i]->score, e->verdicts[i]->right[0] & 1, weight[e->verdicts[i]->image]);
    learn_recall(&e->recall, e->all, e->n_all, weight);
}

static void learn_label(struct estimate *e, int label, const uint32_t *weight)
{
    const struct of_label *l = &e->known->of[label];
    rising_begin(&e->mine);
    for (size_t i = l->n; i > 0; i--)
        rising_add(&e->mine, l->items[i - 1].score, l->items[i - 1].right[0] & 1, weight[l->items[i - 1].image]);
    learn_recall(&e->my_recall, e->of_known[label].items, e->of_known[label].n, weight);
}

/* How many things there are in an image in which nothing was said. */
static double truths_without(const struct glances *g, size_t images, const uint32_t *weight)
{
    double truths = 0, n = 0;
    for (size_t i = 0; i < images; i++)
        if (g->without[i] >= 0) {
            truths += weight[i] * g->without[i];
            n += weight[i];
        }
    return n > 0 ? truths / n : 0;
}

/* ---- what is to be expected of the seen */

/* Precision and recall as detections come, best first; r: what is right is drawn, else it is as likely as it is. The sum. */
static double follow(struct estimate *e, int label, const uint32_t *weight, struct random *r, size_t *ret_n)
{
    const struct of_label *l = &e->seen->of[label];
    const struct rising *curve = e->own[label] ? &e->mine : &e->right;
    double right = 0, all = 0;
    *ret_n = 0;
    memset(e->found, 0, ((size_t)e->seen->images + 1) * sizeof *e->found);
    for (const struct verdict *v = l->items; v < l->items + l->n; v++) {
        double p = rising_at(curve, v->score, 0), times = weight[v->image];
        p = r ? random_unit(r) < (float)p : p;
        right += p * times;
        all += times;
        e->found[v->image] += p;
        if (all > 0) {
            e->precision[*ret_n] = right / (all + DBL_EPSILON);
            e->reached[(*ret_n)++] = right;
        }
    }
    return right;
}

/* What is right and what is missed. */
static double expected_truths(const struct estimate *e, int label, const uint32_t *of_known, const uint32_t *of_seen)
{
    const struct glances *g = &e->of_seen[label];
    const struct rising *curve = e->own[label] ? &e->my_recall : &e->recall;
    double n = 0, none = truths_without(&e->of_known[label], (size_t)e->known->images, of_known);
    for (size_t i = 0; i < g->n; i++) {
        double recall = fmax(RECALL_LEAST, rising_at(curve, g->items[i].sure, 1));
        n += of_seen[g->items[i].image] * e->found[g->items[i].image] / recall;
    }
    for (size_t i = 0; i < (size_t)e->seen->images; i++)
        n += g->without[i] >= 0 ? of_seen[i] * none : 0;
    return n;
}

/* As average_precision() of metrics.c. */
static double area(struct estimate *e, size_t n, double truths)
{
    double sum = 0;
    size_t at = 0;
    for (size_t i = n; i > 1; i--)
        e->precision[i - 2] = fmax(e->precision[i - 2], e->precision[i - 1]);
    for (int r = 0; r < RECALL_STEPS; r++) {
        while (at < n && e->reached[at] / truths < recall_step(r))
            at++;
        sum += at < n ? e->precision[at] : 0;
    }
    return sum / RECALL_STEPS;
}

static double expect_once(struct estimate *e, const uint32_t *of_known, const uint32_t *of_seen, struct random *r, double *labels)
{
    double sum = 0;
    int with = 0;
    learn_all(e, of_known);
    for (int i = 0; i < e->known->labels; i++) {
        size_t n;
        if (e->own[i])
            learn_label(e, i, of_known);
        double right = follow(e, i, of_seen, r, &n), truths = fmax(right, expected_truths(e, i, of_known, of_seen)), ap = -1;
        if (truths >= TRUTHS_LEAST) {
            ap = area(e, n, truths);
            sum += ap;
            with++;
        }
        if (labels)
            labels[i] = ap;
    }
    return with ? sum / with : -1;
}

static void draw(struct random *r, uint32_t *weight, size_t n)
{
    memset(weight, 0, n * sizeof *weight);
    for (size_t i = 0; i < n; i++)
        weight[random_below(r, n)]++;
}

void metrics_expect(const struct metrics *known, const struct metrics *seen, struct arena *a, uint64_t seed, int draws,
                    struct expected *ret)
{
    size_t n = (size_t)known->images, m = (size_t)seen->images;
    uint32_t *of_known = heap_take((n + 1) * sizeof *of_known), *of_seen = heap_take((m + 1) * sizeof *of_seen);
    double *values = heap_take(((size_t)draws + 1) * sizeof *values);
    int got = 0;
    struct estimate e = estimate_new(known, seen);
    *ret = (struct expected){ .labels = arena_new_array(a, double, known->labels + 1) };
    for (size_t i = 0; i < n; i++)
        of_known[i] = 1;
    for (size_t i = 0; i < m; i++)
        of_seen[i] = 1;
    ret->value = n && m ? expect_once(&e, of_known, of_seen, NULL, ret->labels) : -1;
    ret->known = ret->value >= 0;
    for (int i = 0; i < draws && ret->known; i++) {
        struct random r = random_of(seed, 0x65787063, (uint64_t)i);
        draw(&r, of_known, n);
        draw(&r, of_seen, m);
        values[got] = expect_once(&e, of_known, of_seen, &r, NULL);
        got += values[got] >= 0;
    }
    ret->in = got ? interval_of(values, got, 0.95) : (struct interval){ ret->value, ret->value };
    estimate_done(&e);
    free(of_known);
    free(of_seen);
    free(values);
}

/* ---- of classifiers */

static int by_said(const void *a, const void *b)
{
    const struct said *x = a, *y = b;
    return (x->score > y->score) - (x->score < y->score);
}

static double expect_share(struct rising *curve, const struct said *known, const uint32_t *of_known, size_t n, const double *seen,
                           size_t m, struct random *r)
{
    double sum = 0;
    rising_begin(curve);
    for (size_t i = 0; i < n; i++)
        rising_add(curve, known[i].score, known[i].right, of_known[i]);
    for (size_t i = 0; i < m; i++) {
        double p = rising_at(curve, seen[r ? random_below(r, m) : i], 0);
        sum += r ? random_unit(r) < (float)p : p;
    }
    return sum / (double)m;
}

void share_expect(const struct said *known, size_t n, const double *seen, size_t m, struct arena *a, uint64_t seed, int draws,
                  struct expected *ret)
{
    *ret = (struct expected){ .known = n && m };
    if (!ret->known)
        return;
    struct said *sorted = arena_new_array(a, struct said, n);
    uint32_t *weight = arena_new_array(a, uint32_t, n);
    double *values = arena_new_array(a, double, draws + 1);
    struct rising curve = rising_new(n);
    memcpy(sorted, known, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_said);
    for (size_t i = 0; i < n; i++)
        weight[i] = 1;
    ret->value = expect_share(&curve, sorted, weight, n, seen, m, NULL);
    for (int i = 0; i < draws; i++) {
        struct random r = random_of(seed, 0x65787063, (uint64_t)i);
        draw(&r, weight, n);
        values[i] = expect_share(&curve, sorted, weight, n, seen, m, &r);
    }
    ret->in = draws ? interval_of(values, draws, 0.95) : (struct interval){ ret->value, ret->value };
    rising_done(&curve);
}
