#include "learn/task/doubt.h"
#include <string.h>

/* Overlap from which a box is at a place, is well placed, and is the same; confidence from which a prediction counts at all. */
static const float AT_ALL = 0.3f, WELL = 0.55f, SAME = 0.85f, SURE = 0.4f, HARDLY = 0.1f, SIDE_LEAST = 4, SCORE_LEAST = 0.1f;

const char *const doubt_words[] = { "not annotated", "wrong label", "badly placed", "nothing there", "annotated twice" };

void doubts_add(struct doubts *d, const struct doubt *new)
{
    int at = d->n;
    if (new->score < SCORE_LEAST)
        return;
    d->likely += new->score > DOUBT_LIKELY;
    while (at > 0 && d->items[at - 1].score < new->score)
        at--;
    if (at == DOUBTS_MOST)
        return;
    d->n += d->n < DOUBTS_MOST;
    memmove(&d->items[at + 1], &d->items[at], sizeof *d->items * (size_t)(d->n - 1 - at));
    d->items[at] = *new;
}

const char *doubt_text(const struct doubt *d, const char *const *labels, struct arena *a)
{
    const char *is = d->label >= 0 ? labels[d->label] : "", *said = d->said >= 0 ? labels[d->said] : "";
    switch (d->kind) {
    case DOUBT_MISSING: return arena_fmt(a, "looks like %s, but nothing is annotated here", said);
    case DOUBT_LABEL: return arena_fmt(a, "annotated as %s, looks like %s", is, said);
    case DOUBT_PLACE: return arena_fmt(a, "the box of this %s seems to be in the wrong place or of the wrong size", is);
    case DOUBT_NOTHING: return arena_fmt(a, "annotated as %s, but nothing like it is seen here", is);
    case DOUBT_TWICE: return arena_fmt(a, "%s and another annotation have nearly the same box", is);
    }
    return "";
}

/* The best overlap of a box with those found, of one label or (label -1) of any; *ret_score: the best score of those that are
 * there. */
static float best_overlap(const struct box *b, int label, const struct found *f, int n, float *ret_score)
{
    float best = 0, score = 0;
    for (int i = 0; i < n; i++) {
        float iou = box_iou(b, &f[i].box);
        if (label >= 0 && f[i].label != label)
            continue;
        best = iou > best ? iou : best;
        score = iou >= AT_ALL && f[i].score > score ? f[i].score : score;
    }
    *ret_score = score;
    return best;
}

double trust_found(const struct trust *t)
{
    return t->annotated ? (double)t->found / (double)t->annotated : 0;
}
double trust_right(const struct trust *t)
{
    return (double)(t->right + 1) / (double)(t->said + 2);
}

static bool is_annotated(const struct sample *s, const struct found *f)
{
    bool is = false;
    for (int k = 0; k < s->n && !is; k++)
        is = s->boxes[k].label == f->label && box_iou(&s->boxes[k].box, &f->box) >= AT_ALL;
    return is;
}

void trust_boxes(const struct sample *s, const struct found *f, int n, struct trust *by_label)
{
    float score;
    for (int k = 0; k < s->n; k++) {
        const struct labelled_box *b = &s->boxes[k];
        best_overlap(&b->box, b->label, f, n, &score);
        by_label[b->label].annotated++;
        by_label[b->label].found += score >= SURE / 2;
    }
    for (int i = 0; i < n && f[i].score >= SURE; i++) {
        by_label[f[i].label].said++;
        by_label[f[i].label].right += is_annotated(s, &f[i]);
    }
}

static bool is_large_enough(const struct box *b)
{
    return b->x1 - b->x0 >= SIDE_LEAST && b->y1 - b->y0 >= SIDE_LEAST;
}

/* A prediction against the annotations: one that nobody has drawn, or of another label, or elsewhere. */
static void doubt_prediction(const struct sample *s, const struct found *f, int n, int i, const struct trust *by_label,
                             struct doubts *d)
{
    float trust = (float)trust_right(&by_label[f[i].label]);
    const struct labelled_box *near = NULL;
    float iou = 0, own;
    for (int k = 0; k < s->n; k++) {
        float here = box_iou(&s->boxes[k].box, &f[i].box);
        if (here > iou) {
            near = &s->boxes[k];
            iou = here;
        }
    }
    if (!near || iou < AT_ALL / 2) {
        doubts_add(d, &(struct doubt){ s, DOUBT_MISSING, -1, f[i].label, trust * f[i].score, f[i].box });
        return;
    }
    float best = best_overlap(&near->box, near->label, f, n, &own);
    if (near->label != f[i].label && iou >= WELL && f[i].score > own)
        doubts_add(d, &(struct doubt){ s, DOUBT_LABEL, near->label, f[i].label, trust * (f[i].score - own), near->box });
    else if (near->label == f[i].label && best < WELL)
        doubts_add(d, &(struct doubt){ s, DOUBT_PLACE, near->label, f[i].label, trust * f[i].score * (1 - best), near->box });
}

static void doubt_annotation(const struct sample *s, const struct found *f, int n, int k, const struct trust *by_label,
                             struct doubts *d)
{
    const struct labelled_box *b = &s->boxes[k];
    float any, twice = 0;
    best_overlap(&b->box, -1, f, n, &any);
    if (any < HARDLY)
        doubts_add(d, &(struct doubt){ s, DOUBT_NOTHING, b->label, -1, (float)trust_found(&by_label[b->label]) * (1 - any) * 0.9f,
                                       b->box });
    for (int i = 0; i < k; i++) {
        float iou = box_iou(&s->boxes[i].box, &b->box);
        twice = iou > twice ? iou : twice;
    }
    if (twice >= SAME)
        doubts_add(d, &(struct doubt){ s, DOUBT_TWICE, b->label, -1, twice, b->box });
}

void doubt_boxes(const struct sample *s, const struct found *f, int n, const struct trust *by_label, struct doubts *d)
{
    for (int i = 0; i < n && f[i].score >= SURE; i++)
        doubt_prediction(s, f, n, i, by_label, d);
    for (int k = 0; k < s->n; k++)
        if (is_large_enough(&s->boxes[k].box))
            doubt_annotation(s, f, n, k, by_label, d);
    d->looked_at += s->n;
}
