/* Live pages: rows of the table `event`, written in the transaction of what happened, by whichever process, and streamed to
 * browsers as server-sent events (WHATWG HTML, "Server-sent events"), from the hub. A browser that comes back names the last id it
 * saw (Last-Event-ID), a page that opens another stream the last id it knows of (?after=), and gets what it missed, as far as the
 * hub reaches. */
#include "api/dispatch.h"
#include "api/hub.h"
#include "base/clock.h"
#include <stdlib.h>
#include <string.h>

enum { UNDER_WAY = 200 }; /* events that others write while one is not committed yet, at most */
enum { KEPT_ROWS = 20000, TOPICS_MOST = 16, WAIT_S = 10 };

static struct sql_pool *connections;

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

/* Behind it none of the newest is missing: one that is may be committed later (hub.c), and a page that listens from here on must
 * hear it. What it hears twice it reads again. */
enum err event_last(struct sql *db, int64_t *ret)
{
    return sql_int(db, ret,
                   "SELECT coalesce((SELECT e.id FROM event e WHERE e.id > (SELECT max(id) FROM event) - ?1 AND NOT EXISTS"
                   " (SELECT 1 FROM event n WHERE n.id = e.id + 1) ORDER BY e.id LIMIT 1), 0)",
                   V((int64_t)UNDER_WAY));
}

enum err events_start(struct sql_pool *pool)
{
    connections = pool;
    return hub_start(pool);
}

void events_stop(void)
{
    hub_stop();
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

static bool wants(const struct stream *s, const struct heard *item)
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
    if (sql_pool_take(connections, &db) != OK)
        return true;
    enum err e = check_listener(s, db, a);
    sql_pool_give(connections, db);
    return e != E_UNKNOWN_USER;
}

static enum hub_taken take(void *with, const struct heard *i)
{
    struct stream *s = with;
    if (text_full(&s->out))
        return HUB_FULL;
    if (i->id <= s->after || !wants(s, i))
        return HUB_PASSED;
    text_fmt(&s->out, "id: %lld\nevent: %s\ndata: %s\n\n", (long long)i->id, i->topic, i->json);
    return HUB_TOOK;
}

/* False: the program ends. */
static bool fill(struct stream *s)
{
    bool first = !s->hello;
    text_clear(&s->out);
    s->sent = 0;
    if (first)
        text_add(&s->out, "retry: 2000\n: listening\n\n");
    s->hello = true;
    if (!hub_hear(&s->at, first ? 0 : WAIT_S, take, s))
        return false;
    if (!s->out.n)
        text_add(&s->out, ": still here\n\n");
    return true;
}

static ssize_t next(void *with, char *ret, size_t room)
{
    struct stream *s = with;
    if (s->sent == s->out.n && clock_seconds() >= s->checked + WAIT_S) {
        if (!still_may(s))
            return -1;
        s->checked = clock_seconds();
    }
    if (s->sent == s->out.n && !fill(s))
        return -1;
    size_t n = s->out.n - s->sent < room ? s->out.n - s->sent : room;
    memcpy(ret, s->out.bytes + s->sent, n);
    s->sent += n;
    return (ssize_t)n;
}

static void done(void *with)
{
    struct stream *s = with;
    hub_leave();
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
    s->after = last ? strtoll(last, NULL, 10) : 0;
    s->at = hub_join(last != NULL);
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
