/* held.h - how long transactions kept the write lock, by who asked: one writer at a time is the law of the database, so that this
 * is the time for which one user's work holds up all others'. Counted by sql_begin() and sql_end(); shown in /metrics. */
#pragma once
#include "base/fail.h"

enum { HELD_BUCKETS = 12, HELD_NAME = 120 };
extern const double held_bounds[HELD_BUCKETS]; /* seconds; the last is +inf */

/* What this thread's transactions are counted under from here on: "PATCH", "/api/dataset/{id}"; "job", "train". The texts must live
 * until the next call. NULL, NULL: "other". */
void held_as(const char *what, const char *which);

/* Counts are kept in this process until a file is named, which all processes of a folder share. anew: forgets what it holds. */
MUST_USE enum err held_share(const char *path, bool anew);

struct held {
    const char *by;
    int64_t wall[HELD_BUCKETS], cpu[HELD_BUCKETS]; /* transactions; not summed up */
    double wall_s, cpu_s, longest_wall_s, longest_cpu_s;
};
void held_each(void (*show)(void *with, const struct held *), void *with);

/* Inside sql/. */
struct held_since {
    double wall, cpu;
};
struct held_since held_start(void);
void held_end(struct held_since);
