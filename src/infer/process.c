#include "infer/process.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

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

enum err process_ask(struct process *p, const struct question *q, struct answer *a, bool *ret_late)
{
    bool loading = q->task == MODEL_LOAD;
    struct model_request r = { q->task, q->min_score, q->limit_s };
    size_t n = 0;
    int status = 0;
    *ret_late = false;
    if (loading) {
        r.n_told = q->of->told ? strlen(q->of->told) : 0;
        memcpy(r.hash, q->of->hash, sizeof r.hash);
        memcpy(a->bytes + sizeof r, q->of->told ? q->of->told : "", r.n_told);
    }
    memcpy(a->bytes, &r, sizeof r);
    enum err e = child_tell(&p->child, a->bytes, sizeof r + r.n_told, &q->fd, q->fd < 0 ? 0 : 1);
    meanwhile_do(q->meanwhile);
    if (e == OK || e == E_CANCELLED) /* then hearing tells how it ended */
        e = child_hear(&p->child, q->limit_s, a->bytes, sizeof a->bytes, &n, &status);
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

enum err process_load(struct process *p, const char *self_path, const struct infer_model *of, double limit_s, struct answer *a,
                      bool *ret_late)
{
    char threads[16];
    snprintf(threads, sizeof threads, "%d", p->threads);
    const char *const argv[] = { self_path, "infer", "model", threads, NULL };
    *ret_late = false;
    child_end(&p->child);
    TRY(child_start(argv, NULL, -1, &p->child));
    TRY(process_ask(p, &(struct question){ .task = MODEL_LOAD, .fd = of->fd, .limit_s = limit_s, .of = of }, a, ret_late));
    p->ready = true;
    return OK;
}
