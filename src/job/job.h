/* job.h - work that outlives a request: rows in the table `job`, taken by the worker with a lease.
 *
 * A worker renews its lease while it works; a job whose lease ran out (the worker was killed) is taken up again, until its tries
 * are used up. Kinds are rows of app/jobs.c. A step must be repeatable: whole or nothing, or able to go on from what is there. */
#pragma once
#include "base/arena.h"
#include "sql/sql.h"
#include "json/json.h"

extern const char job_table[]; /* CREATE TABLE job … */

/* Inside the caller's transaction. input: a JSON object's text. org and user may be NULL. */
MUST_USE enum err job_add(struct sql *, struct arena *, const char *kind, const char *org, const char *user_id, const char *input,
                          const char **ret_id);
/* A record of work that was done at once within the request (the contract wants a job to poll): status SUCCEEDED. */
MUST_USE enum err job_add_done(struct sql *, struct arena *, const char *kind, const char *org, const char *user_id,
                               const char *result, const char **ret_id);
MUST_USE enum err job_cancel(struct sql *, const char *id); /* asks; the job stops at its next job_go_on() */

struct job {
    const char *id, *org, *user_id;
    const struct json *input;
    struct sql *db;
    struct arena *arena;
    void *with;     /* the worker's services */
    int try_number; /* 1 for the first */
};
/* Progress (0 to 1) and heartbeat in one; cheap, so call it often. False: cancelled, the program ends, or another worker has the
 * lease: stop and return E_CANCELLED, leaving what stands. */
bool job_go_on(struct job *, double progress, const char *doing);
void job_result(struct job *, const char *json);

struct job_kind {
    const char *name;
    enum err (*run)(struct job *);
    void (*gave_up)(struct job *,
                    const char *why); /* after the last try failed, or it was cancelled; may be NULL; in a transaction */
    int tries, lease_s;
    bool slow; /* runs in the lane for long work (trainings), so that quick jobs never wait for it */
};
extern const struct job_kind *const job_kinds[]; /* app/jobs.c */

/* Jobs that run in the name of a worker that is gone are free at once. For who knows that no other worker is there. */
MUST_USE enum err job_take_over(struct sql *);
/* The worker's loop: takes jobs until *stop. A job that is stopped half-way by that waits again, and the try does not count.
 * slow: which lane. */
void job_loop(struct sql *, void *with, bool slow, const volatile bool *stop);
MUST_USE enum err job_run_one(struct sql *, void *with, bool slow, const volatile bool *stop, bool *ret_ran); /* one turn of it */
void job_use_kinds(const struct job_kind *const *); /* instead of app/jobs.c's: for tests */

/* Status words of the table: PENDING, RUNNING, SUCCEEDED, FAILED, KILLED (the contract's version 2). */
const char *job_v1_status(const char *status); /* RUNNING, SUCCESS, FAILED, TERMINATED */
