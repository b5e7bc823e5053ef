/* The walk from an older schema to today's, one step of app/migrations.c after another. */
#include "api/schema.h"
#include "base/clock.h"
#include "base/file.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The first release kept no number: the sha256 of its tables' texts. */
static const char first_fingerprint[] = "67ffdd67a30cd7b92da0dfd60c850d52031a2095875784ad5f58152fdb445bbd";

int schema_today(void)
{
    int n = 0;
    for (const struct migration *m = migrations; m->to; m++)
        n = m->to;
    return n;
}

static enum err version_before_numbers(struct sql *db, int *ret)
{
    int64_t first = 0;
    TRY(sql_int(db, &first, "SELECT count(*) FROM schema_of WHERE fingerprint = ?1", V(first_fingerprint)));
    if (!first)
        return fail(E_CONFLICT,
                    "the database was made by a version of Saccade before the first release; open it with that version, "
                    "or start with a new folder");
    *ret = 1;
    return OK;
}

enum err schema_version(struct sql *db, int *ret)
{
    bool made, numbered = false;
    int64_t filled = 0, version = 0;
    TRY(sql_has(db, &made, "schema_of", NULL));
    if (made)
        TRY(sql_int(db, &filled, "SELECT count(*) FROM schema_of"));
    if (filled)
        TRY(sql_has(db, &numbered, "schema_of", "version"));
    if (filled && !numbered)
        return version_before_numbers(db, ret);
    if (filled)
        TRY(sql_int(db, &version, "SELECT version FROM schema_of"));
    *ret = (int)version;
    return OK;
}

static enum err known_version(struct sql *db, int *ret)
{
    TRY(schema_version(db, ret));
    if (*ret > schema_today())
        return fail(
            E_CONFLICT,
            "the database is of version %d, made by a newer Saccade, and this program knows versions up to %d: use the newer "
            "program, or put the copy in its place that was kept before the change (saccade.db.version-N beside it)",
            *ret, schema_today());
    return OK;
}

enum err schema_need_known(struct sql *db)
{
    int version = 0;
    return known_version(db, &version);
}

enum err schema_need_today(struct sql *db)
{
    int version = 0;
    TRY(known_version(db, &version));
    if (version && version < schema_today())
        return fail(E_CONFLICT,
                    "the database is of version %d, and this program's is %d: start the server on it, or run saccade migrate",
                    version, schema_today());
    return OK;
}

/* ---- the copy before the first step */

/* Complete or not there: a copy that was cut off has another name, and is made anew. */
static enum err keep_copy(struct sql *db, struct arena *a, const char *path, int version, schema_tell *tell, void *with)
{
    const char *kept = arena_fmt(a, "%s.version-%d", path, version), *fresh = arena_fmt(a, "%s.new", kept);
    tell(with, arena_fmt(a, "keeping a copy of the database as %s", kept));
    if (unlink(fresh) != 0 && errno != ENOENT)
        return fail(E_BROKEN, "cannot replace %s: %s", fresh, strerror(errno));
    enum err e = fail_within(sql_backup(db, fresh), "the copy of the database before it is changed: ");
    if (e == OK)
        e = file_publish(fresh, kept, 0600);
    if (e != OK)
        unlink(fresh); /* half a copy would only take room on a disk that may be full */
    return e;
}

/* ---- the steps */

static enum err no_orphans(struct sql *db)
{
    AUTO(rows) struct rows *r = NULL;
    enum err e = sql_first(db, &r, "PRAGMA foreign_key_check");
    if (e == E_NOT_FOUND)
        return OK;
    TRY(e);
    return fail(E_BROKEN, "a row of %s would lose its parent in %s", rows_text(r, 0), rows_text(r, 2));
}

static enum err do_step(struct sql *db, struct arena *a, const struct migration *m)
{
    if (m->sql)
        TRY(sql_script(db, m->sql));
    if (m->run)
        TRY(m->run(db, a));
    if (m->rebuilds)
        TRY(no_orphans(db));
    return sql_run(db, "UPDATE schema_of SET fingerprint = '', version = ?1", V(m->to));
}

/* Foreign keys can be switched outside of transactions only. */
static enum err step(struct sql *db, struct arena *a, const struct migration *m)
{
    if (m->rebuilds)
        TRY(sql_rebuilding(db, true));
    enum err e = sql_begin(db);
    if (e == OK)
        e = sql_end(db, fail_within(do_step(db, a, m), "step %d (%s): ", m->to, m->says));
    if (m->rebuilds) {
        const char *why = arena_str(a, e == OK ? "" : fail_text());
        enum err after = sql_rebuilding(db, false);
        e = e == OK ? after : fail(e, "%s", why);
    }
    return e;
}

enum err schema_walk(struct sql *db, const char *path, schema_tell *tell, void *with)
{
    AUTO(arena) struct arena *a = arena_new();
    int from = 0, today = schema_today();
    TRY(known_version(db, &from));
    if (from == 0 || from == today)
        return OK;
    if (path && !sql_is_url(path)) /* of a server's database its own tools make copies */
        TRY(keep_copy(db, a, path, from, tell, with));
    for (const struct migration *m = migrations; m->to; m++)
        if (m->to > from) {
            tell(with, arena_fmt(a, "changing the database to version %d of %d: %s", m->to, today, m->says));
            double began = clock_seconds();
            TRY(step(db, a, m));
            tell(with, arena_fmt(a, "version %d after %.1f s", m->to, clock_seconds() - began));
        }
    return OK;
}

enum err schema_rebuild(struct sql *db, struct arena *a, const char *table, const char *create, const char *columns,
                        const char *values)
{
    int64_t guarded = 0;
    AUTO(text) struct text again;
    text_init(&again, 1 << 20);
    TRY(sql_int(db, &guarded, "PRAGMA foreign_keys"));
    if (guarded) /* DROP TABLE would delete the rows of all that refer to it */
        return fail(E_BROKEN, "the step rebuilds %s without saying so in its row", table);
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r, "SELECT sql FROM sqlite_master WHERE tbl_name = ?1 AND type IN ('index', 'trigger') AND sql IS NOT NULL",
                 V(table)));
    while (rows_next(r))
        text_fmt(&again, "%s;\n", rows_text(r, 0));
    TRY(rows_error(r));
    rows_done(r);
    r = NULL;
    TRY(sql_script(db, create));
    TRY(sql_script(db, arena_fmt(a, "INSERT INTO new_%s (%s) SELECT %s FROM %s; DROP TABLE %s; ALTER TABLE new_%s RENAME TO %s",
                                 table, columns, values, table, table, table, table)));
    return sql_script(db, again.bytes);
}
