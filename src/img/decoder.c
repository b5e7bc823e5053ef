#include "img/decoder.h"
#include "base/child.h"
#include "base/file.h"
#include "base/sandbox.h"
#include "img/format.h"
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    MOST_CHILDREN = 16,
    IDLE_S = 120,          /* a child that nobody asks for so long ends; the next call starts another */
    BEHIND_S = 600,        /* wall time of an image for who gives way to others */
    WAIT_S = 60,           /* a call waits so long for a child to become free */
    KEEP_SHARED = 8 << 20, /* shared pages above this are given back after use */
    KEEP_FREE = 4 << 20    /* so is memory that the decoders have freed */
};
#define SHARED_SIZE ((size_t)IMAGE_PIXELS * 3)
#define CHILD_MEMORY (2ULL << 30) /* 100 Mpx as RGB, as coefficients of a progressive JPEG, turned, and the file itself */

enum task { PROBE = 1, DECODE, THUMBNAIL, LOOK, SMALL };
struct request {
    enum task task;
    int longest;
    double limit_s;
    int side; /* of SMALL */
};
struct reply {
    enum err e;
    char why[500];
    char type[16];
    int stored_width, stored_height, orientation;
    int width, height, full_width, full_height; /* of the pixels */
    uint64_t bytes;                             /* in the shared memory: pixels, or a JPEG */
    struct image_look look;
};

/* The child */

enum err mapped_file_open(int fd, size_t cap, const char *what, struct mapped_file *ret)
{
    struct stat st;
    if (fd_stat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return fail(E_INVALID, "%s is not a regular file", what);
    if (st.st_size < 1)
        return fail(E_INVALID, "%s is empty", what);
    if ((uint64_t)st.st_size > cap)
        return fail(E_TOO_BIG, "%s has %lld bytes; at most %zu are read", what, (long long)st.st_size, cap);
    void *at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (at == MAP_FAILED)
        return fail(E_BROKEN, "cannot map %s: %s", what, strerror(errno));
    *ret = (struct mapped_file){ at, (size_t)st.st_size };
    return OK;
}

void auto_mapped_file(struct mapped_file *m)
{
    if (m->bytes)
        munmap((void *)(uintptr_t)m->bytes, m->n);
}

static enum err hand_over(const void *bytes, size_t n, uint8_t *shared, struct reply *reply)
{
    if (n > SHARED_SIZE)
        return fail(E_TOO_BIG, "the answer has %zu bytes", n);
    memcpy(shared, bytes, n);
    reply->bytes = n;
    return OK;
}

static enum err make_thumbnail(const struct image *image, int max_side, uint8_t *shared, struct reply *reply)
{
    int side = image->width > image->height ? image->width : image->height, width, height;
    max_side = max_side < side ? max_side : side;
    image_fit(image->full_width, image->full_height, max_side, max_side, &width, &height);
    AUTO(image) struct image small = { 0 };
    if (width != image->width || height != image->height)
        TRY(image_resize(image, width, height, &small));
    uint8_t *jpeg;
    size_t n;
    TRY(image_to_jpeg(small.pixels ? &small : image, 85, &jpeg, &n));
    enum err e = hand_over(jpeg, n, shared, reply);
    free(jpeg);
    return e;
}

static uint64_t small_bytes(const struct request *q)
{
    return (uint64_t)q->side * (uint64_t)q->side * 3;
}

static enum err answer(const struct request *q, int fd, uint8_t *shared, struct reply *reply)
{
    AUTO(mapped_file) struct mapped_file file = { 0 };
    TRY(mapped_file_open(fd, IMAGE_BYTES, "the image file", &file));
    struct image_info info;
    TRY(image_probe(file.bytes, file.n, &info));
    strncpy(reply->type, info.type, sizeof reply->type - 1);
    reply->stored_width = info.width;
    reply->stored_height = info.height;
    reply->orientation = info.orientation;
    AUTO(image) struct image image = { 0 };
    TRY(image_decode(file.bytes, file.n, q->task == PROBE ? 1 : q->longest, &image));
    reply->width = image.width;
    reply->height = image.height;
    reply->full_width = image.full_width;
    reply->full_height = image.full_height;
    if (q->task == DECODE)
        return hand_over(image.pixels, (size_t)image.width * (size_t)image.height * 3, shared, reply);
    if (q->task == LOOK)
        return image_look(&image, &reply->look);
    if (q->task == SMALL) {
        reply->bytes = small_bytes(q);
        return image_small(&image, q->side, shared);
    }
    return q->task == THUMBNAIL ? make_thumbnail(&image, q->longest, shared, reply) : OK;
}

static void serve_one(const struct request *q, int fd, uint8_t *shared)
{
    struct reply reply = { 0 };
    alarm((unsigned)q->limit_s + 5); /* in case the parent is gone and nobody kills us */
    reply.e = answer(q, fd, shared, &reply);
    alarm(0);
    if (reply.e != OK)
        strncpy(reply.why, fail_text(), sizeof reply.why - 1);
    if (message_send(CHILD_SOCKET, &reply, sizeof reply, NULL, 0) != OK)
        _exit(0);
    if (mallinfo2().fordblks > KEEP_FREE)
        malloc_trim(0);
}

static _Noreturn void serve(int idle_s)
{
    uint8_t *shared = mmap(NULL, SHARED_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, CHILD_SHARED, 0);
    if (shared == MAP_FAILED || sandbox_enter(CHILD_MEMORY) != OK)
        _exit(CHILD_NOT_STARTED);
    for (;;) {
        struct request q;
        size_t n;
        int fd;
        if (message_receive(CHILD_SOCKET, idle_s, &q, sizeof q, &n, &fd, 1) != OK || n != sizeof q)
            _exit(0);
        serve_one(&q, fd, shared);
        auto_fd(&fd);
    }
}

static void serve_forever(void)
{
    serve(0);
}

_Noreturn void decoder_child(void)
{
    serve(IDLE_S);
}

/* The parent */

struct worker {
    struct child child;
    bool busy;
    int shared_fd; /* -1: none yet */
    uint8_t *shared;
};
struct decoder {
    pthread_mutex_t lock;
    pthread_cond_t freed;
    char *self_path;
    double limit_s;
    int most;
    bool gives_way;
    struct worker workers[MOST_CHILDREN];
};

static enum err start_child(struct decoder *d, struct worker *w)
{
    if (w->shared_fd < 0) {
        void *shared;
        TRY(shared_memory("pixels", SHARED_SIZE, &w->shared_fd, &shared));
        w->shared = shared;
    }
    const char *const argv[] = { d->self_path, "infer", d->gives_way ? "decoder-behind" : "decoder", NULL };
    return child_start(d->self_path ? argv : NULL, serve_forever, w->shared_fd, &w->child);
}

/* An idle worker, best one with a child; NULL: all are busy. */
static struct worker *find_worker(struct decoder *d)
{
    struct worker *best = NULL;
    for (int i = 0; i < d->most; i++) {
        struct worker *w = &d->workers[i];
        if (w->busy)
            continue;
        if (w->child.pid && child_is_gone(&w->child))
            child_end(&w->child);
        if (!best || (w->child.pid && !best->child.pid))
            best = w;
    }
    return best;
}

void decoder_sweep(struct decoder *d)
{
    pthread_mutex_lock(&d->lock);
    find_worker(d);
    pthread_mutex_unlock(&d->lock);
}

static enum err take_worker(struct decoder *d, struct worker **ret)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    pthread_mutex_lock(&d->lock);
    struct worker *w;
    int code = 0;
    while (!(w = find_worker(d)) && code == 0)
        code = pthread_cond_timedwait(&d->freed, &d->lock, &until);
    if (w)
        w->busy = true;
    pthread_mutex_unlock(&d->lock);
    *ret = w;
    return w ? OK : fail(E_BUSY, "all image decoders are busy");
}

static void give_worker(struct decoder *d, struct worker *w)
{
    pthread_mutex_lock(&d->lock);
    w->busy = false;
    pthread_cond_signal(&d->freed);
    pthread_mutex_unlock(&d->lock);
}

static enum err spoilt(int status)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
        return fail(E_INVALID, "the image broke its decoder (signal %d)", WTERMSIG(status));
    if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_NOT_STARTED)
        return fail(E_BROKEN, "an image decoder could not be started");
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
        return fail(E_INVALID, "the image broke its decoder (exit code %d)", WEXITSTATUS(status));
    return fail(E_BUSY, "an image decoder was stopped from outside");
}

static bool share(double x)
{
    return x >= 0 && x <= 1;
}

static bool sane_look(const struct image_look *l)
{
    return share(l->brightness) && share(l->contrast) && share(l->saturation) && l->sharpness >= 0 && l->sharpness < 1e7;
}

/* Nothing in the reply is trusted: the child may have been taken over. */
static enum err check(struct reply *r, size_t n, const struct request *q)
{
    if (n != sizeof *r)
        return fail(E_BROKEN, "an image decoder gave an answer of %zu bytes", n);
    r->why[sizeof r->why - 1] = 0;
    r->type[sizeof r->type - 1] = 0;
    if (r->e != OK)
        return fail(r->e > OK && r->e < ERR_KINDS ? r->e : E_BROKEN, "%s", r->why);
    int64_t pixels = (int64_t)r->width * r->height;
    bool sane = r->width > 0 && r->height > 0 && r->width <= IMAGE_SIDE && r->height <= IMAGE_SIDE && pixels <= IMAGE_PIXELS &&
                r->full_width >= r->width && r->full_height >= r->height && r->full_width <= IMAGE_SIDE &&
                r->full_height <= IMAGE_SIDE && r->stored_width > 0 && r->stored_height > 0 && r->stored_width <= IMAGE_SIDE &&
                r->stored_height <= IMAGE_SIDE && r->orientation >= 1 && r->orientation <= 8 && image_type_known(r->type) &&
                r->bytes <= SHARED_SIZE && (q->task != DECODE || r->bytes == (uint64_t)pixels * 3) &&
                (q->task != SMALL || r->bytes == small_bytes(q)) && sane_look(&r->look);
    return sane ? OK : fail(E_BROKEN, "an image decoder gave an answer that makes no sense");
}

static enum err ask_once(struct decoder *d, struct worker *w, const struct request *q, int fd, struct reply *reply)
{
    size_t n = 0;
    int status = 0;
    enum err e = child_ask(&w->child, q, sizeof *q, &fd, 1, d->limit_s, reply, sizeof *reply, &n, &status);
    if (e == E_CANCELLED)
        return spoilt(status);
    if (e == E_BUSY)
        e = fail(E_INVALID, "the image took longer than %.0f s to decode", d->limit_s);
    else if (e == OK)
        return check(reply, n, q);
    child_end(&w->child);
    return e;
}

static enum err copy_out(struct worker *w, const struct reply *r, uint8_t **ret)
{
    void *bytes = NULL;
    enum err e = OK;
    if (r->bytes) {
        e = big_take(r->bytes, SHARED_SIZE, "the pixels of an image", &bytes);
        if (e == OK)
            memcpy(bytes, w->shared, r->bytes);
        if (r->bytes > KEEP_SHARED)
            madvise(w->shared, SHARED_SIZE, MADV_REMOVE);
    }
    *ret = bytes;
    return e;
}

/* ret_bytes: what the child left in the shared memory, on the heap; NULL if nothing. */
static enum err ask(struct decoder *d, const struct request *q, int fd, struct reply *reply, uint8_t **ret_bytes)
{
    struct worker *w;
    TRY(take_worker(d, &w));
    enum err e = OK;
    for (int tries = 0; tries < 2; tries++) {
        if (!w->child.pid)
            e = start_child(d, w);
        if (e == OK)
            e = ask_once(d, w, q, fd, reply);
        if (e != E_BUSY)
            break;
        e = tries == 0 ? OK : e; /* it ended, from idleness or from outside, just as we asked: once more */
    }
    if (e == OK)
        e = copy_out(w, reply, ret_bytes);
    give_worker(d, w);
    return e;
}

static struct decoder *decoder_new(const char *self_path, int most)
{
    struct decoder *d = heap_take(sizeof *d);
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->freed, NULL);
    d->self_path = heap_str(self_path);
    d->limit_s = 30; /* 100 Mpx of PNG take 4 to 10 */
    d->most = most < 1 ? 1 : most > MOST_CHILDREN ? MOST_CHILDREN : most;
    for (int i = 0; i < MOST_CHILDREN; i++)
        d->workers[i].shared_fd = -1;
    return d;
}

enum err decoder_start(const char *self_path, int most, struct decoder **ret)
{
    struct decoder *d = decoder_new(self_path, most);
    /* Forks are made while the caller has no threads; programs can be started at any time. */
    for (int i = 0; i < (self_path ? 1 : d->most); i++) {
        enum err e = start_child(d, &d->workers[i]);
        if (e != OK) {
            decoder_stop(d);
            return e;
        }
    }
    *ret = d;
    return OK;
}

struct decoder *decoder_behind(const char *self_path)
{
    struct decoder *d = decoder_new(self_path, 1);
    d->gives_way = true;
    d->limit_s = BEHIND_S;
    return d;
}

void decoder_set_limit(struct decoder *d, double seconds)
{
    d->limit_s = seconds;
}

void decoder_stop(struct decoder *d)
{
    if (!d)
        return;
    for (int i = 0; i < MOST_CHILDREN; i++) {
        struct worker *w = &d->workers[i];
        child_end(&w->child);
        if (w->shared)
            munmap(w->shared, SHARED_SIZE);
        auto_fd(&w->shared_fd);
    }
    pthread_cond_destroy(&d->freed);
    pthread_mutex_destroy(&d->lock);
    free(d->self_path);
    free(d);
}

enum err decoder_decode(struct decoder *d, int image_fd, int longest, struct image *ret)
{
    struct request q = { DECODE, longest, d->limit_s };
    struct reply r;
    uint8_t *pixels = NULL;
    TRY(ask(d, &q, image_fd, &r, &pixels));
    *ret = (struct image){ pixels, r.width, r.height, r.full_width, r.full_height };
    return OK;
}

enum err decoder_probe(struct decoder *d, int image_fd, struct image_info *ret)
{
    struct request q = { PROBE, 0, d->limit_s };
    struct reply r;
    uint8_t *nothing = NULL;
    TRY(ask(d, &q, image_fd, &r, &nothing));
    free(nothing);
    *ret = (struct image_info){ image_type_known(r.type), r.stored_width, r.stored_height, r.orientation };
    return OK;
}

enum err decoder_thumbnail(struct decoder *d, int image_fd, int max_side, uint8_t **ret, size_t *ret_n)
{
    if (max_side < 1 || max_side > IMAGE_SIDE)
        return fail(E_INVALID, "a thumbnail of %d pixels", max_side);
    struct request q = { THUMBNAIL, max_side, d->limit_s };
    struct reply r;
    TRY(ask(d, &q, image_fd, &r, ret));
    *ret_n = r.bytes;
    return *ret ? OK : fail(E_BROKEN, "an image decoder gave no thumbnail");
}

enum err decoder_look(struct decoder *d, int image_fd, struct image_look *ret)
{
    struct request q = { LOOK, LOOK_SIDE, d->limit_s };
    struct reply r;
    uint8_t *none = NULL;
    TRY(ask(d, &q, image_fd, &r, &none));
    free(none);
    *ret = r.look;
    return OK;
}

enum err decoder_small(struct decoder *d, int image_fd, int side, uint8_t *ret)
{
    if (side < 1 || side > SMALL_SIDE)
        return fail(E_INVALID, "a picture of %d pixels", side);
    struct request q = { SMALL, LOOK_SIDE, d->limit_s, side };
    struct reply r;
    uint8_t *pixels = NULL;
    TRY(ask(d, &q, image_fd, &r, &pixels));
    memcpy(ret, pixels, r.bytes);
    free(pixels);
    return OK;
}
