/* What readers say, and the labels that they have met. */
#include "foreign/reader.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT = 700 }; /* bytes of what is said about one thing */

static enum err tell(struct reading *r)
{
    return r->sink.take(r->sink.with, &r->record);
}

enum err tell_format(struct reading *r, const char *name)
{
    if (r->told_format)
        return OK;
    r->told_format = true;
    r->record = (struct foreign_record){ .kind = FOREIGN_FORMAT, .text = name };
    return tell(r);
}

enum err tell_image(struct reading *r, const struct foreign_image *i)
{
    r->record = (struct foreign_record){ .kind = FOREIGN_IMAGE, .image = *i };
    return tell(r);
}

enum err tell_shape(struct reading *r, const struct foreign_shape *s)
{
    if (++r->n_shapes > FOREIGN_SHAPES)
        return fail(E_TOO_BIG, "more than %d shapes", FOREIGN_SHAPES);
    r->record = (struct foreign_record){ .kind = FOREIGN_SHAPE, .shape = *s };
    return tell(r);
}

static enum err tell_text(struct reading *r, enum foreign_kind kind, enum foreign_reason why, const char *fmt, va_list args)
{
    char text[TEXT];
    vsnprintf(text, sizeof text, fmt, args);
    for (char *p = text; *p; p++)
        *p = (unsigned char)*p < 0x20 ? ' ' : *p;
    r->record = (struct foreign_record){ .kind = kind, .reason = why, .text = text };
    enum err e = tell(r);
    r->record.text = NULL;
    return e;
}

enum err tell_left(struct reading *r, enum foreign_reason why, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    enum err e = tell_text(r, FOREIGN_LEFT_OUT, why, fmt, args);
    va_end(args);
    return e;
}

enum err tell_fault(struct reading *r, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    enum err e = tell_text(r, FOREIGN_FAULT, LEFT_NOTHING, fmt, args);
    va_end(args);
    return e;
}

enum err tell_kept_fault(struct reading *r)
{
    return tell_fault(r, "%s", fail_text());
}

/* At each hundredth: enough for a bar, and as a sign of life. */
enum err tell_progress(struct reading *r, uint64_t done, uint64_t all)
{
    double at = all ? (double)done / (double)all : 1;
    if (at < r->told + 0.01 && at >= r->told)
        return OK;
    r->told = at;
    r->record = (struct foreign_record){ .kind = FOREIGN_PROGRESS, .progress = at > 1 ? 1 : at };
    return tell(r);
}

/* ---- labels: a hash table of their names (FNV-1a), open addressing */

struct labels {
    struct {
        const char *name;
        uint32_t number;
    } * slots;
    uint32_t n, room;
};

static uint32_t hash(const char *s)
{
    uint32_t h = 2166136261U;
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 16777619U;
    return h;
}

static uint32_t slot_of(const struct labels *l, const char *name)
{
    uint32_t i = hash(name) & (l->room - 1);
    while (l->slots[i].name && strcmp(l->slots[i].name, name) != 0)
        i = (i + 1) & (l->room - 1);
    return i;
}

static void grow(struct reading *r)
{
    struct labels *old = r->labels, *l = arena_take(r->arena, sizeof *l);
    l->room = old ? old->room * 2 : 64;
    l->n = old ? old->n : 0;
    l->slots = arena_take(r->arena, l->room * sizeof *l->slots);
    for (uint32_t i = 0; old && i < old->room; i++)
        if (old->slots[i].name)
            l->slots[slot_of(l, old->slots[i].name)] = old->slots[i];
    r->labels = l;
}

static const char *trimmed(struct arena *a, const char *s)
{
    size_t n = strlen(s);
    while (n && (unsigned char)s[n - 1] <= ' ')
        n--;
    while (n && (unsigned char)*s <= ' ') {
        s++;
        n--;
    }
    char *copy = arena_copy(a, s, n);
    for (char *p = copy; *p; p++)
        *p = (unsigned char)*p < 0x20 || *p == 0x7f ? ' ' : *p;
    return copy;
}

enum err label_number(struct reading *r, const char *name, uint32_t *ret)
{
    name = trimmed(r->arena, name);
    if (!*name || strlen(name) > FOREIGN_LABEL_BYTES || !utf8_valid(name, strlen(name)))
        return fail(E_INVALID, "the label '%.120s' must have 1 to %d bytes of UTF-8", name, FOREIGN_LABEL_BYTES);
    if (!r->labels || 2 * r->labels->n >= r->labels->room)
        grow(r);
    uint32_t i = slot_of(r->labels, name);
    if (!r->labels->slots[i].name) {
        if (r->labels->n == FOREIGN_LABELS)
            return fail(E_TOO_BIG, "more than %d labels", FOREIGN_LABELS);
        r->labels->slots[i].name = name;
        r->labels->slots[i].number = r->labels->n++;
        r->record = (struct foreign_record){ .kind = FOREIGN_LABEL, .text = name };
        TRY(tell(r));
    }
    *ret = r->labels->slots[i].number;
    return OK;
}
