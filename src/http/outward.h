/* outward.h - calls to addresses that a user named (libcurl): one request to a webhook, one letter to a mail server, many to a
 * store of objects. Each address is weighed by http/guard.h when the socket is made; redirects are not followed, proxies of the
 * environment not used, and time and size have limits. */
#pragma once
#include "base/arena.h"
#include "base/text.h"

enum { OUTWARD_KEPT = 500 };

/* E_INVALID says what is wrong with the address of a webhook: http or https, a host, no user or password; and, if the host is a
 * number or a name of this machine, E_FORBIDDEN where it may not be called. */
MUST_USE enum err outward_check(const char *url);

struct outward_answer {
    long status;
    char begin[OUTWARD_KEPT + 1]; /* of the body, as UTF-8 text; empty if a special address answered */
};
/* POST with those headers ("Name: value"). Any status is an answer. E_FORBIDDEN: that address may not be called; E_BUSY says in a
 * few words that nothing came back. */
MUST_USE enum err outward_post(const char *url, const char *const *headers, size_t n_headers, const char *body,
                               struct outward_answer *ret);

/* Requests to one server, by connections that are kept. Used by one thread at a time. */
struct outward_line;
MUST_USE enum err outward_open(struct outward_line **ret);
void outward_close(struct outward_line *); /* NULL is fine */
struct outward_ask {
    const char *method, *url; /* the url was looked at by outward_check() */
    const char *const *headers;
    size_t n_headers;
    int from_fd; /* the body, from its beginning; -1: none */
    uint64_t size;
    int to_fd; /* takes the body of a 200 or 206, from its beginning; -1: `answer` does */
    uint64_t cap;
    struct text *answer;       /* takes all other bodies, as far as they fit */
    bool (*go_on)(void *with); /* asked now and then; NULL: nobody is. False: E_CANCELLED */
    void *with;
    /* of the answer: */
    long status;
    uint64_t got;
    char etag[130]; /* the header ETag; empty if there was none, or a longer one */
    int64_t length; /* Content-Length; -1: not said */
};
/* Any status is an answer. E_FORBIDDEN: that address may not be called; E_BUSY: nothing, or not all of it, came back; E_TOO_BIG:
 * the body is over the cap. What stalls for 20 s is given up. */
MUST_USE enum err outward_ask(struct outward_line *, struct outward_ask *);

enum mail_security { MAIL_TLS, MAIL_STARTTLS, MAIL_PLAIN };
struct mail_server {
    const char *host;
    int port;
    enum mail_security security;
    const char *user, *password; /* NULL: no login */
    bool trusted;                /* set by who runs the server: the guard is not asked */
};
/* message: headers and text, lines ended by CR LF. E_INVALID: the server refused it for good (5xx); E_FORBIDDEN and E_BUSY as
 * above. */
MUST_USE enum err outward_mail(const struct mail_server *, const char *from, const char *to, const char *message);
