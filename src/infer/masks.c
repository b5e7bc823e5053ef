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

enum { RINGS_MOST = 64, POINTS_MOST = 700 }; /* of one shape; finer outlines are thinned until they are of so many points */
static const double FINE = 0.2, COARSE = 4, SPECK = 1; /* cells */

/* Rings of a map, the largest first; of very many points, coarser ones. */
static void trace(const struct map *m, struct rings *ret)
{
    for (double tolerance = FINE;; tolerance *= 2) {
        ret->n = ret->n_spots = 0;
        outline_trace(m, tolerance, ret);
        if (ret->n_spots <= POINTS_MOST || tolerance > COARSE)
            break;
    }
    outline_sort(ret);
}

static void place(struct rings *r, float x, float y, const struct spread *s)
{
    for (size_t i = 0; i < r->n_spots; i++) {
        r->spots[i].x = (r->spots[i].x + x) * s->kx + s->ox;
        r->spots[i].y = (r->spots[i].y + y) * s->ky + s->oy;
    }
}

/* Only what lies in the box: a hole that leaves it is a notch afterwards. */
static void cut(const struct rings *r, const struct box *b, struct rings *ret)
{
    struct spot *piece = NULL;
    for (size_t i = 0; i < r->n && i < RINGS_MOST; i++) {
        const struct ring *ring = &r->items[i];
        piece = heap_grow(piece, sizeof *piece * (6 * ring->n + 8));
        size_t n = outline_clip(r->spots + ring->first, ring->n, b->x1, b->y1, b->x2, b->y2, piece);
        outline_add(ret, piece, n, ring->area);
    }
    free(piece);
}

/* The rings as one, in *room, which is grown. */
static size_t join(const struct rings *r, const struct ring *const *which, size_t n, struct spot **room)
{
    *room = heap_grow(*room, sizeof **room * (r->n_spots + 2 * n + 8));
    return outline_join(r, which, n, *room);
}

/* All parts and holes of a map of that window as one ring, on the picture, in the box if clip. */
static size_t shape_of(const struct map *m, const struct window *w, const struct spread *s, const struct box *b, bool clip,
                       struct spot **room, const struct spot **ret)
{
    AUTO(rings) struct rings traced = { 0 }, inside = { 0 };
    const struct ring *which[RINGS_MOST];
    size_t n = 0;
    trace(m, &traced);
    place(&traced, (float)w->x, (float)w->y, s);
    if (clip)
        cut(&traced, b, &inside);
    const struct rings *r = clip ? &inside : &traced;
    for (size_t i = 0; i < r->n && n < RINGS_MOST; i++)
        if (fabs(r->items[i].area) >= SPECK || (!n && r->items[i].area > 0))
            which[n++] = &r->items[i];
    if (!n || which[0]->area <= 0)
        return 0;
    size_t joined = join(r, which, n, room);
    *ret = *room;
    return joined;
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
    size_t found = shape_of(&m, &w, &s, b, true, room, ret);
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
    size_t found = shape_of(&m, &w, &s, b, mask->clip, room, ret);
    free(m.value);
    return found;
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

/* The part with the holes in it; islands in them are regions of their own. */
static size_t with_holes(const struct rings *r, size_t part, const struct ring **which)
{
    size_t n = 0;
    which[n++] = &r->items[part];
    for (size_t i = part + 1; i < r->n && n < RINGS_MOST && fabs(r->items[i].area) >= SPECK; i++) {
        bool own = outline_is_hole_of(r, &r->items[i], &r->items[part]);
        for (size_t k = part + 1; k < i && own; k++) /* of the smallest part around it */
            own = !outline_is_hole_of(r, &r->items[i], &r->items[k]);
        if (own)
            which[n++] = &r->items[i];
    }
    return n;
}

void found_regions(struct found *f, const struct placed *at, const struct mask *mask, int label, float score)
{
    enum { REGIONS_MOST = 100 };
    static const double speck = 2; /* cells */
    size_t plane = (size_t)mask->width * (size_t)mask->height, regions = 0;
    struct map m = { heap_take(plane * sizeof(float)), (int)mask->width, (int)mask->height };
    const struct ring *which[RINGS_MOST];
    struct spot *room = NULL;
    for (size_t i = 0; i < plane; i++)
        m.value[i] = mask->value[i] - mask->limit;
    AUTO(rings) struct rings r = { 0 };
    outline_trace(&m, FINE, &r);
    outline_sort(&r);
    free(m.value);
    struct spread s = spread_of(at, mask->width, mask->height, mask->over_picture);
    place(&r, 0, 0, &s);
    for (size_t i = 0; i < r.n && regions < REGIONS_MOST && fabs(r.items[i].area) > speck; i++) {
        struct box b = { .score = score > 1 ? 1 : score, .label = label };
        if (r.items[i].area < 0)
            continue;
        box_around(r.spots + r.items[i].first, r.items[i].n, &b);
        size_t n = join(&r, which, with_holes(&r, i, which), &room);
        found_shape(f, at, &b, room, n);
        regions++;
    }
    free(room);
}
