/* YOLO text files as Ultralytics defines them: one .txt an image, "class cx cy w h" (box), "class x1 y1 x2 y2 x3 y3 …" (outline),
 * "class cx cy w h" and keypoints (the box is taken), or "class" (of the whole image) a line, all in fractions of the image. Class
 * names stand in data.yaml, or one a line in classes.txt (Label Studio), obj.names (CVAT, darknet) or _darknet.labels (Roboflow).
 */
#include "foreign/reader.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { YAML_CAP = 4 << 20, LIST_CAP = 16 << 20, LABELS_CAP = 64 << 20 };

struct classes {
    struct data_yaml yaml;
    uint32_t *labels; /* of each class; NONE: it has no name */
    double *values;   /* of a line */
};
#define NONE UINT32_MAX

static bool is_yaml(const struct member *m)
{
    return member_ends(m, ".yaml") || member_ends(m, ".yml");
}

static bool is_list(const struct member *m)
{
    static const char *const names[] = { "classes.txt", "predefined_classes.txt", "_darknet.labels" };
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strcasecmp(foreign_base(m->name), names[i]) == 0)
            return true;
    return member_ends(m, ".names");
}

/* ---- class names */

static enum err read_list(struct reading *r, struct member *m, struct data_yaml *ret)
{
    char *bytes, *line, *rest;
    size_t n, room = 0;
    TRY(member_read(r, m, LIST_CAP, &bytes, &n));
    *ret = (struct data_yaml){ 0 };
    for (rest = bytes; (line = strsep(&rest, "\r\n"));) {
        line += strspn(line, " \t");
        if (!*line)
            continue;
        if (ret->n_names == room) {
            const char **more = arena_new_array(r->arena, const char *, room = room ? 2 * room : 64);
            if (ret->n_names)
                memcpy(more, ret->names, ret->n_names * sizeof *more);
            ret->names = more;
        }
        ret->names[ret->n_names++] = arena_str(r->arena, line);
    }
    free(bytes);
    return ret->n_names > FOREIGN_LABELS ? fail(E_TOO_BIG, "%s: more than %d names", m->name, FOREIGN_LABELS) : OK;
}

static enum err read_yaml(struct reading *r, struct member *m, struct data_yaml *ret)
{
    char *bytes;
    size_t n;
    TRY(member_read(r, m, YAML_CAP, &bytes, &n));
    enum err e = data_yaml_read(r->arena, m->name, bytes, n, ret);
    free(bytes);
    return e;
}

static size_t depth(const char *path)
{
    size_t n = 0;
    for (; (path = strchr(path, '/')); path++)
        n++;
    return n;
}

/* The outermost file of the kind that has names. */
static enum err find_names(struct reading *r, bool (*is)(const struct member *),
                           enum err (*read)(struct reading *, struct member *, struct data_yaml *), struct data_yaml *ret,
                           struct member **ret_member)
{
    for (size_t i = 0; i < r->n_members; i++) {
        struct member *m = &r->members[i];
        struct data_yaml y;
        if (!is(m) || (*ret_member && depth(m->name) >= depth((*ret_member)->name)))
            continue;
        TRY(read(r, m, &y));
        if (!y.n_names)
            continue;
        *ret = y;
        *ret_member = m;
    }
    return OK;
}

static enum err read_classes(struct reading *r, struct classes *c)
{
    struct member *m = NULL;
    TRY(find_names(r, is_yaml, read_yaml, &c->yaml, &m));
    if (!m)
        TRY(find_names(r, is_list, read_list, &c->yaml, &m));
    if (!m)
        return fail(E_INVALID, "YOLO files need their class names: send data.yaml or classes.txt with them");
    m->used = true;
    TRY(tell_format(r, foreign_yolo.name));
    c->labels = arena_new_array(r->arena, uint32_t, c->yaml.n_names);
    for (size_t i = 0; i < c->yaml.n_names; i++) {
        c->labels[i] = NONE;
        if (c->yaml.names[i])
            TRY(fail_within(label_number(r, c->yaml.names[i], &c->labels[i]), "%s, the name of class %zu: ", m->name, i));
    }
    return OK;
}

/* ---- a line */

static enum err wrong(struct reading *r, const struct member *m, uint32_t line, const char *what)
{
    return tell_fault(r, "%s, line %u: %s", m->name, line, what);
}

/* The numbers after the class; a text: what is wrong. */
static const char *read_values(const char *p, const char *end, double *v, size_t *ret_n)
{
    for (*ret_n = 0;;) {
        char *after;
        while (p < end && strchr(" \t\r", *p))
            p++;
        if (p == end)
            return NULL;
        double d = strtod(p, &after);
        if (after == p || after > end || !isfinite(d) || d < -0.001 || d > 1000)
            return "coordinates must be numbers from 0 to 1";
        if (*ret_n == 2 * FOREIGN_POINTS)
            return "too many points";
        v[(*ret_n)++] = d;
        p = after;
    }
}

static const char *within(double *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (v[i] > 1.001)
            return "coordinates must be numbers from 0 to 1";
        v[i] = fmin(fmax(v[i], 0), 1);
    }
    return NULL;
}

static enum err read_line(struct reading *r, struct classes *c, const struct member *m, const char *p, const char *end,
                          uint32_t line)
{
    char *after;
    size_t n;
    double *v = c->values, class = strtod(p, &after);
    if (after == p || after > end || class != floor(class) || class < 0 || class >= FOREIGN_LABELS)
        return wrong(r, m, line, "it must begin with the number of a class");
    if ((size_t) class >= c->yaml.n_names || c->labels[(size_t) class] == NONE)
        return tell_fault(r, "%s, line %u: class %d has no name in the class list", m->name, line, (int)class);
    const char *bad = read_values(after, end, v, &n);
    size_t keypoints =
        (size_t)(c->yaml.keypoints[0] > 0 && c->yaml.keypoints[1] > 0 ? c->yaml.keypoints[0] : 0) * (size_t)c->yaml.keypoints[1];
    bool box = n == 4 || (keypoints && n == 4 + keypoints);
    bad = bad ? bad : within(v, box ? 4 : n);
    if (bad)
        return wrong(r, m, line, bad);
    struct foreign_shape s = { .label = c->labels[(size_t) class], .has_box = box, .at = line };
    uint32_t part = (uint32_t)n / 2;
    if (box) {
        const double b[4] = { v[0] - v[2] / 2, v[1] - v[3] / 2, v[2], v[3] };
        memcpy(s.box, b, sizeof b);
    } else if (n >= 6 && n % 2 == 0) {
        s.points = v;
        s.parts = &part;
        s.n_points = part;
        s.n_parts = 1;
    } else if (n) {
        return wrong(r, m, line, "a box has 4 numbers after the class, a polygon an even number from 6 up");
    }
    return tell_shape(r, &s);
}

/* ---- a file */

/* The image's path: "train/labels/a.txt" stands for "train/images/a" with some ending. */
static const char *image_of(struct arena *a, const char *path)
{
    const char *stem = foreign_stem(a, path), *found = NULL;
    for (const char *p = stem; (p = strstr(p, "labels/")); p++)
        if (p == stem || p[-1] == '/')
            found = p;
    return found ? arena_fmt(a, "%.*simages/%s", (int)(found - stem), stem, found + strlen("labels/")) : stem;
}

/* "../part1/images" is a folder of the path "part1/images/a", whatever stands above it. */
static bool lies_in(const char *path, const char *const *folders, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *f = folders[i];
        while (strncmp(f, "./", 2) == 0 || strncmp(f, "../", 3) == 0)
            f = strchr(f, '/') + 1;
        size_t length = strlen(f);
        while (length && f[length - 1] == '/')
            length--;
        for (const char *at = path; length && (at = strstr(at, f)); at++)
            if ((at == path || at[-1] == '/') && at[length] == '/')
                return true;
    }
    return false;
}

/* As folders are called, or else as data.yaml says. */
static const char *split_of(const struct data_yaml *y, const char *file, const char *image)
{
    const char *split = foreign_split(file);
    return split                                  ? split
           : lies_in(image, y->train, y->n_train) ? "train"
           : lies_in(image, y->val, y->n_val)     ? "val"
           : lies_in(image, y->test, y->n_test)   ? "test"
                                                  : NULL;
}

static enum err tell_labels(struct reading *r, struct classes *c, struct member *m, const char *bytes, size_t n)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *name = image_of(a, m->name);
    const struct foreign_image image = { .file = m->name,
                                         .name = name,
                                         .split = split_of(&c->yaml, m->name, name),
                                         .stem = true,
                                         .fractions = true,
                                         .items = OF_LINES };
    uint32_t line = 1;
    TRY(tell_image(r, &image));
    for (const char *p = bytes, *stop = bytes + n; p < stop; line++) {
        const char *end = memchr(p, '\n', (size_t)(stop - p));
        end = end ? end : stop;
        const char *text = p;
        while (text < end && isspace((unsigned char)*text))
            text++;
        if (text < end)
            TRY(read_line(r, c, m, text, end, line));
        p = end + 1;
    }
    return OK;
}

/* "0 0.5 …": a class first; lists of images, and what is written for people, begin otherwise. */
static bool looks_like_labels(const char *s)
{
    s += strspn(s, " \t\r\n");
    size_t digits = strspn(s, "0123456789");
    return !*s || (digits && (!s[digits] || strchr(" \t\r\n.", s[digits])));
}

/* Files that tools lay beside the labels. */
static bool lies_beside(const struct member *m)
{
    static const char *const begins[] = { "readme", "license", "licence",   "notes", "requirements", "train.",  "val.",
                                          "valid.", "test.",   "trainval.", "data.", "info.",        "dataset." };
    const char *base = foreign_base(m->name);
    for (size_t i = 0; i < COUNT_OF(begins); i++)
        if (strncasecmp(base, begins[i], strlen(begins[i])) == 0)
            return true;
    return false;
}

/* Whether a folder of the path holds labels only: labels/ (Ultralytics), obj_train_data/ (CVAT). */
static bool in_label_folder(const struct member *m)
{
    for (const char *p = m->name, *slash; (slash = strchr(p, '/')); p = slash + 1) {
        size_t n = (size_t)(slash - p);
        if ((n == 6 && strncasecmp(p, "labels", 6) == 0) ||
            (n > 9 && strncasecmp(p, "obj_", 4) == 0 && strncasecmp(slash - 5, "_data", 5) == 0))
            return true;
    }
    return false;
}

static bool is_labels(const struct member *m)
{
    return member_ends(m, ".txt") && !is_list(m);
}

static enum err read_labels(struct reading *r, struct classes *c, struct member *m)
{
    char *bytes;
    size_t n;
    TRY(member_read(r, m, LABELS_CAP, &bytes, &n));
    m->used = !lies_beside(m) || looks_like_labels(bytes);
    enum err e = m->used ? tell_labels(r, c, m, bytes, n) : OK;
    free(bytes);
    return e;
}

static enum err read_all(struct reading *r, struct classes *c)
{
    bool folders = false;
    TRY(read_classes(r, c));
    for (size_t i = 0; i < r->n_members; i++)
        folders |= is_labels(&r->members[i]) && in_label_folder(&r->members[i]);
    for (size_t i = 0; i < r->n_members; i++) {
        struct member *m = &r->members[i];
        if (is_labels(m) && (!folders || in_label_folder(m)))
            TRY(read_labels(r, c, m));
        TRY(tell_progress(r, i + 1, r->n_members));
    }
    return OK;
}

static enum err read(struct reading *r, bool *ret_taken)
{
    for (size_t i = 0; i < r->n_members && !*ret_taken; i++)
        *ret_taken = is_labels(&r->members[i]) || is_list(&r->members[i]) || is_yaml(&r->members[i]);
    if (!*ret_taken)
        return OK;
    struct classes c = { .values = heap_take(2 * FOREIGN_POINTS * sizeof(double)) };
    enum err e = read_all(r, &c);
    free(c.values);
    return e;
}

const struct format foreign_yolo = { "YOLO", read };
