#include "base/fail.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local struct failure last;

static const struct {
    int http, exit_code;
} meaning[ERR_KINDS] = {
    [OK] = { 200, 0 },           [E_INVALID] = { 400, 65 }, [E_UNKNOWN_USER] = { 401, 77 }, [E_FORBIDDEN] = { 403, 77 },
    [E_NOT_FOUND] = { 404, 66 }, [E_METHOD] = { 405, 64 },  [E_CONFLICT] = { 409, 73 },     [E_TOO_BIG] = { 413, 65 },
    [E_IN_USE] = { 409, 73 },    [E_UNMEANT] = { 422, 65 }, [E_LOCKED] = { 423, 75 },       [E_TOO_MANY] = { 429, 75 },
    [E_BROKEN] = { 500, 70 },    [E_BUSY] = { 503, 75 },    [E_FULL] = { 507, 74 },         [E_CANCELLED] = { 503, 75 },
};

enum err fail_at(const char *file, int line, enum err kind, const char *why, ...)
{
    char text[sizeof last.text]; /* the arguments may point into last.text */
    va_list args;
    va_start(args, why);
    vsnprintf(text, sizeof text, why, args);
    va_end(args);
    memcpy(last.text, text, sizeof text);
    snprintf(last.place, sizeof last.place, "%s:%d", file, line);
    last.kind = kind;
    last.has_detail = false;
    last.retry_s = 0;
    return kind;
}

enum err fail_within(enum err kind, const char *where, ...)
{
    if (kind == OK)
        return OK;
    char text[sizeof last.text];
    va_list args;
    va_start(args, where);
    int n = vsnprintf(text, sizeof text, where, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof text)
        return kind;
    snprintf(text + n, sizeof text - (size_t)n, "%s", last.text);
    memcpy(last.text, text, sizeof text);
    return kind;
}

const char *fail_text(void)
{
    return last.text;
}

const char *fail_detail(void)
{
    return last.has_detail ? last.detail : NULL;
}

const char *fail_place(void)
{
    return last.place;
}

enum err fail_kind(void)
{
    return last.kind;
}

void fail_set_detail(const char *detail)
{
    snprintf(last.detail, sizeof last.detail, "%s", detail);
    last.has_detail = true;
}

void fail_set_retry(int seconds)
{
    last.retry_s = seconds;
}

int fail_retry(void)
{
    return last.retry_s > 1 ? last.retry_s : 1;
}

enum err err_of_errno(int code)
{
    return code == ENOSPC || code == EDQUOT || code == EFBIG ? E_FULL : E_BROKEN;
}

void fail_keep(struct failure *ret)
{
    *ret = last;
}

enum err fail_again(const struct failure *f)
{
    last = *f;
    return last.kind;
}

int err_http_status(enum err e)
{
    return meaning[e].http;
}

int err_exit_code(enum err e)
{
    return meaning[e].exit_code;
}
