/* client.h - an HTTP client (libcurl) for the trainer and the command line.
 * Connection errors and 502, 503, 504 are tried again 5 times, after pauses (base/backoff.h); other answers are given to the
 * caller. */
#pragma once
#include "base/arena.h"
#include "json/json.h"

struct http_client;
/* host: "http://127.0.0.1:8080"; token may be NULL. */
MUST_USE enum err http_client_new(const char *host, const char *token, struct http_client **ret);
void http_client_free(struct http_client *);
static inline void auto_http_client(struct http_client **c)
{
    http_client_free(*c);
}
void http_client_set_token(struct http_client *, const char *token);
void http_client_once(struct http_client *); /* nothing is tried again: who calls does */

/* body: JSON text or NULL. A status >= 400 fails with the kind of that status and the answer's message. ret may be NULL; it is JSON
 * null when the answer has no body. */
MUST_USE enum err http_ask(struct http_client *, struct arena *, const char *method, const char *path, const char *body,
                           const struct json **ret);
/* Like http_ask(GET) for any bytes. */
MUST_USE enum err http_fetch(struct http_client *, const char *url, int to_fd, uint64_t cap, uint64_t *ret_n);
/* PUT of a whole file, streamed. headers: "Name: value" lines, may be NULL. */
MUST_USE enum err http_put_file(struct http_client *, const char *url, const char *const *headers, size_t n_headers, int from_fd,
                                uint64_t offset, uint64_t size);
/* multipart/form-data with plain fields (name, value, name, value …) and one file part. */
MUST_USE enum err http_post_form(struct http_client *, struct arena *, const char *path, const char *const *fields, size_t n_fields,
                                 const char *file_field, const char *file_path, const struct json **ret);
