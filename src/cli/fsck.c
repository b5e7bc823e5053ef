/* saccade fsck: reads everything that is stored and names what is missing or changed. Also while the server runs. */
#include "api/schema.h"
#include "app/kept.h"
#include "blob/blob.h"
#include "cli/cli.h"
#include "cli/folder.h"
#include "cli/options.h"
#include <stdio.h>
#include <string.h>

struct check {
    struct sql *db;
    struct blob_store *blobs;
    int64_t objects, faults, strays, away;
};

static void fault(struct check *c, const char *what)
{
    printf("%s\n", what);
    c->faults++;
}

static enum err check_database(struct check *c, struct arena *a)
{
    char *faults = NULL;
    TRY(sql_check(c->db, a, &faults));
    for (char *line = faults, *end; line && *line; line = end + 1) {
        end = strchrnul(line, '\n');
        fault(c, arena_fmt(a, "database: %.*s", (int)(end - line), line));
        if (!*end)
            break;
    }
    return OK;
}

static void tell(void *with, const char *line)
{
    fault(with, line);
}

/* Of a database that this program's server would open: an older one keeps less. */
static enum err check_kept(struct check *c)
{
    int version = 0;
    TRY(schema_version(c->db, &version));
    return version == schema_today() ? kept_check(c->db, tell, c) : OK;
}

/* Every object that a row names must be there, of its size, with the bytes that its name says; but for those that are in a bucket.
 */
static enum err check_objects(struct check *c)
{
    AUTO(rows) struct rows *r = NULL;
    bool buckets = false;
    TRY(sql_has(c->db, &buckets, "object", "away"));
    if (buckets)
        TRY(sql_int(c->db, &c->away, "SELECT count(*) FROM object WHERE away <> 0"));
    if (buckets)
        TRY(sql_each(c->db, &r,
                     "SELECT hash, min(name) FROM object WHERE hash IS NOT NULL AND away = 0 GROUP BY hash ORDER BY hash"));
    else
        TRY(sql_each(c->db, &r, "SELECT hash, min(name) FROM object WHERE hash IS NOT NULL GROUP BY hash ORDER BY hash"));
    while (rows_next(r)) {
        AUTO(arena) struct arena *a = arena_new();
        c->objects++;
        if (blob_verify(c->blobs, rows_text(r, 0)) != OK)
            fault(c, arena_fmt(a, "%s (%s)", fail_text(), rows_text(r, 1)));
    }
    return rows_error(r);
}

/* Objects that no row names are what an interrupted upload leaves: no fault, only space. */
static enum err count_stray(void *with, const char *hash)
{
    struct check *c = with;
    int64_t named = 0;
    TRY(sql_int(c->db, &named, "SELECT count(*) FROM object WHERE hash = ?1", V(hash)));
    c->strays += !named;
    return OK;
}

static enum err check_all(struct check *c, const char *data, struct arena *a)
{
    TRY(folder_open_old(data, &c->db));
    TRY(blob_open(data, &c->blobs));
    TRY(check_database(c, a));
    TRY(check_kept(c));
    TRY(check_objects(c));
    return blob_each(c->blobs, count_stray, c);
}

int fsck_main(int argc, char **argv)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *data = "data";
    const struct option_row options[] = { { "--data", &data } };
    struct check c = { 0 };
    enum err e = options_read(argc, argv, options, COUNT_OF(options), NULL, 0, NULL);
    if (e == OK)
        e = check_all(&c, data, a);
    sql_close(c.db);
    blob_close(c.blobs);
    if (e != OK)
        return command_failed("fsck");
    printf("%lld objects read, %lld faults, %lld objects that nothing names\n", (long long)c.objects, (long long)c.faults,
           (long long)c.strays);
    if (c.away)
        printf("%lld more are in buckets of other stores\n", (long long)c.away);
    return c.faults ? 1 : 0;
}
