/* job.h - work that outlives a request: rows in the table `job`, taken by the worker with a lease.
 *
 * A worker renews its lease while it works; a job whose lease ran out (the worker was killed) is taken up again, until its tries
 * are used up; each time that it had come further than ever before, they are counted anew. Kinds and lanes are rows of app/jobs.c.
 * A step must be repeatable: whole or nothing, or able to go on from what is there. */
#pragma once
#include "base/arena.h"
#include "sql/sql.h"
#include "json/json.h"
#include <stdatomic.h>

extern const char job_table[]; /* CREATE TABLE job … */

/* Inside the caller's transaction. input: a JSON object's text. org and user may be NULL. */
MUST_USE enum err job_add(struct sql *, struct arena *, const char *kind, const char *org, const char *user_id, const char *input,
                          const char **ret_id);
/* The same under an id that the caller has made: what the job is to find is written down under it before. */
MUST_USE enum err job_add_as(struct sql *, const char *id, const char *kind, const char *org, const char *user_id,
                             const char *input);
/* A record of work that was done at once within the request (the contract wants a job to poll): status SUCCEEDED. */
MUST_USE enum err job_add_done(struct sql *, struct arena *, const char *kind, const char *org, const char *user_id,
                               const char *result, const char **ret_id);
/* What people call the thing that it works on, and that thing's id; inside the transaction that adds it. */
MUST_USE enum err job_about(struct sql *, const char *id, const char *about_id, const char *about);
MUST_USE enum err job_about_the_same(struct sql *, const char *id, const char *as_job); /* and reads the same */
/* What it reads besides, and nobody may change meanwhile: what is copied. */
MUST_USE enum err job_reads(struct sql *, const char *id, const char *reads_id);
/* The thing is deleted by this transaction: jobs that are about it, or read it, end as KILLED and say so (`why`), except those that
 * delete it. */
MUST_USE enum err job_subject_gone(struct sql *, const char *about_id, const char *why);
/* What a job does to the thing that it is about. Those that add to it go beside each other; who changes it is alone with it. */
enum job_does { JOB_READS, JOB_ADDS, JOB_CHANGES, JOB_DELETES };
/* E_CONFLICT, which names it, if a job that waits or runs does something to the thing that this cannot stand beside it. */
MUST_USE enum err job_check_alone(struct sql *, const char *about_id, enum job_does);
MUST_USE enum err job_cancel(struct sql *, const char *id); /* asks; the job stops at its next job_go_on() */

struct job {
    const char *id, *kind, *org, *user_id;
    const struct json *input;
    struct sql *db;
    struct arena *arena;
    void *with;     /* the worker's services */
    int try_number; /* 1 for the first */
};
/* Progress (0 to 1) and heartbeat in one; cheap, so call it often, outside of transactions. False: cancelled, what it is about was
 * deleted, the program ends, or another worker has the lease: stop and return E_CANCELLED, leaving what stands. */
bool job_go_on(struct job *, double progress, const char *doing);
/* Inside the transaction of the job's last work: the job has succeeded as soon as that is committed, so that a kill can neither
 * repeat nor fail it. E_CANCELLED, and the work is to be rolled back: another worker has the job by now, or what it is about was
 * deleted. */
MUST_USE enum err job_done_within(struct job *, const char *result_json);
/* For work that has no last transaction of its own: kept until the job is settled after run(). */
void job_result(struct job *, const char *json);

struct job_kind {
    const char *name;
    enum err (*run)(struct job *);
    /* After the last try failed, or it was cancelled; in the transaction that says so. May be NULL. Its failure is told in the
     * job's error. */
    enum err (*gave_up)(struct job *, const char *why);
    int tries, lease_s;
    const char *lane; /* one of job_lanes */
    enum job_does does;
};
extern const struct job_kind *const job_kinds[]; /* app/jobs.c */

/* Called in the transaction in which a job gets another status; json: what pages are told of it. app/listeners.c; NULL-terminated.
 */
typedef enum err job_listener(struct sql *, struct arena *, const char *org, const char *json);
extern job_listener *const job_listeners[];

/* Jobs of one lane never wait for those of another. */
struct job_lane {
    const char *name;
    int at_once;       /* so many of its jobs run side by side */
    const char *needs; /* what a worker must have been told that its machine has (--has); NULL: nothing */
};
extern const struct job_lane job_lanes[]; /* app/jobs.c; ends with an empty row */
/* Whether a machine that has these things, words with commas between, has what the lane needs. */
bool job_lane_fits(const struct job_lane *, const char *has);

/* Jobs that run in the name of a worker that is gone are free at once. For who knows that no other worker is there. */
MUST_USE enum err job_take_over(struct sql *);
/* The worker's loop: takes the lane's jobs until *stop. A job that is stopped half-way by that waits again, and the try does not
 * count. */
void job_loop(struct sql *, void *with, const struct job_lane *, const atomic_bool *stop);
MUST_USE enum err job_run_one(struct sql *, void *with, const char *lane, const atomic_bool *stop, bool *ret_ran); /* one turn */
void job_use_kinds(const struct job_kind *const *); /* instead of app/jobs.c's, and without listeners: for tests */

/* Status words of the table: PENDING, RUNNING, SUCCEEDED, FAILED, KILLED (the contract's version 2). */
const char *job_v1_status(const char *status); /* RUNNING, SUCCESS, FAILED, TERMINATED */

/* Inside job/. What the column `cancel` says. */
enum { CANCEL_NOT, CANCEL_ASKED, CANCEL_TO_CLEAR, CANCEL_GONE }; /* GONE: what it is about was deleted; `error` says so */
const struct job_kind *job_kind_called(const char *name);
MUST_USE enum err job_tell(struct sql *, const char *id);        /* to pages that watch */
MUST_USE enum err job_tell_status(struct sql *, const char *id); /* and to the listeners: it has another one */
