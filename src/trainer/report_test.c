#include "base/arena.h"
#include "base/clock.h"
#include "base/test.h"
#include "http/server.h"
#include "trainer/report.h"
#include <stdatomic.h>

/* A server that fails for so many requests, or for ever, and then takes what comes. */
static atomic_int failing_for, asked, taken;

static enum err begin(void *with, struct http_call *c)
{
    (void)with, (void)c;
    return OK;
}
static enum err body(void *with, struct http_call *c, const char *bytes, size_t n)
{
    (void)with, (void)c, (void)bytes, (void)n;
    return OK;
}
static enum err end(void *with, struct http_call *c)
{
    (void)with;
    atomic_fetch_add(&asked, 1);
    bool fails = atomic_load(&failing_for) > 0 && atomic_fetch_sub(&failing_for, 1) > 0;
    bool posted = strcmp(http_method(c), "POST") == 0;
    if (!fails && posted)
        atomic_fetch_add(&taken, 1);
    http_answer_bytes(c, fails ? 500 : 200, "application/json", "{}", 2);
    return OK;
}
static void failed(void *with, struct http_call *c, enum err e)
{
    (void)with;
    http_answer_bytes(c, err_http_status(e), "text/plain", "", 0);
}
static void gone(void *with, struct http_call *c)
{
    (void)with, (void)c;
}

static struct http_server *start(struct arena *a, int fails, struct report **ret)
{
    static const struct http_app app = { .begin = begin, .body = body, .end = end, .failed = failed, .gone = gone };
    struct http_server *s = NULL;
    atomic_store(&failing_for, fails);
    atomic_store(&asked, 0);
    atomic_store(&taken, 0);
    MUST(http_server_listen("127.0.0.1:0", &s));
    MUST(http_server_start(s, &app, &(struct http_limits){ 10, 6 }));
    MUST(report_start(arena_fmt(a, "http://127.0.0.1:%d", http_server_port(s)), "secret", "an-experiment", ret));
    return s;
}

TEST(a_server_that_fails_is_told_again_with_pauses)
{
    AUTO(arena) struct arena *a = arena_new();
    struct report *r;
    struct http_server *s = start(a, 1 << 30, &r);
    double begun = clock_seconds();
    report_line(r, "one");
    report_log(r, "a", "VALUE", "1");
    MUST_FAIL(report_end(r, 3), E_BROKEN, "500");
    CHECK(clock_seconds() - begun >= 2);
    CHECK(atomic_load(&asked) >= 3 && atomic_load(&asked) <= 12);
    http_server_stop(s, 1);
}

TEST(what_a_server_could_not_take_comes_when_it_can)
{
    AUTO(arena) struct arena *a = arena_new();
    struct report *r;
    struct http_server *s = start(a, 3, &r);
    report_line(r, "one");
    report_line(r, "two");
    report_point(r, "loss", 1, 0.5);
    MUST(report_end(r, 20));
    CHECK_INT(atomic_load(&taken), 3);
    http_server_stop(s, 1);
}
