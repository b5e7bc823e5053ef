/* saccade worker: runs jobs in lanes (app/jobs.c), so that a training never holds up an import. Started by serve. */
#include "api/dispatch.h"
#include "base/confine.h"
#include "base/file.h"
#include "base/log.h"
#include "blob/blob.h"
#include "blob/sign.h"
#include "cli/cli.h"
#include "cli/folder.h"
#include "cli/options.h"
#include "cli/outside.h"
#include "cli/upkeep.h"
#include "cli/watcher.h"
#include "job/job.h"
#include "sql/held.h"
#include <assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static atomic_bool stopping;

static void on_end(int signal_number)
{
    (void)signal_number;
    stopping = true;
}

struct runner { /* one of a lane's places for jobs */
    struct services *services;
    const struct job_lane *lane;
    pthread_t thread;
};

enum { RUNNERS_MOST = 32 };

static void *run_lane(void *with)
{
    struct runner *l = with;
    struct sql *db = NULL;
    if (sql_pool_take(l->services->pool, &db) != OK) {
        log_failure("starting a lane of the worker");
        return NULL;
    }
    job_loop(db, l->services, l->lane, &stopping);
    sql_pool_give(l->services->pool, db);
    return NULL;
}

/* The only worker of a folder, and of a database that other folders share, need not wait for leases of one that was killed. The
 * lock, and the connection that says so to others, are held until the process ends. */
static enum err free_orphans(const char *path, const char *where, bool *ret_only)
{
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0)
        return fail(E_BROKEN, "cannot open %s", path);
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        close(lock);
        *ret_only = false;
        return OK;
    }
    *ret_only = true;
    bool first = false;
    static struct sql *among_workers;
    TRY(sql_open(where, &among_workers));
    TRY(sql_join(among_workers, "workers", &first));
    return first ? job_take_over(among_workers) : OK;
}

/* After an update of the program an older server may start this worker again before it is ended itself. */
static enum err check_version(struct services *s)
{
    struct sql *db = NULL;
    TRY(sql_pool_take(s->pool, &db));
    enum err e = schema_need_today(db);
    sql_pool_give(s->pool, db);
    return e;
}

static enum err start_lanes(struct services *s, const char *has, struct runner *runners, size_t *ret_n)
{
    for (const struct job_lane *l = job_lanes; l->name; l++)
        for (int i = 0; i < l->at_once && job_lane_fits(l, has); i++) {
            assert(*ret_n < RUNNERS_MOST);
            struct runner *r = &runners[*ret_n];
            *r = (struct runner){ .services = s, .lane = l };
            if (pthread_create(&r->thread, NULL, run_lane, r) != 0)
                return fail(E_BROKEN, "cannot start a thread"); /* the program ends, and with it what was started */
            ++*ret_n;
        }
    return OK;
}

static enum err work(struct services *s, const struct outside *o, const char *data, const char *has, struct arena *a)
{
    struct runner runners[RUNNERS_MOST];
    size_t n = 0;
    bool only;
    const char *where;
    TRY(blob_open(data, &s->blobs));
    TRY(sign_key_open(arena_fmt(a, "%s/key", data), &s->key));
    TRY(folder_db(a, data, &where));
    TRY(sql_pool_open(where, &s->pool));
    outside_fetch(o, s);
    TRY(held_share(arena_fmt(a, "%s/write-lock", data), false));
    TRY(check_version(s));
    TRY(free_orphans(arena_fmt(a, "%s/worker.lock", data), where, &only));
    TRY(upkeep_start(s, &stopping));
    if (only)
        TRY(watcher_start(s, &stopping));
    TRY(start_lanes(s, has, runners, &n));
    for (size_t i = 0; i < n; i++)
        pthread_join(runners[i].thread, NULL);
    upkeep_wait();
    if (only)
        watcher_wait();
    sql_pool_close(s->pool);
    sign_key_free(s->key);
    blob_close(s->blobs);
    return OK;
}

/* What it and its trainings may do: change files in the data folder, and make temporary ones. */
static void give_up(const char *data)
{
    const char *const folders[] = { data, getenv("TMPDIR"), "/tmp", "/var/tmp" };
    confine_offer_to_die(300);
    confine_privileges();
    confine_writes(folders, COUNT_OF(folders));
}

int worker_main(int argc, char **argv)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *data = "data", *host = NULL, *has = "";
    struct outside outside = { 0 };
    const struct option_row options[] = { { "--data", &data }, { "--host", &host }, { "--has", &has }, OUTSIDE_OPTIONS(&outside) };
    if (options_read(argc, argv, options, COUNT_OF(options), NULL, 0, NULL) != OK || outside_use(a, &outside) != OK)
        return command_failed("worker");
    signal(SIGTERM, on_end);
    signal(SIGINT, SIG_IGN); /* Ctrl-C goes to the server, which ends its children in order */
    signal(SIGPIPE, SIG_IGN);
    log_start("worker", LOG_INFO);
    give_up(data);
    struct services s = { .data_dir = data, .local_url = host, .self_path = file_self(a), .version = saccade_version };
    return work(&s, &outside, data, has, a) == OK ? 0 : command_failed("worker");
}
