#include "api/op.h"
#include "app/datalake/bucket_job.h"
#include "base/clock.h"
#include "base/file.h"
#include "infer/infer.h"
#include <pthread.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const uint64_t OBJECT_MOST = 1ull << 30; /* bytes of an image */

struct getting {
    struct object_import *m;
    struct coming *items;
    size_t n;
    atomic_size_t next;
    atomic_int busy;
    pthread_mutex_t lock; /* of the arena, and of: */
    struct arena *arena;
    bool failed;
    struct failure why;
};

/* Many stores' ETag is the MD5 of the bytes, and of some it is something else: bytes that do not fit are fetched once more, and if
 * the same come again they are what there is. */
static enum err fits(int fd, const char *etag, bool *ret)
{
    char md5[33];
    *ret = true;
    if (strlen(etag) != 32 || strspn(etag, "0123456789abcdefABCDEF") != 32)
        return OK;
    TRY(blob_md5(fd, md5));
    *ret = strcasecmp(md5, etag) == 0;
    return OK;
}

static enum err get_once(struct getting *g, struct s3 *s, struct arena *a, struct coming *c, int *ret_fd, struct s3_object *ret,
                         bool *ret_fits)
{
    AUTO(blob_writer) struct blob_writer *w = NULL;
    AUTO(fd) int fd = -1;
    TRY(blob_begin(g->m->services->blobs, OBJECT_MOST, &w));
    TRY(s3_get(s, a, c->key, NULL, blob_writer_fd(w), OBJECT_MOST, ret));
    TRY(blob_reread(w, &fd));
    TRY(fits(fd, ret->etag, ret_fits));
    struct blob_writer *done = w;
    w = NULL;
    TRY(blob_commit_cached(done, NULL, c->hash, &c->data.size));
    *ret_fd = fd;
    fd = -1;
    return OK;
}

static enum err get_bytes(struct getting *g, struct s3 *s, struct arena *a, struct coming *c, int *ret_fd, struct s3_object *ret)
{
    bool same = true;
    char first[HASH_SIZE];
    TRY(get_once(g, s, a, c, ret_fd, ret, &same));
    if (same)
        return OK;
    memcpy(first, c->hash, HASH_SIZE);
    auto_fd(ret_fd);
    *ret_fd = -1;
    TRY(get_once(g, s, a, c, ret_fd, ret, &same));
    return same || strcmp(first, c->hash) == 0 ? OK : fail(E_BUSY, "its bytes came differently each time");
}

static const char *kept(struct getting *g, const char *s)
{
    pthread_mutex_lock(&g->lock);
    const char *copy = arena_str(g->arena, s);
    pthread_mutex_unlock(&g->lock);
    return copy;
}

static enum err probe(struct getting *g, struct coming *c, int fd)
{
    struct image_facts facts;
    enum err e = infer_probe(g->m->pool, "imports", fd, &facts);
    c->data.content_type = "application/octet-stream";
    if (e == E_INVALID || e == E_TOO_BIG || e == E_UNMEANT) {
        c->data.error = kept(g, fail_text());
        return OK;
    }
    TRY(e);
    c->data.content_type = facts.type;
    c->data.width = facts.width;
    c->data.height = facts.height;
    c->data.orientation = facts.orientation;
    return OK;
}

/* What is wrong with one object is told of that one; a store that is away, and this machine's faults, end the import. */
static bool of_this_one(enum err e)
{
    return e == E_NOT_FOUND || e == E_FORBIDDEN || e == E_TOO_BIG || e == E_CONFLICT || e == E_UNMEANT || e == E_INVALID;
}

static enum err get_one(struct getting *g, struct s3 *s, struct coming *c)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(fd) int fd = -1;
    struct s3_object got;
    enum err e = get_bytes(g, s, a, c, &fd, &got);
    if (of_this_one(e)) {
        c->fault = kept(g, fail_text());
        return OK;
    }
    TRY(e);
    c->etag = kept(g, *got.etag ? got.etag : c->hash);
    return probe(g, c, fd);
}

struct fetcher {
    struct getting *g;
    struct s3 *line;
    pthread_t thread;
};

static void *fetch_next(void *with)
{
    struct fetcher *f = with;
    struct getting *g = f->g;
    for (size_t i; !g->m->stop && (i = atomic_fetch_add(&g->next, 1)) < g->n;) {
        if (g->items[i].is != COMING_NEW || get_one(g, f->line, &g->items[i]) == OK)
            continue;
        pthread_mutex_lock(&g->lock);
        if (!g->failed)
            fail_keep(&g->why);
        g->failed = true;
        pthread_mutex_unlock(&g->lock);
        atomic_store(&g->next, g->n); /* the others are not asked for any more */
    }
    atomic_fetch_sub(&g->busy, 1);
    return NULL;
}

/* This thread, which alone may use the job's connection, says meanwhile that it lives. */
static void watch(struct getting *g)
{
    for (double last = clock_seconds(); atomic_load(&g->busy) > 0; usleep(5000))
        if (clock_seconds() - last > 1) {
            last = clock_seconds();
            if (!import_goes_on(g->m))
                g->m->stop = true;
        }
}

enum err import_get(struct object_import *m, struct coming *items, size_t n, struct arena *a)
{
    struct getting g = { .m = m, .items = items, .n = n, .lock = PTHREAD_MUTEX_INITIALIZER, .arena = a };
    struct fetcher fetchers[FETCHERS];
    size_t started = 0;
    for (; started < FETCHERS; started++) {
        fetchers[started] = (struct fetcher){ .g = &g, .line = m->lines[started] };
        atomic_fetch_add(&g.busy, 1);
        if (pthread_create(&fetchers[started].thread, NULL, fetch_next, &fetchers[started]) != 0) {
            atomic_fetch_sub(&g.busy, 1);
            break;
        }
    }
    if (!started)
        return fail(E_BROKEN, "cannot start a thread");
    watch(&g);
    while (started)
        pthread_join(fetchers[--started].thread, NULL);
    pthread_mutex_destroy(&g.lock);
    if (m->stop)
        return fail(E_CANCELLED, "cancelled");
    return g.failed ? fail_again(&g.why) : OK;
}
