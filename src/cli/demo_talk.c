#include "base/clock.h"
#include "cli/demo.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

enum err demo_ask(struct demo *d, const char *method, const char *path, const char *body, const struct json **ret)
{
    return http_ask(d->client, d->arena, method, path, body, ret);
}

const char *demo_text(const struct json *v, const char *key)
{
    const char *s = json_text(json_get(v, key));
    return s ? s : "";
}

const char *demo_fmt(struct demo *d, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const char *s = arena_vfmt(d->arena, fmt, args);
    va_end(args);
    return s;
}

const char *demo_url(struct demo *d, const char *s)
{
    AUTO(text) struct text t;
    text_init(&t, 1 << 16);
    text_url(&t, s, false);
    return arena_str(d->arena, t.bytes);
}

/* A JSON string literal. */
const char *demo_quoted(struct demo *d, const char *s)
{
    AUTO(out) struct out o;
    out_init(&o, 1 << 16);
    out_text(&o, NULL, s);
    return arena_str(d->arena, o.text.bytes);
}

void demo_wait(double seconds)
{
    struct timespec t = { (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9) };
    nanosleep(&t, NULL);
}

void demo_say(struct demo *d, const char *chapter, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    printf("%5.0f s  %-18s %s\n", clock_seconds() - d->began, chapter, arena_vfmt(d->arena, fmt, args));
    va_end(args);
    fflush(stdout);
}

enum err demo_wait_for_job(struct demo *d, const char *id, const struct json **ret_job)
{
    for (;;) {
        const struct json *job;
        TRY(demo_ask(d, "GET", demo_fmt(d, "/api/v2/job/%s", id), NULL, &job));
        const char *status = demo_text(job, "status");
        if (strcmp(status, "SUCCEEDED") == 0) {
            if (ret_job)
                *ret_job = job;
            return OK;
        }
        if (strcmp(status, "FAILED") == 0 || strcmp(status, "KILLED") == 0)
            return fail(E_BROKEN, "the job ended %s: %s", status, demo_text(job, "error"));
        demo_wait(0.2);
    }
}
