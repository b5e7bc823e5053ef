#include "base/log.h"
#include "base/clock.h"
#include "base/text.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>
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

/* ---- repeated lines */

/* A fault that comes back a thousand times a second must not fill the disk, nor hide the others: of warnings and errors that differ
 * in numbers and ids only, so many are written in so many seconds; then one says how often the line was left out. */
enum { KINDS = 64, LINES = 20, WINDOW_S = 10 };

static pthread_mutex_t kinds_lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    uint64_t kind;
    double since;
    long lines, left_out;
} kinds[KINDS];

static uint64_t kind_of(uint64_t h, const char *s)
{
    for (; s && *s; s++)
        if (!strchr("0123456789abcdef-.", *s))
            h = (h ^ (unsigned char)*s) * 1099511628211u;
    return h;
}

/* How often such a line was left out before this one; -1: leave it out too. */
static long count_line(enum log_level level, const char *text, const char *fields)
{
    uint64_t kind = kind_of(kind_of(14695981039346656037u + level, text), fields);
    double now = clock_seconds();
    pthread_mutex_lock(&kinds_lock);
    __auto_type k = &kinds[kind % KINDS];
    long before = 0;
    if (k->kind != kind || now - k->since > WINDOW_S) {
        before = k->kind == kind ? k->left_out : 0;
        k->kind = kind;
        k->since = now;
        k->lines = k->left_out = 0;
    }
    bool write = k->lines++ < LINES;
    k->left_out += !write;
    pthread_mutex_unlock(&kinds_lock);
    return write ? before : -1;
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
    long left_out = level >= LOG_WARN ? count_line(level, text, fields) : 0;
    if (left_out < 0) {
        arena_free(a);
        return;
    }
    struct text line;
    text_init(&line, 1 << 16);
    text_fmt(&line, "{\"at\":\"%s\",\"level\":\"%s\",\"role\":\"%s\",\"what\":\"", clock_iso(a, clock_now_ms()), names[level],
             role);
    escaped(&line, text);
    text_fmt(&line, "\"%s%s", fields ? "," : "", fields ? fields : "");
    if (left_out)
        text_fmt(&line, ",\"left_out\":%ld", left_out);
    text_add(&line, "}\n");
    ssize_t ignored = write(STDERR_FILENO, line.bytes, line.n); /* one write a line, so that processes do not mix */
    (void)ignored;
    text_done(&line);
    arena_free(a);
}

void log_failure(const char *doing)
{
    log_line(LOG_ERROR, NULL, "%s: %s (%s)", doing, fail_text(), fail_place());
}
