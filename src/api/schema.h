/* schema.h - the database's tables, and the road to them from every released schema.
 *
 * The texts of job.h and of each resource are the truth of a fresh database. What changes a table, an index or a trigger also adds
 * a step to app/migrations.c, which does the same to the databases there are; a test walks a kept one of version 1 and compares.
 * The database says its version; each step is one transaction that also sets it, so that an interrupted walk goes on. */
#pragma once
#include "base/text.h"
#include "sql/sql.h"

struct migration {
    int to;           /* 1, 2, 3 … without a gap; 1 is the first release and does nothing */
    const char *says; /* what changes for a user, as progress prints it */
    const char *sql;  /* statements without values; or, where SQL is not enough, */
    enum err (*run)(struct sql *, struct arena *);
    bool rebuilds; /* uses schema_rebuild(): foreign keys are off while it runs and checked after it */
};
extern const struct migration migrations[]; /* app/migrations.c; ends with an empty row */

/* Makes all tables in an empty database and calls each resource's first(). One that has tables must be of today's version: else
 * E_CONFLICT says what to do. */
MUST_USE enum err api_make_schema(struct sql *);

/* Today's tables, empty but for what says their version, within a transaction of the caller's. */
MUST_USE enum err schema_make(struct sql *);

int schema_today(void);
/* 0: it has no tables yet. E_CONFLICT: its tables are of no version that this program knows. */
MUST_USE enum err schema_version(struct sql *, int *ret);
/* E_CONFLICT with what to do, unless the version is today's. */
MUST_USE enum err schema_need_today(struct sql *);
MUST_USE enum err schema_need_known(struct sql *); /* today's or an older one */
/* Walks to today. `path` is the database's: before the first step a copy of it is made beside it, PATH.version-N (NULL: none is
 * made). tell() gets a line for each step. Nothing to do is fine, and so is a database without tables. */
typedef void schema_tell(void *with, const char *line);
MUST_USE enum err schema_walk(struct sql *, const char *path, schema_tell *, void *with);

/* For steps: makes the table anew from its CREATE TABLE, which must name it new_TABLE, filled with SELECT `values` FROM the old one
 * into `columns`. Its indexes and triggers are made again as they were: drop before it what shall not come back. */
MUST_USE enum err schema_rebuild(struct sql *, struct arena *, const char *table, const char *create, const char *columns,
                                 const char *values);

/* All tables, indexes and triggers in one order and writing, so that two databases can be compared by text; a table's columns in
 * the order of their names. */
MUST_USE enum err schema_shape(struct sql *, struct text *ret);
