#include "app/annotation/format.h"
#include <stdlib.h>
#include <string.h>
#include <zip.h>

enum { RATIO = 200, NAME = 1024 }; /* a member may unpack to RATIO times its packed size (text packs to about 20) */

static enum err read_member(struct arena *a, zip_t *z, zip_uint64_t i, size_t *total, struct format_file *ret)
{
    zip_stat_t st;
    if (zip_stat_index(z, i, 0, &st) != 0 || !(st.valid & ZIP_STAT_NAME) || !(st.valid & ZIP_STAT_SIZE))
        return fail(E_INVALID, "member %llu of the zip cannot be read", (unsigned long long)i);
    size_t length = strlen(st.name);
    if (length > NAME)
        return fail(E_INVALID, "member %llu of the zip has a name of %zu bytes", (unsigned long long)i, length);
    if (length && st.name[length - 1] == '/')
        return OK; /* a folder */
    if (st.size > FORMAT_FILE_CAP - *total || st.size > (st.comp_size + 64) * RATIO)
        return fail(E_TOO_BIG, "%s unpacks to %llu bytes: too large, or packed suspiciously tightly", st.name,
                    (unsigned long long)st.size);
    *total += st.size;
    zip_file_t *f = zip_fopen_index(z, i, 0);
    if (!f)
        return fail(E_INVALID, "%s: %s", st.name, zip_strerror(z));
    char *bytes = arena_take(a, st.size + 1);
    zip_int64_t got = zip_fread(f, bytes, st.size);
    bool whole = got == (zip_int64_t)st.size;
    zip_fclose(f); /* also tells a wrong checksum */
    if (!whole)
        return fail(E_INVALID, "%s is damaged in the zip", st.name);
    *ret = (struct format_file){ arena_str(a, st.name), bytes, st.size };
    return OK;
}

static enum err read_members(struct arena *a, zip_t *z, struct format_file **ret, size_t *ret_n)
{
    zip_int64_t n = zip_get_num_entries(z, 0);
    if (n > FORMAT_FILES)
        return fail(E_TOO_BIG, "the zip has %lld members; at most %d are read", (long long)n, FORMAT_FILES);
    struct format_file *files = arena_new_array(a, struct format_file, n + 1);
    size_t total = 0, count = 0;
    for (zip_int64_t i = 0; i < n; i++) {
        struct format_file f = { 0 };
        TRY(read_member(a, z, (zip_uint64_t)i, &total, &f));
        if (f.name)
            files[count++] = f;
    }
    *ret = files;
    *ret_n = count;
    return OK;
}

enum err archive_read(struct arena *a, const char *bytes, size_t n, struct format_file **ret, size_t *ret_n)
{
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *source = zip_source_buffer_create(bytes, n, 0, &error);
    zip_t *z = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : NULL;
    if (!z) {
        if (source)
            zip_source_free(source);
        return fail(E_INVALID, "not a readable zip: %s", zip_error_strerror(&error));
    }
    enum err e = read_members(a, z, ret, ret_n);
    zip_discard(z);
    return e;
}

struct archive_writer {
    zip_t *zip;
    struct arena *arena; /* members live until the zip is closed */
};

enum err archive_new(const char *path, struct archive_writer **ret)
{
    int code = 0;
    zip_t *z = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, &code);
    if (!z)
        return fail(E_BROKEN, "cannot write the zip %s (error %d)", path, code);
    struct archive_writer *w = heap_take(sizeof *w);
    *w = (struct archive_writer){ z, arena_new() };
    *ret = w;
    return OK;
}

enum err archive_add(struct archive_writer *w, const char *name, const char *bytes, size_t n)
{
    char *copy = arena_copy(w->arena, bytes, n);
    zip_source_t *source = zip_source_buffer(w->zip, copy, n, 0);
    if (!source || zip_file_add(w->zip, name, source, ZIP_FL_ENC_UTF_8 | ZIP_FL_OVERWRITE) < 0) {
        zip_source_free(source);
        return fail(E_BROKEN, "cannot add %s to the zip: %s", name, zip_strerror(w->zip));
    }
    return OK;
}

enum err archive_close(struct archive_writer *w)
{
    enum err e = OK;
    if (zip_close(w->zip) != 0) {
        e = fail(E_BROKEN, "cannot finish the zip: %s", zip_strerror(w->zip));
        zip_discard(w->zip);
    }
    arena_free(w->arena);
    free(w);
    return e;
}
