/* Detectors of the DETR kind: logits and boxes of queries, nothing to suppress. */
#include "infer/family/family.h"
#include "infer/outline.h"
#include <math.h>
#include <stdlib.h>

/* Of all classes of all queries as many as there are queries. */
static void be_usual(const struct look *l, struct description *d)
{
    SET(d, FACT_BOXES, ORIGIN_FAMILY, boxes = BOX_CXCYWH);
    SET(d, FACT_UNIT, ORIGIN_FAMILY, unit = UNIT_FRACTION);
    SET(d, FACT_NMS, ORIGIN_FAMILY, suppress = false);
    int64_t queries = ort_output(l->session, (size_t)d->output[ROLE_BOXES])->shape[1];
    SET(d, FACT_MAX_DETECTIONS, ORIGIN_FAMILY, max_detections = queries < DETECTIONS_MOST ? (int)queries : DETECTIONS_MOST);
    SET(d, FACT_COLOUR, ORIGIN_FAMILY, bgr = false);
    set_range(d, ORIGIN_FAMILY, 0, 1);
    SET(d, FACT_RESIZE, ORIGIN_FAMILY, resize = RESIZE_STRETCH);
    SET(d, FACT_FILTER, ORIGIN_FAMILY, filter = FILTER_TENSOR);
}

/* RF-DETR calls its logits `labels`, and its last column counts for nothing. */
static bool recognise_dets(const struct look *l, struct description *d)
{
    int boxes = look_output(l, "dets"), logits = look_output(l, "labels"), masks = look_output(l, "masks");
    if (boxes < 0 || logits < 0)
        return false;
    const struct ort_value *b = ort_output(l->session, (size_t)boxes), *s = ort_output(l->session, (size_t)logits);
    if (!look_is_float(s) || s->rank != 3 || !look_shape(b, 3, (int64_t)1, (int64_t)-1, (int64_t)4))
        return false;
    d->output[ROLE_BOXES] = boxes;
    d->output[ROLE_SCORES] = logits;
    d->output[ROLE_MASKS] = masks >= 0 && ort_output(l->session, (size_t)masks)->rank == 4 ? masks : -1;
    SET(d, FACT_SCORE, ORIGIN_FAMILY, score = SCORE_SIGMOID);
    d->has_spare = true;
    SET(d, FACT_FILTER, ORIGIN_FAMILY, filter = FILTER_LINEAR);
    set_mean(d, ORIGIN_FAMILY, imagenet_mean, imagenet_std);
    return true;
}

/* A column more than labels means nothing where all of a row sum to one; as many as labels: each counts for itself. */
static bool recognise_logits(const struct look *l, struct description *d)
{
    int boxes = look_output(l, "pred_boxes"), logits = look_output(l, "logits");
    if (boxes < 0 || logits < 0)
        return false;
    const struct ort_value *b = ort_output(l->session, (size_t)boxes), *s = ort_output(l->session, (size_t)logits);
    if (!look_is_float(s) || s->rank != 3 || !look_shape(b, 3, (int64_t)1, (int64_t)-1, (int64_t)4))
        return false;
    int64_t columns = s->shape[2];
    bool one_more = columns == (int64_t)l->classes + 1 || columns == l->most_classes + 1;
    bool selects = graph_has(l->graph, "GridSample") && graph_has(l->graph, "TopK");
    d->output[ROLE_BOXES] = boxes;
    d->output[ROLE_SCORES] = logits;
    if (l->classes && one_more && !selects && columns != (int64_t)l->classes)
        SET(d, FACT_SCORE, ORIGIN_FILE, score = SCORE_SOFTMAX);
    else if (l->classes && columns == (int64_t)l->classes)
        SET(d, FACT_SCORE, ORIGIN_FILE, score = SCORE_SIGMOID);
    if (d->score == SCORE_SOFTMAX)
        set_mean(d, ORIGIN_FAMILY, imagenet_mean, imagenet_std);
    return true;
}

static bool recognise(const struct look *l, struct description *d)
{
    if (!recognise_dets(l, d) && !recognise_logits(l, d))
        return false;
    d->gives = WANT_BOXES | (d->output[ROLE_MASKS] >= 0 ? WANT_OUTLINES : 0);
    be_usual(l, d);
    return true;
}

static unsigned needs(const struct look *l, const struct description *d)
{
    (void)l, (void)d; /* RT-DETR and D-FINE see no mean, Deformable DETR does */
    return 1U << FACT_SCORE | 1U << FACT_MEAN;
}

struct shapes {
    const struct placed *at;
    const struct ort_value *masks;
    struct spot *spots;
};

static size_t outline(void *with, const struct box *b, const struct spot **ret)
{
    struct shapes *x = with;
    const struct ort_value *v = x->masks;
    if (v->rank != 4 || b->row >= (uint64_t)v->shape[1])
        return 0;
    struct mask m = { v->data + (int64_t)b->row * v->shape[2] * v->shape[3], v->shape[3], v->shape[2], 0, false, false };
    return found_mask(&m, x->at, b, &x->spots, ret);
}

struct query {
    const float *box;
    uint32_t row;
    struct boxes *to;
};

static void add_class(const struct description *d, const struct placed *at, const float *row, int64_t columns, int64_t last,
                      int64_t k, double min_score, const struct query *q)
{
    float p = row_chance(d, row, columns, k);
    if ((double)p >= min_score)
        boxes_add(q->to, d, at, q->box, p, label_of_column(d, k, last), q->row);
}

/* Classes that count for themselves may hold several of a query; else its best. */
static void add_query(const struct description *d, const struct placed *at, const float *row, int64_t columns, int64_t last,
                      double min_score, const struct query *q)
{
    int64_t best = 0;
    for (int64_t k = 0; k < last; k++) {
        best = row[k] > row[best] ? k : best;
        if (d->score == SCORE_SIGMOID)
            add_class(d, at, row, columns, last, k, min_score, q);
    }
    if (d->score != SCORE_SIGMOID)
        add_class(d, at, row, columns, last, best, min_score, q);
}

static enum err decode(const struct description *d, const struct ort_session *s, const struct placed *at, double min_score,
                       struct found *ret)
{
    const struct ort_value *boxes = ort_output(s, (size_t)d->output[ROLE_BOXES]),
                           *logits = ort_output(s, (size_t)d->output[ROLE_SCORES]);
    if (boxes->rank != 3 || logits->rank != 3 || boxes->shape[1] != logits->shape[1] || boxes->shape[2] != 4 ||
        logits->shape[2] < 1 || boxes->shape[0] != 1 || logits->shape[0] != 1)
        return fail(E_UNMEANT, "the model's outputs '%s' and '%s' are not of one number of queries", boxes->name, logits->name);
    AUTO(boxes) struct boxes b = { 0 };
    int64_t columns = logits->shape[2], last = columns - (d->score == SCORE_SOFTMAX || (d->has_spare && columns > 1));
    for (int64_t i = 0; i < boxes->shape[1]; i++)
        add_query(d, at, logits->data + i * columns, columns, last, min_score,
                  &(struct query){ boxes->data + i * 4, (uint32_t)i, &b });
    struct shapes x = { at, d->output[ROLE_MASKS] < 0 ? NULL : ort_output(s, (size_t)d->output[ROLE_MASKS]), NULL };
    found_objects(ret, d, at, &b, x.masks ? outline : NULL, &x);
    free(x.spots);
    return OK;
}

const struct family family_queries = { "a detector of the DETR kind: logits and boxes of queries",
                                       "it has the outputs logits and pred_boxes, or dets and labels of floats", recognise, needs,
                                       decode };

/* ---- masks of queries */

static bool recognise_masks(const struct look *l, struct description *d)
{
    d->output[ROLE_SCORES] = look_output(l, "class_queries_logits");
    d->output[ROLE_MASKS] = look_output(l, "masks_queries_logits");
    if (d->output[ROLE_SCORES] < 0 || d->output[ROLE_MASKS] < 0)
        return false;
    d->gives = WANT_OUTLINES | WANT_BOXES;
    d->unit = UNIT_ORIGINAL;
    d->boxes = BOX_XYXY;
    SET(d, FACT_SCORE, ORIGIN_FAMILY, score = SCORE_SOFTMAX);
    SET(d, FACT_COLOUR, ORIGIN_FAMILY, bgr = false);
    set_range(d, ORIGIN_FAMILY, 0, 1);
    set_mean(d, ORIGIN_FAMILY, imagenet_mean, imagenet_std);
    SET(d, FACT_RESIZE, ORIGIN_FAMILY, resize = RESIZE_STRETCH);
    return true;
}

static enum err decode_masks(const struct description *d, const struct ort_session *s, const struct placed *at, double min_score,
                             struct found *ret)
{
    const struct ort_value *logits = ort_output(s, (size_t)d->output[ROLE_SCORES]),
                           *masks = ort_output(s, (size_t)d->output[ROLE_MASKS]);
    if (logits->rank != 3 || masks->rank != 4 || logits->shape[1] != masks->shape[1] || logits->shape[2] < 2 || !logits->data ||
        !masks->data)
        return fail(E_UNMEANT, "the model's outputs '%s' and '%s' are not of one number of queries", logits->name, masks->name);
    AUTO(boxes) struct boxes b = { 0 };
    struct spot *spots = NULL;
    int64_t columns = logits->shape[2], plane = masks->shape[2] * masks->shape[3];
    for (int64_t i = 0; i < logits->shape[1]; i++) {
        const float *row = logits->data + i * columns;
        int64_t best = 0;
        for (int64_t k = 1; k < columns - 1; k++)
            best = row[k] > row[best] ? k : best;
        float p = row_chance(d, row, columns, best);
        float around[4] = { 0, 0, (float)at->width, (float)at->height };
        if ((double)p >= min_score)
            boxes_add(&b, d, at, around, p, label_of_column(d, best, columns - 1), (uint32_t)i);
    }
    boxes_sort(&b, (size_t)d->max_detections);
    ret->kind = d->wanted == WANT_BOXES ? FOUND_BOXES : FOUND_OUTLINES;
    for (size_t i = 0; i < b.n; i++) {
        struct mask m = { masks->data + (int64_t)b.items[i].row * plane, masks->shape[3], masks->shape[2], 0, false, false };
        const struct spot *outline_spots;
        size_t n = found_mask(&m, at, &b.items[i], &spots, &outline_spots);
        if (!n)
            continue;
        box_around(outline_spots, n, &b.items[i]);
        found_shape(ret, at, &b.items[i], outline_spots, n);
    }
    free(spots);
    return OK;
}

const struct family family_mask_queries = { "a segmenter of the Mask2Former kind: classes and masks of queries",
                                            "it has the outputs class_queries_logits and masks_queries_logits", recognise_masks,
                                            NULL, decode_masks };
