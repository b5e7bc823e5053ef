/* slice.h - much writing in many short transactions, so that nobody waits long for the lock.
 *
 *     struct slice s;
 *     TRY(slice_begin(&s, db));
 *     while (e == OK && there is more)
 *         e = slice_next(&s, write_one(db));      commits when it is time, lets others in, and begins again
 *     TRY(slice_end(&s, e));
 * What was committed stays: the work must be hidden until its end, or able to go on. */
#pragma once
#include "sql/sql.h"

struct slice {
    struct sql *db;
    double begun; /* clock_seconds() */
    bool open;
};
/* For who slices by themselves: after a transaction that began at that clock_seconds(), a while in which others come in. */
void slice_rest(double begun);
MUST_USE enum err slice_begin(struct slice *, struct sql *);
MUST_USE enum err slice_next(struct slice *, enum err of_the_step);
MUST_USE enum err slice_end(struct slice *,
                            enum err); /* commits if OK, else rolls the last slice back; returns the first failure */
