#include "cli/folder.h"
#include "api/dispatch.h"
#include "base/file.h"

enum err folder_check(const char *data)
{
    AUTO(arena) struct arena *a = arena_new();
    if (!file_exists(arena_fmt(a, "%s/saccade.db", data)))
        return fail(E_NOT_FOUND, "%s holds no data of Saccade: there is no saccade.db (say --data FOLDER)", data);
    return OK;
}

enum err folder_open(const char *data, struct sql **ret)
{
    AUTO(arena) struct arena *a = arena_new();
    TRY(folder_check(data));
    struct sql *db = NULL;
    TRY(sql_open(arena_fmt(a, "%s/saccade.db", data), &db));
    enum err e = api_prepare_connection(db, NULL);
    if (e != OK) {
        sql_close(db);
        return e;
    }
    *ret = db;
    return OK;
}
