#include "http/watch.h"
#include "base/arena.h"
#include "base/clock.h"
#include <linux/tcp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

enum { HEADER_S = 20, SLOW_S = 60, SLOW_BYTES = 4096, LOOK_MS = 1000 };

struct watched {
    int socket;
    atomic_uint turn; /* goes up by 4 with every change of phase; the phase is in the low bits */
    unsigned seen;    /* the turn at the last look */
    bool moved;       /* PHASE_WAIT: the first byte of a request has come */
    double since;     /* of the phase, of that byte, or of the last stretch of SLOW_BYTES */
    uint64_t at;      /* bytes that had been received or sent then */
    struct watched *previous, *next;
};

struct watch {
    pthread_mutex_t lock;
    pthread_cond_t change;
    pthread_t thread;
    struct watched *first;
    bool stop;
};

struct moved {
    uint64_t received, sent;
};

static bool ask_kernel(int socket, struct moved *ret)
{
    struct tcp_info info;
    socklen_t n = sizeof info;
    if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &n) != 0)
        return false;
    *ret = (struct moved){ info.tcpi_bytes_received, info.tcpi_bytes_acked };
    return true;
}

static void restart(struct watched *w, double now, uint64_t bytes)
{
    w->since = now;
    w->at = bytes;
}

/* Whether the peer has had its time. */
static bool stuck(struct watched *w, double now)
{
    unsigned turn = atomic_load(&w->turn), phase = turn % 4;
    struct moved m;
    if (phase == PHASE_FREE || !ask_kernel(w->socket, &m))
        return false;
    uint64_t bytes = phase == PHASE_SEND ? m.sent : m.received;
    if (turn != w->seen) {
        w->seen = turn;
        w->moved = false;
        restart(w, now, bytes);
    } else if (phase == PHASE_WAIT) {
        if (!w->moved && bytes > w->at) {
            w->moved = true;
            restart(w, now, bytes);
        }
        return w->moved && now - w->since > HEADER_S;
    } else if (bytes - w->at >= SLOW_BYTES) {
        restart(w, now, bytes);
    }
    return now - w->since > SLOW_S;
}

static void *look(void *with)
{
    struct watch *s = with;
    pthread_mutex_lock(&s->lock);
    while (!s->stop) {
        if (!s->first) {
            pthread_cond_wait(&s->change, &s->lock);
            continue;
        }
        struct timespec t;
        clock_gettime(CLOCK_REALTIME, &t);
        t.tv_sec += LOOK_MS / 1000;
        pthread_cond_timedwait(&s->change, &s->lock, &t);
        double now = clock_seconds();
        for (struct watched *w = s->first; w; w = w->next)
            if (stuck(w, now))
                shutdown(w->socket, SHUT_RDWR); /* its thread wakes up and ends it */
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

enum err watch_start(struct watch **ret)
{
    struct watch *s = heap_take(sizeof *s);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->change, NULL);
    if (pthread_create(&s->thread, NULL, look, s) != 0) {
        free(s);
        return fail(E_BROKEN, "cannot start a thread");
    }
    *ret = s;
    return OK;
}

void watch_stop(struct watch *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_signal(&s->change);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    pthread_cond_destroy(&s->change);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

struct watched *watch_add(struct watch *s, int socket)
{
    struct watched *w = heap_take(sizeof *w);
    w->socket = socket;
    w->seen = ~0U;
    pthread_mutex_lock(&s->lock);
    bool was_idle = !s->first;
    w->next = s->first;
    if (w->next)
        w->next->previous = w;
    s->first = w;
    if (was_idle)
        pthread_cond_signal(&s->change);
    pthread_mutex_unlock(&s->lock);
    return w;
}

void watch_remove(struct watch *s, struct watched *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&s->lock);
    if (w->previous)
        w->previous->next = w->next;
    else
        s->first = w->next;
    if (w->next)
        w->next->previous = w->previous;
    pthread_mutex_unlock(&s->lock);
    free(w);
}

void watch_phase(struct watched *w, enum phase phase)
{
    if (w)
        atomic_store(&w->turn, (atomic_load(&w->turn) & ~3U) + 4 + phase);
}
