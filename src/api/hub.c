/* The newest events, read from the table by one thread while anybody listens; listeners hear from its ring, as far as that reaches.
 */
#include "api/hub.h"
#include "base/clock.h"
#include "base/log.h"
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { RING = 2048, POLL_MS = 100, PAUSE_MS = 1000 };

static struct {
    pthread_mutex_t lock;
    pthread_cond_t more;
    pthread_t thread;
    struct sql_pool *pool;
    struct heard ring[RING]; /* id % RING would leave holes: filled in order at `n` */
    uint64_t n;              /* events ever put in */
    int listeners;
    bool running, stop;
} hub = { .lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER };

static void empty(struct heard *i)
{
    free(i->org);
    free(i->topic);
    free(i->json);
    *i = (struct heard){ 0 };
}

static void put(int64_t id, const char *org, const char *topic, const char *json)
{
    struct heard *i = &hub.ring[hub.n % RING];
    empty(i);
    *i = (struct heard){ id, heap_str(org), heap_str(topic), heap_str(json) };
    hub.n++;
}

/* Where many write at a time, a number can be given to an event that is committed after those of later numbers. So who reads stops
 * before a number that is missing, until all transactions that had begun when it was missed have ended: then it is there, or never
 * will be. */
struct reading {
    int64_t last, version; /* -1: not known yet */
    bool waits;            /* for a number that is missing */
    int64_t writer;        /* that began after it was missed */
    int64_t missed;        /* up to this one something is missing */
    int64_t whole;         /* up to this one nothing is missing that will still come */
};

/* *ret_gap: a number is missing before this one, which is not put in. */
static enum err read_new(struct sql *db, struct reading *at, int64_t *ret_gap)
{
    AUTO(rows) struct rows *r = NULL;
    *ret_gap = 0;
    TRY(sql_rows(db, &r, "SELECT id, org, topic, json FROM event WHERE id > ?1 ORDER BY id", V(at->last)));
    pthread_mutex_lock(&hub.lock);
    while (!*ret_gap && rows_next(r)) {
        int64_t id = rows_int(r, 0);
        if (id > at->last + 1 && id - 1 > at->whole) {
            *ret_gap = id;
        } else {
            at->last = id;
            put(id, rows_text(r, 1), rows_text(r, 2), rows_text(r, 3));
        }
    }
    pthread_cond_broadcast(&hub.more);
    pthread_mutex_unlock(&hub.lock);
    return rows_error(r);
}

/* Reads as far as nothing is missing; what is known by now to be missing for good is passed over. */
static enum err read_whole(struct sql *db, struct reading *at)
{
    int64_t oldest = 0, gap = 0;
    if (at->waits)
        TRY(sql_oldest_writer(db, &oldest));
    if (at->waits && oldest < at->writer)
        return OK;
    if (at->waits)
        at->whole = at->missed;
    at->waits = false;
    TRY(read_new(db, at, &gap));
    if (!gap)
        return OK;
    at->missed = gap - 1;
    TRY(sql_next_writer(db, &at->writer));
    at->waits = true;
    return OK;
}

/* Waits until there is somebody to read for. */
static bool wanted(void)
{
    pthread_mutex_lock(&hub.lock);
    while (!hub.stop && !hub.listeners)
        pthread_cond_wait(&hub.more, &hub.lock);
    bool stop = hub.stop;
    pthread_mutex_unlock(&hub.lock);
    return !stop;
}

/* *ret_any: it read, and there may be more at once. */
static enum err look(struct sql *db, struct reading *at, bool *ret_any)
{
    int64_t version = 0;
    *ret_any = false;
    if (at->last < 0)
        TRY(sql_int(db, &at->last, "SELECT coalesce(max(id) - ?1, 0) FROM event", V((int64_t)RING / 2)));
    TRY(sql_data_version(db, &version));
    if (version == at->version && !at->waits)
        return OK;
    TRY(read_whole(db, at));
    *ret_any = version != at->version;
    at->version = version;
    return OK;
}

/* Follows the table while somebody listens; sleeps otherwise. A read that fails (the database is busy, the disk full) is told, and
 * tried again: the pages must not fall silent for it. */
static void *follow(void *with)
{
    struct sql *db = with;
    struct reading at = { .last = -1, .version = -1 };
    while (wanted()) {
        bool any = false;
        enum err e = look(db, &at, &any);
        if (e != OK)
            log_failure("reading events");
        int64_t ms = e != OK ? PAUSE_MS : any ? 0 : POLL_MS;
        struct timespec pause = { ms / 1000, ms % 1000 * 1000000L };
        nanosleep(&pause, NULL);
    }
    sql_pool_give(hub.pool, db);
    return NULL;
}

enum err hub_start(struct sql_pool *pool)
{
    struct sql *db = NULL;
    TRY(sql_pool_take(pool, &db));
    hub.pool = pool;
    hub.stop = false;
    if (pthread_create(&hub.thread, NULL, follow, db) != 0)
        return fail(E_BROKEN, "cannot start the thread for events");
    hub.running = true;
    return OK;
}

void hub_stop(void)
{
    if (!hub.running)
        return;
    pthread_mutex_lock(&hub.lock);
    hub.stop = true;
    pthread_cond_broadcast(&hub.more);
    pthread_mutex_unlock(&hub.lock);
    pthread_join(hub.thread, NULL);
    hub.running = false;
    for (size_t i = 0; i < RING; i++)
        empty(&hub.ring[i]);
}

uint64_t hub_join(bool from_the_first)
{
    pthread_mutex_lock(&hub.lock);
    uint64_t at = !from_the_first ? hub.n : hub.n > RING ? hub.n - RING : 0;
    hub.listeners++;
    pthread_cond_broadcast(&hub.more);
    pthread_mutex_unlock(&hub.lock);
    return at;
}

void hub_leave(void)
{
    pthread_mutex_lock(&hub.lock);
    hub.listeners--;
    pthread_mutex_unlock(&hub.lock);
}

static void wait_ms(int64_t ms)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    int64_t ns = t.tv_nsec + ms * 1000000;
    t.tv_sec += ns / 1000000000;
    t.tv_nsec = ns % 1000000000;
    pthread_cond_timedwait(&hub.more, &hub.lock, &t);
}

/* Whether it took any. */
static bool offer(uint64_t *at, hub_take *take, void *with)
{
    bool took = false;
    if (hub.n > RING && *at < hub.n - RING)
        *at = hub.n - RING;
    for (; *at < hub.n; ++*at) {
        enum hub_taken t = take(with, &hub.ring[*at % RING]);
        if (t == HUB_FULL)
            return true;
        took |= t == HUB_TOOK;
    }
    return took;
}

bool hub_hear(uint64_t *at, double seconds, hub_take *take, void *with)
{
    pthread_mutex_lock(&hub.lock);
    double until = clock_seconds() + seconds;
    while (!offer(at, take, with) && !hub.stop && clock_seconds() < until)
        wait_ms(1000);
    bool stop = hub.stop;
    pthread_mutex_unlock(&hub.lock);
    return !stop;
}
