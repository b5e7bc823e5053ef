#include "cli/watcher.h"
#include "app/account/account.h"
#include "app/datalake/datalake.h"
#include "app/deployment/deployment.h"
#include "app/monitor/monitor.h"
#include "base/clock.h"
#include "base/log.h"
#include "sql/held.h"
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

/* Alerts are looked at this often when something was written, and that often else: windows move, and holding takes time. They may
 * take a tenth of a processor. */
#define BUSY_S (1.0)
#define IDLE_S (5.0)
#define PART (0.1)

static const atomic_bool *ends;
static pthread_t looking;
static atomic_bool leads; /* of the workers on one database one looks and sends */

static void look(struct sql *db, int64_t *version, double *last)
{
    int64_t now_version = 0;
    double begun = clock_seconds();
    if (sql_data_version(db, &now_version) != OK) {
        log_failure("looking at the alerts");
        return;
    }
    if (now_version == *version && begun - *last < IDLE_S)
        return;
    if (alerts_look(db, clock_now_ms(), now_version != *version) != OK)
        log_failure("looking at the alerts");
    if (gates_look(db) != OK)
        log_failure("looking at what promotes itself");
    if (trainings_look(db, clock_now_ms()) != OK)
        log_failure("looking at what starts a training");
    if (syncs_look(db, clock_now_ms()) != OK)
        log_failure("looking at what is kept in step with buckets");
    *version = now_version;
    *last = begun;
}

static void pause_after(double took)
{
    double until = clock_seconds() + fmax(BUSY_S, took * (1 / PART - 1));
    while (!*ends && clock_seconds() < until)
        usleep(100000);
}

static void *run(void *with)
{
    struct services *s = with;
    struct sql *db = NULL;
    int64_t version = -1;
    double last = 0;
    if (sql_pool_take(s->pool, &db) != OK) {
        log_failure("starting to look at the alerts");
        return NULL;
    }
    held_as("worker", "alerts");
    while (!*ends) {
        double begun = clock_seconds();
        bool we = false;
        if (sql_lead(db, "watcher", &we) != OK)
            log_failure("looking who looks at the alerts");
        leads = we;
        if (we)
            look(db, &version, &last);
        pause_after(clock_seconds() - begun);
    }
    sql_pool_give(s->pool, db);
    return NULL;
}

/* ---- sending */

enum { LOOK_US = 250000 };

static void *carry(void *with)
{
    struct services *s = with;
    struct sql *db = NULL;
    if (sql_pool_take(s->pool, &db) != OK) {
        log_failure("starting to send what is told");
        return NULL;
    }
    held_as("worker", "deliveries");
    while (!*ends) {
        bool sent = false;
        if (leads && courier_turn(db, s, &sent) != OK)
            log_failure("sending what is told");
        if (!sent)
            usleep(LOOK_US);
    }
    sql_pool_give(s->pool, db);
    return NULL;
}

static pthread_t couriers[COURIERS];

enum err watcher_start(struct services *s, const atomic_bool *stopping)
{
    ends = stopping;
    bool started = pthread_create(&looking, NULL, run, s) == 0;
    for (size_t i = 0; i < COURIERS; i++)
        started = started && pthread_create(&couriers[i], NULL, carry, s) == 0;
    return started ? OK : fail(E_BROKEN, "cannot start a thread"); /* the program ends, and with it what was started */
}

void watcher_wait(void)
{
    pthread_join(looking, NULL);
    for (size_t i = 0; i < COURIERS; i++)
        pthread_join(couriers[i], NULL);
}
