/* pull.h - JSON read event by event (RFC 8259, strict, UTF-8), from a descriptor, for files of any size: nothing is kept but the
 * token at hand, and a reader can come back to any value by its place in the file.
 *
 * Errors: E_INVALID with line and column; E_TOO_BIG for a text that is wanted and longer than the cap. */
#pragma once
#include "base/fail.h"

enum pull_event {
    PULL_END, /* after the value */
    PULL_OBJECT,
    PULL_END_OBJECT,
    PULL_ARRAY,
    PULL_END_ARRAY,
    PULL_KEY,
    PULL_TEXT,
    PULL_NUMBER,
    PULL_TRUE,
    PULL_FALSE,
    PULL_NULL
};
enum { PULL_DEPTH = 64 };

struct pull;
/* The file is read from `from` up to `end`; a byte order mark before the value is passed over. The descriptor stays the caller's.
 * text_cap: most bytes of a text. */
struct pull *pull_new(int fd, uint64_t from, uint64_t end, size_t text_cap);
void pull_free(struct pull *);
static inline void auto_pull(struct pull **p)
{
    pull_free(*p);
}

MUST_USE enum err pull_next(struct pull *, enum pull_event *ret);
/* Passes over the value that `begun` began: all of an object or array, nothing of others. */
MUST_USE enum err pull_skip(struct pull *, enum pull_event begun);
/* Passes over the next value as a whole. */
MUST_USE enum err pull_skip_next(struct pull *);

/* Of the last event; valid until the next. */
const char *pull_text(const struct pull *); /* of a key or text, NUL-terminated; a NUL inside is refused */
size_t pull_length(const struct pull *);
double pull_number(const struct pull *);
bool pull_int(const struct pull *, int64_t *ret); /* the number, if it is whole and fits */
uint64_t pull_at(const struct pull *);            /* where the token of the last event begins */

/* Goes on at a value that begins there, as if it were the whole file. */
void pull_seek(struct pull *, uint64_t at);
