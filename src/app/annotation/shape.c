/* The kinds of shapes: how each is read, checked and shown. */
#include "app/annotation/annotation.h"
#include "base/clock.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS_MOST = 10000, SHAPES_MOST = 100000, MASK_MOST = 4 << 20 };

void shape_add(struct arena *a, struct shape_list *l, const struct shape *s)
{
    if (l->n == l->room) {
        l->room = l->room ? 2 * l->room : 16;
        struct shape *more = arena_new_array(a, struct shape, l->room);
        if (l->n)
            memcpy(more, l->items, l->n * sizeof *more);
        l->items = more;
    }
    l->items[l->n++] = *s;
}

/* ---- geometry */

void shape_round_box(const double exact[4], int width, int height, struct shape *s)
{
    double x1 = round(exact[0] + exact[2]), y1 = round(exact[1] + exact[3]);
    s->x = (int64_t)fmin(round(exact[0]), width - 1);
    s->y = (int64_t)fmin(round(exact[1]), height - 1);
    s->w = (int64_t)fmax(x1 - (double)s->x, 1);
    s->h = (int64_t)fmax(y1 - (double)s->y, 1);
    s->area = exact[2] * exact[3];
}

const char *shape_exact_box(struct arena *a, const double exact[4])
{
    AUTO(out) struct out o;
    bool whole = true;
    out_init(&o, 400);
    out_array(&o, NULL);
    for (int i = 0; i < 4; i++) {
        out_number(&o, NULL, exact[i]);
        whole &= exact[i] == floor(exact[i]);
    }
    out_end_array(&o);
    return whole ? NULL : arena_str(a, o.text.bytes);
}

bool shape_box_of(const char *geometry, double ret[4])
{
    for (int i = 0; geometry && i < 4; i++) {
        char *end;
        geometry += strcspn(geometry, "-0123456789");
        ret[i] = strtod(geometry, &end);
        if (end == geometry)
            return false;
        geometry = end;
    }
    return geometry != NULL;
}

/* The box with its fractions, as long as it is that of the whole pixels: who moves those moves it away. */
static void read_exact_box(struct arena *a, const struct json *v, int width, int height, struct shape *s)
{
    const struct json *list = json_get(v, "box");
    double b[4] = { 0 };
    struct shape round_one;
    for (size_t i = 0; i < 4; i++)
        if (json_count(list) != 4 || !json_number(json_at(list, i), &b[i]))
            return;
    if (b[0] < 0 || b[1] < 0 || !(b[2] > 0) || !(b[3] > 0) || b[0] + b[2] > width || b[1] + b[3] > height)
        return;
    shape_round_box(b, width, height, &round_one);
    if (round_one.x != s->x || round_one.y != s->y || round_one.w != s->w || round_one.h != s->h)
        return;
    s->geometry = shape_exact_box(a, b);
    s->area = round_one.area;
}

static enum err read_rectangle(struct arena *a, const struct json *v, int width, int height, const char *where, struct shape *s)
{
    int64_t *values[] = { &s->x, &s->y, &s->w, &s->h };
    static const char *const names[] = { "x", "y", "w", "h" };
    for (int i = 0; i < 4; i++)
        if (!json_int(json_get(v, names[i]), values[i]))
            return fail(E_INVALID, "%s.%s must be a whole number", where, names[i]);
    if (s->w < 1 || s->h < 1)
        return fail(E_INVALID, "%s is empty: %lld x %lld pixels", where, (long long)s->w, (long long)s->h);
    /* compared by subtraction: a sum of hostile numbers could overflow */
    if (s->x < 0 || s->y < 0 || s->w > width || s->h > height || s->x > width - s->w || s->y > height - s->h)
        return fail(E_INVALID, "%s lies outside the image: x %lld, y %lld, %lld x %lld in %d x %d", where, (long long)s->x,
                    (long long)s->y, (long long)s->w, (long long)s->h, width, height);
    s->area = (double)s->w * (double)s->h;
    read_exact_box(a, v, width, height, s);
    return OK;
}

static enum err read_point_at(const struct json *p, size_t values, int width, int height, const char *where, size_t i,
                              double ret[3])
{
    if (json_kind(p) != J_ARRAY || json_count(p) != values)
        return fail(E_INVALID, "%s: point %zu must be %zu numbers", where, i, values);
    for (size_t k = 0; k < values; k++)
        if (!json_number(json_at(p, k), &ret[k]))
            return fail(E_INVALID, "%s: point %zu must be %zu numbers", where, i, values);
    bool seen = values < 3 || ret[2] != 0; /* a keypoint that is not labelled has no place */
    if (seen && (ret[0] < 0 || ret[1] < 0 || ret[0] > width || ret[1] > height))
        return fail(E_INVALID, "%s: point %zu (%g, %g) lies outside the image of %d x %d", where, i, ret[0], ret[1], width, height);
    return OK;
}

/* The bounding box in whole pixels, and the area by the shoelace formula. */
static void measure(const double *xy, size_t n, struct shape *s)
{
    double x0 = 1e9, y0 = 1e9, x1 = -1e9, y1 = -1e9, area = 0;
    for (size_t i = 0; i < n; i++) {
        const double *p = xy + 2 * i, *q = xy + 2 * ((i + 1) % n);
        x0 = fmin(x0, p[0]);
        y0 = fmin(y0, p[1]);
        x1 = fmax(x1, p[0]);
        y1 = fmax(y1, p[1]);
        area += p[0] * q[1] - q[0] * p[1];
    }
    if (!n)
        return;
    s->x = (int64_t)floor(x0);
    s->y = (int64_t)floor(y0);
    s->w = (int64_t)ceil(x1) - s->x;
    s->h = (int64_t)ceil(y1) - s->y;
    s->area = fabs(area) / 2;
}

static enum err read_points(struct arena *a, const struct json *list, size_t least, size_t values, int width, int height,
                            const char *where, struct shape *s)
{
    size_t n = json_count(list), seen = 0;
    if (json_kind(list) != J_ARRAY || n < least)
        return fail(E_INVALID, "%s must have at least %zu points", where, least);
    if (n > POINTS_MOST)
        return fail(E_TOO_BIG, "%s has %zu points; at most %d are allowed", where, n, POINTS_MOST);
    double *xy = arena_new_array(a, double, 2 * n);
    for (size_t i = 0; i < n; i++) {
        double p[3] = { 0 };
        TRY(read_point_at(json_at(list, i), values, width, height, where, i, p));
        if (values == 3 && p[2] != 0 && p[2] != 1 && p[2] != 2)
            return fail(E_INVALID, "%s: point %zu: visibility must be 0, 1 or 2", where, i);
        if (values == 3 && p[2] == 0)
            continue;
        xy[2 * seen] = p[0];
        xy[2 * seen++ + 1] = p[1];
    }
    measure(xy, seen, s);
    s->geometry = json_print(a, list);
    return OK;
}

static enum err read_polygon(struct arena *a, const struct json *v, int width, int height, const char *where, struct shape *s)
{
    return read_points(a, json_get(v, "polygon"), 3, 2, width, height, where, s);
}

static enum err read_line(struct arena *a, const struct json *v, int width, int height, const char *where, struct shape *s)
{
    TRY(read_points(a, json_get(v, "line"), 2, 2, width, height, where, s));
    s->area = 0;
    return OK;
}

static enum err read_keypoints(struct arena *a, const struct json *v, int width, int height, const char *where, struct shape *s)
{
    TRY(read_points(a, json_get(v, "keypoints"), 1, 3, width, height, where, s));
    s->area = 0;
    return OK;
}

static enum err read_point(struct arena *a, const struct json *v, int width, int height, const char *where, struct shape *s)
{
    double p[3];
    TRY(read_point_at(json_get(v, "point"), 2, width, height, where, 0, p));
    measure(p, 1, s);
    s->geometry = json_print(a, json_get(v, "point"));
    return OK;
}

static enum err read_nothing(struct arena *a, const struct json *v, int width, int height, const char *where, struct shape *s)
{
    (void)a, (void)v, (void)width, (void)height, (void)where, (void)s;
    return OK;
}

/* COCO's compressed run lengths: numbers in base 32 of printable characters, from the third on as the difference to the one before
 * the last; runs of background and object in turns, down the columns (cocoapi, maskApi.c, rleFrString). */
static enum err read_mask(struct arena *a, const struct json *v, int width, int height, const char *where, struct shape *s)
{
    const char *text = json_text(json_get(v, "mask"));
    if (!text || !*text)
        return fail(E_INVALID, "%s.mask must be a text of run lengths", where);
    if (strlen(text) > MASK_MOST)
        return fail(E_TOO_BIG, "%s.mask has more than %d characters", where, MASK_MOST);
    int64_t all = (int64_t)width * height, sum = 0, before[2] = { 0, 0 }, x0 = width, x1 = -1, y0 = height, y1 = -1;
    size_t runs = 0;
    for (const char *p = text; *p; runs++) {
        int64_t run = 0;
        int shift = 0, c;
        do {
            c = *p ? *p++ - 48 : -1;
            if (c < 0 || c > 63 || shift > 50)
                return fail(E_INVALID, "%s.mask: character %zu is no run length", where, (size_t)(p - text));
            run |= (int64_t)(c & 31) << shift;
            shift += 5;
        } while (c & 32);
        if (c & 16)
            run |= -((int64_t)1 << shift);
        if (runs > 2)
            run += before[runs % 2];
        before[runs % 2] = run;
        if (run < 0 || run > all - sum)
            return fail(E_INVALID, "%s.mask does not fit an image of %d x %d", where, width, height);
        if (runs % 2 && run) {
            int64_t first = sum / height, last = (sum + run - 1) / height;
            x0 = x0 < first ? x0 : first;
            x1 = x1 > last ? x1 : last;
            y0 = first < last ? 0 : y0 < sum % height ? y0 : sum % height;
            y1 = first < last ? height - 1 : y1 > (sum + run - 1) % height ? y1 : (sum + run - 1) % height;
            s->area += (double)run;
        }
        sum += run;
    }
    if (sum != all)
        return fail(E_INVALID, "%s.mask covers %lld pixels; the image has %lld", where, (long long)sum, (long long)all);
    if (x1 < 0)
        return fail(E_INVALID, "%s.mask is empty", where);
    s->x = x0;
    s->y = y0;
    s->w = x1 - x0 + 1;
    s->h = y1 - y0 + 1;
    s->geometry = arena_str(a, text);
    return OK;
}

/* ---- the kinds */

static const struct shape_kind rectangle = { "rectangle", "rectangles", NULL, &rectangle_resource, read_rectangle },
                               polygon = { "polygon", "polygons", "polygon", &polygon_resource, read_polygon },
                               line = { "line", "lines", "line", &line_resource, read_line },
                               point = { "point", "points", "point", &point_resource, read_point },
                               classification = { "classification", "classifications", NULL, &classification_resource,
                                                  read_nothing },
                               keypoints = { "keypoints", "keypoints", "keypoints", &keypoints_resource, read_keypoints },
                               mask = { "mask", "masks", "mask", &mask_resource, read_mask };
const struct shape_kind *const shape_kinds[] = { &rectangle, &polygon, &line, &point, &classification, &keypoints, &mask, NULL };

const struct shape_kind *shape_kind_called(const char *name)
{
    for (const struct shape_kind *const *k = shape_kinds; *k; k++)
        if (strcmp((*k)->name, name) == 0 || strcmp((*k)->plural, name) == 0)
            return *k;
    return NULL;
}

/* ---- from JSON */

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum err labels_of(struct sql *db, struct arena *a, const char *version_id, struct label_set *ret)
{
    int64_t n = 0;
    TRY(sql_int(db, &n, "SELECT count(*) FROM label WHERE dataset_version_id = ?1", V(version_id)));
    ret->ids = arena_new_array(a, const char *, n + 1);
    ret->n = 0;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r, "SELECT id FROM label WHERE dataset_version_id = ?1 ORDER BY id", V(version_id)));
    while (rows_next(r) && ret->n < (size_t)n)
        ret->ids[ret->n++] = arena_str(a, rows_text(r, 0));
    return rows_error(r);
}

enum err shape_read(struct arena *a, const struct shape_kind *k, const struct json *v, const struct label_set *labels, int width,
                    int height, const char *where, struct shape *ret)
{
    static const struct field in[] = { { "label_id", T_ID, F_NEED },
                                       { "text", T_TEXT, F_NULL, .max = 4000 },
                                       { "attributes", T_OBJECT, F_NULL } };
    *ret = (struct shape){ .kind = k };
    TRY(fields_check(FIELDS(in), v, where));
    char id[ID_SIZE];
    const char *key = id;
    id_parse(json_text(json_get(v, "label_id")), id);
    const char **label = labels->n ? bsearch(&key, labels->ids, labels->n, sizeof key, compare) : NULL;
    if (!label)
        return fail(E_INVALID, "%s.label_id: the dataset version has no label %s", where, id);
    ret->label_id = *label;
    ret->text = json_text(json_get(v, "text"));
    if (!json_absent(json_get(v, "attributes")))
        ret->attributes = json_print(a, json_get(v, "attributes"));
    return k->read(a, v, width, height, where, ret);
}

enum err shapes_read(struct arena *a, const struct json *object, const struct label_set *labels, int width, int height,
                     const char *where, struct shape_list *ret)
{
    for (const struct shape_kind *const *k = shape_kinds; *k; k++) {
        const struct json *list = json_get(object, (*k)->plural);
        if (!json_absent(list) && json_kind(list) != J_ARRAY)
            return fail(E_INVALID, "%s%s%s must be a list", where, *where ? "." : "", (*k)->plural);
        if (ret->n + json_count(list) > SHAPES_MOST)
            return fail(E_TOO_BIG, "%s: more than %d shapes", where, SHAPES_MOST);
        for (size_t i = 0; i < json_count(list); i++) {
            struct shape s;
            const char *item = arena_fmt(a, "%s%s%s[%zu]", where, *where ? "." : "", (*k)->plural, i);
            TRY(shape_read(a, *k, json_at(list, i), labels, width, height, item, &s));
            shape_add(a, ret, &s);
        }
    }
    return OK;
}
