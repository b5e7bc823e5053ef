/* server.h - an HTTP/1.1 server (libmicrohttpd), one thread a connection. Knows bytes and headers, nothing of the API.
 *
 * The app is three callbacks. `begin` runs when the headers are there and says what to do with the body; `body` gets it piece by
 * piece as it comes (never the whole of a large upload in memory); `end` runs after the last piece and must answer. A callback that
 * returns an error ends the request; the app's `failed` turns the kept failure into an answer. A request whose head is refused here
 * (two readings, a foreign Host, a broken query) reaches the app by `failed` alone. */
#pragma once
#include "base/arena.h"
#include "base/text.h"
#include <sys/types.h>

struct http_call; /* one request and its answer */

struct http_app {
    void *with;
    enum err (*begin)(void *with, struct http_call *);
    enum err (*body)(void *with, struct http_call *, const char *bytes, size_t n);
    enum err (*end)(void *with, struct http_call *);
    void (*failed)(void *with, struct http_call *, enum err); /* answers */
    void (*gone)(void *with, struct http_call *);             /* always the last: answered, or the peer went away */
};

struct http_server;
/* Opens the socket; from here on peers can connect and wait. listen: "127.0.0.1:8080", "[::1]:8080" or ":8080"; port 0 takes a free
 * one. E_CONFLICT if it is taken. */
MUST_USE enum err http_server_listen(const char *listen, struct http_server **ret);
/* Answers requests from now on. */
struct http_limits {
    int connections, of_one_address; /* at once */
};
MUST_USE enum err http_server_start(struct http_server *, const struct http_app *, const struct http_limits *);
int http_server_port(const struct http_server *);
/* A reverse proxy on this machine names the peer: of requests that come from the loopback, http_peer() is then the last part of
 * X-Forwarded-For, the one that the proxy itself has put there. */
void http_server_behind_proxy(struct http_server *);
/* A name of this server; before it is started. It answers to addresses, to names without a dot and to localhost in any case; a
 * request with another Host is refused. */
void http_server_answer_to(struct http_server *, const char *host);
/* No new connections; waits up to grace_s for running requests, then closes and frees. NULL is fine. */
void http_server_stop(struct http_server *, double grace_s);

/* The request. */
struct arena *http_arena(struct http_call *);                  /* lives until `gone` */
const char *http_method(struct http_call *);                   /* "GET" also for HEAD */
const char *http_path(struct http_call *);                     /* as sent, not decoded, without the query */
const char *http_header(struct http_call *, const char *name); /* NULL: not sent */
const char *http_query(struct http_call *, const char *name);  /* decoded; the first of that name */
size_t http_query_all(struct http_call *, const char *name, const char **ret, size_t room); /* all of that name, in order */
void http_query_each(struct http_call *, void (*each)(void *with, const char *name, const char *value), void *with);
const char *http_cookie(struct http_call *, const char *name);
const char *http_peer(struct http_call *);    /* "127.0.0.1" */
int64_t http_body_length(struct http_call *); /* Content-Length, or -1 when chunked */
void http_set_state(struct http_call *, void *);
void *http_state(struct http_call *);

/* multipart/form-data (RFC 7578) and application/x-www-form-urlencoded bodies: call from `begin`; `body` is then not called.
 * A part without a name is refused. A file part streams through the callback; name, filename (NULL for a plain field) and type stay
 * valid during the call. */
struct http_part {
    const char *name, *filename, *type;
    uint64_t offset; /* of these bytes within the part */
};
typedef enum err http_part_function(void *with, const struct http_part *, const char *bytes, size_t n);
MUST_USE enum err http_read_form(struct http_call *, http_part_function *, void *with);

/* The answer: headers first, then exactly one of these. */
void http_answer_header(struct http_call *, const char *name, const char *value);
void http_answer_bytes(struct http_call *, int status, const char *type, const void *bytes, size_t n); /* copied */
/* The text becomes the answer's: it is emptied, and freed when it was sent. */
void http_answer_text(struct http_call *, int status, const char *type, struct text *);
void http_answer_static(struct http_call *, int status, const char *type, const void *bytes, size_t n); /* not copied */
/* Streams size bytes of the file (sendfile) and closes fd. Serves one byte range (RFC 9110 §14) when it is asked for. */
void http_answer_file(struct http_call *, const char *type, int fd, uint64_t size);
/* An endless answer (server-sent events): `next` fills ret with at most room bytes, waits up to a few seconds for something to send
 * (0: nothing yet, it is called again; -1: the end). `done` frees `with`. */
typedef ssize_t http_stream_function(void *with, char *ret, size_t room);
void http_answer_stream(struct http_call *, const char *type, http_stream_function *next, void (*done)(void *with), void *with);
int http_answered(struct http_call *);         /* the status, or 0 */
uint64_t http_answer_size(struct http_call *); /* bytes of the answer's body; 0 for an endless one */
