#include "../fuzz.h"
#include "base/file.h"
#include "http/server.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* Whatever comes on a connection is answered by whole answers, one after the other, or by none. */
static struct http_server *server;

static void each(void *with, const char *name, const char *value)
{
    *(size_t *)with += strlen(name) + strlen(value);
}

/* Asks for everything that can be asked of a request. */
static size_t look(struct http_call *c)
{
    static const char *const headers[] = { "Host", "Authorization", "Range", "Cookie", "Content-Range", "X-Forwarded-For" };
    const char *all[4];
    size_t n = strlen(http_path(c)) + strlen(http_method(c)) + strlen(http_peer(c)) + http_query_all(c, "q", all, 4);
    for (size_t i = 0; i < COUNT_OF(headers); i++)
        n += http_header(c, headers[i]) ? strlen(http_header(c, headers[i])) : 0;
    n += http_cookie(c, "saccade") ? strlen(http_cookie(c, "saccade")) : 0;
    n += http_query(c, "q") ? strlen(http_query(c, "q")) : 0;
    http_query_each(c, each, &n);
    return n + (size_t)(http_body_length(c) != 0);
}

static enum err begin(void *with, struct http_call *c)
{
    (void)with;
    http_set_state(c, (void *)look(c));
    return OK;
}

static enum err body(void *with, struct http_call *c, const char *bytes, size_t n)
{
    (void)with, (void)c;
    return n && bytes[0] == '!' ? fail_at(__FILE__, __LINE__, E_INVALID, "not this") : OK;
}

static enum err end(void *with, struct http_call *c)
{
    (void)with;
    const char *text = arena_fmt(http_arena(c), "{\"seen\":%zu}", (size_t)http_state(c));
    http_answer_bytes(c, 200, "application/json", text, strlen(text));
    return OK;
}

static void failed(void *with, struct http_call *c, enum err e)
{
    (void)with;
    http_answer_bytes(c, err_http_status(e), "text/plain", fail_text(), strlen(fail_text()));
}

static void gone(void *with, struct http_call *c)
{
    (void)with, (void)c;
}

static char *send_and_read(const uint8_t *bytes, size_t n)
{
    static const struct timeval patience = { 20, 0 };
    AUTO(fd) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)http_server_port(server)),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct text got;
    char block[4096];
    text_init(&got, 1 << 20);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        __builtin_trap();
    for (ssize_t put; n && (put = send(fd, bytes, n, MSG_NOSIGNAL)) > 0; bytes += put)
        n -= (size_t)put;
    shutdown(fd, SHUT_WR);
    for (ssize_t k; (k = read(fd, block, sizeof block)) > 0;)
        text_bytes(&got, block, (size_t)k);
    return got.bytes;
}

/* Answers with the bodies that their heads say, and nothing between. A connection that was reset may end in the middle of one. */
static void check(const char *at)
{
    while (*at) {
        const char *head_end = strstr(at, "\r\n\r\n"), *length = strcasestr(at, "\r\nContent-Length: ");
        if (strncmp(at, "HTTP/1.", 7) != 0)
            __builtin_trap();
        if (!head_end)
            return;
        size_t n = length && length < head_end ? strtoull(length + 18, NULL, 10) : 0;
        at = head_end + 4;
        at += strnlen(at, n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const struct http_app app = { .begin = begin, .body = body, .end = end, .failed = failed, .gone = gone };
    static const struct http_limits limits = { 100, 100 };
    if (!server && (http_server_listen("127.0.0.1:0", &server) != OK || http_server_start(server, &app, &limits) != OK))
        __builtin_trap();
    char *got = send_and_read(bytes, n);
    if (!memmem(bytes, n, "HEAD", 4)) /* its answers have lengths without bodies */
        check(got);
    free(got);
    return 0;
}
