/* A fresh database's tables: each resource states its own; this file makes them once. */
#include "api/schema.h"
#include "api/dispatch.h"
#include "job/job.h"

/* The first release compares the fingerprint with its own and refuses with a sentence all others: there is none to give it. */
static const char schema_table[] = "CREATE TABLE schema_of (fingerprint TEXT NOT NULL, version INTEGER NOT NULL DEFAULT 1) STRICT";

enum err schema_make(struct sql *db)
{
    TRY(sql_make_ready(db));
    TRY(sql_script(db, "DROP TABLE IF EXISTS schema_of")); /* an empty one: the first release made it before the rest */
    TRY(sql_script(db, schema_table));
    TRY(sql_run(db, "INSERT INTO schema_of (fingerprint, version) VALUES ('', ?1)", V(schema_today())));
    TRY(sql_script(db, job_table));
    for (const struct resource *const *r = resources; *r; r++)
        if ((*r)->table)
            TRY(fail_within(sql_script(db, (*r)->table), "%s: ", (*r)->name));
    return OK;
}

static enum err first_rows(struct sql *db)
{
    for (const struct resource *const *r = resources; *r; r++)
        if ((*r)->first)
            TRY(fail_within((*r)->first(db), "%s: ", (*r)->name));
    return OK;
}

static enum err make_or_check(struct sql *db)
{
    int version = 0;
    TRY(schema_version(db, &version));
    TRY(version ? schema_need_today(db) : schema_make(db));
    return first_rows(db);
}

enum err api_make_schema(struct sql *db)
{
    TRY(sql_begin(db));
    return sql_end(db, make_or_check(db));
}
