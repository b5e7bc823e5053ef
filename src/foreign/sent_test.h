/* sent_test.h - files that are only in memory, as somebody might send them. */
#pragma once
#include "base/test.h"
#include "foreign/foreign.h"

struct sent {
    const char *name, *bytes;
    size_t n; /* 0: strlen */
};
struct foreign_files *sent_files(struct arena *, const struct sent *, size_t n);
/* Reads them here, and once more in a child of its own: both must answer the same. */
enum err sent_read(struct arena *, const struct sent *, size_t n, struct foreign_set **ret);
#define READ(arena, ret, ...)                                                                                                      \
    sent_read(arena, (const struct sent[]){ __VA_ARGS__ }, sizeof((const struct sent[]){ __VA_ARGS__ }) / sizeof(struct sent), ret)
/* "a.jpg: cat 10,20,30,40 dog poly 3+4" lines of all images, for comparing at a glance. */
const char *sent_shown(struct arena *, const struct foreign_set *);
/* "crowd x.json, annotations[0]" lines of what was not taken. */
const char *sent_left(struct arena *, const struct foreign_set *);
