#include "infer/detect.h"
#include "infer/metadata.h"
#include <math.h>
#include <stdlib.h>

struct box {
    float x1, y1, x2, y2, score; /* pixels of the image */
    int label;
};
struct boxes {
    struct box *items;
    size_t n, room;
};

static void auto_boxes(struct boxes *b)
{
    free(b->items);
}

/* From pixels of the input to pixels of the image, not clipped yet. What is not finite or has no area is dropped. */
static void add(struct boxes *b, const struct placed *at, float x1, float y1, float x2, float y2, float score, int label)
{
    float fx = (float)at->width / (float)at->used_width, fy = (float)at->height / (float)at->used_height;
    struct box box = { x1 * fx, y1 * fy, x2 * fx, y2 * fy, score > 1 ? 1 : score, label };
    if (!isfinite(box.x1) || !isfinite(box.y1) || !isfinite(box.x2) || !isfinite(box.y2) || box.x2 <= box.x1 || box.y2 <= box.y1)
        return;
    if (b->n == b->room) {
        b->room = b->room ? b->room * 2 : 256;
        b->items = heap_grow(b->items, b->room * sizeof *b->items);
    }
    b->items[b->n++] = box;
}

static enum err gather_ours(const struct detector *d, const struct ort_session *s, const struct placed *at, double min_score,
                            struct boxes *ret)
{
    const struct ort_value *boxes = ort_output_named(s, "boxes"), *scores = ort_output_named(s, "scores");
    if (!boxes || !scores || boxes->rank != 3 || scores->rank != 3 || boxes->shape[0] != 1 || scores->shape[0] != 1 ||
        boxes->shape[2] != 4 || boxes->shape[1] != scores->shape[1])
        return fail(E_UNMEANT, "the model's outputs are not `boxes` 1×A×4 and `scores` 1×A×C");
    int64_t anchors = boxes->shape[1], classes = scores->shape[2];
    float w = (float)d->width, h = (float)d->height;
    for (int64_t i = 0; i < anchors; i++) {
        const float *p = scores->data + i * classes, *b = boxes->data + i * 4;
        int best = 0;
        for (int c = 1; c < classes; c++)
            best = p[c] > p[best] ? c : best;
        if (classes > 0 && (double)p[best] >= min_score)
            add(ret, at, b[0] * w, b[1] * h, b[2] * w, b[3] * h, p[best], best);
    }
    return OK;
}

static enum err gather_rows(const struct ort_session *s, const struct placed *at, double min_score, struct boxes *ret)
{
    const struct ort_value *out = ort_output(s, 0);
    if (out->rank != 3 || out->shape[0] != 1 || out->shape[1] < 5)
        return fail(E_UNMEANT, "the model's output is not 1×(4+classes)×anchors");
    int64_t classes = out->shape[1] - 4, anchors = out->shape[2];
    const float *x = out->data, *y = x + anchors, *w = y + anchors, *h = w + anchors, *scores = h + anchors;
    for (int64_t i = 0; i < anchors; i++) {
        int best = 0;
        for (int c = 1; c < classes; c++)
            best = scores[c * anchors + i] > scores[best * anchors + i] ? c : best;
        float score = scores[best * anchors + i];
        if ((double)score >= min_score)
            add(ret, at, x[i] - w[i] / 2, y[i] - h[i] / 2, x[i] + w[i] / 2, y[i] + h[i] / 2, score, best);
    }
    return OK;
}

static enum err gather_picked(const struct ort_session *s, const struct placed *at, double min_score, struct boxes *ret)
{
    const struct ort_value *out = ort_output(s, 0);
    if (out->rank != 3 || out->shape[0] != 1 || out->shape[2] != 6)
        return fail(E_UNMEANT, "the model's output is not 1×N×6");
    for (int64_t i = 0; i < out->shape[1]; i++) {
        const float *p = out->data + i * 6;
        if ((double)p[4] >= min_score && p[5] >= 0 && p[5] < NAMES_MOST)
            add(ret, at, p[0], p[1], p[2], p[3], p[4], (int)p[5]);
    }
    return OK;
}

static int descending(float a, float b)
{
    return (a < b) - (a > b);
}

static int by_score(const void *a, const void *b)
{
    const struct box *x = a, *y = b;
    int by = descending(x->score, y->score);
    by = by ? by : descending(y->y1, x->y1); /* a fixed order, whatever qsort() does */
    return by ? by : descending(y->x1, x->x1);
}

static float overlap(const struct box *a, const struct box *b)
{
    float w = fminf(a->x2, b->x2) - fmaxf(a->x1, b->x1), h = fminf(a->y2, b->y2) - fmaxf(a->y1, b->y1);
    if (w <= 0 || h <= 0)
        return 0;
    float both = w * h, sum = (a->x2 - a->x1) * (a->y2 - a->y1) + (b->x2 - b->x1) * (b->y2 - b->y1);
    return both / (sum - both);
}

/* Greedy: a box stays if no better one of its class overlaps it too much. Kept boxes gather at the front. */
static size_t suppress(struct box *boxes, size_t n, double iou, size_t most)
{
    size_t kept = 0;
    for (size_t i = 0; i < n && kept < most; i++) {
        bool stays = true;
        for (size_t k = 0; k < kept && stays; k++)
            stays = boxes[k].label != boxes[i].label || (double)overlap(&boxes[k], &boxes[i]) <= iou;
        if (stays)
            boxes[kept++] = boxes[i];
    }
    return kept;
}

enum err detector_pick(const struct detector *d, const struct ort_session *s, const struct placed *at, double min_score,
                       struct detection *ret, size_t *ret_n)
{
    AUTO(boxes) struct boxes b = { 0 };
    switch (d->layout) {
    case PROBABILITIES: return classifier_pick(s, min_score, ret, ret_n);
    case BOXES_AND_SCORES: TRY(gather_ours(d, s, at, min_score, &b)); break;
    case ROWS_BY_ANCHOR: TRY(gather_rows(s, at, min_score, &b)); break;
    case ALREADY_PICKED: TRY(gather_picked(s, at, min_score, &b)); break;
    }
    if (b.n)
        qsort(b.items, b.n, sizeof *b.items, by_score);
    size_t n = suppress(b.items, b.n, d->layout == ALREADY_PICKED ? 1 : d->nms_iou, (size_t)d->max_detections);
    *ret_n = 0;
    for (size_t i = 0; i < n; i++) {
        const struct box *x = &b.items[i];
        float left = fmaxf(x->x1, 0), top = fmaxf(x->y1, 0), right = fminf(x->x2, (float)at->width),
              bottom = fminf(x->y2, (float)at->height);
        if (right > left && bottom > top) /* else it lies in the padding */
            ret[(*ret_n)++] = (struct detection){ x->label, x->score, left, top, right - left, bottom - top };
    }
    return OK;
}
