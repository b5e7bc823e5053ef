#include "infer/strikes.h"
#include "base/clock.h"
#include <string.h>

enum { STRIKE_S = 30, STRIKE_MOST_S = 3600 };

void strikes_init(struct strikes *all)
{
    *all = (struct strikes){ .lock = PTHREAD_MUTEX_INITIALIZER };
}

void strikes_done(struct strikes *all)
{
    pthread_mutex_destroy(&all->lock);
}

static struct strike *find_strike(struct strikes *all, const char *hash)
{
    for (size_t i = 0; i < STRIKES; i++)
        if (all->items[i].until > 0 && strcmp(all->items[i].hash, hash) == 0)
            return &all->items[i];
    return NULL;
}

enum err strikes_may_try(struct strikes *all, const char *hash)
{
    pthread_mutex_lock(&all->lock);
    const struct strike *s = find_strike(all, hash);
    double left = s ? s->until - clock_seconds() : 0;
    pthread_mutex_unlock(&all->lock);
    return left <= 0 ? OK : fail(E_UNMEANT, "the model took too long before; it is tried again in %.0f s", left + 1);
}

void strikes_slow(struct strikes *all, const char *hash)
{
    pthread_mutex_lock(&all->lock);
    struct strike *s = find_strike(all, hash);
    double seconds = s ? s->seconds * 2 : STRIKE_S;
    if (!s) { /* the one that ends first makes room */
        s = all->items;
        for (size_t i = 1; i < STRIKES; i++)
            if (all->items[i].until < s->until)
                s = &all->items[i];
    }
    s->seconds = seconds < STRIKE_MOST_S ? seconds : STRIKE_MOST_S;
    s->until = clock_seconds() + s->seconds;
    memcpy(s->hash, hash, HASH_SIZE);
    pthread_mutex_unlock(&all->lock);
}

void strikes_fast(struct strikes *all, const char *hash)
{
    pthread_mutex_lock(&all->lock);
    struct strike *s = find_strike(all, hash);
    if (s)
        *s = (struct strike){ 0 };
    pthread_mutex_unlock(&all->lock);
}
