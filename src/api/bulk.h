/* bulk.h - one change of very many things, in slices: nobody else waits for the write lock longer than for one slice.
 *
 * A change of a few things is done at once by its handler. One of more is written down first (bulk_start()) and then done by the
 * worker, thing after thing; it commits after some milliseconds and notes how far it has come. Killed, it goes on; cancelled or
 * failed, what it did is undone, in slices too: the whole is done or nothing. It is a job with progress like every other. */
#pragma once
#include "api/op.h"
#include "job/job.h"

enum { BULK_FEW = 300 }; /* up to so many things are changed within the request, if that does not take long */

struct bulk {
    struct sql *db;
    const char *org, *user_id;
    const struct json *input; /* what the handler gave */
    struct arena *arena;      /* of the thing at hand; in ready(): of the whole run */
    int64_t counted;          /* what apply() has counted so far; kept */
    bool more;                /* apply() was given too much for one step: it is called again with the same thing */
    void *state;              /* of ready() */
    struct job *job;          /* NULL: within the request */
};

struct bulk_kind {
    const char *name; /* of the job */
    const char *doing;
    enum err (*first)(struct op *, const struct json *input); /* in the transaction in which it is put up, or done; may be NULL */
    enum err (*ready)(
        struct bulk *); /* before the first thing of each run, in no transaction; its memory is the job's; may be NULL */
    /* Both may meet what they have done already, or what is gone meanwhile. `made`: an id for what is made, the same in each run.
     */
    enum err (*apply)(struct bulk *, const char *id, const char *made);
    enum err (*undo)(struct bulk *, const char *id,
                     const char *made);         /* NULL: nothing to undo; it is then carried through whatever comes */
    enum err (*last)(struct bulk *, bool done); /* in the transaction that ends it, done or undone; may be NULL */
    const char *counts;                         /* the name of the count in the result: "added" */
    bool tells_job;                             /* the contract wants a job to look at, also for what was done at once */
    const char *subject, *called; /* the member of the input that is the id of what the job is about; SQL for what people call it,
                                   * its id being ?1 */
    const char *reads;            /* the member that is the id of what must not be changed meanwhile; NULL: nothing */
    bool makes;                   /* what it is about is made by it, and hidden until all is done */
};
extern const struct bulk_kind *const bulk_kinds[]; /* app/jobs.c; NULL-terminated */

struct bulk_list {
    const char **ids;
    size_t n;
    const char *tells; /* more members of the result's object: "\"left_out\":3"; NULL: none */
};
struct bulk_done {
    const char *job; /* NULL: there is none */
    bool done;       /* else the worker is at it */
    int64_t count;
};
/* For handlers of routes that are WORK_FREE. find() checks that the change may be made and lists its things; it is called in a read
 * transaction, and where they are few once more in the one that changes them. input: a JSON object's text. Of a large one some
 * seconds are waited for its end, unless the request says otherwise (BULK_WAIT). */
#define BULK_WAIT                                                                                                                  \
    {                                                                                                                              \
        "wait", T_BOOL, F_NULL                                                                                                     \
    }
typedef enum err bulk_find(struct op *, struct bulk_list *);
MUST_USE enum err bulk_change(struct op *, const struct bulk_kind *, bulk_find *, const char *input, struct bulk_done *ret);
/* The same for answers that tell what was done: waits until it is. A failed or cancelled one is an error with its text. */
MUST_USE enum err bulk_change_wait(struct op *, const struct bulk_kind *, bulk_find *, const char *input, int64_t *ret_count);
/* "id" and "status" of its job, as the contract writes them. */
void bulk_out_job(struct op *, const struct bulk_done *);
/* The ids of a T_IDS input, each once. */
void bulk_ids(struct op *, const char *name, struct bulk_list *ret);
/* The same as the JSON text of a list, for the change's input. */
char *bulk_ids_text(struct op *, const char *name);
/* The first column of a query as ids. */
MUST_USE enum err bulk_rows(struct op *, const char *text, const struct value *, size_t n, struct bulk_list *ret);
/* Keeps those for which the query, whose ?1 is the id, has a row. */
MUST_USE enum err bulk_keep(struct op *, struct bulk_list *, const char *text, const struct value *more, size_t n_more);

enum err bulk_run(struct job *);
enum err bulk_gave_up(struct job *, const char *why);
#define BULK_JOB(name_, does_)                                                                                                     \
    (&(const struct job_kind){                                                                                                     \
        .name = name_, .run = bulk_run, .gave_up = bulk_gave_up, .tries = 1, .lease_s = 60, .lane = "quick", .does = does_ })
extern const struct job_kind bulk_undo_job;
/* Slices of changes that never began, and of those that have ended: for the worker's sweep. */
MUST_USE enum err bulk_sweep(struct sql *);
