#include "learn/task/metrics.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RECALL_STEPS = 101 };

/* A detection, once it is known at which IoU it is right. */
struct verdict {
    double score;
    uint16_t right; /* bit t: at the t-th IoU */
    size_t order;   /* as it came, to break ties as a stable sort does */
};
struct of_label {
    struct verdict *items;
    size_t n, room;
    int64_t truths;
};
struct metrics {
    int labels;
    int64_t images;
    struct of_label *of;
};

struct metrics *metrics_new(int labels)
{
    struct metrics *m = heap_take(sizeof *m);
    m->labels = labels;
    m->of = heap_take(sizeof *m->of * (size_t)labels);
    return m;
}

void metrics_free(struct metrics *m)
{
    if (!m)
        return;
    for (int i = 0; i < m->labels; i++)
        free(m->of[i].items);
    free(m->of);
    free(m);
}

/* The thresholds and recalls exactly as numpy.linspace() makes them: a last bit decides whether a detection is right. */
static double iou_step(int t)
{
    return t == IOU_STEPS - 1 ? 0.95 : 0.5 + t * ((0.95 - 0.5) / (IOU_STEPS - 1));
}
static double recall_step(int r)
{
    return r == RECALL_STEPS - 1 ? 1.0 : r * (1.0 / (RECALL_STEPS - 1));
}

static double iou(const struct metrics_truth *t, const struct metrics_detection *d)
{
    double w = fmin(d->w + d->x, t->w + t->x) - fmax(d->x, t->x), h = fmin(d->h + d->y, t->h + t->y) - fmax(d->y, t->y);
    if (w <= 0 || h <= 0)
        return 0;
    return w * h / (d->w * d->h + t->w * t->h - w * h);
}

/* Best score first, the earlier one of equals first: a merge sort is stable. */
static int by_score(const void *a, const void *b)
{
    const struct verdict *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static void append(struct of_label *l, const struct verdict *v)
{
    if (l->n == l->room) {
        l->room = l->room ? l->room * 2 : 64;
        l->items = heap_grow(l->items, l->room * sizeof *l->items);
    }
    l->items[l->n] = *v;
    l->items[l->n].order = l->n;
    l->n++;
}

/* Each detection, best first, takes the truth that it overlaps most and that none has taken; the later one of equals. */
static void match(struct verdict *v, size_t n, const struct metrics_detection *found, const struct metrics_truth *const *truth,
                  size_t n_truth, uint16_t *taken)
{
    for (size_t d = 0; d < n; d++) {
        v[d].right = 0;
        for (int t = 0; t < IOU_STEPS; t++) {
            double best = fmin(iou_step(t), 1 - 1e-10);
            size_t chosen = n_truth;
            for (size_t g = 0; g < n_truth; g++) {
                double o = taken[g] >> t & 1 ? -1 : iou(truth[g], &found[v[d].order]);
                if (o >= best) {
                    best = o;
                    chosen = g;
                }
            }
            if (chosen < n_truth) {
                taken[chosen] |= (uint16_t)(1 << t);
                v[d].right |= (uint16_t)(1 << t);
            }
        }
    }
}

static void add_label(struct of_label *l, int label, const struct metrics_truth *truth, size_t n_truth,
                      const struct metrics_detection *found, size_t n_found, struct arena *a)
{
    const struct metrics_truth **mine = arena_new_array(a, const struct metrics_truth *, n_truth + 1);
    struct verdict *v = arena_new_array(a, struct verdict, n_found + 1);
    size_t n_mine = 0, n = 0;
    for (size_t i = 0; i < n_truth; i++)
        if (truth[i].label == label)
            mine[n_mine++] = &truth[i];
    for (size_t i = 0; i < n_found; i++)
        if (found[i].label == label)
            v[n++] = (struct verdict){ found[i].score, 0, i };
    if (n)
        qsort(v, n, sizeof *v, by_score);
    n = n < METRICS_DETECTIONS ? n : METRICS_DETECTIONS;
    match(v, n, found, mine, n_mine, arena_new_array(a, uint16_t, n_mine + 1));
    for (size_t i = 0; i < n; i++)
        append(l, &v[i]);
    l->truths += (int64_t)n_mine;
}

void metrics_add(struct metrics *m, const struct metrics_truth *truth, size_t n_truth, const struct metrics_detection *found,
                 size_t n_found)
{
    AUTO(arena) struct arena *a = arena_new();
    bool *there = arena_new_array(a, bool, m->labels);
    for (size_t i = 0; i < n_truth; i++)
        there[truth[i].label] = true;
    for (size_t i = 0; i < n_found; i++)
        there[found[i].label] = true;
    for (int label = 0; label < m->labels; label++)
        if (there[label])
            add_label(&m->of[label], label, truth, n_truth, found, n_found, a);
    m->images++;
}

/* Precision at each step of recall, made falling, averaged; *ret_recall: what was reached. v is sorted. */
static double average_precision(const struct verdict *v, size_t n, int t, int64_t truths, double *precision, double *recall,
                                double *ret_recall)
{
    int64_t right = 0, wrong = 0;
    for (size_t i = 0; i < n; i++) {
        v[i].right >> t & 1 ? right++ : wrong++;
        recall[i] = (double)right / (double)truths;
        precision[i] = (double)right / ((double)(right + wrong) + DBL_EPSILON);
    }
    for (size_t i = n; i > 1; i--)
        precision[i - 2] = fmax(precision[i - 2], precision[i - 1]);
    double sum = 0;
    size_t at = 0;
    for (int r = 0; r < RECALL_STEPS; r++) {
        while (at < n && recall[at] < recall_step(r))
            at++;
        sum += at < n ? precision[at] : 0;
    }
    *ret_recall = n ? recall[n - 1] : 0;
    return sum / RECALL_STEPS;
}

static void compute_label(const struct of_label *l, struct label_metrics *ret)
{
    *ret = (struct label_metrics){ l->truths, -1, -1, -1, -1, 0, 0 };
    if (!l->truths)
        return;
    struct verdict *v = heap_take((l->n + 1) * sizeof *v);
    double *precision = heap_take((l->n + 1) * 2 * sizeof *precision), recall = 0, ap[IOU_STEPS];
    if (l->n)
        memcpy(v, l->items, l->n * sizeof *v);
    qsort(v, l->n, sizeof *v, by_score);
    ret->ap = ret->ar = 0;
    for (int t = 0; t < IOU_STEPS; t++) {
        ap[t] = average_precision(v, l->n, t, l->truths, precision, precision + l->n + 1, &recall);
        ret->ap += ap[t] / IOU_STEPS;
        ret->ar += recall / IOU_STEPS;
    }
    ret->ap50 = ap[0];
    ret->ap75 = ap[5];
    free(v);
    free(precision);
}

/* The score from which on detections are taken so that 2 PR / (P + R) is best over all labels together. */
static void best_threshold(const struct metrics *m, struct detect_metrics *ret)
{
    size_t n = 0, at = 0;
    for (int i = 0; i < m->labels; i++)
        n += m->of[i].n;
    struct verdict *all = heap_take((n + 1) * sizeof *all);
    for (int i = 0; i < m->labels; i++)
        for (size_t k = 0; k < m->of[i].n; k++) {
            all[at] = m->of[i].items[k];
            all[at].order = at;
            at++;
        }
    qsort(all, n, sizeof *all, by_score);
    int64_t right = 0;
    for (size_t i = 0; i < n; i++) {
        right += all[i].right & 1;
        double p = (double)right / (double)(i + 1), r = ret->truths ? (double)right / (double)ret->truths : 0;
        double f1 = p + r > 0 ? 2 * p * r / (p + r) : 0;
        if (f1 > ret->f1 && (i + 1 == n || all[i + 1].score < all[i].score)) {
            ret->f1 = f1;
            ret->precision = p;
            ret->recall = r;
            ret->best_score = all[i].score;
        }
    }
    free(all);
}

static void at_threshold(const struct of_label *l, double score, struct label_metrics *ret)
{
    int64_t right = 0, said = 0;
    for (size_t i = 0; i < l->n; i++)
        if (l->items[i].score >= score) {
            said++;
            right += l->items[i].right & 1;
        }
    ret->precision = said ? (double)right / (double)said : 0;
    ret->recall = l->truths ? (double)right / (double)l->truths : 0;
}

void metrics_compute(const struct metrics *m, struct arena *a, struct detect_metrics *ret)
{
    struct detect_metrics r = { .n_labels = m->labels, .images = m->images };
    int with_truth = 0;
    r.labels = arena_new_array(a, struct label_metrics, m->labels);
    for (int i = 0; i < m->labels; i++) {
        struct label_metrics *l = &r.labels[i];
        compute_label(&m->of[i], l);
        r.truths += l->truths;
        if (!l->truths)
            continue;
        with_truth++;
        r.ap += l->ap;
        r.ap50 += l->ap50;
        r.ap75 += l->ap75;
        r.ar += l->ar;
    }
    double share = with_truth ? 1.0 / with_truth : 0;
    r.ap = with_truth ? r.ap * share : -1;
    r.ap50 = with_truth ? r.ap50 * share : -1;
    r.ap75 = with_truth ? r.ap75 * share : -1;
    r.ar = with_truth ? r.ar * share : -1;
    best_threshold(m, &r);
    for (int i = 0; i < m->labels; i++)
        at_threshold(&m->of[i], r.best_score, &r.labels[i]);
    *ret = r;
}
