#include "trainer/report.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "http/client.h"
#include "trainer/stop.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVERY_S = 1, ASK_EVERY_S = 3, LINES_MOST = 64, CONSOLE_MOST = 20000, BODY_CAP = 16 << 20 };

/* A curve, and its points that are not sent yet. */
struct curve {
    char *name;
    int64_t *steps;
    double *values;
    size_t n, room;
};
/* Something to be sent once, in order: a console line or a whole log. */
struct message {
    char *path, *body;
    struct message *next;
};
struct report {
    struct http_client *client;
    char *experiment;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct curve curves[LINES_MOST];
    size_t n_curves;
    struct message *first, **last;
    size_t waiting;
    int64_t line;
    double asked_at;
    bool stop;
    atomic_bool cancelled;
};

static void add_message(struct report *r, const char *path, const char *body)
{
    struct message *m = heap_take(sizeof *m);
    *m = (struct message){ heap_str(path), heap_str(body), NULL };
    pthread_mutex_lock(&r->lock);
    if (r->waiting < CONSOLE_MOST) {
        *r->last = m;
        r->last = &m->next;
        r->waiting++;
        m = NULL;
    }
    pthread_mutex_unlock(&r->lock);
    if (m) { /* the server has been away for so long that memory matters more */
        free(m->path);
        free(m->body);
        free(m);
    }
}

void report_line(struct report *r, const char *text)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(out) struct out o = { 0 };
    printf("%s\n", text);
    fflush(stdout);
    out_init(&o, BODY_CAP);
    out_object(&o, NULL);
    out_int(&o, "line_nb", r->line++);
    out_text(&o, "log", text);
    out_text(&o, "part", "training");
    out_bool(&o, "final", false);
    out_end_object(&o);
    add_message(r, arena_fmt(a, "/api/experiment/%s/logging", r->experiment), o.text.bytes);
}

void report_log(struct report *r, const char *name, const char *type, const char *data)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(out) struct out o = { 0 };
    out_init(&o, BODY_CAP);
    out_object(&o, NULL);
    out_text(&o, "name", name);
    out_text(&o, "type", type);
    out_raw(&o, "data", data);
    out_end_object(&o);
    add_message(r, arena_fmt(a, "/api/experiment/%s/logs?raise_on_conflict=False&quiet=true", r->experiment), o.text.bytes);
}

void report_point(struct report *r, const char *log, int64_t step, double value)
{
    pthread_mutex_lock(&r->lock);
    struct curve *c = r->curves, *end = c + r->n_curves;
    while (c < end && strcmp(c->name, log) != 0)
        c++;
    if (c == end && r->n_curves < LINES_MOST) {
        c->name = heap_str(log);
        r->n_curves++;
    }
    if (c < r->curves + r->n_curves) {
        if (c->n == c->room) {
            c->room = c->room ? c->room * 2 : 64;
            c->steps = heap_grow(c->steps, c->room * sizeof *c->steps);
            c->values = heap_grow(c->values, c->room * sizeof *c->values);
        }
        c->steps[c->n] = step;
        c->values[c->n++] = value;
    }
    pthread_mutex_unlock(&r->lock);
}

/* The body for the points of a curve that wait, and how many those are; NULL if none. */
static const char *curve_body(struct report *r, struct arena *a, const struct curve *c, size_t *ret_n)
{
    AUTO(out) struct out o = { 0 };
    out_init(&o, BODY_CAP);
    pthread_mutex_lock(&r->lock);
    *ret_n = c->n;
    out_object(&o, NULL);
    out_text(&o, "name", c->name);
    out_text(&o, "type", "LINE");
    out_object(&o, "data");
    out_array(&o, "steps");
    for (size_t i = 0; i < c->n; i++)
        out_int(&o, NULL, c->steps[i]);
    out_end_array(&o);
    out_array(&o, "values");
    for (size_t i = 0; i < c->n; i++)
        out_number(&o, NULL, c->values[i]);
    out_end_array(&o);
    out_end_object(&o);
    out_end_object(&o);
    pthread_mutex_unlock(&r->lock);
    return *ret_n ? arena_str(a, o.text.bytes) : NULL;
}

static enum err send_curve(struct report *r, struct curve *c)
{
    AUTO(arena) struct arena *a = arena_new();
    size_t n;
    const char *body = curve_body(r, a, c, &n);
    if (!body)
        return OK;
    TRY(http_ask(r->client, a, "POST", arena_fmt(a, "/api/experiment/%s/logs?raise_on_conflict=False&quiet=true", r->experiment),
                 body, NULL));
    pthread_mutex_lock(&r->lock);
    c->n -= n;
    memmove(c->steps, c->steps + n, c->n * sizeof *c->steps);
    memmove(c->values, c->values + n, c->n * sizeof *c->values);
    pthread_mutex_unlock(&r->lock);
    return OK;
}

/* It is the server's fault, or the time's: the same may be taken later. */
static bool may_pass(enum err e)
{
    return err_http_status(e) >= 500 || e == E_TOO_MANY;
}

static enum err send_messages(struct report *r)
{
    for (;;) {
        AUTO(arena) struct arena *a = arena_new();
        pthread_mutex_lock(&r->lock);
        struct message *m = r->first;
        pthread_mutex_unlock(&r->lock);
        if (!m)
            return OK;
        enum err e = http_ask(r->client, a, "POST", m->path, m->body, NULL);
        if (e != OK && may_pass(e))
            return e;
        if (e != OK) /* sending it again would not help */
            fprintf(stderr, "the server did not take a log: %s\n", fail_text());
        pthread_mutex_lock(&r->lock);
        r->first = m->next;
        if (!r->first)
            r->last = &r->first;
        r->waiting--;
        pthread_mutex_unlock(&r->lock);
        free(m->path);
        free(m->body);
        free(m);
    }
}

static enum err ask_for_cancel(struct report *r)
{
    AUTO(arena) struct arena *a = arena_new();
    const struct json *e;
    if (clock_seconds() - r->asked_at < ASK_EVERY_S)
        return OK;
    enum err err = http_ask(r->client, a, "GET", arena_fmt(a, "/api/experiment/%s", r->experiment), NULL, &e);
    r->asked_at = clock_seconds();
    if (err == E_NOT_FOUND) { /* deleted */
        atomic_store(&r->cancelled, true);
        return OK;
    }
    TRY(err);
    const char *status = json_text(json_get(e, "status"));
    if (status && (strcmp(status, "CANCELED") == 0 || strcmp(status, "TERMINATED") == 0))
        atomic_store(&r->cancelled, true);
    return OK;
}

static enum err send_all(struct report *r)
{
    TRY(send_messages(r));
    for (size_t i = 0; i < r->n_curves; i++)
        TRY(send_curve(r, &r->curves[i]));
    return OK;
}

/* True: the end was asked for meanwhile. */
static bool wait_or_end(struct report *r, double seconds)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    int64_t at = until.tv_nsec + (int64_t)(seconds * 1e9);
    until.tv_sec += at / 1000000000;
    until.tv_nsec = at % 1000000000;
    pthread_mutex_lock(&r->lock);
    while (!r->stop && pthread_cond_timedwait(&r->wake, &r->lock, &until) == 0)
        ;
    bool stop = r->stop;
    pthread_mutex_unlock(&r->lock);
    return stop;
}

static void *run(void *with)
{
    struct report *r = with;
    struct backoff pauses = { 0 };
    enum err e;
    do {
        e = send_all(r);
        if (e == OK)
            e = ask_for_cancel(r);
        if (e != OK && !pauses.failures)
            fprintf(stderr, "the server cannot be told: %s; trying again\n", fail_text());
        if (e == OK)
            pauses = (struct backoff){ 0 };
    } while (!wait_or_end(r, e == OK ? EVERY_S : backoff_next(&pauses)));
    return NULL;
}

enum err report_start(const char *host, const char *token, const char *experiment, struct report **ret)
{
    struct report *r = heap_take(sizeof *r);
    enum err e = http_client_new(host, token, &r->client);
    if (e != OK) {
        free(r);
        return e;
    }
    r->experiment = heap_str(experiment);
    r->last = &r->first;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->wake, NULL);
    if (pthread_create(&r->thread, NULL, run, r) != 0)
        return fail(E_BROKEN, "cannot start a thread");
    *ret = r;
    return OK;
}

bool report_cancelled(const struct report *r)
{
    return atomic_load(&r->cancelled);
}

static void drop(struct report *r)
{
    for (struct message *m = r->first, *next; m; m = next) {
        next = m->next;
        free(m->path);
        free(m->body);
        free(m);
    }
    for (size_t i = 0; i < r->n_curves; i++) {
        free(r->curves[i].name);
        free(r->curves[i].steps);
        free(r->curves[i].values);
    }
    http_client_free(r->client);
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->wake);
    free(r->experiment);
    free(r);
}

enum err report_end(struct report *r, double seconds)
{
    if (!r)
        return OK;
    pthread_mutex_lock(&r->lock);
    r->stop = true;
    pthread_cond_signal(&r->wake);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    double end = clock_seconds() + seconds;
    struct backoff pauses = { 0 };
    enum err e = send_all(r);
    while (e != OK && may_pass(e) && clock_seconds() < end && backoff_sleep(backoff_next(&pauses), train_interrupted))
        e = send_all(r);
    drop(r);
    return e;
}
