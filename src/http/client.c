#include "http/client.h"
#include "base/backoff.h"
#include "base/file.h"
#include <curl/curl.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { TRIES = 6, CONNECT_S = 10, STALL_S = 60, ANSWER_CAP = 512 << 20 };

struct http_client {
    CURL *curl;
    char *host, *token;
    int tries;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void start_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

enum err http_client_new(const char *host, const char *token, struct http_client **ret)
{
    pthread_once(&once, start_curl);
    if (strncmp(host, "http://", 7) != 0 && strncmp(host, "https://", 8) != 0)
        return fail(E_INVALID, "the host must begin with http:// or https://; it is \"%.100s\"", host);
    struct http_client *c = heap_take(sizeof *c);
    c->curl = curl_easy_init();
    c->tries = TRIES;
    c->host = heap_str(host);
    for (size_t n = strlen(c->host); n && c->host[n - 1] == '/'; n--)
        c->host[n - 1] = 0;
    c->token = heap_str(token);
    if (!c->curl) {
        http_client_free(c);
        return fail(E_BROKEN, "cannot start an HTTP client");
    }
    *ret = c;
    return OK;
}

void http_client_free(struct http_client *c)
{
    if (!c)
        return;
    curl_easy_cleanup(c->curl);
    free(c->host);
    free(c->token);
    free(c);
}

void http_client_set_token(struct http_client *c, const char *token)
{
    free(c->token);
    c->token = heap_str(token);
}

void http_client_once(struct http_client *c)
{
    c->tries = 1;
}

/* One request. `sink` takes the answer's bytes; `source` gives the body where there is no `body` text. */
struct exchange {
    const char *method, *url, *body;
    const char *const *headers;
    size_t n_headers;
    bool with_token;
    curl_mime *form;
    int from_fd;
    uint64_t offset, size, sent;
    struct text *answer;
    int to_fd;
    uint64_t cap, got;
    enum err sink_error;
};

static size_t take_answer(char *bytes, size_t one, size_t n, void *with)
{
    (void)one;
    struct exchange *x = with;
    x->got += n;
    if (x->answer) {
        text_bytes(x->answer, bytes, n);
        return text_full(x->answer) ? 0 : n;
    }
    if (x->got > x->cap)
        x->sink_error = fail(E_TOO_BIG, "%s is over %llu bytes", x->url, (unsigned long long)x->cap);
    else
        x->sink_error = file_write_all(x->to_fd, bytes, n);
    return x->sink_error == OK ? n : 0;
}

static size_t give_body(char *ret, size_t one, size_t n, void *with)
{
    struct exchange *x = with;
    size_t room = one * n < x->size - x->sent ? one * n : (size_t)(x->size - x->sent);
    ssize_t got = pread(x->from_fd, ret, room, (off_t)(x->offset + x->sent));
    if (got < 0 || (got == 0 && room))
        return CURL_READFUNC_ABORT;
    x->sent += (uint64_t)got;
    return (size_t)got;
}

static int rewind_body(void *with, curl_off_t offset, int origin)
{
    struct exchange *x = with;
    if (origin != SEEK_SET)
        return CURL_SEEKFUNC_CANTSEEK;
    x->sent = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

static struct curl_slist *header_list(struct http_client *c, const struct exchange *x)
{
    AUTO(arena) struct arena *a = arena_new();
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    if (x->with_token && c->token)
        list = curl_slist_append(list, arena_fmt(a, "Authorization: Bearer %s", c->token));
    if (x->body)
        list = curl_slist_append(list, "Content-Type: application/json");
    for (size_t i = 0; i < x->n_headers; i++)
        list = curl_slist_append(list, x->headers[i]);
    return list;
}

static CURLcode once_over(struct http_client *c, struct exchange *x, long *ret_status)
{
    CURL *h = c->curl;
    curl_easy_reset(h); /* keeps the connection */
    struct curl_slist *headers = header_list(c, x);
    curl_easy_setopt(h, CURLOPT_URL, x->url);
    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(h, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(h, CURLOPT_LOW_SPEED_TIME, (long)STALL_S);
    curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, x);
    if (x->form) {
        curl_easy_setopt(h, CURLOPT_MIMEPOST, x->form);
    } else if (x->body) {
        curl_easy_setopt(h, CURLOPT_POSTFIELDS, x->body);
        curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(x->body));
    } else if (x->from_fd >= 0) {
        curl_easy_setopt(h, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(h, CURLOPT_READFUNCTION, give_body);
        curl_easy_setopt(h, CURLOPT_READDATA, x);
        curl_easy_setopt(h, CURLOPT_SEEKFUNCTION, rewind_body);
        curl_easy_setopt(h, CURLOPT_SEEKDATA, x);
        curl_easy_setopt(h, CURLOPT_INFILESIZE_LARGE, (curl_off_t)x->size);
    } else if (strcmp(x->method, "GET") != 0 && strcmp(x->method, "XGET") != 0) {
        curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE, 0L);
        curl_easy_setopt(h, CURLOPT_POSTFIELDS, "");
    }
    curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, x->method);
    CURLcode code = curl_easy_perform(h);
    curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, ret_status);
    curl_slist_free_all(headers);
    return code;
}

static bool passing(CURLcode code, long status)
{
    if (code == CURLE_OK)
        return status == 502 || status == 503 || status == 504;
    return code == CURLE_COULDNT_CONNECT || code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR ||
           code == CURLE_OPERATION_TIMEDOUT || code == CURLE_PARTIAL_FILE || code == CURLE_COULDNT_RESOLVE_HOST;
}

static enum err exchange(struct http_client *c, struct exchange *x, long *ret_status)
{
    CURLcode code = CURLE_OK;
    struct backoff pauses = { 0 };
    for (int attempt = 0; attempt < c->tries; attempt++) {
        if (attempt)
            backoff_sleep(backoff_next(&pauses), NULL);
        if (x->answer)
            text_clear(x->answer);
        if (x->to_fd >= 0 && attempt && (ftruncate(x->to_fd, 0) != 0 || lseek(x->to_fd, 0, SEEK_SET) != 0))
            return fail(E_BROKEN, "cannot start the download again");
        x->sent = x->got = 0;
        code = once_over(c, x, ret_status);
        if (x->sink_error != OK)
            return x->sink_error;
        if (!passing(code, *ret_status))
            break;
    }
    return code == CURLE_OK ? OK : fail(E_BUSY, "%s %s: %s", x->method, x->url, curl_easy_strerror(code));
}

static enum err kind_of(long status)
{
    for (int e = 1; e < ERR_KINDS; e++)
        if (err_http_status((enum err)e) == status)
            return (enum err)e;
    return status >= 500 ? E_BROKEN : E_INVALID;
}

static enum err read_answer(struct arena *a, const struct exchange *x, long status, const struct json **ret)
{
    const struct json *v = NULL;
    bool json = x->answer->n && json_parse(a, x->answer->bytes, x->answer->n, &v) == OK;
    if (status >= 300 || status < 200) {
        const char *message = json ? json_text(json_get(v, "message")) : NULL,
                   *detail = json ? json_text(json_get(v, "detail")) : NULL;
        return fail(kind_of(status), "%s%s%s", message ? message : arena_fmt(a, "%s %s answers %ld", x->method, x->url, status),
                    detail ? ": " : "", detail ? detail : "");
    }
    if (x->answer->n && !json)
        return fail(E_BROKEN, "%s %s answers no JSON", x->method, x->url);
    if (ret)
        *ret = v;
    return OK;
}

enum err http_ask(struct http_client *c, struct arena *a, const char *method, const char *path, const char *body,
                  const struct json **ret)
{
    AUTO(text) struct text answer;
    text_init(&answer, ANSWER_CAP);
    struct exchange x = { .method = method,
                          .url = arena_fmt(a, "%s%s", c->host, path),
                          .body = body,
                          .with_token = true,
                          .from_fd = -1,
                          .to_fd = -1,
                          .answer = &answer };
    long status = 0;
    TRY(exchange(c, &x, &status));
    return read_answer(a, &x, status, ret);
}

enum err http_fetch(struct http_client *c, const char *url, int to_fd, uint64_t cap, uint64_t *ret_n)
{
    struct exchange x = { .method = "GET", .url = url, .from_fd = -1, .to_fd = to_fd, .cap = cap };
    long status = 0;
    TRY(exchange(c, &x, &status));
    if (status != 200)
        return fail(kind_of(status), "GET %.*s answers %ld", (int)strcspn(url, "?"), url, status);
    if (ret_n)
        *ret_n = x.got;
    return OK;
}

enum err http_put_file(struct http_client *c, const char *url, const char *const *headers, size_t n_headers, int from_fd,
                       uint64_t offset, uint64_t size)
{
    AUTO(text) struct text answer;
    text_init(&answer, 1 << 20);
    struct exchange x = { .method = "PUT",
                          .url = url,
                          .headers = headers,
                          .n_headers = n_headers,
                          .from_fd = from_fd,
                          .to_fd = -1,
                          .offset = offset,
                          .size = size,
                          .answer = &answer };
    long status = 0;
    TRY(exchange(c, &x, &status));
    if (status < 300 || status == 308)
        return OK;
    AUTO(arena) struct arena *a = arena_new();
    return read_answer(a, &x, status, NULL);
}

enum err http_post_form(struct http_client *c, struct arena *a, const char *path, const char *const *fields, size_t n_fields,
                        const char *file_field, const char *file_path, const struct json **ret)
{
    AUTO(text) struct text answer;
    text_init(&answer, ANSWER_CAP);
    struct exchange x = { .method = "POST",
                          .url = arena_fmt(a, "%s%s", c->host, path),
                          .with_token = true,
                          .from_fd = -1,
                          .to_fd = -1,
                          .answer = &answer,
                          .form = curl_mime_init(c->curl) };
    for (size_t i = 0; i + 1 < n_fields; i += 2) {
        curl_mimepart *part = curl_mime_addpart(x.form);
        curl_mime_name(part, fields[i]);
        curl_mime_data(part, fields[i + 1], CURL_ZERO_TERMINATED);
    }
    if (file_path) {
        curl_mimepart *part = curl_mime_addpart(x.form);
        curl_mime_name(part, file_field);
        curl_mime_filedata(part, file_path);
    }
    long status = 0;
    enum err e = exchange(c, &x, &status);
    curl_mime_free(x.form);
    TRY(e);
    return read_answer(a, &x, status, ret);
}
