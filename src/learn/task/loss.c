#include "learn/task/loss.h"
#include <float.h>
#include <math.h>
#include <string.h>

static const float BOX_WEIGHT = 5, IOU_COST = 3, CENTRE_REACH = 1.5f; /* reach in strides, around the centre of an object */
static const float LOG_SIZE_MOST = 8;                                 /* exp(8) strides: no image is that large */
enum { CANDIDATES_COUNTED = 10 };

static float sigmoid(float x)
{
    return 1 / (1 + expf(-x));
}
/* Binary cross-entropy of a logit x with the target t, without overflow. */
static float cross_entropy(float x, float t)
{
    return fmaxf(x, 0) - x * t + log1pf(expf(-fabsf(x)));
}

struct box level_box(const struct level *l, int cell, const float *t)
{
    float s = (float)l->stride, cx = ((float)(cell % l->w) + t[0]) * s, cy = ((float)(cell / l->w) + t[1]) * s;
    float w = expf(fminf(t[2], LOG_SIZE_MOST)) * s, h = expf(fminf(t[3], LOG_SIZE_MOST)) * s;
    return (struct box){ cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2 };
}

/* Of one cell. */
static float *box_at(const struct level_values *v, int cell)
{
    return v->box + (size_t)cell * 5;
}
static float *label_at(const struct level_values *v, int cell, int labels)
{
    return v->label + (size_t)cell * (size_t)labels;
}

/* A cell that lies near the centre of some object. */
struct candidate {
    int level, cell;
    struct box box;
    float cost_without; /* of saying "nothing" for every label */
    const float *label;
    float objectness; /* probability */
    int taken_by;     /* truth, or -1 */
    float taken_cost, taken_iou;
};

static bool near(const struct level *l, int cell, const struct box *truth)
{
    float s = (float)l->stride, x = ((float)(cell % l->w) + 0.5f) * s, y = ((float)(cell / l->w) + 0.5f) * s;
    float cx = (truth->x0 + truth->x1) / 2, cy = (truth->y0 + truth->y1) / 2;
    return fabsf(x - cx) < CENTRE_REACH * s && fabsf(y - cy) < CENTRE_REACH * s;
}

/* Probability of the label and an object together, as the costs see it: the root of their product. */
static float joint(const struct candidate *c, float logit)
{
    return fminf(1 - 1e-6f, fmaxf(1e-6f, sqrtf(sigmoid(logit) * c->objectness)));
}

static int find_candidates(const struct network *net, int i, const struct labelled_box *truth, int n, struct arena *a,
                           struct candidate **ret)
{
    size_t cells = 0;
    int found = 0;
    for (int k = 0; k < net->n_levels; k++)
        cells += (size_t)net->levels[k].h * (size_t)net->levels[k].w;
    struct candidate *all = arena_new_array(a, struct candidate, cells);
    struct level_values said[LEVELS_MOST];
    network_get(net, i, a, said);
    for (int k = 0; k < net->n_levels; k++) {
        const struct level *l = &net->levels[k];
        for (int cell = 0; cell < l->h * l->w; cell++) {
            bool wanted = false;
            for (int g = 0; g < n && !wanted; g++)
                wanted = near(l, cell, &truth[g].box);
            if (!wanted)
                continue;
            const float *t = box_at(&said[k], cell);
            struct candidate *c = &all[found++];
            *c = (struct candidate){ .level = k,
                                     .cell = cell,
                                     .box = level_box(l, cell, t),
                                     .label = label_at(&said[k], cell, net->labels),
                                     .objectness = sigmoid(t[4]),
                                     .taken_by = -1 };
            for (int j = 0; j < net->labels; j++)
                c->cost_without -= logf(1 - joint(c, c->label[j]));
        }
    }
    *ret = all;
    return found;
}

/* The cost of letting the candidate answer for the truth; candidates far from its centre come last. */
static float cost_of(const struct network *net, const struct candidate *c, const struct labelled_box *truth, float iou)
{
    float p = joint(c, c->label[truth->label]);
    float far = near(&net->levels[c->level], c->cell, &truth->box) ? 0 : 1e6f;
    return c->cost_without + logf(1 - p) - logf(p) - IOU_COST * logf(iou + 1e-8f) + far;
}

/* As many cells as the sum of the ten best IoU says, at least one. */
static int dynamic_count(const float *iou, int n)
{
    float best[CANDIDATES_COUNTED] = { 0 }, sum = 0;
    for (int i = 0; i < n; i++) {
        float v = iou[i];
        for (int k = 0; k < CANDIDATES_COUNTED && v > 0; k++)
            if (v > best[k]) {
                float t = best[k];
                best[k] = v;
                v = t;
            }
    }
    for (int k = 0; k < CANDIDATES_COUNTED; k++)
        sum += best[k];
    return sum < 1 ? 1 : (int)sum;
}

/* The `want` cheapest candidates of one truth take it, unless another truth has them for less. */
static void take_cheapest(struct candidate *c, int n, int truth, const float *cost, const float *iou, int want, bool *used)
{
    memset(used, 0, (size_t)n * sizeof *used);
    for (int k = 0; k < want && k < n; k++) {
        int best = -1;
        for (int i = 0; i < n; i++)
            if (!used[i] && (best < 0 || cost[i] < cost[best]))
                best = i;
        used[best] = true;
        if (c[best].taken_by < 0 || cost[best] < c[best].taken_cost) {
            c[best].taken_by = truth;
            c[best].taken_cost = cost[best];
            c[best].taken_iou = iou[best];
        }
    }
}

void loss_match(const struct network *net, int i, const struct labelled_box *truth, int n, struct arena *a, struct match **ret,
                int *ret_n)
{
    struct candidate *c;
    int found = find_candidates(net, i, truth, n, a, &c), matched = 0;
    float *iou = arena_new_array(a, float, found + 1), *cost = arena_new_array(a, float, found + 1);
    bool *used = arena_new_array(a, bool, found + 1);
    for (int g = 0; g < n; g++) {
        for (int k = 0; k < found; k++) {
            iou[k] = box_iou(&c[k].box, &truth[g].box);
            cost[k] = cost_of(net, &c[k], &truth[g], iou[k]);
        }
        take_cheapest(c, found, g, cost, iou, dynamic_count(iou, found), used);
    }
    struct match *m = arena_new_array(a, struct match, found + 1);
    for (int k = 0; k < found; k++)
        if (c[k].taken_by >= 0)
            m[matched++] = (struct match){ c[k].level, c[k].cell, c[k].taken_by, c[k].taken_iou };
    *ret = m;
    *ret_n = matched;
}

/* 1 - GIoU and its derivatives by x0, y0, x1, y1 of the prediction p. */
static float giou_loss(const struct box *p, const struct box *t, float d[4])
{
    float iw = fminf(p->x1, t->x1) - fmaxf(p->x0, t->x0), ih = fminf(p->y1, t->y1) - fmaxf(p->y0, t->y0);
    bool meet = iw > 0 && ih > 0;
    float pw = p->x1 - p->x0, ph = p->y1 - p->y0, common = meet ? iw * ih : 0;
    float all = pw * ph + box_area(t) - common + 1e-9f;
    float cw = fmaxf(p->x1, t->x1) - fminf(p->x0, t->x0), ch = fmaxf(p->y1, t->y1) - fminf(p->y0, t->y0), hull = cw * ch + 1e-9f;
    float d_area[4] = { -ph, -pw, ph, pw };
    float d_common[4] = { meet && p->x0 > t->x0 ? -ih : 0, meet && p->y0 > t->y0 ? -iw : 0, meet && p->x1 < t->x1 ? ih : 0,
                          meet && p->y1 < t->y1 ? iw : 0 };
    float d_hull[4] = { p->x0 < t->x0 ? -ch : 0, p->y0 < t->y0 ? -cw : 0, p->x1 > t->x1 ? ch : 0, p->y1 > t->y1 ? cw : 0 };
    for (int k = 0; k < 4; k++) {
        float d_all = d_area[k] - d_common[k];
        d[k] = -(d_common[k] * all - common * d_all) / (all * all) - (d_all * hull - all * d_hull[k]) / (hull * hull);
    }
    return 1 - (common / all - 1 + all / hull);
}

/* The loss of one box and its gradient through the decoding, added to grad[0..3]. */
static float box_loss(const struct level *l, int cell, const float *t, const struct box *truth, float *grad)
{
    struct box p = level_box(l, cell, t);
    float d[4], loss = giou_loss(&p, truth, d), s = (float)l->stride;
    grad[0] += BOX_WEIGHT * (d[0] + d[2]) * s;
    grad[1] += BOX_WEIGHT * (d[1] + d[3]) * s;
    grad[2] += t[2] < LOG_SIZE_MOST ? BOX_WEIGHT * (d[2] - d[0]) / 2 * (p.x1 - p.x0) : 0;
    grad[3] += t[3] < LOG_SIZE_MOST ? BOX_WEIGHT * (d[3] - d[1]) / 2 * (p.y1 - p.y0) : 0;
    return BOX_WEIGHT * loss;
}

/* As if no cell had an object. */
static void start_gradient(const struct network *net, const struct level_values *said, struct arena *a, struct level_values *ret,
                           struct loss *sum)
{
    for (int k = 0; k < net->n_levels; k++) {
        int cells = net->levels[k].h * net->levels[k].w;
        ret[k] = (struct level_values){ arena_new_array(a, float, cells * 5), arena_new_array(a, float, cells * net->labels) };
        for (int cell = 0; cell < cells; cell++) {
            float x = box_at(&said[k], cell)[4];
            sum->objectness += cross_entropy(x, 0);
            box_at(&ret[k], cell)[4] = sigmoid(x);
        }
    }
}

void loss_add(const struct network *net, int i, const struct labelled_box *truth, const struct match *m, int n, struct loss *sum)
{
    AUTO(arena) struct arena *a = arena_new();
    struct level_values said[LEVELS_MOST], gradient[LEVELS_MOST];
    network_get(net, i, a, said);
    start_gradient(net, said, a, gradient, sum);
    for (const struct match *end = m + n; m < end; m++) {
        const struct level *l = &net->levels[m->level];
        const float *t = box_at(&said[m->level], m->cell), *label = label_at(&said[m->level], m->cell, net->labels);
        float *d = box_at(&gradient[m->level], m->cell), *d_label = label_at(&gradient[m->level], m->cell, net->labels);
        sum->box += box_loss(l, m->cell, t, &truth[m->truth].box, d);
        sum->objectness -= t[4]; /* cross_entropy(x, 1) - cross_entropy(x, 0) */
        d[4] -= 1;
        for (int j = 0; j < net->labels; j++) {
            float target = j == truth[m->truth].label ? m->iou : 0;
            sum->label += cross_entropy(label[j], target);
            d_label[j] = sigmoid(label[j]) - target;
        }
    }
    sum->positives += n;
    network_put_gradient(net, i, gradient);
}
