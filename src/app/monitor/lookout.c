/* The server's thread that does what monitoring wants done: images measured and scored, deployments checked for drift. What is to
 * do stands in tables, so that a kill loses and doubles nothing. */
#include "app/datalake/datalake.h"
#include "app/monitor/embedding.h"
#include "app/monitor/outlier.h"
#include "base/clock.h"
#include "base/log.h"
#include <pthread.h>
#include <time.h>

enum { LOOKS_AT_A_TIME = 4, SCORES_AT_A_TIME = 4, SHOWN_AT_A_TIME = 4, SOON_S = 1, SELDOM_S = 32, AGAIN_S = 5, GATHER_MS = 200 };
static const double CHECK_WAITS_S = 10;

static struct {
    pthread_mutex_t lock;
    pthread_cond_t more;
    pthread_t thread;
    const struct services *services;
    bool running, stop, work;
} lookout = { .lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER };

static bool stopping(void)
{
    pthread_mutex_lock(&lookout.lock);
    bool stop = lookout.stop;
    pthread_mutex_unlock(&lookout.lock);
    return stop;
}

/* The same step again while there is something to do, so many times at most. */
static enum err repeat(struct sql *db, int most, enum err (*step)(struct sql *, const struct services *, bool *ret_any),
                       bool *any_at_all)
{
    bool any = true;
    for (int i = 0; i < most && any && !stopping(); i++) {
        TRY(step(db, lookout.services, &any));
        *any_at_all = *any_at_all || any;
    }
    return OK;
}

/* A check that is due is made once the images that came are measured, or when it has waited for that long enough. */
static enum err check(struct sql *db, bool measuring, bool *ret_checked)
{
    static double waits_since; /* the lookout's alone; 0: it does not wait */
    if (measuring && waits_since <= 0)
        waits_since = clock_seconds();
    if (measuring && clock_seconds() - waits_since < CHECK_WAITS_S)
        return OK;
    waits_since = 0;
    return drift_check_next(db, ret_checked);
}

/* Some images, some scores, then a check: none waits for all of the others. */
static enum err some_work(struct sql *db, bool *ret_any)
{
    bool checked = false, measuring = false;
    TRY(repeat(db, LOOKS_AT_A_TIME, look_next, &measuring));
    *ret_any = measuring;
    TRY(repeat(db, SCORES_AT_A_TIME, outlier_next, ret_any));
    TRY(repeat(db, SHOWN_AT_A_TIME, embedding_next, ret_any));
    TRY(check(db, measuring, &checked));
    *ret_any = *ret_any || checked;
    return OK;
}

/* Whether it was woken. */
static bool sleep_for(int64_t ms, bool until_woken)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&lookout.lock);
    while (!lookout.stop && !(until_woken && lookout.work) && pthread_cond_timedwait(&lookout.more, &lookout.lock, &until) == 0)
        continue;
    bool woken = until_woken && lookout.work;
    if (until_woken)
        lookout.work = false;
    pthread_mutex_unlock(&lookout.lock);
    return woken;
}

static enum err look(bool *ret_any, bool *ret_fitting)
{
    struct sql *db = NULL;
    TRY(sql_pool_take(lookout.services->pool, &db));
    enum err e = outlier_working(db, ret_fitting); /* before the work: what ends meanwhile is looked for again soon */
    if (e == OK)
        e = some_work(db, ret_any);
    sql_pool_give(lookout.services->pool, db);
    return e;
}

static void catch_up(void)
{
    struct sql *db = NULL;
    enum err e = sql_pool_take(lookout.services->pool, &db);
    if (e == OK)
        e = outlier_catch_up(db);
    if (e != OK)
        log_failure("looking for deployments that were never fitted to");
    if (db)
        sql_pool_give(lookout.services->pool, db);
}

/* Woken before the transaction that made the work is committed, and not at all by the worker, which changes what is compared with,
 * too: it looks again soon after there was something, then less and less often. */
static void *run(void *unused)
{
    int64_t pause_s = SOON_S;
    (void)unused;
    catch_up();
    while (!stopping()) {
        bool any = false, fitting = false;
        if (look(&any, &fitting) != OK) {
            log_failure("monitoring");
            sleep_for((int64_t)AGAIN_S * 1000, false);
        } else if (any || sleep_for(pause_s * 1000, true) || fitting) {
            pause_s = SOON_S;
        } else if (pause_s < SELDOM_S) {
            pause_s *= 2;
        }
        if (!any)
            sleep_for(GATHER_MS, false);
    }
    outlier_stop();
    return NULL;
}

void lookout_start(const struct services *s)
{
    pthread_mutex_lock(&lookout.lock);
    lookout.services = s;
    lookout.work = true;
    lookout.running = pthread_create(&lookout.thread, NULL, run, NULL) == 0;
    pthread_mutex_unlock(&lookout.lock);
}

void lookout_wake(void)
{
    pthread_mutex_lock(&lookout.lock);
    lookout.work = true;
    pthread_cond_signal(&lookout.more);
    pthread_mutex_unlock(&lookout.lock);
}

void lookout_stop(void)
{
    pthread_mutex_lock(&lookout.lock);
    bool running = lookout.running;
    lookout.stop = true;
    pthread_cond_broadcast(&lookout.more);
    pthread_mutex_unlock(&lookout.lock);
    if (running)
        pthread_join(lookout.thread, NULL);
}
