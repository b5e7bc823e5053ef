/* saccade backup TO: a complete copy while the server runs. saccade restore FROM: makes a data folder of it, on any machine.
 *
 * The copy is a data folder: saccade.db as of one moment, every object that it names, the key, checkpoints of trainings. Objects
 * are compared with their names on both ways, so that a damaged one is found when there is still another copy. A backup into a
 * folder that holds an older one copies only what is new. The database comes last: without it, neither is complete. */
#include "base/file.h"
#include "blob/blob.h"
#include "cli/cli.h"
#include "cli/folder.h"
#include "cli/options.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct copy {
    const char *from, *to;
    struct arena *arena;
    struct blob_store *from_blobs, *to_blobs;
    int64_t objects, copied;
    uint64_t bytes;
};

static char *in(struct copy *c, const char *folder, const char *name)
{
    return arena_fmt(c->arena, "%s/%s", folder, name);
}

static enum err copy_object(struct copy *c, const char *hash, const char *name)
{
    AUTO(fd) int fd = -1;
    uint64_t size = 0;
    char is[HASH_SIZE];
    c->objects++;
    if (blob_holds(c->to_blobs, hash))
        return OK;
    TRY(fail_within(blob_read(c->from_blobs, hash, &fd, &size), "%s: ", name));
    TRY(blob_put_fd(c->to_blobs, fd, size, is, NULL));
    if (strcmp(is, hash) != 0) {
        enum err e = blob_delete(c->to_blobs, is);
        return e != OK ? e : fail(E_BROKEN, "%s: the object %s has changed on disk: its bytes hash to %s", name, hash, is);
    }
    c->copied++;
    c->bytes += size;
    return OK;
}

/* All objects that the database at `path` names, but for those that are in a bucket of another store. */
static enum err copy_objects(struct copy *c, const char *path)
{
    struct sql *db = NULL;
    TRY(sql_open(path, &db));
    struct rows *r = NULL;
    bool buckets = false;
    enum err e = sql_has(db, &buckets, "object", "away");
    if (e == OK && buckets)
        e = sql_rows(db, &r, "SELECT hash, min(name) FROM object WHERE away = 0 GROUP BY hash ORDER BY hash");
    else if (e == OK)
        e = sql_rows(db, &r, "SELECT hash, min(name) FROM object GROUP BY hash ORDER BY hash");
    while (e == OK && rows_next(r))
        e = copy_object(c, rows_text(r, 0), rows_text(r, 1));
    if (e == OK)
        e = rows_error(r);
    rows_done(r);
    sql_close(db); /* takes its -wal and -shm with it */
    return e;
}

static enum err copy_file(const char *from, const char *to)
{
    AUTO(fd) int in_fd = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (in_fd < 0 && errno == ENOENT)
        return OK; /* replaced or removed meanwhile */
    AUTO(fd) int out_fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (in_fd < 0 || out_fd < 0)
        return fail(E_BROKEN, "cannot copy %s to %s: %s", from, to, strerror(errno));
    char block[64 << 10];
    for (ssize_t n; (n = read(in_fd, block, sizeof block)) != 0;) {
        if (n < 0)
            return fail(E_BROKEN, "cannot read %s: %s", from, strerror(errno));
        TRY(file_write_all(out_fd, block, (size_t)n));
    }
    return fsync(out_fd) == 0 ? OK : fail(E_BROKEN, "cannot sync %s: %s", to, strerror(errno));
}

/* Files and folders below; links are left out. Nothing there is fine. */
static enum err copy_tree(const char *from, const char *to)
{
    DIR *dir = opendir(from);
    if (!dir)
        return errno == ENOENT ? OK : fail(E_BROKEN, "cannot list %s: %s", from, strerror(errno));
    enum err e = file_make_dirs(to, 0700);
    for (struct dirent *d; e == OK && (d = readdir(dir));) {
        AUTO(arena) struct arena *a = arena_new();
        struct stat st;
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0 ||
            fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        const char *f = arena_fmt(a, "%s/%s", from, d->d_name), *t = arena_fmt(a, "%s/%s", to, d->d_name);
        if (S_ISDIR(st.st_mode))
            e = copy_tree(f, t);
        else if (S_ISREG(st.st_mode))
            e = copy_file(f, t);
    }
    closedir(dir);
    return e;
}

/* ---- the two commands */

static enum err back_up(struct copy *c)
{
    const char *fresh = in(c, c->to, "saccade.db.new"), *kept = in(c, c->to, "saccade.db");
    if (unlink(fresh) != 0 && errno != ENOENT)
        return fail(E_BROKEN, "cannot replace %s: %s", fresh, strerror(errno));
    struct sql *db = NULL;
    TRY(folder_open_old(c->from, &db));
    enum err e = sql_backup(db, fresh);
    sql_close(db);
    TRY(e);
    TRY(copy_objects(c, fresh));
    TRY(copy_tree(in(c, c->from, "training"), in(c, c->to, "training")));
    TRY(copy_file(in(c, c->from, "key"), in(c, c->to, "key")));
    return file_publish(fresh, kept, 0600);
}

static enum err restore(struct copy *c)
{
    const char *from = in(c, c->from, "saccade.db"), *fresh = in(c, c->to, "saccade.db.new"), *to = in(c, c->to, "saccade.db");
    if (file_exists(to))
        return fail(E_CONFLICT, "%s holds data already; restore into a new folder", c->to);
    TRY(copy_file(from, fresh));
    TRY(copy_objects(c, fresh));
    TRY(copy_tree(in(c, c->from, "training"), in(c, c->to, "training")));
    TRY(copy_file(in(c, c->from, "key"), in(c, c->to, "key")));
    return file_publish(fresh, to, 0600);
}

int backup_main(int argc, char **argv)
{
    AUTO(arena) struct arena *a = arena_new();
    bool backing_up = strcmp(argv[0], "backup") == 0;
    const char *data = "data", *other = NULL;
    AUTO(fd) int lock = -1;
    const struct option_row options[] = { { "--data", &data } };
    enum err e = options_read(argc, argv, options, COUNT_OF(options), &other, 1, NULL);
    if (e == OK && !other)
        e = fail(E_INVALID, backing_up ? "say where to: backup FOLDER" : "say where from: restore FOLDER");
    struct copy c = { .from = backing_up ? data : other, .to = backing_up ? other : data, .arena = a };
    if (e == OK)
        e = folder_check(c.from);
    if (e == OK)
        e = file_make_dirs(c.to, 0700);
    if (e == OK)
        e = folder_lock(c.to, &lock); /* a running server holds its own's: a folder that is written to must not be one's */
    if (e == OK)
        e = blob_open(c.from, &c.from_blobs);
    if (e == OK)
        e = blob_open(c.to, &c.to_blobs);
    if (e == OK)
        e = backing_up ? back_up(&c) : restore(&c);
    blob_close(c.from_blobs);
    blob_close(c.to_blobs);
    if (e != OK)
        return command_failed(argv[0]);
    printf("%lld objects, %lld of them copied (%.1f MB), and the database: %s is complete\n", (long long)c.objects,
           (long long)c.copied, (double)c.bytes / 1e6, c.to);
    return 0;
}
