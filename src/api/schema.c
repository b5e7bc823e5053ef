/* The database's tables: each resource states its own; this file makes them once and knows afterwards whether they still fit. */
#include "api/dispatch.h"
#include "blob/sign.h"
#include "job/job.h"
#include <string.h>

static void all_tables(struct text *t)
{
    text_add(t, job_table);
    text_add(t, ";\n");
    for (const struct resource *const *r = resources; *r; r++)
        if ((*r)->table)
            text_fmt(t, "%s;\n", (*r)->table);
}

static enum err make(struct sql *db, const char *tables, const char *fingerprint)
{
    TRY(sql_script(db, tables));
    TRY(sql_run(db, "INSERT INTO schema_of (fingerprint) VALUES (?1)", V(fingerprint)));
    return OK;
}

static enum err first_rows(struct sql *db)
{
    for (const struct resource *const *r = resources; *r; r++)
        if ((*r)->first)
            TRY(fail_within((*r)->first(db), "%s: ", (*r)->name));
    return OK;
}

enum err api_make_schema(struct sql *db)
{
    AUTO(text) struct text tables;
    text_init(&tables, 1 << 20);
    all_tables(&tables);
    char fingerprint[65];
    sha256_hex(tables.bytes, tables.n, fingerprint);
    TRY(sql_script(db, "CREATE TABLE IF NOT EXISTS schema_of (fingerprint TEXT NOT NULL) STRICT"));
    TRY(sql_begin(db));
    int64_t made = 0, fits = 0;
    enum err e = sql_int(db, &made, "SELECT count(*) FROM schema_of");
    if (e == OK && !made)
        e = make(db, tables.bytes, fingerprint);
    else if (e == OK)
        e = sql_int(db, &fits, "SELECT count(*) FROM schema_of WHERE fingerprint = ?1", V(fingerprint));
    if (e == OK && made && !fits)
        e = fail(E_CONFLICT, "the database was made by another version of Saccade, whose tables differ; start with a new folder, "
                             "or use that version");
    if (e == OK)
        e = first_rows(db);
    return sql_end(db, e);
}
