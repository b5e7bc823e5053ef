/* Live pages: rows of the table `event`, written in the transaction of what happened, by whichever process, and streamed to
 * browsers as server-sent events (WHATWG HTML, "Server-sent events"). One thread reads new rows while anybody listens; the streams
 * copy from its ring. A browser that comes back names the last id it saw (Last-Event-ID), a page that opens another stream the last
 * id it knows of (?after=), and gets what it missed, as far as the ring reaches. */
#include "api/dispatch.h"
#include "base/clock.h"
#include "base/log.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RING = 2048, KEPT_ROWS = 20000, TOPICS_MOST = 16, POLL_MS = 100, PAUSE_MS = 1000, WAIT_S = 10 };

struct item {
    int64_t id;
    char *org, *topic, *json;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t more;
    pthread_t thread;
    struct sql_pool *pool;
    struct item ring[RING]; /* id % RING would leave holes: filled in order at `n` */
    uint64_t n;             /* items ever put in */
    int listeners;
    bool running, stop;
} hub = { .lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER };

enum err event_tell(struct sql *db, const struct resource *about, const char *about_id, const char *topic, const char *json)
{
    AUTO(text) struct text t;
    text_init(&t, 1 << 14);
    text_fmt(&t, "INSERT INTO event (org, topic, json, at) SELECT %s, ?2, ?3, ?4 FROM %s WHERE %s = ?1 RETURNING id", about->org,
             about->from, about->key);
    int64_t id = 0;
    TRY(sql_int_text(db, &id, t.bytes, VALUES(V(about_id), V(topic), V(json), V(clock_now_ms()))));
    if (id % 512 == 0)
        return sql_run(db, "DELETE FROM event WHERE id <= ?1", V(id - KEPT_ROWS));
    return OK;
}

enum err event_last(struct sql *db, int64_t *ret)
{
    return sql_int(db, ret, "SELECT coalesce(max(id), 0) FROM event");
}

static void empty(struct item *i)
{
    free(i->org);
    free(i->topic);
    free(i->json);
    *i = (struct item){ 0 };
}

static void put(int64_t id, const char *org, const char *topic, const char *json)
{
    struct item *i = &hub.ring[hub.n % RING];
    empty(i);
    *i = (struct item){ id, heap_str(org), heap_str(topic), heap_str(json) };
    hub.n++;
}

static enum err read_new(struct sql *db, int64_t *last)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r, "SELECT id, org, topic, json FROM event WHERE id > ?1 ORDER BY id", V(*last)));
    bool any = false;
    pthread_mutex_lock(&hub.lock);
    while (rows_next(r)) {
        *last = rows_int(r, 0);
        put(*last, rows_text(r, 1), rows_text(r, 2), rows_text(r, 3));
        any = true;
    }
    if (any)
        pthread_cond_broadcast(&hub.more);
    pthread_mutex_unlock(&hub.lock);
    return rows_error(r);
}

static void wait_ms(int64_t ms)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    int64_t ns = t.tv_nsec + ms * 1000000;
    t.tv_sec += ns / 1000000000;
    t.tv_nsec = ns % 1000000000;
    pthread_cond_timedwait(&hub.more, &hub.lock, &t);
}

/* Waits until there is somebody to read for. */
static bool wanted(void)
{
    pthread_mutex_lock(&hub.lock);
    while (!hub.stop && !hub.listeners)
        pthread_cond_wait(&hub.more, &hub.lock);
    bool stop = hub.stop;
    pthread_mutex_unlock(&hub.lock);
    return !stop;
}

struct reading {
    int64_t last, version; /* -1: not known yet */
};

static enum err look(struct sql *db, struct reading *at, bool *ret_any)
{
    int64_t version = 0;
    *ret_any = false;
    if (at->last < 0)
        TRY(sql_int(db, &at->last, "SELECT coalesce(max(id) - ?1, 0) FROM event", V((int64_t)RING / 2)));
    TRY(sql_data_version(db, &version));
    if (version == at->version)
        return OK;
    TRY(read_new(db, &at->last));
    at->version = version;
    *ret_any = true;
    return OK;
}

/* Follows the table while somebody listens; sleeps otherwise. A read that fails (the database is busy, the disk full) is told, and
 * tried again: the pages must not fall silent for it. */
static void *follow(void *with)
{
    struct sql *db = with;
    struct reading at = { -1, -1 };
    while (wanted()) {
        bool any = false;
        enum err e = look(db, &at, &any);
        if (e != OK)
            log_failure("reading events");
        int64_t ms = e != OK ? PAUSE_MS : any ? 0 : POLL_MS;
        struct timespec pause = { ms / 1000, ms % 1000 * 1000000L };
        nanosleep(&pause, NULL);
    }
    sql_pool_give(hub.pool, db);
    return NULL;
}

enum err events_start(struct sql_pool *pool)
{
    struct sql *db = NULL;
    TRY(sql_pool_take(pool, &db));
    hub.pool = pool;
    hub.stop = false;
    if (pthread_create(&hub.thread, NULL, follow, db) != 0)
        return fail(E_BROKEN, "cannot start the thread for events");
    hub.running = true;
    return OK;
}

void events_stop(void)
{
    if (!hub.running)
        return;
    pthread_mutex_lock(&hub.lock);
    hub.stop = true;
    pthread_cond_broadcast(&hub.more);
    pthread_mutex_unlock(&hub.lock);
    pthread_join(hub.thread, NULL);
    hub.running = false;
    for (size_t i = 0; i < RING; i++)
        empty(&hub.ring[i]);
}

struct stream {
    char *org, *token, *cookie; /* whose events, and by what right: one of the two */
    char *topics[TOPICS_MOST];
    size_t n;
    uint64_t at;   /* the next item of the hub to look at */
    int64_t after; /* ids up to this one were seen */
    struct text out;
    size_t sent;
    bool hello;
    double checked; /* when the right to listen was */
};

static bool wants(const struct stream *s, const struct item *item)
{
    if (strcmp(s->org, item->org) != 0)
        return false;
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->topics[i], item->topic) == 0)
            return true;
    return s->n == 0;
}

static enum err check_listener(const struct stream *s, struct sql *db, struct arena *a)
{
    struct identity who;
    struct reach r;
    TRY(s->token ? api_hooks.by_token(db, a, s->token, &who) : api_hooks.by_session(db, a, s->cookie, &who));
    TRY(api_hooks.reach(db, who.user_id, s->org, NULL, &r));
    return r.in_org == ROLE_NONE ? fail(E_UNKNOWN_USER, "no longer in the organization") : OK;
}

/* Whoever was removed, logged out or whose token was revoked hears nothing more. A database that is busy is no reason. */
static bool still_may(const struct stream *s)
{
    AUTO(arena) struct arena *a = arena_new();
    struct sql *db = NULL;
    if (sql_pool_take(hub.pool, &db) != OK)
        return true;
    enum err e = check_listener(s, db, a);
    sql_pool_give(hub.pool, db);
    return e != E_UNKNOWN_USER;
}

static void copy_new(struct stream *s)
{
    if (hub.n > RING && s->at < hub.n - RING)
        s->at = hub.n - RING;
    for (; s->at < hub.n && !text_full(&s->out); s->at++) {
        const struct item *i = &hub.ring[s->at % RING];
        if (i->id > s->after && wants(s, i))
            text_fmt(&s->out, "id: %lld\nevent: %s\ndata: %s\n\n", (long long)i->id, i->topic, i->json);
    }
}

static ssize_t next(void *with, char *ret, size_t room)
{
    struct stream *s = with;
    if (s->sent == s->out.n && clock_seconds() >= s->checked + WAIT_S) {
        if (!still_may(s))
            return -1;
        s->checked = clock_seconds();
    }
    if (s->sent == s->out.n) {
        text_clear(&s->out);
        s->sent = 0;
        pthread_mutex_lock(&hub.lock);
        if (!s->hello)
            text_add(&s->out, "retry: 2000\n: listening\n\n");
        s->hello = true;
        copy_new(s);
        double until = clock_seconds() + WAIT_S;
        while (!s->out.n && !hub.stop && clock_seconds() < until) {
            wait_ms(1000);
            copy_new(s);
        }
        bool stop = hub.stop;
        pthread_mutex_unlock(&hub.lock);
        if (stop)
            return -1;
        if (!s->out.n)
            text_add(&s->out, ": still here\n\n");
    }
    size_t n = s->out.n - s->sent < room ? s->out.n - s->sent : room;
    memcpy(ret, s->out.bytes + s->sent, n);
    s->sent += n;
    return (ssize_t)n;
}

static void done(void *with)
{
    struct stream *s = with;
    pthread_mutex_lock(&hub.lock);
    hub.listeners--;
    pthread_mutex_unlock(&hub.lock);
    atomic_fetch_sub(&api_counters.event_streams, 1);
    for (size_t i = 0; i < s->n; i++)
        free(s->topics[i]);
    free(s->org);
    free(s->token);
    free(s->cookie);
    text_done(&s->out);
    free(s);
}

static enum err listen(struct op *op)
{
    const char *topics[TOPICS_MOST];
    size_t n = http_query_all(op->call, "topic", topics, TOPICS_MOST);
    const char *last = http_header(op->call, "Last-Event-ID");
    if (!last)
        last = http_query(op->call, "after");
    if (last && (!*last || last[strspn(last, "0123456789")]))
        return fail(E_INVALID, "after: \"%s\" is not the number of an event", last);
    struct stream *s = heap_take(sizeof *s);
    text_init(&s->out, 1 << 20);
    const char *token = bearer_token(op->call), *cookie = http_cookie(op->call, "saccade");
    s->org = heap_str(op->org);
    s->token = token ? heap_str(token) : NULL;
    s->cookie = cookie ? heap_str(cookie) : NULL;
    s->checked = clock_seconds();
    for (; s->n < n; s->n++)
        s->topics[s->n] = heap_str(topics[s->n]);
    pthread_mutex_lock(&hub.lock);
    s->after = last ? strtoll(last, NULL, 10) : 0;
    s->at = last && hub.n > RING ? hub.n - RING : last ? 0 : hub.n;
    hub.listeners++;
    pthread_cond_broadcast(&hub.more);
    pthread_mutex_unlock(&hub.lock);
    atomic_fetch_add(&api_counters.event_streams, 1);
    http_answer_header(op->call, "Cache-Control", "no-store");
    http_answer_header(op->call, "X-Accel-Buffering", "no");
    http_answer_stream(op->call, "text/event-stream", next, done, s);
    return OK;
}

static const struct route routes[] = {
    { "GET", "/api/events", listen, MAY_READ, WORK_FREE,
      "server-sent events; ?topic= may be repeated, ?after= is the last id known", .gives = GIVES_FILE },
};

const struct resource event_resource = {
    .name = "event",
    .table = "CREATE TABLE event (id INTEGER PRIMARY KEY AUTOINCREMENT, org TEXT NOT NULL, topic TEXT NOT NULL, json TEXT NOT "
             "NULL, at INTEGER NOT "
             "NULL) STRICT",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
