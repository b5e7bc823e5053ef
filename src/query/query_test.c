#include "base/clock.h"
#include "base/test.h"
#include "query/query.h"
#include <stdlib.h>

static const struct field fields[] = {
    { "id", T_ID, F_FILTER },
    { "filename", T_TEXT, F_FILTER },
    { "width", T_INT, F_FILTER },
    { "created_at", T_TIME, F_FILTER },
    { "metadata", T_OBJECT, F_FILTER, .owner = "d.id", .keys = KEPT_KEYS(KEPT_METADATA),
      .drive = "SELECT m.owner_id AS id FROM metadata_key k CROSS JOIN metadata_value m WHERE m.key_id = k.id" },
    { "secret", T_TEXT, 0 },
    { "tags.name", T_TEXT, F_FILTER, .sql = "t.name", .many = "FROM tag t WHERE t.data = d.id",
      .drive = "SELECT t.data AS id FROM tag t WHERE 1 = 1",
      .drive_count = "SELECT t.data AS id FROM tag t GROUP BY t.data HAVING count(*)" },
};
static const struct resource things = { "data", NULL, FIELDS(fields), .from = "data d", .key = "d.id" };

/* As who writes a document does it. */
static void keep_metadata(struct arena *a, struct sql *db)
{
    MUST(sql_script(db, "CREATE TABLE organization (id TEXT PRIMARY KEY); INSERT INTO organization VALUES ('o')"));
    MUST(sql_script(db, metadata_key_resource.table));
    AUTO(rows) struct rows *r = NULL;
    MUST(sql_rows(db, &r, "SELECT id, metadata FROM data"));
    while (rows_next(r))
        MUST(kept_put(db, "o", KEPT_METADATA, arena_str(a, rows_text(r, 0)), rows_text(r, 1)));
    MUST(rows_error(r));
    rows_done(r);
    r = NULL;
}

/* Three rows, and those of them that fulfil w; with a driver, of those that it names. */
static const char *found_by(struct arena *a, const struct where *w, const char *driver, const char *more)
{
    struct sql *db = NULL;
    MUST(sql_open(":memory:", &db));
    MUST(sql_script(
        db, "CREATE TABLE data (id TEXT, filename TEXT, width INT, created_at INT, metadata TEXT, secret TEXT);"
            "CREATE TABLE tag (data TEXT, name TEXT);"
            "INSERT INTO data VALUES ('a', 'cat_1.jpg', 640, 1767225600000, '{\"camera\":\"left\"}', 's'),"
            " ('b', 'Dog%2.jpg', 320, 1769904000000, '{\"camera\":\"right\",\"gain\":2}', 's'), ('c', 'x', NULL, NULL, NULL, 's');"
            "INSERT INTO tag VALUES ('a', 'train'), ('a', 'night'), ('b', 'test')"));
    MUST(sql_script(db, more));
    keep_metadata(a, db);
    const char *among = driver ? arena_fmt(a, "id IN (%s) AND", driver) : "";
    char *sql = arena_fmt(a, "SELECT coalesce(group_concat(id, ''), '') FROM (SELECT id FROM data d WHERE %s (%s) ORDER BY id)",
                          among, w->sql);
    struct rows *r = NULL;
    MUST(sql_first_text(db, &r, sql, w->values, w->n));
    const char *ids = arena_str(a, rows_text(r, 0));
    rows_done(r);
    sql_close(db);
    return ids;
}

static const char *found(struct arena *a, const char *q)
{
    struct where w = { 0 };
    MUST(query_where(a, &things, q, 0, &w));
    return found_by(a, &w, NULL, "");
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
        { "metadata.camera != \"left\"", "bc" },
        { "metadata.camera in (\"left\", 2)", "a" },
        { "metadata.gain in (\"left\", 2)", "b" },
        { "metadata.gain in (1, 2.0)", "b" },
        { "metadata.camera ~ \"IGH\" or metadata.camera endswith \"ft\"", "ab" },
        { "metadata.gain = \"2\"", "" }, /* a text is no number */
        { "metadata.camera > 1 or metadata.gain < \"x\"", "" },
        { "metadata.gain = None", "ac" },
        { "metadata.gain != None", "b" },
        { "(filename = \"x\" or width = 640) and not (width = None)", "a" },
        { "created_at > \"2026-01-15\"", "b" },
        { "created_at ~ \"2026-01\"", "a" },
        { "created_at startswith \"2026\"", "ab" },
        { "created_at !~ \"2026-01-01T00\"", "bc" },
        { "not width > 400", "bc" }, /* what is unknown is not more than 400 */
        { "not (width > 400 or tags.name = \"test\")", "c" },
        { "filename endswith \"a longer text than the name\"", "" },
        { "filename startswith \"Dog%\"", "b" },
        { "count(tags) = 2", "a" },
        { "count(tags) = 0", "c" },
        { "count(tags.name = \"train\") >= 1", "a" },
        { "count(tags != \"train\") = 1", "ab" },
        { "count(tags in (\"test\", \"night\")) > 0 and not count(tags) > 1", "b" },
        { "count(tags) != 1", "ac" },
        { "filename = \"'; DROP TABLE data; --\"", "" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(arena) struct arena *a = arena_new();
        const char *got = found(a, cases[i].q);
        if (strcmp(got, cases[i].ids) != 0)
            fail_msg("%s: got \"%s\", want \"%s\"", cases[i].q, got, cases[i].ids);
    }
}

/* d is called ö.jpg with a composed letter, e with a decomposed one; both carry the word in their custom metadata too. */
TEST(a_text_is_found_in_either_form_of_its_letters)
{
    static const char rows[] = "INSERT INTO data VALUES ('d', '\xc3\xb6.jpg', 1, 1, '{\"w\":\"\xc3\xb6\"}', 's'),"
                               " ('e', 'o\xcc\x88.jpg', 1, 1, '{\"w\":\"o\xcc\x88\"}', 's')";
    static const struct {
        const char *q, *ids;
    } cases[] = {
        { "filename = \"\xc3\xb6.jpg\"", "de" },       { "filename = \"o\xcc\x88.jpg\"", "de" },
        { "filename != \"\xc3\xb6.jpg\"", "abc" },     { "filename in (\"x\", \"o\xcc\x88.jpg\")", "cde" },
        { "filename ~ \"\xc3\xb6.J\"", "de" },         { "filename !~ \"\xc3\xb6\"", "abc" },
        { "filename startswith \"o\xcc\x88\"", "de" }, { "filename endswith \"\xc3\xb6.jpg\"", "de" },
        { "metadata.w = \"\xc3\xb6\"", "d" }, /* what is no name is compared as it is */
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(arena) struct arena *a = arena_new();
        struct where w = { 0 };
        MUST(query_where(a, &things, cases[i].q, 0, &w));
        const char *got = found_by(a, &w, NULL, rows);
        if (strcmp(got, cases[i].ids) != 0)
            fail_msg("%s: got \"%s\", want \"%s\"", cases[i].q, got, cases[i].ids);
    }
}

TEST(as_many_values_as_allowed_may_have_two_forms)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(text) struct text q;
    struct where w = { 0 };
    text_init(&q, QUERY_LENGTH);
    for (int i = 0; i < QUERY_VALUES; i++)
        text_fmt(&q, "%s\"\xc3\xb6\"", i ? "," : "filename in (");
    text_add(&q, ")");
    MUST(query_where(a, &things, q.bytes, 0, &w));
    CHECK_INT(w.n, 2 * QUERY_VALUES);
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
        { "width = 0x10", "a number expected" },
        { "width = 0x1p3", "a number expected" },
        { "width ~ \"x\"", "works on texts" },
        { "filename = \"x", "no closing quote" },
        { "filename = \"x\" filename", "and, or, or the end expected" },
        { "(filename = \"x\"", "')' expected, not the end" },
        { "filename in \"x\"", "'(' expected" },
        { "created_at > \"yesterday\"", "ISO 8601" },
        { "", "a field" },
        { "count(width) > 1", "no field" },
        { "count(tags) > \"x\"", "a number" },
        { "count tags", "'(' expected" },
        { "count(tags ~ \"x\" > 1", "')' expected" },
        { "created_at ~ \"January\"", "no beginning of a time" },
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

/* The rows that fulfil a query are among those that each of its drivers names. */
TEST(drivers_name_all_that_a_query_selects)
{
    static const struct {
        const char *q;
        size_t drivers;
    } cases[] = {
        { "tags.name = \"train\"", 1 },
        { "tags.name = \"train\" and tags.name in (\"night\", \"test\")", 2 },
        { "tags.name != \"train\"", 0 },
        { "not tags.name = \"train\"", 0 },
        { "tags.name = \"train\" or width = 1", 0 },
        { "(tags.name = \"train\" and width = 1) and width = 2", 1 },
        { "(tags.name = \"train\" or tags.name = \"test\") and tags.name ~ \"n\"", 1 },
        { "count(tags = \"train\") > 0", 2 },
        { "count(tags = \"train\") < 3", 0 },
        { "count(tags = \"train\") = 0", 0 },
        { "count(tags) >= 2", 1 },
        { "metadata.camera = \"left\"", 1 },
        { "metadata.gain != None and metadata.camera in (\"left\", 1, \"right\")", 2 },
        { "metadata.camera startswith \"l\"", 1 },
        { "metadata.camera != \"left\"", 0 },
        { "metadata.gain = None", 0 },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(arena) struct arena *a = arena_new();
        struct where w = { 0 };
        MUST(query_where(a, &things, cases[i].q, 0, &w));
        if (w.n_drivers != cases[i].drivers)
            fail_msg("%s: %zu drivers, not %zu", cases[i].q, w.n_drivers, cases[i].drivers);
        for (size_t k = 0; k < w.n_drivers; k++)
            assert_int_equal(strlen(found_by(a, &w, w.drivers[k], "")), strlen(found(a, cases[i].q)));
    }
}
