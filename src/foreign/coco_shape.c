/* The second reading of a COCO file: an annotation. */
#include "foreign/coco.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct found {
    struct coco *c;
    bool has_category, crowd, has_box, bad_box, bad_outline, short_part, has_mask;
    const char *bad_mask; /* why it is none */
    int64_t category;
    double box[4];
    int mask_width, mask_height;
};

static enum err read_box(struct coco *c, enum pull_event e, struct found *f)
{
    size_t n = 0;
    if (e == PULL_NULL)
        return OK;
    if (e != PULL_ARRAY) {
        f->bad_box = true;
        return pull_skip(c->p, e);
    }
    for (;;) {
        TRY(pull_next(c->p, &e));
        if (e == PULL_END_ARRAY)
            break;
        if (e != PULL_NUMBER || n == 4 || fabs(pull_number(c->p)) > 1e6)
            f->bad_box = true;
        else
            f->box[n++] = pull_number(c->p);
        TRY(pull_skip(c->p, e));
    }
    f->has_box = n == 4 && !f->bad_box;
    f->bad_box |= n != 0 && n != 4;
    return OK;
}

static void add_point(struct coco *c, double v)
{
    if (c->n_points == c->room_points)
        c->points = heap_grow(c->points, (c->room_points = coco_more(c->room_points)) * sizeof *c->points);
    c->points[c->n_points++] = v;
}

/* A part of an outline ends: of fewer than three points it is none. */
static void end_part(struct coco *c, size_t first, struct found *f)
{
    size_t n = c->n_points - first;
    if (n % 2) {
        f->bad_outline = true;
    } else if (n < 6) {
        f->short_part = true;
        c->n_points = first;
    } else {
        if (c->n_parts == c->room_parts)
            c->parts = heap_grow(c->parts, (c->room_parts = coco_more(c->room_parts)) * sizeof *c->parts);
        c->parts[c->n_parts++] = (uint32_t)(n / 2);
    }
}

/* The rest of a list of numbers; *e: its first event. */
static enum err read_numbers(struct coco *c, enum pull_event e, struct found *f)
{
    size_t first = c->n_points;
    for (;;) {
        if (e == PULL_END_ARRAY)
            break;
        if (e != PULL_NUMBER || fabs(pull_number(c->p)) > 1e6 || c->n_points >= 2 * FOREIGN_POINTS)
            f->bad_outline = true;
        else
            add_point(c, pull_number(c->p));
        TRY(pull_skip(c->p, e));
        TRY(pull_next(c->p, &e));
    }
    end_part(c, first, f);
    return OK;
}

/* [[x, y, …], …]; some write the one part without its own brackets. */
static enum err read_outline(struct coco *c, struct found *f)
{
    enum pull_event e;
    TRY(pull_next(c->p, &e));
    if (e == PULL_NUMBER)
        return read_numbers(c, e, f);
    for (; e != PULL_END_ARRAY;) {
        if (e == PULL_ARRAY) {
            TRY(pull_next(c->p, &e));
            TRY(read_numbers(c, e, f));
        } else {
            f->bad_outline = true;
            TRY(pull_skip(c->p, e));
        }
        TRY(pull_next(c->p, &e));
    }
    return OK;
}

static enum err read_runs(struct coco *c, struct found *f)
{
    enum pull_event e;
    int64_t before[2] = { 0, 0 }, run;
    for (size_t i = 0;; i++) {
        TRY(pull_next(c->p, &e));
        if (e == PULL_END_ARRAY)
            return OK;
        if (e != PULL_NUMBER || !pull_int(c->p, &run) || run < 0 || run > INT32_MAX) {
            f->bad_mask = "a run is no whole number";
            TRY(pull_skip(c->p, e));
            continue;
        }
        rle_put(&c->mask, run, before[i % 2], i);
        before[i % 2] = run;
    }
}

static enum err read_mask_size(struct coco *c, enum pull_event e, struct found *f)
{
    double size[2] = { 0 };
    size_t n = 0;
    if (e != PULL_ARRAY)
        return pull_skip(c->p, e);
    for (;;) {
        TRY(pull_next(c->p, &e));
        if (e == PULL_END_ARRAY)
            break;
        if (e == PULL_NUMBER && n < 2)
            size[n++] = pull_number(c->p);
        TRY(pull_skip(c->p, e));
    }
    if (n == 2 && size[0] >= 1 && size[1] >= 1 && size[0] <= 1e6 && size[1] <= 1e6) {
        f->mask_height = (int)size[0];
        f->mask_width = (int)size[1];
    }
    return OK;
}

static enum err take_of_mask(void *with, size_t key, enum pull_event e)
{
    struct found *f = with;
    struct coco *c = f->c;
    if (key == 0)
        return read_mask_size(c, e, f);
    if (e == PULL_TEXT)
        text_add(&c->mask, pull_text(c->p));
    f->has_mask |= e == PULL_TEXT || e == PULL_ARRAY;
    return e == PULL_ARRAY ? read_runs(c, f) : pull_skip(c->p, e);
}

/* {"size": [height, width], "counts": [runs] or "compressed runs"} */
static enum err read_mask(struct coco *c, struct found *f)
{
    static const char *const names[] = { "size", "counts", NULL };
    TRY(coco_each(c->p, names, take_of_mask, f));
    double box[4];
    if (f->has_mask && !f->bad_mask)
        f->bad_mask = text_full(&c->mask)                                                ? "it is too long"
                      : !f->mask_width                                                   ? "its size is missing"
                      : rle_box(c->mask.bytes, f->mask_width, f->mask_height, box) != OK ? arena_str(c->r->arena, fail_text())
                                                                                         : NULL;
    return OK;
}

static enum err take_outline(struct coco *c, enum pull_event e, struct found *f)
{
    return e == PULL_ARRAY ? read_outline(c, f) : e == PULL_OBJECT ? read_mask(c, f) : pull_skip(c->p, e);
}

static enum err take_member(void *with, size_t key, enum pull_event e)
{
    struct found *f = with;
    struct coco *c = f->c;
    if (key == 0)
        f->has_category = coco_id(c->p, e, &f->category);
    else if (key == 1)
        f->crowd = e == PULL_TRUE || (e == PULL_NUMBER && pull_number(c->p) != 0);
    return key == 2 ? read_box(c, e, f) : key == 3 ? take_outline(c, e, f) : pull_skip(c->p, e);
}

static enum err read_found(struct coco *c, uint32_t i, struct found *f)
{
    static const char *const names[] = { "category_id", "iscrowd", "bbox", "segmentation", NULL };
    enum pull_event e;
    *f = (struct found){ .c = c };
    c->n_points = c->n_parts = 0;
    text_clear(&c->mask);
    pull_seek(c->p, c->place[i]);
    TRY(pull_next(c->p, &e));
    return coco_each(c->p, names, take_member, f);
}

/* Why it is not taken, told; *ret_taken: it is. */
static enum err judge(struct coco *c, uint32_t i, const struct found *f, const struct coco_category *k, bool *ret_taken)
{
    const char *file = c->member->name;
    *ret_taken = false;
    if (!k)
        return tell_left(c->r, LEFT_NO_CATEGORY, "%s, annotations[%u].category_id", file, i);
    if (!k->named)
        return OK; /* its category was a fault */
    if (f->bad_box)
        return tell_fault(c->r, "%s, annotations[%u].bbox must be [x, y, width, height]", file, i);
    if (f->bad_outline)
        return tell_fault(c->r, "%s, annotations[%u].segmentation must be lists of 3 to %d points", file, i, FOREIGN_POINTS);
    if (f->bad_mask)
        return tell_fault(c->r, "%s, annotations[%u].segmentation is no mask: %.200s", file, i, f->bad_mask);
    if (f->short_part && !c->n_parts && !f->has_box)
        return tell_left(c->r, LEFT_NO_AREA, "%s, annotations[%u]", file, i);
    *ret_taken = true;
    return OK;
}

enum err coco_tell_annotation(struct coco *c, uint32_t i)
{
    struct found f;
    bool taken;
    TRY(read_found(c, i, &f));
    const struct coco_category *k = f.has_category ? coco_category_of(c, f.category) : NULL;
    TRY(judge(c, i, &f, k, &taken));
    if (!taken)
        return OK;
    struct foreign_shape s = { .label = k->label,
                               .crowd = f.crowd,
                               .has_box = f.has_box,
                               .points = c->points,
                               .parts = c->parts,
                               .n_parts = (uint32_t)c->n_parts,
                               .n_points = (uint32_t)c->n_points / 2,
                               .mask = f.has_mask ? c->mask.bytes : NULL,
                               .mask_width = f.mask_width,
                               .mask_height = f.mask_height,
                               .at = i };
    memcpy(s.box, f.box, sizeof s.box);
    return tell_shape(c->r, &s);
}
