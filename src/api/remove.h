/* remove.h - deleting a thing under which there may be millions of rows. It is gone for everybody at once; what it holds goes in
 * slices, by a job that nothing but its end stops. */
#pragma once
#include "api/op.h"
#include "job/job.h"

struct removal {
    const char *table;  /* of the thing; its key is `id` */
    const char *named;  /* the column that must be unique: another thing may have the name at once; NULL: none */
    const char *called; /* SQL for what people call it, its id being ?1 */
    struct {
        const char *table,
            *rows; /* things in it that must not be seen either: "SELECT id FROM dataset_version WHERE dataset_id = ?1" */
    } hides;
    struct {
        const char *from, *rows; /* the table that may be large; "SELECT id FROM asset WHERE dataset_version_id = ?1" */
    } large[4];                  /* those that others refer to last */
};

/* In the caller's transaction, which has checked that it may go. E_IN_USE: something else forbids it. Rows that name it and shall
 * name nothing then may be very many too. */
MUST_USE enum err thing_remove(struct op *, const struct removal *, const char *id);

extern const struct removal *const removals[]; /* app/jobs.c; NULL-terminated */
extern const struct job_kind remove_job;
/* Whether it was removed and what it held is on its way out; for lists: an SQL condition on the expression of an id. What is only
 * being made is hidden by the same table. */
MUST_USE enum err thing_gone(struct sql *, const char *id, bool *ret);
/* What a job makes in many steps is there for nobody before the last. thing_check_made(): E_CONFLICT, which
 * names the job. */
MUST_USE enum err thing_hide(struct sql *, const char *id, const char *job_id);
MUST_USE enum err thing_show(struct sql *, const char *id);
MUST_USE enum err thing_check_made(struct sql *, const char *id, const char *called);
#define NOT_GONE(id) id " NOT IN (SELECT id FROM gone)"
