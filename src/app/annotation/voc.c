/* Pascal VOC (Everingham et al. 2010): one XML file an image. Entities and DTDs are refused, so that nothing can expand or be
 * fetched. */
#include "app/annotation/format.h"
#include <expat.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DEPTH = 16, VALUE = 1000, XML_CAP = 4 << 20 };

static bool fits(const struct format_file *f)
{
    size_t n = strlen(f->name);
    return n > 4 && strcasecmp(f->name + n - 4, ".xml") == 0;
}

struct reader {
    struct format_set *set;
    const struct format_file *file;
    XML_Parser parser;
    char path[DEPTH][32];
    int depth;
    struct text value;
    const char *filename, *label;
    int width, height;
    double box[4]; /* xmin, ymin, xmax, ymax */
    unsigned seen;
    struct format_shape *shapes;
    size_t n_shapes, room;
    enum err error;
};

static void stop(struct reader *r, enum err e)
{
    if (r->error == OK)
        r->error = e;
    XML_StopParser(r->parser, XML_FALSE);
}

static int line(const struct reader *r)
{
    return (int)XML_GetCurrentLineNumber(r->parser);
}

static bool at(const struct reader *r, const char *a, const char *b, const char *c)
{
    int n = 1 + (b != NULL) + (c != NULL);
    return r->depth == n + 1 && strcmp(r->path[1], a) == 0 && (!b || strcmp(r->path[2], b) == 0) &&
           (!c || strcmp(r->path[3], c) == 0);
}

static void start(void *with, const char *name, const char **attributes)
{
    (void)attributes;
    struct reader *r = with;
    if (r->depth == DEPTH) {
        stop(r, fail(E_INVALID, "%s, line %d: nested deeper than %d elements", r->file->name, line(r), DEPTH));
        return;
    }
    if (r->depth == 0 && strcmp(name, "annotation") != 0) {
        stop(r, fail(E_INVALID, "%s, line %d: <annotation> expected, not <%.40s>", r->file->name, line(r), name));
        return;
    }
    snprintf(r->path[r->depth++], sizeof r->path[0], "%s", name);
    text_clear(&r->value);
    if (at(r, "object", NULL, NULL)) {
        r->label = NULL;
        r->seen = 0;
    }
}

static void characters(void *with, const char *s, int n)
{
    struct reader *r = with;
    text_bytes(&r->value, s, (size_t)n);
}

static const char *trimmed(struct reader *r)
{
    char *s = r->value.bytes;
    while (*s && strchr(" \t\r\n", *s))
        s++;
    size_t n = strlen(s);
    while (n && strchr(" \t\r\n", s[n - 1]))
        n--;
    return arena_copy(r->set->arena, s, n);
}

static bool number(struct reader *r, const char *s, double *ret)
{
    char *end;
    double d = strtod(s, &end);
    if (!*s || *end || !isfinite(d) || fabs(d) > 1e6) {
        stop(r, fail(E_INVALID, "%s, line %d: <%s> must be a number; it is \"%.40s\"", r->file->name, line(r),
                     r->path[r->depth - 1], s));
        return false;
    }
    *ret = d;
    return true;
}

static void end_object(struct reader *r)
{
    if (!r->label || !*r->label) {
        stop(r, fail(E_INVALID, "%s, line %d: the object has no <name>", r->file->name, line(r)));
        return;
    }
    if (r->seen != 15) {
        stop(r, fail(E_INVALID, "%s, line %d: the object needs a <bndbox> with xmin, ymin, xmax and ymax", r->file->name, line(r)));
        return;
    }
    if (r->n_shapes == r->room) {
        size_t room = r->room ? r->room * 2 : 16;
        struct format_shape *more = arena_new_array(r->set->arena, struct format_shape, room);
        if (r->n_shapes)
            memcpy(more, r->shapes, r->n_shapes * sizeof *more);
        r->shapes = more;
        r->room = room;
    }
    r->shapes[r->n_shapes++] = (struct format_shape){
        .kind = FORMAT_RECTANGLE,
        .label = r->label,
        .x = r->box[0],
        .y = r->box[1],
        .w = r->box[2] - r->box[0],
        .h = r->box[3] - r->box[1],
        .where = arena_fmt(r->set->arena, "line %d", line(r)),
    };
}

static void end(void *with, const char *name)
{
    static const char *const corners[] = { "xmin", "ymin", "xmax", "ymax" };
    (void)name;
    struct reader *r = with;
    double d = 0;
    if (text_full(&r->value)) {
        stop(r, fail(E_INVALID, "%s, line %d: a value is longer than %d bytes", r->file->name, line(r), VALUE));
        return;
    }
    if (at(r, "filename", NULL, NULL))
        r->filename = trimmed(r);
    else if (at(r, "size", "width", NULL) && number(r, trimmed(r), &d))
        r->width = d > 0 ? (int)d : 0;
    else if (at(r, "size", "height", NULL) && number(r, trimmed(r), &d))
        r->height = d > 0 ? (int)d : 0;
    else if (at(r, "object", "name", NULL))
        r->label = trimmed(r);
    else if (at(r, "object", NULL, NULL))
        end_object(r);
    for (unsigned i = 0; i < 4; i++)
        if (at(r, "object", "bndbox", corners[i]) && number(r, trimmed(r), &r->box[i]))
            r->seen |= 1u << i;
    text_clear(&r->value);
    r->depth--;
}

static void doctype(void *with, const char *name, const char *system_id, const char *public_id, int has_internal_subset)
{
    (void)name, (void)system_id, (void)public_id, (void)has_internal_subset;
    struct reader *r = with;
    stop(r, fail(E_INVALID, "%s, line %d: a document type declaration is not allowed", r->file->name, line(r)));
}

/* The file says which image it is about; where it does not, its own name does. */
static const char *image_name(struct reader *r)
{
    if (r->filename && *r->filename)
        return format_base_name(r->set->arena, r->filename);
    return arena_copy(r->set->arena, r->file->name, strlen(r->file->name) - 4);
}

static enum err keep(struct reader *r)
{
    struct format_image *image = format_image_add(r->set, image_name(r), r->file->name);
    image->stem = !r->filename || !*r->filename;
    image->width = r->width;
    image->height = r->height;
    for (size_t i = 0; i < r->n_shapes; i++)
        TRY(format_shape_add(r->set, image, &r->shapes[i]));
    return OK;
}

static enum err read_one(struct format_set *s, const struct format_file *f)
{
    if (f->n > XML_CAP)
        return fail(E_TOO_BIG, "%s has %zu bytes; at most %d are read", f->name, f->n, XML_CAP);
    struct reader r = { .set = s, .file = f, .parser = XML_ParserCreate(NULL) };
    if (!r.parser)
        return fail(E_BROKEN, "no memory for the XML parser");
    text_init(&r.value, VALUE);
    XML_SetUserData(r.parser, &r);
    XML_SetElementHandler(r.parser, start, end);
    XML_SetCharacterDataHandler(r.parser, characters);
    XML_SetStartDoctypeDeclHandler(r.parser, doctype);
    enum XML_Status status = XML_Parse(r.parser, f->bytes, (int)f->n, 1);
    enum err e = r.error;
    if (e == OK && status != XML_STATUS_OK)
        e = fail(E_INVALID, "%s, line %d: %s", f->name, line(&r), XML_ErrorString(XML_GetErrorCode(r.parser)));
    XML_ParserFree(r.parser);
    text_done(&r.value);
    return e == OK ? keep(&r) : e;
}

static enum err read(struct format_set *s, const struct format_file *files, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fits(&files[i]))
            TRY(read_one(s, &files[i]));
    return OK;
}

static void escaped(struct text *t, const char *s)
{
    for (; *s; s++) {
        const char *name = *s == '<' ? "&lt;" : *s == '>' ? "&gt;" : *s == '&' ? "&amp;" : *s == '"' ? "&quot;" : NULL;
        if (name)
            text_add(t, name);
        else if ((unsigned char)*s >= 0x20)
            text_bytes(t, s, 1);
    }
}

static void write_image(struct text *t, const struct format_image *i)
{
    text_add(t, "<annotation>\n  <filename>");
    escaped(t, i->filename);
    text_fmt(t, "</filename>\n  <size><width>%d</width><height>%d</height><depth>3</depth></size>\n", i->width, i->height);
    for (size_t k = 0; k < i->n_shapes; k++) {
        const struct format_shape *s = &i->shapes[k];
        if (s->kind != FORMAT_RECTANGLE)
            continue;
        text_add(t, "  <object>\n    <name>");
        escaped(t, s->label);
        text_fmt(t,
                 "</name><pose>Unspecified</pose><truncated>0</truncated><difficult>0</difficult>\n    "
                 "<bndbox><xmin>%g</xmin><ymin>%g</ymin>"
                 "<xmax>%g</xmax><ymax>%g</ymax></bndbox>\n  </object>\n",
                 s->x, s->y, s->x + s->w, s->y + s->h);
    }
    text_add(t, "</annotation>\n");
}

static enum err write(const struct format_set *s, enum err (*put)(void *, const char *, const char *, size_t), void *with)
{
    for (size_t i = 0; i < s->n_images; i++) {
        AUTO(text) struct text t;
        text_init(&t, FORMAT_FILE_CAP);
        write_image(&t, &s->images[i]);
        AUTO(arena) struct arena *a = arena_new();
        const char *dot = strrchr(s->images[i].filename, '.');
        int stem = (int)(dot ? dot - s->images[i].filename : (ptrdiff_t)strlen(s->images[i].filename));
        TRY(put(with, arena_fmt(a, "%.*s.xml", stem, s->images[i].filename), t.bytes, t.n));
    }
    return OK;
}

const struct format_kind format_voc = { "PASCAL_VOC", fits, read, write };
