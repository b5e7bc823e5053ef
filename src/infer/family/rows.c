/* A row an anchor: box, objectness perhaps, classes, and what belongs to masks, keypoints or a turned box. */
#include "infer/family/family.h"
#include "infer/outline.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What follows the classes in a row, by the task and the second output. */
static void read_extra(const struct look *l, struct description *d)
{
    d->gives = WANT_BOXES;
    for (size_t i = 1; i < ort_outputs(l->session); i++) {
        const struct ort_value *v = ort_output(l->session, i);
        if (look_is_float(v) && look_shape(v, 4, (int64_t)1, (int64_t)-1, (int64_t)(l->height / 4), (int64_t)(l->width / 4))) {
            d->output[ROLE_MASKS] = (int)i;
            d->extra = v->shape[1];
            d->gives |= WANT_OUTLINES;
            return;
        }
    }
    if (l->task && strcmp(l->task, "pose") == 0) {
        d->points = look_keypoints(l);
        d->extra = d->points * 3;
        d->gives |= WANT_KEYPOINTS;
    } else if (l->task && strcmp(l->task, "obb") == 0) {
        d->turned = true;
        d->extra = 1;
        d->gives |= WANT_OUTLINES;
    }
}

static bool is_rtdetr(const struct look *l)
{
    const char *head = look_property(l, "head"), *what = look_property(l, "description");
    return (head && strcmp(head, "RTDETRDecoder") == 0) || (what && (strstr(what, "rtdetr") || strstr(what, "RTDETR")));
}

/* The only float output of three dimensions that begin with 1. */
static int rows_output(const struct look *l)
{
    for (size_t i = 0; i < ort_outputs(l->session); i++) {
        const struct ort_value *v = ort_output(l->session, i);
        if (look_is_float(v) && look_shape(v, 3, (int64_t)1, (int64_t)-1, (int64_t)-1))
            return (int)i;
    }
    return -1;
}

static bool others_are_maps(const struct look *l, int rows)
{
    for (size_t i = 0; i < ort_outputs(l->session); i++)
        if ((int)i != rows && ort_output(l->session, i)->rank < 4)
            return false;
    return true;
}

/* Which of the two axes holds the rows; true: it fits so. */
static bool fits(const struct look *l, const struct description *d, const struct ort_value *v, bool objectness, int64_t factor)
{
    int64_t width = 4 + objectness + d->classes + d->extra, anchors = look_anchors(l) * factor;
    bool across = v->shape[1] == width && (l->exported || v->shape[2] == anchors);
    return across || (v->shape[2] == width && (l->exported || v->shape[1] == anchors));
}

static void be_usual(struct description *d)
{
    SET(d, FACT_BOXES, ORIGIN_FAMILY, boxes = BOX_CXCYWH);
    SET(d, FACT_UNIT, ORIGIN_FAMILY, unit = UNIT_INPUT);
    SET(d, FACT_SCORE, ORIGIN_FAMILY, score = SCORE_PROBABILITY);
    SET(d, FACT_NMS, ORIGIN_FAMILY, suppress = true);
    SET(d, FACT_NMS_IOU, ORIGIN_FAMILY, nms_iou = 0.7);
    SET(d, FACT_MAX_DETECTIONS, ORIGIN_FAMILY, max_detections = 300);
}

static bool recognise(const struct look *l, struct description *d)
{
    int at = rows_output(l);
    if (at < 0 || !l->classes || !others_are_maps(l, at))
        return false;
    const struct ort_value *v = ort_output(l->session, (size_t)at);
    enum origin from = l->exported ? ORIGIN_METADATA : ORIGIN_FAMILY;
    d->classes = (int64_t)l->classes;
    read_extra(l, d);
    bool plain = fits(l, d, v, false, 1), one = !plain && fits(l, d, v, true, 1), three = !plain && fits(l, d, v, true, 3);
    if (!plain && !one && !three)
        return false;
    d->output[ROLE_BOXES] = at;
    d->objectness = !plain;
    if (is_rtdetr(l)) { /* its older exports: queries instead of anchors, and nothing to suppress */
        SET(d, FACT_UNIT, from, unit = UNIT_FRACTION);
        SET(d, FACT_RESIZE, from, resize = RESIZE_STRETCH);
        SET(d, FACT_NMS, from, suppress = false);
    }
    be_usual(d);
    SET(d, FACT_FILTER, from, filter = FILTER_LINEAR);
    if (plain || three || l->exported)
        set_yolo_picture(d, from);
    return true;
}

/* With objectness and one row a cell it may be YOLOX or YOLOv6, which see other pictures. Boxes of YOLOX that are not decoded yet
 * are of a few strides, anywhere; decoded ones reach to the right of the input. */
static unsigned needs(const struct look *l, const struct description *d)
{
    const struct ort_value *v = ort_output(l->session, (size_t)d->output[ROLE_BOXES]);
    if (!d->objectness || l->exported || v->shape[1] == 3 * look_anchors(l))
        return 0;
    int64_t width = v->shape[2];
    float most = 0;
    for (int64_t i = 0; i < v->shape[1] && v->shape[2] == 4 + 1 + d->classes + d->extra; i++)
        most = fmaxf(most, v->data[i * width]);
    unsigned head = most > 0 && most < (float)l->width / 8 ? 1U << FACT_HEAD : 0;
    return 1U << FACT_COLOUR | 1U << FACT_RANGE | 1U << FACT_RESIZE | head;
}

/* One number of a row. */
struct rows {
    const float *data;
    int64_t n, width, step, stride; /* number k of row i: data[i * step + k * stride] */
};

static enum err rows_of(const struct description *d, const struct ort_session *s, struct rows *ret)
{
    const struct ort_value *v = ort_output(s, (size_t)d->output[ROLE_BOXES]);
    int64_t width = 4 + d->objectness + d->classes + d->extra;
    if (v->rank != 3 || v->shape[0] != 1 || !v->data || (v->shape[1] != width && v->shape[2] != width))
        return fail(E_UNMEANT, "the model's output '%s' has no axis of %lld numbers a row", v->name, (long long)width);
    bool by_row = v->shape[2] == width && (v->shape[1] != width || v->shape[2] == width);
    if (v->shape[1] == width && v->shape[2] != width)
        by_row = false;
    *ret = by_row ? (struct rows){ v->data, v->shape[1], width, width, 1 }
                  : (struct rows){ v->data, v->shape[2], width, 1, v->shape[2] };
    return OK;
}

static float number(const struct rows *r, int64_t row, int64_t k)
{
    return r->data[row * r->step + k * r->stride];
}

/* The best class of each row, class by class where the numbers of one class lie together. */
static void best_of(const struct description *d, const struct rows *r, float *score, int32_t *best)
{
    int64_t first = 4 + d->objectness;
    for (int64_t i = 0; i < r->n; i++) {
        score[i] = number(r, i, first);
        best[i] = 0;
    }
    if (r->step == 1) {
        for (int64_t c = 1; c < d->classes; c++) {
            const float *p = r->data + (first + c) * r->stride;
            for (int64_t i = 0; i < r->n; i++) {
                bool more = p[i] > score[i];
                best[i] = more ? (int32_t)c : best[i];
                score[i] = more ? p[i] : score[i];
            }
        }
        return;
    }
    for (int64_t i = 0; i < r->n; i++)
        for (int64_t c = 1; c < d->classes; c++)
            if (number(r, i, first + c) > score[i]) {
                score[i] = number(r, i, first + c);
                best[i] = (int32_t)c;
            }
}

static float probability(const struct description *d, float x)
{
    return d->score == SCORE_PROBABILITY ? x : 1 / (1 + expf(-x));
}

/* The cell of a row of YOLOX, in strides: rows of cells, of stride 8, then 16, then 32. */
static void undo_grid(const struct placed *at, int64_t row, float box[4])
{
    for (int stride = 8; stride <= 32; stride *= 2) {
        int64_t w = at->in_width / stride, h = at->in_height / stride;
        if (row >= w * h) {
            row -= w * h;
            continue;
        }
        box[0] = (box[0] + (float)(row % w)) * (float)stride;
        box[1] = (box[1] + (float)(row / w)) * (float)stride;
        box[2] = expf(box[2]) * (float)stride;
        box[3] = expf(box[3]) * (float)stride;
        return;
    }
}

static void read_box(const struct description *d, const struct rows *r, const struct placed *at, int64_t row, float box[4])
{
    for (int k = 0; k < 4; k++)
        box[k] = number(r, row, k);
    if (d->head == HEAD_YOLOX_RAW)
        undo_grid(at, row, box);
    if (!d->turned)
        return;
    float angle = number(r, row, 4 + d->objectness + d->classes), c = fabsf(cosf(angle)), s = fabsf(sinf(angle)), w = box[2],
          h = box[3];
    box[2] = w * c + h * s;
    box[3] = w * s + h * c;
}

/* ---- shapes of the rows that are left */

struct shapes {
    const struct description *d;
    const struct ort_session *s;
    const struct placed *at;
    struct rows r;
    struct map map;
    struct spot *spots;
};

static size_t keypoints(struct shapes *x, uint32_t row)
{
    int64_t first = 4 + x->d->objectness + x->d->classes;
    for (int64_t k = 0; k < x->d->points; k++) {
        int64_t at = first + k * 3;
        x->spots[k] = spot_placed(x->at, number(&x->r, row, at), number(&x->r, row, at + 1), number(&x->r, row, at + 2));
    }
    return (size_t)x->d->points;
}

static struct turned turned_row(const void *with, uint32_t row)
{
    const struct shapes *x = with;
    return (struct turned){ number(&x->r, row, 0), number(&x->r, row, 1), number(&x->r, row, 2), number(&x->r, row, 3),
                            number(&x->r, row, 4 + x->d->objectness + x->d->classes) };
}

static size_t outline(void *with, const struct box *b, const struct spot **ret)
{
    struct shapes *x = with;
    *ret = x->spots;
    if (x->d->points)
        return keypoints(x, b->row);
    if (x->d->turned)
        return turned_outline(x->at, turned_row(x, b->row), x->spots);
    float coefficients[256];
    int64_t first = 4 + x->d->objectness + x->d->classes, n = x->d->extra < 256 ? x->d->extra : 256;
    for (int64_t k = 0; k < n; k++)
        coefficients[k] = number(&x->r, b->row, first + k);
    return found_prototypes(x->s, x->d, x->at, b, coefficients, n, &x->spots, ret);
}

static enum err decode(const struct description *d, const struct ort_session *s, const struct placed *at, double min_score,
                       struct found *ret)
{
    struct rows r;
    TRY(rows_of(d, s, &r));
    AUTO(boxes) struct boxes b = { 0 };
    float *score = heap_take(sizeof *score * (size_t)(r.n + 1));
    int32_t *best = heap_take(sizeof *best * (size_t)(r.n + 1));
    best_of(d, &r, score, best);
    for (int64_t i = 0; i < r.n; i++) {
        float p = probability(d, score[i]) * (d->objectness ? probability(d, number(&r, i, 4)) : 1), box[4];
        if (!((double)p >= min_score))
            continue;
        read_box(d, &r, at, i, box);
        boxes_add(&b, d, at, box, p, label_of_column(d, best[i], d->classes), (uint32_t)i);
    }
    free(score);
    free(best);
    struct shapes x = { d, s, at, r, { 0 }, heap_take(sizeof(struct spot) * (size_t)(d->points + TURNED_SPOTS)) };
    struct description rest = *d;
    if (d->turned && d->suppress) {
        boxes_suppress_turned(&b, turned_row, &x, d->nms_iou, d->across, (size_t)d->max_detections);
        rest.suppress = false;
    }
    found_objects(ret, &rest, at, &b, d->extra ? outline : NULL, &x);
    free(x.spots);
    return OK;
}

const struct family family_rows = { "a detector of the YOLO kind: a row for each anchor, suppression left to the caller",
                                    "an output has as many rows as the input has anchors, each of a box and a score a label",
                                    recognise, needs, decode };
