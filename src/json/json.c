#include "json/json.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Jansson is built with its own depth limit (2048); ours is lower and counted before it sees the text. */
static bool too_deep(const char *bytes, size_t n)
{
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < n; i++) {
        char c = bytes[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > JSON_DEPTH)
                return true;
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return false;
}

static void release(void *value)
{
    json_decref(value);
}

static const json_t *inner(const struct json *v)
{
    return (const json_t *)v;
}

static const struct json *outer(const json_t *v)
{
    return (const struct json *)v;
}

enum err json_parse(struct arena *a, const char *bytes, size_t n, const struct json **ret)
{
    if (n && memchr(bytes, 0, n)) /* no JSON holds one; the library takes it for a blank after a number or a word */
        return fail(E_INVALID, "not valid JSON: there is a NUL byte in it");
    if (too_deep(bytes, n))
        return fail(E_INVALID, "the JSON is nested deeper than %d levels", JSON_DEPTH);
    json_error_t error;
    json_t *v = json_loadb(bytes, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!v)
        return fail(E_INVALID, "not valid JSON at line %d, column %d: %s", error.line, error.column, error.text);
    arena_defer(a, release, v);
    *ret = outer(v);
    return OK;
}

enum json_kind json_kind(const struct json *v)
{
    if (!v)
        return J_NULL;
    switch (json_typeof(inner(v))) {
    case JSON_OBJECT: return J_OBJECT;
    case JSON_ARRAY: return J_ARRAY;
    case JSON_STRING: return J_STRING;
    case JSON_INTEGER: return J_INTEGER;
    case JSON_REAL: return J_REAL;
    case JSON_TRUE: return J_TRUE;
    case JSON_FALSE: return J_FALSE;
    case JSON_NULL: return J_NULL;
    }
    return J_NULL;
}

const struct json *json_get(const struct json *object, const char *key)
{
    return object ? outer(json_object_get(inner(object), key)) : NULL;
}

const struct json *json_at(const struct json *array, size_t i)
{
    return array ? outer(json_array_get(inner(array), i)) : NULL;
}

size_t json_count(const struct json *v)
{
    return !v ? 0 : json_kind(v) == J_ARRAY ? json_array_size(inner(v)) : json_object_size(inner(v));
}

const char *json_text(const struct json *v)
{
    return v ? json_string_value(inner(v)) : NULL;
}

bool json_int(const struct json *v, int64_t *ret)
{
    switch (json_kind(v)) {
    case J_INTEGER: *ret = json_integer_value(inner(v)); return true;
    case J_REAL: {
        double d = json_real_value(inner(v));
        if (d != floor(d) || fabs(d) > 9007199254740992.0)
            return false;
        *ret = (int64_t)d;
        return true;
    }
    default: return false;
    }
}

bool json_number(const struct json *v, double *ret)
{
    if (json_kind(v) != J_INTEGER && json_kind(v) != J_REAL)
        return false;
    *ret = json_number_value(inner(v));
    return isfinite(*ret);
}

bool json_bool(const struct json *v, bool *ret)
{
    enum json_kind k = json_kind(v);
    *ret = k == J_TRUE;
    return k == J_TRUE || k == J_FALSE;
}

bool json_absent(const struct json *v)
{
    return json_kind(v) == J_NULL;
}

static struct json_member member(const struct json *object, void *at)
{
    if (!at)
        return (struct json_member){ 0 };
    (void)object;
    return (struct json_member){ json_object_iter_key(at), outer(json_object_iter_value(at)), at };
}

/* Jansson's iterators want a json_t that is not const, though they do not change it. */
static json_t *loose(const struct json *v)
{
    return (json_t *)(uintptr_t)v;
}

struct json_member json_first(const struct json *object)
{
    return object ? member(object, json_object_iter(loose(object))) : (struct json_member){ 0 };
}

struct json_member json_next(const struct json *object, struct json_member m)
{
    return member(object, json_object_iter_next(loose(object), m.at));
}

char *json_print(struct arena *a, const struct json *v)
{
    char *s = json_dumps(inner(v), JSON_COMPACT | JSON_ENCODE_ANY);
    if (!s)
        return arena_str(a, "null");
    char *copy = arena_str(a, s);
    free(s);
    return copy;
}

void out_init(struct out *o, size_t cap)
{
    text_init(&o->text, cap);
    o->comma = false;
}

void out_done(struct out *o)
{
    text_done(&o->text);
}

static void quoted(struct text *t, const char *s)
{
    text_add(t, "\"");
    const char *from = s;
    size_t n = strlen(s);
    if (!utf8_valid(s, n)) { /* rare: one U+FFFD for each byte over 0x7f that is out of place */
        text_add(t, "");
        for (const char *p = s; *p; p++) {
            size_t len = 1;
            for (size_t k = 2; k <= 4 && (unsigned char)*p >= 0x80; k++)
                if (strnlen(p, k) == k && utf8_valid(p, k)) {
                    len = k;
                    break;
                }
            if ((unsigned char)*p >= 0x80 && len == 1)
                text_add(t, "\xef\xbf\xbd");
            else if (len == 1 && (*p == '"' || *p == '\\'))
                text_fmt(t, "\\%c", *p);
            else if (len == 1 && (unsigned char)*p < 0x20)
                text_fmt(t, "\\u%04x", *p);
            else
                text_bytes(t, p, len);
            p += len - 1;
        }
        text_add(t, "\"");
        return;
    }
    const char *p = s;
    for (; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (c != '"' && c != '\\' && c >= 0x20)
            continue;
        text_bytes(t, from, (size_t)(p - from));
        from = p + 1;
        if (c == '"' || c == '\\')
            text_fmt(t, "\\%c", c);
        else if (c == '\n')
            text_add(t, "\\n");
        else
            text_fmt(t, "\\u%04x", c);
    }
    text_bytes(t, from, (size_t)(p - from));
    text_add(t, "\"");
}

static struct text *item(struct out *o, const char *key)
{
    if (o->comma)
        text_add(&o->text, ",");
    o->comma = true;
    if (key) {
        quoted(&o->text, key);
        text_add(&o->text, ":");
    }
    return &o->text;
}

void out_object(struct out *o, const char *key)
{
    text_add(item(o, key), "{");
    o->comma = false;
}

void out_array(struct out *o, const char *key)
{
    text_add(item(o, key), "[");
    o->comma = false;
}

void out_end_object(struct out *o)
{
    text_add(&o->text, "}");
    o->comma = true;
}

void out_end_array(struct out *o)
{
    text_add(&o->text, "]");
    o->comma = true;
}

void out_text(struct out *o, const char *key, const char *s)
{
    struct text *t = item(o, key);
    if (s)
        quoted(t, s);
    else
        text_add(t, "null");
}

void out_int(struct out *o, const char *key, int64_t v)
{
    text_fmt(item(o, key), "%lld", (long long)v);
}

void out_number(struct out *o, const char *key, double v)
{
    struct text *t = item(o, key);
    if (!isfinite(v)) {
        text_add(t, "null");
        return;
    }
    char s[32];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(s, sizeof s, "%.*g", digits, v);
        if (strtod(s, NULL) == v)
            break;
    }
    text_add(t, s);
}

void out_bool(struct out *o, const char *key, bool v)
{
    text_add(item(o, key), v ? "true" : "false");
}

void out_null(struct out *o, const char *key)
{
    text_add(item(o, key), "null");
}

void out_json(struct out *o, const char *key, const struct json *v)
{
    char *s = v ? json_dumps(inner(v), JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    text_add(item(o, key), s ? s : "null");
    free(s);
}

void out_raw(struct out *o, const char *key, const char *json)
{
    text_add(item(o, key), json ? json : "null");
}

char *json_over(struct arena *a, const struct json *below, const struct json *above)
{
    AUTO(out) struct out o;
    out_init(&o, (size_t)1 << 30);
    out_object(&o, NULL);
    for (struct json_member m = json_first(below); m.key; m = json_next(below, m)) {
        const struct json *over = json_get(above, m.key);
        if (!over || !json_absent(over))
            out_json(&o, m.key, over ? over : m.value);
    }
    for (struct json_member m = json_first(above); m.key; m = json_next(above, m))
        if (!json_get(below, m.key) && !json_absent(m.value))
            out_json(&o, m.key, m.value);
    out_end_object(&o);
    return arena_str(a, o.text.bytes);
}
