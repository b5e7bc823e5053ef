#include "api/dispatch.h"
#include "base/clock.h"
#include "base/log.h"
#include "blob/sign.h"
#include "sql/held.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_CAP = 1 << 20, ANSWER_CAP = 256 << 20, URL_LIFE_S = 3600 };

static struct services *services;
struct api_hooks api_hooks;
static struct router *router;

struct api_counters api_counters;
const double api_latency_bounds[LATENCY_BUCKETS] = { 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 1e300 };

/* One request, from `begin` to `gone`. */
struct visit {
    struct op op;
    struct text body;
    double began;
    bool started; /* route->start ran: route->stop is owed */
};

void op_here(struct op *op)
{
    if (op->route)
        held_as(op->route->method, op->route->path);
}

static void db_give(struct op *op)
{
    if (op->db)
        sql_pool_give(services->pool, op->db);
    op->db = NULL;
}

static const char *host_url(struct http_call *c)
{
    if (services->public_url)
        return services->public_url;
    const char *host = http_header(c, "Host");
    for (const char *p = host ? host : ""; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr(".-:[]_", *p))
            host = NULL;
    return arena_fmt(http_arena(c), "http://%s", host && *host && strlen(host) < 260 ? host : "localhost");
}

/* ---- the life of a request */

/* The Open Inference Protocol, whose refusals are called `error`. */
static bool is_inference(struct http_call *c)
{
    return strncmp(http_path(c), "/v2/", 4) == 0 || strcmp(http_path(c), "/v2") == 0;
}

static enum err begin(void *with, struct http_call *c)
{
    (void)with;
    atomic_fetch_add(&api_counters.in_flight, 1);
    struct visit *v = arena_take(http_arena(c), sizeof *v);
    v->began = clock_seconds();
    struct op *op = &v->op;
    *op = (struct op){ .arena = http_arena(c), .services = services, .call = c, .status = 200 };
    out_init(&op->out, ANSWER_CAP);
    text_init(&v->body, BODY_CAP);
    http_set_state(c, v);
    op->host_url = host_url(c);
    const char *method = http_method(c), *path = http_path(c);
    bool api =
        strncmp(path, "/api/", 5) == 0 || is_inference(c) || strncmp(path, "/storage/", 9) == 0 || strncmp(path, "/sdk/", 5) == 0;
    enum err e = router_find(router, op->arena, method, path, op->values, &op->route);
    if (e == E_NOT_FOUND && !api && api_hooks.page && (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0))
        return OK; /* a page: answered in end() */
    if (e == E_NOT_FOUND && strncmp(path, "/sdk/", 5) == 0)
        return fail(e, "there is no %s: under /sdk stands what the client 6.1.2 calls (GET /api/openapi.json lists it)", path);
    TRY(e);
    const struct route *r = op->route;
    held_as(r->method, r->path);
    size_t cap = r->body_cap ? r->body_cap : BODY_CAP;
    if (!r->start && http_body_length(c) > (int64_t)cap)
        return fail(E_TOO_BIG, "the body has %lld bytes; at most %zu are allowed here", (long long)http_body_length(c), cap);
    v->body.cap = cap;
    TRY(sql_pool_take(services->pool, &op->db));
    e = right_check(op);
    if (e == OK && r->start) {
        v->started = true;
        e = r->start(op);
    }
    db_give(op); /* while the body comes, nobody waits for this connection */
    return e;
}

static enum err body(void *with, struct http_call *c, const char *bytes, size_t n)
{
    (void)with;
    struct visit *v = http_state(c);
    atomic_fetch_add(&api_counters.bytes_in, (long long)n);
    if (!v->op.route)
        return OK;
    if (v->op.route->start)
        return v->op.route->piece ? v->op.route->piece(&v->op, bytes, n) : OK;
    text_bytes(&v->body, bytes, n);
    if (v->body.crowded)
        return fail(E_BUSY, "too many large requests at once");
    return text_full(&v->body) ? fail(E_TOO_BIG, "the body is over %zu bytes", v->body.cap) : OK;
}

static enum err checked(struct op *op, handler *work)
{
    TRY(owner_check(op));
    return work(op);
}

enum err op_read(struct op *op, handler *work)
{
    TRY(sql_begin_read(op->db));
    return sql_end(op->db, checked(op, work));
}

static enum err run(struct op *op)
{
    switch (op->route->work) {
    case WORK_WRITE: return op_write(op, op->route->run);
    case WORK_READ: return op_read(op, op->route->run);
    default: return op->route->run(op);
    }
}

/* The client 6.1.2 takes these statuses for success, and only those for faults that it has words for. */
static int status_for(struct http_call *c, int status)
{
    static const int words[][2] = { { 413, 400 }, { 423, 409 }, { 429, 500 } };
    if (strncmp(http_path(c), "/sdk/", 5) != 0)
        return status;
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (words[i][0] == status)
            return words[i][1];
    return status > 500 ? 500 : status;
}

static enum err answer(struct op *op)
{
    if (http_answered(op->call))
        return OK;
    if (op->out.text.crowded)
        return fail(E_BUSY, "too many large answers at once");
    if (text_full(&op->out.text)) {
        static const char sorry[] = "{\"message\":\"the answer is too long; ask for fewer at once\"}";
        http_answer_static(op->call, status_for(op->call, 413), "application/json", sorry, sizeof sorry - 1);
        return OK;
    }
    if (op->status != 204 && !op->out.text.n)
        text_add(&op->out.text, "{}"); /* the client parses even answers it does not use */
    http_answer_header(op->call, "Cache-Control", "no-store");
    if (op->status == 204)
        http_answer_static(op->call, 204, NULL, "", 0);
    else
        http_answer_text(op->call, op->status, "application/json", &op->out.text);
    return OK;
}

static enum err end(void *with, struct http_call *c)
{
    (void)with;
    struct visit *v = http_state(c);
    struct op *op = &v->op;
    op_here(op);
    if (!op->route)
        return api_hooks.page(c);
    TRY(sql_pool_take(services->pool, &op->db));
    enum err e = op->route->start ? OK : input_read(op, v->body.bytes, v->body.n);
    if (e == OK)
        e = run(op);
    db_give(op);
    TRY(e);
    return answer(op);
}

/* A request that never reached begin(): gone() will not come, and nobody else tells of it. */
static void log_refused(struct http_call *c, enum err e)
{
    AUTO(out) struct out o;
    out_init(&o, 1 << 16);
    out_text(&o, "method", http_method(c));
    out_text(&o, "path", http_path(c));
    out_int(&o, "status", err_http_status(e));
    out_text(&o, "why", fail_text());
    out_text(&o, "peer", http_peer(c));
    log_line(LOG_INFO, o.text.bytes, "refused");
    atomic_fetch_add(&api_counters.by_status[err_http_status(e) / 100], 1);
}

static void failed(void *with, struct http_call *c, enum err e)
{
    (void)with;
    if (!http_state(c))
        log_refused(c, e);
    struct out o;
    out_init(&o, 1 << 16);
    out_object(&o, NULL);
    if (e == E_FULL) {
        log_line(LOG_ERROR, NULL, "%s %s: %s (%s)", http_method(c), http_path(c), fail_text(), fail_place());
        out_text(&o, "message", "the server's disk is full: nothing was stored");
    } else if (e == E_BROKEN) {
        const char *id = id_new(http_arena(c));
        log_line(LOG_ERROR, NULL, "%s %s: %s (%s) [%s]", http_method(c), http_path(c), fail_text(), fail_place(), id);
        out_text(&o, "message", "internal error");
        out_text(&o, "detail", arena_fmt(http_arena(c), "the server's log has it under %s", id));
    } else {
        out_text(&o, "message", fail_text());
        if (is_inference(c))
            out_text(&o, "error", fail_text());
        if (fail_detail())
            out_text(&o, "detail", fail_detail());
    }
    out_end_object(&o);
    if (e == E_UNKNOWN_USER)
        http_answer_header(c, "WWW-Authenticate", "Bearer");
    if (e == E_TOO_MANY || e == E_BUSY)
        http_answer_header(c, "Retry-After", arena_fmt(http_arena(c), "%d", fail_retry()));
    http_answer_header(c, "Cache-Control", "no-store");
    http_answer_bytes(c, status_for(c, err_http_status(e)), "application/json", o.text.bytes, o.text.n);
    out_done(&o);
}

static void count(const struct visit *v, int status, double seconds)
{
    (void)v;
    atomic_fetch_add(&api_counters.by_status[status / 100 < 6 ? status / 100 : 5], 1);
    atomic_fetch_add(&api_counters.latency_sum_us, (long long)(seconds * 1e6));
    for (int i = 0; i < LATENCY_BUCKETS; i++)
        if (seconds <= api_latency_bounds[i]) {
            atomic_fetch_add(&api_counters.latency[i], 1);
            break;
        }
}

static void gone(void *with, struct http_call *c)
{
    (void)with;
    struct visit *v = http_state(c);
    if (!v)
        return;
    struct op *op = &v->op;
    if (v->started && op->route->stop)
        op->route->stop(op);
    db_give(op);
    double seconds = clock_seconds() - v->began;
    int status = http_answered(c);
    atomic_fetch_sub(&api_counters.in_flight, 1);
    count(v, status, seconds);
    AUTO(out) struct out o;
    out_init(&o, 1 << 16);
    out_text(&o, "method", http_method(c));
    out_text(&o, "path", http_path(c)); /* never the query: it may hold a signature */
    out_int(&o, "status", status);
    out_number(&o, "ms", (double)(int64_t)(seconds * 1e5) / 100);
    out_int(&o, "bytes", (int64_t)http_answer_size(c));
    out_text(&o, "user", op->user_name);
    out_text(&o, "peer", http_peer(c));
    log_line(status >= 500 ? LOG_WARN : LOG_INFO, o.text.bytes, "request");
    out_done(&op->out);
    text_done(&v->body);
}

/* ---- links */

static void link_path(struct text *t, const char *path, const char *object_name)
{
    text_init(t, 1 << 14);
    text_add(t, path);
    text_url(t, object_name, true);
}

char *signed_link(struct op *op, const char *method, const char *path, const char *object_name)
{
    AUTO(text) struct text t;
    link_path(&t, path, object_name);
    int64_t now = clock_now_ms() / 1000,
            expires = (now / URL_LIFE_S + 2) * URL_LIFE_S; /* whole hours, so that browsers can cache */
    return arena_fmt(op->arena, "%s%s?%s", op->host_url, t.bytes,
                     sign_url_query(services->key, op->arena, method, t.bytes, expires));
}

enum err signed_link_check(struct op *op, const char *method, const char *path, const char *object_name)
{
    AUTO(text) struct text t;
    link_path(&t, path, object_name);
    return sign_url_check(services->key, method, t.bytes, http_query(op->call, "expires"), http_query(op->call, "signature"));
}

char *signed_url(struct op *op, const char *method, const char *object_name)
{
    return object_name ? signed_link(op, method, "/storage/", object_name) : NULL;
}

/* ---- start */

static bool listed(const struct resource *of)
{
    for (const struct resource *const *r = resources; *r; r++)
        if (*r == of)
            return true;
    return false;
}

/* Answers of rows that are no resource of their own: a short or a longer form of one, or what is inside of one written by hand. */
static enum err check_answer(struct sql *db, const struct resource *of, int depth)
{
    if (of->from)
        return listed(of) ? OK : answer_check(db, of);
    for (size_t i = 0; depth < 8 && i < of->n_fields; i++)
        if (of->fields[i].of)
            TRY(check_answer(db, of->fields[i].of, depth + 1));
    return OK;
}

static enum err check_answers(struct sql *db, const struct resource *r)
{
    for (size_t i = 0; i < r->n_routes; i++)
        if (r->routes[i].answers)
            TRY(check_answer(db, r->routes[i].answers, 0));
    return OK;
}

enum err api_check_tables(struct sql *db)
{
    for (const struct resource *const *r = resources; *r; r++) {
        TRY(resource_check(db, *r));
        TRY(check_answers(db, *r));
    }
    return OK;
}

enum err api_open(struct services *s, const struct api_hooks *h, struct http_app *ret)
{
    services = s;
    api_hooks = *h;
    TRY(router_build(resources, &router));
    struct sql *db = NULL;
    TRY(sql_pool_take(s->pool, &db));
    enum err e = api_check_tables(db);
    sql_pool_give(s->pool, db);
    TRY(e);
    TRY(events_start(s->pool));
    *ret = (struct http_app){ .begin = begin, .body = body, .end = end, .failed = failed, .gone = gone };
    return OK;
}

void api_quiet(void)
{
    events_stop();
}

void api_close(void)
{
    router_free(router);
    router = NULL;
}
