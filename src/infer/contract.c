#include "infer/detect.h"
#include "infer/metadata.h"
#include "json/json.h"
#include <string.h>

static const char *property(const struct ort_property *p, size_t n, const char *key)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(p[i].key, key) == 0)
            return p[i].value;
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

static enum err not_known(void)
{
    return fail(E_UNMEANT, "the model's metadata `saccade` asks for an input or output that is not known here");
}

static enum err read_our_input(const struct json *input, struct detector *d)
{
    static const char *const fits[] = { [FIT_LETTERBOX] = "letterbox", [FIT_STRETCH] = "stretch", [FIT_COVER] = "cover" };
    int64_t pad = 114;
    double scale = 0;
    size_t fit = 0;
    while (fit < COUNT_OF(fits) && !is_text(input, "resize", fits[fit]))
        fit++;
    if (!is_text(input, "color", "RGB") || !is_text(input, "layout", "NCHW") || fit == COUNT_OF(fits))
        return not_known();
    d->fit = (enum fit)fit;
    if (!json_number(json_get(input, "scale"), &scale) || !json_int(json_get(input, "pad"), &pad) || pad < 0 || pad > 255)
        return fail(E_UNMEANT, "the model's metadata `saccade` lacks the input's scale or pad");
    d->normalise.scale = (float)scale;
    d->normalise.pad = (uint8_t)pad;
    TRY(read_triple(json_get(input, "mean"), "the input's mean", d->normalise.mean));
    TRY(read_triple(json_get(input, "std"), "the input's std", d->normalise.std));
    for (int i = 0; i < 3; i++)
        if (d->normalise.std[i] == 0)
            return fail(E_UNMEANT, "the model's metadata `saccade` has a std of 0");
    return OK;
}

static enum err read_our_boxes(const struct json *output, const struct ort_session *s, struct detector *d)
{
    int64_t most = 300;
    if (d->fit != FIT_LETTERBOX || !is_text(output, "boxes", "xyxy") || !is_text(output, "unit", "fraction"))
        return not_known();
    d->nms_iou = 0.6;
    json_number(json_get(output, "nms_iou"), &d->nms_iou);
    json_int(json_get(output, "max_detections"), &most);
    d->max_detections = most < 1 || most > DETECTIONS_MOST ? DETECTIONS_MOST : (int)most;
    d->layout = BOXES_AND_SCORES;
    const struct ort_value *boxes = ort_output_named(s, "boxes"), *scores = ort_output_named(s, "scores");
    if (!boxes || !scores || !boxes->is_float || !scores->is_float)
        return fail(E_UNMEANT, "the model lacks the outputs `boxes` and `scores`");
    return OK;
}

/* docs/formats.md */
static enum err read_ours(struct arena *a, const struct ort_session *s, const char *text, struct detector *d)
{
    const struct json *v;
    TRY(fail_within(json_parse(a, text, strlen(text), &v), "the model's metadata `saccade`: "));
    const struct json *output = json_get(v, "output");
    int64_t version = 0;
    if (!json_int(json_get(v, "version"), &version) || version != 1)
        return fail(E_UNMEANT, "the model's metadata `saccade` is of a version that is not known here");
    TRY(read_our_input(json_get(v, "input"), d));
    if (d->layout == PROBABILITIES)
        return is_text(output, "scores", "probabilities") ? OK : not_known();
    return read_our_boxes(output, s, d);
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

/* A classifier gives a probability for each name, whoever exported it. */
static enum err check_classifier(const struct ort_session *s, size_t n_names)
{
    const struct ort_value *out = classifier_output(s);
    if (!out || !out->is_float || out->rank != 2 || (out->shape[0] != 1 && out->shape[0] != -1))
        return fail(E_UNMEANT, "the model's task is 'classify', but it has no float32 output 1×classes");
    if (out->shape[1] >= 0 && out->shape[1] != (int64_t)n_names)
        return fail(E_UNMEANT, "the model's output has %lld values; it has %zu names", (long long)out->shape[1], n_names);
    return OK;
}

/* As Ultralytics exports them: the middle of the image, in values from 0 to 1. */
static void read_common_classifier(struct detector *d)
{
    d->normalise = (struct normalise){ .scale = 1.0F / 255, .std = { 1, 1, 1 } };
    d->fit = FIT_COVER;
}

static enum err describe(struct arena *a, const struct detector *d, const char *const *names, size_t n_names,
                         const struct ort_property *p, size_t n, const char **ret)
{
    AUTO(out) struct out o;
    out_init(&o, 100 << 10); /* fits into a message */
    out_object(&o, NULL);
    out_text(&o, "task", d->layout == PROBABILITIES ? "classify" : "detect");
    out_object(&o, "names");
    for (size_t i = 0; i < n_names; i++)
        if (names[i])
            out_text(&o, arena_fmt(a, "%zu", i), names[i]);
    out_end_object(&o);
    out_array(&o, "imgsz");
    out_int(&o, NULL, d->height);
    out_int(&o, NULL, d->width);
    out_end_array(&o);
    if (d->layout != PROBABILITIES) {
        out_number(&o, "nms_iou", d->nms_iou);
        out_int(&o, "max_detections", d->max_detections);
    }
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
    bool whole = task && strcmp(task, "classify") == 0;
    if (task && !whole && strcmp(task, "detect") != 0)
        return fail(E_UNMEANT, "the model's task is '%.40s'; 'detect' and 'classify' can be served", task);
    if (!text)
        return fail(E_UNMEANT, "the model has no metadata `names`, so that its classes are unknown");
    TRY(names_read(a, text, &names, &n_names));
    TRY(read_input(s, property(p, n, "imgsz"), ret));
    if (whole) {
        ret->layout = PROBABILITIES;
        TRY(check_classifier(s, n_names));
    }
    if (ours)
        TRY(read_ours(a, s, ours, ret));
    else if (whole)
        read_common_classifier(ret);
    else
        TRY(read_yolo(s, n_names, ret));
    return describe(a, ret, names, n_names, p, n, &ret->describe);
}
