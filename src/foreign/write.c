/* Annotation files written from a stream of images: only the image at hand is in memory, and what COCO must say at its end. */
#include "foreign/reader.h"
#include "foreign/writer.h"
#include <stdlib.h>
#include <string.h>

enum { SPOOL = 1 << 20, MEMBER = 256 << 20, IMAGES = 1 << 30 };

struct spool {
    struct foreign_put to;
    uint64_t written;
    struct text text;
};

struct spool *spool_new(struct foreign_put to)
{
    struct spool *s = heap_take(sizeof *s);
    s->to = to;
    text_init(&s->text, (size_t)1 << 31);
    return s;
}

void spool_free(struct spool *s)
{
    if (!s)
        return;
    text_done(&s->text);
    free(s);
}

struct text *spool_text(struct spool *s)
{
    return &s->text;
}

uint64_t spool_at(const struct spool *s)
{
    return s->written + s->text.n;
}

enum err spool_flush(struct spool *s, bool now)
{
    if (text_full(&s->text))
        return fail(E_TOO_BIG, "one part of the file would be too large");
    if (!now && s->text.n < SPOOL)
        return OK;
    TRY(s->to.put(s->to.with, s->text.bytes, s->text.n));
    s->written += s->text.n;
    text_clear(&s->text);
    return OK;
}

static const struct foreign_output *const outputs[] = { &write_coco, &write_voc, &write_yolo };

static const struct foreign_output *output_called(const char *format)
{
    for (size_t i = 0; i < COUNT_OF(outputs); i++)
        if (strcmp(outputs[i]->name, format) == 0)
            return outputs[i];
    return NULL;
}

const char *foreign_ending(const char *format)
{
    const struct foreign_output *o = output_called(format);
    return o ? o->ending : NULL;
}

enum err foreign_write_open(const char *format, struct foreign_put to, const char *const *labels, size_t n,
                            struct foreign_writer **ret)
{
    const struct foreign_output *o = output_called(format);
    if (!o)
        return fail(E_INVALID, "there is no format %s", format);
    struct foreign_writer *w = heap_take(sizeof *w);
    *w = (struct foreign_writer){ .format = o, .arena = arena_new(), .labels = labels, .n_labels = n, .out = spool_new(to) };
    w->zip = strcmp(o->ending, ".zip") == 0 ? zip_writer_new(w->out) : NULL;
    text_init(&w->member, MEMBER);
    text_init(&w->images, IMAGES);
    enum err e = o->begin(w);
    if (e != OK) {
        foreign_write_abort(w);
        return e;
    }
    *ret = w;
    return OK;
}

enum err foreign_write_image(struct foreign_writer *w, const struct foreign_image *i, const char *member,
                             const struct foreign_shape *shapes, size_t n, size_t *left_out)
{
    TRY(w->format->image(w, i, member, shapes, n, left_out));
    w->n_images++;
    return spool_flush(w->out, false);
}

void foreign_write_abort(struct foreign_writer *w)
{
    if (!w)
        return;
    zip_writer_free(w->zip);
    spool_free(w->out);
    text_done(&w->member);
    text_done(&w->images);
    arena_free(w->arena);
    free(w);
}

enum err foreign_write_close(struct foreign_writer *w)
{
    enum err e = w->format->end(w);
    e = e == OK && w->zip ? zip_writer_end(w->zip) : e;
    e = e == OK ? spool_flush(w->out, true) : e;
    foreign_write_abort(w);
    return e;
}

static enum err zip_all(struct zip_writer *z, const struct foreign_files *f)
{
    struct reading r = { .files = f };
    for (size_t i = 0; i < f->n; i++) {
        struct member m = { f->items[i].name, i, -1, f->items[i].size, false };
        char *bytes;
        size_t n;
        TRY(member_read(&r, &m, MEMBER, &bytes, &n));
        enum err e = zip_writer_add(z, m.name, bytes, n);
        free(bytes);
        TRY(e);
    }
    return zip_writer_end(z);
}

enum err foreign_zip(const struct foreign_files *f, struct foreign_put to)
{
    struct spool *s = spool_new(to);
    struct zip_writer *z = zip_writer_new(s);
    enum err e = zip_all(z, f);
    zip_writer_free(z);
    spool_free(s);
    return e;
}
