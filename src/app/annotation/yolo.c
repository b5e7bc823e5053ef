/* YOLO text files as Ultralytics defines them: one .txt an image, "class cx cy w h" (box), "class x1 y1 x2 y2 x3 y3 …" (polygon) or
 * "class" (classification) a line, all in fractions of the image; class names in data.yaml (names: a list or a map) or classes.txt.
 */
#include "app/annotation/format.h"
#include "json/json.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CLASSES = 10000 };

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), k = strlen(end);
    return n >= k && strcasecmp(s + n - k, end) == 0;
}

static bool is_classes(const struct format_file *f)
{
    return ends_with(f->name, ".yaml") || ends_with(f->name, ".yml") || strcasecmp(f->name, "classes.txt") == 0 ||
           strcasecmp(f->name, "obj.names") == 0;
}

static bool is_labels(const struct format_file *f)
{
    return ends_with(f->name, ".txt") && !is_classes(f);
}

static bool fits(const struct format_file *f)
{
    return is_labels(f) || is_classes(f);
}

static enum err add_class(struct format_set *s, const char *file, int64_t at, const char *name, size_t n)
{
    while (n && strchr(" \t\r,", name[n - 1]))
        n--;
    while (n && strchr(" \t", *name)) {
        name++;
        n--;
    }
    if (n > 1 && (*name == '"' || *name == '\'') && name[n - 1] == *name) {
        name++;
        n -= 2;
    }
    if (!n || n > FORMAT_LABEL)
        return fail(E_INVALID, "%s: the name of class %lld is empty or longer than %d bytes", file, (long long)at, FORMAT_LABEL);
    if (at < 0 || at >= CLASSES)
        return fail(E_INVALID, "%s: class %lld is not within 0 to %d", file, (long long)at, CLASSES - 1);
    while ((int64_t)s->n_labels <= at)
        s->labels[s->n_labels++] = NULL;
    s->labels[at] = arena_copy(s->arena, name, n);
    return OK;
}

/* names: [a, b] on one line, or one "- a" or "0: a" a line below it. Nothing else of YAML is needed, and nothing else is read. */
static enum err read_yaml(struct format_set *s, const struct format_file *f)
{
    const struct json *v;
    if (f->bytes[0] == '{' && json_parse(s->arena, f->bytes, f->n, &v) == OK) { /* JSON is YAML too */
        const struct json *names = json_get(v, "names");
        for (size_t i = 0; json_kind(names) == J_ARRAY && i < json_count(names); i++)
            if (json_text(json_at(names, i)))
                TRY(add_class(s, f->name, (int64_t)i, json_text(json_at(names, i)), strlen(json_text(json_at(names, i)))));
        for (struct json_member m = json_first(json_kind(names) == J_OBJECT ? names : NULL); m.key; m = json_next(names, m))
            if (json_text(m.value))
                TRY(add_class(s, f->name, strtoll(m.key, NULL, 10), json_text(m.value), strlen(json_text(m.value))));
        return OK;
    }
    bool inside = false;
    int64_t next = 0;
    for (const char *p = f->bytes, *end; *p; p = *end ? end + 1 : end) {
        end = strchrnul(p, '\n');
        const char *text = p;
        while (text < end && (*text == ' ' || *text == '\t'))
            text++;
        if (text == end || *text == '#' || *text == '\r')
            continue;
        if (strncmp(p, "names:", 6) == 0) {
            inside = true;
            const char *open = memchr(p, '[', (size_t)(end - p)), *close = memchr(p, ']', (size_t)(end - p));
            if (open && close)
                for (const char *q = open + 1, *comma; q < close; q = comma + 1) {
                    comma = memchr(q, ',', (size_t)(close - q));
                    comma = comma ? comma : close;
                    TRY(add_class(s, f->name, next++, q, (size_t)(comma - q)));
                }
            continue;
        }
        if (inside && *text == '-') {
            TRY(add_class(s, f->name, next++, text + 1, (size_t)(end - text - 1)));
        } else if (inside && text > p && isdigit((unsigned char)*text)) {
            char *colon;
            int64_t at = strtoll(text, &colon, 10);
            if (*colon == ':')
                TRY(add_class(s, f->name, at, colon + 1, (size_t)(end - colon - 1)));
        } else if (text == p) {
            inside = false;
        }
    }
    return OK;
}

static enum err read_lines(struct format_set *s, const struct format_file *f)
{
    int64_t next = 0;
    for (const char *p = f->bytes, *end; *p; p = *end ? end + 1 : end) {
        end = strchrnul(p, '\n');
        if (end > p && *p != '\r')
            TRY(add_class(s, f->name, next++, p, (size_t)(end - p)));
    }
    return OK;
}

static enum err wrong(const struct format_file *f, int line, const char *what)
{
    return fail(E_INVALID, "%s, line %d: %s", f->name, line, what);
}

static enum err read_line(struct format_set *s, const struct format_file *f, struct format_image *image, const char *p,
                          const char *end, int line)
{
    double v[2 * FORMAT_POINTS > 512 ? 512 : 2 * FORMAT_POINTS];
    size_t n = 0;
    char *after;
    double class = strtod(p, &after);
    if (after == p || class != floor(class) || class < 0 || class >= CLASSES)
        return wrong(f, line, "it must begin with the number of a class");
    if ((size_t) class >= s->n_labels || !s->labels[(size_t) class])
        return fail(E_INVALID, "%s, line %d: class %d has no name in the class list", f->name, line, (int)class);
    for (p = after; p < end; p = after) {
        while (p < end && strchr(" \t\r", *p))
            p++;
        if (p == end)
            break;
        double d = strtod(p, &after);
        if (after == p || after > end || !isfinite(d) || d < -0.001 || d > 1.001)
            return wrong(f, line, "coordinates must be numbers from 0 to 1");
        if (n == COUNT_OF(v))
            return wrong(f, line, "more than 256 points");
        v[n++] = fmin(fmax(d, 0), 1);
    }
    struct format_shape shape = { .label = s->labels[(size_t) class], .where = arena_fmt(s->arena, "line %d", line) };
    if (n == 0) {
        shape.kind = FORMAT_CLASSIFICATION;
    } else if (n == 4) {
        shape.kind = FORMAT_RECTANGLE;
        shape.x = v[0] - v[2] / 2;
        shape.y = v[1] - v[3] / 2;
        shape.w = v[2];
        shape.h = v[3];
    } else if (n >= 6 && n % 2 == 0) {
        shape.kind = FORMAT_POLYGON;
        double *points = arena_new_array(s->arena, double, n);
        memcpy(points, v, n * sizeof *v);
        shape.points = points;
        shape.n_points = n / 2;
    } else {
        return wrong(f, line, "a box has 4 numbers after the class, a polygon an even number from 6 up");
    }
    return format_shape_add(s, image, &shape);
}

static enum err read_labels(struct format_set *s, const struct format_file *f)
{
    struct format_image *image = format_image_add(s, arena_copy(s->arena, f->name, strlen(f->name) - 4), f->name);
    image->stem = image->fractions = true;
    int line = 1;
    for (const char *p = f->bytes, *end; *p; p = *end ? end + 1 : end, line++) {
        end = strchrnul(p, '\n');
        const char *text = p;
        while (text < end && isspace((unsigned char)*text))
            text++;
        if (text < end)
            TRY(read_line(s, f, &s->images[s->n_images - 1], text, end, line));
    }
    return OK;
}

static enum err read(struct format_set *s, const struct format_file *files, size_t n)
{
    s->labels = arena_new_array(s->arena, const char *, CLASSES);
    for (size_t i = 0; i < n; i++)
        if (is_classes(&files[i]))
            TRY(ends_with(files[i].name, "ml") ? read_yaml(s, &files[i]) : read_lines(s, &files[i]));
    if (!s->n_labels)
        return fail(E_INVALID, "YOLO files need their class names: send data.yaml or classes.txt with them");
    for (size_t i = 0; i < n; i++)
        if (is_labels(&files[i]))
            TRY(read_labels(s, &files[i]));
    return OK;
}

static size_t label_index(const struct format_set *s, const char *label)
{
    size_t i = 0;
    while (i < s->n_labels && strcmp(s->labels[i], label) != 0)
        i++;
    return i;
}

static void write_image(const struct format_set *s, struct text *t, const struct format_image *i)
{
    double w = i->width, h = i->height;
    for (size_t k = 0; k < i->n_shapes; k++) {
        const struct format_shape *p = &i->shapes[k];
        text_fmt(t, "%zu", label_index(s, p->label));
        if (p->kind == FORMAT_RECTANGLE)
            text_fmt(t, " %.9f %.9f %.9f %.9f", (p->x + p->w / 2) / w, (p->y + p->h / 2) / h, p->w / w, p->h / h);
        for (size_t q = 0; p->kind == FORMAT_POLYGON && q < p->n_points; q++)
            text_fmt(t, " %.9f %.9f", p->points[2 * q] / w, p->points[2 * q + 1] / h);
        text_add(t, "\n");
    }
}

static enum err write(const struct format_set *s, enum err (*put)(void *, const char *, const char *, size_t), void *with)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(out) struct out names;
    out_init(&names, FORMAT_FILE_CAP);
    out_object(&names, NULL);
    out_int(&names, "nc", (int64_t)s->n_labels);
    out_array(&names, "names");
    for (size_t i = 0; i < s->n_labels; i++)
        out_text(&names, NULL, s->labels[i]);
    out_end_array(&names);
    out_end_object(&names);
    TRY(put(with, "data.yaml", names.text.bytes, names.text.n)); /* JSON, which every YAML reader takes */
    for (size_t i = 0; i < s->n_images; i++) {
        AUTO(text) struct text t;
        text_init(&t, FORMAT_FILE_CAP);
        write_image(s, &t, &s->images[i]);
        const char *name = s->images[i].filename, *dot = strrchr(name, '.');
        TRY(put(with, arena_fmt(a, "labels/%.*s.txt", (int)(dot ? dot - name : (ptrdiff_t)strlen(name)), name), t.bytes, t.n));
    }
    return OK;
}

const struct format_kind format_yolo = { "YOLO", fits, read, write };
