#include "app/annotation/import.h"
#include "base/text.h"
#include "json/json.h"
#include <math.h>
#include <string.h>

struct target {
    struct arena *arena;
    const struct known_image *image;
    const char *where;
    struct shape_list *list;
    bool fractions; /* of the image, instead of pixels */
};

/* Files round, so an edge may lie up to a pixel outside: it is moved to the image's edge. What is further out is a fault. */
static double settle(double v, double most)
{
    return v < 0 && v >= -1 ? 0 : v > most && v <= most + 1 ? most : v;
}

static void add_number(struct text *t, double v)
{
    if (v == floor(v) && fabs(v) < 1e15) {
        text_fmt(t, "%.0f", v);
        return;
    }
    AUTO(out) struct out o;
    out_init(&o, 100);
    out_number(&o, NULL, v);
    text_bytes(t, o.text.bytes, o.text.n);
}

/* From fractions of six digits or so: a hundredth of a pixel is what they can tell, and whole pixels stay whole. */
static double pixels(double v, double scale, bool fractions)
{
    return fractions ? round(v * scale * 100) / 100 : v;
}

/* A box of whole pixels; one with fractions keeps them beside it, as its geometry. */
static enum err rectangle(struct target *t, const double box[4])
{
    double W = t->image->width, H = t->image->height;
    double x = pixels(box[0], W, t->fractions), y = pixels(box[1], H, t->fractions), w = pixels(box[2], W, t->fractions),
           h = pixels(box[3], H, t->fractions);
    double x0 = settle(x, W), y0 = settle(y, H), x1 = settle(x + w, W), y1 = settle(y + h, H);
    if (!(w > 0) || !(h > 0) || !(x1 > x0) || !(y1 > y0))
        return fail(E_INVALID, "%s is empty: %g x %g pixels", t->where, w, h);
    if (x0 < 0 || y0 < 0 || x1 > W || y1 > H)
        return fail(E_INVALID, "%s lies outside the image: x %g, y %g, %g x %g in %d x %d", t->where, x, y, w, h, t->image->width,
                    t->image->height);
    const double exact[4] = { x0, y0, x0 == x && x1 == x + w ? w : x1 - x0, y0 == y && y1 == y + h ? h : y1 - y0 };
    struct shape s = { .kind = shape_kind_called("rectangle"), .geometry = shape_exact_box(t->arena, exact) };
    shape_round_box(exact, t->image->width, t->image->height, &s);
    shape_add(t->arena, t->list, &s);
    return OK;
}

/* One ring as the database keeps it: [[x, y], …], with its box in whole pixels and its area (shoelace). */
static enum err polygon(struct target *t, const double *points, uint32_t n, const char *attributes)
{
    AUTO(text) struct text g;
    double W = t->image->width, H = t->image->height, x0 = 1e9, y0 = 1e9, x1 = -1e9, y1 = -1e9, area = 0;
    double *xy = arena_new_array(t->arena, double, 2 * n);
    text_init(&g, 1 << 20);
    for (uint32_t i = 0; i < n; i++) {
        double x = settle(pixels(points[2 * i], W, t->fractions), W), y = settle(pixels(points[2 * i + 1], H, t->fractions), H);
        if (x < 0 || y < 0 || x > W || y > H)
            return fail(E_INVALID, "%s: point %u (%g, %g) lies outside the image of %d x %d", t->where, i, x, y, t->image->width,
                        t->image->height);
        text_add(&g, i ? ",[" : "[[");
        add_number(&g, xy[2 * i] = x);
        text_add(&g, ",");
        add_number(&g, xy[2 * i + 1] = y);
        text_add(&g, "]");
        x0 = fmin(x0, x);
        y0 = fmin(y0, y);
        x1 = fmax(x1, x);
        y1 = fmax(y1, y);
    }
    text_add(&g, "]");
    for (uint32_t i = 0; i < n; i++) {
        const double *p = xy + 2 * i, *q = xy + 2 * ((i + 1) % n);
        area += p[0] * q[1] - q[0] * p[1];
    }
    struct shape s = { .kind = shape_kind_called("polygon"),
                       .x = (int64_t)floor(x0),
                       .y = (int64_t)floor(y0),
                       .area = fabs(area) / 2,
                       .geometry = arena_str(t->arena, g.bytes),
                       .attributes = attributes };
    s.w = (int64_t)ceil(x1) - s.x;
    s.h = (int64_t)ceil(y1) - s.y;
    shape_add(t->arena, t->list, &s);
    return OK;
}

/* An object in several parts becomes polygons that say what they are parts of. */
static enum err outline(struct target *t, const struct foreign_shape *f)
{
    const char *together = f->n_parts > 1 ? arena_fmt(t->arena, "{\"part_of\":%u}", f->at) : NULL;
    const double *p = f->points;
    for (uint32_t i = 0; i < f->n_parts; p += 2 * f->parts[i++])
        TRY(polygon(t, p, f->parts[i], together));
    return OK;
}

static enum err mask(struct target *t, const struct foreign_shape *f)
{
    double box[4];
    if (f->mask_width != t->image->width || f->mask_height != t->image->height)
        return fail(E_INVALID, "%s is a mask of %d x %d, the image has %d x %d", t->where, f->mask_width, f->mask_height,
                    t->image->width, t->image->height);
    TRY(fail_within(foreign_mask_box(f, box), "%s: ", t->where));
    struct shape s = { .kind = shape_kind_called("mask"),
                       .x = (int64_t)box[0],
                       .y = (int64_t)box[1],
                       .w = (int64_t)box[2],
                       .h = (int64_t)box[3],
                       .area = foreign_mask_area(f),
                       .geometry = arena_str(t->arena, f->mask) };
    shape_add(t->arena, t->list, &s);
    return OK;
}

static bool is(const char *type, const char *word)
{
    return strcmp(type, word) == 0;
}

enum err import_shape(struct arena *a, const char *type, const struct foreign_shape *f, bool fractions,
                      const struct known_image *image, const char *where, struct shape_list *list, enum foreign_reason *ret_left)
{
    struct target t = { a, image, where, list, fractions };
    struct shape whole = { .kind = shape_kind_called("classification") };
    double box[4];
    *ret_left = LEFT_NOTHING;
    bool masks = is(type, "MASK") || is(type, "MULTI");
    if (f->crowd && !(masks && f->mask)) {
        *ret_left = LEFT_CROWD;
        return OK;
    }
    if (is(type, "CLASSIFICATION") || !foreign_box(f, box)) {
        shape_add(a, list, &whole);
        return OK;
    }
    if (is(type, "OBJECT_DETECTION"))
        return rectangle(&t, box);
    if (f->mask)
        return mask(&t, f);
    return f->n_parts ? outline(&t, f) : rectangle(&t, box);
}
