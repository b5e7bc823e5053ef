#include "api/dispatch.h"
#include "base/test.h"
#include <stdlib.h>

static enum err nothing(struct op *op)
{
    (void)op;
    return OK;
}

static const struct resource things;
static const struct route good[] = {
    { "GET", "/api/thing/{id}", nothing, MAY_READ, WORK_READ, .gives = GIVES_NOTHING, .on = &things },
    { "DELETE", "/api/thing/{id}", nothing, MAY_WRITE, WORK_WRITE, .gives = GIVES_NOTHING, .on = &things },
    { "GET", "/api/thing/find", nothing, MAY_READ, WORK_READ, .gives = GIVES_NOTHING },
    { "GET", "/api/thing/{id}/parts/{part}", nothing, MAY_READ, WORK_READ, .gives = GIVES_NOTHING, .on = &things,
      .on_nothing = "a part is a word" },
    { "GET", "/storage/{name*}", nothing, MAY_SIGNED, WORK_FREE, .gives = GIVES_NOTHING, .on_nothing = "it is signed" },
};
static const struct resource things = { .name = "thing", .org = "org", .routes = good, .n_routes = COUNT_OF(good) };

TEST(a_path_finds_its_route_and_values)
{
    AUTO(arena) struct arena *a = arena_new();
    struct router *r = NULL;
    MUST(router_build((const struct resource *const[]){ &things, NULL }, &r));
    const struct route *found = NULL;
    const char *values[8];
    MUST(router_find(r, a, "GET", "/api/thing/find", values, &found));
    CHECK(found == &good[2]);
    MUST(router_find(r, a, "DELETE", "/api/thing/a%20b", values, &found));
    CHECK(found == &good[1]);
    CHECK_TEXT(values[0], "a b");
    MUST(router_find(r, a, "GET", "/api/thing/7/parts/wheel", values, &found));
    CHECK_TEXT(values[1], "wheel");
    MUST(router_find(r, a, "GET", "/storage/a/b%2Fc", values, &found));
    CHECK_TEXT(values[0], "a/b/c");
    MUST_FAIL(router_find(r, a, "PUT", "/api/thing/7", values, &found), E_METHOD, "does not take PUT");
    MUST_FAIL(router_find(r, a, "GET", "/api/thing", values, &found), E_NOT_FOUND, "there is no");
    MUST_FAIL(router_find(r, a, "GET", "/api/thing/%00", values, &found), E_NOT_FOUND, "there is no");
    router_free(r);
}

static enum err otherwise(struct op *op)
{
    (void)op;
    return OK;
}

static const struct field word_in[] = { { "*", T_TEXTS, F_NEED } };
static const struct route other_names[] = {
    { "GET", "/old/thing/{id}", .as = "/api/thing/{id}", .page_most = 7 },
    { "DELETE", "/old/thing/{id}", otherwise, .as = "/api/thing/{id}", .in = word_in, .in_n = 1 },
};
static const struct resource old_things = { .name = "old thing", .routes = other_names, .n_routes = COUNT_OF(other_names) };

TEST(another_name_of_a_route_has_its_right_its_owner_and_its_handler)
{
    AUTO(arena) struct arena *a = arena_new();
    struct router *r = NULL;
    MUST(router_build((const struct resource *const[]){ &old_things, &things, NULL }, &r));
    const struct route *found = NULL;
    const char *values[8];
    MUST(router_find(r, a, "GET", "/old/thing/7", values, &found));
    CHECK(found->run == nothing && found->need == MAY_READ && found->work == WORK_READ && found->on == &things);
    CHECK(found->gives == GIVES_NOTHING && found->page_most == 7);
    CHECK_TEXT(found->path, "/old/thing/{id}");
    CHECK_TEXT(route_path(found), "/api/thing/{id}");
    MUST(router_find(r, a, "DELETE", "/old/thing/7", values, &found));
    CHECK(found->run == otherwise && found->need == MAY_WRITE && found->work == WORK_WRITE && found->in == word_in);
    router_free(r);
}

TEST(another_name_of_a_route_that_is_not_there_or_with_a_right_of_its_own_is_refused)
{
    static const struct route none[] = { { "PUT", "/old/thing/{id}", .as = "/api/thing/{id}" } };
    static const struct route lower[] = { { "DELETE", "/old/thing/{id}", .need = MAY_READ, .as = "/api/thing/{id}" } };
    const struct resource a = { .name = "a", .routes = none, .n_routes = 1 }, b = { .name = "b", .routes = lower, .n_routes = 1 };
    struct router *r = NULL;
    MUST_FAIL(router_build((const struct resource *const[]){ &a, &things, NULL }, &r), E_BROKEN, "which is not there");
    MUST_FAIL(router_build((const struct resource *const[]){ &b, &things, NULL }, &r), E_BROKEN, "may differ in its input");
}

TEST(a_route_without_a_right_or_twice_is_refused)
{
    static const struct route no_right[] = { { "GET", "/a", nothing, MAY_UNSET, WORK_READ } };
    static const struct route no_work[] = { { "GET", "/a", nothing, MAY_READ, WORK_UNSET } };
    static const struct route twice[] = { { "GET", "/a/{x}", nothing, MAY_READ, WORK_READ, .gives = GIVES_NOTHING, .on = &things },
                                          { "GET", "/a/{y}", nothing, MAY_READ, WORK_READ, .gives = GIVES_NOTHING,
                                            .on = &things } };
    const struct resource a = { .name = "a", .routes = no_right, .n_routes = 1 },
                          b = { .name = "b", .routes = no_work, .n_routes = 1 },
                          c = { .name = "c", .routes = twice, .n_routes = 2 };
    struct router *r = NULL;
    MUST_FAIL(router_build((const struct resource *const[]){ &a, NULL }, &r), E_BROKEN, "no right");
    MUST_FAIL(router_build((const struct resource *const[]){ &b, NULL }, &r), E_BROKEN, "reads or writes");
    MUST_FAIL(router_build((const struct resource *const[]){ &c, NULL }, &r), E_BROKEN, "twice");
}

static void refused(const struct route *route, const char *says)
{
    const struct resource r = { .name = "r", .routes = route, .n_routes = 1 };
    struct router *made = NULL;
    MUST_FAIL(router_build((const struct resource *const[]){ &r, NULL }, &made), E_BROKEN, says);
}

TEST(a_route_that_does_not_say_whose_a_thing_is_is_refused)
{
    static const struct resource ownerless = { .name = "ownerless" };
    refused(&(struct route){ "GET", "/a/{id}", nothing, MAY_READ, WORK_READ, .gives = GIVES_NOTHING },
            "does not say what its path is on");
    refused(&(struct route){ "GET", "/a", nothing, MAY_READ, WORK_READ }, "does not say what it answers");
    refused(&(struct route){ "GET", "/a/{id}/b/{id}", nothing, MAY_READ, WORK_READ, .gives = GIVES_NOTHING, .on = &things },
            "does not say");
    refused(&(struct route){ "GET", "/a", nothing, MAY_READ, WORK_READ, .gives = GIVES_NOTHING, .on = &things }, "does not say");
    refused(&(struct route){ "GET", "/a/{id}", nothing, MAY_READ, WORK_READ, .gives = GIVES_NOTHING, .on = &ownerless },
            "does not say whose");
    refused(&(struct route){ "GET", "/a/{id}", nothing, MAY_ANYONE, WORK_READ, .gives = GIVES_NOTHING, .on = &things },
            "anybody may");
    refused(&(struct route){ "GET", "/a/{id}", nothing, MAY_READ, WORK_READ, .gives = GIVES_NOTHING, .on = &things,
                             .on_nothing = "so" },
            "on nothing");
}

/* A thing with a member called colour, against a table with that column. */
static void compared(const struct field *colour, const char *column, const char *says)
{
    const struct field fields[] = { { "id", T_ID, 0, "t.id" }, *colour };
    const struct resource r = { "thing", NULL, FIELDS(fields), .from = "thing t", .key = "t.id" };
    AUTO(arena) struct arena *a = arena_new();
    struct sql *db = NULL;
    MUST(sql_open(":memory:", &db));
    MUST(sql_script(db, arena_fmt(a, "CREATE TABLE thing (id TEXT PRIMARY KEY, other TEXT%s) STRICT", column)));
    if (says)
        MUST_FAIL(resource_check(db, &r), E_BROKEN, says);
    else
        MUST(resource_check(db, &r));
    sql_close(db);
}

TEST(a_member_that_its_column_is_not_as_it_says_is_refused)
{
    static const char *const colours[] = { "RED", "GREEN", NULL };
    const struct field text = { "colour", T_TEXT, 0, "t.colour" }, null = { "colour", T_TEXT, F_NULL, "t.colour" },
                       number = { "colour", T_INT, 0, "t.colour" }, real = { "colour", T_NUMBER, 0, "t.colour" },
                       words = { "colour", T_TEXT, 0, "t.colour", .words = colours };
    compared(&text, "", "field colour");
    compared(&text, ", colour TEXT NOT NULL", NULL);
    compared(&text, ", colour TEXT", "does not say F_NULL");
    compared(&null, ", colour TEXT", NULL);
    compared(&null, ", colour TEXT NOT NULL", "is never NULL");
    compared(&number, ", colour TEXT NOT NULL", "of another type");
    compared(&text, ", colour INTEGER NOT NULL", "of another type");
    compared(&real, ", colour INTEGER NOT NULL", "of another type");
    compared(&real, ", colour REAL NOT NULL", NULL);
    compared(&words, ", colour TEXT NOT NULL", NULL);
    compared(&words, ", colour TEXT NOT NULL CHECK (colour IN ('GREEN', 'RED'))", NULL);
    compared(&words, ", colour TEXT NOT NULL CHECK (colour IN ('GREEN', 'RED', 'BLUE'))", "not those of the column");
    compared(&words, ", colour TEXT NOT NULL CHECK (colour IN ('GREEN'))", "not those of the column");
    compared(&text, ", colour TEXT NOT NULL CHECK (colour IN ('GREEN'))", "it has none");
}

TEST(a_member_that_is_written_to_no_column_or_by_no_route_is_refused)
{
    const struct field nowhere = { "colour", T_TEXT, F_NEW, "upper(t.other)" }, fits = { "colour", T_TEXT, F_NEW, "t.colour" },
                       changed = { "colour", T_TEXT, F_EDIT, "t.colour" }, other = { "colour", T_INT, F_EDIT, "length(t.colour)" };
    compared(&nowhere, "", "says F_NEW or F_EDIT");
    compared(&fits, ", colour TEXT NOT NULL", "no route MAKES() it");
    compared(&changed, ", colour TEXT NOT NULL", "no route CHANGES() it");
    compared(&other, ", colour TEXT NOT NULL", "written as another type");
}

TEST(what_access_on_a_thing_does_not_reach_is_no_answer_about_it)
{
    static const struct resource top = { .name = "top", .org = "org", .root = "id" }, deaf = { .name = "deaf", .org = "org" },
                                 below = { .name = "below", .org = "org", .root = "top_id" };
    struct route r = { "GET", "/a/{id}", nothing, MAY_READ, WORK_READ, .answers = &deaf, .on = &top };
    refused(&r, "does not say by .root");
    r.answers = &below;
    const struct resource fine = { .name = "r", .routes = &r, .n_routes = 1 };
    struct router *made = NULL;
    MUST(router_build((const struct resource *const[]){ &fine, NULL }, &made));
    router_free(made);
}

TEST(a_route_that_makes_or_changes_what_has_no_members_for_it_is_refused)
{
    static const struct field none[] = { { "id", T_ID } }, new[] = { { "id", T_ID, F_NEW } };
    static const struct resource bare = { .name = "bare", .fields = none, .n_fields = 1 },
                                 one = { .name = "one", .fields = new, .n_fields = 1 };
    refused(&(struct route){ "POST", "/a", nothing, MAY_WRITE, WORK_WRITE, MAKES(&bare) }, "no member says F_NEW");
    refused(&(struct route){ "PATCH", "/a", nothing, MAY_WRITE, WORK_WRITE, CHANGES(&one) }, "no member says F_NEW");
    refused(&(struct route){ "POST", "/a", nothing, MAY_WRITE, WORK_WRITE, "", FIELDS(none), MAKES(&one) }, "stands twice");
}

static const char *const kinds[] = { "RED", "GREEN", NULL };
static const struct field in[] = {
    { "size", T_INT, F_NEED | F_NULL },
    { "name", T_TEXT, F_NEED, .min = 1, .max = 5 },
    { "id", T_ID },
    { "kind", T_TEXT, .words = kinds },
    { "share", T_NUMBER, .min = 0, .max = 1 },
    { "ids", T_IDS },
    { "at", T_TIME },
};

TEST(input_is_checked_by_its_fields)
{
    static const struct {
        const char *body, *says;
    } cases[] = {
        { "{}", "size is missing" },
        { "{\"size\":null}", "name is missing" },
        { "{\"size\":null,\"name\":\"\"}", "must not be empty" },
        { "{\"size\":null,\"name\":\"123456\"}", "at most 5" },
        { "{\"size\":null,\"name\":7}", "must be text" },
        { "{\"size\":null,\"name\":\"a\",\"id\":\"b\"}", "must be an id" },
        { "{\"size\":null,\"name\":\"a\",\"kind\":\"red\"}", "RED, GREEN" },
        { "{\"size\":null,\"name\":\"a\",\"share\":2}", "between 0 and 1" },
        { "{\"size\":null,\"name\":\"a\",\"ids\":[\"x\"]}", "ids[0]" },
        { "{\"size\":null,\"name\":\"a\",\"at\":\"soon\"}", "ISO 8601" },
        { "[]", "must be a JSON object" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(arena) struct arena *a = arena_new();
        const struct json *v = NULL;
        MUST(json_parse(a, cases[i].body, strlen(cases[i].body), &v));
        MUST_FAIL(fields_check(in, COUNT_OF(in), v, ""), E_INVALID, cases[i].says);
    }
}
