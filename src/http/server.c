#include "http/server.h"
#include "base/clock.h"
#include "http/watch.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONNECTION_MEMORY = 64 << 10,
    IDLE_S = 75,
    STREAM_BLOCK = 32 << 10,
    FORM_BUFFER = 64 << 10,
    HEADERS_MOST = 16,
    STACK = 1 << 20
};

struct http_server {
    struct MHD_Daemon *daemon; /* NULL until it is started; the socket is its own then */
    int socket;
    struct http_app app;
    struct watch *watch;
    int port;
    atomic_int running; /* requests between begin and gone */
    atomic_bool ending;
    bool behind_proxy;
};

struct http_call {
    struct http_server *server;
    struct MHD_Connection *connection;
    struct arena *arena;
    const char *method, *path;
    void *state;
    struct MHD_PostProcessor *form;
    http_part_function *part;
    void *part_with;
    enum err error; /* the first failure: the rest of the body is read and dropped, then it is answered */
    char *error_text, *error_detail;
    struct {
        const char *name, *value;
    } headers[HEADERS_MOST];
    size_t n_headers;
    int status;
    uint64_t sends; /* bytes of the answer's body, as far as they are known */
    bool begun, queued;
    bool streams; /* the answer has no end: silence on it is no fault */
    bool close;   /* nothing more is read from this connection */
    struct MHD_Response *response;
    struct watched *watched;
};

/* ---- the request */

struct arena *http_arena(struct http_call *c)
{
    return c->arena;
}

const char *http_method(struct http_call *c)
{
    return c->method;
}

const char *http_path(struct http_call *c)
{
    return c->path;
}

const char *http_header(struct http_call *c, const char *name)
{
    return MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, name);
}

struct query_walk {
    struct http_call *call;
    const char *name;
    const char **ret;
    size_t n, room;
    void (*each)(void *, const char *, const char *);
    void *with;
};

/* MHD hands over names and values as they were sent (see keep_escapes()). */
static enum MHD_Result query_step(void *with, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    struct query_walk *w = with;
    char *plain_name = arena_str(w->call->arena, name), *plain = arena_str(w->call->arena, value ? value : "");
    if (!url_decode(plain_name, true) || !url_decode(plain, true))
        return MHD_YES; /* a broken escape: as if it was not there */
    if (w->each)
        w->each(w->with, plain_name, plain);
    else if (strcmp(plain_name, w->name) == 0 && w->n < w->room)
        w->ret[w->n++] = plain;
    return MHD_YES;
}

size_t http_query_all(struct http_call *c, const char *name, const char **ret, size_t room)
{
    struct query_walk w = { .call = c, .name = name, .ret = ret, .room = room };
    MHD_get_connection_values(c->connection, MHD_GET_ARGUMENT_KIND, query_step, &w);
    return w.n;
}

const char *http_query(struct http_call *c, const char *name)
{
    const char *value = NULL;
    return http_query_all(c, name, &value, 1) ? value : NULL;
}

void http_query_each(struct http_call *c, void (*each)(void *, const char *, const char *), void *with)
{
    struct query_walk w = { .call = c, .each = each, .with = with };
    MHD_get_connection_values(c->connection, MHD_GET_ARGUMENT_KIND, query_step, &w);
}

const char *http_cookie(struct http_call *c, const char *name)
{
    return MHD_lookup_connection_value(c->connection, MHD_COOKIE_KIND, name);
}

static bool is_loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0 || strncmp(address, "::ffff:127.", 11) == 0;
}

const char *http_peer(struct http_call *c)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(c->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    char text[INET6_ADDRSTRLEN] = "";
    if (info && info->client_addr)
        getnameinfo(info->client_addr,
                    info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in), text,
                    sizeof text, NULL, 0, NI_NUMERICHOST);
    const char *named = c->server->behind_proxy && is_loopback(text) ? http_header(c, "X-Forwarded-For") : NULL;
    if (named && strrchr(named, ','))
        named = strrchr(named, ',') + 1;
    if (named)
        named += strspn(named, " ");
    bool fine = named && *named && strlen(named) < sizeof text && strspn(named, "0123456789abcdefABCDEF.:") == strlen(named);
    return arena_str(c->arena, fine ? named : text);
}

int64_t http_body_length(struct http_call *c)
{
    const char *s = http_header(c, "Content-Length");
    return s ? strtoll(s, NULL, 10) : http_header(c, "Transfer-Encoding") ? -1 : 0;
}

void http_set_state(struct http_call *c, void *state)
{
    c->state = state;
}

void *http_state(struct http_call *c)
{
    return c->state;
}

/* ---- forms */

static void remember(struct http_call *c, enum err e)
{
    if (c->error != OK)
        return;
    c->error = e;
    c->error_text = arena_fmt(c->arena, "%s", fail_text());
    c->error_detail = arena_str(c->arena, fail_detail());
}

static enum MHD_Result form_step(void *with, enum MHD_ValueKind kind, const char *name, const char *filename, const char *type,
                                 const char *encoding, const char *bytes, uint64_t offset, size_t n)
{
    (void)kind, (void)encoding;
    struct http_call *c = with;
    struct http_part part = { name, filename, type, offset };
    enum err e = c->part(c->part_with, &part, bytes, n);
    if (e != OK)
        remember(c, e);
    return e == OK ? MHD_YES : MHD_NO;
}

enum err http_read_form(struct http_call *c, http_part_function *part, void *with)
{
    c->form = MHD_create_post_processor(c->connection, FORM_BUFFER, form_step, c);
    if (!c->form)
        return fail(E_INVALID, "the body must be a form (multipart/form-data)");
    c->part = part;
    c->part_with = with;
    return OK;
}

/* ---- the answer */

void http_answer_header(struct http_call *c, const char *name, const char *value)
{
    if (c->n_headers == HEADERS_MOST || strpbrk(value, "\r\n"))
        return;
    c->headers[c->n_headers].name = arena_str(c->arena, name);
    c->headers[c->n_headers++].value = arena_str(c->arena, value);
}

int http_answered(struct http_call *c)
{
    return c->status;
}

uint64_t http_answer_size(struct http_call *c)
{
    return c->sends;
}

static void answer(struct http_call *c, int status, const char *type, uint64_t size, struct MHD_Response *response)
{
    if (c->response)
        MHD_destroy_response(c->response);
    c->response = response;
    c->status = status;
    c->streams = false;
    c->sends = size;
    if (!response)
        return;
    if (type)
        MHD_add_response_header(response, "Content-Type", type);
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    for (size_t i = 0; i < c->n_headers; i++)
        MHD_add_response_header(response, c->headers[i].name, c->headers[i].value);
}

void http_answer_bytes(struct http_call *c, int status, const char *type, const void *bytes, size_t n)
{
    answer(c, status, n ? type : NULL, n, MHD_create_response_from_buffer(n, (void *)(uintptr_t)bytes, MHD_RESPMEM_MUST_COPY));
}

void http_answer_static(struct http_call *c, int status, const char *type, const void *bytes, size_t n)
{
    answer(c, status, type, n, MHD_create_response_from_buffer(n, (void *)(uintptr_t)bytes, MHD_RESPMEM_PERSISTENT));
}

/* "bytes=a-b", "bytes=a-" or "bytes=-n". Anything else, and several ranges, are answered with the whole file, as RFC 9110 allows.
 */
static bool one_range(const char *s, uint64_t size, uint64_t *first, uint64_t *last)
{
    if (!s || strncmp(s, "bytes=", 6) != 0 || strchr(s, ',') || !size)
        return false;
    s += 6;
    char *end;
    if (*s == '-') {
        uint64_t n = strtoull(s + 1, &end, 10);
        if (*end || end == s + 1 || !n)
            return false;
        *first = n < size ? size - n : 0;
        *last = size - 1;
        return true;
    }
    *first = strtoull(s, &end, 10);
    if (end == s || *end != '-')
        return false;
    *last = size - 1;
    if (end[1]) {
        uint64_t b = strtoull(end + 1, &end, 10);
        if (*end)
            return false;
        *last = b < size ? b : size - 1;
    }
    return *first <= *last || *first >= size;
}

void http_answer_file(struct http_call *c, const char *type, int fd, uint64_t size)
{
    uint64_t first = 0, last = size ? size - 1 : 0;
    bool part = one_range(http_header(c, "Range"), size, &first, &last);
    http_answer_header(c, "Accept-Ranges", "bytes");
    if (part && first >= size) {
        close(fd);
        http_answer_header(c, "Content-Range", arena_fmt(c->arena, "bytes */%llu", (unsigned long long)size));
        http_answer_static(c, 416, NULL, "", 0);
        return;
    }
    if (part)
        http_answer_header(c, "Content-Range",
                           arena_fmt(c->arena, "bytes %llu-%llu/%llu", (unsigned long long)first, (unsigned long long)last,
                                     (unsigned long long)size));
    uint64_t n = part ? last - first + 1 : size;
    answer(c, part ? 206 : 200, type, n, MHD_create_response_from_fd_at_offset64(n, fd, first));
}

struct stream {
    http_stream_function *next;
    void (*done)(void *);
    void *with;
};

static ssize_t stream_next(void *with, uint64_t position, char *ret, size_t room)
{
    (void)position;
    struct stream *s = with;
    ssize_t n = s->next(s->with, ret, room);
    return n < 0 ? MHD_CONTENT_READER_END_OF_STREAM : n;
}

static void stream_done(void *with)
{
    struct stream *s = with;
    s->done(s->with);
    free(s);
}

void http_answer_stream(struct http_call *c, const char *type, http_stream_function *next, void (*done)(void *), void *with)
{
    struct stream *s = heap_take(sizeof *s);
    *s = (struct stream){ next, done, with };
    answer(c, 200, type, 0, MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, stream_next, s, stream_done));
    c->streams = true;
}

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

struct framing {
    int hosts, lengths, encodings;
    const char *fault;
};

static enum MHD_Result framing_step(void *with, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    struct framing *f = with;
    f->hosts += strcasecmp(name, "Host") == 0;
    f->lengths += strcasecmp(name, "Content-Length") == 0;
    bool encoding = strcasecmp(name, "Transfer-Encoding") == 0;
    f->encodings += encoding;
    if (encoding && (!value || strcasecmp(value, "chunked") != 0))
        f->fault = "the only Transfer-Encoding taken is chunked";
    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("!#$%&'*+-.^_`|~", *p))
            f->fault = "a header's name holds a character that may not stand there";
    return MHD_YES;
}

/* A proxy in front of us must not see other borders between requests than we do (RFC 9112 §6.3, §11.2): what can be read in two
 * ways is refused and the connection closed. */
static enum err check_framing(struct http_call *c)
{
    struct framing f = { 0 };
    MHD_get_connection_values(c->connection, MHD_HEADER_KIND, framing_step, &f);
    if (f.lengths + f.encodings > 1)
        f.fault = "more than one of Content-Length and Transfer-Encoding";
    if (f.hosts > 1)
        f.fault = "more than one Host";
    if (c->path[0] != '/')
        f.fault = "the target must be a path";
    if (!f.fault)
        return OK;
    c->close = true;
    return fail(E_INVALID, "%s", f.fault);
}

static enum err begin(struct http_call *c)
{
    struct http_server *s = c->server;
    c->begun = true;
    atomic_fetch_add(&s->running, 1);
    watch_phase(c->watched, PHASE_BODY);
    enum err framing = check_framing(c);
    char *fault = framing == OK ? NULL : arena_str(c->arena, fail_text());
    enum err e = s->app.begin(s->app.with, c);
    return fault ? fail(framing, "%s", fault) : e;
}

static void body(struct http_call *c, const char *bytes, size_t n)
{
    if (c->error != OK)
        return;
    if (c->form) {
        if (MHD_post_process(c->form, bytes, n) != MHD_YES)
            remember(c, fail(E_INVALID, "the form is malformed"));
        return;
    }
    enum err e = c->server->app.body(c->server->app.with, c, bytes, n);
    if (e != OK)
        remember(c, e);
}

static enum MHD_Result end(struct http_call *c)
{
    if (c->form) {
        if (MHD_destroy_post_processor(c->form) != MHD_YES && c->error == OK)
            remember(c, fail(E_INVALID, "the form ends too early"));
        c->form = NULL;
    }
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
    (void)version, (void)path, (void)with, (void)connection;
    struct http_call *c = *state;
    if (!c->begun) {
        c->method = strcmp(method, "HEAD") == 0 ? "GET" : method; /* the library leaves the body out */
        enum err e = begin(c);
        if (e == OK)
            return MHD_YES;
        if (c->close || http_body_length(c) < 0 || http_body_length(c) > DRAIN || http_header(c, "Expect")) {
            c->close = true;
            return send_failure(c, e);
        }
        remember(c, e);
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
    if (c->begun) {
        c->server->app.gone(c->server->app.with, c);
        atomic_fetch_sub(&c->server->running, 1);
    }
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

static void on_connection(void *with, struct MHD_Connection *connection, void **context, enum MHD_ConnectionNotificationCode what)
{
    struct http_server *s = with;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        watch_remove(s->watch, *context);
        *context = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    *context = info ? watch_add(s->watch, info->connect_fd) : NULL;
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

enum err http_server_start(struct http_server *s, const struct http_app *app, int max_connections)
{
    s->app = *app;
    TRY(watch_start(&s->watch));
    s->daemon = MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL, NULL, on_request, s,
        MHD_OPTION_LISTEN_SOCKET, s->socket, MHD_OPTION_URI_LOG_CALLBACK, on_target, s, MHD_OPTION_NOTIFY_COMPLETED, on_done, s,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, s, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)max_connections, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY, MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    if (!s->daemon)
        return fail(E_BROKEN, "cannot start the HTTP server");
    s->socket = -1; /* the daemon's from now on */
    return OK;
}

void http_server_behind_proxy(struct http_server *s)
{
    s->behind_proxy = true;
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
    free(s);
}
