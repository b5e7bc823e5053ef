#include "foreign/record.h"
#include <math.h>
#include <string.h>

enum { TEXT_MOST = 4096 };
#define NO_TEXT UINT32_MAX

/* ---- put */

static void put_u32(struct text *t, uint32_t v)
{
    text_bytes(t, &v, sizeof v);
}

static void put_text(struct text *t, const char *s)
{
    size_t n = s ? strlen(s) + 1 : 0;
    put_u32(t, s ? (uint32_t)n : NO_TEXT);
    text_bytes(t, s, n);
}

static void put_image(struct text *t, const struct foreign_image *i)
{
    put_text(t, i->file);
    put_text(t, i->name);
    put_text(t, i->other);
    put_text(t, i->split);
    put_u32(t, (uint32_t)i->stem | (uint32_t)i->fractions << 1 | (uint32_t)(i->items == OF_LINES) << 2);
    put_u32(t, (uint32_t)i->width);
    put_u32(t, (uint32_t)i->height);
}

static void put_shape(struct text *t, const struct foreign_shape *s)
{
    put_u32(t, s->label);
    put_u32(t, (uint32_t)s->crowd | (uint32_t)s->has_box << 1);
    put_u32(t, s->at);
    if (s->has_box)
        text_bytes(t, s->box, sizeof s->box);
    put_u32(t, s->n_parts);
    put_u32(t, s->n_points);
    text_bytes(t, s->parts, s->n_parts * sizeof *s->parts);
    text_bytes(t, s->points, 2 * (size_t)s->n_points * sizeof *s->points);
    put_text(t, s->mask);
    put_u32(t, (uint32_t)s->mask_width);
    put_u32(t, (uint32_t)s->mask_height);
}

void record_put(struct text *t, const struct foreign_record *r)
{
    size_t from = t->n;
    put_u32(t, 0);
    put_u32(t, r->kind);
    switch (r->kind) {
    case FOREIGN_IMAGE: put_image(t, &r->image); break;
    case FOREIGN_SHAPE: put_shape(t, &r->shape); break;
    case FOREIGN_PROGRESS: text_bytes(t, &r->progress, sizeof r->progress); break;
    default: put_u32(t, r->reason); put_text(t, r->text);
    }
    uint32_t n = (uint32_t)(t->n - from);
    if (!text_full(t))
        memcpy(t->bytes + from, &n, sizeof n);
}

/* ---- take */

struct from {
    struct arena *arena;
    const char *p, *end;
    bool bad;
};

static void take(struct from *f, void *ret, size_t n)
{
    if (n > (size_t)(f->end - f->p)) {
        f->bad = true;
        memset(ret, 0, n);
        return;
    }
    memcpy(ret, f->p, n);
    f->p += n;
}

static uint32_t take_u32(struct from *f)
{
    uint32_t v;
    take(f, &v, sizeof v);
    return v;
}

/* Points into the bytes. */
static const char *take_text(struct from *f, size_t most)
{
    uint32_t n = take_u32(f);
    if (n == NO_TEXT)
        return NULL;
    const char *s = f->p;
    if (!n || n > most + 1 || n > (size_t)(f->end - f->p) || s[n - 1] || strlen(s) != n - 1 || !utf8_valid(s, n - 1)) {
        f->bad = true;
        return "";
    }
    f->p += n;
    return s;
}

static int take_size(struct from *f)
{
    uint32_t v = take_u32(f);
    f->bad |= v > 1000000;
    return (int)v;
}

static void take_image(struct from *f, struct foreign_image *i)
{
    i->file = take_text(f, TEXT_MOST);
    i->name = take_text(f, TEXT_MOST);
    i->other = take_text(f, TEXT_MOST);
    i->split = take_text(f, TEXT_MOST);
    uint32_t flags = take_u32(f);
    i->stem = flags & 1;
    i->fractions = flags & 2;
    i->items = flags & 4 ? OF_LINES : OF_ITEMS;
    i->width = take_size(f);
    i->height = take_size(f);
    f->bad |= !i->file || !i->name;
}

static void take_numbers(struct from *f, double *ret, size_t n)
{
    take(f, ret, n * sizeof *ret);
    for (size_t i = 0; i < n; i++)
        f->bad |= !isfinite(ret[i]) || fabs(ret[i]) > 1e7;
}

static void take_outline(struct from *f, struct foreign_shape *s)
{
    s->n_parts = take_u32(f);
    s->n_points = take_u32(f);
    if (s->n_points > FOREIGN_POINTS || s->n_parts > s->n_points || (s->n_points && !s->n_parts)) {
        f->bad = true;
        return;
    }
    if (!s->n_points)
        return;
    uint32_t *parts = arena_new_array(f->arena, uint32_t, s->n_parts + 1);
    double *points = arena_new_array(f->arena, double, 2 * s->n_points + 1);
    take(f, parts, s->n_parts * sizeof *parts);
    take_numbers(f, points, 2 * (size_t)s->n_points);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < s->n_parts; i++) {
        f->bad |= parts[i] < 3;
        sum += parts[i];
    }
    f->bad |= sum != s->n_points;
    s->parts = parts;
    s->points = points;
}

static void take_shape(struct from *f, struct record_check *c, struct foreign_shape *s)
{
    s->label = take_u32(f);
    uint32_t flags = take_u32(f);
    s->at = take_u32(f);
    s->crowd = flags & 1;
    s->has_box = flags & 2;
    if (s->has_box)
        take_numbers(f, s->box, 4);
    take_outline(f, s);
    s->mask = take_text(f, FOREIGN_MASK);
    s->mask_width = take_size(f);
    s->mask_height = take_size(f);
    f->bad |= s->label >= c->labels || !c->image || ++c->shapes > FOREIGN_SHAPES;
}

static void take_rest(struct from *f, struct record_check *c, struct foreign_record *r)
{
    switch (r->kind) {
    case FOREIGN_IMAGE:
        take_image(f, &r->image);
        c->image = true;
        return;
    case FOREIGN_SHAPE: take_shape(f, c, &r->shape); return;
    case FOREIGN_PROGRESS: take_numbers(f, &r->progress, 1); return;
    case FOREIGN_FORMAT:
    case FOREIGN_LABEL:
    case FOREIGN_LEFT_OUT:
    case FOREIGN_FAULT:
    case FOREIGN_PASSED:
        r->reason = (enum foreign_reason)take_u32(f);
        r->text = take_text(f, TEXT_MOST);
        f->bad |= !r->text || (unsigned)r->reason >= LEFT_REASONS;
        break;
    default: f->bad = true;
    }
    if (r->kind == FOREIGN_LABEL && !f->bad)
        f->bad = !*r->text || strlen(r->text) > FOREIGN_LABEL_BYTES || ++c->labels > FOREIGN_LABELS;
}

enum err record_take(struct arena *a, struct record_check *c, const char *bytes, size_t n, struct foreign_record *ret,
                     size_t *ret_used)
{
    uint32_t length = 0;
    *ret_used = 0;
    if (n < sizeof length)
        return OK;
    memcpy(&length, bytes, sizeof length);
    if (length < 2 * sizeof length || length > RECORD_MOST)
        return fail(E_BROKEN, "the reader of annotation files answered something that makes no sense");
    if (n < length)
        return OK;
    struct from f = { a, bytes + sizeof length, bytes + length, false };
    *ret = (struct foreign_record){ .kind = (enum foreign_kind)take_u32(&f) };
    take_rest(&f, c, ret);
    if (f.bad || f.p != f.end)
        return fail(E_BROKEN, "the reader of annotation files answered something that makes no sense");
    *ret_used = length;
    return OK;
}
