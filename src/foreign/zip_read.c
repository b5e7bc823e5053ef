/* zip files, through libzip, from a descriptor at any place: nothing of the file is held in memory. */
#include "foreign/reader.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

enum { RATIO = 200, PIECE = 64 << 10 }; /* a member may unpack to RATIO times its packed size (text packs to about 20) */

struct zip_reader {
    int fd;
    uint64_t from, size, at; /* at: relative to from */
    zip_t *zip;
    zip_error_t error;
};

/* What libzip asks a source of bytes. */
static zip_int64_t source(void *with, void *data, zip_uint64_t n, zip_source_cmd_t what)
{
    struct zip_reader *z = with;
    switch (what) {
    case ZIP_SOURCE_OPEN: z->at = 0; return 0;
    case ZIP_SOURCE_CLOSE:
    case ZIP_SOURCE_FREE: return 0;
    case ZIP_SOURCE_READ: {
        if (z->at >= z->size)
            return 0;
        ssize_t got = pread(z->fd, data, n < z->size - z->at ? n : z->size - z->at, (off_t)(z->from + z->at));
        if (got < 0) {
            zip_error_set(&z->error, ZIP_ER_READ, errno);
            return -1;
        }
        z->at += (uint64_t)got;
        return got;
    }
    case ZIP_SOURCE_SEEK: {
        zip_int64_t to = zip_source_seek_compute_offset(z->at, z->size, data, n, &z->error);
        if (to < 0)
            return -1;
        z->at = (uint64_t)to;
        return 0;
    }
    case ZIP_SOURCE_TELL: return (zip_int64_t)z->at;
    case ZIP_SOURCE_STAT: {
        zip_stat_t *st = data;
        zip_stat_init(st);
        st->size = z->size;
        st->valid = ZIP_STAT_SIZE;
        return sizeof *st;
    }
    case ZIP_SOURCE_ERROR: return zip_error_to_data(&z->error, data, n);
    case ZIP_SOURCE_SUPPORTS:
        return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR,
                                              ZIP_SOURCE_FREE, ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL, ZIP_SOURCE_SUPPORTS, -1);
    default: zip_error_set(&z->error, ZIP_ER_OPNOTSUPP, 0); return -1;
    }
}

enum err zip_reader_open(int fd, uint64_t from, uint64_t size, struct zip_reader **ret)
{
    struct zip_reader *z = heap_take(sizeof *z);
    *z = (struct zip_reader){ .fd = fd, .from = from, .size = size };
    zip_error_init(&z->error);
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *s = zip_source_function_create(source, z, &error);
    z->zip = s ? zip_open_from_source(s, ZIP_RDONLY, &error) : NULL;
    if (!z->zip) {
        enum err e = fail(E_INVALID, "not a readable zip: %s", zip_error_strerror(&error));
        zip_error_fini(&error);
        zip_source_free(s);
        zip_reader_close(z);
        return e;
    }
    *ret = z;
    return OK;
}

void zip_reader_close(struct zip_reader *z)
{
    if (!z)
        return;
    if (z->zip)
        zip_discard(z->zip);
    zip_error_fini(&z->error);
    close(z->fd);
    free(z);
}

size_t zip_reader_count(const struct zip_reader *z)
{
    zip_int64_t n = zip_get_num_entries(z->zip, 0);
    return n > 0 ? (size_t)n : 0;
}

bool zip_reader_is_link(struct zip_reader *z, size_t i)
{
    zip_uint8_t system = 0;
    zip_uint32_t attributes = 0;
    return zip_file_get_external_attributes(z->zip, i, 0, &system, &attributes) == 0 && system == ZIP_OPSYS_UNIX &&
           S_ISLNK(attributes >> 16);
}

enum err zip_reader_member(struct zip_reader *z, size_t i, const char **ret_name, uint64_t *ret_size)
{
    zip_stat_t st;
    if (zip_stat_index(z->zip, i, 0, &st) != 0 || !(st.valid & ZIP_STAT_NAME) || !(st.valid & ZIP_STAT_SIZE))
        return fail(E_INVALID, "member %zu of the zip cannot be read", i);
    size_t length = strlen(st.name);
    if (length > FOREIGN_NAME)
        return fail(E_INVALID, "member %zu of the zip has a name of %zu bytes", i, length);
    *ret_name = length && st.name[length - 1] == '/' ? NULL : st.name;
    *ret_size = st.size;
    return OK;
}

enum err zip_reader_read(struct zip_reader *z, size_t i, uint64_t size, enum err (*put)(void *, const char *, size_t), void *with)
{
    zip_stat_t st;
    if (zip_stat_index(z->zip, i, 0, &st) != 0 || st.size != size)
        return fail(E_INVALID, "member %zu of the zip cannot be read", i);
    if (st.size > (st.comp_size + 64) * RATIO)
        return fail(E_TOO_BIG, "%s unpacks to %llu bytes: packed suspiciously tightly", st.name, (unsigned long long)st.size);
    zip_file_t *f = zip_fopen_index(z->zip, i, 0);
    if (!f)
        return fail(E_INVALID, "%s: %s", st.name, zip_strerror(z->zip));
    char *piece = heap_take(PIECE);
    enum err e = OK;
    uint64_t total = 0;
    zip_int64_t got;
    while (e == OK && (got = zip_fread(f, piece, PIECE)) != 0) {
        total += got > 0 ? (uint64_t)got : 0;
        if (got < 0 || total > size) /* also tells a wrong checksum */
            e = fail(E_INVALID, "%s is damaged in the zip", st.name);
        else
            e = put(with, piece, (size_t)got);
    }
    zip_fclose(f);
    free(piece);
    if (e == OK && total != size)
        e = fail(E_INVALID, "%s is damaged in the zip", st.name);
    return e;
}
