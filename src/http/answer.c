/* What the app may answer. */
#include "http/call.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STREAM_BLOCK = 32 << 10 };

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

static void free_text(void *with)
{
    struct text *t = with;
    text_done(t);
    free(t);
}

void http_answer_text(struct http_call *c, int status, const char *type, struct text *text)
{
    struct text *kept = heap_take(sizeof *kept);
    *kept = *text;
    *text = (struct text){ 0 };
    struct MHD_Response *r = MHD_create_response_from_buffer_with_free_callback_cls(kept->n, kept->bytes, free_text, kept);
    if (!r)
        free_text(kept);
    answer(c, status, type, r ? kept->n : 0, r);
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
