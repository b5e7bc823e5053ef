/* An asset as the server answers it to a sample that is learnt from. */
#include "base/clock.h"
#include "trainer/remote.h"
#include <string.h>

static int number_of(const struct label_ids *ids, const char *id)
{
    for (size_t i = 0; id && i < ids->n; i++)
        if (strcmp(ids->id[i], id) == 0)
            return ids->number[i];
    return -1;
}

/* ---- boxes */

static bool number_at(const struct json *object, const char *key, float *ret)
{
    double v;
    if (!json_number(json_get(object, key), &v))
        return false;
    *ret = (float)v;
    return true;
}

static bool rectangle(const struct json *shape, struct box *ret)
{
    float x, y, w, h;
    if (!number_at(shape, "x", &x) || !number_at(shape, "y", &y) || !number_at(shape, "w", &w) || !number_at(shape, "h", &h))
        return false;
    double exact[4];
    const struct json *list = json_get(shape, "box"); /* where there are fractions */
    bool fractions = json_count(list) == 4;
    for (size_t i = 0; i < 4 && fractions; i++)
        fractions = json_number(json_at(list, i), &exact[i]);
    *ret = fractions ? (struct box){ (float)exact[0], (float)exact[1], (float)(exact[0] + exact[2]), (float)(exact[1] + exact[3]) }
                     : (struct box){ x, y, x + w, y + h };
    return true;
}

/* The box around a polygon. */
static bool polygon(const struct json *shape, struct box *ret)
{
    const struct json *points = json_get(shape, "polygon");
    bool any = false;
    for (size_t i = 0; i < json_count(points); i++) {
        double x, y;
        if (!json_number(json_at(json_at(points, i), 0), &x) || !json_number(json_at(json_at(points, i), 1), &y))
            continue;
        struct box p = { (float)x, (float)y, (float)x, (float)y };
        if (!any)
            *ret = p;
        *ret = (struct box){ p.x0 < ret->x0 ? p.x0 : ret->x0, p.y0 < ret->y0 ? p.y0 : ret->y0, p.x1 > ret->x1 ? p.x1 : ret->x1,
                             p.y1 > ret->y1 ? p.y1 : ret->y1 };
        any = true;
    }
    return any;
}

static void add_boxes(const struct json *shapes, bool (*read)(const struct json *, struct box *), const struct label_ids *ids,
                      struct sample *s)
{
    for (size_t i = 0; i < json_count(shapes); i++) {
        int label = number_of(ids, remote_text(json_at(shapes, i), "label_id"));
        struct box b;
        if (label >= 0 && read(json_at(shapes, i), &b))
            s->boxes[s->n++] = (struct labelled_box){ b, label };
    }
}

static void read_boxes(struct remote *r, const struct json *annotation, const struct label_ids *ids, struct sample *s)
{
    const struct json *rectangles = json_get(annotation, "rectangles"), *polygons = json_get(annotation, "polygons");
    s->boxes = arena_new_array(r->arena, struct labelled_box, json_count(rectangles) + json_count(polygons) + 1);
    add_boxes(rectangles, rectangle, ids, s);
    add_boxes(polygons, polygon, ids, s);
}

/* ---- a label for the whole image */

static bool read_label(struct remote *r, const struct json *annotation, const struct label_ids *ids, struct sample *s,
                       const char **ret_why)
{
    const struct json *classifications = json_get(annotation, "classifications");
    for (size_t i = 0; i < json_count(classifications); i++) {
        int label = number_of(ids, remote_text(json_at(classifications, i), "label_id"));
        if (s->label >= 0 && label >= 0 && label != s->label) {
            *ret_why = arena_fmt(r->arena, "it is both \"%s\" and \"%s\"", r->labels[s->label], r->labels[label]);
            return false;
        }
        s->label = label >= 0 ? label : s->label;
    }
    return s->label >= 0;
}

bool remote_sample(struct remote *r, const struct json *asset, const struct label_ids *ids, struct sample *ret,
                   const char **ret_url, const char **ret_why)
{
    const struct json *data = json_get(asset, "data"), *annotation = json_get(asset, "annotation");
    const char *id = remote_text(data, "id"), *url = remote_text(data, "presigned_url"), *name = remote_text(data, "filename");
    char safe[ID_SIZE];
    if (json_absent(annotation) || !url || !id_parse(id, safe))
        return false;
    *ret = (struct sample){ .path = arena_fmt(r->arena, "%s/images/%s", r->work, safe), .name = name ? name : id, .label = -1 };
    *ret_url = url;
    if (r->model->task->whole)
        return read_label(r, annotation, ids, ret, ret_why);
    read_boxes(r, annotation, ids, ret);
    return true;
}

const struct origin *remote_origin(struct remote *r, const struct json *asset, const char *version)
{
    struct origin *o = arena_take(r->arena, sizeof *o);
    const struct json *data = json_get(asset, "data"), *meta = json_get(data, "meta");
    *o = (struct origin){ remote_text(asset, "id"), remote_text(data, "id"), version, 0, 0 };
    json_int(json_get(meta, "width"), &o->width);
    json_int(json_get(meta, "height"), &o->height);
    return o;
}
