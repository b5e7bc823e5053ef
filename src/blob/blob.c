#include "base/clock.h"
#include "base/file.h"
#include "blob/store.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { COPY_BLOCK = 256 << 10, STALE_S = 48 * 3600 };

struct blob_writer {
    struct blob_store *store;
    int fd;
    char *path;      /* in incoming/ */
    EVP_MD_CTX *sha; /* NULL: made from the file in the end */
    uint64_t size, cap;
};

static void remove_stale(const char *dir)
{
    DIR *d = opendir(dir);
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));) {
        struct stat st;
        if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
            st.st_mtime < time(NULL) - STALE_S)
            unlinkat(dirfd(d), e->d_name, 0);
    }
    closedir(d);
}

/* All at once, so that no upload finds that another has made its folder and not yet synced it. */
static enum err make_folders(const char *objects)
{
    AUTO(arena) struct arena *a = arena_new();
    bool made = false;
    TRY(file_make_dirs(objects, 0700));
    for (int i = 0; i < 256; i++) {
        const char *folder = arena_fmt(a, "%s/%02x", objects, i);
        if (mkdir(folder, 0700) == 0)
            made = true;
        else if (errno != EEXIST)
            return fail(err_of_errno(errno), "cannot make %s: %s", folder, strerror(errno));
    }
    return made ? file_sync_dir(objects) : OK;
}

enum err blob_open(const char *dir, struct blob_store **ret)
{
    AUTO(arena) struct arena *a = arena_new();
    TRY(make_folders(arena_fmt(a, "%s/objects", dir)));
    TRY(file_make_dirs(arena_fmt(a, "%s/incoming", dir), 0700));
    TRY(file_make_dirs(arena_fmt(a, "%s/trash", dir), 0700));
    remove_stale(arena_fmt(a, "%s/incoming", dir));
    struct blob_store *s = heap_take(sizeof *s);
    s->dir = heap_str(dir);
    s->cached = -1;
    *ret = s;
    return OK;
}

void blob_close(struct blob_store *s)
{
    if (!s)
        return;
    free(s->dir);
    free(s);
}

static char *trash_place(struct arena *a, const struct blob_store *s, const char *hash)
{
    return arena_fmt(a, "%s/trash/%s", s->dir, hash);
}

/* Whether the object is there, if need be from the trash. The sweeper and a request may meet here: each step is one rename. */
bool blob_have(struct blob_store *s, const char *hash)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *at = blob_place(a, s, hash);
    return file_exists(at) || rename(trash_place(a, s, hash), at) == 0;
}

bool blob_holds(struct blob_store *s, const char *hash)
{
    return blob_is_hash(hash) && blob_have(s, hash);
}

static void free_writer(struct blob_writer *w)
{
    if (w->fd >= 0)
        close(w->fd);
    EVP_MD_CTX_free(w->sha);
    free(w->path);
    free(w);
}

void blob_abort(struct blob_writer *w)
{
    if (!w)
        return;
    unlink(w->path);
    free_writer(w);
}

enum err blob_begin(struct blob_store *s, uint64_t cap, struct blob_writer **ret)
{
    AUTO(arena) struct arena *a = arena_new();
    struct blob_writer *w = heap_take(sizeof *w);
    *w = (struct blob_writer){ .store = s, .cap = cap, .path = heap_str(arena_fmt(a, "%s/incoming/%s", s->dir, id_new(a))) };
    w->fd = open(w->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    w->sha = EVP_MD_CTX_new();
    if (w->fd < 0 || !w->sha || EVP_DigestInit_ex(w->sha, EVP_sha256(), NULL) != 1) {
        enum err e = fail(err_of_errno(errno), "cannot write to %s: %s", w->path, strerror(errno));
        free_writer(w);
        return e;
    }
    *ret = w;
    return OK;
}

void blob_hash_late(struct blob_writer *w)
{
    EVP_MD_CTX_free(w->sha);
    w->sha = NULL;
}

enum err blob_write(struct blob_writer *w, const void *bytes, size_t n)
{
    if (n > w->cap - w->size)
        return fail(E_TOO_BIG, "the file is over %llu bytes", (unsigned long long)w->cap);
    TRY(file_write_all(w->fd, bytes, n));
    if (w->sha)
        EVP_DigestUpdate(w->sha, bytes, n);
    w->size += n;
    return OK;
}

enum err blob_reread(struct blob_writer *w, int *ret)
{
    int fd = open(w->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail(E_BROKEN, "cannot read %s: %s", w->path, strerror(errno));
    *ret = fd;
    return OK;
}

/* The file at `path` becomes the object `hash`: fsync, rename, fsync of the folder. An object that is there already wins if its
 * bytes are still right; a damaged one is replaced. */
static enum err settle(struct blob_store *s, int fd, const char *path, const char *hash)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *to = blob_place(a, s, hash), *folder = arena_fmt(a, "%s/objects/%.2s", s->dir, hash);
    if (blob_is_good(s, hash)) {
        unlink(path);
        return OK;
    }
    if (fsync(fd) != 0)
        return fail(err_of_errno(errno), "cannot sync %s: %s", path, strerror(errno));
    if (rename(path, to) != 0)
        return fail(err_of_errno(errno), "cannot move %s to %s: %s", path, to, strerror(errno));
    unlink(blob_damaged_place(a, s, hash));
    blob_note_good(s, hash, fd); /* after the rename, which is a change of the file too */
    return file_sync_dir(folder);
}

enum err blob_commit(struct blob_writer *w, char ret_hash[HASH_SIZE], uint64_t *ret_size)
{
    char hash[HASH_SIZE];
    enum err e = OK;
    if (w->sha)
        blob_hex(w->sha, hash);
    else
        e = blob_hash_of(w->fd, hash);
    if (e == OK)
        e = settle(w->store, w->fd, w->path, hash);
    if (e != OK) {
        blob_abort(w);
        return e;
    }
    memcpy(ret_hash, hash, HASH_SIZE);
    if (ret_size)
        *ret_size = w->size;
    free_writer(w);
    return OK;
}

int blob_writer_fd(const struct blob_writer *w)
{
    return w->fd;
}

enum err blob_commit_cached(struct blob_writer *w, const char *wanted, char ret_hash[HASH_SIZE], uint64_t *ret_size)
{
    char hash[HASH_SIZE];
    struct stat st;
    enum err e = blob_hash_of(w->fd, hash);
    if (e == OK && fstat(w->fd, &st) != 0)
        e = fail(E_BROKEN, "cannot read %s: %s", w->path, strerror(errno));
    if (e == OK && wanted && strcmp(hash, wanted) != 0)
        e = fail(E_NOT_FOUND, "the object %.64s is not what it was where it is kept: its bytes hash to %s", wanted, hash);
    if (e == OK)
        e = blob_cache_keep(w->store, w->fd, w->path, hash);
    if (e != OK) {
        blob_abort(w);
        return e;
    }
    memcpy(ret_hash, hash, HASH_SIZE);
    *ret_size = (uint64_t)st.st_size;
    free_writer(w);
    return OK;
}

enum err blob_put(struct blob_store *s, const void *bytes, size_t n, char ret_hash[HASH_SIZE])
{
    AUTO(blob_writer) struct blob_writer *w = NULL;
    TRY(blob_begin(s, n, &w));
    TRY(blob_write(w, bytes, n));
    struct blob_writer *done = w;
    w = NULL;
    return blob_commit(done, ret_hash, NULL);
}

static enum err write_block(void *with, const void *bytes, size_t n)
{
    return blob_write(with, bytes, n);
}

enum err blob_put_fd(struct blob_store *s, int fd, uint64_t cap, char ret_hash[HASH_SIZE], uint64_t *ret_size)
{
    AUTO(blob_writer) struct blob_writer *w = NULL;
    TRY(blob_begin(s, cap, &w));
    TRY(blob_blocks(fd, write_block, w));
    struct blob_writer *done = w;
    w = NULL;
    return blob_commit(done, ret_hash, ret_size);
}

static char *part_path(struct arena *a, const struct blob_store *s, const char *upload_id)
{
    char id[ID_SIZE];
    return id_parse(upload_id, id) ? arena_fmt(a, "%s/incoming/part-%s", s->dir, id) : NULL;
}

enum err blob_part_open(struct blob_store *s, const char *upload_id, int *ret_fd)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *path = part_path(a, s, upload_id);
    if (!path)
        return fail(E_NOT_FOUND, "there is no upload %.60s", upload_id);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fail(err_of_errno(errno), "cannot write to %s: %s", path, strerror(errno));
    *ret_fd = fd;
    return OK;
}

enum err blob_part_finish(struct blob_store *s, const char *upload_id, uint64_t size, char ret_hash[HASH_SIZE])
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(fd) int fd = -1;
    TRY(blob_part_open(s, upload_id, &fd));
    struct stat st;
    if (fstat(fd, &st) != 0 || (uint64_t)st.st_size != size)
        return fail(E_CONFLICT, "the upload has %lld bytes of %llu", (long long)st.st_size, (unsigned long long)size);
    char hash[HASH_SIZE];
    TRY(blob_hash_of(fd, hash));
    TRY(settle(s, fd, part_path(a, s, upload_id), hash));
    memcpy(ret_hash, hash, HASH_SIZE);
    return OK;
}

enum err blob_delete(struct blob_store *s, const char *hash)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *to = blob_is_hash(hash) ? trash_place(a, s, hash) : NULL;
    if (!to)
        return OK;
    if (rename(blob_place(a, s, hash), to) != 0 && errno != ENOENT)
        return fail(E_BROKEN, "cannot delete the object %s: %s", hash, strerror(errno));
    utimensat(AT_FDCWD, to, NULL, 0); /* the 48 hours begin */
    return OK;
}

enum err blob_each(struct blob_store *s, enum err (*each)(void *, const char *), void *with)
{
    AUTO(arena) struct arena *a = arena_new();
    for (int i = 0; i < 256; i++) {
        char **names;
        size_t n;
        const char *folder = arena_fmt(a, "%s/objects/%02x", s->dir, i);
        if (!file_exists(folder))
            continue;
        TRY(file_list(a, folder, &names, &n));
        for (size_t k = 0; k < n; k++)
            TRY(each(with, names[k]));
    }
    return OK;
}

struct sweep {
    struct blob_store *store;
    enum err (*named)(void *, const char *, bool *);
    void *with;
    int64_t n;
};

static enum err sweep_one(void *with, const char *hash)
{
    struct sweep *w = with;
    AUTO(arena) struct arena *a = arena_new();
    struct stat st;
    bool named = true;
    if (stat(blob_place(a, w->store, hash), &st) != 0 || st.st_mtime > time(NULL) - STALE_S)
        return OK;
    TRY(w->named(w->with, hash, &named));
    if (named)
        return OK;
    TRY(blob_delete(w->store, hash));
    w->n++;
    return OK;
}

enum err blob_sweep(struct blob_store *s, enum err (*named)(void *, const char *, bool *), void *with, int64_t *ret_n)
{
    AUTO(arena) struct arena *a = arena_new();
    struct sweep w = { s, named, with, 0 };
    remove_stale(arena_fmt(a, "%s/trash", s->dir));
    remove_stale(arena_fmt(a, "%s/incoming", s->dir));
    TRY(blob_each(s, sweep_one, &w));
    *ret_n = w.n;
    return OK;
}
