/* The thread that delivers what waits and brings new champions, whenever the server can be reached. */
#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "cli/edge.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { LOOK_S = 30 }; /* for another champion, where there is nothing to deliver */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t more;
    pthread_t thread;
    struct edge *edge;
    bool running, ending, work;
    char why[500];
} sender = { .lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER };

static enum err client_of(struct edge *e, struct http_client **ret)
{
    TRY(http_client_new(e->host, e->token, ret));
    http_client_once(*ret); /* what fails now is tried again later: predictions go on meanwhile */
    return OK;
}

enum err edge_reach(struct edge *e)
{
    AUTO(http_client) struct http_client *c = NULL;
    TRY(client_of(e, &c));
    return edge_fetch_model(e, c);
}

/* What will be refused again, however often it is sent. */
static bool for_good(enum err e)
{
    return e == E_INVALID || e == E_UNMEANT || e == E_TOO_BIG;
}

static enum err deliver_first(struct edge *e, struct http_client *c)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *key, *body;
    int64_t number;
    TRY(edge_first(e, a, &number, &key, &body));
    enum err sent = http_ask(c, a, "POST", arena_fmt(a, "/api/deployment/%s/predictions", e->deployment), body, NULL);
    if (sent != OK && !for_good(sent))
        return sent;
    return edge_done(e, number, key, sent == OK ? NULL : arena_str(a, fail_text()));
}

static int64_t waiting(struct edge *e)
{
    pthread_mutex_lock(&e->guard);
    int64_t n = e->waiting;
    pthread_mutex_unlock(&e->guard);
    return n;
}

/* All that waits, in order, up to the first that cannot be delivered now. */
static enum err deliver(struct edge *e)
{
    AUTO(http_client) struct http_client *c = NULL;
    TRY(client_of(e, &c));
    TRY(edge_fetch_model(e, c));
    for (;;) {
        enum err sent = deliver_first(e, c);
        if (sent == E_NOT_FOUND && !waiting(e))
            return OK;
        TRY(sent);
    }
}

/* wakes: a new prediction ends it; it does not make a server come back. */
static void wait_for(double seconds, bool wakes)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)seconds;
    until.tv_nsec += (long)((seconds - (double)(time_t)seconds) * 1e9);
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&sender.lock);
    while (!sender.ending && !(wakes && sender.work) && pthread_cond_timedwait(&sender.more, &sender.lock, &until) == 0)
        continue;
    sender.work = false;
    pthread_mutex_unlock(&sender.lock);
}

static bool ending(void)
{
    pthread_mutex_lock(&sender.lock);
    bool end = sender.ending;
    pthread_mutex_unlock(&sender.lock);
    return end;
}

/* When the end is asked for, once more. */
static void *run(void *unused)
{
    (void)unused;
    struct backoff pauses = { 0 };
    for (bool last = false; !last;) {
        last = ending();
        enum err e = deliver(sender.edge);
        snprintf(sender.why, sizeof sender.why, "%s", e == OK ? "" : fail_text());
        if (last)
            break;
        if (e == OK)
            pauses = (struct backoff){ 0 };
        wait_for(e == OK ? LOOK_S : backoff_next(&pauses), e == OK);
    }
    return NULL;
}

enum err edge_send_start(struct edge *e)
{
    sender.edge = e;
    sender.running = pthread_create(&sender.thread, NULL, run, NULL) == 0;
    return sender.running ? OK : fail(E_BROKEN, "cannot start a thread");
}

void edge_send_wake(struct edge *e)
{
    (void)e;
    pthread_mutex_lock(&sender.lock);
    sender.work = true;
    pthread_cond_signal(&sender.more);
    pthread_mutex_unlock(&sender.lock);
}

void edge_send_end(struct edge *e, char *ret_why, size_t room)
{
    (void)e;
    pthread_mutex_lock(&sender.lock);
    sender.ending = true;
    pthread_cond_broadcast(&sender.more);
    pthread_mutex_unlock(&sender.lock);
    if (sender.running)
        pthread_join(sender.thread, NULL);
    snprintf(ret_why, room, "%s", sender.why);
}
