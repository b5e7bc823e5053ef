#include "base/log.h"
#include "base/clock.h"
#include "base/text.h"
#include <stdio.h>
#include <unistd.h>

static const char *role = "saccade";
static enum log_level least = LOG_INFO;

void log_start(const char *r, enum log_level l)
{
    role = r;
    least = l;
}

static void escaped(struct text *t, const char *s)
{
    for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
        if (*p == '"' || *p == '\\')
            text_fmt(t, "\\%c", *p);
        else if (*p < 0x20 || *p == 0x7f)
            text_fmt(t, "\\u%04x", *p);
        else
            text_bytes(t, p, 1);
    }
}

void log_line(enum log_level level, const char *fields, const char *what, ...)
{
    static const char *const names[] = { "debug", "info", "warn", "error" };
    if (level < least)
        return;
    struct arena *a = arena_new();
    va_list args;
    va_start(args, what);
    const char *text = arena_vfmt(a, what, args);
    va_end(args);
    struct text line;
    text_init(&line, 1 << 16);
    text_fmt(&line, "{\"at\":\"%s\",\"level\":\"%s\",\"role\":\"%s\",\"what\":\"", clock_iso(a, clock_now_ms()), names[level],
             role);
    escaped(&line, text);
    text_fmt(&line, "\"%s%s}\n", fields ? "," : "", fields ? fields : "");
    ssize_t ignored = write(STDERR_FILENO, line.bytes, line.n); /* one write a line, so that processes do not mix */
    (void)ignored;
    text_done(&line);
    arena_free(a);
}

void log_failure(const char *doing)
{
    log_line(LOG_ERROR, NULL, "%s: %s (%s)", doing, fail_text(), fail_place());
}
