#include "nn/replicas.h"
#include "base/arena.h"
#include <pthread.h>
#include <stdlib.h>

struct worker {
    struct replicas *of;
    int index;
    pthread_t thread;
};

struct replicas {
    pthread_mutex_t lock;
    pthread_cond_t start, done;
    struct worker *workers;
    int threads, left;
    uint64_t round;
    bool stop;
    void (*work)(void *, int);
    void *with;
};

static void *loop(void *arg)
{
    struct worker *w = arg;
    struct replicas *r = w->of;
    for (uint64_t seen = 0;;) {
        pthread_mutex_lock(&r->lock);
        while (r->round == seen && !r->stop)
            pthread_cond_wait(&r->start, &r->lock);
        seen = r->round;
        bool stop = r->stop;
        pthread_mutex_unlock(&r->lock);
        if (stop)
            return NULL;
        r->work(r->with, w->index);
        pthread_mutex_lock(&r->lock);
        if (--r->left == 0)
            pthread_cond_signal(&r->done);
        pthread_mutex_unlock(&r->lock);
    }
}

enum err replicas_new(int threads, struct replicas **ret)
{
    struct replicas *r = heap_take(sizeof *r);
    *r =
        (struct replicas){ .lock = PTHREAD_MUTEX_INITIALIZER, .start = PTHREAD_COND_INITIALIZER, .done = PTHREAD_COND_INITIALIZER };
    r->workers = heap_take((size_t)threads * sizeof *r->workers);
    for (; r->threads < threads; r->threads++) {
        struct worker *w = &r->workers[r->threads];
        *w = (struct worker){ .of = r, .index = r->threads };
        if (pthread_create(&w->thread, NULL, loop, w) != 0) {
            replicas_free(r);
            return fail(E_BROKEN, "cannot start %d threads", threads);
        }
    }
    *ret = r;
    return OK;
}

void replicas_free(struct replicas *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    r->stop = true;
    pthread_cond_broadcast(&r->start);
    pthread_mutex_unlock(&r->lock);
    for (int i = 0; i < r->threads; i++)
        pthread_join(r->workers[i].thread, NULL);
    free(r->workers);
    free(r);
}

void replicas_run(struct replicas *r, void (*work)(void *, int), void *with)
{
    pthread_mutex_lock(&r->lock);
    r->work = work;
    r->with = with;
    r->left = r->threads;
    r->round++;
    pthread_cond_broadcast(&r->start);
    while (r->left)
        pthread_cond_wait(&r->done, &r->lock);
    pthread_mutex_unlock(&r->lock);
}
