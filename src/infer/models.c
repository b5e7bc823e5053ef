#include "infer/models.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/machine.h"
#include "base/turns.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PROCESSES_MOST = TURNS_PLACES,
    RUNS_MOST = 16,
    WAITING_MOST = 128, /* of one party */
    WAITING_ALL = 1024,
};
static const double SPARE_S = 60, NO_MORE_S = 60;

struct waiter {
    struct turn turn; /* the first: a turn is its waiter */
    const char *key;
    struct process *process; /* what it got */
    double since;            /* it has it; 0: with a model that had still to be loaded */
    pthread_cond_t moved;    /* each its own: who is done wakes nobody else */
};

/* One more process that is wanted; a thread of its own starts it. */
struct wish {
    struct process *process; /* NULL: none */
    struct infer_model of;   /* our own copy */
};

struct models {
    char *self_path;
    pthread_mutex_t lock;
    pthread_cond_t wished;
    struct turns turns;
    struct strikes strikes;
    struct calm calm;
    struct wish wish;
    pthread_t helper;
    bool has_helper, stopping;
    double load_s, predict_s, wait_s, no_more_until;
    double took_s; /* an answer of late, smoothed; 0: none yet */
    int64_t turned_away;
    int processors, n_waiting, n_running, n;
    struct process all[PROCESSES_MOST];
};

/* ---- who gets which */

struct choice {
    struct process *fit, *other, *room; /* of the model with the number of threads that is right now; of the model; for it */
    int fitting, held;                  /* processes of the model: right now, and at all */
};

static bool better_room(const struct process *a, const struct process *b)
{
    return !b || (!a->child.pid && b->child.pid) || (!a->child.pid == !b->child.pid && a->used_at < b->used_at);
}

static void look_at(struct choice *c, struct process *p, const char *key, int threads)
{
    process_forget_gone(p);
    bool own = strcmp(p->key, key) == 0;
    c->held += own;
    c->fitting += own && p->threads == threads;
    if (p->busy)
        return;
    if (!own && better_room(p, c->room))
        c->room = p;
    else if (own && p->threads == threads)
        c->fit = p;
    else if (own)
        c->other = p;
}

static int fitting_most(const struct models *m, int threads)
{
    return threads > 1 ? 1 : m->processors;
}

static struct choice choose(struct models *m, const char *key)
{
    struct choice c = { 0 };
    int threads = calm_threads(&m->calm, clock_seconds());
    for (int i = 0; i < m->n; i++)
        look_at(&c, &m->all[i], key, threads);
    if (c.fitting >= fitting_most(m, threads)) /* they are there: others would only be in their way */
        c.other = NULL;
    return c;
}

/* The process that a waiter gets now; NULL: it waits for one that has the model, or for a place. */
static struct process *process_for(struct models *m, const char *key)
{
    struct choice c = choose(m, key);
    if (c.fit || c.other)
        return c.fit ? c.fit : c.other;
    if (c.held || !c.room)
        return NULL;
    process_forget(c.room);
    memcpy(c.room->key, key, strlen(key) + 1);
    c.room->threads = calm_threads(&m->calm, clock_seconds());
    return c.room;
}

/* Who goes on to another model may not come back: a champion that was replaced. */
static void took(struct models *m, struct process *p, uint64_t party)
{
    for (int i = 0; i < m->n; i++)
        if (m->all[i].party == party && strcmp(m->all[i].key, p->key) != 0)
            m->all[i].left = true;
    p->busy = true;
    p->party = party;
    p->left = false;
}

/* Hands out what there is, in order. */
static void hand_out(struct models *m)
{
    for (struct turn *t = m->turns.waiting; t; t = t->next)
        t->blocked = false;
    for (struct turn *t; (t = turns_next(&m->turns));) {
        struct waiter *w = (struct waiter *)(void *)t;
        w->process = process_for(m, w->key);
        t->blocked = !w->process;
        if (t->blocked)
            continue;
        took(m, w->process, t->party);
        w->since = w->process->ready ? clock_seconds() : 0;
        m->n_waiting--;
        m->n_running++;
        turns_go(&m->turns, t);
        pthread_cond_signal(&w->moved);
    }
}

/* ---- one more process */

/* An empty one, or one that nobody has used for a while. */
static struct process *spare(struct models *m)
{
    struct process *best = NULL;
    for (int i = 0; i < m->n; i++) {
        struct process *p = &m->all[i];
        if (!p->busy && (!p->child.pid || clock_seconds() - p->used_at > SPARE_S) && better_room(p, best))
            best = p;
    }
    return best;
}

/* If the model has fewer processes of the kind that is right now than it may: called when one of them was missed. */
static void wish_for_more(struct models *m, const char *key, const struct infer_model *of)
{
    int threads = calm_threads(&m->calm, clock_seconds());
    struct choice c = choose(m, key);
    if (!m->has_helper || m->wish.process || c.fitting >= fitting_most(m, threads) || clock_seconds() < m->no_more_until)
        return;
    struct process *p = spare(m);
    struct infer_model own;
    if (!p || !model_copy(of, &own))
        return;
    process_forget(p);
    memcpy(p->key, key, strlen(key) + 1);
    p->threads = threads;
    p->busy = true;
    m->wish = (struct wish){ p, own };
    pthread_cond_signal(&m->wished);
}

static void fulfil(struct models *m)
{
    struct process *p = m->wish.process;
    struct answer *a = heap_take(sizeof *a);
    double limit_s = m->load_s;
    pthread_mutex_unlock(&m->lock);
    bool late;
    enum err e = process_load(p, m->self_path, &m->wish.of, limit_s, a, &late);
    free(a);
    model_copy_free(&m->wish.of);
    pthread_mutex_lock(&m->lock);
    if (e != OK) { /* the ones that there are go on */
        process_forget(p);
        m->no_more_until = clock_seconds() + NO_MORE_S;
    }
    p->busy = false;
    p->used_at = clock_seconds();
    m->wish.process = NULL;
    hand_out(m);
}

static void *help(void *with)
{
    struct models *m = with;
    pthread_mutex_lock(&m->lock);
    while (!m->stopping)
        if (m->wish.process)
            fulfil(m);
        else
            pthread_cond_wait(&m->wished, &m->lock);
    pthread_mutex_unlock(&m->lock);
    return NULL;
}

/* ---- waiting */

int models_retry_s(int waiting, int running, double took_s)
{
    enum { RETRY_MOST_S = 600 };
    double s = ceil(waiting * took_s / (running > 1 ? running : 1));
    return s < 1 ? 1 : s > RETRY_MOST_S ? RETRY_MOST_S : (int)s;
}

static enum err turned_away(const struct models *m, enum err e)
{
    fail_set_retry(models_retry_s(m->n_waiting, m->n_running, m->took_s));
    return e;
}

static enum err check_room(const struct models *m, const char *who)
{
    int waiting = turns_waiting(&m->turns, who);
    if (waiting >= WAITING_MOST)
        return turned_away(m, fail(E_TOO_MANY, "%d predictions are waiting already: more come than the model answers", waiting));
    if (m->n_waiting >= WAITING_ALL)
        return turned_away(
            m, fail(E_TOO_MANY, "%d predictions are waiting already: more come than this machine answers", m->n_waiting));
    return OK;
}

static enum err wait_for_process(struct models *m, struct waiter *w)
{
    struct timespec until;
    int code = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)m->wait_s;
    until.tv_nsec += (long)((m->wait_s - (double)(time_t)m->wait_s) * 1e9);
    if (until.tv_nsec >= 1000000000)
        until = (struct timespec){ until.tv_sec + 1, until.tv_nsec - 1000000000 };
    while (!w->process && code == 0)
        code = pthread_cond_timedwait(&w->moved, &m->lock, &until);
    if (w->process)
        return OK;
    m->n_waiting--;
    turns_leave(&m->turns, &w->turn);
    return turned_away(m, fail(E_TOO_MANY, "the prediction has waited for %.0f s: more come than the model answers", m->wait_s));
}

/* Whoever has to wait does its other work first, and joins the others then. */
static enum err join(struct models *m, struct waiter *w, const char *who, struct meanwhile *meanwhile)
{
    TRY(check_room(m, who));
    if (meanwhile && (m->turns.waiting || m->n_running >= m->processors)) {
        pthread_mutex_unlock(&m->lock);
        meanwhile_do(meanwhile);
        pthread_mutex_lock(&m->lock);
        TRY(check_room(m, who));
    }
    if (m->n_running)
        calm_company(&m->calm, clock_seconds());
    turns_join(&m->turns, &w->turn, who);
    m->n_waiting++;
    hand_out(m);
    return OK;
}

static enum err take(struct models *m, struct waiter *w, const char *who, const struct infer_model *of, struct meanwhile *meanwhile)
{
    pthread_mutex_lock(&m->lock);
    enum err e = join(m, w, who, meanwhile);
    if (e == OK && (!w->process || (w->process->ready && w->process->threads != calm_threads(&m->calm, clock_seconds()))))
        wish_for_more(m, w->key, of);
    if (e == OK)
        e = wait_for_process(m, w);
    m->turned_away += e != OK;
    pthread_mutex_unlock(&m->lock);
    return e;
}

static struct paces paces_of(const struct models *m, const char *key)
{
    struct paces all = { 0 };
    for (int i = 0; i < m->n; i++) {
        const struct process *p = &m->all[i];
        double *pace = p->threads == 1 ? &all.one_s : &all.all_s;
        if (strcmp(p->key, key) == 0 && p->quickest_s > 0 && (*pace <= 0 || p->quickest_s < *pace))
            *pace = p->quickest_s;
    }
    return all;
}

static void learn_pace(struct models *m, struct process *p, const struct model_reply *r)
{
    struct paces before = paces_of(m, p->key);
    calm_ran(&m->calm, &(struct paced){ p->threads, r->run_s, r->cpu_s }, &before, clock_seconds());
    p->quickest_s = pace_after(p->quickest_s, r->run_s);
}

static void give(struct models *m, struct waiter *w, const struct model_reply *r)
{
    struct process *p = w->process;
    pthread_mutex_lock(&m->lock);
    turns_done(&m->turns, &w->turn);
    if (w->since > 0) {
        double took = clock_seconds() - w->since;
        m->took_s += (m->took_s > 0 ? 0.1 : 1) * (took - m->took_s);
    }
    if (r)
        learn_pace(m, p, r);
    m->n_running--;
    p->busy = false;
    p->used_at = clock_seconds();
    if (!p->ready)
        process_forget(p);
    hand_out(m);
    pthread_mutex_unlock(&m->lock);
}

/* ---- asking */

static enum err ask(struct models *m, struct process *p, const struct infer_model *of, const struct question *q, struct answer *a)
{
    bool late = false;
    enum err e = p->ready ? OK : process_load(p, m->self_path, of, m->load_s, a, &late);
    if (e == OK)
        e = process_ask(p, q, a, &late);
    if (late)
        strikes_slow(&m->strikes, p->key);
    else if (e == OK && (q->task == MODEL_PREDICT || q->task == MODEL_RUN))
        strikes_fast(&m->strikes, p->key);
    return e;
}

/* Once more if the process went away meanwhile through no fault of the question. */
static enum err ask_twice(struct models *m, struct process *p, const struct infer_model *of, const struct question *q,
                          struct answer *a)
{
    for (int tries = 0;; tries++) {
        enum err e = ask(m, p, of, q, a);
        if (e != E_BUSY || tries)
            return e;
    }
}

enum err models_ask(struct models *m, const char *who, const char *key, const struct infer_model *of, const struct question *asked,
                    struct answer *a)
{
    struct waiter w = { .key = key, .moved = PTHREAD_COND_INITIALIZER };
    struct question q = *asked;
    q.limit_s = m->predict_s;
    TRY(strikes_may_try(&m->strikes, key));
    TRY(take(m, &w, who, of, q.meanwhile));
    enum err e = strikes_may_try(&m->strikes, key); /* while it waited, the model may have taken too long for another */
    if (e == OK)
        e = ask_twice(m, w.process, of, &q, a);
    give(m, &w, e == OK && q.task == MODEL_PREDICT ? &a->reply : NULL);
    return e;
}

/* ---- start and stop */

enum err models_start(const char *self_path, int most, struct models **ret)
{
    struct models *m = heap_take(sizeof *m);
    int processors = machine_look("").processors, runs = processors < RUNS_MOST ? processors + 1 : RUNS_MOST;
    pthread_mutex_init(&m->lock, NULL);
    pthread_cond_init(&m->wished, NULL);
    m->self_path = heap_str(self_path);
    m->load_s = 120;
    m->predict_s = 30;
    m->wait_s = 30;
    m->processors = processors < RUNS_MOST ? processors : RUNS_MOST - 1;
    most = most < 1 ? 1 : most;
    m->n = most + runs < PROCESSES_MOST ? most + runs : PROCESSES_MOST;
    strikes_init(&m->strikes);
    calm_init(&m->calm, processors);
    turns_init(&m->turns, runs);
    m->has_helper = pthread_create(&m->helper, NULL, help, m) == 0;
    *ret = m;
    return OK;
}

void models_stop(struct models *m)
{
    if (!m)
        return;
    pthread_mutex_lock(&m->lock);
    m->stopping = true;
    pthread_cond_signal(&m->wished);
    pthread_mutex_unlock(&m->lock);
    if (m->has_helper)
        pthread_join(m->helper, NULL);
    for (int i = 0; i < m->n; i++)
        child_end(&m->all[i].child);
    strikes_done(&m->strikes);
    pthread_cond_destroy(&m->wished);
    pthread_mutex_destroy(&m->lock);
    free(m->self_path);
    free(m);
}

void models_limit(struct models *m, double load_s, double predict_s, double wait_s)
{
    pthread_mutex_lock(&m->lock);
    m->load_s = load_s;
    m->predict_s = predict_s;
    m->wait_s = wait_s;
    pthread_mutex_unlock(&m->lock);
}

/* One that was not used for a minute and is not the model's last, or the last of a model that was left for another. */
static bool is_spare(struct models *m, const struct process *p, double now)
{
    int of_model = 0; /* one that is still being loaded replaces none */
    for (int i = 0; i < m->n; i++)
        of_model += m->all[i].ready && strcmp(m->all[i].key, p->key) == 0;
    return !p->busy && (of_model > 1 || p->left) && now - p->used_at > SPARE_S;
}

void models_sweep(struct models *m, double now)
{
    pthread_mutex_lock(&m->lock);
    for (int i = 0; i < m->n; i++) {
        process_forget_gone(&m->all[i]);
        if (is_spare(m, &m->all[i], now))
            process_forget(&m->all[i]);
    }
    pthread_mutex_unlock(&m->lock);
}

void models_queue(struct models *m, struct infer_queue *ret)
{
    pthread_mutex_lock(&m->lock);
    *ret = (struct infer_queue){ .waiting = m->n_waiting, .running = m->n_running, .turned_away = m->turned_away };
    for (int i = 0; i < m->n; i++)
        ret->processes += m->all[i].ready;
    pthread_mutex_unlock(&m->lock);
}

int models_running(struct models *m, const char *key)
{
    int n = 0;
    pthread_mutex_lock(&m->lock);
    for (int i = 0; i < m->n; i++)
        n += m->all[i].ready && strcmp(m->all[i].key, key) == 0;
    pthread_mutex_unlock(&m->lock);
    return n;
}
