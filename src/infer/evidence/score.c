/* How well what a model says agrees with what is there. */
#include "infer/evidence/search.h"
#include "learn/task/pairs.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SEED = 1, ORDERED_MOST = 300 }; /* more names are not tried in another order */

struct scoring {
    const struct evidence_question *q;
    const struct said *said;
    size_t n;
    struct arena *arena;
    struct score *score;
    int *pair[EVIDENCE_PICTURES]; /* of each box the truth that it stands for, whatever the labels; -1: none */
    double *sure, *right, *right_as_told;
};

static bool of_whole(const struct scoring *s)
{
    return s->q->wanted == WANT_LABELS;
}

static double *cell(const struct scoring *s, int said, int is)
{
    return &s->score->table[(size_t)said * (size_t)(s->q->n_names + 1) + (size_t)is];
}

/* ---- what stands for what */

static double overlap(const struct metrics_truth *t, const struct metrics_detection *d)
{
    double w = fmin(d->x + d->w, t->x + t->w) - fmax(d->x, t->x), h = fmin(d->y + d->h, t->y + t->h) - fmax(d->y, t->y);
    return w <= 0 || h <= 0 ? 0 : w * h / (d->w * d->h + t->w * t->h - w * h);
}

static void pair_picture(struct scoring *s, size_t i)
{
    const struct evidence_picture *p = &s->q->pictures[i];
    size_t n = s->said->n[i];
    struct metrics_truth *truth = arena_new_array(s->arena, struct metrics_truth, p->n + 1);
    struct metrics_detection *found = arena_new_array(s->arena, struct metrics_detection, n + 1);
    s->pair[i] = arena_new_array(s->arena, int, n + 1);
    for (size_t k = 0; k < p->n; k++) {
        truth[k] = p->truth[k];
        truth[k].label = 0;
    }
    for (size_t k = 0; k < n; k++) {
        found[k] = s->said->found[i][k];
        found[k].label = 0;
    }
    pair_boxes(truth, p->n, found, n, s->pair[i]);
    for (size_t k = 0; k < n; k++)
        if (s->pair[i][k] >= 0)
            *cell(s, s->said->found[i][k].label, p->truth[s->pair[i][k]].label) += fmin(found[k].score, 1);
}

static void pair_all(struct scoring *s)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct evidence_picture *p = &s->q->pictures[i];
        if (!of_whole(s))
            pair_picture(s, i);
        else if (s->said->n[i])
            *cell(s, s->said->found[i][0].label, p->label) += 1;
    }
}

/* ---- the best order of labels */

struct pairing {
    int said, is;
    double weight;
};
static int heaviest_first(const void *a, const void *b)
{
    const struct pairing *x = a, *y = b;
    if (x->weight != y->weight)
        return x->weight < y->weight ? 1 : -1;
    return (y->said == y->is) - (x->said == x->is);
}

/* What nothing is known of stays as it is, if its place is free. */
static void keep_rest(struct score *s, int names, const bool *taken)
{
    for (int i = 0; i < names; i++)
        if (s->order[i] < 0)
            s->order[i] = taken[i] ? names : i;
}

/* The heaviest pair first, each name once: what a confusion of a few things says would else outweigh many. */
static void find_order(struct scoring *s)
{
    int names = s->q->n_names;
    size_t n = 0, most = (size_t)names * (size_t)names;
    struct pairing *all = arena_new_array(s->arena, struct pairing, most + 1);
    bool *taken = arena_new_array(s->arena, bool, names + 1);
    for (int i = 0; i < names; i++) {
        s->score->order[i] = -1;
        for (int k = 0; k < names; k++)
            if (*cell(s, i, k) > 0)
                all[n++] = (struct pairing){ i, k, *cell(s, i, k) };
    }
    qsort(all, n, sizeof *all, heaviest_first);
    for (size_t i = 0; i < n; i++)
        if (s->score->order[all[i].said] < 0 && !taken[all[i].is]) {
            s->score->order[all[i].said] = all[i].is;
            taken[all[i].is] = true;
        }
    keep_rest(s->score, names, taken);
}

static void keep_order(struct score *s, int names)
{
    for (int i = 0; i < names; i++)
        s->order[i] = i;
}

/* ---- figures */

static struct metrics *metrics_of(const struct scoring *s, bool as_told)
{
    struct metrics *m = metrics_new(s->q->n_names + 1);
    for (size_t i = 0; i < s->n; i++) {
        const struct evidence_picture *p = &s->q->pictures[i];
        size_t n = s->said->n[i];
        struct metrics_detection *found = arena_new_array(s->arena, struct metrics_detection, n + 1);
        for (size_t k = 0; k < n; k++) {
            found[k] = s->said->found[i][k];
            found[k].label = as_told ? found[k].label : s->score->order[found[k].label];
        }
        metrics_add(m, p->truth, p->n, found, n);
    }
    return m;
}

static double average(struct scoring *s, bool as_told, bool with_draws, struct draws *ret)
{
    AUTO(metrics) struct metrics *m = metrics_of(s, as_told);
    struct detect_metrics figures;
    metrics_compute(m, s->arena, &figures);
    if (with_draws)
        metrics_resample(m, s->arena, SEED, ret);
    return figures.ap < 0 ? 0 : figures.ap;
}

static double mean_of(struct scoring *s, const double *values, bool with_draws, struct draws *ret)
{
    double sum = 0;
    for (size_t i = 0; i < s->n; i++)
        sum += values[i];
    if (with_draws)
        mean_resample(values, s->n, s->arena, SEED, ret);
    return s->n ? sum / (double)s->n : 0;
}

static void judge_boxes(struct scoring *s, size_t i)
{
    const struct evidence_picture *p = &s->q->pictures[i];
    double sure = 0, off = 0, met = 0;
    for (size_t k = 0; k < s->said->n[i]; k++) {
        const struct metrics_detection *d = &s->said->found[i][k];
        int at = s->pair[i][k];
        bool right = at >= 0 && s->score->order[d->label] == p->truth[at].label;
        off += (fmin(d->score, 1) - right) * (fmin(d->score, 1) - right);
        sure += right ? fmin(d->score, 1) * overlap(&p->truth[at], d) : 0;
        met += right;
    }
    s->sure[i] = p->n ? sure / (double)p->n : 0;
    s->score->off += off + (double)p->n - met;
}

static void judge_whole(struct scoring *s, size_t i)
{
    const struct metrics_detection *d = s->said->n[i] ? s->said->found[i] : NULL;
    int is = s->q->pictures[i].label;
    s->right_as_told[i] = d && d->label == is;
    s->right[i] = d && s->score->order[d->label] == is;
    s->sure[i] = s->right[i] > 0 ? fmin(d->score, 1) : 0;
    s->score->off += d ? (d->score - s->right[i]) * (d->score - s->right[i]) : 1;
}

static size_t things(const struct scoring *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        n += of_whole(s) ? 1 : s->q->pictures[i].n;
    return n ? n : 1;
}

void score_find(const struct evidence_question *q, const struct said *said, size_t n, bool with_draws, struct arena *a,
                struct score *ret)
{
    struct scoring s = { q, said, n, a, ret };
    *ret = (struct score){ .order = arena_new_array(a, int, q->n_names + 1),
                           .table = arena_new_array(a, double, (size_t)(q->n_names + 1) * (size_t)(q->n_names + 1)) };
    s.sure = arena_new_array(a, double, n + 1);
    s.right = arena_new_array(a, double, n + 1);
    s.right_as_told = arena_new_array(a, double, n + 1);
    ret->order[q->n_names] = q->n_names;
    pair_all(&s);
    if (q->n_names <= ORDERED_MOST)
        find_order(&s);
    else
        keep_order(ret, q->n_names);
    for (size_t i = 0; i < n; i++)
        (of_whole(&s) ? judge_whole : judge_boxes)(&s, i);
    ret->off /= (double)things(&s);
    ret->sure = mean_of(&s, s.sure, with_draws, &ret->sure_draws);
    if (of_whole(&s)) {
        ret->best_order = mean_of(&s, s.right, with_draws, &ret->best_order_draws);
        ret->as_told = mean_of(&s, s.right_as_told, with_draws, &ret->as_told_draws);
    } else {
        ret->best_order = average(&s, false, with_draws, &ret->best_order_draws);
        ret->as_told = average(&s, true, with_draws, &ret->as_told_draws);
    }
}

/* ---- one description beside another */

/* What makes a score of a number is not told by how sure the model then is. */
static bool scored_alike(const struct variant *a, const struct variant *b)
{
    return a->choice.of[AXIS_SCORE] == b->choice.of[AXIS_SCORE];
}

static int sign(double x, double least)
{
    return x > least ? 1 : x < -least ? -1 : 0;
}

#define REORDERED 0.02

/* Another order of the labels must be worth it. Scores that mean nothing count a little: average precision knows their order only,
 * which is the same by several readings. */
static double worth(const struct score *s)
{
    static const double OFF = 0.01, OFF_MOST = 3;
    return fmax(s->as_told, s->best_order - REORDERED) - OFF * fmin(s->off, OFF_MOST);
}

int variant_compare(const struct variant *a, const struct variant *b)
{
    static const struct choice usual;
    const struct score *x = &a->score, *y = &b->score;
    if (a->works != b->works)
        return a->works ? 1 : -1;
    int by[] = {
        sign(worth(x) - worth(y), 1e-9),     sign(x->best_order - y->best_order, 1e-9),
        sign(x->as_told - y->as_told, 1e-9), scored_alike(a, b) ? sign(x->sure - y->sure, 1e-7) : 0,
        sign(y->off - x->off, 1e-7),         choice_changes(b->choice, usual, true) - choice_changes(a->choice, usual, true)
    };
    for (size_t i = 0; i < COUNT_OF(by); i++)
        if (by[i])
            return by[i] > 0 ? 1 : -1;
    return 0;
}

bool variant_alike(const struct variant *a, const struct variant *b)
{
    const struct score *x = &a->score, *y = &b->score;
    return a->works && b->works && fabs(x->best_order - y->best_order) < 1e-9 && fabs(x->as_told - y->as_told) < 1e-9 &&
           fabs(x->sure - y->sure) < 1e-7 && fabs(x->off - y->off) < 1e-7;
}

static bool near(const struct draws *a, const struct draws *b)
{
    static const double MARGIN = 0.01;
    int n = a->n < b->n ? a->n : b->n, apart = 0;
    for (int i = 0; i < n; i++)
        apart += fabs(a->ap[i] - b->ap[i]) > MARGIN;
    return n && apart <= n * (1 - LEADS);
}

bool variant_near(const struct variant *a, const struct variant *b)
{
    return a->works && b->works && scored_alike(a, b) && near(&a->score.best_order_draws, &b->score.best_order_draws) &&
           near(&a->score.as_told_draws, &b->score.as_told_draws);
}

static double lead(const double *a, int n_a, const double *b, int n_b)
{
    int n = n_a < n_b ? n_a : n_b;
    return n ? (share_better(a, b, n, 1e-9) + 1 - share_better(b, a, n, 1e-9)) / 2 : 0.5;
}

/* Of labels in a wrong order it means nothing how well they agree as they are. */
static bool in_order(const struct score *s)
{
    return s->as_told >= s->best_order - REORDERED;
}

/* Draw by draw the same pictures. A later figure decides only what earlier ones leave open, and never against them. */
double variant_lead(const struct variant *a, const struct variant *b)
{
    const struct score *x = &a->score, *y = &b->score;
    if (!b->works)
        return 1;
    if (!scored_alike(a, b) && near(&x->best_order_draws, &y->best_order_draws))
        return x->off < 0.9 * y->off ? 1 : 0.5;
    double by[] = { lead(x->best_order_draws.ap, x->best_order_draws.n, y->best_order_draws.ap, y->best_order_draws.n),
                    in_order(x) ? lead(x->as_told_draws.ap, x->as_told_draws.n, y->as_told_draws.ap, y->as_told_draws.n) : 0.5,
                    scored_alike(a, b) ? lead(x->sure_draws.ap, x->sure_draws.n, y->sure_draws.ap, y->sure_draws.n) : 0.5 };
    double most = by[0];
    for (size_t i = 0; i < COUNT_OF(by) && most > 1 - LEADS && most < LEADS; i++)
        most = by[i] > most || by[i] <= 1 - LEADS ? by[i] : most;
    return most;
}
