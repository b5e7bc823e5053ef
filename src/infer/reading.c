#include "infer/reading.h"
#include "infer/metadata.h"
#include <stdlib.h>
#include <string.h>

static const struct ort_value *picture_of(const struct ort_session *s, const struct description *d)
{
    return ort_input(s, (size_t)d->picture);
}

/* The input that has three or four axes, three colours among them; of several the first. */
static enum err find_picture(const struct ort_session *s, struct description *d)
{
    for (size_t i = 0; i < ort_inputs(s) && i < ORT_INPUTS; i++) {
        const struct ort_value *v = ort_input(s, i);
        if (v->rank == 4 || (v->rank == 3 && (v->shape[0] == 3 || v->shape[2] == 3))) {
            d->picture = (int)i;
            return OK;
        }
    }
    return fail(E_UNMEANT,
                "none of the model's inputs takes a picture (3×height×width, height×width×3, or one of these in a batch)");
}

static enum layout layout_of(const struct ort_value *v)
{
    bool last = v->shape[v->rank - 1] == 3 && v->shape[v->rank - 3] != 3;
    return v->rank == 4 ? (last ? LAYOUT_NHWC : LAYOUT_NCHW) : last ? LAYOUT_HWC : LAYOUT_CHW;
}

static enum err read_layout(const struct ort_value *v, struct description *d)
{
    SET(d, FACT_LAYOUT, ORIGIN_FILE, layout = layout_of(v));
    bool batched = d->layout == LAYOUT_NCHW || d->layout == LAYOUT_NHWC;
    bool last = d->layout == LAYOUT_NHWC || d->layout == LAYOUT_HWC;
    if (v->rank != 3 + batched)
        return fail(E_UNMEANT, "the model's input '%s' has %d axes, which is not the layout that was told", v->name, v->rank);
    int64_t colours = last ? v->shape[v->rank - 1] : v->shape[v->rank - 3];
    if (colours != 3 && colours != -1)
        return fail(E_UNMEANT, "the model's input '%s' has %lld colours; pictures of three are what can be given", v->name,
                    (long long)colours);
    if (batched && v->shape[0] != 1 && v->shape[0] != -1)
        return fail(E_UNMEANT, "the model's input '%s' takes %lld pictures at once; export it for one, or with a free batch",
                    v->name, (long long)v->shape[0]);
    return OK;
}

/* Fixed in the graph, else said by `imgsz`, else told. */
static enum err read_size(const struct ort_value *v, const char *imgsz, struct description *d)
{
    bool last = d->layout == LAYOUT_NHWC || d->layout == LAYOUT_HWC;
    int64_t height = v->shape[v->rank - 2 - last], width = v->shape[v->rank - 1 - last];
    int h = 0, w = 0;
    if (imgsz && (height < 1 || width < 1))
        TRY(image_size_read(imgsz, &h, &w));
    if (height > INPUT_SIDE_MOST || width > INPUT_SIDE_MOST || h > INPUT_SIDE_MOST || w > INPUT_SIDE_MOST)
        return fail(E_UNMEANT, "the model's input is %lld×%lld; at most %d is run", (long long)(width < 1 ? w : width),
                    (long long)(height < 1 ? h : height), INPUT_SIDE_MOST);
    if (height > 0 && width > 0) { /* what is told cannot change it */
        d->from[FACT_SIZE] = ORIGIN_FILE;
        d->height = (int)height;
        d->width = (int)width;
    } else if (imgsz && may_set(d, FACT_SIZE, ORIGIN_METADATA)) {
        d->height = height < 1 ? h : (int)height;
        d->width = width < 1 ? w : (int)width;
    }
    return OK;
}

static enum err read_input(const struct look *l, struct description *d)
{
    const struct ort_session *s = l->session;
    if (ort_inputs(s) > ORT_INPUTS)
        return fail(E_UNMEANT, "the model has %zu inputs; at most %d can be given", ort_inputs(s), ORT_INPUTS);
    TRY(find_picture(s, d));
    const struct ort_value *v = picture_of(s, d);
    d->type = v->type;
    if (v->type != ELEMENT_F32 && v->type != ELEMENT_F16 && v->type != ELEMENT_U8)
        return fail(E_UNMEANT, "the model's input '%s' is %s; pictures are given as float32, float16 or uint8", v->name,
                    element_name(v->type));
    TRY(read_layout(v, d));
    return read_size(v, look_property(l, "imgsz"), d);
}

/* Bytes are pixels, whatever is usual for the family. */
static void settle_bytes(struct description *d)
{
    if (d->type != ELEMENT_U8)
        return;
    d->scale = 1;
    d->low = 0;
    for (int i = 0; i < 3; i++) {
        d->mean[i] = 0;
        d->std[i] = 1;
    }
    d->from[FACT_RANGE] = ORIGIN_FILE;
    d->from[FACT_MEAN] = d->from[FACT_STD] = ORIGIN_UNKNOWN;
}

/* One run on a grey picture; afterwards the outputs' shapes are true. */
static enum err run_on_grey(struct ort_session *s, const struct description *told, int *ret_height, int *ret_width)
{
    enum { USUAL = 640, GREY = 114 };
    struct description d = *told;
    struct input input = { 0 };
    struct feeds feeds = { 0 };
    struct placed at;
    AUTO(image) struct image grey = { 0 };
    int side = d.resize == RESIZE_NONE && d.from[FACT_RESIZE] == ORIGIN_TOLD ? USUAL / 2 : USUAL;
    d.height = d.height ? d.height : side;
    d.width = d.width ? d.width : side;
    settle_bytes(&d);
    TRY(image_new(d.width, d.height, &grey));
    memset(grey.pixels, GREY, (size_t)d.width * (size_t)d.height * 3);
    enum err e = prepare(&d, &grey, &input, &at);
    if (e == OK)
        e = feeds_fill(s, &d, &input, &at, &feeds);
    if (e == OK)
        e = ort_run(s, feeds.feed, feeds.n);
    feeds_done(&feeds);
    free(input.values);
    *ret_height = d.height;
    *ret_width = d.width;
    return e;
}

/* Of a session that is read once more, otherwise described: its outputs are true already. */
static bool has_run(const struct ort_session *s, const struct description *d)
{
    return d->from[FACT_SIZE] == ORIGIN_FILE && ort_outputs(s) && ort_output(s, 0)->raw;
}

static const char *shape_text(struct arena *a, const struct ort_value *v)
{
    const char *text = "";
    for (int i = 0; i < v->rank; i++)
        text = v->shape[i] < 0 ? arena_fmt(a, "%s%s?", text, i ? "×" : "")
                               : arena_fmt(a, "%s%s%lld", text, i ? "×" : "", (long long)v->shape[i]);
    return text;
}

static enum err refuse_unknown(struct arena *a, const struct look *l)
{
    const char *all = "";
    for (size_t i = 0; i < ort_outputs(l->session); i++) {
        const struct ort_value *v = ort_output(l->session, i);
        all = arena_fmt(a, "%s%s'%s' (%s %s)", all, i ? ", " : "", v->name, element_name(v->type), shape_text(a, v));
    }
    if (!l->classes)
        return fail(E_UNMEANT, "neither the model's metadata `names` nor labels of its version say its classes; its outputs are %s",
                    all);
    return fail(
        E_UNMEANT,
        "with %zu labels nobody knows how to read the model's outputs %s; export it with boxes, scores and classes, or check the "
        "version's labels",
        l->classes, all);
}

/* The first family that recognises the file; each tries on a description of its own. */
static bool find_family(const struct look *l, struct description *d)
{
    for (const struct family *const *f = families; *f; f++) {
        struct description own = *d;
        if (!(*f)->recognise(l, &own))
            continue;
        own.family = *f;
        *d = own;
        return true;
    }
    return false;
}

static unsigned missing_of(const struct look *l, const struct description *d)
{
    unsigned needs = d->family->needs ? d->family->needs(l, d) : 0, missing = 0;
    if (!d->height && d->resize != RESIZE_NONE)
        needs |= 1U << FACT_SIZE;
    for (unsigned f = 0; f < FACTS; f++)
        if (needs & 1U << f && d->from[f] == ORIGIN_UNKNOWN)
            missing |= 1U << f;
    return missing;
}

static enum err refuse_missing(struct arena *a, const struct description *d, unsigned missing)
{
    const char *what = "";
    for (unsigned f = 0; f < FACTS; f++)
        if (missing & 1U << f)
            what = arena_fmt(a, "%s%s%s (%s)", what, *what ? "; " : "", fact_name((enum fact)f), fact_hint((enum fact)f));
    return fail(E_UNMEANT,
                "the model is taken for %s, but the file does not say all that must be known. Tell it as parameters "
                "{\"onnx\": {…}} of its version: %s",
                d->family->name, what);
}

static enum err check_wanted(const struct description *d)
{
    static const struct {
        enum wanted wanted;
        const char *does, *type;
    } words[] = { { WANT_LABELS, "labels whole images", "CLASSIFICATION" },
                  { WANT_KEYPOINTS, "finds keypoints", "KEYPOINT" },
                  { WANT_OUTLINES, "finds outlines", "SEGMENTATION" },
                  { WANT_BOXES, "finds boxes", "OBJECT_DETECTION" } };
    if (!d->wanted || d->wanted & d->gives)
        return OK;
    size_t i = 0;
    while (i < 3 && !(d->gives & words[i].wanted))
        i++;
    return fail(E_UNMEANT, "the model %s, but its version is not of type %s", words[i].does, words[i].type);
}

static enum err judge(struct arena *a, struct ort_session *s, struct look *l, struct reading *r, unsigned *ret_missing)
{
    struct description *d = &r->d;
    const char *ours = look_property(l, "saccade");
    bool whole = l->task && strcmp(l->task, "classify") == 0;
    TRY(read_input(l, d));
    if (ours && !l->n_names)
        return fail(E_UNMEANT, "the model has no metadata `names`, so that its classes are unknown");
    if (ours)
        TRY(reading_ours(a, s, ours, whole, d));
    else if (has_run(s, d)) {
        l->height = d->height;
        l->width = d->width;
    } else
        TRY(fail_within(run_on_grey(s, d, &l->height, &l->width), "tried on a grey picture: "));
    if (!find_family(l, d))
        return refuse_unknown(a, l);
    settle_bytes(d);
    if (!d->family->decode)
        return fail(E_UNMEANT, "the model is %s: %s", d->family->name, d->family->says);
    *ret_missing = missing_of(l, d);
    if (*ret_missing)
        return refuse_missing(a, d, *ret_missing);
    return check_wanted(d);
}

static enum err read_names(struct arena *a, struct look *l, const struct description *d)
{
    const char *names = look_property(l, "names"), **all;
    l->task = look_property(l, "task");
    if (names)
        TRY(names_read(a, names, &all, &l->n_names));
    l->names = names ? all : NULL;
    l->exported = names && (l->task || look_property(l, "stride") || look_property(l, "imgsz"));
    l->classes = l->n_names ? l->n_names : d->labels.n ? d->labels.n + (d->background != BACKGROUND_NONE) : 0;
    l->most_classes = (int64_t)l->classes;
    for (size_t i = 0; i < d->labels.n && d->labels.number; i++)
        l->most_classes = d->labels.number[i] >= l->most_classes ? d->labels.number[i] + 1 : l->most_classes;
    return OK;
}

enum err reading_lacking(struct bundle *b, struct arena *a, struct reading *ret)
{
    static struct graph nothing = { .producer = "", .producer_version = "" };
    struct look l = { .graph = &nothing, .elsewhere = bundle_elsewhere(b) };
    const uint8_t *bytes;
    size_t n;
    description_init(&ret->d);
    ret->problem = bundle_join(b, &bytes, &n) == OK ? NULL : arena_str(a, fail_text());
    return reading_tell(a, &l, ret, NULL, 0, &ret->tells);
}

static enum err make(struct look l, struct ort_session *s, const char *told, struct arena *a, struct reading *ret)
{
    struct ort_property *properties;
    struct ort_value *declared = arena_new_array(a, struct ort_value, ort_outputs(s) + 1);
    unsigned missing = 0;
    for (size_t i = 0; i < ort_outputs(s); i++)
        declared[i] = *ort_output(s, i);
    description_init(&ret->d);
    if (told)
        TRY(description_tell(a, told, &ret->d));
    TRY(ort_metadata(s, a, &properties, &l.n_properties));
    l.property = properties;
    ret->graph = l.graph;
    TRY(read_names(a, &l, &ret->d));
    ret->problem = judge(a, s, &l, ret, &missing) == OK ? NULL : arena_str(a, fail_text());
    return reading_tell(a, &l, ret, declared, missing, &ret->tells);
}

enum err reading_make(struct ort_session *s, const uint8_t *bytes, size_t n, const struct elsewhere *elsewhere, const char *told,
                      struct arena *a, struct reading *ret)
{
    struct graph *graph = arena_take(a, sizeof *graph);
    graph_read(a, bytes, n, graph);
    return make((struct look){ .session = s, .elsewhere = elsewhere, .graph = graph }, s, told, a, ret);
}

enum err reading_again(struct ort_session *s, const struct graph *graph, const char *told, struct arena *a, struct reading *ret)
{
    static const struct elsewhere nowhere;
    return make((struct look){ .session = s, .elsewhere = &nowhere, .graph = graph }, s, told, a, ret);
}

enum err reading_decode(const struct reading *r, const struct ort_session *s, const struct placed *at, double min_score,
                        struct found *ret)
{
    ret->n = ret->n_spots = 0;
    ret->kind = r->d.gives & WANT_LABELS && r->d.wanted != WANT_OUTLINES ? FOUND_LABELS : FOUND_BOXES;
    return r->d.family->decode(&r->d, s, at, min_score, ret);
}
