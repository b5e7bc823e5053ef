/* json.h - reading and writing JSON (RFC 8259), over Jansson.
 *
 * Read values are immutable and live as long as the arena that json_parse() got. Writing goes through struct out, which appends to
 * a text and places commas by itself: keys inside objects, NULL as the key inside arrays. */
#pragma once
#include "base/arena.h"
#include "base/text.h"

struct json; /* one value */
enum json_kind { J_NULL, J_FALSE, J_TRUE, J_INTEGER, J_REAL, J_STRING, J_ARRAY, J_OBJECT };

enum { JSON_DEPTH = 64 };

/* Strict: UTF-8, no duplicate keys, at most JSON_DEPTH deep, nothing after the value. E_INVALID names line and column. */
MUST_USE enum err json_parse(struct arena *, const char *bytes, size_t n, const struct json **ret);

/* All of these take NULL for "nothing there" and answer accordingly, so that paths can be chained. */
enum json_kind json_kind(const struct json *);                           /* NULL: J_NULL */
const struct json *json_get(const struct json *object, const char *key); /* NULL: no object, or no such key */
const struct json *json_at(const struct json *array, size_t i);
size_t json_count(const struct json *);             /* of an array or object; else 0 */
const char *json_text(const struct json *);         /* NULL: not a string. Bytes after an encoded NUL are refused when parsed */
bool json_int(const struct json *, int64_t *ret);   /* an integer, or a real with a whole value that fits */
bool json_number(const struct json *, double *ret); /* finite */
bool json_bool(const struct json *, bool *ret);
bool json_absent(const struct json *); /* absent or null */

/* for (struct json_member m = json_first(object); m.key; m = json_next(object, m)) … in the order of the text */
struct json_member {
    const char *key;
    const struct json *value;
    void *at;
};
struct json_member json_first(const struct json *object);
struct json_member json_next(const struct json *object, struct json_member);

/* Writing. */
struct out {
    struct text text;
    bool comma; /* the next item needs one before it */
};
void out_init(struct out *, size_t cap);
void out_done(struct out *);
static inline void auto_out(struct out *o)
{
    out_done(o);
}
void out_object(struct out *, const char *key);
void out_array(struct out *, const char *key);
void out_end_object(struct out *);
void out_end_array(struct out *);
void out_text(struct out *, const char *key, const char *s); /* NULL: null. Bytes that are no UTF-8 become U+FFFD */
void out_int(struct out *, const char *key, int64_t);
void out_number(struct out *, const char *key, double); /* shortest form that reads back equal; NaN and infinities: null */
void out_bool(struct out *, const char *key, bool);
void out_null(struct out *, const char *key);
void out_json(struct out *, const char *key, const struct json *); /* NULL: null */
void out_raw(struct out *, const char *key, const char *json);     /* a text known to be JSON; NULL: null */

/* The members of `above` laid over those of `below` (either may be NULL); one that is null above is left out. */
char *json_over(struct arena *, const struct json *below, const struct json *above);
char *json_print(struct arena *, const struct json *); /* compact */
