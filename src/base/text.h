/* text.h - a growing string of bytes, always NUL-terminated, with a cap stated when it is made.
 * Writing past the cap is remembered, not reported at each call: check text_full() once at the end.
 *
 * Texts over 1 MiB of one process count together: where the sum would go over what text_limit_all() allows, a text is full too, and
 * `crowded`. So many large bodies and answers at once cannot take all memory. */
#pragma once
#include "base/fail.h"

struct text {
    char *bytes; /* never NULL after text_init() */
    size_t n, room, cap;
    bool full, crowded;
    size_t counted; /* of the sum */
};

void text_limit_all(size_t bytes); /* 2 GiB unless set */
size_t text_all(void);             /* the sum now */

void text_init(struct text *, size_t cap);
void text_done(struct text *); /* frees; a zeroed struct is fine */
void text_clear(struct text *);
void text_add(struct text *, const char *s);
void text_bytes(struct text *, const void *bytes, size_t n);
void text_fmt(struct text *, const char *fmt, ...) PRINTF(2, 3);
static inline bool text_full(const struct text *t)
{
    return t->full;
}
static inline void auto_text(struct text *t)
{
    text_done(t);
}

/* Whether s is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates). */
bool utf8_valid(const char *s, size_t n);

void text_base64(struct text *, const void *, size_t n); /* RFC 4648, padded */

/* Encodes for a URL path segment or query value (RFC 3986 unreserved characters stay; '/' stays when keep_slash). */
void text_url(struct text *, const char *s, bool keep_slash);
/* Decodes %XX in place, once; '+' becomes a space when plus_is_space. False for a broken escape or an encoded NUL. */
bool url_decode(char *s, bool plus_is_space);

void text_hex(struct text *, const uint8_t *bytes, size_t n);
