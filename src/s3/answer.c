#include "s3/answer.h"
#include "base/clock.h"
#include "base/text.h"
#include "foreign/xml.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH = 6, NAME = 24, VALUE_MOST = 8 << 10 };

struct reader {
    struct arena *arena;
    char path[DEPTH][NAME];
    int depth;
    struct text value;
    struct s3_list list;
    struct s3_object now;
    bool truncated, is_list, wrong;
    const char *next;
    char code[64];
};

static void wrong(struct reader *r)
{
    r->wrong = true;
}

static bool at(const struct reader *r, const char *a, const char *b, const char *c)
{
    int n = b ? c ? 3 : 2 : 1;
    return r->depth == n && strcmp(r->path[0], a) == 0 && (!b || strcmp(r->path[1], b) == 0) && (!c || strcmp(r->path[2], c) == 0);
}

static bool start(void *with, const char *name)
{
    struct reader *r = with;
    if (r->depth == DEPTH)
        return false;
    const char *colon = strrchr(name, ':'); /* some stores write a prefix */
    strncpy(r->path[r->depth], colon ? colon + 1 : name, NAME - 1);
    r->path[r->depth++][NAME - 1] = 0;
    text_clear(&r->value);
    if (at(r, "ListBucketResult", NULL, NULL))
        r->is_list = true;
    if (at(r, "ListBucketResult", "Contents", NULL) || at(r, "ListBucketResult", "CommonPrefixes", NULL))
        r->now = (struct s3_object){ 0 };
    return true;
}

static bool characters(void *with, const char *t, size_t n)
{
    struct reader *r = with;
    text_bytes(&r->value, t, n);
    return !text_full(&r->value);
}

static const char *decoded(struct reader *r)
{
    char *s = arena_str(r->arena, r->value.bytes);
    if (!url_decode(s, true) || strlen(s) > S3_KEY_MOST || !utf8_valid(s, strlen(s)))
        wrong(r);
    return s;
}

/* Names of rows without the quotes, which are part of the value and differ from store to store. */
static const char *unquoted(struct reader *r)
{
    size_t n = r->value.n;
    const char *s = r->value.bytes;
    return n >= 2 && s[0] == '"' && s[n - 1] == '"' ? arena_copy(r->arena, s + 1, n - 2) : arena_str(r->arena, s);
}

static uint64_t size_of(struct reader *r)
{
    char *end;
    unsigned long long n = strtoull(r->value.bytes, &end, 10);
    if (!isdigit((unsigned char)*r->value.bytes) || *end || n > INT64_MAX)
        wrong(r);
    return n;
}

static void keep(struct reader *r)
{
    if (!r->now.key || !*r->now.key) {
        wrong(r);
        return;
    }
    if (r->list.n == S3_PAGE) { /* more than was asked for */
        wrong(r);
        return;
    }
    if (!r->list.items)
        r->list.items = arena_new_array(r->arena, struct s3_object, S3_PAGE);
    r->now.etag = r->now.etag ? r->now.etag : "";
    r->list.items[r->list.n++] = r->now;
}

static void value_of_row(struct reader *r)
{
    if (at(r, "ListBucketResult", "Contents", "Key"))
        r->now.key = decoded(r);
    else if (at(r, "ListBucketResult", "Contents", "ETag"))
        r->now.etag = unquoted(r);
    else if (at(r, "ListBucketResult", "Contents", "Size"))
        r->now.size = size_of(r);
    else if (at(r, "ListBucketResult", "Contents", "LastModified"))
        clock_parse_iso(r->value.bytes, &r->now.changed_ms);
    else if (at(r, "ListBucketResult", "CommonPrefixes", "Prefix"))
        r->now = (struct s3_object){ .key = decoded(r), .folder = true };
}

static bool end(void *with)
{
    struct reader *r = with;
    value_of_row(r);
    if (at(r, "ListBucketResult", "Contents", NULL) || at(r, "ListBucketResult", "CommonPrefixes", NULL))
        keep(r);
    else if (at(r, "ListBucketResult", "IsTruncated", NULL))
        r->truncated = strcmp(r->value.bytes, "true") == 0;
    else if (at(r, "ListBucketResult", "NextContinuationToken", NULL))
        r->next = arena_str(r->arena, r->value.bytes);
    else if (at(r, "Error", "Code", NULL) && strlen(r->value.bytes) < sizeof r->code)
        memcpy(r->code, r->value.bytes, strlen(r->value.bytes) + 1);
    text_clear(&r->value);
    r->depth--;
    return !r->wrong;
}

static bool read_xml(struct reader *r, const char *xml, size_t n)
{
    const struct xml_events events = { r, start, characters, end };
    text_init(&r->value, VALUE_MOST);
    bool fine = xml_read(xml, n, &events);
    text_done(&r->value);
    return fine;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct s3_object *)a)->key, ((const struct s3_object *)b)->key);
}

enum err s3_read_list(struct arena *a, const char *xml, size_t n, struct s3_list *ret)
{
    struct reader r = { .arena = a };
    if (!read_xml(&r, xml, n) || !r.is_list)
        return fail(E_UNMEANT, "what the store answers is no list of objects");
    if (r.truncated && (!r.next || !*r.next))
        return fail(E_UNMEANT, "the store's list has more pages, but does not say where they begin");
    r.list.next = r.truncated ? r.next : NULL;
    if (r.list.n)
        qsort(r.list.items, r.list.n, sizeof *r.list.items, by_key); /* folders stand behind the objects */
    *ret = r.list;
    return OK;
}

void s3_read_code(const char *xml, size_t n, char *ret, size_t room)
{
    AUTO(arena) struct arena *a = arena_new();
    struct reader r = { .arena = a };
    *ret = 0;
    read_xml(&r, xml, n); /* the code stands at the beginning; the rest may be cut off */
    for (const char *s = r.code; *s; s++)
        if (!isalnum((unsigned char)*s))
            return;
    if (strlen(r.code) < room)
        memcpy(ret, r.code, strlen(r.code) + 1);
}
