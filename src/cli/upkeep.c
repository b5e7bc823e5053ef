#include "cli/upkeep.h"
#include "api/bulk.h"
#include "app/account/account.h"
#include "app/annotation/annotation.h"
#include "app/deployment/deployment.h"
#include "base/clock.h"
#include "base/log.h"
#include "blob/blob.h"
#include <pthread.h>
#include <unistd.h>

/* ---- sweeping */

static enum err object_is_named(void *with, const char *hash, bool *ret)
{
    int64_t n = 0;
    TRY(sql_int(with, &n, "SELECT EXISTS (SELECT 1 FROM object WHERE hash = ?1 AND away = 0)", V(hash)));
    *ret = n != 0;
    return OK;
}

/* Pages that come back later than so many events ago read the things themselves. */
enum { EVENTS_KEPT = 20000 };

static void sweep_once(struct services *s)
{
    struct sql *db = NULL;
    int64_t n = 0;
    enum err e = sql_pool_take(s->pool, &db);
    if (e == OK) {
        e = blob_sweep(s->blobs, object_is_named, db, &n);
        if (e == OK)
            e = bulk_sweep(db);
        if (e == OK)
            e = served_sweep(db, clock_now_ms());
        if (e == OK)
            e = told_sweep(db);
        if (e == OK)
            e = sql_run(db, "DELETE FROM event WHERE id <= (SELECT max(id) FROM event) - ?1", V(EVENTS_KEPT));
        sql_pool_give(s->pool, db);
    }
    if (e != OK)
        log_failure("sweeping");
    else if (n)
        log_line(LOG_INFO, NULL, "%lld objects that nothing names were moved to the trash", (long long)n);
}

/* Imports that were cut off: until they are undone nobody else writes there. */
static void sweep_batches(struct services *s)
{
    struct sql *db = NULL;
    enum err e = sql_pool_take(s->pool, &db);
    if (e == OK) {
        e = batch_sweep(db);
        sql_pool_give(s->pool, db);
    }
    if (e != OK)
        log_failure("undoing imports that were cut off");
}

/* ---- the thread */

/* Reading all slowly: 1 TB in two days or so, and a disk of 100 MB/s is left nine tenths of its time. */
#define SCRUB_BYTES_S (10e6)
enum { FIRST_SWEEP_S = 600, SWEEP_S = 6 * 3600, FIRST_SCRUB_S = 1800, SCRUB_PAUSE_S = 24 * 3600 };

static const atomic_bool *ends;

static bool wait_s(void *with, double seconds)
{
    (void)with;
    for (double until = clock_seconds() + seconds; !*ends && clock_seconds() < until;)
        usleep(seconds < 0.2 ? (useconds_t)(seconds * 1e6) + 1 : 200000);
    return !*ends;
}

static void *run_sweeper(void *with)
{
    sweep_batches(with);
    for (double pause = FIRST_SWEEP_S; wait_s(NULL, pause); pause = SWEEP_S) {
        sweep_once(with);
        sweep_batches(with);
    }
    return NULL;
}

static void *run_scrubber(void *with)
{
    struct services *s = with;
    int64_t damaged = 0;
    for (double pause = FIRST_SCRUB_S; wait_s(NULL, pause); pause = SCRUB_PAUSE_S) {
        if (blob_scrub(s->blobs, SCRUB_BYTES_S, wait_s, NULL, &damaged) != OK)
            log_failure("scrubbing");
        if (damaged)
            log_line(LOG_ERROR, NULL, "%lld objects had changed on disk; `saccade fsck` names them", (long long)damaged);
    }
    return NULL;
}

static pthread_t sweeper, scrubber;

enum err upkeep_start(struct services *s, const atomic_bool *stopping)
{
    ends = stopping;
    if (pthread_create(&sweeper, NULL, run_sweeper, s) != 0 || pthread_create(&scrubber, NULL, run_scrubber, s) != 0)
        return fail(E_BROKEN, "cannot start a thread"); /* the program ends, and with it what was started */
    return OK;
}

void upkeep_wait(void)
{
    pthread_join(sweeper, NULL);
    pthread_join(scrubber, NULL);
}
