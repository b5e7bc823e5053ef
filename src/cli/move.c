/* saccade move: what a folder's database holds into one of a PostgreSQL server, or back. Objects, key and checkpoints stay in the
 * folder.
 *
 * Both ways it is one transaction, compared before it is committed; then one file of the folder, `database`, is written or removed,
 * and that is the moment from which the other database counts. Whenever it is killed, the old one counts still, or the new one does
 * already; run again, it does what is left. */
#include "api/schema.h"
#include "base/file.h"
#include "blob/blob.h"
#include "cli/cli.h"
#include "cli/folder.h"
#include "cli/options.h"
#include "sql/copy.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct move {
    struct arena *arena;
    const char *folder, *url;
    struct sql *from, *to;
    struct copied copied;
    bool into_folder;
    bool had_it; /* an earlier run was killed when all was there */
};

static char *in(struct move *m, const char *name)
{
    return arena_fmt(m->arena, "%s/%s", m->folder, name);
}

static enum err is_in_use(struct move *m, bool *ret)
{
    const char *where;
    TRY(folder_db(m->arena, m->folder, &where));
    *ret = strcmp(where, m->url) == 0;
    return OK;
}

/* ---- rows */

static enum err compare(struct move *m, const char *otherwise)
{
    struct copied there;
    TRY(copy_sum(m->to, &there));
    return copied_same(&m->copied, &there) ? OK : fail(E_CONFLICT, "%s", otherwise);
}

static enum err fill(struct move *m)
{
    TRY(schema_make(m->to));
    TRY(sql_run(m->to, "DELETE FROM schema_of")); /* copied like all else */
    TRY(copy_all(m->from, m->to, &m->copied));
    return compare(m, "what was copied differs from what was read: nothing was kept");
}

static enum err fill_or_compare(struct move *m)
{
    struct copied there;
    TRY(copy_sum(m->to, &there));
    m->had_it = there.tables > 0;
    if (!m->had_it)
        return fill(m);
    TRY(copy_sum(m->from, &m->copied));
    return compare(m, "the database that it is to go to is not empty");
}

static enum err check_objects(struct move *m)
{
    AUTO(rows) struct rows *r = NULL;
    struct blob_store *blobs = NULL;
    int64_t missing = 0;
    const char *first = NULL;
    TRY(blob_open(m->folder, &blobs));
    enum err e = sql_each(m->from, &r, "SELECT hash, min(name) FROM object WHERE hash IS NOT NULL AND away = 0 GROUP BY hash");
    while (e == OK && rows_next(r))
        if (!blob_holds(blobs, rows_text(r, 0)) && !missing++)
            first = arena_str(m->arena, rows_text(r, 1));
    if (e == OK)
        e = rows_error(r);
    blob_close(blobs);
    TRY(e);
    return missing ? fail(E_NOT_FOUND, "%s lacks %lld objects that the database names (%s): copy them first", m->folder,
                          (long long)missing, first)
                   : OK;
}

/* Nobody writes into either meanwhile. */
static enum err carry(struct move *m)
{
    int version = 0;
    TRY(schema_version(m->from, &version));
    if (!version)
        return fail(E_NOT_FOUND, "the database holds no data of Saccade");
    TRY(schema_need_today(m->from));
    TRY(sql_begin(m->from));
    if (m->into_folder)
        TRY(check_objects(m));
    enum err e = sql_begin(m->to);
    if (e == OK)
        e = sql_end(m->to, fill_or_compare(m));
    return e;
}

/* ---- into a server */

/* A copy of before, which nothing reads any more. */
static enum err put_aside(struct move *m)
{
    const char *file = in(m, "saccade.db");
    if (rename(file, in(m, "saccade.db.moved")) != 0 && errno != ENOENT)
        return fail(E_BROKEN, "cannot rename %s: %s", file, strerror(errno));
    return OK;
}

static enum err into_server(struct move *m)
{
    bool done;
    TRY(folder_check(m->folder));
    TRY(is_in_use(m, &done));
    if (!done) {
        TRY(folder_open(m->folder, &m->from));
        TRY(sql_open(m->url, &m->to));
        TRY(carry(m));
        TRY(file_write(in(m, "database"), m->url, strlen(m->url), 0600));
        TRY(sql_end(m->from, OK));
        sql_close(m->from); /* takes its -wal with it */
        m->from = NULL;
    }
    return put_aside(m);
}

/* ---- into the folder */

/* A run before this one has done it, and nothing was changed since. */
static enum err is_there(struct move *m)
{
    TRY(folder_open(m->folder, &m->to));
    TRY(copy_sum(m->from, &m->copied));
    m->had_it = true;
    return compare(m, arena_fmt(m->arena, "%s has another database already", m->folder));
}

static enum err check_folder(struct move *m, bool *ret_done)
{
    bool ours;
    TRY(is_in_use(m, &ours));
    *ret_done = !ours && (file_exists(in(m, "saccade.db")) || file_exists(in(m, "database")));
    if (*ret_done)
        return is_there(m);
    if (!file_exists(in(m, "key")))
        return fail(E_NOT_FOUND, "%s lacks the key: first copy objects, key and training of the folder that used this database",
                    m->folder);
    return OK;
}

static enum err remove_files(struct move *m, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (unlink(in(m, names[i])) != 0 && errno != ENOENT)
            return fail(E_BROKEN, "cannot remove %s/%s: %s", m->folder, names[i], strerror(errno));
    return OK;
}

static enum err check_copy(struct move *m)
{
    char *faults = NULL;
    TRY(sql_check(m->to, m->arena, &faults));
    return faults ? fail(E_BROKEN, "the copy has faults: %s", faults) : OK;
}

static enum err write_file(struct move *m, const char *fresh)
{
    static const char *const halves[] = { "saccade.db.new", "saccade.db.new-wal", "saccade.db.new-shm", "saccade.db-wal",
                                          "saccade.db-shm" };
    TRY(remove_files(m, halves, COUNT_OF(halves)));
    TRY(sql_open(fresh, &m->to));
    TRY(sql_rebuilding(m->to, true));
    TRY(carry(m));
    TRY(check_copy(m));
    sql_close(m->to);
    m->to = NULL;
    return OK;
}

static enum err into_folder(struct move *m)
{
    static const char *const named[] = { "database" };
    const char *fresh = in(m, "saccade.db.new");
    bool done;
    TRY(sql_open(m->url, &m->from));
    TRY(check_folder(m, &done));
    if (done)
        return OK;
    TRY(write_file(m, fresh));
    TRY(file_publish(fresh, in(m, "saccade.db"), 0600));
    TRY(remove_files(m, named, COUNT_OF(named)));
    TRY(file_sync_dir(m->folder));
    return sql_end(m->from, OK);
}

/* ---- the command */

static void tell(const struct move *m)
{
    if (m->copied.tables)
        printf("%lld rows of %lld tables, the same in both (%016llx%016llx%016llx%016llx)%s\n", (long long)m->copied.rows,
               (long long)m->copied.tables, (unsigned long long)m->copied.sum[0], (unsigned long long)m->copied.sum[1],
               (unsigned long long)m->copied.sum[2], (unsigned long long)m->copied.sum[3],
               m->had_it ? "; an earlier run had copied them" : "");
}

static enum err run(struct move *m, const char *from, const char *to)
{
    int lock = -1;
    if (!from || !to || sql_is_url(from) == sql_is_url(to))
        return fail(E_INVALID, "say --from FOLDER --to postgres://…, or --from postgres://… --to FOLDER");
    m->into_folder = sql_is_url(from);
    m->folder = m->into_folder ? to : from;
    m->url = m->into_folder ? from : to;
    TRY(m->into_folder ? file_make_dirs(to, 0700) : folder_check(from));
    TRY(folder_lock(m->folder, &lock));
    return m->into_folder ? into_folder(m) : into_server(m);
}

int move_main(int argc, char **argv)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *from = NULL, *to = NULL;
    struct move m = { .arena = a };
    const struct option_row options[] = { { "--from", &from }, { "--to", &to } };
    enum err e = options_read(argc, argv, options, COUNT_OF(options), NULL, 0, NULL);
    if (e == OK)
        e = run(&m, from, to);
    int code = e == OK ? 0 : command_failed("move");
    sql_close(m.to);
    sql_close(m.from);
    if (e == OK) {
        tell(&m);
        printf("%s uses %s now\n", m.folder, sql_is_url(to) ? to : "its file saccade.db");
    }
    return code;
}
