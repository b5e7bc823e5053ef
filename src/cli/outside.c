#include "cli/outside.h"
#include "app/account/account.h"
#include "app/datalake/datalake.h"
#include "blob/blob.h"
#include "http/guard.h"

static const uint64_t CACHE_BYTES = 10ull << 30; /* unless --cache says */

enum err outside_use(struct arena *a, struct outside *o)
{
    TRY(guard_allow(o->may_call));
    o->cache_bytes = CACHE_BYTES;
    TRY(option_bytes("--cache", o->cache, &o->cache_bytes));
    buckets_credentials(o->credentials);
    return mail_use(a, o->smtp, o->smtp_from, o->smtp_password);
}

void outside_fetch(const struct outside *o, struct services *s)
{
    blob_elsewhere(s->blobs, bucket_fetch, s, o->cache_bytes);
}

void outside_pass(const struct outside *o, const char **argv, size_t *n)
{
    struct outside copy = *o;
    const struct option_row rows[] = { OUTSIDE_OPTIONS(&copy) };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (*rows[i].text) {
            argv[(*n)++] = rows[i].name;
            argv[(*n)++] = *rows[i].text;
        }
}
