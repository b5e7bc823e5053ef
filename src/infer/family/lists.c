/* Lists of boxes, classes and scores, which a network has chosen itself. They differ in names, order, types and units; the types
 * tell what names hide. */
#include "infer/family/family.h"
#include "infer/outline.h"
#include <stdlib.h>
#include <string.h>

static void be_usual(struct description *d)
{
    SET(d, FACT_BOXES, ORIGIN_FAMILY, boxes = BOX_XYXY);
    SET(d, FACT_UNIT, ORIGIN_FAMILY, unit = UNIT_INPUT);
    SET(d, FACT_SCORE, ORIGIN_FAMILY, score = SCORE_PROBABILITY);
    SET(d, FACT_NMS, ORIGIN_FAMILY, suppress = false);
    SET(d, FACT_MAX_DETECTIONS, ORIGIN_FAMILY, max_detections = DETECTIONS_MOST);
    SET(d, FACT_COLOUR, ORIGIN_FAMILY, bgr = false);
    d->gives |= WANT_BOXES;
    if (d->output[ROLE_MASKS] >= 0)
        d->gives |= WANT_OUTLINES;
    if (d->output[ROLE_POINTS] >= 0)
        d->gives |= WANT_KEYPOINTS;
}

static void no_mean(struct description *d, enum origin from)
{
    static const float none[3] = { 0, 0, 0 }, one[3] = { 1, 1, 1 };
    set_mean(d, from, none, one);
}

static bool has(const struct description *d)
{
    return d->output[ROLE_BOXES] >= 0 && d->output[ROLE_SCORES] >= 0 && d->output[ROLE_LABELS] >= 0;
}

/* ---- TensorFlow's */

static bool recognise_detection(const struct look *l, struct description *d)
{
    d->output[ROLE_BOXES] = look_output(l, "detection_boxes");
    d->output[ROLE_SCORES] = look_output(l, "detection_scores");
    d->output[ROLE_LABELS] = look_output(l, "detection_classes");
    d->output[ROLE_COUNT] = look_output(l, "num_detections");
    if (!has(d))
        return false;
    SET(d, FACT_BOXES, ORIGIN_FAMILY, boxes = BOX_YXYX);
    SET(d, FACT_UNIT, ORIGIN_FAMILY, unit = UNIT_FRACTION);
    SET(d, FACT_RESIZE, ORIGIN_FAMILY, resize = d->height && d->width ? RESIZE_STRETCH : RESIZE_NONE);
    set_range(d, ORIGIN_FAMILY, 0, 255);
    no_mean(d, ORIGIN_FAMILY);
    be_usual(d);
    return true;
}

/* ---- counted ones: EfficientNMS and super-gradients */

static bool recognise_counted(const struct look *l, struct description *d)
{
    int count = look_output(l, "num_dets");
    d->output[ROLE_COUNT] = count >= 0 ? count : look_output(l, "num_predictions");
    d->output[ROLE_BOXES] = look_output(l, "boxes");
    d->output[ROLE_SCORES] = look_output(l, "scores");
    d->output[ROLE_LABELS] = look_output(l, "classes");
    if (!has(d) || d->output[ROLE_COUNT] < 0)
        return false;
    SET(d, FACT_FILTER, ORIGIN_FAMILY, filter = FILTER_LINEAR);
    be_usual(d);
    if (d->type == ELEMENT_U8) /* super-gradients divide inside */
        set_yolo_picture(d, ORIGIN_FAMILY);
    return true;
}

static unsigned needs_picture(const struct look *l, const struct description *d)
{
    (void)l;
    return d->type == ELEMENT_U8 ? 0 : 1U << FACT_COLOUR | 1U << FACT_RANGE | 1U << FACT_RESIZE;
}

/* ---- mmdeploy: the score is the fifth number of a box */

static bool recognise_with_scores(const struct look *l, struct description *d)
{
    int boxes = look_output(l, "dets"), labels = look_output(l, "labels"), masks = look_output(l, "masks");
    if (boxes < 0 || labels < 0)
        return false;
    const struct ort_value *b = ort_output(l->session, (size_t)boxes), *s = ort_output(l->session, (size_t)labels);
    if (!element_is_whole(s->type) || !look_is_float(b) || b->rank < 2 || b->shape[b->rank - 1] != 5)
        return false;
    d->output[ROLE_BOXES] = boxes;
    d->output[ROLE_LABELS] = labels;
    d->output[ROLE_MASKS] = masks >= 0 && ort_output(l->session, (size_t)masks)->rank == 4 ? masks : -1;
    SET(d, FACT_RESIZE, ORIGIN_FAMILY, resize = RESIZE_LETTERBOX_TOP_LEFT);
    SET(d, FACT_PAD, ORIGIN_FAMILY, pad = 0);
    SET(d, FACT_FILTER, ORIGIN_FAMILY, filter = FILTER_LINEAR);
    be_usual(d);
    d->from[FACT_COLOUR] = d->from[FACT_COLOUR] == ORIGIN_TOLD ? ORIGIN_TOLD : ORIGIN_UNKNOWN;
    return true;
}

static unsigned needs_all(const struct look *l, const struct description *d)
{
    (void)l, (void)d;
    return 1U << FACT_COLOUR | 1U << FACT_RANGE | 1U << FACT_MEAN | 1U << FACT_STD;
}

/* ---- RT-DETR, D-FINE and DEIM of their own repositories: they are told the picture's size */

static bool recognise_sized(const struct look *l, struct description *d)
{
    d->output[ROLE_BOXES] = look_output(l, "boxes");
    d->output[ROLE_SCORES] = look_output(l, "scores");
    d->output[ROLE_LABELS] = look_output(l, "labels");
    if (!has(d) || look_input(l, "orig_target_sizes") < 0)
        return false;
    SET(d, FACT_UNIT, ORIGIN_FAMILY, unit = UNIT_ORIGINAL);
    SET(d, FACT_RESIZE, ORIGIN_FAMILY, resize = RESIZE_STRETCH);
    set_range(d, ORIGIN_FAMILY, 0, 1);
    no_mean(d, ORIGIN_FAMILY);
    be_usual(d);
    return true;
}

/* ---- torchvision: boxes are floats of rows of four, labels the whole numbers, scores the other floats */

static bool recognise_typed(const struct look *l, struct description *d)
{
    for (size_t i = 0; i < ort_outputs(l->session); i++) {
        const struct ort_value *v = ort_output(l->session, i);
        int *role = look_is_float(v) && v->rank == 2 && v->shape[1] == 4 && d->output[ROLE_BOXES] < 0 ? &d->output[ROLE_BOXES]
                    : element_is_whole(v->type) && v->rank == 1                                       ? &d->output[ROLE_LABELS]
                    : look_is_float(v) && v->rank == 1                                                ? &d->output[ROLE_SCORES]
                    : look_is_float(v) && v->rank == 4 && v->shape[1] == 1                            ? &d->output[ROLE_MASKS]
                    : look_is_float(v) && v->rank == 3 && v->shape[2] == 3                            ? &d->output[ROLE_POINTS]
                                                                                                      : NULL;
        if (role)
            *role = (int)i;
    }
    if (!has(d))
        return false;
    SET(d, FACT_RESIZE, ORIGIN_FAMILY, resize = d->height && d->width ? RESIZE_STRETCH : RESIZE_NONE);
    set_range(d, ORIGIN_FAMILY, 0, 1);
    no_mean(d, ORIGIN_FAMILY);
    be_usual(d);
    return true;
}

/* ---- boxes and scores of all classes, without more */

static bool recognise_pairs(const struct look *l, struct description *d)
{
    for (size_t i = 0; i < ort_outputs(l->session); i++) {
        const struct ort_value *v = ort_output(l->session, i);
        if (!look_is_float(v) || v->rank != 3 || v->shape[0] != 1)
            return false;
        if (v->shape[2] == 4 && d->output[ROLE_BOXES] < 0)
            d->output[ROLE_BOXES] = (int)i;
        else if (v->shape[2] == (int64_t)l->classes)
            d->output[ROLE_SCORES] = (int)i;
    }
    if (ort_outputs(l->session) != 2 || d->output[ROLE_BOXES] < 0 || d->output[ROLE_SCORES] < 0 || !l->classes ||
        ort_output(l->session, 0)->shape[1] != ort_output(l->session, 1)->shape[1])
        return false;
    d->gives = WANT_BOXES;
    SET(d, FACT_SCORE, ORIGIN_FAMILY, score = SCORE_PROBABILITY);
    SET(d, FACT_NMS, ORIGIN_FAMILY, suppress = true);
    SET(d, FACT_NMS_IOU, ORIGIN_FAMILY, nms_iou = 0.7);
    SET(d, FACT_MAX_DETECTIONS, ORIGIN_FAMILY, max_detections = 300);
    return true;
}

static unsigned needs_most(const struct look *l, const struct description *d)
{
    (void)l, (void)d;
    return 1U << FACT_COLOUR | 1U << FACT_RANGE | 1U << FACT_RESIZE | 1U << FACT_BOXES | 1U << FACT_UNIT;
}

/* ---- reading */

struct shapes {
    const struct description *d;
    const struct placed *at;
    const struct ort_value *masks, *points;
    struct spot *spots;
};

static size_t keypoints(struct shapes *x, const struct box *b, const struct spot **ret)
{
    const struct ort_value *v = x->points;
    if (v->rank != 3 || b->row >= (uint64_t)v->shape[0])
        return 0;
    size_t n = (size_t)v->shape[1];
    x->spots = heap_grow(x->spots, sizeof *x->spots * (n + 1));
    for (size_t i = 0; i < n; i++) {
        const float *p = v->data + ((size_t)b->row * n + i) * 3;
        x->spots[i] = (struct spot){ (p[0] - x->at->dx) * x->at->per_x, (p[1] - x->at->dy) * x->at->per_y, p[2] > 0 ? 1 : 0 };
    }
    *ret = x->spots;
    return n;
}

static size_t outline(void *with, const struct box *b, const struct spot **ret)
{
    struct shapes *x = with;
    if (x->d->wanted == WANT_KEYPOINTS)
        return x->points ? keypoints(x, b, ret) : 0;
    const struct ort_value *v = x->masks;
    if (!v || v->rank != 4)
        return 0;
    int64_t n = v->shape[0] == 1 && v->shape[1] > 1 ? v->shape[1] : v->shape[0];
    if ((int64_t)b->row >= n)
        return 0;
    struct mask m = { v->data + (int64_t)b->row * v->shape[2] * v->shape[3], v->shape[3], v->shape[2], 0.5F, false, true };
    return found_mask(&m, x->at, b, &x->spots, ret);
}

static const struct ort_value *output_of(const struct description *d, const struct ort_session *s, enum output_role role)
{
    return d->output[role] < 0 ? NULL : ort_output(s, (size_t)d->output[role]);
}

/* How many there are: as many as all lists have, and as the network says. */
static enum err count_of(const struct description *d, const struct ort_session *s, size_t width, size_t *ret)
{
    const struct ort_value *boxes = output_of(d, s, ROLE_BOXES), *count = output_of(d, s, ROLE_COUNT);
    size_t n = boxes->count / width;
    if (!boxes->data || boxes->rank < 1 || boxes->shape[boxes->rank - 1] != (int64_t)width)
        return fail(E_UNMEANT, "the model's output '%s' has no rows of %zu numbers", boxes->name, width);
    for (enum output_role r = ROLE_SCORES; r <= ROLE_LABELS; r++) {
        const struct ort_value *v = output_of(d, s, r);
        if (v && (!v->data || v->count < n))
            return fail(E_UNMEANT, "the model's output '%s' is shorter than '%s'", v->name, boxes->name);
    }
    if (count && count->data && count->count == 1 && count->data[0] >= 0 && (size_t)count->data[0] < n)
        n = (size_t)count->data[0];
    *ret = n;
    return OK;
}

/* A count of fewer than there are may stand beside lists that are not sorted: rows without a score are passed over besides. */
static enum err decode(const struct description *d, const struct ort_session *s, const struct placed *at, double min_score,
                       struct found *ret)
{
    const struct ort_value *boxes = output_of(d, s, ROLE_BOXES), *labels = output_of(d, s, ROLE_LABELS),
                           *scores = output_of(d, s, ROLE_SCORES);
    size_t n, width = scores ? 4 : 5;
    TRY(count_of(d, s, width, &n));
    AUTO(boxes) struct boxes b = { 0 };
    for (size_t i = 0; i < n; i++) {
        float p = scores ? scores->data[i] : boxes->data[i * 5 + 4];
        if ((double)p >= min_score && p > 0)
            boxes_add(&b, d, at, boxes->data + i * width, p, label_of_class(d, (double)labels->data[i]), (uint32_t)i);
    }
    struct shapes x = { d, at, output_of(d, s, ROLE_MASKS), output_of(d, s, ROLE_POINTS), NULL };
    found_objects(ret, d, at, &b, x.masks || x.points ? outline : NULL, &x);
    free(x.spots);
    return OK;
}

static enum err decode_pairs(const struct description *d, const struct ort_session *s, const struct placed *at, double min_score,
                             struct found *ret)
{
    const struct ort_value *boxes = output_of(d, s, ROLE_BOXES), *scores = output_of(d, s, ROLE_SCORES);
    if (boxes->rank != 3 || scores->rank != 3 || boxes->shape[1] != scores->shape[1] || boxes->shape[2] != 4 ||
        scores->shape[2] < 1)
        return fail(E_UNMEANT, "the model's outputs '%s' and '%s' are not of one number of boxes", boxes->name, scores->name);
    AUTO(boxes) struct boxes b = { 0 };
    int64_t classes = scores->shape[2];
    for (int64_t i = 0; i < boxes->shape[1]; i++) {
        const float *row = scores->data + i * classes;
        int64_t best = 0;
        for (int64_t c = 1; c < classes; c++)
            best = row[c] > row[best] ? c : best;
        float p = row_chance(d, row, classes, best);
        if ((double)p >= min_score)
            boxes_add(&b, d, at, boxes->data + i * 4, p, label_of_column(d, best, classes), (uint32_t)i);
    }
    found_objects(ret, d, at, &b, NULL, NULL);
    return OK;
}

const struct family family_detection_lists = { "a detector of TensorFlow's Object Detection API",
                                               "it has the outputs detection_boxes, "
                                               "detection_classes and detection_scores",
                                               recognise_detection, NULL, decode };
const struct family family_counted_lists = { "a detector with counted lists, suppression inside",
                                             "it has outputs for the number, boxes, "
                                             "scores and classes",
                                             recognise_counted, needs_picture, decode };
const struct family family_boxes_with_scores = { "a detector of mmdeploy",
                                                 "it has the outputs dets, of a box and its score, and labels",
                                                 recognise_with_scores, needs_all, decode };
const struct family family_sized_lists = { "a detector that is told the picture's size (RT-DETR, D-FINE, DEIM)",
                                           "it has an input orig_target_sizes, and labels, boxes and scores", recognise_sized, NULL,
                                           decode };
const struct family family_typed_lists = { "a detector of torchvision",
                                           "it has a list of boxes, one of whole numbers (the labels) and "
                                           "one of floats (the scores)",
                                           recognise_typed, NULL, decode };
const struct family family_pairs = { "a detector without suppression: boxes, and scores of all classes",
                                     "it has an output of rows of four numbers and one of as many rows of a number a label",
                                     recognise_pairs, needs_most, decode_pairs };
