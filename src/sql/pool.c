/* Connections for threads (sql.h). */
#include "sql/back.h"
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { POOL_MOST = 256, POOL_WAIT_S = 10 }; /* taken at a time: each has a cache of 4 MB and three descriptors */
enum { POOL_MOST_OF_A_SERVER = 40 };        /* which takes 100 by default, from all programs; serve and worker have a pool each */
enum { POOL_IDLE = 16 };                    /* connections kept for the next request; a crowd's others are closed after it */

struct sql_pool {
    pthread_mutex_t lock;
    pthread_cond_t given;
    char *path;
    struct sql *idle, *writer;
    int n_idle, n_taken, most;
    double wait_s;
};

enum err sql_pool_open(const char *path, struct sql_pool **ret)
{
    struct sql_pool *p = heap_take(sizeof *p);
    *p = (struct sql_pool){ .lock = PTHREAD_MUTEX_INITIALIZER,
                            .given = PTHREAD_COND_INITIALIZER,
                            .path = heap_str(path),
                            .most = sql_is_url(path) ? POOL_MOST_OF_A_SERVER : POOL_MOST,
                            .wait_s = POOL_WAIT_S };
    *ret = p;
    return OK;
}

/* A place among those that may be taken, with the lock. */
static enum err wait_for_place(struct sql_pool *p)
{
    struct timespec until;
    int code = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)p->wait_s;
    while (p->n_taken >= p->most && code == 0)
        code = pthread_cond_timedwait(&p->given, &p->lock, &until);
    return p->n_taken < p->most ? OK : fail(E_BUSY, "the database is busy: %d requests use it", p->most);
}

static void leave(struct sql_pool *p)
{
    pthread_mutex_lock(&p->lock);
    p->n_taken--;
    pthread_cond_signal(&p->given);
    pthread_mutex_unlock(&p->lock);
}

void sql_pool_set_limits(struct sql_pool *p, int most, double wait_s)
{
    p->most = most;
    p->wait_s = wait_s;
}

enum err sql_pool_take(struct sql_pool *p, struct sql **ret)
{
    struct sql *s = NULL;
    pthread_mutex_lock(&p->lock);
    enum err e = wait_for_place(p);
    if (e == OK) {
        p->n_taken++;
        s = p->idle;
    }
    if (s) {
        p->idle = s->next;
        p->n_idle--;
    }
    pthread_mutex_unlock(&p->lock);
    TRY(e);
    e = s ? OK : sql_open(p->path, &s);
    if (e == OK)
        *ret = s;
    else
        leave(p);
    return e;
}

void sql_pool_give(struct sql_pool *p, struct sql *s)
{
    assert(!sql_within(s)); /* or the next one would write into a transaction that nobody ends */
    bool keep = sql_forget_lists(s) == OK;
    pthread_mutex_lock(&p->lock);
    keep = keep && p->n_idle < POOL_IDLE;
    if (keep) {
        s->next = p->idle;
        p->idle = s;
        p->n_idle++;
    }
    pthread_mutex_unlock(&p->lock);
    if (!keep)
        sql_close(s);
    leave(p);
}

enum err sql_pool_writer(struct sql_pool *p, struct sql **ret)
{
    if (!p->writer)
        TRY(sql_open(p->path, &p->writer));
    TRY(sql_forget_lists(p->writer));
    *ret = p->writer;
    return OK;
}

void sql_pool_close(struct sql_pool *p)
{
    if (!p)
        return;
    sql_close(p->writer);
    for (struct sql *s = p->idle, *next; s; s = next) {
        next = s->next;
        sql_close(s);
    }
    free(p->path);
    free(p);
}
