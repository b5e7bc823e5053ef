#include "infer/boxes.h"
#include "infer/outline.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

void boxes_add(struct boxes *b, const struct description *d, const struct placed *at, const float in[4], float score, int label,
               uint32_t row)
{
    float x1 = in[0], y1 = in[1], x2 = in[2], y2 = in[3];
    if (d->boxes == BOX_CXCYWH) {
        x1 = in[0] - in[2] / 2, y1 = in[1] - in[3] / 2;
        x2 = in[0] + in[2] / 2, y2 = in[1] + in[3] / 2;
    } else if (d->boxes == BOX_YXYX) {
        x1 = in[1], y1 = in[0], x2 = in[3], y2 = in[2];
    }
    if (d->unit == UNIT_FRACTION) {
        float w = (float)at->in_width, h = (float)at->in_height;
        x1 *= w, x2 *= w, y1 *= h, y2 *= h;
    }
    struct box box = { x1, y1, x2, y2, score > 1 ? 1 : score, label, row };
    if (d->unit != UNIT_ORIGINAL)
        box = (struct box){ (x1 - at->dx) * at->per_x,
                            (y1 - at->dy) * at->per_y,
                            (x2 - at->dx) * at->per_x,
                            (y2 - at->dy) * at->per_y,
                            box.score,
                            label,
                            row };
    if (label < 0 || !isfinite(box.x1) || !isfinite(box.y1) || !isfinite(box.x2) || !isfinite(box.y2) || box.x2 <= box.x1 ||
        box.y2 <= box.y1 || !(score >= 0))
        return;
    if (b->n == b->room) {
        b->room = b->room ? b->room * 2 : 256;
        b->items = heap_grow(b->items, b->room * sizeof *b->items);
    }
    b->items[b->n++] = box;
}

/* ---- order: the bits of a positive float sort as it does */

enum { DIGIT = 11, BUCKETS = 1 << DIGIT, DIGITS = 3 };

static uint64_t key_of(const struct box *b, size_t i)
{
    uint32_t bits;
    memcpy(&bits, &b->score, sizeof bits);
    return (uint64_t)~bits << 32 | (uint32_t)i; /* the best first; scores are not negative */
}

static void sort_keys(uint64_t *keys, uint64_t *other, size_t n)
{
    for (int digit = 0; digit < DIGITS; digit++) {
        size_t count[BUCKETS + 1] = { 0 };
        int shift = 32 + digit * DIGIT;
        for (size_t i = 0; i < n; i++)
            count[(keys[i] >> shift & (BUCKETS - 1)) + 1]++;
        for (size_t i = 0; i < BUCKETS; i++)
            count[i + 1] += count[i];
        for (size_t i = 0; i < n; i++)
            other[count[keys[i] >> shift & (BUCKETS - 1)]++] = keys[i];
        uint64_t *old = keys;
        keys = other;
        other = old;
    }
}

void boxes_sort(struct boxes *b, size_t most)
{
    if (!b->n)
        return;
    uint64_t *keys = heap_take(2 * b->n * sizeof *keys);
    struct box *sorted = heap_take(b->n * sizeof *sorted);
    for (size_t i = 0; i < b->n; i++)
        keys[i] = key_of(&b->items[i], i);
    sort_keys(keys, keys + b->n, b->n);
    for (size_t i = 0; i < b->n; i++) /* after an odd number of turns they lie in the second half */
        sorted[i] = b->items[(uint32_t)keys[b->n + i]];
    free(keys);
    free(b->items);
    b->items = sorted;
    b->room = b->n;
    b->n = b->n < most ? b->n : most;
}

/* ---- suppression: what was kept lies in columns, so that the compiler compares several at once */

struct kept {
    float x1[DETECTIONS_MOST], y1[DETECTIONS_MOST], x2[DETECTIONS_MOST], y2[DETECTIONS_MOST], area[DETECTIONS_MOST];
    int label[DETECTIONS_MOST];
    size_t n;
};

/* Overlap over union > iou, without the division: both > iou * (sum - both). */
static bool overlaps(const struct kept *k, size_t from, size_t to, const struct box *b, float area, float iou, bool across)
{
    int hit = 0;
    for (size_t i = from; i < to; i++) {
        float w = (b->x2 < k->x2[i] ? b->x2 : k->x2[i]) - (b->x1 > k->x1[i] ? b->x1 : k->x1[i]);
        float h = (b->y2 < k->y2[i] ? b->y2 : k->y2[i]) - (b->y1 > k->y1[i] ? b->y1 : k->y1[i]);
        float both = (w > 0 ? w : 0) * (h > 0 ? h : 0);
        hit |= (both > iou * (area + k->area[i] - both)) & (across | (k->label[i] == b->label));
    }
    return hit;
}

static bool is_suppressed(const struct kept *k, const struct box *b, float area, float iou, bool across)
{
    enum { BLOCK = 32 };
    for (size_t i = 0; i < k->n; i += BLOCK)
        if (overlaps(k, i, i + BLOCK < k->n ? i + BLOCK : k->n, b, area, iou, across))
            return true;
    return false;
}

static void keep(struct kept *k, const struct box *b, float area)
{
    k->x1[k->n] = b->x1;
    k->y1[k->n] = b->y1;
    k->x2[k->n] = b->x2;
    k->y2[k->n] = b->y2;
    k->area[k->n] = area;
    k->label[k->n++] = b->label;
}

void boxes_suppress(struct boxes *b, double iou, bool across, size_t most)
{
    struct kept *k = heap_take(sizeof *k);
    boxes_sort(b, b->n);
    most = most < DETECTIONS_MOST ? most : DETECTIONS_MOST;
    size_t n = 0;
    for (size_t i = 0; i < b->n && n < most; i++) {
        struct box *x = &b->items[i];
        float area = (x->x2 - x->x1) * (x->y2 - x->y1);
        if (is_suppressed(k, x, area, (float)iou, across))
            continue;
        keep(k, x, area);
        b->items[n++] = *x;
    }
    b->n = n;
    free(k);
}

/* ---- what goes back */

struct spot spot_placed(const struct placed *at, float x, float y, float seen)
{
    return (struct spot){ (x - at->dx) * at->per_x, (y - at->dy) * at->per_y, seen };
}

size_t turned_outline(const struct placed *at, struct turned t, struct spot ret[TURNED_SPOTS])
{
    static const float sides[4][2] = { { -1, -1 }, { 1, -1 }, { 1, 1 }, { -1, 1 } };
    float c = cosf(t.angle), s = sinf(t.angle);
    struct spot corners[4];
    for (int i = 0; i < 4; i++) {
        float dx = sides[i][0] * t.width / 2, dy = sides[i][1] * t.height / 2;
        corners[i] = spot_placed(at, t.x + dx * c - dy * s, t.y + dx * s + dy * c, 1);
    }
    return outline_clip(corners, 4, 0, 0, (float)at->width, (float)at->height, ret);
}

static bool clip(const struct box *b, const struct placed *at, struct detection *ret)
{
    float left = fmaxf(b->x1, 0), top = fmaxf(b->y1, 0), right = fminf(b->x2, (float)at->width),
          bottom = fminf(b->y2, (float)at->height);
    *ret = (struct detection){ b->label, b->score, left, top, right - left, bottom - top, 0 };
    return right > left && bottom > top; /* else it lies beside the picture */
}

void found_boxes(struct found *f, const struct boxes *b, const struct placed *at)
{
    f->kind = FOUND_BOXES;
    for (size_t i = 0; i < b->n && f->n < DETECTIONS_MOST; i++)
        if (clip(&b->items[i], at, &f->items[f->n]))
            f->n++;
}

void found_label(struct found *f, int label, float score)
{
    f->kind = FOUND_LABELS;
    if (label < 0 || !(score >= 0) || f->n == DETECTIONS_MOST)
        return;
    f->items[f->n++] = (struct detection){ .label = label, .score = score > 1 ? 1 : score };
}

static void add_spot(struct found *f, const struct placed *at, struct spot s)
{
    if (f->n_spots == f->room_spots)
        return;
    s.x = fminf(fmaxf(s.x, 0), (float)at->width);
    s.y = fminf(fmaxf(s.y, 0), (float)at->height);
    f->spots[f->n_spots++] = s;
}

/* With what matters least left out, until so few are left that others have room, too. */
static struct spot *thinned(const struct spot *spots, size_t n, size_t most, size_t *ret_n)
{
    enum { TRIES = 12 };
    double tolerance = 0.5; /* pixels */
    struct spot *to = heap_take((n + 1) * sizeof *to);
    memcpy(to, spots, n * sizeof *to);
    for (int i = 0; i < TRIES && n > most; i++, tolerance *= 2)
        n = outline_thin(to, n, tolerance);
    *ret_n = n < most ? n : most;
    return to;
}

void found_shape(struct found *f, const struct placed *at, const struct box *b, const struct spot *spots, size_t n)
{
    struct detection item;
    if (f->n == DETECTIONS_MOST || !n || !clip(b, at, &item))
        return;
    bool all = strcmp(f->kind, FOUND_KEYPOINTS) == 0; /* each has its meaning */
    size_t left = f->room_spots - f->n_spots, fair = all ? left : left / 8, first = f->n_spots;
    if (all && n > left)
        return;
    struct spot *fewer = NULL;
    if (n > fair)
        spots = fewer = thinned(spots, n, fair, &n);
    for (size_t i = 0; i < n; i++)
        if (isfinite(spots[i].x) && isfinite(spots[i].y))
            add_spot(f, at, spots[i]);
    free(fewer);
    item.n_spots = (int)(f->n_spots - first);
    if (item.n_spots)
        f->items[f->n++] = item;
}

void found_objects(struct found *f, const struct description *d, const struct placed *at, struct boxes *b, outline_of *outline,
                   void *with)
{
    if (d->suppress)
        boxes_suppress(b, d->nms_iou, d->across, (size_t)d->max_detections);
    else
        boxes_sort(b, (size_t)d->max_detections);
    bool shapes = outline && (d->wanted & (WANT_OUTLINES | WANT_KEYPOINTS));
    if (!shapes) {
        found_boxes(f, b, at);
        return;
    }
    f->kind = d->wanted == WANT_OUTLINES ? FOUND_OUTLINES : FOUND_KEYPOINTS;
    for (size_t i = 0; i < b->n; i++) {
        const struct spot *spots;
        size_t n = outline(with, &b->items[i], &spots);
        found_shape(f, at, &b->items[i], spots, n);
    }
}
