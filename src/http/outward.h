/* outward.h - calls to addresses that a user named (libcurl): one request to a webhook, one letter to a mail server. Each address
 * is weighed by http/guard.h when the socket is made; redirects are not followed, proxies of the environment not used, and time and
 * size have limits. */
#pragma once
#include "base/arena.h"

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
