/* All records kept in memory, and the files that a path of the command line means. */
#include "base/file.h"
#include "foreign/reader.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct collect {
    struct arena *a;
    struct foreign_set *set;
    size_t room_labels, room_images, room_left;
};

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

static void add_shape(struct collect *c, const struct foreign_shape *s)
{
    struct foreign_images *i = &c->set->images[c->set->n_images - 1];
    i->shapes = grown(c->a, i->shapes, i->n_shapes, &i->room, sizeof *i->shapes);
    struct foreign_shape *to = &i->shapes[i->n_shapes++];
    *to = *s;
    to->points =
        s->n_points ? memcpy(arena_new_array(c->a, double, 2 * s->n_points), s->points, 2 * s->n_points * sizeof(double)) : NULL;
    to->parts = s->n_parts ? memcpy(arena_new_array(c->a, uint32_t, s->n_parts), s->parts, s->n_parts * sizeof(uint32_t)) : NULL;
    to->mask = arena_str(c->a, s->mask);
    c->set->n_shapes++;
}

static enum err take(void *with, const struct foreign_record *r)
{
    struct collect *c = with;
    struct foreign_set *s = c->set;
    switch (r->kind) {
    case FOREIGN_FORMAT: s->format = arena_str(c->a, r->text); break;
    case FOREIGN_LABEL:
        s->labels = grown(c->a, s->labels, s->n_labels, &c->room_labels, sizeof *s->labels);
        s->labels[s->n_labels++] = arena_str(c->a, r->text);
        break;
    case FOREIGN_IMAGE:
        s->images = grown(c->a, s->images, s->n_images, &c->room_images, sizeof *s->images);
        s->images[s->n_images] = (struct foreign_images){ .image = r->image };
        struct foreign_image *i = &s->images[s->n_images++].image;
        i->file = arena_str(c->a, i->file);
        i->name = arena_str(c->a, i->name);
        i->other = arena_str(c->a, i->other);
        i->split = arena_str(c->a, i->split);
        break;
    case FOREIGN_SHAPE: add_shape(c, &r->shape); break;
    case FOREIGN_LEFT_OUT:
    case FOREIGN_FAULT:
    case FOREIGN_PASSED:
        s->left = grown(c->a, s->left, s->n_left, &c->room_left, sizeof *s->left);
        s->left[s->n_left++] = (struct foreign_left){ r->kind, r->reason, arena_str(c->a, r->text) };
        break;
    case FOREIGN_PROGRESS: break;
    }
    return OK;
}

enum err foreign_collect(struct arena *a, foreign_reader *how, const char *self_path, const struct foreign_files *files,
                         struct foreign_set **ret)
{
    struct collect c = { .a = a, .set = arena_take(a, sizeof *c.set) };
    struct foreign_sink sink = { take, &c };
    TRY(how(self_path, files, sink));
    *ret = c.set;
    return OK;
}

bool foreign_box(const struct foreign_shape *s, double ret[4])
{
    if (s->has_box) {
        memcpy(ret, s->box, sizeof s->box);
        return true;
    }
    if (s->mask && rle_box(s->mask, s->mask_width, s->mask_height, ret) == OK)
        return true;
    if (!s->n_points)
        return false;
    double x0 = s->points[0], y0 = s->points[1], x1 = x0, y1 = y0;
    for (uint32_t i = 1; i < s->n_points; i++) {
        double x = s->points[2 * i], y = s->points[2 * i + 1];
        x0 = x < x0 ? x : x0;
        x1 = x > x1 ? x : x1;
        y0 = y < y0 ? y : y0;
        y1 = y > y1 ? y : y1;
    }
    ret[0] = x0;
    ret[1] = y0;
    ret[2] = x1 - x0;
    ret[3] = y1 - y0;
    return true;
}

/* ---- files of the command line */

enum { FOLDERS_DEEP = 8 };

struct paths {
    struct foreign_files files;
    struct foreign_file *items;
    const char **paths;
    size_t room, room_paths;
    struct arena *a;
    bool folder;
};

static enum err open_path(void *with, size_t i, int *ret_fd)
{
    struct paths *p = with;
    *ret_fd = open(p->paths[i], O_RDONLY | O_CLOEXEC);
    return *ret_fd < 0 ? fail(E_NOT_FOUND, "cannot open %s", p->paths[i]) : OK;
}

static enum err add_file(struct paths *p, const char *path, const char *name)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return fail(E_NOT_FOUND, "there is nothing at %s", path);
    p->items = grown(p->a, p->items, p->files.n, &p->room, sizeof *p->items);
    p->paths = grown(p->a, p->paths, p->files.n, &p->room_paths, sizeof *p->paths);
    p->items[p->files.n] = (struct foreign_file){ name, (uint64_t)st.st_size };
    p->paths[p->files.n++] = path;
    return p->files.n > FOREIGN_FILES ? fail(E_TOO_BIG, "more than %d files", FOREIGN_FILES) : OK;
}

static bool may_be_annotations(const char *name)
{
    static const char *const endings[] = { ".json", ".xml", ".txt", ".yaml", ".yml", ".zip", ".names", ".labels" };
    const struct member m = { .name = name };
    for (size_t i = 0; i < COUNT_OF(endings); i++)
        if (member_ends(&m, endings[i]))
            return true;
    return false;
}

static enum err add_folder(struct paths *p, const char *path, const char *name, int deep)
{
    char **names;
    size_t n;
    TRY(file_list(p->a, path, &names, &n));
    for (size_t i = 0; i < n; i++)
        if (may_be_annotations(names[i]))
            TRY(add_file(p, arena_fmt(p->a, "%s/%s", path, names[i]), arena_fmt(p->a, "%s%s", name, names[i])));
    TRY(file_list_folders(p->a, path, &names, &n));
    for (size_t i = 0; i < n && deep < FOLDERS_DEEP; i++)
        TRY(add_folder(p, arena_fmt(p->a, "%s/%s", path, names[i]), arena_fmt(p->a, "%s%s/", name, names[i]), deep + 1));
    return OK;
}

static void close_scratch(void *with)
{
    auto_fd(&((struct paths *)with)->files.scratch);
}

enum err foreign_from_path(struct arena *a, const char *path, struct foreign_files **ret)
{
    struct paths *p = arena_take(a, sizeof *p);
    struct stat st;
    *p = (struct paths){ .a = a, .files = { .open = open_path, .with = p } };
    if (stat(path, &st) != 0)
        return fail(E_NOT_FOUND, "there is nothing at %s", path);
    const char *tmp = getenv("TMPDIR");
    p->files.scratch = open(tmp && *tmp ? tmp : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    arena_defer(a, close_scratch, p);
    TRY(S_ISDIR(st.st_mode) ? add_folder(p, path, "", 0) : add_file(p, path, foreign_base(path)));
    p->files.items = p->items;
    *ret = &p->files;
    return p->files.n ? OK : fail(E_UNMEANT, "there are no annotation files in %s", path);
}
