/* How much an organization may store: one number for all, set by the server's administrator (serve --quota). Each object counts
 * with its size, also where two have the same bytes. */
#include "app/datalake/datalake.h"
#include "base/clock.h"
#include <pthread.h>
#include <string.h>

enum { KNOWN = 64, FRESH_S = 10 }; /* sums are kept for so long: a sum costs a look at all objects */

static uint64_t most; /* 0: no limit */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct known {
    char org[ID_SIZE];
    uint64_t bytes;
    double at;
} known[KNOWN];

void quota_set(uint64_t bytes)
{
    most = bytes;
}

static struct known *find(const char *org)
{
    struct known *oldest = known;
    for (size_t i = 0; i < KNOWN; i++) {
        if (strcmp(known[i].org, org) == 0)
            return &known[i];
        if (known[i].at < oldest->at)
            oldest = &known[i];
    }
    *oldest = (struct known){ .at = -FRESH_S };
    strncpy(oldest->org, org, sizeof oldest->org - 1);
    return oldest;
}

static enum err sum(struct sql *db, const char *org, uint64_t *ret)
{
    pthread_mutex_lock(&lock);
    struct known k = *find(org);
    pthread_mutex_unlock(&lock);
    *ret = k.bytes;
    if (clock_seconds() - k.at < FRESH_S)
        return OK;
    int64_t bytes = 0;
    TRY(sql_int(db, &bytes, "SELECT coalesce(sum(size), 0) FROM object WHERE org = ?1 AND away = 0", V(org)));
    pthread_mutex_lock(&lock);
    struct known *now = find(org);
    now->bytes = *ret = (uint64_t)bytes;
    now->at = clock_seconds();
    pthread_mutex_unlock(&lock);
    return OK;
}

enum err quota_check(struct sql *db, const char *org, uint64_t more)
{
    uint64_t bytes = 0;
    if (!most)
        return OK;
    TRY(sum(db, org, &bytes));
    if (bytes + more > most)
        return fail(E_TOO_BIG, "the organization has stored %llu of the %llu bytes that it may; %llu more do not fit",
                    (unsigned long long)bytes, (unsigned long long)most, (unsigned long long)more);
    return OK;
}

enum err quota_take(struct sql *db, const char *org, const char *object_name, uint64_t size)
{
    int64_t there = 0;
    if (!most)
        return OK;
    TRY(sql_int(db, &there, "SELECT count(*) FROM object WHERE name = ?1", V(object_name)));
    if (there)
        return OK;
    TRY(quota_check(db, org, size));
    pthread_mutex_lock(&lock);
    find(org)->bytes += size; /* too much until the next look, should the transaction fail */
    pthread_mutex_unlock(&lock);
    return OK;
}
