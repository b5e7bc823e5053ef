#include "base/test.h"
#include "json/json.h"
#include <stdlib.h>

TEST(json_reads_what_it_wrote)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(out) struct out o;
    out_init(&o, 1 << 16);
    out_object(&o, NULL);
    out_text(&o, "quoted", "a \"b\" \\ \n \x01 é");
    out_text(&o, "not utf-8", "x\xff\xc3y");
    out_int(&o, "big", INT64_MAX);
    out_number(&o, "tenth", 0.1);
    out_number(&o, "nothing", 0.0 / (double)(o.text.n == 0));
    out_array(&o, "list");
    out_bool(&o, NULL, true);
    out_null(&o, NULL);
    out_end_array(&o);
    out_end_object(&o);
    const struct json *v = NULL;
    MUST(json_parse(a, o.text.bytes, o.text.n, &v));
    CHECK_TEXT(json_text(json_get(v, "quoted")), "a \"b\" \\ \n \x01 é");
    CHECK_TEXT(json_text(json_get(v, "not utf-8")), "x\xef\xbf\xbd\xef\xbf\xbdy");
    int64_t big = 0;
    double tenth = 0;
    CHECK(json_int(json_get(v, "big"), &big) && big == INT64_MAX);
    CHECK(json_number(json_get(v, "tenth"), &tenth) && tenth == 0.1);
    CHECK(json_absent(json_get(v, "nothing")));
    CHECK_INT(json_count(json_get(v, "list")), 2);
    CHECK(json_absent(json_get(json_at(json_get(v, "list"), 7), "chained")));
}

TEST(a_nul_byte_is_refused_wherever_it_stands)
{
    static const char text[] = "{\"v\":123,\"w\":true,\"x\":[null]}";
    AUTO(arena) struct arena *a = arena_new();
    const struct json *v = NULL;
    MUST(json_parse(a, text, sizeof text - 1, &v));
    for (size_t at = 0; at < sizeof text; at++) {
        char with[sizeof text];
        memcpy(with, text, at);
        with[at] = 0;
        memcpy(with + at + 1, text + at, sizeof text - 1 - at);
        MUST_FAIL(json_parse(a, with, sizeof text, &v), E_INVALID, "NUL");
    }
}

TEST(json_that_is_wrong_is_refused_with_its_place)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        { "{\"a\":1,\"a\":2}", "duplicate" },
        { "{\"a\":\n tru}", "line 2" },
        { "[1,2", "not valid" },
        { "\"\xff\"", "not valid" },
        { "[1] x", "not valid" },
        { "1e999", "not valid" },
        { "\"a\\u0000b\"", "not valid" },
        { "", "not valid" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(arena) struct arena *a = arena_new();
        const struct json *v;
        MUST_FAIL(json_parse(a, cases[i].text, strlen(cases[i].text), &v), E_INVALID, cases[i].says);
    }
}

TEST(json_nested_a_hundred_thousand_deep_is_refused)
{
    AUTO(arena) struct arena *a = arena_new();
    size_t n = 100000;
    char *deep = heap_take(n);
    memset(deep, '[', n);
    const struct json *v;
    MUST_FAIL(json_parse(a, deep, n, &v), E_INVALID, "deeper than 64");
    free(deep);
}

TEST(members_are_laid_over_others)
{
    AUTO(arena) struct arena *a = arena_new();
    static const char below[] = "{\"a\":1,\"b\":2,\"c\":3}", above[] = "{\"b\":[4],\"c\":null,\"d\":5,\"e\":null}";
    const struct json *v, *w;
    MUST(json_parse(a, below, strlen(below), &v));
    MUST(json_parse(a, above, strlen(above), &w));
    CHECK_TEXT(json_over(a, v, w), "{\"a\":1,\"b\":[4],\"d\":5}");
    CHECK_TEXT(json_over(a, NULL, w), "{\"b\":[4],\"d\":5}");
    CHECK_TEXT(json_over(a, v, NULL), below);
}
