/* fail.h - the one way to fail.
 *
 * A function that can fail returns enum err. Who finds the fault calls fail(kind, "what was wrong with what") and returns its
 * result; everyone above passes it on with TRY(). The text is kept per thread until the next fail(); it crosses processes
 * only as the stored result of a job, and threads by fail_keep(). Lower layers never log: the dispatcher, the worker loop or main()
 * does, once. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

enum err {
    OK = 0,
    E_INVALID,      /* 400: malformed or not allowed input */
    E_UNKNOWN_USER, /* 401: no or wrong credentials */
    E_FORBIDDEN,    /* 403: known, but not allowed */
    E_NOT_FOUND,    /* 404 */
    E_METHOD,       /* 405 */
    E_CONFLICT,     /* 409: the name is taken, the state does not allow it */
    E_IN_USE,       /* 409: something else refers to it, or it refers to what is not there */
    E_TOO_BIG,      /* 413: over a stated cap */
    E_UNMEANT,      /* 422: well formed, but one of its values makes no sense here */
    E_LOCKED,       /* 423 */
    E_TOO_MANY,     /* 429: rate limit */
    E_BROKEN,       /* 500: our fault, or the machine's; the text is logged, the client sees "internal error" */
    E_BUSY,         /* 503: try again */
    E_FULL,         /* 507: no room on the disk */
    E_CANCELLED,    /* stopped because someone asked for it; no HTTP answer of its own (503) */
    ERR_KINDS
};

/* Keeps the text (cut at 1023 bytes) with file and line and returns kind. kind must not be OK. */
#define fail(kind, ...) fail_at(__FILE__, __LINE__, kind, __VA_ARGS__)
MUST_USE enum err fail_at(const char *file, int line, enum err kind, const char *why, ...) PRINTF(4, 5);

/* Puts words in front of the kept text ("line 12: " + "…") and returns kind unchanged; OK stays OK. */
MUST_USE enum err fail_within(enum err kind, const char *where, ...) PRINTF(2, 3);

const char *fail_text(void);              /* the kept text; "" before the first fail() of the thread */
const char *fail_detail(void);            /* a second, longer part of the text (the list of faulty items), or NULL */
const char *fail_place(void);             /* "file:line" of the kept fail() */
enum err fail_kind(void);                 /* the kept kind */
void fail_set_detail(const char *detail); /* copied, cut at 4 KiB; forgotten by the next fail() */
void fail_set_retry(int seconds);         /* of E_TOO_MANY and E_BUSY: after which it may go well; forgotten by the next fail() */
int fail_retry(void);                     /* 1 where nobody has said it */

/* What a system call's errno means when it may be for want of room: E_FULL, else E_BROKEN. */
enum err err_of_errno(int code);

/* Takes a failure from one thread to another: kept there, made again here, which returns its kind. */
struct failure {
    enum err kind;
    char place[96], text[1024], detail[4096];
    bool has_detail;
    int retry_s; /* 0: not said */
};
void fail_keep(struct failure *ret);
MUST_USE enum err fail_again(const struct failure *);

int err_http_status(enum err);
int err_exit_code(enum err); /* 0 for OK, sysexits-like otherwise */

#define TRY(call)                                                                                                                  \
    do {                                                                                                                           \
        enum err try_ = (call);                                                                                                    \
        if (try_ != OK)                                                                                                            \
            return try_;                                                                                                           \
    } while (0)

/* AUTO(fd) int fd = -1; calls auto_fd(&fd) on every way out of the block. Each module defines auto_NAME beside its handle. */
#define AUTO(name) __attribute__((cleanup(auto_##name)))

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
