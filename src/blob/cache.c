/* The cache of objects that are kept elsewhere: DIR/cache/ab/abcdef…. Whatever lies there may go at any time; what was opened is
 * read to its end. The file that was read the longest time ago makes room. */
#include "base/file.h"
#include "base/log.h"
#include "blob/store.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { TOUCH_S = 3600 }; /* a file's time is the time of its last reading, as exact as that */

void blob_elsewhere(struct blob_store *s, blob_fetch *fetch, void *with, uint64_t most)
{
    s->fetch = fetch;
    s->fetch_with = with;
    s->cache_most = most;
}

static char *place(struct arena *a, const struct blob_store *s, const char *hash)
{
    return arena_fmt(a, "%s/cache/%.2s/%s", s->dir, hash, hash);
}

/* ---- making room */

struct kept {
    int64_t used;
    uint64_t size;
    char name[HASH_SIZE];
};

struct cache {
    struct kept *files;
    size_t n, room;
    uint64_t bytes;
};

static void note_file(struct cache *c, const char *path, const char *name)
{
    struct stat st;
    if (!blob_is_hash(name) || stat(path, &st) != 0)
        return;
    if (c->n == c->room)
        c->files = heap_grow(c->files, (c->room = 2 * c->room + 256) * sizeof *c->files);
    struct kept *k = &c->files[c->n++];
    *k = (struct kept){ .used = st.st_mtime, .size = (uint64_t)st.st_size };
    memcpy(k->name, name, HASH_SIZE);
    c->bytes += k->size;
}

static enum err look(struct blob_store *s, struct cache *ret)
{
    for (int i = 0; i < 256; i++) {
        AUTO(arena) struct arena *a = arena_new();
        char **names;
        size_t n;
        const char *folder = arena_fmt(a, "%s/cache/%02x", s->dir, i);
        if (!file_exists(folder))
            continue;
        TRY(file_list(a, folder, &names, &n));
        for (size_t k = 0; k < n; k++)
            note_file(ret, arena_fmt(a, "%s/%s", folder, names[k]), names[k]);
    }
    return OK;
}

static int by_use(const void *a, const void *b)
{
    const struct kept *x = a, *y = b;
    return x->used < y->used ? -1 : x->used > y->used;
}

/* Down to nine tenths, so that it is not looked through again at once. */
static void drop_oldest(struct blob_store *s, struct cache *c)
{
    AUTO(arena) struct arena *a = arena_new();
    if (c->bytes > s->cache_most)
        qsort(c->files, c->n, sizeof *c->files, by_use);
    for (size_t i = 0; c->bytes > s->cache_most && i < c->n;)
        for (uint64_t to = s->cache_most / 10 * 9; c->bytes > to && i < c->n; i++)
            if (unlink(place(a, s, c->files[i].name)) == 0 || errno == ENOENT)
                c->bytes -= c->files[i].size;
}

static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;

/* Two processes have one cache, and each its own count: what is counted anew at each clearing is what there is. */
static void make_room(struct blob_store *s)
{
    struct cache c = { 0 };
    pthread_mutex_lock(&one);
    if (s->cached < 0 || (uint64_t)s->cached > s->cache_most) {
        if (look(s, &c) == OK)
            drop_oldest(s, &c);
        else
            log_failure("clearing the cache");
        s->cached = (long long)c.bytes;
        free(c.files);
    }
    pthread_mutex_unlock(&one);
}

/* ---- keeping and reading */

enum err blob_cache_keep(struct blob_store *s, int fd, const char *path, const char *hash)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *to = place(a, s, hash);
    struct stat st;
    TRY(file_make_dirs(arena_fmt(a, "%s/cache/%.2s", s->dir, hash), 0700));
    if (fstat(fd, &st) != 0 || rename(path, to) != 0)
        return fail(err_of_errno(errno), "cannot move %s to %s: %s", path, to, strerror(errno));
    blob_note_good(s, hash, fd);
    if (s->cached >= 0)
        s->cached += st.st_size;
    make_room(s);
    return OK;
}

static void touch(struct blob_store *s, const char *hash, int fd, const struct stat *st)
{
    if (st->st_mtime < time(NULL) - TOUCH_S && futimens(fd, NULL) == 0)
        blob_note_good(s, hash, fd);
}

/* One that has changed on this disk is fetched again. */
static bool have(struct blob_store *s, const char *hash, int *ret_fd, uint64_t *ret_size)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *at = place(a, s, hash);
    struct stat st;
    AUTO(fd) int fd = open(at, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &st) != 0)
        return false;
    if (blob_compare(s, hash, fd, &st) != OK) {
        unlink(at);
        return false;
    }
    touch(s, hash, fd, &st);
    *ret_fd = fd;
    fd = -1;
    if (ret_size)
        *ret_size = (uint64_t)st.st_size;
    return true;
}

static enum err fetch(struct blob_store *s, const char *hash, int *ret_fd, uint64_t *ret_size)
{
    AUTO(blob_writer) struct blob_writer *w = NULL;
    AUTO(fd) int fd = -1;
    char is[HASH_SIZE];
    uint64_t size;
    TRY(blob_begin(s, UINT64_MAX, &w));
    TRY(s->fetch(s->fetch_with, hash, blob_writer_fd(w)));
    TRY(blob_reread(w, &fd)); /* before it may be dropped again to make room */
    struct blob_writer *done = w;
    w = NULL;
    TRY(blob_commit_cached(done, hash, is, &size));
    *ret_fd = fd;
    fd = -1;
    if (ret_size)
        *ret_size = size;
    return OK;
}

enum err blob_cache_read(struct blob_store *s, const char *hash, int *ret_fd, uint64_t *ret_size)
{
    if (!blob_is_hash(hash))
        return fail(E_NOT_FOUND, "the object %.64s is missing", hash);
    return have(s, hash, ret_fd, ret_size) ? OK : fetch(s, hash, ret_fd, ret_size);
}
