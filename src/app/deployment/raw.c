/* Predictions as the contract's clients send and read them: parallel lists of classes, scores and geometry. */
#include "app/deployment/deployment.h"
#include <math.h>
#include <string.h>

enum { POINTS_MOST = 10000 };

static const struct format {
    const char *type, *kind, *list; /* the deployment's type; the shape's kind; the list with the geometry */
} formats[] = {
    { "OBJECT_DETECTION", "rectangle", "detection_boxes" },
    { "SEGMENTATION", "polygon", "detection_masks" },
    { "CLASSIFICATION", "classification", NULL },
    { "MASK", "mask", "detection_masks" },
    { "LINE", "line", "lines" },
    { "POINT", "point", "points" },
    { "KEYPOINT", "keypoints", "keypoints" },
};

enum err predicted_shape_add(struct arena *a, struct predicted_shapes *s, const struct predicted_shape *shape)
{
    if (s->n >= SHAPES_MOST)
        return fail(E_TOO_BIG, "over %d shapes", SHAPES_MOST);
    if ((s->n & (s->n - 1)) == 0) { /* full at each power of two */
        struct predicted_shape *more = arena_new_array(a, struct predicted_shape, s->n ? s->n * 2 : 1);
        if (s->n)
            memcpy(more, s->items, s->n * sizeof *more);
        s->items = more;
    }
    s->items[s->n++] = *shape;
    return OK;
}

static const struct format *format_of(const char *type)
{
    for (size_t i = 0; i < COUNT_OF(formats); i++)
        if (strcmp(formats[i].type, type) == 0)
            return &formats[i];
    return NULL;
}

static bool coordinate(const struct json *v, double *ret)
{
    return json_number(v, ret) && fabs(*ret) < 1e6;
}

/* [top, left, bottom, right] */
static bool read_box(const struct json *v, struct predicted_shape *s)
{
    double top, left, bottom, right;
    if (json_count(v) != 4 || !coordinate(json_at(v, 0), &top) || !coordinate(json_at(v, 1), &left) ||
        !coordinate(json_at(v, 2), &bottom) || !coordinate(json_at(v, 3), &right) || bottom < top || right < left)
        return false;
    s->x = left;
    s->y = top;
    s->w = right - left;
    s->h = bottom - top;
    return true;
}

static void grow_box(struct predicted_shape *s, bool first, double x, double y)
{
    double right = first || x > s->x + s->w ? x : s->x + s->w, bottom = first || y > s->y + s->h ? y : s->y + s->h;
    s->x = first || x < s->x ? x : s->x;
    s->y = first || y < s->y ? y : s->y;
    s->w = right - s->x;
    s->h = bottom - s->y;
}

/* [[x, y], …], or [x, y] for a point; the box around it becomes the shape's. */
static bool read_points(const struct json *v, bool one, struct predicted_shape *s)
{
    size_t n = one ? 1 : json_count(v);
    if (json_kind(v) != J_ARRAY || !n || n > POINTS_MOST)
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct json *p = one ? v : json_at(v, i);
        double x, y;
        if (json_count(p) < 2 || json_count(p) > 3 || !coordinate(json_at(p, 0), &x) || !coordinate(json_at(p, 1), &y))
            return false;
        grow_box(s, i == 0, x, y);
    }
    return true;
}

static bool read_geometry(struct arena *a, const struct format *f, const struct json *v, struct predicted_shape *s)
{
    if (!f->list)
        return true;
    if (strcmp(f->kind, "rectangle") == 0)
        return read_box(v, s);
    s->geometry = json_print(a, v);
    if (strcmp(f->kind, "mask") == 0)
        return json_text(v) != NULL;
    return read_points(v, strcmp(f->kind, "point") == 0, s);
}

enum err raw_read(struct arena *a, const struct json *raw, const char *type, struct predicted_shapes *ret)
{
    const struct format *f = format_of(type);
    const struct json *classes = json_get(raw, "detection_classes"), *scores = json_get(raw, "detection_scores");
    if (!f)
        return fail(E_UNMEANT, "predictions of type %s cannot be stored", type);
    const struct json *geometry = f->list ? json_get(raw, f->list) : NULL;
    if (json_kind(classes) != J_ARRAY || json_kind(scores) != J_ARRAY || (f->list && json_kind(geometry) != J_ARRAY))
        return fail(E_INVALID, "a prediction of type %s needs the lists detection_classes, detection_scores%s%s", type,
                    f->list ? " and " : "", f->list ? f->list : "");
    size_t n = json_count(classes);
    if (json_count(scores) != n || (f->list && json_count(geometry) != n))
        return fail(E_INVALID, "the lists must have one length; detection_classes has %zu, detection_scores %zu%s%s", n,
                    json_count(scores), f->list ? ", the other differs: " : "", f->list ? f->list : "");
    for (size_t i = 0; i < n; i++) {
        struct predicted_shape s = { .kind = f->kind };
        int64_t label;
        if (!json_int(json_at(classes, i), &label) || label < 0 || label > 1000000)
            return fail(E_INVALID, "detection_classes[%zu] must be a whole number from 0 up", i);
        if (!json_number(json_at(scores, i), &s.score) || s.score < 0 || s.score > 1)
            return fail(E_INVALID, "detection_scores[%zu] must be a number from 0 to 1", i);
        if (!read_geometry(a, f, f->list ? json_at(geometry, i) : NULL, &s))
            return fail(E_INVALID, "%s[%zu] is not well formed", f->list, i);
        s.label = (int)label;
        TRY(predicted_shape_add(a, ret, &s));
    }
    return OK;
}

void raw_write(struct out *o, const char *key, const char *type, const struct predicted_shapes *all)
{
    const struct format *f = format_of(type);
    out_object(o, key);
    out_array(o, "detection_classes");
    for (size_t i = 0; i < all->n; i++)
        out_int(o, NULL, all->items[i].label);
    out_end_array(o);
    out_array(o, "detection_scores");
    for (size_t i = 0; i < all->n; i++)
        out_number(o, NULL, round(all->items[i].score * 1e6) / 1e6);
    out_end_array(o);
    if (f && f->list)
        out_array(o, f->list);
    for (size_t i = 0; f && f->list && i < all->n; i++) {
        const struct predicted_shape *s = &all->items[i];
        if (s->geometry) {
            out_raw(o, NULL, s->geometry);
            continue;
        }
        out_array(o, NULL);
        out_int(o, NULL, llround(s->y));
        out_int(o, NULL, llround(s->x));
        out_int(o, NULL, llround(s->y + s->h));
        out_int(o, NULL, llround(s->x + s->w));
        out_end_array(o);
    }
    if (f && f->list)
        out_end_array(o);
    out_end_object(o);
}
