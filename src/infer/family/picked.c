/* Boxes that were chosen inside of the network, as rows: box, score and class in some order, and what belongs to them. */
#include "infer/family/family.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int columns_width(const struct description *d)
{
    int n = 0;
    for (int i = 0; i < d->n_columns; i++)
        n += d->columns[i] == COLUMN_BOX ? 4 : 1;
    return n;
}

static void set_columns(struct description *d, enum origin from, int n, const enum row_column *columns)
{
    if (!may_set(d, FACT_COLUMNS, from))
        return;
    d->n_columns = n;
    memcpy(d->columns, columns, sizeof *columns * (size_t)n);
}

static const enum row_column usual[] = { COLUMN_BOX, COLUMN_SCORE, COLUMN_CLASS },
                             flat[] = { COLUMN_BATCH, COLUMN_BOX, COLUMN_SCORE, COLUMN_CLASS },
                             paddle[] = { COLUMN_CLASS, COLUMN_SCORE, COLUMN_BOX };

static void be_usual(struct description *d, enum origin from)
{
    SET(d, FACT_BOXES, from, boxes = BOX_XYXY);
    SET(d, FACT_UNIT, from, unit = UNIT_INPUT);
    SET(d, FACT_SCORE, from, score = SCORE_PROBABILITY);
    SET(d, FACT_NMS, from, suppress = false);
    SET(d, FACT_MAX_DETECTIONS, from, max_detections = DETECTIONS_MOST);
}

static bool says(const struct look *l, const char *key, const char *part)
{
    const char *s = look_property(l, key);
    return s && strstr(s, part);
}

/* Rows of a network whose metadata say so: 6 numbers, then mask coefficients, keypoints, or the angle of a turned box. */
static bool read_exported(const struct look *l, struct description *d, const struct ort_value *v, int64_t width)
{
    bool rtdetr = says(l, "head", "RTDETRDecoder") || says(l, "description", "rtdetr");
    bool picked = rtdetr || says(l, "end2end", "True") || says(l, "args", "'nms': True");
    if (!picked && v->shape[1] == look_anchors(l) && width == 4 + (int64_t)l->classes) /* few anchors of two classes */
        return false;
    d->extra = width - 6;
    if (l->task && strcmp(l->task, "obb") == 0 && d->extra == 1)
        d->turned = true;
    else if (l->task && strcmp(l->task, "pose") == 0 && d->extra > 0 && d->extra == look_keypoints(l) * 3)
        d->points = d->extra / 3;
    else if (d->extra && ort_outputs(l->session) > 1 && ort_output(l->session, 1)->rank == 4 &&
             ort_output(l->session, 1)->shape[1] == d->extra)
        d->output[ROLE_MASKS] = 1;
    else if (d->extra)
        return false;
    d->gives = WANT_BOXES | (d->points ? WANT_KEYPOINTS : d->extra ? WANT_OUTLINES : 0);
    if (rtdetr) {
        SET(d, FACT_BOXES, ORIGIN_METADATA, boxes = BOX_CXCYWH);
        SET(d, FACT_UNIT, ORIGIN_METADATA, unit = UNIT_FRACTION);
        SET(d, FACT_RESIZE, ORIGIN_METADATA, resize = RESIZE_STRETCH);
    }
    if (d->turned)
        SET(d, FACT_BOXES, ORIGIN_METADATA, boxes = BOX_CXCYWH);
    set_columns(d, ORIGIN_METADATA, 3, usual);
    be_usual(d, ORIGIN_METADATA);
    set_yolo_picture(d, ORIGIN_METADATA);
    return true;
}

/* A small input has so few anchors that their rows could be taken for chosen ones. */
static bool looks_dense(const struct look *l, int64_t n, int64_t width)
{
    int64_t anchors = look_anchors(l), classes = (int64_t)l->classes;
    return (n == anchors && (width == 4 + classes || width == 5 + classes)) || (n == 3 * anchors && width == 5 + classes);
}

static bool recognise(const struct look *l, struct description *d)
{
    const struct ort_value *v = ort_output(l->session, 0);
    bool batched = look_shape(v, 3, (int64_t)1, (int64_t)-1, (int64_t)-1), list = v->rank == 2;
    if (!look_is_float(v) || (!batched && !list))
        return false;
    int64_t n = batched ? v->shape[1] : v->shape[0], width = batched ? v->shape[2] : v->shape[1];
    if (n > DETECTIONS_MOST || width < 6)
        return false;
    d->output[ROLE_BOXES] = 0;
    if (l->exported && batched)
        return read_exported(l, d, v, width);
    if (ort_outputs(l->session) != 1 || width > 7)
        return false;
    bool told = d->from[FACT_COLUMNS] == ORIGIN_TOLD && columns_width(d) == width;
    if (!told && batched && (width != 6 || looks_dense(l, n, width)))
        return false;
    d->gives = WANT_BOXES;
    if (look_output(l, "flat_predictions") >= 0)
        set_columns(d, ORIGIN_FAMILY, 4, flat);
    else if (width == 6)
        set_columns(d, ORIGIN_FAMILY, 3, usual);
    be_usual(d, ORIGIN_FAMILY);
    SET(d, FACT_FILTER, ORIGIN_FAMILY, filter = FILTER_LINEAR);
    if (width == 7 || l->exported) /* YOLOv7 and super-gradients: pictures as YOLO sees them */
        set_yolo_picture(d, ORIGIN_FAMILY);
    return width == 7 || told || columns_width(d) == width;
}

static unsigned needs(const struct look *l, const struct description *d)
{
    const struct ort_value *v = ort_output(l->session, 0);
    int64_t width = v->shape[v->rank - 1];
    if (l->exported || d->from[FACT_COLUMNS] == ORIGIN_METADATA)
        return 0;
    return width == 7 ? 1U << FACT_COLUMNS : 1U << FACT_COLOUR | 1U << FACT_RANGE | 1U << FACT_RESIZE;
}

/* ---- reading */

struct row {
    float box[4], score, class;
};

static struct row row_of(const struct description *d, const float *p)
{
    struct row r = { .score = 0 };
    for (int i = 0; i < d->n_columns; i++)
        switch (d->columns[i]) {
        case COLUMN_BATCH: p++; break;
        case COLUMN_SCORE: r.score = *p++; break;
        case COLUMN_CLASS: r.class = *p++; break;
        case COLUMN_BOX: memcpy(r.box, p, sizeof r.box); p += 4;
        }
    return r;
}

struct shapes {
    const struct description *d;
    const struct ort_session *s;
    const struct placed *at;
    const float *rows;
    int64_t width;
    struct spot *spots;
};

static size_t outline(void *with, const struct box *b, const struct spot **ret)
{
    struct shapes *x = with;
    const float *p = x->rows + (int64_t)b->row * x->width, *more = p + 6;
    *ret = x->spots;
    if (x->d->points) {
        for (int64_t k = 0; k < x->d->points; k++)
            x->spots[k] = spot_placed(x->at, more[k * 3], more[k * 3 + 1], more[k * 3 + 2]);
        return (size_t)x->d->points;
    }
    if (!x->d->turned)
        return found_prototypes(x->s, x->d, x->at, b, more, x->d->extra, &x->spots, ret);
    return turned_outline(x->at, (struct turned){ p[0], p[1], p[2], p[3], more[0] }, x->spots);
}

static void enclose(float box[4], float angle)
{
    float c = fabsf(cosf(angle)), s = fabsf(sinf(angle)), w = box[2], h = box[3];
    box[2] = w * c + h * s;
    box[3] = w * s + h * c;
}

static enum err decode(const struct description *d, const struct ort_session *s, const struct placed *at, double min_score,
                       struct found *ret)
{
    const struct ort_value *v = ort_output(s, (size_t)d->output[ROLE_BOXES]);
    int64_t width = columns_width(d) + d->extra, n = v->rank == 3 ? v->shape[1] : v->shape[0];
    if ((v->rank != 2 && v->rank != 3) || (v->rank == 3 && v->shape[0] != 1) || v->shape[v->rank - 1] != width || !v->data)
        return fail(E_UNMEANT, "the model's output '%s' is not of rows of %lld numbers", v->name, (long long)width);
    AUTO(boxes) struct boxes b = { 0 };
    for (int64_t i = 0; i < n; i++) {
        struct row r = row_of(d, v->data + i * width);
        if (!((double)r.score >= min_score) || r.score <= 0)
            continue;
        if (d->turned)
            enclose(r.box, v->data[i * width + 6]);
        boxes_add(&b, d, at, r.box, r.score, label_of_class(d, (double)r.class), (uint32_t)i);
    }
    struct shapes x = { d, s, at, v->data, width, heap_take(sizeof(struct spot) * (size_t)(d->points + TURNED_SPOTS)) };
    found_objects(ret, d, at, &b, d->extra ? outline : NULL, &x);
    free(x.spots);
    return OK;
}

const struct family family_picked = { "a detector that chooses its boxes itself: a row for each",
                                      "an output has rows of a box, a score and a class", recognise, needs, decode };

static bool recognise_paddle(const struct look *l, struct description *d)
{
    const struct ort_value *v = ort_output(l->session, 0);
    if (look_input(l, "scale_factor") < 0 || !look_is_float(v) || v->rank != 2 || v->shape[1] != 6)
        return false;
    d->output[ROLE_BOXES] = 0;
    d->gives = WANT_BOXES;
    set_columns(d, ORIGIN_FAMILY, 3, paddle);
    SET(d, FACT_UNIT, ORIGIN_FAMILY, unit = UNIT_ORIGINAL);
    be_usual(d, ORIGIN_FAMILY);
    SET(d, FACT_COLOUR, ORIGIN_FAMILY, bgr = false);
    set_range(d, ORIGIN_FAMILY, 0, 1);
    SET(d, FACT_RESIZE, ORIGIN_FAMILY, resize = RESIZE_STRETCH);
    SET(d, FACT_FILTER, ORIGIN_FAMILY, filter = FILTER_LINEAR);
    return true;
}

static unsigned needs_mean(const struct look *l, const struct description *d)
{
    (void)l, (void)d;
    return 1U << FACT_MEAN | 1U << FACT_STD;
}

const struct family family_paddle = { "a detector of PaddleDetection", "it has an input scale_factor and rows of six numbers",
                                      recognise_paddle, needs_mean, decode };
