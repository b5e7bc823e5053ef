/* From libmicrohttpd to the app; start and stop. */
#include "base/clock.h"
#include "http/call.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- from libmicrohttpd to the app */

static enum MHD_Result send_answer(struct http_call *c)
{
    if (!c->response) /* the app answered nothing, or there was no memory for it */
        http_answer_static(c, 500, "application/json", "{\"message\":\"internal error\"}", 28);
    c->queued = true;
    if (c->response && (c->close || atomic_load(&c->server->ending)))
        MHD_add_response_header(c->response, "Connection", "close");
    watch_phase(c->watched, c->streams ? PHASE_FREE : PHASE_SEND);
    return c->response ? MHD_queue_response(c->connection, (unsigned)c->status, c->response) : MHD_NO;
}

static enum MHD_Result send_failure(struct http_call *c, enum err e)
{
    c->server->app.failed(c->server->app.with, c, e);
    return send_answer(c);
}

/* What is refused here the app never sees, except that it words the answer. */
static enum err check_head(struct http_call *c, const char *method, const char *version)
{
    enum err e = framing_check(c, method, version);
    c->close = e != OK;
    TRY(e);
    TRY(host_check(c->server, http_header(c, "Host")));
    return query_check(c);
}

static enum err begin(struct http_call *c, const char *method, const char *version)
{
    struct http_server *s = c->server;
    c->begun = true;
    atomic_fetch_add(&s->running, 1);
    watch_phase(c->watched, PHASE_BODY);
    TRY(check_head(c, method, version));
    c->taken = true;
    return s->app.begin(s->app.with, c);
}

static void body(struct http_call *c, const char *bytes, size_t n)
{
    if (c->error != OK)
        return;
    enum err e = c->form ? form_bytes(c, bytes, n) : c->server->app.body(c->server->app.with, c, bytes, n);
    if (e != OK)
        call_remember(c, e);
}

static enum MHD_Result end(struct http_call *c)
{
    enum err form = c->form ? form_end(c) : OK;
    if (form != OK)
        call_remember(c, form);
    enum err e = c->error;
    if (e != OK) {
        e = fail(e, "%s", c->error_text); /* this thread may have failed at something else since */
        if (c->error_detail)
            fail_set_detail(c->error_detail);
    } else {
        e = c->server->app.end(c->server->app.with, c);
    }
    return e == OK ? send_answer(c) : send_failure(c, e);
}

/* A refused upload: a small rest is read, so that the peer gets to read the answer; a large one is cut off. */
enum { DRAIN = 64 << 20 };

static enum MHD_Result on_request(void *with, struct MHD_Connection *connection, const char *path, const char *method,
                                  const char *version, const char *bytes, size_t *n, void **state)
{
    (void)path, (void)with, (void)connection;
    struct http_call *c = *state;
    if (!c->begun) {
        c->method = strcmp(method, "HEAD") == 0 ? "GET" : method; /* the library leaves the body out */
        enum err e = begin(c, method, version);
        if (e == OK)
            return MHD_YES;
        if (c->close || http_body_length(c) < 0 || http_body_length(c) > DRAIN || http_header(c, "Expect")) {
            c->close = true;
            return send_failure(c, e);
        }
        call_remember(c, e);
        return MHD_YES;
    }
    if (*n) {
        body(c, bytes, *n);
        *n = 0;
        return MHD_YES;
    }
    if (c->queued)
        return MHD_YES;
    watch_phase(c->watched, PHASE_FREE);
    return end(c);
}

/* Called first, with the target as it was sent. */
static void *on_target(void *with, const char *target, struct MHD_Connection *connection)
{
    struct http_call *c = heap_take(sizeof *c);
    own_words_for(connection);
    c->server = with;
    c->connection = connection;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    c->watched = info ? info->socket_context : NULL;
    c->arena = arena_new();
    c->path = arena_copy(c->arena, target, strcspn(target, "?"));
    return c;
}

static void on_done(void *with, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode why)
{
    (void)with, (void)connection, (void)why;
    struct http_call *c = *state;
    if (!c)
        return;
    watch_phase(c->watched, PHASE_WAIT);
    if (c->form)
        MHD_destroy_post_processor(c->form);
    if (c->taken)
        c->server->app.gone(c->server->app.with, c);
    if (c->begun)
        atomic_fetch_sub(&c->server->running, 1);
    if (c->response)
        MHD_destroy_response(c->response);
    arena_free(c->arena);
    free(c);
    *state = NULL;
}

/* Paths are decoded once, by the router, segment by segment; queries by query_step(). */
static size_t keep_escapes(void *with, struct MHD_Connection *connection, char *s)
{
    (void)with, (void)connection;
    return strlen(s);
}

static const struct sockaddr *address_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    return info ? info->client_addr : NULL;
}

static void on_connection(void *with, struct MHD_Connection *connection, void **context, enum MHD_ConnectionNotificationCode what)
{
    struct http_server *s = with;
    const struct sockaddr *address = address_of(connection);
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (address)
            peers_went(s->peers, address);
        watch_remove(s->watch, *context);
        *context = NULL;
        return;
    }
    if (address)
        peers_came(s->peers, address);
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    *context = info ? watch_add(s->watch, info->connect_fd) : NULL;
}

/* Behind a proxy all come from its address; it counts its own peers. */
static enum MHD_Result may_connect(void *with, const struct sockaddr *address, socklen_t n)
{
    (void)n;
    struct http_server *s = with;
    return s->behind_proxy || peers_may_come(s->peers, address) ? MHD_YES : MHD_NO;
}

/* ---- start and stop */

static enum err parse_listen(const char *listen, char host[64], char port[8])
{
    const char *colon = strrchr(listen, ':');
    size_t n = colon ? (size_t)(colon - listen) : 0;
    if (!colon || n >= 64 || strlen(colon + 1) >= 8 || strspn(colon + 1, "0123456789") != strlen(colon + 1) || !colon[1] ||
        strtol(colon + 1, NULL, 10) > 65535)
        return fail(E_INVALID, "--listen must be ADDRESS:PORT; it is \"%s\"", listen);
    bool bracket = n > 2 && listen[0] == '[' && listen[n - 1] == ']';
    snprintf(host, 64, "%.*s", (int)(bracket ? n - 2 : n), listen + bracket);
    snprintf(port, 8, "%s", colon + 1);
    return OK;
}

static enum err open_socket(const char *listen_on, int *ret)
{
    char host[64], port[8];
    TRY(parse_listen(listen_on, host, port));
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV }, *found = NULL;
    int code = getaddrinfo(*host ? host : NULL, port, &hints, &found);
    if (code != 0)
        return fail(E_INVALID, "cannot listen on %s: %s", listen_on, gai_strerror(code));
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    bool fine = fd >= 0 && bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, 512) == 0;
    int why = errno;
    freeaddrinfo(found);
    if (!fine) {
        if (fd >= 0)
            close(fd);
        return fail(why == EADDRINUSE ? E_CONFLICT : E_BROKEN, "cannot listen on %s: %s", listen_on, strerror(why));
    }
    *ret = fd;
    return OK;
}

enum err http_server_listen(const char *listen_on, struct http_server **ret)
{
    int fd = -1;
    TRY(open_socket(listen_on, &fd));
    struct http_server *s = heap_take(sizeof *s);
    s->socket = fd;
    struct sockaddr_storage address;
    socklen_t n = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &n) == 0)
        s->port = ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                                      : ((struct sockaddr_in *)&address)->sin_port);
    *ret = s;
    return OK;
}

/* Up to 0.9.76 the library is strict in little, and says it in two status lines: framing_check() does that. */
#if MHD_VERSION < 0x00097701
#define STRICTNESS MHD_OPTION_STRICT_FOR_CLIENT, 0
#else
#define STRICTNESS MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1
#endif

enum err http_server_start(struct http_server *s, const struct http_app *app, const struct http_limits *limits)
{
    s->app = *app;
    s->peers = peers_new(limits->of_one_address);
    TRY(watch_start(&s->watch));
    s->daemon = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ERROR_LOG,
                                 0, may_connect, s, on_request, s, MHD_OPTION_LISTEN_SOCKET, s->socket, MHD_OPTION_EXTERNAL_LOGGER,
                                 own_words, s, MHD_OPTION_URI_LOG_CALLBACK, on_target, s, MHD_OPTION_NOTIFY_COMPLETED, on_done, s,
                                 MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, s,
                                 MHD_OPTION_CONNECTION_LIMIT, (unsigned)limits->connections, MHD_OPTION_CONNECTION_TIMEOUT,
                                 (unsigned)IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
                                 MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK, STRICTNESS, MHD_OPTION_END);
    if (!s->daemon)
        return fail(E_BROKEN, "cannot start the HTTP server");
    s->socket = -1; /* the daemon's from now on */
    return OK;
}

void http_server_behind_proxy(struct http_server *s)
{
    s->behind_proxy = true;
}

void http_server_answer_to(struct http_server *s, const char *host)
{
    if (s->n_hosts < HOSTS_MOST)
        s->hosts[s->n_hosts++] = heap_str(host);
}

int http_server_port(const struct http_server *s)
{
    return s->port;
}

void http_server_stop(struct http_server *s, double grace_s)
{
    if (!s)
        return;
    atomic_store(&s->ending, true);
    int fd = s->daemon ? MHD_quiesce_daemon(s->daemon) : s->socket;
    if (fd >= 0)
        close(fd);
    for (double until = clock_seconds() + grace_s; atomic_load(&s->running) && clock_seconds() < until;)
        usleep(5000);
    if (s->daemon)
        MHD_stop_daemon(s->daemon);
    watch_stop(s->watch);
    peers_free(s->peers);
    for (size_t i = 0; i < s->n_hosts; i++)
        free(s->hosts[i]);
    free(s);
}
