#include "base/clock.h"
#include "base/test.h"
#include "query/query.h"
#include <stdlib.h>

static const struct field fields[] = {
    { "id", T_ID, F_FILTER },
    { "filename", T_TEXT, F_FILTER },
    { "width", T_INT, F_FILTER },
    { "created_at", T_TIME, F_FILTER },
    { "metadata", T_OBJECT, F_FILTER },
    { "secret", T_TEXT, 0 },
    { "tags.name", T_TEXT, F_FILTER, .sql = "t.name", .many = "FROM tag t WHERE t.data = d.id" },
};
static const struct resource things = { "data", NULL, FIELDS(fields), .from = "data d", .key = "d.id" };

/* What a query selects from three rows. */
static const char *found(struct arena *a, const char *q)
{
    struct sql *db = NULL;
    MUST(sql_open(":memory:", &db));
    MUST(sql_script(
        db, "CREATE TABLE data (id TEXT, filename TEXT, width INT, created_at INT, metadata TEXT, secret TEXT);"
            "CREATE TABLE tag (data TEXT, name TEXT);"
            "INSERT INTO data VALUES ('a', 'cat_1.jpg', 640, 1767225600000, '{\"camera\":\"left\"}', 's'),"
            " ('b', 'Dog%2.jpg', 320, 1769904000000, '{\"camera\":\"right\",\"gain\":2}', 's'), ('c', 'x', NULL, NULL, NULL, 's');"
            "INSERT INTO tag VALUES ('a', 'train'), ('a', 'night'), ('b', 'test')"));
    struct where w = { 0 };
    MUST(query_where(a, &things, q, 0, &w));
    char *sql = arena_fmt(a, "SELECT coalesce(group_concat(id, ''), '') FROM (SELECT id FROM data d WHERE %s ORDER BY id)", w.sql);
    struct rows *r = NULL;
    MUST(sql_first_text(db, &r, sql, w.values, w.n));
    const char *ids = arena_str(a, rows_text(r, 0));
    rows_done(r);
    sql_close(db);
    return ids;
}

TEST(queries_select_what_they_say)
{
    static const struct {
        const char *q, *ids;
    } cases[] = {
        { "filename = \"cat_1.jpg\"", "a" },
        { "filename != 'cat_1.jpg'", "bc" },
        { "filename ~ \"DOG\"", "b" },
        { "filename ~ \"%\"", "b" },
        { "filename ~ \"_\"", "a" },
        { "filename startswith \"cat\"", "a" },
        { "filename not startswith \"cat\"", "bc" },
        { "filename endswith \".jpg\"", "ab" },
        { "width >= 320 and width < 640", "b" },
        { "width = None", "c" },
        { "width != None", "ab" },
        { "tags.name = \"train\"", "a" },
        { "tags.name != \"train\"", "bc" },
        { "tags.name = \"train\" and tags.name = \"night\"", "a" },
        { "tags.name in (\"test\", \"night\")", "ab" },
        { "tags.name not in (\"test\", \"night\")", "c" },
        { "tags.name = None", "c" },
        { "metadata.camera = \"left\" or metadata.gain > 1", "ab" },
        { "(filename = \"x\" or width = 640) and not (width = None)", "a" },
        { "created_at > \"2026-01-15\"", "b" },
        { "created_at ~ \"2026-01\"", "a" },
        { "filename = \"'; DROP TABLE data; --\"", "" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(arena) struct arena *a = arena_new();
        const char *got = found(a, cases[i].q);
        if (strcmp(got, cases[i].ids) != 0)
            fail_msg("%s: got \"%s\", want \"%s\"", cases[i].q, got, cases[i].ids);
    }
}

TEST(a_wrong_query_says_where_and_what)
{
    static const struct {
        const char *q, *says;
    } cases[] = {
        { "tags.name ==== 3", "character 12" },
        { "secret = \"x\"", "no field 'secret'" },
        { "org.password = \"x\"", "no field" },
        { "width = \"x\"", "a number expected" },
        { "width ~ \"x\"", "works on texts" },
        { "filename = \"x", "no closing quote" },
        { "filename = \"x\" filename", "and, or, or the end expected" },
        { "(filename = \"x\"", "')' expected, not the end" },
        { "filename in \"x\"", "'(' expected" },
        { "created_at > \"yesterday\"", "ISO 8601" },
        { "", "a field" },
        { "filename < None", "None goes with" },
        { "; DROP", "a field" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(arena) struct arena *a = arena_new();
        struct where w;
        MUST_FAIL(query_where(a, &things, cases[i].q, 0, &w), E_INVALID, cases[i].says);
    }
}

TEST(a_query_cannot_be_nested_without_end)
{
    AUTO(arena) struct arena *a = arena_new();
    char deep[3000];
    memset(deep, '(', sizeof deep - 1);
    deep[sizeof deep - 1] = 0;
    struct where w;
    MUST_FAIL(query_where(a, &things, deep, 0, &w), E_INVALID, "nested deeper");
}
