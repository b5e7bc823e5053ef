#include "http/outward.h"
#include "base/file.h"
#include "http/guard.h"
#include <arpa/inet.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECT_S = 5, ALL_S = 10, MAIL_S = 30, STALL_S = 20, SLOW_BYTES_S = 1000, LINE_S = 3600, ANSWER_CAP = 64 << 10 };

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void start_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* ---- addresses */

struct call {
    CURL *curl;
    struct curl_slist *list;
    bool trusted, refused, special; /* an address was refused; one that is called is special */
    struct outward_answer *answer;
    size_t got, kept;
    const char *message;
    size_t sent, size;
};

static curl_socket_t open_socket(void *with, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct call *c = with;
    (void)purpose;
    if (!c->trusted && guard_refuses(&a->addr)) {
        c->refused = true;
        return CURL_SOCKET_BAD;
    }
    c->special |= guard_special(&a->addr);
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static void call_done(struct call *c)
{
    curl_slist_free_all(c->list);
    curl_easy_cleanup(c->curl);
}
static void auto_call(struct call *c)
{
    call_done(c);
}

static void call_set(struct call *c, const char *protocols, long seconds)
{
    curl_easy_setopt(c->curl, CURLOPT_PROTOCOLS_STR, protocols);
    curl_easy_setopt(c->curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c->curl, CURLOPT_PROXY, "");
    curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, seconds);
    curl_easy_setopt(c->curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(c->curl, CURLOPT_OPENSOCKETDATA, c);
}

static enum err call_init(struct call *c, const char *protocols, long seconds)
{
    pthread_once(&once, start_curl);
    c->curl = curl_easy_init();
    if (!c->curl)
        return fail(E_BROKEN, "cannot start a call");
    call_set(c, protocols, seconds);
    return OK;
}

/* What a user is told of a call that failed: not what lies behind it. */
static const char *words(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST: return "the name of the host is not known";
    case CURLE_OPERATION_TIMEDOUT: return "no answer in time";
    case CURLE_COULDNT_CONNECT: return "cannot connect";
    case CURLE_PEER_FAILED_VERIFICATION: return "its certificate does not fit";
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_USE_SSL_FAILED: return "no encrypted connection";
    case CURLE_LOGIN_DENIED: return "the login was refused";
    default: return "the connection broke";
    }
}

static enum err refused(void)
{
    return fail(E_FORBIDDEN, "the address is not allowed: it is of this machine or a private network");
}

static enum err perform(struct call *c)
{
    CURLcode code = curl_easy_perform(c->curl);
    long status = 0;
    curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && c->got > ANSWER_CAP))
        return OK;
    if (c->refused)
        return refused();
    if (!c->answer && status >= 500 && status < 600)
        return fail(E_INVALID, "the mail server refused it (%ld)", status);
    return fail(E_BUSY, "%s", words(code));
}

/* ---- webhooks */

static bool is_number(const char *host, struct sockaddr_storage *ret)
{
    struct sockaddr_in *four = (void *)ret;
    struct sockaddr_in6 *six = (void *)ret;
    char bare[64] = "";
    size_t n = strlen(host);
    *ret = (struct sockaddr_storage){ 0 };
    if (*host == '[' && n < sizeof bare) {
        memcpy(bare, host + 1, n - 2);
        six->sin6_family = AF_INET6;
        return inet_pton(AF_INET6, bare, &six->sin6_addr) == 1;
    }
    four->sin_family = AF_INET;
    return inet_aton(host, &four->sin_addr) != 0; /* one to four parts, in any base */
}

/* "localhost", "a.localhost.", which never leave this machine (RFC 6761). */
static bool is_local(const char *host)
{
    static const char name[] = "localhost";
    size_t n = strlen(host), k = sizeof name - 1;
    n -= n && host[n - 1] == '.';
    return n >= k && strncasecmp(host + n - k, name, k) == 0 && (n == k || host[n - k - 1] == '.');
}

static enum err check_host(const char *host)
{
    struct sockaddr_storage address = { 0 };
    size_t n = strlen(host);
    char bare[64];
    if (n && host[n - 1] == '.' && n < sizeof bare) { /* "127.0.0.1." */
        memcpy(bare, host, n);
        bare[n - 1] = 0;
        host = bare;
    }
    if (is_local(host))
        inet_pton(AF_INET, "127.0.0.1", &((struct sockaddr_in *)(void *)&address)->sin_addr), address.ss_family = AF_INET;
    else if (!is_number(host, &address))
        return OK;
    return guard_refuses((const struct sockaddr *)&address)
               ? fail(E_FORBIDDEN, "url: the address is not allowed: it is of this machine or a private network")
               : OK;
}

static enum err check_parts(CURLU *u)
{
    char *scheme = NULL, *user = NULL, *host = NULL;
    bool read =
        curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK && curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK;
    bool http = read && (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    bool login = curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_OK;
    enum err e = !http   ? fail(E_INVALID, "url must begin with http:// or https:// and name a host")
                 : login ? fail(E_INVALID, "url must not hold a user or password")
                         : check_host(host);
    curl_free(scheme);
    curl_free(user);
    curl_free(host);
    return e;
}

enum err outward_check(const char *url)
{
    pthread_once(&once, start_curl);
    for (const char *s = url; *s; s++)
        if ((unsigned char)*s <= ' ' || *s == 0x7f || *s == '\\')
            return fail(E_INVALID, "url must not hold spaces, control characters or backslashes");
    CURLU *u = curl_url();
    enum err e = curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK
                     ? check_parts(u)
                     : fail(E_INVALID, "url is no address like https://example.org/path");
    curl_url_cleanup(u);
    return e;
}

static size_t take_answer(char *bytes, size_t one, size_t n, void *with)
{
    struct call *c = with;
    size_t room = OUTWARD_KEPT - c->kept, take = one * n < room ? one * n : room;
    memcpy(c->answer->begin + c->kept, bytes, take);
    c->kept += take;
    c->got += one * n;
    return c->got > ANSWER_CAP ? 0 : one * n;
}

/* What is kept of the answer is text, and never what an allowed private address says. */
static void clean(struct call *c)
{
    char *s = c->answer->begin;
    size_t n = c->kept;
    s[n] = 0;
    for (int cut = 0; cut < 4 && n && !utf8_valid(s, n); cut++)
        s[--n] = 0; /* a character that was cut off */
    if (c->special || !utf8_valid(s, n) || strlen(s) != n)
        *s = 0;
}

enum err outward_post(const char *url, const char *const *headers, size_t n_headers, const char *body, struct outward_answer *ret)
{
    __attribute__((cleanup(auto_call))) struct call c = { .answer = ret };
    *ret = (struct outward_answer){ 0 };
    TRY(outward_check(url));
    TRY(call_init(&c, "http,https", ALL_S));
    c.list = curl_slist_append(NULL, "Expect:");
    for (size_t i = 0; i < n_headers; i++)
        c.list = curl_slist_append(c.list, headers[i]);
    curl_easy_setopt(c.curl, CURLOPT_URL, url);
    curl_easy_setopt(c.curl, CURLOPT_HTTPHEADER, c.list);
    curl_easy_setopt(c.curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body));
    curl_easy_setopt(c.curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(c.curl, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(c.curl, CURLOPT_WRITEDATA, &c);
    TRY(perform(&c));
    curl_easy_getinfo(c.curl, CURLINFO_RESPONSE_CODE, &ret->status);
    clean(&c);
    return OK;
}

/* ---- many requests */

struct outward_line {
    CURL *curl;
};

enum err outward_open(struct outward_line **ret)
{
    pthread_once(&once, start_curl);
    struct outward_line *l = heap_take(sizeof *l);
    l->curl = curl_easy_init();
    if (!l->curl) {
        outward_close(l);
        return fail(E_BROKEN, "cannot start a call");
    }
    *ret = l;
    return OK;
}

void outward_close(struct outward_line *l)
{
    if (!l)
        return;
    curl_easy_cleanup(l->curl);
    free(l);
}

struct asking {
    struct outward_ask *ask;
    CURL *curl;
    uint64_t sent;
    enum err fault; /* of this side */
};

static size_t give_file(char *ret, size_t one, size_t n, void *with)
{
    struct asking *g = with;
    size_t room = one * n < g->ask->size - g->sent ? one * n : (size_t)(g->ask->size - g->sent);
    ssize_t got = pread(g->ask->from_fd, ret, room, (off_t)g->sent);
    if (got < 0 || (got == 0 && room))
        return CURL_READFUNC_ABORT;
    g->sent += (uint64_t)got;
    return (size_t)got;
}

static int rewind_file(void *with, curl_off_t offset, int origin)
{
    struct asking *g = with;
    if (origin != SEEK_SET)
        return CURL_SEEKFUNC_CANTSEEK;
    g->sent = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* What an error says goes beside the file: one that is cut off by its cap still has its beginning. */
static size_t take_body(char *bytes, size_t one, size_t n, void *with)
{
    struct asking *g = with;
    struct outward_ask *a = g->ask;
    long status = 0;
    curl_easy_getinfo(g->curl, CURLINFO_RESPONSE_CODE, &status);
    if (a->to_fd < 0 || (status != 200 && status != 206)) {
        text_bytes(a->answer, bytes, one * n);
        return text_full(a->answer) ? 0 : one * n;
    }
    a->got += n;
    g->fault = a->got > a->cap ? fail(E_TOO_BIG, "it has more than %llu bytes", (unsigned long long)a->cap)
                               : file_write_all(a->to_fd, bytes, n);
    return g->fault == OK ? n : 0;
}

static int still_wanted(void *with, curl_off_t down_all, curl_off_t down, curl_off_t up_all, curl_off_t up)
{
    (void)down_all, (void)down, (void)up_all, (void)up;
    struct asking *g = with;
    if (g->ask->go_on(g->ask->with))
        return 0;
    g->fault = fail(E_CANCELLED, "cancelled");
    return 1;
}

static void set_body(struct asking *g)
{
    CURL *h = g->curl;
    if (strcmp(g->ask->method, "HEAD") == 0) {
        curl_easy_setopt(h, CURLOPT_NOBODY, 1L);
    } else if (g->ask->from_fd >= 0) {
        curl_easy_setopt(h, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(h, CURLOPT_READFUNCTION, give_file);
        curl_easy_setopt(h, CURLOPT_READDATA, g);
        curl_easy_setopt(h, CURLOPT_SEEKFUNCTION, rewind_file);
        curl_easy_setopt(h, CURLOPT_SEEKDATA, g);
        curl_easy_setopt(h, CURLOPT_INFILESIZE_LARGE, (curl_off_t)g->ask->size);
        curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, g->ask->method);
    } else {
        curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, g->ask->method);
    }
}

static void set_line(struct asking *g, struct call *c)
{
    CURL *h = g->curl;
    curl_easy_setopt(h, CURLOPT_URL, g->ask->url);
    curl_easy_setopt(h, CURLOPT_PATH_AS_IS, 1L); /* a key may hold "/../" */
    curl_easy_setopt(h, CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES_S);
    curl_easy_setopt(h, CURLOPT_LOW_SPEED_TIME, (long)STALL_S);
    c->list = curl_slist_append(NULL, "Expect:");
    for (size_t i = 0; i < g->ask->n_headers; i++)
        c->list = curl_slist_append(c->list, g->ask->headers[i]);
    curl_easy_setopt(h, CURLOPT_HTTPHEADER, c->list);
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, g);
    if (!g->ask->go_on)
        return;
    curl_easy_setopt(h, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, still_wanted);
    curl_easy_setopt(h, CURLOPT_XFERINFODATA, g);
}

static void read_header(CURL *h, const char *name, char *ret, size_t room)
{
    struct curl_header *found = NULL;
    *ret = 0;
    if (curl_easy_header(h, name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK && strlen(found->value) < room)
        memcpy(ret, found->value, strlen(found->value) + 1);
}

static void read_head(CURL *h, struct outward_ask *a)
{
    curl_off_t length = -1;
    curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &a->status);
    curl_easy_getinfo(h, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    a->length = length;
    read_header(h, "ETag", a->etag, sizeof a->etag);
}

enum err outward_ask(struct outward_line *l, struct outward_ask *a)
{
    struct call c = { .curl = l->curl };
    struct asking g = { .ask = a, .curl = l->curl };
    a->status = 0;
    a->got = 0;
    curl_easy_reset(l->curl); /* keeps the connection */
    call_set(&c, "http,https", LINE_S);
    set_line(&g, &c);
    set_body(&g);
    CURLcode code = curl_easy_perform(l->curl);
    read_head(l->curl, a);
    curl_slist_free_all(c.list);
    if (g.fault != OK)
        return g.fault;
    if (c.refused)
        return refused();
    bool cut = code == CURLE_WRITE_ERROR && text_full(a->answer);
    return code == CURLE_OK || cut ? OK : fail(E_BUSY, "%s", words(code));
}

/* ---- mail */

static size_t give_message(char *ret, size_t one, size_t n, void *with)
{
    struct call *c = with;
    size_t room = one * n < c->size - c->sent ? one * n : c->size - c->sent;
    memcpy(ret, c->message + c->sent, room);
    c->sent += room;
    return room;
}

enum err outward_mail(const struct mail_server *s, const char *from, const char *to, const char *message)
{
    AUTO(arena) struct arena *a = arena_new();
    __attribute__((cleanup(auto_call))) struct call c = { .trusted = s->trusted, .message = message, .size = strlen(message) };
    TRY(call_init(&c, "smtp,smtps", MAIL_S));
    bool six = strchr(s->host, ':');
    curl_easy_setopt(c.curl, CURLOPT_URL,
                     arena_fmt(a, "%s://%s%s%s:%d", s->security == MAIL_TLS ? "smtps" : "smtp", six ? "[" : "", s->host,
                               six ? "]" : "", s->port));
    curl_easy_setopt(c.curl, CURLOPT_USE_SSL, (long)(s->security == MAIL_PLAIN ? CURLUSESSL_NONE : CURLUSESSL_ALL));
    if (s->user && *s->user) {
        curl_easy_setopt(c.curl, CURLOPT_USERNAME, s->user);
        curl_easy_setopt(c.curl, CURLOPT_PASSWORD, s->password ? s->password : "");
    }
    c.list = curl_slist_append(NULL, arena_fmt(a, "<%s>", to));
    curl_easy_setopt(c.curl, CURLOPT_MAIL_FROM, arena_fmt(a, "<%s>", from));
    curl_easy_setopt(c.curl, CURLOPT_MAIL_RCPT, c.list);
    curl_easy_setopt(c.curl, CURLOPT_READFUNCTION, give_message);
    curl_easy_setopt(c.curl, CURLOPT_READDATA, &c);
    curl_easy_setopt(c.curl, CURLOPT_UPLOAD, 1L);
    return perform(&c);
}
