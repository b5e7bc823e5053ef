#include "infer/process.h"
#include "infer/elsewhere.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void process_forget(struct process *p)
{
    child_end(&p->child);
    p->key[0] = 0;
    p->ready = false;
    p->quickest_s = 0;
}

void process_forget_gone(struct process *p)
{
    if (!p->busy && p->child.pid && child_is_gone(&p->child))
        process_forget(p);
}

static enum err spoilt(int status, bool loading)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_NOT_STARTED)
        return fail(E_BROKEN, "a model's process could not be started");
    if ((WIFEXITED(status) && WEXITSTATUS(status) == 0) || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
        return fail(E_BUSY, "a model's process was stopped from outside");
    int code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    if (loading)
        return fail(E_UNMEANT, "the model broke its process while it was loaded (%d)", code);
    return fail(E_INVALID, "the image or the model broke the model's process (%d)", code);
}

/* Nothing in the reply is trusted. */
static enum err check(struct answer *a, size_t n)
{
    struct model_reply *r = &a->reply;
    if (n < sizeof *r || r->n_bytes != n - sizeof *r)
        return fail(E_BROKEN, "a model's process gave an answer of %zu bytes", n);
    r->why[sizeof r->why - 1] = 0;
    if (r->e != OK)
        return fail(r->e > OK && r->e < ERR_KINDS ? r->e : E_BROKEN, "%s", r->why);
    return OK;
}

/* All messages of an answer. Who says that more comes than there is room for is not listened to. */
static enum err hear(struct process *p, double limit_s, struct answer *a, size_t *ret_n, int *ret_status)
{
    size_t n = 0, more;
    do {
        TRY(child_hear(&p->child, limit_s, a->bytes + n, sizeof a->bytes - n, &more, ret_status));
        n += more;
    } while (more && n >= sizeof a->reply && n < sizeof a->bytes && n - sizeof a->reply < a->reply.n_bytes);
    *ret_n = n;
    return OK;
}

enum err process_ask(struct process *p, const struct question *q, struct answer *a, bool *ret_late)
{
    bool loading = q->task == MODEL_OPEN || q->task == MODEL_BESIDE || q->task == MODEL_LOAD;
    struct model_request r = {
        .task = q->task, .min_score = q->min_score, .limit_s = q->limit_s, .image = q->image, .slot = q->slot
    };
    size_t n = 0;
    int status = 0;
    *ret_late = false;
    if (q->hash)
        memcpy(r.hash, q->hash, sizeof r.hash);
    if (q->text) {
        r.n_told = strlen(q->text);
        memcpy(a->bytes + sizeof r, q->text, r.n_told);
    }
    memcpy(a->bytes, &r, sizeof r);
    enum err e = child_tell(&p->child, a->bytes, sizeof r + r.n_told, &q->fd, q->fd < 0 ? 0 : 1);
    meanwhile_do(q->meanwhile);
    if (e == OK || e == E_CANCELLED) /* then hearing tells how it ended */
        e = hear(p, q->limit_s, a, &n, &status);
    if (e == OK)
        return check(a, n);
    p->ready = false;
    if (e == E_CANCELLED)
        return spoilt(status, loading);
    *ret_late = e == E_BUSY;
    if (*ret_late)
        e = fail(loading ? E_UNMEANT : E_INVALID, "the model took longer than %.0f s to %s", q->limit_s, loading ? "load" : "run");
    child_end(&p->child);
    return e;
}

/* ---- loading: the file, then what lies beside it and is asked for, then all of it together */

static const char *last_part(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

/* Files that were brought one by one have no folders: then the end of the name tells, if it is one file's only. */
static const struct model_part *part_called(const struct infer_model *of, const char *name, const char *all, size_t n_all)
{
    size_t alike = 0;
    for (size_t i = 0; i < of->n_parts; i++)
        if (strcmp(of->parts[i].name, name) == 0)
            return &of->parts[i];
    for (const char *other = all; other < all + n_all; other += strlen(other) + 1)
        alike += strcmp(last_part(other), last_part(name)) == 0;
    for (size_t i = 0; i < of->n_parts && alike == 1; i++)
        if (strcmp(of->parts[i].name, last_part(name)) == 0)
            return &of->parts[i];
    return NULL;
}

static enum err bring_parts(struct process *p, const struct infer_model *of, double limit_s, struct answer *a, bool *ret_late)
{
    size_t n = a->reply.n_bytes;
    enum err e = OK;
    if (!n)
        return OK;
    char *names = heap_take(n + 1); /* the last is ended, whatever the process says */
    memcpy(names, a->bytes + sizeof a->reply, n);
    for (const char *name = names; e == OK && name < names + n; name += strlen(name) + 1) {
        const struct model_part *part = strlen(name) < PLACE_NAME ? part_called(of, name, names, n) : NULL;
        if (part)
            e = process_ask(
                p, &(struct question){ .task = MODEL_BESIDE, .fd = part->fd, .limit_s = limit_s, .hash = part->hash, .text = name },
                a, ret_late);
    }
    free(names);
    return e;
}

enum err process_load(struct process *p, const char *self_path, const struct infer_model *of, double limit_s, struct answer *a,
                      bool *ret_late)
{
    char threads[16];
    snprintf(threads, sizeof threads, "%d", p->threads);
    const char *const argv[] = { self_path, "infer", "model", threads, NULL };
    *ret_late = false;
    child_end(&p->child);
    TRY(child_start(argv, NULL, -1, &p->child));
    TRY(process_ask(p, &(struct question){ .task = MODEL_OPEN, .fd = of->fd, .limit_s = limit_s, .hash = of->hash }, a, ret_late));
    TRY(bring_parts(p, of, limit_s, a, ret_late));
    TRY(process_ask(p, &(struct question){ .task = MODEL_LOAD, .fd = -1, .limit_s = limit_s, .text = of->told }, a, ret_late));
    p->ready = true;
    return OK;
}

bool model_copy(const struct infer_model *of, struct infer_model *ret)
{
    struct model_part *parts = heap_take((of->n_parts + 1) * sizeof *parts);
    *ret = (struct infer_model){ heap_str(of->hash), fcntl(of->fd, F_DUPFD_CLOEXEC, 0), heap_str(of->told), parts, of->n_parts };
    bool all = ret->fd >= 0;
    for (size_t i = 0; i < of->n_parts; i++) {
        const struct model_part *p = &of->parts[i];
        parts[i] = (struct model_part){ heap_str(p->name), heap_str(p->hash), fcntl(p->fd, F_DUPFD_CLOEXEC, 0) };
        all = all && parts[i].fd >= 0;
    }
    if (!all)
        model_copy_free(ret);
    return all;
}

static void drop(const char *text, int fd)
{
    free((char *)(uintptr_t)text);
    if (fd >= 0)
        close(fd);
}

void model_copy_free(struct infer_model *m)
{
    for (size_t i = 0; i < m->n_parts; i++) {
        drop(m->parts[i].name, -1);
        drop(m->parts[i].hash, m->parts[i].fd);
    }
    free((void *)(uintptr_t)m->parts);
    drop(m->told, -1);
    drop(m->hash, m->fd);
    *m = (struct infer_model){ .fd = -1 };
}
