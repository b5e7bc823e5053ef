#include "base/file.h"
#include "base/test.h"
#include "base/text.h"
#include "json/json.h"
#include "json/pull.h"
#include <sys/mman.h>

/* Everything as a compact text, to compare with what the other reader makes of it. */
static enum err written(int fd, size_t n, struct text *ret)
{
    AUTO(pull) struct pull *p = pull_new(fd, 0, n, 1 << 20);
    bool first = true;
    for (;;) {
        enum pull_event e;
        TRY(pull_next(p, &e));
        bool closes = e == PULL_END_ARRAY || e == PULL_END_OBJECT;
        if (e == PULL_END)
            return OK;
        if (!first && !closes)
            text_add(ret, ",");
        first = e == PULL_ARRAY || e == PULL_OBJECT || e == PULL_KEY;
        switch (e) {
        case PULL_ARRAY: text_add(ret, "["); break;
        case PULL_END_ARRAY: text_add(ret, "]"); break;
        case PULL_OBJECT: text_add(ret, "{"); break;
        case PULL_END_OBJECT: text_add(ret, "}"); break;
        case PULL_KEY: text_fmt(ret, "<%s>:", pull_text(p)); break;
        case PULL_TEXT: text_fmt(ret, "<%s>", pull_text(p)); break;
        case PULL_NUMBER: text_fmt(ret, "%.17g", pull_number(p)); break;
        case PULL_TRUE: text_add(ret, "true"); break;
        case PULL_FALSE: text_add(ret, "false"); break;
        default: text_add(ret, "null");
        }
    }
}

static enum err pulled(const char *s, struct text *ret)
{
    AUTO(fd) int fd = memfd_create("json", MFD_CLOEXEC);
    MUST(file_write_all(fd, s, strlen(s)));
    text_clear(ret);
    return written(fd, strlen(s), ret);
}

TEST(json_events_come_in_the_order_of_the_text)
{
    AUTO(text) struct text t;
    text_init(&t, 1 << 20);
    MUST(pulled(" {\"a\" : [1, -0.5e1 ,\"x\\u00e4\\ud83d\\ude00\\n\"],\"\":{},\"b\":[true,false,null,[]]}\r\n", &t));
    CHECK_TEXT(t.bytes, "{<a>:[1,-5,<x\u00e4\U0001f600\n>],<>:{},<b>:[true,false,null,[]]}");
    MUST(pulled("0.1", &t));
    CHECK_TEXT(t.bytes, "0.10000000000000001");
    MUST(pulled("123456789012345678901234567890e-10", &t));
    CHECK_TEXT(t.bytes, "1.2345678901234567e+19");
}

TEST(json_that_is_none_is_refused_by_both_readers)
{
    static const char *const bad[] = { "",           "{",           "[1,]",         "[,1]",        "{\"a\"}",   "{\"a\":}",
                                       "{\"a\":1,}", "{a:1}",       "[1 2]",        "01",          "1.",        ".5",
                                       "+1",         "-",           "1e",           "1e+",         "tru",       "\"\x01\"",
                                       "\"\\x\"",    "\"a",         "\"\\ud800\"",  "\"\\udc00\"", "[1]]",      "{]",
                                       "[}",         "\"\xff\"",    "\"\xc0\x80\"", "nul",         "[\"a\":1]", "{\"a\" 1}",
                                       "1 2",        "\"\\u00g0\"", "1e999",        "\"\\u0000\"", "'a'",       "NaN",
                                       "// x\n1",    "\xef\xbb" };
    AUTO(text) struct text t;
    text_init(&t, 1 << 20);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        AUTO(arena) struct arena *a = arena_new();
        const struct json *v;
        if (pulled(bad[i], &t) != E_INVALID)
            fail_msg("%s is taken", bad[i]);
        CHECK(json_parse(a, bad[i], strlen(bad[i]), &v) != OK);
    }
}

TEST(json_values_are_passed_over_and_found_again)
{
    static const char s[] = "{\"a\":[{\"x\":1},{\"x\":[2,[3]]},{\"x\":3}],\"b\":4}";
    AUTO(fd) int fd = memfd_create("json", MFD_CLOEXEC);
    MUST(file_write_all(fd, s, strlen(s)));
    AUTO(pull) struct pull *p = pull_new(fd, 0, strlen(s), 100);
    enum pull_event e;
    uint64_t second = 0;
    MUST(pull_next(p, &e));
    MUST(pull_next(p, &e));
    CHECK_TEXT(pull_text(p), "a");
    MUST(pull_next(p, &e));
    for (int i = 0; i < 3; i++) {
        MUST(pull_next(p, &e));
        CHECK_INT(e, PULL_OBJECT);
        if (i == 1)
            second = pull_at(p);
        MUST(pull_skip(p, e));
    }
    MUST(pull_next(p, &e));
    CHECK_INT(e, PULL_END_ARRAY);
    MUST(pull_next(p, &e));
    CHECK_TEXT(pull_text(p), "b");
    MUST(pull_skip_next(p));
    MUST(pull_next(p, &e));
    MUST(pull_next(p, &e));
    CHECK_INT(e, PULL_END);
    pull_seek(p, second);
    MUST(pull_next(p, &e));
    MUST(pull_next(p, &e));
    MUST(pull_next(p, &e));
    CHECK_INT(e, PULL_ARRAY);
    MUST(pull_next(p, &e));
    CHECK(pull_number(p) == 2);
}

TEST(json_texts_have_a_cap_only_where_they_are_wanted)
{
    AUTO(text) struct text t;
    AUTO(fd) int fd = memfd_create("json", MFD_CLOEXEC);
    text_init(&t, 1 << 20);
    text_add(&t, "[\"");
    for (int i = 0; i < 1000; i++)
        text_add(&t, "xxxxxxxxxx");
    text_add(&t, "\",1]");
    MUST(file_write_all(fd, t.bytes, t.n));
    enum pull_event e;
    for (int wanted = 0; wanted < 2; wanted++) {
        AUTO(pull) struct pull *p = pull_new(fd, 0, t.n, 100);
        MUST(pull_next(p, &e));
        if (wanted) {
            MUST_FAIL(pull_next(p, &e), E_TOO_BIG, "100 bytes");
            continue;
        }
        MUST(pull_skip_next(p));
        MUST(pull_next(p, &e));
        CHECK(e == PULL_NUMBER && pull_number(p) == 1);
    }
}
