/* The worker's side of a job: taking it, keeping it, telling how it ended. */
#include "base/clock.h"
#include "base/log.h"
#include "job/job.h"
#include "sql/held.h"
#include <string.h>
#include <time.h>

enum { DEATHS_MOST = 8 };  /* a job whose worker died this often without coming further is not taken up again */
enum { TELL_MS = 500 };    /* progress is written, and pages told, at most this often */
enum { LOOK_MS = 100 };    /* and whether somebody cancelled it is looked at this often */
enum { SETTLE_TRIES = 3 }; /* a busy or full disk for once must not make a job's work be done again */
enum { SETTLE_WAIT_MS = 1000 };

struct lease {
    struct job job; /* first: a job is a lease to this file */
    const struct job_kind *kind;
    const atomic_bool *stop;
    char worker[ID_SIZE];
    int64_t told_ms, looked_ms;
    char *result;
    bool done; /* job_done_within() was called, and the transaction it stood in may have been committed */
};

static void wait_ms(int ms)
{
    struct timespec t = { ms / 1000, ms % 1000 * 1000000L };
    nanosleep(&t, NULL);
}

/* ---- while it runs */

struct renewal {
    struct lease *l;
    double progress;
    const char *doing;
    bool mine;
};

static enum err write_renewal(struct sql *db, void *with)
{
    struct renewal *n = with;
    struct job *j = &n->l->job;
    TRY(sql_run(db,
                "UPDATE job SET progress = ?3, doing = ?4, lease_until = ?5 WHERE id = ?1 AND worker = ?2 AND status = 'RUNNING'",
                V(j->id), V((const char *)n->l->worker), V(n->progress), V(n->doing),
                V(clock_now_ms() + (int64_t)n->l->kind->lease_s * 1000)));
    n->mine = sql_changes(db) == 1;
    return job_tell(db, j->id);
}

static enum err renew(struct lease *l, double progress, const char *doing, bool *ret_mine)
{
    struct renewal n = { l, progress, doing, true };
    TRY(sql_write(l->job.db, write_renewal, &n));
    *ret_mine = n.mine;
    return OK;
}

static enum err renew_now_and_then(struct lease *l, int64_t now, double progress, const char *doing, bool *ret_mine)
{
    if (now - l->told_ms < TELL_MS)
        return OK;
    l->told_ms = now;
    return renew(l, progress, doing, ret_mine);
}

bool job_go_on(struct job *j, double progress, const char *doing)
{
    struct lease *l = (struct lease *)j;
    int64_t now = clock_now_ms(), cancelled = 0;
    if (*l->stop)
        return false;
    if (now - l->looked_ms < LOOK_MS)
        return true;
    l->looked_ms = now;
    bool mine = true;
    if (renew_now_and_then(l, now, progress, doing, &mine) != OK ||
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

enum err job_done_within(struct job *j, const char *result_json)
{
    struct lease *l = (struct lease *)j;
    TRY(sql_run(j->db,
                "UPDATE job SET status = 'SUCCEEDED', error = NULL, result = ?3, worker = NULL, progress = 1.0, ended_at = ?4"
                " WHERE id = ?1 AND worker = ?2 AND status = 'RUNNING' AND cancel <> 3",
                V(j->id), V(l->worker), V(result_json), V(clock_now_ms())));
    if (sql_changes(j->db) != 1)
        return fail(E_CANCELLED, "another worker has the job by now, or what it is about is gone");
    l->done = true;
    return job_tell_status(j->db, j->id);
}

/* ---- its end */

struct ending {
    const char *status, *error;
    bool give_up, keep_try;
};

static enum err end_job(struct lease *l, const struct ending *end)
{
    struct job *j = &l->job;
    bool waits = strcmp(end->status, "PENDING") == 0;
    TRY(sql_run(j->db,
                "UPDATE job SET status = ?3, error = ?4, result = ?5, worker = NULL, tries = tries - ?7, ended_at = ?6,"
                " progress = CASE WHEN ?3 = 'SUCCEEDED' THEN 1.0 ELSE progress END"
                " WHERE id = ?1 AND status = 'RUNNING' AND worker = ?2",
                V(j->id), V((const char *)l->worker), V(end->status), V(end->error), V(l->result),
                waits ? V((const char *)NULL) : V(clock_now_ms()), V(end->keep_try)));
    if (sql_changes(j->db) != 1)
        return OK; /* another worker has it by now, or its last transaction has said so */
    if (end->give_up && l->kind->gave_up)
        TRY(fail_within(l->kind->gave_up(j, end->error), "clearing up after it: "));
    return job_tell_status(j->db, j->id);
}

static enum err end_whole(struct lease *l, const struct ending *end)
{
    TRY(sql_begin(l->job.db));
    return sql_end(l->job.db, end_job(l, end));
}

/* What clears up may fail, for once or for ever. The job ends all the same and says so: a lane must not stand still. */
static enum err end_surely(struct lease *l, struct ending end)
{
    for (int i = 0; i < SETTLE_TRIES; i++) {
        if (end_whole(l, &end) == OK)
            return OK;
        log_failure("settling a job");
        wait_ms(i + 1 < SETTLE_TRIES && !*l->stop ? SETTLE_WAIT_MS : 0);
    }
    if (!end.give_up)
        return fail(E_BROKEN, "the job %s could not be settled: it is taken up again when its lease ends", l->job.id);
    end.error = arena_fmt(l->job.arena, "%s; and %s", end.error, fail_text());
    end.give_up = false;
    return end_whole(l, &end);
}

struct asked {
    int64_t cancel;
    const char *why; /* of CANCEL_GONE */
};

static enum err read_asked(struct job *j, struct asked *ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(j->db, &r, "SELECT cancel, error FROM job WHERE id = ?1", V(j->id)));
    *ret = (struct asked){ rows_int(r, 0), arena_str(j->arena, rows_text(r, 1)) };
    return OK;
}

/* Whatever it stumbled over when its subject was gone: that it is gone is the reason. */
static enum err settle(struct lease *l, enum err outcome, const char *why)
{
    struct job *j = &l->job;
    struct asked asked;
    if (outcome == OK && l->done)
        return OK;
    TRY(read_asked(j, &asked));
    bool gone = outcome != OK && asked.cancel == CANCEL_GONE, interrupted = outcome == E_CANCELLED && *l->stop && !asked.cancel;
    bool again = interrupted || (outcome != OK && outcome != E_CANCELLED && !gone && j->try_number < l->kind->tries);
    struct ending end = { .error = outcome == OK || interrupted ? NULL
                                   : gone                       ? asked.why
                                                                : why,
                          .give_up = outcome != OK && !again,
                          .keep_try = interrupted };
    end.status = outcome == OK ? "SUCCEEDED" : again ? "PENDING" : outcome == E_CANCELLED || gone ? "KILLED" : "FAILED";
    return end_surely(l, end);
}

/* ---- taking it */

#define TAKEABLE " WHERE lane = ?1 AND (status = 'PENDING' OR (status = 'RUNNING' AND lease_until < ?2))"

static enum err any_to_take(struct sql *db, const char *lane, bool *ret)
{
    int64_t n = 0;
    TRY(sql_int(db, &n, "SELECT EXISTS (SELECT 1 FROM job" TAKEABLE ")", V(lane), V(clock_now_ms())));
    *ret = n;
    return OK;
}

static enum err read_oldest(struct sql *db, struct arena *a, const char *lane, struct lease *l, const char **ret_kind,
                            const char **ret_input)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(db, &r,
                  "SELECT id, kind, org, user_id, input, CASE WHEN status = 'RUNNING' AND progress > furthest THEN 0 ELSE tries "
                  "END FROM job" TAKEABLE " ORDER BY created_at LIMIT 1",
                  V(lane), V(clock_now_ms())));
    l->job = (struct job){ .id = arena_str(a, rows_text(r, 0)),
                           .org = arena_str(a, rows_text(r, 2)),
                           .user_id = arena_str(a, rows_text(r, 3)),
                           .db = db,
                           .arena = a,
                           .try_number = (int)rows_int(r, 5) + 1 };
    *ret_kind = l->job.kind = arena_str(a, rows_text(r, 1));
    *ret_input = arena_str(a, rows_text(r, 4));
    return OK;
}

/* Nobody else takes it from here on; the tries that progress gave back are gone. */
static enum err mark_taken(struct sql *db, struct lease *l, int lease_s)
{
    int64_t now = clock_now_ms();
    id_make(l->worker);
    TRY(sql_run(db,
                "UPDATE job SET status = 'RUNNING', worker = ?2, lease_until = ?3, tries = ?5, error = NULL,"
                " furthest = CASE WHEN progress > furthest THEN progress ELSE furthest END, started_at = coalesce(started_at, ?4)"
                " WHERE id = ?1",
                V(l->job.id), V((const char *)l->worker), V(now + (int64_t)lease_s * 1000), V(now), V(l->job.try_number)));
    return job_tell_status(db, l->job.id);
}

/* Why the job that was taken cannot be run; NULL: it can. *ret_known: its kind may clear up after it. */
static const char *hindrance(struct arena *a, struct lease *l, const char *kind, const char *input, bool *ret_known)
{
    l->kind = job_kind_called(kind);
    *ret_known = false;
    if (!l->kind)
        return "this version has no such kind of job";
    if (json_parse(a, input, strlen(input), &l->job.input) != OK)
        return arena_fmt(a, "what it is to do cannot be read: %s", fail_text());
    *ret_known = true;
    return l->job.try_number > l->kind->tries + DEATHS_MOST ? "the worker died each time" : NULL;
}

/* Takes the oldest job that waits, or whose worker let its lease run out. */
struct taking {
    struct arena *arena;
    const char *lane;
    struct lease *l;
    bool taken;
    struct ending end;
};

static enum err take(struct sql *db, void *with)
{
    struct taking *t = with;
    struct lease *l = t->l;
    const char *kind, *input;
    bool known;
    enum err e = read_oldest(db, t->arena, t->lane, l, &kind, &input);
    t->taken = e == OK;
    t->end = (struct ending){ 0 };
    if (e == E_NOT_FOUND)
        return OK;
    TRY(e);
    const char *why = hindrance(t->arena, l, kind, input, &known);
    if (why)
        t->end = (struct ending){ .status = "FAILED", .error = why, .give_up = known };
    return mark_taken(db, l, l->kind ? l->kind->lease_s : 0);
}

/* One that was cancelled before it ran has ended; what was put up for it is cleared away. */
static enum err clear(struct sql *db, struct arena *a, void *with, const char *lane, bool *ret_any)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r, "SELECT id, kind, org, user_id, input FROM job WHERE lane = ?1 AND cancel = 2 LIMIT 1", V(lane)));
    *ret_any = rows_next(r);
    if (!*ret_any)
        return rows_error(r);
    struct job j = { .id = arena_str(a, rows_text(r, 0)),
                     .kind = arena_str(a, rows_text(r, 1)),
                     .org = arena_str(a, rows_text(r, 2)),
                     .user_id = arena_str(a, rows_text(r, 3)),
                     .db = db,
                     .arena = a,
                     .with = with };
    const struct job_kind *k = job_kind_called(j.kind);
    const char *input = arena_str(a, rows_text(r, 4));
    rows_done(r);
    r = NULL;
    TRY(sql_run(db, "UPDATE job SET cancel = 1 WHERE id = ?1", V(j.id)));
    if (!k || !k->gave_up || json_parse(a, input, strlen(input), &j.input) != OK)
        return OK;
    return k->gave_up(&j, "it was cancelled before it began");
}

static enum err clear_cancelled(struct sql *db, void *with, const char *lane)
{
    for (bool any = true; any;) {
        AUTO(arena) struct arena *a = arena_new();
        int64_t n = 0;
        TRY(sql_int(db, &n, "SELECT count(*) FROM job WHERE lane = ?1 AND cancel = 2", V(lane)));
        if (!n)
            return OK; /* no write transaction for nothing */
        TRY(sql_begin(db));
        TRY(sql_end(db, clear(db, a, with, lane, &any)));
    }
    return OK;
}

static enum err run(struct lease *l)
{
    held_as("job", l->kind->name);
    enum err outcome = l->kind->run(&l->job);
    held_as(NULL, NULL);
    const char *why = outcome == OK ? NULL : arena_fmt(l->job.arena, "%s", fail_text());
    if (outcome != OK)
        log_line(LOG_WARN, NULL, "job %s (%s), try %d: %s (%s)", l->job.id, l->kind->name, l->job.try_number, why, fail_place());
    return settle(l, outcome, why);
}

enum err job_run_one(struct sql *db, void *with, const char *lane, const atomic_bool *stop, bool *ret_ran)
{
    AUTO(arena) struct arena *a = arena_new();
    struct lease *l = arena_take(a, sizeof *l);
    struct taking t = { .arena = a, .lane = lane, .l = l };
    *ret_ran = false;
    if (clear_cancelled(db, with, lane) != OK)
        log_failure("clearing up after a job that was cancelled"); /* the next turn tries again, and other jobs go on */
    TRY(any_to_take(db, lane, &t.taken));
    if (!t.taken)
        return OK; /* no write transaction for nothing: each commit of anybody brings all lanes here */
    TRY(sql_write(db, take, &t));
    if (!t.taken)
        return OK;
    l->job.with = with;
    l->stop = stop;
    *ret_ran = true;
    return t.end.status ? end_surely(l, t.end) : run(l);
}

enum err job_take_over(struct sql *db)
{
    return sql_run(db, "UPDATE job SET lease_until = 0 WHERE status = 'RUNNING'");
}

/* Looks when somebody else has committed, and once a second for leases that ran out. */
void job_loop(struct sql *db, void *with, const struct job_lane *lane, const atomic_bool *stop)
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
            if (job_run_one(db, with, lane->name, stop, &ran) != OK)
                log_failure("running jobs");
        }
        if (ran)
            seen = -1; /* there may be more */
        else
            wait_ms(100);
    }
}
