/* call.h - one request and its answer, as the files of this folder share it; nobody else includes it. */
#pragma once
#include "http/peers.h"
#include "http/server.h"
#include "http/watch.h"
#include <microhttpd.h>
#include <stdatomic.h>

enum { CONNECTION_MEMORY = 64 << 10, IDLE_S = 75, HEADERS_MOST = 16, STACK = 1 << 20, HOSTS_MOST = 32 };

struct http_server {
    struct MHD_Daemon *daemon; /* NULL until it is started; the socket is its own then */
    int socket;
    struct http_app app;
    struct watch *watch;
    struct peers *peers;
    int port;
    atomic_int running; /* requests between begin and gone */
    atomic_bool ending;
    bool behind_proxy;
    char *hosts[HOSTS_MOST]; /* names it answers to besides addresses and names without a dot */
    size_t n_hosts;
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
    uint64_t sends;            /* bytes of the answer's body, as far as they are known */
    bool begun, taken, queued; /* taken: the app knows of it */
    bool streams;              /* the answer has no end: silence on it is no fault */
    bool close;                /* nothing more is read from this connection */
    struct MHD_Response *response;
    struct watched *watched;
};

/* framing.c: E_INVALID, and nothing more is read from the connection, when the head of the request could be read in two ways. */
MUST_USE enum err framing_check(struct http_call *, const char *method, const char *version);
/* framing.c: whether the request is meant for this server. */
MUST_USE enum err host_check(const struct http_server *, const char *host);
/* words.c: what the library refuses by itself is answered in our words. own_words_for() says which connection this thread serves;
 * own_words() is the library's logger. */
void own_words_for(struct MHD_Connection *);
void own_words(void *with, const char *format, va_list args);
/* call.c: E_INVALID when the query holds an escape that means nothing. */
MUST_USE enum err query_check(struct http_call *);
/* form.c */
MUST_USE enum err form_bytes(struct http_call *, const char *bytes, size_t n);
MUST_USE enum err form_end(struct http_call *);
/* call.c: keeps the first failure of the body, whatever comes after it. */
void call_remember(struct http_call *, enum err);
