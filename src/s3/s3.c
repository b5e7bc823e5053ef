#include "s3/s3.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "http/outward.h"
#include "s3/answer.h"
#include "s3/signing.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TRIES = 5, LIST_MOST = 8 << 20 };
static const uint64_t PUT_MOST = 5ull << 30; /* of a request, by the API */

struct s3 {
    struct s3_place place;
    struct outward_line *line;
    int tries;
    bool (*go_on)(void *);
    void *with;
};

/* ---- places */

static bool is_bucket(const char *s)
{
    size_t n = strlen(s);
    return n >= 3 && n <= 63 && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") == n &&
           isalnum((unsigned char)s[0]) && isalnum((unsigned char)s[n - 1]) && !strstr(s, "..");
}

static const char *host_of(const struct s3_place *p)
{
    const char *s = strstr(p->endpoint, "://");
    return s ? s + 3 : "";
}

enum err s3_check(const struct s3_place *p)
{
    size_t n = strlen(p->region);
    if (!is_bucket(p->bucket))
        return fail(E_INVALID, "bucket: a name has 3 to 63 letters, digits, '-', '.' and '_'");
    if (!n || n > 60 || strspn(p->region, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != n)
        return fail(E_INVALID, "region: a name has 1 to 60 letters, digits, '-' and '_', as us-east-1");
    if (!*host_of(p) || strpbrk(host_of(p), "/?#@"))
        return fail(E_INVALID, "endpoint must be like https://s3.eu-west-1.amazonaws.com, without a path");
    return fail_within(outward_check(p->endpoint), "endpoint: ");
}

enum err s3_open(const struct s3_place *p, struct s3 **ret)
{
    struct outward_line *line;
    TRY(s3_check(p));
    TRY(outward_open(&line));
    struct s3 *s = heap_take(sizeof *s);
    *s = (struct s3){ .place = *p, .line = line, .tries = TRIES };
    *ret = s;
    return OK;
}

void s3_close(struct s3 *s)
{
    if (!s)
        return;
    outward_close(s->line);
    free(s);
}

void s3_watch(struct s3 *s, bool (*go_on)(void *), void *with)
{
    s->go_on = go_on;
    s->with = with;
}

void s3_tries(struct s3 *s, int most)
{
    s->tries = most;
}

/* ---- one request */

struct request {
    struct s3_signed sign;
    struct s3_pair headers[4]; /* that are signed, too */
    struct outward_ask ask;
    struct text answer;
    char code[64]; /* of an error */
};
static void auto_request(struct request *r)
{
    text_done(&r->answer);
}

/* A port that goes without saying is not said by curl, either. */
static const char *host_header(struct arena *a, const struct s3_place *p)
{
    const char *host = host_of(p), *usual = strncmp(p->endpoint, "https:", 6) == 0 ? ":443" : ":80";
    size_t n = strlen(host), k = strlen(usual);
    n -= n > k && strcmp(host + n - k, usual) == 0 ? k : 0;
    return arena_fmt(a, "%s%s%.*s", p->path_style ? "" : p->bucket, p->path_style ? "" : ".", (int)n, host);
}

static const char *path_of(struct arena *a, const struct s3_place *p, const char *key)
{
    return p->path_style ? arena_fmt(a, "/%s/%s", p->bucket, key) : arena_fmt(a, "/%s", key);
}

static void request_init(struct request *r, struct s3 *s, struct arena *a, const char *method, const char *key)
{
    *r = (struct request){ .sign = { .method = method,
                                     .host = host_header(a, &s->place),
                                     .path = path_of(a, &s->place, key),
                                     .payload = S3_EMPTY,
                                     .headers = r->headers },
                           .ask = { .method = method, .from_fd = -1, .to_fd = -1, .answer = &r->answer } };
    text_init(&r->answer, LIST_MOST);
}

static void header(struct request *r, const char *name, const char *value)
{
    r->headers[r->sign.n_headers++] = (struct s3_pair){ name, value };
}

static const char **header_lines(struct request *r, struct s3 *s, struct arena *a, size_t *ret_n)
{
    const char **lines = arena_new_array(a, const char *, COUNT_OF(r->headers) + 5);
    size_t n = 0;
    for (size_t i = 0; i < r->sign.n_headers; i++)
        lines[n++] = arena_fmt(a, "%s: %s", r->headers[i].name, r->headers[i].value);
    *ret_n = n;
    if (!s->place.access_key)
        return lines;
    lines[n++] = arena_fmt(a, "x-amz-date: %s", s3_date(a, r->sign.at_ms));
    lines[n++] = arena_fmt(a, "x-amz-content-sha256: %s", r->sign.payload);
    lines[n++] = arena_fmt(a, "Authorization: %s", s3_authorization(a, &s->place, &r->sign));
    if (s->place.token)
        lines[n++] = arena_fmt(a, "x-amz-security-token: %s", s->place.token);
    *ret_n = n;
    return lines;
}

static enum err once(struct request *r, struct s3 *s)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *scheme = strncmp(s->place.endpoint, "https:", 6) == 0 ? "https" : "http";
    r->sign.at_ms = clock_now_ms();
    r->ask.url = arena_fmt(a, "%s://%s%s", scheme, r->sign.host, s3_target(a, &r->sign));
    r->ask.headers = header_lines(r, s, a, &r->ask.n_headers);
    r->ask.go_on = s->go_on;
    r->ask.with = s->with;
    text_clear(&r->answer);
    if (r->ask.to_fd >= 0 && (ftruncate(r->ask.to_fd, 0) != 0 || lseek(r->ask.to_fd, 0, SEEK_SET) != 0))
        return fail(E_BROKEN, "cannot begin a file anew");
    enum err e = outward_ask(s->line, &r->ask);
    r->ask.url = NULL;
    r->ask.headers = NULL;
    return e;
}

static bool passes(const struct request *r, enum err e)
{
    long status = r->ask.status;
    if (e != OK)
        return e == E_BUSY;
    return status == 500 || status == 502 || status == 503 || status == 504 || status == 429 || status == 408 ||
           strcmp(r->code, "RequestTimeout") == 0;
}

static bool sleep_watched(struct s3 *s, double seconds)
{
    for (double until = clock_seconds() + seconds, left; (left = until - clock_seconds()) > 0;) {
        if (s->go_on && !s->go_on(s->with))
            return false;
        backoff_sleep(left < 0.2 ? left : 0.2, NULL);
    }
    return true;
}

static enum err refusal(const struct request *r)
{
    long status = r->ask.status;
    const char *code = r->code, *between = *code ? " " : "";
    if (status == 404)
        return fail(E_NOT_FOUND, "the store answers %ld%s%s", status, between, code);
    if (status == 401 || status == 403)
        return fail(E_FORBIDDEN, "the store refuses it: %ld%s%s", status, between, code);
    if (status == 409 || status == 412)
        return fail(E_CONFLICT, "the store answers %ld%s%s", status, between, code);
    if (status == 507 || strcmp(code, "QuotaExceeded") == 0 || strcmp(code, "XMinioStorageFull") == 0)
        return fail(E_BUSY, "the bucket is full: %ld%s%s", status, between, code);
    return fail(status >= 500 || status == 429 ? E_BUSY : E_UNMEANT, "the store answers %ld%s%s", status, between, code);
}

/* ret_again: how many were answered by nothing, or by a passing fault, before. */
static enum err ask(struct request *r, struct s3 *s, int *ret_again)
{
    struct backoff pauses = { 0 };
    enum err e = OK;
    for (int i = 0; i < s->tries; i++) {
        if (i && !sleep_watched(s, backoff_next(&pauses)))
            return fail(E_CANCELLED, "cancelled");
        e = once(r, s);
        s3_read_code(r->answer.bytes, r->answer.n, r->code, sizeof r->code);
        *ret_again = i;
        if (!passes(r, e))
            break;
    }
    TRY(e);
    return r->ask.status >= 200 && r->ask.status < 300 ? OK : refusal(r);
}

/* ---- what is asked */

static void read_object(struct arena *a, const struct request *r, const char *key, uint64_t size, struct s3_object *ret)
{
    size_t n = strlen(r->ask.etag);
    bool quoted = n >= 2 && r->ask.etag[0] == '"' && r->ask.etag[n - 1] == '"';
    *ret = (struct s3_object){ .key = arena_str(a, key), .size = size };
    ret->etag = quoted ? arena_copy(a, r->ask.etag + 1, n - 2) : arena_str(a, r->ask.etag);
}

enum err s3_list(struct s3 *s, struct arena *a, const char *prefix, bool by_folder, int most, const char *next, struct s3_list *ret)
{
    AUTO(request) struct request r = { 0 };
    struct s3_pair query[6];
    int again;
    request_init(&r, s, a, "GET", "");
    size_t n = 0;
    query[n++] = (struct s3_pair){ "list-type", "2" };
    query[n++] = (struct s3_pair){ "encoding-type", "url" };
    query[n++] = (struct s3_pair){ "max-keys", arena_fmt(a, "%d", most < S3_PAGE ? most : S3_PAGE) };
    query[n++] = (struct s3_pair){ "prefix", prefix };
    if (by_folder)
        query[n++] = (struct s3_pair){ "delimiter", "/" };
    if (next)
        query[n++] = (struct s3_pair){ "continuation-token", next };
    r.sign.query = query;
    r.sign.n_query = n;
    TRY(ask(&r, s, &again));
    if (text_full(&r.answer))
        return fail(E_UNMEANT, "the store's list of %d objects has more than %d bytes", S3_PAGE, LIST_MOST);
    return s3_read_list(a, r.answer.bytes, r.answer.n, ret);
}

enum err s3_head(struct s3 *s, struct arena *a, const char *key, struct s3_object *ret)
{
    AUTO(request) struct request r = { 0 };
    int again;
    request_init(&r, s, a, "HEAD", key);
    TRY(ask(&r, s, &again));
    read_object(a, &r, key, r.ask.length < 0 ? 0 : (uint64_t)r.ask.length, ret);
    return OK;
}

enum err s3_get(struct s3 *s, struct arena *a, const char *key, const char *etag, int to_fd, uint64_t cap, struct s3_object *ret)
{
    AUTO(request) struct request r = { 0 };
    int again;
    request_init(&r, s, a, "GET", key);
    r.ask.to_fd = to_fd;
    r.ask.cap = cap;
    if (etag && *etag)
        header(&r, "if-match", arena_fmt(a, "\"%s\"", etag));
    TRY(ask(&r, s, &again));
    if (r.ask.length >= 0 && (uint64_t)r.ask.length != r.ask.got)
        return fail(E_BUSY, "the store sent %llu bytes of %lld", (unsigned long long)r.ask.got, (long long)r.ask.length);
    read_object(a, &r, key, r.ask.got, ret);
    return OK;
}

enum err s3_put(struct s3 *s, struct arena *a, const char *key, const char *type, int from_fd, uint64_t size,
                const char *sha256_hex, bool fresh, struct s3_object *ret)
{
    AUTO(request) struct request r = { 0 };
    int again = 0;
    if (size > PUT_MOST)
        return fail(E_TOO_BIG, "an object of a bucket has at most %llu bytes here", (unsigned long long)PUT_MOST);
    request_init(&r, s, a, "PUT", key);
    r.sign.payload = sha256_hex; /* the store compares the bytes with it */
    r.ask.from_fd = from_fd;
    r.ask.size = size;
    header(&r, "content-type", type);
    if (fresh)
        header(&r, "if-none-match", "*");
    enum err e = ask(&r, s, &again);
    /* The answer of the first try was lost, and it was done: the key is ours if it has this size. */
    if (e == E_CONFLICT && fresh && again && s3_head(s, a, key, ret) == OK && ret->size == size)
        return OK;
    TRY(e);
    read_object(a, &r, key, size, ret);
    return OK;
}

enum err s3_delete(struct s3 *s, struct arena *a, const char *key)
{
    AUTO(request) struct request r = { 0 };
    int again;
    request_init(&r, s, a, "DELETE", key);
    enum err e = ask(&r, s, &again);
    return e == E_NOT_FOUND ? OK : e;
}

char *s3_link(const struct s3_place *p, struct arena *a, const char *key, int64_t from_ms, int seconds)
{
    const struct s3_signed g = {
        .method = "GET", .host = host_header(a, p), .path = path_of(a, p, key), .payload = S3_UNSIGNED, .at_ms = from_ms
    };
    const char *scheme = strncmp(p->endpoint, "https:", 6) == 0 ? "https" : "http";
    return arena_fmt(a, "%s://%s%s", scheme, g.host, p->access_key ? s3_signed_target(a, p, &g, seconds) : s3_target(a, &g));
}
