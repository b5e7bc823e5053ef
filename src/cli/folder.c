#include "cli/folder.h"
#include "api/dispatch.h"
#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

enum { URL_MOST = 4096 };

enum err folder_db(struct arena *a, const char *data, const char **ret)
{
    const char *named = arena_fmt(a, "%s/database", data);
    char *url;
    size_t n;
    *ret = arena_fmt(a, "%s/saccade.db", data);
    if (!file_exists(named))
        return OK;
    TRY(file_read(a, named, URL_MOST, &url, &n));
    url[strcspn(url, "\r\n")] = 0;
    *ret = url;
    return sql_is_url(url) ? OK : fail(E_INVALID, "%s must hold the address of a database, postgres://…", named);
}

/* It may hold a password. */
enum err folder_use_db(const char *data, const char *url)
{
    AUTO(arena) struct arena *a = arena_new();
    if (!url)
        return OK;
    if (!sql_is_url(url) || strlen(url) >= URL_MOST)
        return fail(E_INVALID, "--db must be like postgres://user@host/name");
    if (file_exists(arena_fmt(a, "%s/saccade.db", data)))
        return fail(E_CONFLICT, "%s has a database of its own (saccade.db): --db is for a new folder", data);
    return file_write(arena_fmt(a, "%s/database", data), url, strlen(url), 0600);
}

static bool has_db(struct arena *a, const char *data)
{
    return file_exists(arena_fmt(a, "%s/saccade.db", data)) || file_exists(arena_fmt(a, "%s/database", data));
}

enum err folder_check(const char *data)
{
    AUTO(arena) struct arena *a = arena_new();
    if (!has_db(a, data))
        return fail(E_NOT_FOUND, "%s holds no data of Saccade: there is no saccade.db (say --data FOLDER)", data);
    return OK;
}

enum err folder_may_begin(const char *data)
{
    AUTO(arena) struct arena *a = arena_new();
    char **names;
    size_t n = 0;
    const char *objects = arena_fmt(a, "%s/objects", data);
    if (has_db(a, data))
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
    const char *where;
    TRY(folder_db(a, data, &where));
    TRY(sql_open(where, &db));
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
    const char *where;
    TRY(folder_db(a, data, &where));
    return schema_walk(db, where, say, NULL);
}
