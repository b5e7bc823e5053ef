/* saccade migrate: walks the database of a folder to this program's version, as serve does at its start; --check only says so. */
#include "api/dispatch.h"
#include "cli/cli.h"
#include "cli/folder.h"
#include "cli/options.h"
#include <stdio.h>
#include <string.h>

static enum err fresh_shape(struct text *ret)
{
    struct sql *db = NULL;
    TRY(sql_open(":memory:", &db));
    enum err e = api_make_schema(db);
    if (e == OK)
        e = schema_shape(db, ret);
    sql_close(db);
    return e;
}

/* Somebody changed the tables by hand, or between two releases. */
static enum err check_shape(struct sql *db, bool *ret_fine)
{
    AUTO(text) struct text is, must;
    text_init(&is, 1 << 20);
    text_init(&must, 1 << 20);
    TRY(schema_shape(db, &is));
    TRY(fresh_shape(&must));
    *ret_fine = strcmp(is.bytes, must.bytes) == 0;
    return OK;
}

/* A server keeps no words of its tables that could be compared. */
static enum err keeps_words(struct sql *db, bool *ret)
{
    AUTO(arena) struct arena *a = arena_new();
    char *words;
    TRY(sql_made_as(db, a, "schema_of", &words));
    *ret = words != NULL;
    return OK;
}

static enum err check(struct sql *db, bool *ret_fine)
{
    bool words = false;
    int version = 0, today = schema_today();
    TRY(schema_version(db, &version));
    *ret_fine = version == today;
    printf("the database is of version %d, this program's is %d\n", version, today);
    if (*ret_fine) {
        TRY(keeps_words(db, &words));
        if (words)
            TRY(check_shape(db, ret_fine));
        puts(*ret_fine ? "there is nothing to do" : "its tables are not those of a new database of this version");
        return OK;
    }
    printf("a copy would be kept as saccade.db.version-%d; then the steps\n", version);
    for (const struct migration *m = migrations; m->to; m++)
        if (m->to > version)
            printf("%5d  %s\n", m->to, m->says);
    return OK;
}

static enum err migrate(const char *data, bool only_check, bool *ret_fine)
{
    struct sql *db = NULL;
    int lock = -1;
    TRY(folder_check(data));
    if (!only_check)
        TRY(folder_lock(data, &lock));
    TRY(folder_open_old(data, &db));
    enum err e = only_check ? check(db, ret_fine) : folder_walk(db, data);
    if (e == OK && !only_check)
        e = check(db, ret_fine);
    sql_close(db);
    return e;
}

int migrate_main(int argc, char **argv)
{
    const char *data = "data";
    bool only_check = false, fine = false;
    const struct option_row options[] = { { "--data", &data }, { "--check", .flag = &only_check } };
    enum err e = options_read(argc, argv, options, COUNT_OF(options), NULL, 0, NULL);
    if (e == OK)
        e = migrate(data, only_check, &fine);
    if (e != OK)
        return command_failed("migrate");
    return fine ? 0 : 1;
}
