/* zip.h - zip files (PKWARE APPNOTE), read through a descriptor, which they close. */
#pragma once
#include "base/fail.h"

struct zip_reader;
MUST_USE enum err zip_reader_open(int fd, uint64_t from, uint64_t size, struct zip_reader **ret);
void zip_reader_close(struct zip_reader *); /* NULL is fine */
static inline void auto_zip_reader(struct zip_reader **z)
{
    zip_reader_close(*z);
}
size_t zip_reader_count(const struct zip_reader *);
bool zip_reader_is_link(struct zip_reader *, size_t i); /* it holds a path, not a file */
/* name: NULL for folders. E_INVALID or E_TOO_BIG for members that are not to be touched. */
MUST_USE enum err zip_reader_member(struct zip_reader *, size_t i, const char **ret_name, uint64_t *ret_size);
/* Of a member of that size, piece by piece. E_TOO_BIG: it is packed suspiciously tightly. */
MUST_USE enum err zip_reader_read(struct zip_reader *, size_t i, uint64_t size,
                                  enum err (*put)(void *with, const char *bytes, size_t n), void *with);
