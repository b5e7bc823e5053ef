#include "base/team.h"
#include "base/arena.h"
#include <pthread.h>
#include <stdlib.h>
#ifdef __SSE__
#include <xmmintrin.h>
#endif

enum { MOST = 64 };

struct member {
    struct team *team;
    int number;
    pthread_t thread;
};
struct team {
    struct member members[MOST];
    int size;
    pthread_mutex_t lock;
    pthread_cond_t begin, end;
    unsigned round; /* counts the calls of team_run() */
    int busy;       /* members that have not finished the round */
    bool stop;
    int n;
    void (*part)(void *with, int i, int thread);
    void *with;
};

/* Numbers too small to matter are taken as 0: the processor is many times slower with them, and moving averages make them. */
static void flush_tiny_numbers(void)
{
#ifdef __SSE__
    _mm_setcsr(_mm_getcsr() | 0x8040);
#endif
}

static void do_own_parts(struct team *t, int number)
{
    for (int i = number; i < t->n; i += t->size)
        t->part(t->with, i, number);
}

static void *member_main(void *with)
{
    struct member *m = with;
    struct team *t = m->team;
    unsigned seen = 0;
    flush_tiny_numbers();
    pthread_mutex_lock(&t->lock);
    for (;;) {
        while (!t->stop && t->round == seen)
            pthread_cond_wait(&t->begin, &t->lock);
        if (t->stop)
            break;
        seen = t->round;
        pthread_mutex_unlock(&t->lock);
        do_own_parts(t, m->number);
        pthread_mutex_lock(&t->lock);
        if (--t->busy == 0)
            pthread_cond_signal(&t->end);
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

struct team *team_new(int threads)
{
    struct team *t = heap_take(sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->begin, NULL);
    pthread_cond_init(&t->end, NULL);
    flush_tiny_numbers();
    t->size = 1;
    pthread_mutex_lock(&t->lock); /* until size is final */
    while (t->size < threads && t->size < MOST) {
        struct member *m = &t->members[t->size];
        *m = (struct member){ t, t->size, 0 };
        if (pthread_create(&m->thread, NULL, member_main, m) != 0)
            break;
        t->size++;
    }
    pthread_mutex_unlock(&t->lock);
    return t;
}

void team_free(struct team *t)
{
    if (!t)
        return;
    pthread_mutex_lock(&t->lock);
    t->stop = true;
    pthread_cond_broadcast(&t->begin);
    pthread_mutex_unlock(&t->lock);
    for (int i = 1; i < t->size; i++)
        pthread_join(t->members[i].thread, NULL);
    pthread_mutex_destroy(&t->lock);
    pthread_cond_destroy(&t->begin);
    pthread_cond_destroy(&t->end);
    free(t);
}

int team_size(const struct team *t)
{
    return t->size;
}

void team_run(struct team *t, int n, void (*part)(void *with, int i, int thread), void *with)
{
    pthread_mutex_lock(&t->lock);
    t->n = n;
    t->part = part;
    t->with = with;
    t->busy = t->size - 1;
    t->round++;
    pthread_cond_broadcast(&t->begin);
    pthread_mutex_unlock(&t->lock);
    do_own_parts(t, 0);
    pthread_mutex_lock(&t->lock);
    while (t->busy)
        pthread_cond_wait(&t->end, &t->lock);
    pthread_mutex_unlock(&t->lock);
}
