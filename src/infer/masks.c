/* Masks become outlines on the picture. */
#include "infer/boxes.h"
#include "infer/outline.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where cells of a map lie on the picture: x * kx + ox. */
struct spread {
    float kx, ky, ox, oy;
};

static struct spread spread_of(const struct placed *at, int64_t width, int64_t height, bool over_picture)
{
    float w = (float)width, h = (float)height;
    if (over_picture)
        return (struct spread){ (float)at->width / w, (float)at->height / h, 0, 0 };
    return (struct spread){ (float)at->in_width / w * at->per_x, (float)at->in_height / h * at->per_y, -at->dx * at->per_x,
                            -at->dy * at->per_y };
}

/* The cells that a box touches, and one more around them. */
struct window {
    int x, y, width, height;
};

static int clamp(float x, int64_t most)
{
    return !(x > 0) ? 0 : x > (float)most ? (int)most : (int)x;
}

static struct window window_of(const struct spread *s, const struct box *b, int64_t width, int64_t height)
{
    int x1 = clamp(floorf((b->x1 - s->ox) / s->kx) - 1, width), x2 = clamp(ceilf((b->x2 - s->ox) / s->kx) + 1, width);
    int y1 = clamp(floorf((b->y1 - s->oy) / s->ky) - 1, height), y2 = clamp(ceilf((b->y2 - s->oy) / s->ky) + 1, height);
    return (struct window){ x1, y1, x2 - x1, y2 - y1 };
}

/* The largest ring of a map of that window, on the picture, in the box if clip. */
static size_t ring_of(const struct map *m, const struct window *w, const struct spread *s, const struct box *b, bool clip,
                      struct spot **room, const struct spot **ret)
{
    AUTO(rings) struct rings rings = { 0 };
    outline_trace(m, 0.2, &rings);
    const struct ring *best = outline_largest(&rings);
    if (!best)
        return 0;
    struct spot *spots = rings.spots + best->first;
    for (size_t i = 0; i < best->n; i++) {
        spots[i].x = (spots[i].x + (float)w->x) * s->kx + s->ox;
        spots[i].y = (spots[i].y + (float)w->y) * s->ky + s->oy;
    }
    *room = heap_grow(*room, sizeof **room * (6 * best->n + 8));
    *ret = *room;
    if (clip)
        return outline_clip(spots, best->n, b->x1, b->y1, b->x2, b->y2, *room);
    memcpy(*room, spots, best->n * sizeof *spots);
    return best->n;
}

size_t found_prototypes(const struct ort_session *session, const struct description *d, const struct placed *at,
                        const struct box *b, const float *coefficients, int64_t n, struct spot **room, const struct spot **ret)
{
    const struct ort_value *v = ort_output(session, (size_t)d->output[ROLE_MASKS]);
    if (v->rank != 4 || v->shape[1] < n || !v->data)
        return 0;
    int64_t width = v->shape[3], height = v->shape[2];
    struct spread s = spread_of(at, width, height, false);
    struct window w = window_of(&s, b, width, height);
    if (w.width < 1 || w.height < 1)
        return 0;
    struct map m = { heap_take(sizeof(float) * (size_t)w.width * (size_t)w.height), w.width, w.height };
    for (int64_t k = 0; k < n; k++)
        for (int y = 0; y < w.height; y++) {
            const float *p = v->data + (k * height + w.y + y) * width + w.x;
            float *to = m.value + (size_t)y * (size_t)w.width, c = coefficients[k];
            for (int x = 0; x < w.width; x++)
                to[x] += c * p[x];
        }
    size_t found = ring_of(&m, &w, &s, b, true, room, ret);
    free(m.value);
    return found;
}

size_t found_mask(const struct mask *mask, const struct placed *at, const struct box *b, struct spot **room,
                  const struct spot **ret)
{
    struct spread s = spread_of(at, mask->width, mask->height, mask->over_picture);
    struct window w = { 0, 0, (int)mask->width, (int)mask->height };
    if (mask->clip)
        w = window_of(&s, b, mask->width, mask->height);
    if (w.width < 1 || w.height < 1)
        return 0;
    struct map m = { heap_take(sizeof(float) * (size_t)w.width * (size_t)w.height), w.width, w.height };
    for (int y = 0; y < w.height; y++)
        for (int x = 0; x < w.width; x++)
            m.value[(size_t)y * (size_t)w.width + (size_t)x] =
                mask->value[(int64_t)(w.y + y) * mask->width + w.x + x] - mask->limit;
    size_t found = ring_of(&m, &w, &s, b, mask->clip, room, ret);
    free(m.value);
    return found;
}

static int larger_first(const void *a, const void *b)
{
    const struct ring *x = a, *y = b;
    return (x->area < y->area) - (x->area > y->area);
}

void box_around(const struct spot *s, size_t n, struct box *b)
{
    b->x1 = b->y1 = INFINITY;
    b->x2 = b->y2 = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        b->x1 = fminf(b->x1, s[i].x);
        b->x2 = fmaxf(b->x2, s[i].x);
        b->y1 = fminf(b->y1, s[i].y);
        b->y2 = fmaxf(b->y2, s[i].y);
    }
}

void found_regions(struct found *f, const struct placed *at, const struct mask *mask, int label, float score)
{
    enum { REGIONS_MOST = 100 };
    static const double speck = 2; /* cells */
    size_t plane = (size_t)mask->width * (size_t)mask->height;
    struct map m = { heap_take(plane * sizeof(float)), (int)mask->width, (int)mask->height };
    for (size_t i = 0; i < plane; i++)
        m.value[i] = mask->value[i] - mask->limit;
    AUTO(rings) struct rings r = { 0 };
    outline_trace(&m, 0.2, &r);
    free(m.value);
    struct spread s = spread_of(at, mask->width, mask->height, mask->over_picture);
    for (size_t i = 0; i < r.n_spots; i++) {
        r.spots[i].x = r.spots[i].x * s.kx + s.ox;
        r.spots[i].y = r.spots[i].y * s.ky + s.oy;
    }
    if (r.n)
        qsort(r.items, r.n, sizeof *r.items, larger_first);
    for (size_t i = 0; i < r.n && i < REGIONS_MOST && r.items[i].area > speck; i++) {
        struct box b = { .score = score > 1 ? 1 : score, .label = label };
        box_around(r.spots + r.items[i].first, r.items[i].n, &b);
        found_shape(f, at, &b, r.spots + r.items[i].first, r.items[i].n);
    }
}
