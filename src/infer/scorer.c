#include "infer/scorer.h"
#include "base/child.h"
#include "base/file.h"
#include "base/sandbox.h"
#include "blob/blob.h"
#include "img/decoder.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { IDLE_S = 120, LIMIT_S = 60 };
#define CHILD_MEMORY (2ULL << 30)

struct shared { /* memory of both */
    uint8_t pixels[SCORED_AT_ONCE * AUTOENCODER_VALUES];
    double scores[SCORED_AT_ONCE];
};
struct request {
    bool load; /* a fit, whose descriptor comes along; else n pictures */
    int n;
};
struct reply {
    enum err e;
    char why[300];
};

/* ---- the child */

static enum err load(struct outlier_net *net, int fd)
{
    AUTO(mapped_file) struct mapped_file file = { 0 };
    TRY(mapped_file_open(fd, OUTLIER_FILE_BYTES, "a fit to training images", &file));
    return outlier_net_read(net, file.bytes, file.n);
}

static enum err answer(struct outlier_net *net, struct shared *shared, const struct request *q, int fd)
{
    if (q->load)
        return load(net, fd);
    if (q->n < 1 || q->n > SCORED_AT_ONCE)
        return fail(E_INVALID, "%d pictures", q->n);
    outlier_net_score(net, shared->pixels, q->n, shared->scores);
    return OK;
}

static void serve_one(struct outlier_net *net, struct shared *shared, const struct request *q, int fd)
{
    struct reply r = { 0 };
    alarm(LIMIT_S + 5); /* in case the parent is gone and nobody kills us */
    r.e = answer(net, shared, q, fd);
    alarm(0);
    if (r.e != OK)
        strncpy(r.why, fail_text(), sizeof r.why - 1);
    if (message_send(CHILD_SOCKET, &r, sizeof r, NULL, 0) != OK)
        _exit(0);
}

/* The kernels are made, and run once, before the sandbox takes the right to make any. */
static enum err warm(struct outlier_net *net, struct shared *shared)
{
    TRY(outlier_net_new(net));
    outlier_net_score(net, shared->pixels, OUTLIER_BATCH + 1, shared->scores);
    return OK;
}

_Noreturn void scorer_child(void)
{
    struct outlier_net net;
    struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, CHILD_SHARED, 0);
    if (shared == MAP_FAILED || warm(&net, shared) != OK || sandbox_enter(CHILD_MEMORY) != OK)
        _exit(CHILD_NOT_STARTED);
    for (;;) {
        struct request q;
        size_t n;
        int fd;
        if (message_receive(CHILD_SOCKET, IDLE_S, &q, sizeof q, &n, &fd, 1) != OK || n != sizeof q)
            _exit(0);
        serve_one(&net, shared, &q, fd);
        auto_fd(&fd);
    }
}

/* ---- the parent */

struct scorer {
    struct child child;
    char *self_path;
    char hash[HASH_SIZE]; /* of the fit that the child has; "": none */
    int shared_fd;
    struct shared *shared;
};

struct scorer *scorer_new(const char *self_path)
{
    struct scorer *s = heap_take(sizeof *s);
    s->self_path = heap_str(self_path);
    s->shared_fd = -1;
    return s;
}

static void end_child(struct scorer *s)
{
    child_end(&s->child);
    s->hash[0] = 0;
}

void scorer_free(struct scorer *s)
{
    if (!s)
        return;
    end_child(s);
    if (s->shared)
        munmap(s->shared, sizeof *s->shared);
    auto_fd(&s->shared_fd);
    free(s->self_path);
    free(s);
}

static enum err start(struct scorer *s)
{
    const char *const argv[] = { s->self_path, "infer", "scorer", NULL };
    if (s->child.pid && child_is_gone(&s->child))
        end_child(s);
    if (s->child.pid)
        return OK;
    if (s->shared_fd < 0) {
        void *shared;
        TRY(shared_memory("pictures", sizeof *s->shared, &s->shared_fd, &shared));
        s->shared = shared;
    }
    return child_start(argv, NULL, s->shared_fd, &s->child);
}

static enum err ask(struct scorer *s, const struct request *q, int fd)
{
    struct reply r;
    size_t n = 0;
    int status = 0;
    enum err e = child_ask(&s->child, q, sizeof *q, &fd, q->load ? 1 : 0, LIMIT_S, &r, sizeof r, &n, &status);
    if (e == OK && n == sizeof r) {
        r.why[sizeof r.why - 1] = 0;
        return r.e == OK ? OK : fail(r.e > OK && r.e < ERR_KINDS ? r.e : E_BROKEN, "%s", r.why);
    }
    end_child(s);
    return fail(E_BUSY, "the process that scores images has ended, or did not answer");
}

static enum err score(struct scorer *s, const char *hash, int fit_fd, int n, double *ret)
{
    TRY(start(s));
    if (strcmp(s->hash, hash) != 0) {
        s->hash[0] = 0;
        TRY(ask(s, &(struct request){ .load = true }, fit_fd));
        memcpy(s->hash, hash, strlen(hash) + 1);
    }
    TRY(ask(s, &(struct request){ .n = n }, -1));
    memcpy(ret, s->shared->scores, (size_t)n * sizeof *ret);
    for (int i = 0; i < n; i++)
        if (!isfinite(ret[i]) || ret[i] < 0)
            return fail(E_BROKEN, "the process that scores images gave an answer that makes no sense");
    return OK;
}

enum err scorer_score(struct scorer *s, const char *hash, int fit_fd, const uint8_t *pixels, int n, double *ret)
{
    if (strlen(hash) >= HASH_SIZE || n < 1 || n > SCORED_AT_ONCE)
        return fail(E_INVALID, "%d pictures to be scored by \"%.70s\"", n, hash);
    TRY(start(s));
    memcpy(s->shared->pixels, pixels, (size_t)n * AUTOENCODER_VALUES);
    enum err e = score(s, hash, fit_fd, n, ret);
    return e == E_BUSY ? score(s, hash, fit_fd, n, ret)
                       : e; /* it ended, from idleness or from outside, just as we asked: once more */
}
