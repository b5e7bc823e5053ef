#include "job/job.h"
#include "base/clock.h"
#include "base/log.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

const char job_table[] =
    "CREATE TABLE job ("
    " id TEXT PRIMARY KEY, kind TEXT NOT NULL, org TEXT, user_id TEXT, input TEXT NOT NULL, slow INTEGER NOT NULL,"
    " status TEXT NOT NULL CHECK (status IN ('PENDING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'KILLED')),"
    " progress REAL NOT NULL DEFAULT 0, doing TEXT, result TEXT, error TEXT, tries INTEGER NOT NULL DEFAULT 0,"
    " cancel INTEGER NOT NULL DEFAULT 0, worker TEXT, lease_until INTEGER NOT NULL DEFAULT 0,"
    " created_at INTEGER NOT NULL, started_at INTEGER, ended_at INTEGER) STRICT;"
    "CREATE INDEX job_waiting ON job (slow, created_at) WHERE status IN ('PENDING', 'RUNNING');"
    "CREATE INDEX job_of_org ON job (org, created_at)";

enum { DEATHS_MOST = 8 }; /* a job whose worker died this often is not taken up again */
enum { TELL_MS = 500 };   /* progress is written, and pages told, at most this often */

static const struct job_kind *const *kinds = job_kinds;

void job_use_kinds(const struct job_kind *const *k)
{
    kinds = k;
}

static const struct job_kind *kind_called(const char *name)
{
    for (const struct job_kind *const *k = kinds; *k; k++)
        if (strcmp((*k)->name, name) == 0)
            return *k;
    return NULL;
}

/* Pages watch the topic "job"; the row is told through the same table that api/event.c streams from. */
static enum err tell(struct sql *db, const char *id)
{
    return sql_run(db,
                   "INSERT INTO event (topic, json, at) SELECT 'job', json_object('id', id, 'kind', kind, 'status', status, "
                   "'progress', progress,"
                   " 'doing', doing, 'error', error, 'org', org), ?2 FROM job WHERE id = ?1",
                   V(id), V(clock_now_ms()));
}

static enum err add(struct sql *db, struct arena *a, const char *kind, const char *org, const char *user_id, const char *input,
                    bool slow, const char *status, const char *result, const char **ret_id)
{
    const char *id = id_new(a);
    int64_t now = clock_now_ms();
    TRY(sql_run(db,
                "INSERT INTO job (id, kind, org, user_id, input, slow, status, progress, result, created_at, ended_at)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7 = 'SUCCEEDED', ?8, ?9, iif(?7 = 'SUCCEEDED', ?9, NULL))",
                V(id), V(kind), V(org), V(user_id), V(input), V(slow), V(status), V(result), V(now)));
    TRY(tell(db, id));
    *ret_id = id;
    return OK;
}

enum err job_add(struct sql *db, struct arena *a, const char *kind, const char *org, const char *user_id, const char *input,
                 const char **ret_id)
{
    const struct job_kind *k = kind_called(kind);
    if (!k)
        return fail(E_BROKEN, "there is no kind of job called %s", kind);
    return add(db, a, kind, org, user_id, input, k->slow, "PENDING", NULL, ret_id);
}

enum err job_add_done(struct sql *db, struct arena *a, const char *kind, const char *org, const char *user_id, const char *result,
                      const char **ret_id)
{
    return add(db, a, kind, org, user_id, "{}", false, "SUCCEEDED", result, ret_id);
}

enum err job_cancel(struct sql *db, const char *id)
{
    TRY(sql_run(db, "UPDATE job SET cancel = 1 WHERE id = ?1 AND status IN ('PENDING', 'RUNNING')", V(id)));
    TRY(sql_run(db, "UPDATE job SET status = 'KILLED', ended_at = ?2 WHERE id = ?1 AND status = 'PENDING'", V(id),
                V(clock_now_ms())));
    return tell(db, id);
}

const char *job_v1_status(const char *status)
{
    return strcmp(status, "SUCCEEDED") == 0 ? "SUCCESS"
           : strcmp(status, "FAILED") == 0  ? "FAILED"
           : strcmp(status, "KILLED") == 0  ? "TERMINATED"
                                            : "RUNNING";
}

/* ---- the worker's side */

struct lease {
    struct job job; /* first: a job is a lease to this file */
    const struct job_kind *kind;
    const volatile bool *stop;
    char worker[ID_SIZE];
    int64_t told_ms;
    char *result;
};

static enum err renew(struct lease *l, double progress, const char *doing, bool *ret_mine)
{
    struct job *j = &l->job;
    int64_t now = clock_now_ms();
    TRY(sql_begin(j->db));
    enum err e = sql_run(
        j->db, "UPDATE job SET progress = ?3, doing = ?4, lease_until = ?5 WHERE id = ?1 AND worker = ?2 AND status = 'RUNNING'",
        V(j->id), V(l->worker), V(progress), V(doing), V(now + (int64_t)l->kind->lease_s * 1000));
    *ret_mine = sql_changes(j->db) == 1;
    if (e == OK)
        e = tell(j->db, j->id);
    return sql_end(j->db, e);
}

bool job_go_on(struct job *j, double progress, const char *doing)
{
    struct lease *l = (struct lease *)j;
    int64_t now = clock_now_ms(), cancelled = 0;
    if (*l->stop)
        return false;
    if (now - l->told_ms < TELL_MS)
        return true;
    l->told_ms = now;
    bool mine = true;
    if (renew(l, progress, doing, &mine) != OK ||
        sql_int(j->db, &cancelled, "SELECT cancel FROM job WHERE id = ?1", V(j->id)) != OK) {
        log_failure("renewing a job's lease"); /* busy for once: the lease lasts until the next time */
        return true;
    }
    return mine && !cancelled;
}

void job_result(struct job *j, const char *json)
{
    ((struct lease *)j)->result = arena_str(j->arena, json);
}

/* Takes the oldest job that waits, or whose worker let its lease run out. */
static enum err take(struct sql *db, struct arena *a, bool slow, struct lease *l, bool *ret_taken)
{
    int64_t now = clock_now_ms();
    AUTO(rows) struct rows *r = NULL;
    enum err e = sql_first(
        db, &r,
        "SELECT id, kind, org, user_id, input, tries FROM job WHERE slow = ?1 AND (status = 'PENDING' OR (status = 'RUNNING'"
        " AND lease_until < ?2)) ORDER BY created_at LIMIT 1",
        V(slow), V(now));
    if (e == E_NOT_FOUND) {
        *ret_taken = false;
        return OK;
    }
    TRY(e);
    l->job = (struct job){ .id = arena_str(a, rows_text(r, 0)),
                           .org = arena_str(a, rows_text(r, 2)),
                           .user_id = arena_str(a, rows_text(r, 3)),
                           .db = db,
                           .arena = a,
                           .try_number = (int)rows_int(r, 5) + 1 };
    l->kind = kind_called(rows_text(r, 1));
    const char *input = arena_str(a, rows_text(r, 4));
    if (!l->kind) {
        TRY(sql_run(db,
                    "UPDATE job SET status = 'FAILED', error = 'this version has no such kind of job', ended_at = ?2 WHERE id = ?1",
                    V(l->job.id), V(now)));
        *ret_taken = false;
        return OK;
    }
    TRY(json_parse(a, input, strlen(input), &l->job.input));
    if (l->job.try_number > l->kind->tries + DEATHS_MOST) {
        TRY(sql_run(db, "UPDATE job SET status = 'FAILED', error = 'the worker died each time', ended_at = ?2 WHERE id = ?1",
                    V(l->job.id), V(now)));
        if (l->kind->gave_up)
            l->kind->gave_up(&l->job, "the worker died each time");
        *ret_taken = false;
        return tell(db, l->job.id);
    }
    id_make(l->worker);
    TRY(sql_run(db,
                "UPDATE job SET status = 'RUNNING', worker = ?2, lease_until = ?3, tries = tries + 1, error = NULL,"
                " started_at = coalesce(started_at, ?4) WHERE id = ?1",
                V(l->job.id), V(l->worker), V(now + (int64_t)l->kind->lease_s * 1000), V(now)));
    TRY(tell(db, l->job.id));
    *ret_taken = true;
    return OK;
}

static enum err settle(struct lease *l, enum err outcome, const char *why)
{
    struct job *j = &l->job;
    int64_t cancelled = 0;
    TRY(sql_int(j->db, &cancelled, "SELECT cancel FROM job WHERE id = ?1", V(j->id)));
    bool interrupted = outcome == E_CANCELLED && *l->stop && !cancelled;
    bool again = interrupted || (outcome != OK && outcome != E_CANCELLED && j->try_number < l->kind->tries);
    const char *status = outcome == OK ? "SUCCEEDED" : again ? "PENDING" : outcome == E_CANCELLED ? "KILLED" : "FAILED";
    TRY(sql_run(j->db,
                "UPDATE job SET status = ?3, error = ?4, result = ?5, worker = NULL, progress = iif(?3 = 'SUCCEEDED', 1, progress),"
                " tries = tries - ?7, ended_at = iif(?3 = 'PENDING', NULL, ?6) WHERE id = ?1 AND worker = ?2",
                V(j->id), V(l->worker), V(status), V(outcome == OK || interrupted ? NULL : why), V(l->result), V(clock_now_ms()),
                V(interrupted)));
    if (sql_changes(j->db) != 1)
        return OK; /* another worker has it by now */
    if (outcome != OK && !again && l->kind->gave_up)
        l->kind->gave_up(j, why);
    return tell(j->db, j->id);
}

enum err job_take_over(struct sql *db)
{
    return sql_run(db, "UPDATE job SET lease_until = 0 WHERE status = 'RUNNING'");
}

enum err job_run_one(struct sql *db, void *with, bool slow, const volatile bool *stop, bool *ret_ran)
{
    AUTO(arena) struct arena *a = arena_new();
    struct lease *l = arena_take(a, sizeof *l);
    TRY(sql_begin(db));
    TRY(sql_end(db, take(db, a, slow, l, ret_ran)));
    if (!*ret_ran)
        return OK;
    l->job.with = with;
    l->stop = stop;
    enum err outcome = l->kind->run(&l->job);
    const char *why = outcome == OK ? NULL : arena_fmt(a, "%s", fail_text());
    if (outcome != OK)
        log_line(LOG_WARN, NULL, "job %s (%s), try %d: %s (%s)", l->job.id, l->kind->name, l->job.try_number, why, fail_place());
    TRY(sql_begin(db));
    return sql_end(db, settle(l, outcome, why));
}

static void wait_ms(int ms)
{
    struct timespec t = { ms / 1000, ms % 1000 * 1000000L };
    nanosleep(&t, NULL);
}

/* Looks when somebody else has committed, and once a second for leases that ran out. */
void job_loop(struct sql *db, void *with, bool slow, const volatile bool *stop)
{
    int64_t seen = -1, looked_ms = 0;
    while (!*stop) {
        int64_t version = 0;
        if (sql_data_version(db, &version) != OK)
            log_failure("watching for jobs");
        bool ran = false;
        if (version != seen || clock_now_ms() - looked_ms > 1000) {
            seen = version;
            looked_ms = clock_now_ms();
            if (job_run_one(db, with, slow, stop, &ran) != OK)
                log_failure("running jobs");
        }
        if (ran)
            seen = -1; /* there may be more */
        else
            wait_ms(100);
    }
}
