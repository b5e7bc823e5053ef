#include "s3/signing.h"
#include "base/text.h"
#include "blob/sign.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ALGORITHM "AWS4-HMAC-SHA256"

char *s3_date(struct arena *a, int64_t at_ms)
{
    struct tm t;
    time_t s = (time_t)(at_ms / 1000);
    char out[20];
    gmtime_r(&s, &t);
    strftime(out, sizeof out, "%Y%m%dT%H%M%SZ", &t);
    return arena_str(a, out);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct s3_pair *)a)->name, ((const struct s3_pair *)b)->name);
}

static struct s3_pair *sorted(struct arena *a, const struct s3_pair *first, size_t n, const struct s3_pair *more, size_t n_more)
{
    struct s3_pair *all = arena_new_array(a, struct s3_pair, n + n_more + 1);
    for (size_t i = 0; i < n + n_more; i++)
        all[i] = i < n ? first[i] : more[i - n];
    qsort(all, n + n_more, sizeof *all, by_name);
    return all;
}

/* ---- what is signed */

static void add_query(struct text *t, struct arena *a, const struct s3_pair *query, size_t n)
{
    const struct s3_pair *all = sorted(a, query, n, NULL, 0);
    for (size_t i = 0; i < n; i++) {
        text_add(t, i ? "&" : "");
        text_url(t, all[i].name, false);
        text_add(t, "=");
        text_url(t, all[i].value, false);
    }
}

enum { TARGET_MOST = 16 << 10 };

char *s3_target(struct arena *a, const struct s3_signed *s)
{
    AUTO(text) struct text t;
    text_init(&t, TARGET_MOST);
    text_url(&t, s->path, true);
    text_add(&t, s->n_query ? "?" : "");
    add_query(&t, a, s->query, s->n_query);
    return arena_str(a, t.bytes);
}

static const char *names_of(struct arena *a, const struct s3_pair *headers, size_t n)
{
    AUTO(text) struct text t;
    text_init(&t, TARGET_MOST);
    for (size_t i = 0; i < n; i++)
        text_fmt(&t, "%s%s", i ? ";" : "", headers[i].name);
    return arena_str(a, t.bytes);
}

static void canonical(struct text *t, struct arena *a, const struct s3_signed *s, const struct s3_pair *headers, size_t n)
{
    text_fmt(t, "%s\n", s->method);
    text_url(t, s->path, true);
    text_add(t, "\n");
    add_query(t, a, s->query, s->n_query);
    text_add(t, "\n");
    for (size_t i = 0; i < n; i++)
        text_fmt(t, "%s:%s\n", headers[i].name, headers[i].value);
    text_fmt(t, "\n%s\n%s", names_of(a, headers, n), s->payload);
}

static const char *scope_of(struct arena *a, const struct s3_place *p, const char *date)
{
    return arena_fmt(a, "%.8s/%s/s3/aws4_request", date, p->region);
}

static void signature(struct arena *a, const struct s3_place *p, const struct s3_signed *s, const struct s3_pair *headers, size_t n,
                      char ret[65])
{
    AUTO(text) struct text t;
    char hash[65];
    const char *date = s3_date(a, s->at_ms), *day = arena_copy(a, date, 8), *first = arena_fmt(a, "AWS4%s", p->secret);
    uint8_t key[32];
    text_init(&t, 4 * TARGET_MOST);
    canonical(&t, a, s, headers, n);
    sha256_hex(t.bytes, t.n, hash);
    hmac_bytes(first, strlen(first), day, key);
    hmac_bytes(key, 32, p->region, key);
    hmac_bytes(key, 32, "s3", key);
    hmac_bytes(key, 32, "aws4_request", key);
    hmac_bytes(key, 32, arena_fmt(a, ALGORITHM "\n%s\n%s\n%s", date, scope_of(a, p, date), hash), key);
    for (size_t i = 0; i < 32; i++)
        for (int half = 0; half < 2; half++)
            ret[2 * i + (size_t)half] = "0123456789abcdef"[half ? key[i] & 15 : key[i] >> 4];
    ret[64] = 0;
}

/* ---- its two forms */

char *s3_authorization(struct arena *a, const struct s3_place *p, const struct s3_signed *s)
{
    const char *date = s3_date(a, s->at_ms);
    const struct s3_pair ours[] = {
        { "host", s->host }, { "x-amz-content-sha256", s->payload }, { "x-amz-date", date }, { "x-amz-security-token", p->token }
    };
    size_t n = s->n_headers + COUNT_OF(ours) - !p->token;
    const struct s3_pair *all = sorted(a, s->headers, s->n_headers, ours, COUNT_OF(ours) - !p->token);
    char hex[65];
    signature(a, p, s, all, n, hex);
    return arena_fmt(a, ALGORITHM " Credential=%s/%s,SignedHeaders=%s,Signature=%s", p->access_key, scope_of(a, p, date),
                     names_of(a, all, n), hex);
}

char *s3_signed_target(struct arena *a, const struct s3_place *p, const struct s3_signed *s, int seconds)
{
    const char *date = s3_date(a, s->at_ms);
    const struct s3_pair ours[] = {
        { "X-Amz-Algorithm", ALGORITHM },
        { "X-Amz-Credential", arena_fmt(a, "%s/%s", p->access_key, scope_of(a, p, date)) },
        { "X-Amz-Date", date },
        { "X-Amz-Expires", arena_fmt(a, "%d", seconds) },
        { "X-Amz-SignedHeaders", "host" },
        { "X-Amz-Security-Token", p->token },
    };
    struct s3_signed whole = *s;
    const struct s3_pair host = { "host", s->host };
    char hex[65];
    whole.payload = S3_UNSIGNED;
    whole.n_query = s->n_query + COUNT_OF(ours) - !p->token;
    whole.query = sorted(a, s->query, s->n_query, ours, COUNT_OF(ours) - !p->token);
    signature(a, p, &whole, &host, 1, hex);
    return arena_fmt(a, "%s&X-Amz-Signature=%s", s3_target(a, &whole), hex);
}
