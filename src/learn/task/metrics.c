#include "learn/task/verdict.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double areas[AREAS][2] = { { 0, 1e10 }, { 0, 32 * 32 }, { 32 * 32, 96 * 96 }, { 96 * 96, 1e10 } }; /* all, S, M, L */

const char *const coco_figures[COCO_FIGURES] = { "AP",  "AP50", "AP75",  "APS", "APM", "APL",
                                                 "AR1", "AR10", "AR100", "ARS", "ARM", "ARL" };

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
    for (int i = 0; i < m->labels; i++) {
        free(m->of[i].items);
        free(m->of[i].there);
    }
    free(m->of);
    free(m);
}

/* The thresholds and recalls exactly as numpy.linspace() makes them: a last bit decides whether a detection is right. */
static double iou_step(int t)
{
    return t == IOU_STEPS - 1 ? 0.95 : 0.5 + t * ((0.95 - 0.5) / (IOU_STEPS - 1));
}
double recall_step(int r)
{
    return r == RECALL_STEPS - 1 ? 1.0 : r * (1.0 / (RECALL_STEPS - 1));
}

/* ---- an image */

/* A truth as it is matched. */
struct target {
    const struct metrics_truth *truth;
    bool not_wanted[AREAS]; /* a crowd, or of another size */
    uint16_t taken[AREAS];  /* bit t: by a detection, at the t-th IoU */
};
/* A truth that a detection overlaps by half at least. */
struct near {
    struct target *target;
    double iou;
};

static bool is_outside(double area, int range)
{
    return area < areas[range][0] || area > areas[range][1];
}

/* Of a crowd, how much of the detection lies in it. */
static double overlap(const struct metrics_truth *t, const struct metrics_detection *d)
{
    double w = fmin(d->w + d->x, t->w + t->x) - fmax(d->x, t->x), h = fmin(d->h + d->y, t->h + t->y) - fmax(d->y, t->y);
    if (w <= 0 || h <= 0)
        return 0;
    return w * h / (t->crowd ? d->w * d->h : d->w * d->h + t->w * t->h - w * h);
}

static size_t find_near(const struct metrics_detection *d, struct target *targets, size_t n, struct near *ret)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        double o = overlap(targets[i].truth, d);
        if (o >= iou_step(0))
            ret[found++] = (struct near){ &targets[i], o };
    }
    return found;
}

/* The one that it overlaps most, of those that nothing has taken; the later one of equals. A crowd is never taken up. */
static struct target *choose(const struct near *near, size_t n, int range, int t, bool not_wanted)
{
    double best = fmin(iou_step(t), 1 - 1e-10);
    struct target *chosen = NULL;
    for (size_t i = 0; i < n; i++) {
        struct target *to = near[i].target;
        bool free = to->truth->crowd || !(to->taken[range] >> t & 1);
        if (to->not_wanted[range] == not_wanted && free && near[i].iou >= best) {
            best = near[i].iou;
            chosen = to;
        }
    }
    return chosen;
}

static void match(struct verdict *v, double area, const struct near *near, size_t n, int range)
{
    bool outside = is_outside(area, range);
    for (int t = 0; t < IOU_STEPS; t++) {
        uint16_t bit = (uint16_t)(1 << t);
        struct target *to = n ? choose(near, n, range, t, false) : NULL;
        to = to || !n ? to : choose(near, n, range, t, true);
        if (to)
            to->taken[range] |= bit;
        if (to && !to->not_wanted[range])
            v->right[range] |= bit;
        else if (to || outside)
            v->does_not_count[range] |= bit;
    }
}

static struct verdict *append(struct of_label *l, uint32_t image)
{
    if (l->n == l->room) {
        l->room = l->room ? l->room * 2 : 64;
        l->items = heap_grow(l->items, l->room * sizeof *l->items);
    }
    l->items[l->n] = (struct verdict){ .order = (uint32_t)l->n, .image = image };
    return &l->items[l->n++];
}

static void append_there(struct of_label *l, struct there there)
{
    if (l->n_there == l->there_room) {
        l->there_room = l->there_room ? l->there_room * 2 : 64;
        l->there = heap_grow(l->there, l->there_room * sizeof *l->there);
    }
    l->there[l->n_there++] = there;
}

/* A truth or a detection of an image, sorted by label, and then the best first. */
struct place {
    int label;
    double score;
    size_t at;
};
static int by_label(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->label != y->label)
        return x->label < y->label ? -1 : 1;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return x->at < y->at ? -1 : x->at > y->at;
}
static size_t count_label(const struct place *p, size_t n, int label)
{
    size_t count = 0;
    while (count < n && p[count].label == label)
        count++;
    return count;
}

static void add_targets(struct of_label *l, uint32_t image, const struct place *p, size_t n, const struct metrics_truth *truth,
                        struct target *ret)
{
    struct there there = { .image = image };
    for (size_t i = 0; i < n; i++) {
        struct target *to = &ret[i];
        *to = (struct target){ .truth = &truth[p[i].at] };
        for (int range = 0; range < AREAS; range++) {
            to->not_wanted[range] = to->truth->crowd || is_outside(to->truth->area, range);
            l->truths[range] += !to->not_wanted[range];
            there.truths[range] += !to->not_wanted[range];
        }
    }
    if (there.truths[0])
        append_there(l, there);
}

static void add_detections(struct of_label *l, uint32_t image, const struct place *p, size_t n,
                           const struct metrics_detection *found, struct target *targets, size_t n_targets, struct near *room)
{
    for (size_t i = 0; i < n && i < METRICS_DETECTIONS; i++) {
        const struct metrics_detection *d = &found[p[i].at];
        struct verdict *v = append(l, image);
        size_t near = find_near(d, targets, n_targets, room);
        v->score = d->score;
        v->rank = (uint8_t)i;
        for (int range = 0; range < AREAS; range++)
            match(v, d->w * d->h, room, near, range);
    }
}

static void count_with(struct metrics *m, const struct metrics_truth *truth, size_t n)
{
    bool has[AREAS] = { false };
    for (size_t i = 0; i < n; i++)
        for (int range = 0; range < AREAS; range++)
            has[range] |= !truth[i].crowd && !is_outside(truth[i].area, range);
    for (int range = 0; range < AREAS; range++)
        m->with[range] += has[range];
}

void metrics_add(struct metrics *m, const struct metrics_truth *truth, size_t n_truth, const struct metrics_detection *found,
                 size_t n_found)
{
    AUTO(arena) struct arena *a = arena_new();
    struct place *t = arena_new_array(a, struct place, n_truth + 1), *d = arena_new_array(a, struct place, n_found + 1);
    struct target *targets = arena_new_array(a, struct target, n_truth + 1);
    struct near *near = arena_new_array(a, struct near, n_truth + 1);
    for (size_t i = 0; i < n_truth; i++)
        t[i] = (struct place){ truth[i].label, 0, i };
    for (size_t i = 0; i < n_found; i++)
        d[i] = (struct place){ found[i].label, found[i].score, i };
    qsort(t, n_truth, sizeof *t, by_label);
    qsort(d, n_found, sizeof *d, by_label);
    for (size_t ti = 0, di = 0; ti < n_truth || di < n_found;) {
        int label = ti < n_truth && (di == n_found || t[ti].label < d[di].label) ? t[ti].label : d[di].label;
        size_t mine = count_label(t + ti, n_truth - ti, label), seen = count_label(d + di, n_found - di, label);
        add_targets(&m->of[label], (uint32_t)m->images, t + ti, mine, truth, targets);
        add_detections(&m->of[label], (uint32_t)m->images, d + di, seen, found, targets, mine, near);
        ti += mine;
        di += seen;
    }
    count_with(m, truth, n_truth);
    m->images++;
}

/* ---- all of them */

/* Best score first, the earlier one of equals first: a merge sort is stable. */
static int by_score(const void *a, const void *b)
{
    const struct verdict *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* Precision where recall reaches each step, made falling, averaged. The detections are sorted; precision only rises where one is
 * right, so that the others need not be looked at again. *ret_recall: what was reached. */
static double average_precision(const struct of_label *l, int range, int t, double *precision, double *ret_recall)
{
    size_t right = 0, wrong = 0, at = 0;
    double sum = 0, truths = (double)l->truths[range];
    for (const struct verdict *v = l->items; v < l->items + l->n; v++)
        if (v->right[range] >> t & 1) {
            right++;
            precision[right - 1] = (double)right / ((double)(right + wrong) + DBL_EPSILON);
        } else {
            wrong += !(v->does_not_count[range] >> t & 1);
        }
    for (size_t i = right; i > 1; i--)
        precision[i - 2] = fmax(precision[i - 2], precision[i - 1]);
    for (int r = 0; r < RECALL_STEPS; r++) {
        while (at < right && (double)(at + 1) / truths < recall_step(r))
            at++;
        sum += at < right ? precision[at] : 0;
    }
    *ret_recall = (double)right / truths;
    return sum / RECALL_STEPS;
}

/* What is found with so many detections in each image. */
static double recall_of(const struct of_label *l, int most)
{
    int64_t right = 0;
    for (size_t i = 0; i < l->n; i++)
        right += l->items[i].rank < most ? __builtin_popcount(l->items[i].right[0]) : 0;
    return (double)right / (double)l->truths[0] / IOU_STEPS;
}

/* The means over IoU for one label: ret as coco_figures; -1: nothing to find. */
static void figures_of(const struct of_label *l, double ret[COCO_FIGURES])
{
    double *precision = heap_take((l->n + 1) * sizeof *precision);
    for (int i = 0; i < COCO_FIGURES; i++)
        ret[i] = -1;
    for (int range = 0; range < AREAS; range++) {
        double ap[IOU_STEPS], recall, mean = 0, recalls = 0;
        if (!l->truths[range])
            continue;
        for (int t = 0; t < IOU_STEPS; t++) {
            ap[t] = average_precision(l, range, t, precision, &recall);
            mean += ap[t] / IOU_STEPS;
            recalls += recall / IOU_STEPS;
        }
        ret[range ? 2 + range : 0] = mean;
        ret[8 + range] = recalls;
        if (!range) {
            ret[1] = ap[0];
            ret[2] = ap[5];
            ret[6] = recall_of(l, 1);
            ret[7] = recall_of(l, 10);
        }
    }
    free(precision);
}

struct scored {
    double score;
    bool right;
};
static int best_first(const void *a, const void *b)
{
    const struct scored *x = a, *y = b;
    return x->score < y->score ? 1 : x->score > y->score ? -1 : 0;
}

static size_t gather_scored(const struct metrics *m, struct scored **ret)
{
    size_t n = 0, room = 1;
    for (int i = 0; i < m->labels; i++)
        room += m->of[i].n;
    *ret = heap_take(room * sizeof **ret);
    for (int i = 0; i < m->labels; i++)
        for (const struct verdict *v = m->of[i].items; v < m->of[i].items + m->of[i].n; v++)
            if (!(v->does_not_count[0] & 1))
                (*ret)[n++] = (struct scored){ v->score, v->right[0] & 1 };
    qsort(*ret, n, sizeof **ret, best_first);
    return n;
}

/* The score from which on detections are taken so that 2 PR / (P + R) is best over all labels together. */
static void best_threshold(const struct metrics *m, struct detect_metrics *ret)
{
    struct scored *all;
    size_t n = gather_scored(m, &all);
    int64_t right = 0;
    for (size_t i = 0; i < n; i++) {
        right += all[i].right;
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

static int64_t images_with(const struct of_label *l, int range)
{
    int64_t n = 0;
    for (size_t i = 0; i < l->n_there; i++)
        n += l->there[i].truths[range] > 0;
    return n;
}

static void of_label(const struct of_label *l, const double of[COCO_FIGURES], struct label_metrics *ret)
{
    *ret = (struct label_metrics){
        .truths = l->truths[0], .images = images_with(l, 0), .ap = of[0], .ap50 = of[1], .ap75 = of[2], .ar = of[8]
    };
    for (int k = 0; k < METRICS_SIZES; k++)
        ret->sizes[k] = (struct size_metrics){ l->truths[1 + k], images_with(l, 1 + k), of[3 + k], of[9 + k] };
}

static void at_threshold(const struct of_label *l, double score, struct label_metrics *ret)
{
    int64_t right = 0, said = 0;
    for (const struct verdict *v = l->items; v < l->items + l->n; v++)
        if (v->score >= score && !(v->does_not_count[0] & 1)) {
            said++;
            right += v->right[0] & 1;
        }
    ret->precision = said ? (double)right / (double)said : 0;
    ret->recall = l->truths[0] ? (double)right / (double)l->truths[0] : 0;
}

void metrics_compute(struct metrics *m, struct arena *a, struct detect_metrics *ret)
{
    struct detect_metrics r = { .n_labels = m->labels, .images = m->images };
    double of[COCO_FIGURES], sum[COCO_FIGURES] = { 0 };
    int64_t with[COCO_FIGURES] = { 0 };
    r.labels = arena_new_array(a, struct label_metrics, m->labels);
    for (int i = 0; i < m->labels; i++) {
        struct of_label *l = &m->of[i];
        if (l->n)
            qsort(l->items, l->n, sizeof *l->items, by_score);
        figures_of(l, of);
        of_label(l, of, &r.labels[i]);
        for (int k = 0; k < METRICS_SIZES; k++)
            r.sizes[k].truths += l->truths[1 + k];
        r.truths += l->truths[0];
        for (int k = 0; k < COCO_FIGURES; k++) {
            sum[k] += of[k] >= 0 ? of[k] : 0;
            with[k] += of[k] >= 0;
        }
    }
    for (int k = 0; k < COCO_FIGURES; k++)
        r.coco[k] = with[k] ? sum[k] / (double)with[k] : -1;
    for (int k = 0; k < METRICS_SIZES; k++) {
        r.sizes[k].images = m->with[1 + k];
        r.sizes[k].ap = r.coco[3 + k];
        r.sizes[k].ar = r.coco[9 + k];
    }
    r.ap = r.coco[0];
    r.ap50 = r.coco[1];
    r.ap75 = r.coco[2];
    r.ar = r.coco[8];
    best_threshold(m, &r);
    for (int i = 0; i < m->labels; i++)
        at_threshold(&m->of[i], r.best_score, &r.labels[i]);
    *ret = r;
}
