/* The metadata `saccade` of files that trainings here write: docs/formats.md. */
#include "infer/reading.h"
#include <string.h>

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

static enum err read_input(const struct json *input, struct description *d)
{
    static const struct {
        const char *word;
        enum resize resize;
    } fits[] = { { "letterbox", RESIZE_OUR_LETTERBOX }, { "stretch", RESIZE_OUR_STRETCH }, { "cover", RESIZE_COVER } };
    int64_t pad = 114;
    double scale = 0;
    size_t fit = 0;
    while (fit < COUNT_OF(fits) && !is_text(input, "resize", fits[fit].word))
        fit++;
    if (!is_text(input, "color", "RGB") || !is_text(input, "layout", "NCHW") || fit == COUNT_OF(fits))
        return not_known();
    if (!json_number(json_get(input, "scale"), &scale) || !json_int(json_get(input, "pad"), &pad) || pad < 0 || pad > 255)
        return fail(E_UNMEANT, "the model's metadata `saccade` lacks the input's scale or pad");
    d->resize = fits[fit].resize;
    d->scale = (float)scale;
    d->low = 0;
    d->pad = (int)pad;
    d->bgr = false;
    TRY(read_triple(json_get(input, "mean"), "the input's mean", d->mean));
    TRY(read_triple(json_get(input, "std"), "the input's std", d->std));
    for (int i = 0; i < 3; i++)
        if (d->std[i] == 0)
            return fail(E_UNMEANT, "the model's metadata `saccade` has a std of 0");
    for (int f = FACT_COLOUR; f <= FACT_PAD; f++)
        d->from[f] = f == FACT_CROP ? ORIGIN_UNKNOWN : ORIGIN_METADATA;
    return d->layout == LAYOUT_NCHW && d->type == ELEMENT_F32 ? OK : not_known();
}

static int output_named(const struct ort_session *s, const char *name)
{
    for (size_t i = 0; i < ort_outputs(s); i++)
        if (strcmp(ort_output(s, i)->name, name) == 0 && ort_output(s, i)->type == ELEMENT_F32)
            return (int)i;
    return -1;
}

static enum err read_boxes(const struct json *output, const struct ort_session *s, struct description *d)
{
    int64_t most = 300;
    if (d->resize != RESIZE_OUR_LETTERBOX || !is_text(output, "boxes", "xyxy") || !is_text(output, "unit", "fraction"))
        return not_known();
    d->boxes = BOX_XYXY;
    d->unit = UNIT_FRACTION;
    d->suppress = true;
    d->nms_iou = 0.6;
    json_number(json_get(output, "nms_iou"), &d->nms_iou);
    json_int(json_get(output, "max_detections"), &most);
    d->max_detections = most < 1 || most > DETECTIONS_MOST ? DETECTIONS_MOST : (int)most;
    d->gives = WANT_BOXES;
    d->output[ROLE_BOXES] = output_named(s, "boxes");
    d->output[ROLE_SCORES] = output_named(s, "scores");
    d->from[FACT_BOXES] = d->from[FACT_UNIT] = d->from[FACT_NMS] = d->from[FACT_NMS_IOU] = d->from[FACT_MAX_DETECTIONS] =
        ORIGIN_METADATA;
    return d->output[ROLE_BOXES] < 0 || d->output[ROLE_SCORES] < 0
               ? fail(E_UNMEANT, "the model lacks the outputs `boxes` and `scores`")
               : OK;
}

enum err reading_ours(struct arena *a, const struct ort_session *s, const char *text, bool whole, struct description *d)
{
    const struct json *v;
    TRY(fail_within(json_parse(a, text, strlen(text), &v), "the model's metadata `saccade`: "));
    const struct json *output = json_get(v, "output");
    int64_t version = 0;
    if (!json_int(json_get(v, "version"), &version) || version != 1)
        return fail(E_UNMEANT, "the model's metadata `saccade` is of a version that is not known here");
    TRY(read_input(json_get(v, "input"), d));
    if (!whole)
        return read_boxes(output, s, d);
    d->score = SCORE_PROBABILITY;
    d->gives = WANT_LABELS;
    d->output[ROLE_SCORES] = output_named(s, "scores");
    d->from[FACT_SCORE] = ORIGIN_METADATA;
    if (d->output[ROLE_SCORES] < 0)
        return fail(E_UNMEANT, "the model lacks the output `scores`");
    return is_text(output, "scores", "probabilities") ? OK : not_known();
}
