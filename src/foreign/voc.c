/* Pascal VOC (Everingham et al. 2010): one XML file an image. Entities and DTDs are refused, so that nothing can expand or be
 * fetched. Of objects the box is read, and the outline that some tools add (<polygon><x1>…<y1>…). */
#include "foreign/reader.h"
#include <expat.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH = 16, VALUE = 1000, XML_CAP = 16 << 20, CORNERS = 1000 };

struct object {
    char label[FOREIGN_NAME];
    double box[4]; /* xmin, ymin, xmax, ymax */
    unsigned seen;
    double points[2 * CORNERS];
    uint32_t n_points;
    int line;
};

struct reader {
    struct reading *r;
    struct member *member;
    XML_Parser parser;
    char path[DEPTH][32];
    int depth;
    struct text value;
    char filename[FOREIGN_NAME + 1];
    int width, height;
    struct object now;
    struct foreign_shape *shapes;
    size_t n_shapes, room;
    struct arena *arena; /* of this file */
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
        stop(r, fail(E_INVALID, "%s, line %d: nested deeper than %d elements", r->member->name, line(r), DEPTH));
        return;
    }
    if (r->depth == 0 && strcmp(name, "annotation") != 0) {
        stop(r, fail(E_INVALID, "%s, line %d: <annotation> expected, not <%.40s>", r->member->name, line(r), name));
        return;
    }
    snprintf(r->path[r->depth++], sizeof r->path[0], "%s", name);
    text_clear(&r->value);
    if (at(r, "object", NULL, NULL)) {
        r->now.label[0] = 0;
        r->now.seen = 0;
        r->now.n_points = 0;
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
    size_t n = r->value.n;
    while (n && strchr(" \t\r\n", s[n - 1]))
        s[--n] = 0;
    return s + strspn(s, " \t\r\n");
}

static bool number(struct reader *r, const char *s, double *ret)
{
    char *end;
    double d = strtod(s, &end);
    if (end != s && !*end && isfinite(d) && fabs(d) <= 1e6) {
        *ret = d;
        return true;
    }
    stop(r, fail(E_INVALID, "%s, line %d: <%s> must be a number, not '%.40s'", r->member->name, line(r), r->path[r->depth - 1], s));
    return false;
}

static void end_object(struct reader *r)
{
    const struct object *o = &r->now;
    uint32_t label;
    if (!o->label[0]) {
        stop(r, fail(E_INVALID, "%s, line %d: the object has no <name>", r->member->name, line(r)));
        return;
    }
    if (o->seen != 15) {
        stop(r, fail(E_INVALID, "%s, line %d: the object needs <bndbox> with xmin, ymin, xmax and ymax", r->member->name, line(r)));
        return;
    }
    if (label_number(r->r, o->label, &label) != OK) {
        stop(r, fail_within(fail_kind(), "%s, line %d: ", r->member->name, line(r)));
        return;
    }
    if (r->n_shapes == r->room) {
        struct foreign_shape *grown = arena_new_array(r->arena, struct foreign_shape, r->room = r->room ? 2 * r->room : 16);
        if (r->n_shapes)
            memcpy(grown, r->shapes, r->n_shapes * sizeof *grown);
        r->shapes = grown;
    }
    struct foreign_shape *s = &r->shapes[r->n_shapes++];
    *s = (struct foreign_shape){ .label = label,
                                 .has_box = true,
                                 .box = { o->box[0], o->box[1], o->box[2] - o->box[0], o->box[3] - o->box[1] },
                                 .at = (uint32_t)line(r) };
    if (o->n_points >= 3) {
        uint32_t *part = arena_take(r->arena, sizeof *part);
        *part = s->n_points = o->n_points;
        s->parts = part;
        s->n_parts = 1;
        s->points = memcpy(arena_new_array(r->arena, double, 2 * o->n_points), o->points, 2 * o->n_points * sizeof(double));
    }
}

/* <x3> and <y3> of <polygon>: corner 3. */
static void end_corner(struct reader *r)
{
    const char *name = r->path[3];
    long n = *name == 'x' || *name == 'y' ? strtol(name + 1, NULL, 10) : 0;
    if (n < 1 || n > CORNERS)
        return;
    if (number(r, trimmed(r), &r->now.points[2 * (n - 1) + (*name == 'y')]))
        r->now.n_points = n > r->now.n_points ? (uint32_t)n : r->now.n_points;
}

static void end(void *with, const char *name)
{
    static const char *const corners[] = { "xmin", "ymin", "xmax", "ymax" };
    (void)name;
    struct reader *r = with;
    double d = 0;
    if (text_full(&r->value)) {
        stop(r, fail(E_INVALID, "%s, line %d: a value is longer than %d bytes", r->member->name, line(r), VALUE));
        return;
    }
    if (at(r, "filename", NULL, NULL))
        snprintf(r->filename, sizeof r->filename, "%s", trimmed(r));
    else if (at(r, "size", "width", NULL) && number(r, trimmed(r), &d))
        r->width = d > 0 ? (int)d : 0;
    else if (at(r, "size", "height", NULL) && number(r, trimmed(r), &d))
        r->height = d > 0 ? (int)d : 0;
    else if (at(r, "object", "name", NULL))
        snprintf(r->now.label, sizeof r->now.label, "%s", trimmed(r));
    else if (r->depth == 4 && strcmp(r->path[1], "object") == 0 && strcmp(r->path[2], "polygon") == 0)
        end_corner(r);
    else if (at(r, "object", NULL, NULL))
        end_object(r);
    for (unsigned i = 0; i < 4; i++)
        if (at(r, "object", "bndbox", corners[i]) && number(r, trimmed(r), &r->now.box[i]))
            r->now.seen |= 1u << i;
    text_clear(&r->value);
    r->depth--;
}

static void doctype(void *with, const char *name, const char *system_id, const char *public_id, int has_internal_subset)
{
    (void)name, (void)system_id, (void)public_id, (void)has_internal_subset;
    struct reader *r = with;
    stop(r, fail(E_INVALID, "%s, line %d: a document type declaration is not allowed", r->member->name, line(r)));
}

static enum err parse(struct reader *r, const char *bytes, size_t n)
{
    r->parser = XML_ParserCreate(NULL);
    if (!r->parser)
        return fail(E_BROKEN, "no memory for the XML parser");
    XML_SetUserData(r->parser, r);
    XML_SetElementHandler(r->parser, start, end);
    XML_SetCharacterDataHandler(r->parser, characters);
    XML_SetStartDoctypeDeclHandler(r->parser, doctype);
    enum XML_Status status = XML_Parse(r->parser, bytes, (int)n, 1);
    enum err e = r->error;
    if (e == OK && status != XML_STATUS_OK)
        e = fail(E_INVALID, "%s, line %d: %s", r->member->name, line(r), XML_ErrorString(XML_GetErrorCode(r->parser)));
    XML_ParserFree(r->parser);
    return e;
}

/* The file says which image it is about; where it does not, or where that one is not there, its own name does. */
static enum err tell_all(struct reader *r)
{
    char *stem = foreign_stem(r->arena, r->member->name);
    for (char *p = r->filename; *p; p++)
        *p = *p == '\\' ? '/' : *p;
    const struct foreign_image i = { .file = r->member->name,
                                     .name = r->filename[0] ? r->filename : stem,
                                     .other = r->filename[0] ? stem : NULL,
                                     .split = foreign_split(r->member->name),
                                     .stem = !r->filename[0],
                                     .width = r->width,
                                     .height = r->height,
                                     .items = OF_LINES };
    TRY(tell_image(r->r, &i));
    for (size_t k = 0; k < r->n_shapes; k++)
        TRY(tell_shape(r->r, &r->shapes[k]));
    return OK;
}

static enum err read_one(struct reading *g, struct member *m, struct reader *r)
{
    AUTO(arena) struct arena *a = arena_new();
    char *bytes;
    size_t n;
    TRY(member_read(g, m, XML_CAP, &bytes, &n));
    *r = (struct reader){ .r = g, .member = m, .arena = a };
    text_init(&r->value, VALUE);
    enum err e = parse(r, bytes, n);
    free(bytes);
    text_done(&r->value);
    return e == OK ? tell_all(r) : e == E_INVALID ? tell_kept_fault(g) : e;
}

static enum err read(struct reading *g, bool *ret_taken)
{
    struct reader *r = NULL;
    enum err e = OK;
    for (size_t i = 0; i < g->n_members && e == OK; i++) {
        struct member *m = &g->members[i];
        if (!member_ends(m, ".xml"))
            continue;
        if (!*ret_taken)
            e = tell_format(g, foreign_voc.name);
        r = r ? r : heap_take(sizeof *r);
        *ret_taken = m->used = true;
        e = e == OK ? read_one(g, m, r) : e;
        e = e == OK ? tell_progress(g, i + 1, g->n_members) : e;
    }
    free(r);
    return e;
}

const struct format foreign_voc = { "PASCAL_VOC", read };
