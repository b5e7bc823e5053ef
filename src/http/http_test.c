#include "base/file.h"
#include "base/test.h"
#include "http/client.h"
#include "http/server.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* A small app: echoes bodies, streams a file, takes forms, and is busy for as many requests as it was told. */
static atomic_int busy_for, seen;

struct echo {
    struct text body;
    char file[300];
};

static enum err form_part(void *with, const struct http_part *p, const char *bytes, size_t n)
{
    struct echo *e = with;
    if (p->offset == 0)
        text_fmt(&e->body, "[%s %s]", p->name, p->filename ? p->filename : "-");
    text_bytes(&e->body, bytes, n);
    return OK;
}

static enum err begin(void *with, struct http_call *c)
{
    (void)with;
    atomic_fetch_add(&seen, 1);
    struct echo *e = arena_take(http_arena(c), sizeof *e);
    text_init(&e->body, 1 << 16);
    http_set_state(c, e);
    if (strcmp(http_path(c), "/no") == 0)
        return fail_at(__FILE__, __LINE__, E_FORBIDDEN, "not for you");
    return strcmp(http_path(c), "/form") == 0 ? http_read_form(c, form_part, e) : OK;
}

static enum err body(void *with, struct http_call *c, const char *bytes, size_t n)
{
    (void)with;
    struct echo *e = http_state(c);
    text_bytes(&e->body, bytes, n);
    return text_full(&e->body) ? fail_at(__FILE__, __LINE__, E_TOO_BIG, "too much") : OK;
}

static enum err answer_file(struct http_call *c)
{
    FILE *f = tmpfile();
    for (int i = 0; i < 1000; i++)
        fprintf(f, "%09d\n", i);
    fflush(f);
    int fd = dup(fileno(f));
    fclose(f);
    http_answer_file(c, "text/plain", fd, 10000);
    return OK;
}

static enum err end(void *with, struct http_call *c)
{
    (void)with;
    struct echo *e = http_state(c);
    if (strcmp(http_path(c), "/file") == 0)
        return answer_file(c);
    if (atomic_load(&busy_for) > 0 && atomic_fetch_sub(&busy_for, 1) > 0)
        return fail_at(__FILE__, __LINE__, E_BUSY, "in a moment");
    const char *q = http_query(c, "q");
    struct out o;
    out_init(&o, 1 << 17);
    out_object(&o, NULL);
    out_text(&o, "method", http_method(c));
    out_text(&o, "path", http_path(c));
    out_text(&o, "q", q);
    out_text(&o, "peer", http_peer(c));
    out_text(&o, "body", e->body.bytes);
    out_end_object(&o);
    http_answer_bytes(c, 200, "application/json", o.text.bytes, o.text.n);
    out_done(&o);
    return OK;
}

static void failed(void *with, struct http_call *c, enum err e)
{
    (void)with;
    const char *text = arena_fmt(http_arena(c), "{\"message\":\"%s\"}", fail_text());
    http_answer_bytes(c, err_http_status(e), "application/json", text, strlen(text));
}

static void gone(void *with, struct http_call *c)
{
    (void)with;
    struct echo *e = http_state(c);
    text_done(&e->body);
}

static struct http_server *start(struct arena *a, struct http_client **ret_client)
{
    static const struct http_app app = { .begin = begin, .body = body, .end = end, .failed = failed, .gone = gone };
    struct http_server *s = NULL;
    MUST(http_server_listen("127.0.0.1:0", &s));
    MUST(http_server_start(s, &app, &(struct http_limits){ 10, 6 }));
    MUST(http_client_new(arena_fmt(a, "http://127.0.0.1:%d/", http_server_port(s)), "secret", ret_client));
    return s;
}

TEST(requests_and_answers_pass_both_ways_whatever_the_method)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(http_client) struct http_client *c = NULL;
    struct http_server *s = start(a, &c);
    static const char *const methods[] = { "GET", "XGET", "POST", "PATCH", "PUT", "DELETE" };
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        const struct json *v = NULL;
        MUST(http_ask(c, a, methods[i], "/a%2Fb?q=%C3%A9+x&q=2", i ? "{\"x\":1}" : NULL, &v));
        CHECK_TEXT(json_text(json_get(v, "method")), methods[i]);
        CHECK_TEXT(json_text(json_get(v, "path")), "/a%2Fb");
        CHECK_TEXT(json_text(json_get(v, "q")), "é x");
        CHECK_TEXT(json_text(json_get(v, "body")), i ? "{\"x\":1}" : "");
    }
    http_server_stop(s, 1);
}

TEST(a_failure_keeps_its_kind_and_text_over_the_wire)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(http_client) struct http_client *c = NULL;
    struct http_server *s = start(a, &c);
    MUST_FAIL(http_ask(c, a, "POST", "/no", "{}", NULL), E_FORBIDDEN, "not for you");
    char *large = arena_take(a, 100000);
    memset(large, 'x', 99999);
    MUST_FAIL(http_ask(c, a, "POST", "/", large, NULL), E_TOO_BIG, "too much");
    MUST(http_ask(c, a, "GET", "/", NULL, NULL)); /* the connection still works */
    http_server_stop(s, 1);
}

TEST(a_busy_server_is_asked_again_and_a_missing_one_given_up)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(http_client) struct http_client *c = NULL;
    struct http_server *s = start(a, &c);
    atomic_store(&busy_for, 1);
    atomic_store(&seen, 0);
    MUST(http_ask(c, a, "GET", "/", NULL, NULL));
    CHECK_INT(atomic_load(&seen), 2);
    http_server_stop(s, 1);
    MUST_FAIL(http_client_new("ftp://x", NULL, &c), E_INVALID, "http://");
}

TEST(files_are_sent_whole_and_in_part)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(http_client) struct http_client *c = NULL;
    struct http_server *s = start(a, &c);
    char path[] = "/tmp/saccade_http_XXXXXX";
    AUTO(fd) int fd = mkstemp(path);
    unlink(path);
    uint64_t n = 0;
    const char *url = arena_fmt(a, "http://127.0.0.1:%d/file", http_server_port(s));
    MUST(http_fetch(c, url, fd, 10000, &n));
    CHECK_INT(n, 10000);
    char last[11] = "";
    CHECK(pread(fd, last, 10, 9990) == 10);
    CHECK_TEXT(last, "000000999\n");
    MUST_FAIL(http_fetch(c, url, fd, 9999, &n), E_TOO_BIG, "over 9999 bytes");
    http_server_stop(s, 1);
}

/* One connection, the bytes as they are; answers what came until the peer closed or 2 s of silence. */
static char *raw(struct arena *a, const struct http_server *s, const char *request, bool *ret_closed)
{
    AUTO(fd) int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)http_server_port(s)),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct timeval patience = { 2, 0 };
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    CHECK(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    MUST(file_write_all(fd, request, strlen(request)));
    char *got = arena_take(a, 20001);
    size_t n = 0;
    ssize_t r;
    while ((r = read(fd, got + n, 20000 - n)) > 0)
        n += (size_t)r;
    *ret_closed = r == 0;
    return got;
}

TEST(ranges_follow_rfc_9110)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(http_client) struct http_client *c = NULL;
    struct http_server *s = start(a, &c);
    static const struct {
        const char *range, *status, *says;
    } cases[] = {
        { "bytes=10-19", "206", "Content-Range: bytes 10-19/10000" },
        { "bytes=9990-", "206", "Content-Range: bytes 9990-9999/10000" },
        { "bytes=-5", "206", "Content-Range: bytes 9995-9999/10000" },
        { "bytes=0-99999", "206", "Content-Range: bytes 0-9999/10000" },
        { "bytes=10000-", "416", "Content-Range: bytes */10000" },
        { "bytes=5-2", "200", "Content-Length: 10000" },
        { "bytes=0-1,3-4", "200", "Content-Length: 10000" },
        { "lines=1-2", "200", "Content-Length: 10000" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        bool closed = false;
        char *got =
            raw(a, s, arena_fmt(a, "HEAD /file HTTP/1.1\r\nHost: a\r\nConnection: close\r\nRange: %s\r\n\r\n", cases[i].range),
                &closed);
        CHECK(closed);
        if (strncmp(got + 9, cases[i].status, 3) != 0 || !strstr(got, cases[i].says))
            fail_msg("%s: %s", cases[i].range, got);
    }
    http_server_stop(s, 1);
}

TEST(a_request_with_two_readings_ends_the_connection)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(http_client) struct http_client *c = NULL;
    struct http_server *s = start(a, &c);
    static const char *const headers[] = {
        "Host: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Host: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n",
        "Host: a\r\nTransfer-Encoding: xchunked\r\n",
        "Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Host: a\r\nContent-Length : 5\r\n",
        "Host: a\r\nHost: b\r\n",
        "Content-Length: 0\r\n",
        "Host: a\nContent-Length: 0\r\n",
        "Host: a\r\nContent-Length: 0\nX-Last: 1\r\n",
        "Host: a\r\nX-Last: 1\n",
        "Host: a\r\nX-Folded: 1\r\n 2\r\nContent-Length: 0\r\n",
        "Host: a\r\nX-Folded: 1\r\n\tContent-Length: 5\r\n",
        "Host: a\r\nX: 1\rContent-Length: 5\r\n",
    };
    for (size_t i = 0; i < COUNT_OF(headers); i++) {
        bool closed = false;
        char *got = raw(a, s, arena_fmt(a, "POST / HTTP/1.1\r\n%s\r\n0\r\n\r\nGET /second HTTP/1.1\r\nHost: a\r\n\r\n", headers[i]),
                        &closed);
        if (!closed || strncmp(got, "HTTP/1.1 400", 12) != 0 || strstr(got, "/second"))
            fail_msg("%s: %s", headers[i], got);
    }
    http_server_stop(s, 1);
}

TEST(a_request_line_that_ends_in_lf_alone_is_refused_and_one_with_many_headers_is_not)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(http_client) struct http_client *c = NULL;
    struct http_server *s = start(a, &c);
    bool closed = false;
    CHECK(strncmp(raw(a, s, "GET / HTTP/1.1\nHost: a\r\n\r\n", &closed), "HTTP/1.1 400", 12) == 0 && closed);
    AUTO(text) struct text many;
    text_init(&many, 1 << 16);
    text_add(&many, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n");
    for (int i = 0; i < 200; i++)
        text_fmt(&many, "X-%d:  \t a value with blanks around it %d \t \r\nX-Empty:\r\n", i, i);
    text_add(&many, "Cookie: a=b; c=d\r\n\r\n");
    char *got = raw(a, s, many.bytes, &closed);
    if (strncmp(got, "HTTP/1.1 200", 12) != 0)
        fail_msg("%s", got);
    http_server_stop(s, 1);
}

TEST(a_query_with_an_escape_that_is_none_is_refused_whole)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(http_client) struct http_client *c = NULL;
    struct http_server *s = start(a, &c);
    static const char *const queries[] = { "q=%zz", "q=%00", "q=a%", "x=1&q=a%4", "%zz=1", "q=1&%00" };
    atomic_store(&seen, 0);
    for (size_t i = 0; i < COUNT_OF(queries); i++)
        MUST_FAIL(http_ask(c, a, "GET", arena_fmt(a, "/?%s", queries[i]), NULL, NULL), E_INVALID, "escape");
    CHECK_INT(atomic_load(&seen), 0);
    MUST(http_ask(c, a, "GET", "/?q=%25&empty&=", NULL, NULL));
    http_server_stop(s, 1);
}

TEST(names_that_a_foreign_page_could_own_are_not_answered_to)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(http_client) struct http_client *c = NULL;
    struct http_server *s = start(a, &c);
    http_server_answer_to(s, "vision.example.org");
    static const struct {
        const char *host, *status;
    } cases[] = {
        { "127.0.0.1:8080", "200" },     { "[::1]:8080", "200" },
        { "localhost", "200" },          { "a.localhost:1", "200" },
        { "saccade:8080", "200" },       { "Vision.Example.org:443", "200" },
        { "evil.example.com", "400" },   { "127.0.0.1.evil.example.com:80", "400" },
        { "localhost.evil.com", "400" }, { "vision.example.org.evil.com", "400" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        bool closed = false;
        char *got = raw(a, s, arena_fmt(a, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", cases[i].host), &closed);
        if (strncmp(got + 9, cases[i].status, 3) != 0)
            fail_msg("%s: %s", cases[i].host, got);
    }
    http_server_stop(s, 1);
}

static int connect_to(const struct http_server *s)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)http_server_port(s)),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    CHECK(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    return fd;
}

/* The server ends a connection that has sent nothing. */
static bool is_turned_away(const struct http_server *s)
{
    AUTO(fd) int fd = connect_to(s);
    struct timeval patience = { 2, 0 };
    char byte;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ssize_t n = read(fd, &byte, 1);
    return n == 0 || (n < 0 && errno == ECONNRESET);
}

/* The test's server takes 6 connections of an address. */
TEST(an_address_that_holds_its_share_of_the_connections_gets_no_more_until_it_lets_one_go)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(http_client) struct http_client *c = NULL;
    struct http_server *s = start(a, &c);
    int held[6];
    for (size_t i = 0; i < COUNT_OF(held); i++)
        held[i] = connect_to(s);
    usleep(200000);
    bool closed = false;
    CHECK(is_turned_away(s));
    close(held[0]);
    usleep(200000);
    CHECK(strstr(raw(a, s, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", &closed), "200 OK"));
    for (size_t i = 1; i < COUNT_OF(held); i++)
        close(held[i]);
    http_server_stop(s, 1);
}

TEST(a_part_of_a_form_without_a_name_is_refused)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(http_client) struct http_client *c = NULL;
    struct http_server *s = start(a, &c);
    static const char *const parts[] = { "form-data", "form-data; filename=\"a\"",
                                         "form-data; filename=\"a\"\r\nContent-Type: a/b" };
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        const char *body = arena_fmt(a, "--BB\r\nContent-Disposition: %s\r\n\r\nabc\r\n--BB--\r\n", parts[i]);
        bool closed = false;
        char *got = raw(a, s,
                        arena_fmt(a,
                                  "POST /form HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %zu\r\n"
                                  "Content-Type: multipart/form-data; boundary=BB\r\n\r\n%s",
                                  strlen(body), body),
                        &closed);
        if (strncmp(got + 9, "400", 3) != 0 || !strstr(got, "has no name"))
            fail_msg("%s: %s", parts[i], got);
    }
    http_server_stop(s, 1);
}

TEST(a_form_streams_its_fields_and_files)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(http_client) struct http_client *c = NULL;
    struct http_server *s = start(a, &c);
    char path[] = "/tmp/saccade_form_XXXXXX";
    int fd = mkstemp(path);
    MUST(file_write_all(fd, "hello", 5));
    close(fd);
    const char *const fields[] = { "mode", "KEEP" };
    const struct json *v = NULL;
    MUST(http_post_form(c, a, "/form", fields, 2, "file", path, &v));
    const char *got = json_text(json_get(v, "body"));
    CHECK(strstr(got, "[mode -]KEEP[file saccade_form_") && strstr(got, "]hello"));
    unlink(path);
    http_server_stop(s, 1);
}

TEST(an_address_that_is_none_or_taken_is_refused)
{
    struct http_server *s = NULL, *second = NULL;
    MUST_FAIL(http_server_listen("8080", &s), E_INVALID, "ADDRESS:PORT");
    MUST_FAIL(http_server_listen("127.0.0.1:65536", &s), E_INVALID, "ADDRESS:PORT");
    MUST_FAIL(http_server_listen("127.0.0.1:http", &s), E_INVALID, "ADDRESS:PORT");
    MUST(http_server_listen("[::1]:0", &s));
    char taken[32];
    snprintf(taken, sizeof taken, "[::1]:%d", http_server_port(s));
    MUST_FAIL(http_server_listen(taken, &second), E_CONFLICT, "in use");
    http_server_stop(s, 0);
}

TEST(the_peer_that_a_proxy_names_counts_only_behind_one)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(http_client) struct http_client *c = NULL;
    struct http_server *s = start(a, &c);
    static const struct {
        bool proxy;
        const char *sent, *peer;
    } cases[] = {
        { false, "10.1.1.1", "127.0.0.1" },  { true, "10.1.1.1", "10.1.1.1" }, { true, "forged, 10.1.1.2", "10.1.1.2" },
        { true, "10.1.1.1, ", "127.0.0.1" }, { true, "fd00::1", "fd00::1" },   { true, "<script>", "127.0.0.1" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        bool closed = false;
        if (cases[i].proxy)
            http_server_behind_proxy(s);
        char *got =
            raw(a, s, arena_fmt(a, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Forwarded-For: %s\r\n\r\n", cases[i].sent),
                &closed);
        if (!strstr(got, arena_fmt(a, "\"peer\":\"%s\"", cases[i].peer)))
            fail_msg("%s: %s", cases[i].sent, got);
    }
    http_server_stop(s, 1);
}
