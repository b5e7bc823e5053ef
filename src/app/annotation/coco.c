/* COCO (Lin et al. 2014, "Microsoft COCO"): one JSON file with images, categories and annotations. */
#include "app/annotation/format.h"
#include "json/json.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), k = strlen(end);
    return n >= k && strcasecmp(s + n - k, end) == 0;
}

static bool fits(const struct format_file *f)
{
    return ends_with(f->name, ".json");
}

/* ids of a list of objects, sorted for look-up. Category 0 is legal, and so are gaps. */
struct id_at {
    int64_t id;
    size_t at;
};

static int by_id(const void *a, const void *b)
{
    const struct id_at *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

static enum err ids_of(struct arena *a, const struct json *list, const char *what, const char *file, struct id_at **ret)
{
    size_t n = json_count(list);
    struct id_at *ids = arena_new_array(a, struct id_at, n + 1);
    for (size_t i = 0; i < n; i++) {
        ids[i].at = i;
        if (!json_int(json_get(json_at(list, i), "id"), &ids[i].id))
            return fail(E_INVALID, "%s: %s[%zu].id must be a whole number", file, what, i);
    }
    qsort(ids, n, sizeof *ids, by_id);
    for (size_t i = 1; i < n; i++)
        if (ids[i].id == ids[i - 1].id)
            return fail(E_INVALID, "%s: %s has the id %lld twice", file, what, (long long)ids[i].id);
    *ret = ids;
    return OK;
}

static bool find(const struct id_at *ids, size_t n, int64_t id, size_t *ret)
{
    struct id_at key = { id, 0 }, *found = bsearch(&key, ids, n, sizeof *ids, by_id);
    if (found)
        *ret = found->at;
    return found != NULL;
}

static enum err read_polygon(struct format_set *s, const struct json *ring, const char *file, size_t i, struct format_shape *ret)
{
    size_t n = json_count(ring);
    if (n < 6 || n % 2 || n > 2 * FORMAT_POINTS)
        return fail(E_INVALID, "%s: annotations[%zu].segmentation must be lists of 3 to %d points", file, i, FORMAT_POINTS);
    double *points = arena_new_array(s->arena, double, n);
    for (size_t k = 0; k < n; k++)
        if (!json_number(json_at(ring, k), &points[k]) || fabs(points[k]) > 1e6)
            return fail(E_INVALID, "%s: annotations[%zu].segmentation: value %zu is no coordinate", file, i, k);
    ret->kind = FORMAT_POLYGON;
    ret->points = points;
    ret->n_points = n / 2;
    return OK;
}

static enum err read_annotation(struct format_set *s, const struct json *v, size_t i, const char *label, struct format_image *image)
{
    struct format_shape shape = { .label = label, .where = arena_fmt(s->arena, "annotations[%zu]", i) };
    const struct json *rings = json_get(v, "segmentation"), *box = json_get(v, "bbox");
    if (json_kind(rings) == J_OBJECT)
        return fail(E_INVALID, "%s: annotations[%zu].segmentation is a mask (RLE), which this import does not read", image->file,
                    i);
    bool polygons = json_kind(rings) == J_ARRAY && json_count(rings) && json_kind(json_at(rings, 0)) == J_ARRAY;
    for (size_t k = 0; polygons && k < json_count(rings); k++) {
        TRY(read_polygon(s, json_at(rings, k), image->file, i, &shape));
        TRY(format_shape_add(s, image, &shape));
    }
    if (polygons)
        return OK;
    if (!json_count(box)) { /* an image's class: neither box nor outline */
        shape.kind = FORMAT_CLASSIFICATION;
        return format_shape_add(s, image, &shape);
    }
    double b[4];
    for (size_t k = 0; k < 4; k++)
        if (json_count(box) != 4 || !json_number(json_at(box, k), &b[k]) || fabs(b[k]) > 1e6)
            return fail(E_INVALID, "%s: annotations[%zu].bbox must be [x, y, width, height]", image->file, i);
    shape.kind = FORMAT_RECTANGLE;
    shape.x = b[0];
    shape.y = b[1];
    shape.w = b[2];
    shape.h = b[3];
    return format_shape_add(s, image, &shape);
}

static enum err read_one(struct format_set *s, const struct format_file *f)
{
    const struct json *v, *images, *categories, *annotations;
    TRY(fail_within(json_parse(s->arena, f->bytes, f->n, &v), "%s: ", f->name));
    images = json_get(v, "images");
    categories = json_get(v, "categories");
    annotations = json_get(v, "annotations");
    if (json_kind(images) != J_ARRAY || json_kind(categories) != J_ARRAY || json_kind(annotations) != J_ARRAY)
        return fail(E_INVALID, "%s is no COCO file: it needs the lists images, categories and annotations", f->name);
    struct id_at *image_ids, *category_ids;
    TRY(ids_of(s->arena, images, "images", f->name, &image_ids));
    TRY(ids_of(s->arena, categories, "categories", f->name, &category_ids));
    size_t first = s->n_images, n_labels = json_count(categories);
    s->labels = arena_new_array(s->arena, const char *, n_labels + 1);
    for (s->n_labels = 0; s->n_labels < n_labels; s->n_labels++) {
        s->labels[s->n_labels] = json_text(json_get(json_at(categories, s->n_labels), "name"));
        if (!s->labels[s->n_labels])
            return fail(E_INVALID, "%s: categories[%zu].name must be text", f->name, s->n_labels);
    }
    for (size_t i = 0; i < json_count(images); i++) {
        const struct json *image = json_at(images, i);
        const char *name = json_text(json_get(image, "file_name"));
        int64_t w = 0, h = 0;
        if (!name || !*name)
            return fail(E_INVALID, "%s: images[%zu].file_name must be text", f->name, i);
        json_int(json_get(image, "width"), &w);
        json_int(json_get(image, "height"), &h);
        struct format_image *to = format_image_add(s, format_base_name(s->arena, name), f->name);
        to->width = w > 0 && w < 1000000 ? (int)w : 0;
        to->height = h > 0 && h < 1000000 ? (int)h : 0;
    }
    for (size_t i = 0; i < json_count(annotations); i++) {
        const struct json *a = json_at(annotations, i);
        int64_t image_id, category_id;
        size_t image, category;
        if (!json_int(json_get(a, "image_id"), &image_id) || !find(image_ids, json_count(images), image_id, &image))
            return fail(E_INVALID, "%s: annotations[%zu].image_id names no image of the file", f->name, i);
        if (!json_int(json_get(a, "category_id"), &category_id) || !find(category_ids, n_labels, category_id, &category))
            return fail(E_INVALID, "%s: annotations[%zu].category_id names no category of the file", f->name, i);
        TRY(read_annotation(s, a, i, s->labels[category], &s->images[first + image]));
    }
    return OK;
}

static enum err read(struct format_set *s, const struct format_file *files, size_t n)
{
    size_t read = 0;
    for (size_t i = 0; i < n; i++)
        if (fits(&files[i])) {
            if (read++)
                return fail(E_INVALID, "%s: one COCO file at a time", files[i].name);
            TRY(read_one(s, &files[i]));
        }
    return OK;
}

static void write_shape(struct out *o, const struct format_shape *p, size_t id, size_t image, size_t category)
{
    double x0 = p->x, y0 = p->y, x1 = p->x + p->w, y1 = p->y + p->h, area = p->w * p->h;
    if (p->kind == FORMAT_POLYGON) {
        x0 = y0 = 1e300;
        x1 = y1 = -1e300;
        area = 0;
        for (size_t k = 0; k < p->n_points; k++) {
            const double *a = p->points + 2 * k, *b = p->points + 2 * ((k + 1) % p->n_points);
            x0 = fmin(x0, a[0]);
            y0 = fmin(y0, a[1]);
            x1 = fmax(x1, a[0]);
            y1 = fmax(y1, a[1]);
            area += (a[0] * b[1] - b[0] * a[1]) / 2;
        }
        area = fabs(area);
    }
    out_object(o, NULL);
    out_int(o, "id", (int64_t)id);
    out_int(o, "image_id", (int64_t)image);
    out_int(o, "category_id", (int64_t)category);
    out_int(o, "iscrowd", 0);
    out_array(o, "bbox");
    if (p->kind != FORMAT_CLASSIFICATION) {
        out_number(o, NULL, x0);
        out_number(o, NULL, y0);
        out_number(o, NULL, x1 - x0);
        out_number(o, NULL, y1 - y0);
    }
    out_end_array(o);
    out_number(o, "area", p->kind == FORMAT_CLASSIFICATION ? 0 : area);
    out_array(o, "segmentation");
    if (p->kind == FORMAT_POLYGON) {
        out_array(o, NULL);
        for (size_t k = 0; k < 2 * p->n_points; k++)
            out_number(o, NULL, p->points[k]);
        out_end_array(o);
    }
    out_end_array(o);
    out_end_object(o);
}

static size_t label_index(const struct format_set *s, const char *label)
{
    size_t i = 0;
    while (i < s->n_labels && strcmp(s->labels[i], label) != 0)
        i++;
    return i;
}

static enum err write(const struct format_set *s, enum err (*put)(void *, const char *, const char *, size_t), void *with)
{
    AUTO(out) struct out o;
    out_init(&o, FORMAT_FILE_CAP);
    out_object(&o, NULL);
    out_array(&o, "images");
    for (size_t i = 0; i < s->n_images; i++) {
        out_object(&o, NULL);
        out_int(&o, "id", (int64_t)i);
        out_text(&o, "file_name", s->images[i].filename);
        out_int(&o, "width", s->images[i].width);
        out_int(&o, "height", s->images[i].height);
        out_end_object(&o);
    }
    out_end_array(&o);
    out_array(&o, "categories");
    for (size_t i = 0; i < s->n_labels; i++) {
        out_object(&o, NULL);
        out_int(&o, "id", (int64_t)i);
        out_text(&o, "name", s->labels[i]);
        out_text(&o, "supercategory", "");
        out_end_object(&o);
    }
    out_end_array(&o);
    out_array(&o, "annotations");
    size_t id = 1;
    for (size_t i = 0; i < s->n_images; i++)
        for (size_t k = 0; k < s->images[i].n_shapes; k++, id++)
            write_shape(&o, &s->images[i].shapes[k], id, i, label_index(s, s->images[i].shapes[k].label));
    out_end_array(&o);
    out_end_object(&o);
    if (text_full(&o.text))
        return fail(E_TOO_BIG, "the COCO file would be over %d bytes", FORMAT_FILE_CAP);
    return put(with, "annotations.json", o.text.bytes, o.text.n);
}

const struct format_kind format_coco = { "COCO", fits, read, write };
