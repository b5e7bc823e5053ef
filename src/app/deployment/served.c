#include "app/deployment/served.h"
#include "base/clock.h"
#include "base/log.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Of more deployments than there is room for, the first that were asked after the start are counted. */
enum { ROOM = 4096, EVERY_S = 2 };
static const int64_t KEPT_MS = (int64_t)8 * 24 * 3600 * 1000;

const double served_bounds[SERVED_BOUNDS] = { 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 1e300 };

struct counter {
    char deployment[ID_SIZE]; /* "": free */
    struct served all;
    int64_t answered, refused, last_at; /* not written yet */
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t woken;
    pthread_t thread;
    struct sql_pool *pool;
    struct counter slots[ROOM];
    bool running, stop;
} seen = { .lock = PTHREAD_MUTEX_INITIALIZER, .woken = PTHREAD_COND_INITIALIZER };

/* The slot of a deployment; with `make` a free one becomes it. NULL: there is none. The lock is held. */
static struct counter *slot_of(const char *id, bool make)
{
    uint64_t h = 14695981039346656037u;
    for (const char *s = id; *s; s++)
        h = (h ^ (unsigned char)*s) * 1099511628211u;
    for (size_t i = 0; i < ROOM; i++) {
        struct counter *s = &seen.slots[(h + i) % ROOM];
        if (strcmp(s->deployment, id) == 0)
            return s;
        if (*s->deployment)
            continue;
        if (make)
            snprintf(s->deployment, sizeof s->deployment, "%s", id);
        return make ? s : NULL;
    }
    return NULL;
}

void served_answered(const char *id, double latency_s)
{
    int bin = 0;
    while (latency_s > served_bounds[bin])
        bin++;
    pthread_mutex_lock(&seen.lock);
    struct counter *s = slot_of(id, true);
    if (s) {
        s->answered++;
        s->last_at = clock_now_ms();
        s->all.answered++;
        s->all.latencies[bin]++;
        s->all.latency_sum_s += latency_s;
    }
    pthread_mutex_unlock(&seen.lock);
}

void served_refused(const char *id)
{
    pthread_mutex_lock(&seen.lock);
    struct counter *s = slot_of(id, true);
    if (s) {
        s->refused++;
        s->all.refused++;
    }
    pthread_mutex_unlock(&seen.lock);
}

void served_since_start(const char *id, struct served *ret)
{
    pthread_mutex_lock(&seen.lock);
    const struct counter *s = slot_of(id, false);
    *ret = s ? s->all : (struct served){ 0 };
    pthread_mutex_unlock(&seen.lock);
}

/* ---- writing */

/* One that was deleted meanwhile has no row to belong to. */
static enum err write_slot(struct sql *db, const struct counter *s, int64_t now)
{
    struct value last = s->last_at ? V(s->last_at) : V((const char *)NULL);
    return sql_run(db,
                   "INSERT INTO served_minute (deployment_id, minute, answered, refused, last_at)"
                   " SELECT d.id, ?2, ?3, ?4, ?5 FROM deployment d WHERE d.id = ?1"
                   " ON CONFLICT (deployment_id, minute) DO UPDATE SET answered = served_minute.answered + ?3,"
                   " refused = served_minute.refused + ?4, last_at = coalesce(?5, served_minute.last_at)",
                   V((const char *)s->deployment), V(now / MINUTE_MS), V(s->answered), V(s->refused), last);
}

static size_t take_new(struct counter *ret)
{
    size_t n = 0;
    pthread_mutex_lock(&seen.lock);
    for (size_t i = 0; i < ROOM; i++) {
        struct counter *s = &seen.slots[i];
        if (s->answered || s->refused)
            ret[n++] = *s;
        s->answered = s->refused = s->last_at = 0;
    }
    pthread_mutex_unlock(&seen.lock);
    return n;
}

struct minutes {
    const struct counter *slots;
    size_t n;
};

static enum err write_slots(struct sql *db, void *with)
{
    const struct minutes *m = with;
    int64_t now = clock_now_ms();
    for (size_t i = 0; i < m->n; i++)
        TRY(write_slot(db, &m->slots[i], now));
    return OK;
}

enum err served_write(struct sql *db)
{
    AUTO(arena) struct arena *a = arena_new();
    struct counter *slots = arena_new_array(a, struct counter, ROOM);
    struct minutes m = { slots, take_new(slots) };
    return m.n ? sql_write(db, write_slots, &m) : OK;
}

enum err served_sweep(struct sql *db, int64_t now_ms)
{
    return sql_run(db, "DELETE FROM served_minute WHERE minute < ?1", V((now_ms - KEPT_MS) / MINUTE_MS));
}

static enum err flush(void)
{
    struct sql *db = NULL;
    TRY(sql_pool_take(seen.pool, &db));
    enum err e = served_write(db);
    sql_pool_give(seen.pool, db);
    return e;
}

static bool wait_a_while(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec += EVERY_S;
    pthread_mutex_lock(&seen.lock);
    while (!seen.stop && pthread_cond_timedwait(&seen.woken, &seen.lock, &t) == 0)
        ;
    bool stop = seen.stop;
    pthread_mutex_unlock(&seen.lock);
    return !stop;
}

static void *write_now_and_then(void *with)
{
    (void)with;
    for (bool more = true; more;) {
        more = wait_a_while();
        if (flush() != OK)
            log_failure("writing what deployments answered");
    }
    return NULL;
}

enum err served_start(struct sql_pool *pool)
{
    seen.pool = pool;
    seen.stop = false;
    if (pthread_create(&seen.thread, NULL, write_now_and_then, NULL) != 0)
        return fail(E_BROKEN, "cannot start the thread that writes what deployments answered");
    seen.running = true;
    return OK;
}

void served_stop(void)
{
    if (!seen.running)
        return;
    pthread_mutex_lock(&seen.lock);
    seen.stop = true;
    pthread_cond_broadcast(&seen.woken);
    pthread_mutex_unlock(&seen.lock);
    pthread_join(seen.thread, NULL);
    seen.running = false;
}
