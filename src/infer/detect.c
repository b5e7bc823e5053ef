#include "infer/detect.h"
#include "infer/metadata.h"
#include "json/json.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *property(const struct ort_property *p, size_t n, const char *key)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(p[i].key, key) == 0)
            return p[i].value;
    return NULL;
}

static const struct ort_value *output_named(const struct ort_session *s, const char *name)
{
    for (size_t i = 0; i < ort_outputs(s); i++)
        if (strcmp(ort_output(s, i)->name, name) == 0)
            return ort_output(s, i);
    return NULL;
}

/* The size is fixed in the graph, or said by `imgsz`. */
static enum err read_input(const struct ort_session *s, const char *imgsz, struct detector *d)
{
    const struct ort_value *in = ort_input(s);
    if (ort_inputs(s) != 1)
        return fail(E_UNMEANT, "the model has %zu inputs; one image is what can be given", ort_inputs(s));
    if (!in->is_float)
        return fail(E_UNMEANT, "the model's input '%s' is not float32; export it without half or integer precision", in->name);
    if (in->rank != 4 || (in->shape[1] != 3 && in->shape[1] != -1) || (in->shape[0] != 1 && in->shape[0] != -1))
        return fail(E_UNMEANT, "the model's input '%s' is not 1×3×height×width", in->name);
    int64_t height = in->shape[2], width = in->shape[3];
    if (height < 1 || width < 1) {
        if (!imgsz)
            return fail(E_UNMEANT, "the model's input size is not fixed, and it has no metadata `imgsz`");
        int h, w;
        TRY(image_size_read(imgsz, &h, &w));
        height = height < 1 ? h : height;
        width = width < 1 ? w : width;
    }
    if (height > INPUT_SIDE_MOST || width > INPUT_SIDE_MOST)
        return fail(E_UNMEANT, "the model's input is %lld×%lld; at most %d is run", (long long)width, (long long)height,
                    INPUT_SIDE_MOST);
    d->width = (int)width;
    d->height = (int)height;
    return OK;
}

static enum err read_triple(const struct json *v, const char *what, float ret[3])
{
    for (size_t i = 0; i < 3; i++) {
        double x;
        if (!json_number(json_at(v, i), &x))
            return fail(E_UNMEANT, "the model's metadata `saccade` lacks %s", what);
        ret[i] = (float)x;
    }
    return OK;
}

static bool is_text(const struct json *object, const char *key, const char *want)
{
    const char *s = json_text(json_get(object, key));
    return s && strcmp(s, want) == 0;
}

/* docs/formats.md */
static enum err read_ours(struct arena *a, const struct ort_session *s, const char *text, struct detector *d)
{
    const struct json *v;
    TRY(fail_within(json_parse(a, text, strlen(text), &v), "the model's metadata `saccade`: "));
    const struct json *input = json_get(v, "input"), *output = json_get(v, "output");
    int64_t version = 0, pad = 114, most = 300;
    double scale = 0;
    if (!json_int(json_get(v, "version"), &version) || version != 1)
        return fail(E_UNMEANT, "the model's metadata `saccade` is of a version that is not known here");
    if (!is_text(input, "color", "RGB") || !is_text(input, "layout", "NCHW") || !is_text(input, "resize", "letterbox") ||
        !is_text(output, "boxes", "xyxy") || !is_text(output, "unit", "fraction"))
        return fail(E_UNMEANT, "the model's metadata `saccade` asks for an input or output that is not known here");
    if (!json_number(json_get(input, "scale"), &scale) || !json_int(json_get(input, "pad"), &pad) || pad < 0 || pad > 255)
        return fail(E_UNMEANT, "the model's metadata `saccade` lacks the input's scale or pad");
    d->normalise.scale = (float)scale;
    d->normalise.pad = (uint8_t)pad;
    TRY(read_triple(json_get(input, "mean"), "the input's mean", d->normalise.mean));
    TRY(read_triple(json_get(input, "std"), "the input's std", d->normalise.std));
    for (int i = 0; i < 3; i++)
        if (d->normalise.std[i] == 0)
            return fail(E_UNMEANT, "the model's metadata `saccade` has a std of 0");
    d->nms_iou = 0.6;
    json_number(json_get(output, "nms_iou"), &d->nms_iou);
    json_int(json_get(output, "max_detections"), &most);
    d->max_detections = most < 1 || most > DETECTIONS_MOST ? DETECTIONS_MOST : (int)most;
    d->layout = BOXES_AND_SCORES;
    const struct ort_value *boxes = output_named(s, "boxes"), *scores = output_named(s, "scores");
    if (!boxes || !scores || !boxes->is_float || !scores->is_float)
        return fail(E_UNMEANT, "the model lacks the outputs `boxes` and `scores`");
    return OK;
}

static enum err read_yolo(const struct ort_session *s, size_t n_names, struct detector *d)
{
    d->normalise = (struct normalise){ .scale = 1.0F / 255, .std = { 1, 1, 1 }, .pad = 114 };
    d->nms_iou = 0.7;
    d->max_detections = 300;
    const struct ort_value *out = ort_output(s, 0);
    if (ort_outputs(s) != 1 || !out->is_float || out->rank != 3)
        return fail(E_UNMEANT, "the model's outputs are neither `boxes` and `scores` nor one float32 tensor 1×(4+classes)×anchors");
    int64_t rows = out->shape[1], columns = out->shape[2];
    if (columns == 6 && (rows < 0 || rows <= DETECTIONS_MOST))
        d->layout = ALREADY_PICKED;
    else if (rows == (int64_t)n_names + 4 || rows < 0)
        d->layout = ROWS_BY_ANCHOR;
    else
        return fail(E_UNMEANT, "the model's output has %lld rows; %zu names ask for %zu", (long long)rows, n_names, n_names + 4);
    return OK;
}

static enum err describe(struct arena *a, const struct detector *d, const char *const *names, size_t n_names,
                         const struct ort_property *p, size_t n, const char **ret)
{
    AUTO(out) struct out o;
    out_init(&o, 100 << 10); /* fits into a message */
    out_object(&o, NULL);
    out_text(&o, "task", "detect");
    out_object(&o, "names");
    for (size_t i = 0; i < n_names; i++)
        if (names[i])
            out_text(&o, arena_fmt(a, "%zu", i), names[i]);
    out_end_object(&o);
    out_array(&o, "imgsz");
    out_int(&o, NULL, d->height);
    out_int(&o, NULL, d->width);
    out_end_array(&o);
    out_number(&o, "nms_iou", d->nms_iou);
    out_int(&o, "max_detections", d->max_detections);
    out_object(&o, "metadata");
    for (size_t i = 0; i < n; i++)
        if (strlen(p[i].value) <= 4096) /* the long ones are said above */
            out_text(&o, p[i].key, p[i].value);
    out_end_object(&o);
    out_end_object(&o);
    *ret = arena_str(a, o.text.bytes);
    return text_full(&o.text) ? fail(E_UNMEANT, "the model's metadata is over 100 KiB") : OK;
}

enum err detector_read(const struct ort_session *s, struct arena *a, struct detector *ret)
{
    struct ort_property *p;
    size_t n, n_names = 0;
    const char **names;
    TRY(ort_metadata(s, a, &p, &n));
    const char *task = property(p, n, "task"), *ours = property(p, n, "saccade"), *text = property(p, n, "names");
    if (task && strcmp(task, "detect") != 0)
        return fail(E_UNMEANT, "the model's task is '%.40s'; only 'detect' can be served", task);
    if (!text)
        return fail(E_UNMEANT, "the model has no metadata `names`, so that its classes are unknown");
    TRY(names_read(a, text, &names, &n_names));
    TRY(read_input(s, property(p, n, "imgsz"), ret));
    TRY(ours ? read_ours(a, s, ours, ret) : read_yolo(s, n_names, ret));
    return describe(a, ret, names, n_names, p, n, &ret->describe);
}

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
    const struct ort_value *boxes = output_named(s, "boxes"), *scores = output_named(s, "scores");
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
