#include "foreign/sent_test.h"
#include "base/file.h"
#include "base/text.h"
#include <sys/mman.h>
#include <unistd.h>

/* Some stand behind something else, and something stands behind all. */
static size_t offset_of(size_t i)
{
    return i % 2 ? 0 : 6;
}

static enum err open_sent(void *with, size_t i, int *ret_fd)
{
    const struct sent *s = (const struct sent *)with + i;
    *ret_fd = memfd_create("sent", MFD_CLOEXEC);
    TRY(file_write_all(*ret_fd, "before", offset_of(i)));
    TRY(file_write_all(*ret_fd, s->bytes, s->n));
    return file_write_all(*ret_fd, "{after}", 7);
}

static void close_fd(void *with)
{
    auto_fd(with);
}

struct foreign_files *sent_files(struct arena *a, const struct sent *all, size_t n)
{
    struct sent *copy = arena_new_array(a, struct sent, n + 1);
    struct foreign_file *items = arena_new_array(a, struct foreign_file, n + 1);
    struct foreign_files *files = arena_take(a, sizeof *files);
    for (size_t i = 0; i < n; i++) {
        copy[i] = all[i];
        copy[i].n = all[i].n ? all[i].n : strlen(all[i].bytes);
        items[i] = (struct foreign_file){ all[i].name, copy[i].n, offset_of(i) };
    }
    *files = (struct foreign_files){ items, n, open_sent, copy, memfd_create("scratch", MFD_CLOEXEC) };
    arena_defer(a, close_fd, &files->scratch);
    return files;
}

const char *sent_shown(struct arena *a, const struct foreign_set *set)
{
    AUTO(text) struct text t;
    text_init(&t, 1 << 20);
    for (size_t i = 0; i < set->n_images; i++) {
        const struct foreign_images *im = &set->images[i];
        text_fmt(&t, "%s%s%s%s:", im->image.name, im->image.split ? " @" : "", im->image.split ? im->image.split : "",
                 im->image.fractions ? " %" : "");
        for (size_t k = 0; k < im->n_shapes; k++) {
            const struct foreign_shape *s = &im->shapes[k];
            text_fmt(&t, " %s%s", set->labels[s->label], s->crowd ? " crowd" : "");
            if (s->has_box)
                text_fmt(&t, " %g,%g,%g,%g", s->box[0], s->box[1], s->box[2], s->box[3]);
            for (uint32_t p = 0; p < s->n_parts; p++)
                text_fmt(&t, "%s%u", p ? "+" : " poly ", s->parts[p]);
            if (s->mask)
                text_fmt(&t, " mask %dx%d %s", s->mask_width, s->mask_height, s->mask);
        }
        text_add(&t, "\n");
    }
    return arena_str(a, t.bytes);
}

const char *sent_left(struct arena *a, const struct foreign_set *set)
{
    static const char *const kinds[] = { [FOREIGN_FAULT] = "fault", [FOREIGN_PASSED] = "passed" };
    AUTO(text) struct text t;
    text_init(&t, 1 << 20);
    for (size_t i = 0; i < set->n_left; i++) {
        const struct foreign_left *l = &set->left[i];
        text_fmt(&t, "%s %s\n", l->kind == FOREIGN_LEFT_OUT ? foreign_reasons[l->reason].name : kinds[l->kind], l->text);
    }
    return arena_str(a, t.bytes);
}

enum err sent_read(struct arena *a, const struct sent *all, size_t n, struct foreign_set **ret)
{
    const struct foreign_files *files = sent_files(a, all, n);
    struct foreign_set *apart = NULL;
    enum err e = foreign_collect(a, foreign_read_here, NULL, files, ret);
    const char *why = e == OK ? "" : arena_str(a, fail_text());
    enum err again = foreign_collect(a, foreign_read_apart, NULL, files, &apart);
    CHECK_INT(again, e);
    if (e != OK)
        CHECK_TEXT(fail_text(), why);
    else
        CHECK_TEXT(sent_shown(a, apart), sent_shown(a, *ret));
    return e;
}
