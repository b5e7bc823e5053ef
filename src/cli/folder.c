#include "cli/folder.h"
#include "api/dispatch.h"
#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

enum err folder_check(const char *data)
{
    AUTO(arena) struct arena *a = arena_new();
    if (!file_exists(arena_fmt(a, "%s/saccade.db", data)))
        return fail(E_NOT_FOUND, "%s holds no data of Saccade: there is no saccade.db (say --data FOLDER)", data);
    return OK;
}

enum err folder_may_begin(const char *data)
{
    AUTO(arena) struct arena *a = arena_new();
    char **names;
    size_t n = 0;
    const char *objects = arena_fmt(a, "%s/objects", data);
    if (file_exists(arena_fmt(a, "%s/saccade.db", data)))
        return OK;
    if (file_exists(arena_fmt(a, "%s/saccade.db.new", data)))
        return fail(E_CONFLICT, "%s is not complete: a restore (or backup) into it was cut off; run it again", data);
    if (file_exists(objects))
        TRY(file_list_folders(a, objects, &names, &n));
    return n == 0 ? OK
                  : fail(E_CONFLICT, "%s holds objects, but no database (saccade.db); restore a backup, or start on another folder",
                         data);
}

static enum err open_if(const char *data, enum err (*fits)(struct sql *), struct sql **ret)
{
    AUTO(arena) struct arena *a = arena_new();
    TRY(folder_check(data));
    struct sql *db = NULL;
    TRY(sql_open(arena_fmt(a, "%s/saccade.db", data), &db));
    enum err e = fits(db);
    if (e != OK) {
        sql_close(db);
        return e;
    }
    *ret = db;
    return OK;
}

enum err folder_open(const char *data, struct sql **ret)
{
    return open_if(data, schema_need_today, ret);
}

enum err folder_open_old(const char *data, struct sql **ret)
{
    return open_if(data, schema_need_known, ret);
}

enum err folder_lock(const char *data, int *ret)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *path = arena_fmt(a, "%s/lock", data);
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0)
        return fail(E_BROKEN, "cannot open %s: %s", path, strerror(errno));
    *ret = lock;
    if (flock(lock, LOCK_EX | LOCK_NB) != 0)
        return fail(E_CONFLICT, "another server or command is running on the folder %s", data);
    return OK;
}

static void say(void *with, const char *line)
{
    (void)with;
    printf("%s\n", line);
    fflush(stdout);
}

enum err folder_walk(struct sql *db, const char *data)
{
    AUTO(arena) struct arena *a = arena_new();
    return schema_walk(db, arena_fmt(a, "%s/saccade.db", data), say, NULL);
}
