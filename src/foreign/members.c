/* All that was sent, with what is in zips, and how readers get at it. */
#include "base/file.h"
#include "foreign/reader.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const unsigned char bom[] = { 0xef, 0xbb, 0xbf };

bool member_ends(const struct member *m, const char *ending)
{
    size_t n = strlen(m->name), k = strlen(ending);
    return n > k && strcasecmp(m->name + n - k, ending) == 0;
}

/* ---- the zip at hand stays open, since its members are read one after another */

static enum err use_zip(struct reading *r, size_t file)
{
    if (r->zip && r->zip_file == file)
        return OK;
    zip_reader_close(r->zip);
    r->zip = NULL;
    int fd;
    TRY(r->files->open(r->files->with, file, &fd));
    enum err e = zip_reader_open(fd, r->files->items[file].offset, r->files->items[file].size, &r->zip);
    r->zip_file = file;
    return fail_within(e, "%s: ", r->files->items[file].name);
}

static enum err count_unpacked(struct reading *r, const struct member *m)
{
    if (m->size > FOREIGN_BYTES - r->unpacked)
        return fail(E_TOO_BIG, "%s: the files have more than %llu bytes together", m->name, FOREIGN_BYTES);
    r->unpacked += m->size;
    return OK;
}

struct into {
    char *bytes;
    uint64_t n, room;
    int fd;
};

static enum err put_memory(void *with, const char *bytes, size_t n)
{
    struct into *t = with;
    if (n > t->room - t->n)
        return fail(E_INVALID, "a member of the zip is longer than it says");
    memcpy(t->bytes + t->n, bytes, n);
    t->n += n;
    return OK;
}

static enum err read_plain(struct reading *r, const struct member *m, char *to)
{
    AUTO(fd) int fd = -1;
    TRY(r->files->open(r->files->with, m->file, &fd));
    for (uint64_t done = 0; done < m->size;) {
        ssize_t got = pread(fd, to + done, m->size - done, (off_t)(r->files->items[m->file].offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return fail(E_BROKEN, "%s cannot be read", m->name);
        done += (uint64_t)got;
    }
    return OK;
}

enum err member_read(struct reading *r, struct member *m, size_t cap, char **ret, size_t *ret_n)
{
    if (m->size > cap)
        return fail(E_TOO_BIG, "%s has %llu bytes; at most %zu are read", m->name, (unsigned long long)m->size, cap);
    void *bytes;
    TRY(big_take(m->size + 1, cap + 1, m->name, &bytes));
    enum err e;
    if (m->at < 0) {
        e = read_plain(r, m, bytes);
    } else {
        struct into t = { bytes, 0, m->size, -1 };
        e = use_zip(r, m->file);
        e = e == OK ? count_unpacked(r, m) : e;
        e = e == OK ? zip_reader_read(r->zip, (size_t)m->at, m->size, put_memory, &t) : e;
    }
    if (e != OK) {
        free(bytes);
        return e;
    }
    *ret = bytes;
    *ret_n = m->size;
    if (m->size >= sizeof bom && memcmp(bytes, bom, sizeof bom) == 0) {
        *ret_n -= sizeof bom;
        memmove(*ret, *ret + sizeof bom, *ret_n + 1);
    }
    return OK;
}

static enum err put_file(void *with, const char *bytes, size_t n)
{
    return file_write_all(((struct into *)with)->fd, bytes, n);
}

enum err member_open(struct reading *r, struct member *m, int *ret_fd, uint64_t *ret_from)
{
    *ret_from = m->at < 0 ? r->files->items[m->file].offset : 0;
    if (m->at < 0)
        return r->files->open(r->files->with, m->file, ret_fd);
    struct into t = { .fd = r->files->scratch };
    if (t.fd < 0)
        return fail(E_UNMEANT, "%s stands in a zip; send it by itself", m->name);
    TRY(use_zip(r, m->file));
    TRY(count_unpacked(r, m));
    if (lseek(t.fd, 0, SEEK_SET) != 0)
        return fail(E_BROKEN, "cannot use the scratch file: %s", strerror(errno));
    TRY(zip_reader_read(r->zip, (size_t)m->at, m->size, put_file, &t));
    *ret_fd = t.fd;
    return OK;
}

void member_close(struct reading *r, int fd)
{
    if (fd >= 0 && fd != r->files->scratch)
        close(fd);
}

/* ---- the list */

static struct member *add(struct reading *r, size_t *room)
{
    if (r->n_members == *room) {
        *room = *room ? *room * 2 : 64;
        struct member *more = arena_new_array(r->arena, struct member, *room);
        if (r->n_members)
            memcpy(more, r->members, r->n_members * sizeof *more);
        r->members = more;
    }
    return &r->members[r->n_members++];
}

/* What a Mac adds to folders and zips, and what begins with a dot, is nobody's annotation. */
static bool hidden(const char *path)
{
    for (const char *p = path; p; p = strchr(p, '/')) {
        p += *p == '/';
        if (*p == '.' && strncmp(p, "./", 2) != 0 && strncmp(p, "../", 3) != 0)
            return true;
        if (strncmp(p, "__MACOSX/", 9) == 0)
            return true;
    }
    return false;
}

static const char *with_slashes(struct arena *a, const char *name)
{
    char *copy = arena_str(a, name);
    for (char *p = copy; *p; p++)
        *p = *p == '\\' ? '/' : *p;
    return copy;
}

static enum err list_zip(struct reading *r, size_t file, size_t *room)
{
    TRY(use_zip(r, file));
    size_t n = zip_reader_count(r->zip);
    if (n > FOREIGN_MEMBERS)
        return fail(E_TOO_BIG, "%s has %zu members; at most %d are read", r->files->items[file].name, n, FOREIGN_MEMBERS);
    for (size_t i = 0; i < n; i++) {
        const char *name;
        uint64_t size;
        TRY(fail_within(zip_reader_member(r->zip, i, &name, &size), "%s: ", r->files->items[file].name));
        if (!name || hidden(name = with_slashes(r->arena, name)))
            continue;
        *add(r, room) = (struct member){ name, file, (int64_t)i, size, false };
    }
    return OK;
}

static enum err is_zip(struct reading *r, size_t file, bool *ret)
{
    AUTO(fd) int fd = -1;
    char magic[4];
    *ret = false;
    if (r->files->items[file].size <= sizeof magic)
        return OK;
    TRY(r->files->open(r->files->with, file, &fd));
    *ret =
        pread(fd, magic, sizeof magic, (off_t)r->files->items[file].offset) == sizeof magic && memcmp(magic, "PK\x03\x04", 4) == 0;
    return OK;
}

static enum err list(struct reading *r)
{
    size_t room = 0;
    uint64_t total = 0;
    for (size_t i = 0; i < r->files->n; i++) {
        bool zip;
        const struct foreign_file *f = &r->files->items[i];
        if (f->size > FOREIGN_BYTES - total)
            return fail(E_TOO_BIG, "the files have more than %llu bytes together", FOREIGN_BYTES);
        total += f->size;
        TRY(is_zip(r, i, &zip));
        if (zip) {
            TRY(list_zip(r, i, &room));
            continue;
        }
        const char *name = with_slashes(r->arena, f->name);
        if (!hidden(name))
            *add(r, &room) = (struct member){ name, i, -1, f->size, false };
    }
    return OK;
}

/* Names of what no reader took: at most so many are told one by one, images not at all. */
static enum err tell_passed(struct reading *r)
{
    static const char *const images[] = { ".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif" };
    for (size_t i = 0; i < r->n_members; i++) {
        bool image = r->members[i].used;
        for (size_t k = 0; k < COUNT_OF(images) && !image; k++)
            image = member_ends(&r->members[i], images[k]);
        if (image)
            continue;
        r->record = (struct foreign_record){ .kind = FOREIGN_PASSED, .text = r->members[i].name };
        TRY(r->sink.take(r->sink.with, &r->record));
    }
    return OK;
}

static const struct format *const formats[] = { &foreign_coco, &foreign_voc, &foreign_yolo };

static enum err read_all(struct reading *r)
{
    TRY(list(r));
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        bool taken = false;
        TRY(formats[i]->read(r, &taken));
        if (taken)
            return tell_passed(r);
    }
    const char *first = r->n_members ? r->members[0].name : r->files->n ? r->files->items[0].name : "nothing was sent, that";
    return fail(E_INVALID,
                "%s is no annotation file: COCO (.json), Pascal VOC (.xml), YOLO (.txt with data.yaml or classes.txt), or a .zip "
                "of them is expected",
                first);
}

enum err foreign_read(const struct foreign_files *files, struct foreign_sink sink)
{
    AUTO(arena) struct arena *a = arena_new();
    struct reading r = { .arena = a, .files = files, .sink = sink };
    if (files->n > FOREIGN_FILES)
        return fail(E_TOO_BIG, "%zu files; at most %d are read at once", files->n, FOREIGN_FILES);
    enum err e = read_all(&r);
    zip_reader_close(r.zip);
    return e;
}

enum err foreign_read_here(const char *self_path, const struct foreign_files *files, struct foreign_sink sink)
{
    (void)self_path;
    return foreign_read(files, sink);
}
