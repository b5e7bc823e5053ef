#include "app/annotation/format.h"
#include "json/json.h"
#include <stdlib.h>
#include <string.h>

extern const struct format_kind format_coco, format_voc, format_yolo;
const struct format_kind *const format_kinds[] = { &format_coco, &format_voc, &format_yolo, NULL };

const char *format_base_name(struct arena *a, const char *path)
{
    const char *base = path;
    for (const char *p = path; *p; p++)
        if (*p == '/' || *p == '\\')
            base = p + 1;
    return arena_str(a, base);
}

/* Arena arrays grow by doubling; what is left behind goes with the arena. */
static void *grown(struct arena *a, void *old, size_t n, size_t *room, size_t size)
{
    if (n < *room)
        return old;
    *room = *room ? *room * 2 : 8;
    void *more = arena_take(a, *room * size);
    if (n)
        memcpy(more, old, n * size);
    return more;
}

struct format_image *format_image_add(struct format_set *s, const char *filename, const char *file)
{
    s->images = grown(s->arena, s->images, s->n_images, &s->room, sizeof *s->images);
    struct format_image *i = &s->images[s->n_images++];
    *i = (struct format_image){ .filename = filename, .file = file };
    return i;
}

enum err format_shape_add(struct format_set *s, struct format_image *i, const struct format_shape *shape)
{
    if (++s->n_shapes > FORMAT_SHAPES)
        return fail(E_TOO_BIG, "%s: more than %d shapes", i->file, FORMAT_SHAPES);
    size_t n = strlen(shape->label);
    if (!n || n > FORMAT_LABEL)
        return fail(E_INVALID, "%s, %s: a label must have 1 to %d bytes", i->file, shape->where, FORMAT_LABEL);
    i->shapes = grown(s->arena, i->shapes, i->n_shapes, &i->room, sizeof *i->shapes);
    i->shapes[i->n_shapes++] = *shape;
    return OK;
}

static bool is_zip(const struct format_file *f)
{
    return f->n > 4 && memcmp(f->bytes, "PK\x03\x04", 4) == 0;
}

static enum err unpacked(struct arena *a, const struct format_file *files, size_t n, struct format_file **ret, size_t *ret_n)
{
    size_t room = n + 8, count = 0;
    struct format_file *all = arena_new_array(a, struct format_file, room);
    for (size_t i = 0; i < n; i++) {
        struct format_file one = files[i], *inner = &one;
        size_t n_inner = 1;
        if (is_zip(&files[i]))
            TRY(fail_within(archive_read(a, files[i].bytes, files[i].n, &inner, &n_inner), "%s: ", files[i].name));
        for (size_t k = 0; k < n_inner; k++) {
            all = grown(a, all, count, &room, sizeof *all);
            all[count] = inner[k];
            all[count++].name = format_base_name(a, inner[k].name);
        }
    }
    *ret = all;
    *ret_n = count;
    return OK;
}

enum err format_read(struct arena *a, const struct format_file *files, size_t n, struct format_set **ret, const char **ret_format)
{
    struct format_file *all;
    size_t count;
    TRY(unpacked(a, files, n, &all, &count));
    if (count > FORMAT_FILES)
        return fail(E_TOO_BIG, "%zu files; at most %d are read at once", count, FORMAT_FILES);
    for (const struct format_kind *const *k = format_kinds; *k; k++) {
        bool fits = false;
        for (size_t i = 0; i < count && !fits; i++)
            fits = (*k)->fits(&all[i]);
        if (!fits)
            continue;
        struct format_set *s = arena_take(a, sizeof *s);
        s->arena = a;
        TRY((*k)->read(s, all, count));
        *ret = s;
        *ret_format = (*k)->name;
        return OK;
    }
    return fail(E_INVALID,
                "%s is no annotation file: COCO (.json), Pascal VOC (.xml), YOLO (.txt with data.yaml or classes.txt), or a .zip "
                "of them is expected",
                n ? files[0].name : "nothing was sent, that");
}
