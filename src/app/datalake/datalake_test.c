#include "app/account/account.h"
#include "app/datalake/datalake.h"
#include "base/test.h"

static struct sql *fresh(struct arena *a, const char **ret_org)
{
    struct sql *db = NULL;
    struct first_start first;
    MUST(sql_open(":memory:", &db));
    MUST(api_make_schema(db));
    MUST(account_first_start(db, a, &first));
    MUST(account_default_org(db, a, ret_org));
    return db;
}

TEST(file_names_that_could_lead_elsewhere_are_refused)
{
    static const char *const bad[] = { "",      ".",  "..", "a/b",    "../a",  "a\\b",  "a\nb",
                                       "a\x7f", " a", "a ", "/etc/x", "..\\a", "a/../b" };
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        CHECK_INT(filename_check(bad[i]), E_INVALID);
    static const char *const good[] = { "a.jpg", "..a", "a..b", "bild ä.png", "%2e%2e", "C:x" };
    for (size_t i = 0; i < COUNT_OF(good); i++)
        MUST(filename_check(good[i]));
}

TEST(object_names_stay_below_their_organization)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *one, *two;
    MUST(object_name_new(a, "org", "data", "in/put", "x.jpg", &one));
    MUST(object_name_new(a, "org", "data", "in/put/", "x.jpg", &two));
    CHECK(strncmp(one, "org/data/in/put/", 16) == 0 && strncmp(two, "org/data/in/put/", 16) == 0);
    CHECK(strcmp(one, two) != 0);
    CHECK_TEXT(strrchr(one, '/'), "/x.jpg");
    MUST_FAIL(object_name_new(a, "org", "data", "../other", "x.jpg", &one), E_INVALID, "upload_dir");
    MUST_FAIL(object_name_new(a, "org", "data", "a//b", "x.jpg", &one), E_INVALID, "upload_dir");
    MUST_FAIL(object_name_new(a, "org", "data", "/a", "x.jpg", &one), E_INVALID, "upload_dir");
}

TEST(an_organization_stores_what_its_quota_leaves_and_no_more)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *org;
    struct sql *db = fresh(a, &org);
    MUST(object_add(db, org, "o/x", "aa", 60, "image/png"));
    quota_set(100);
    MUST(quota_check(db, org, 40));
    MUST(quota_take(db, org, "o/y", 30));
    MUST_FAIL(quota_take(db, org, "o/z", 11), E_TOO_BIG, "90 of the 100 bytes");
    MUST(quota_take(db, org, "o/x", 60)); /* it is there */
    MUST(quota_take(db, "another", "p/x", 100));
    quota_set(0);
    MUST(quota_take(db, org, "o/z", 1000));
    sql_close(db);
}

TEST(an_object_never_changes_its_bytes)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *org, *hash;
    uint64_t size;
    struct sql *db = fresh(a, &org);
    MUST(object_add(db, org, "o/x", "aa", 5, "image/png"));
    MUST(object_add(db, org, "o/x", "aa", 5, "image/png"));
    MUST_FAIL(object_add(db, org, "o/x", "bb", 5, "image/png"), E_CONFLICT, "other bytes");
    MUST(object_find(db, a, org, "o/x", &hash, &size));
    CHECK_TEXT(hash, "aa");
    MUST_FAIL(object_find(db, a, "another", "o/x", &hash, &size), E_NOT_FOUND, "no object");
    sql_close(db);
}

TEST(deleting_a_data_takes_its_tags_object_and_pictures_but_not_those_of_its_twin)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *org, *lake, *one, *two, *tag, *same;
    struct sql *db = fresh(a, &org);
    struct rows *r = NULL;
    MUST(sql_first(db, &r, "SELECT id FROM datalake"));
    lake = arena_str(a, rows_text(r, 0));
    rows_done(r);
    const char *picture = arena_fmt(a, "%s/thumbnail/aa/256.jpg", org);
    MUST(object_add(db, org, "o/1", "aa", 5, "image/png"));
    MUST(object_add(db, org, "o/2", "aa", 5, "image/png"));
    MUST(object_add(db, org, picture, "cc", 5, "image/jpeg"));
    struct data_new n = { .org = org,
                          .datalake_id = lake,
                          .object_name = "o/1",
                          .filename = "1",
                          .content_type = "image/png",
                          .hash = "aa",
                          .size = 5,
                          .width = 3,
                          .height = 4 };
    MUST(data_add(db, a, &n, &one));
    n.object_name = "o/2";
    MUST(data_add(db, a, &n, &two));
    MUST(tag_need(db, a, org, lake, "DATA", "t", &tag));
    MUST(tag_need(db, a, org, lake, "DATA", "t", &same));
    CHECK_TEXT(tag, same);
    MUST(tag_put_on(db, tag, one));
    MUST(tag_put_on(db, tag, one));
    int64_t left = 0;
    MUST(sql_run(db, "DELETE FROM data WHERE id = ?1", V(one)));
    MUST(sql_int(db, &left, "SELECT count(*) FROM tagged"));
    CHECK_INT(left, 0);
    MUST(sql_int(db, &left, "SELECT count(*) FROM object"));
    CHECK_INT(left, 2);
    MUST(sql_run(db, "DELETE FROM data WHERE id = ?1", V(two)));
    MUST(sql_int(db, &left, "SELECT count(*) FROM object"));
    CHECK_INT(left, 0);
    sql_close(db);
}

TEST(custom_metadata_is_held_against_the_schema)
{
    static const char schema[] = "{\"n\":{\"input_type\":\"INTEGER\",\"required\":true,\"min\":1,\"max\":5},"
                                 "\"s\":{\"input_type\":\"STRING\",\"choices\":[\"a\",\"b\"],\"allow_multiple\":true},"
                                 "\"t\":{\"input_type\":\"DATETIME\"},\"b\":{\"input_type\":\"BOOLEAN\"}}";
    static const struct {
        const char *value, *says; /* NULL: fits */
        bool extra;
    } cases[] = {
        { "{\"n\":3,\"s\":[\"a\",\"b\"],\"t\":\"2026-01-01\",\"b\":true}", NULL, false },
        { "{\"n\":3,\"x\":1}", NULL, true },
        { "{\"n\":3,\"x\":1}", "not in the datalake's schema", false },
        { "{}", "n is missing", true },
        { "{\"n\":6}", "at most 5", true },
        { "{\"n\":0}", "at least 1", true },
        { "{\"n\":\"3\"}", "must be INTEGER", true },
        { "{\"n\":[3]}", "takes one value", true },
        { "{\"n\":3,\"s\":\"c\"}", "none of its choices", true },
        { "{\"n\":3,\"t\":\"soon\"}", "must be DATETIME", true },
    };
    AUTO(arena) struct arena *a = arena_new();
    const struct json *rules, *v;
    MUST(json_parse(a, schema, sizeof schema - 1, &rules));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        MUST(json_parse(a, cases[i].value, strlen(cases[i].value), &v));
        if (cases[i].says)
            MUST_FAIL(metadata_check(rules, cases[i].extra, v), E_UNMEANT, cases[i].says);
        else
            MUST(metadata_check(rules, cases[i].extra, v));
    }
    MUST(metadata_check(NULL, false, v));
    MUST_FAIL(metadata_check(rules, true, NULL), E_UNMEANT, "n is missing");
}

/* Whatever belongs to an organization is not there for another one. */
TEST(no_resource_shows_rows_of_another_organization)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *org, *source;
    struct sql *db = fresh(a, &org);
    struct rows *r = NULL;
    MUST(source_need(db, a, org, "camera", &source));
    MUST(sql_first(db, &r, "SELECT id FROM datalake"));
    const char *lake = arena_str(a, rows_text(r, 0));
    rows_done(r);
    struct op op = { .arena = a, .db = db, .org = org };
    MUST(resource_need(&op, &source_resource, source));
    MUST(resource_need(&op, &datalake_resource, lake));
    op.org = "01900000-0000-7000-8000-000000000000";
    MUST_FAIL(resource_need(&op, &source_resource, source), E_NOT_FOUND, "there is no data source");
    MUST_FAIL(resource_need(&op, &datalake_resource, lake), E_NOT_FOUND, "there is no datalake");
    op.org = NULL;
    MUST_FAIL(resource_need(&op, &source_resource, source), E_NOT_FOUND, "there is no data source");
    sql_close(db);
}

static const char *image_in_lake(struct sql *db, struct arena *a, const char *org, const char *object)
{
    const char *id;
    AUTO(rows) struct rows *r = NULL;
    MUST(sql_first(db, &r, "SELECT id FROM datalake"));
    MUST(object_add(db, org, object, object, 5, "image/png"));
    const struct data_new n = { .org = org,
                                .datalake_id = rows_text(r, 0),
                                .object_name = object,
                                .filename = "1",
                                .content_type = "image/png",
                                .hash = object,
                                .size = 5,
                                .width = 3,
                                .height = 4 };
    MUST(data_add(db, a, &n, &id));
    return id;
}

static int64_t waiting_looks(struct sql *db)
{
    int64_t n = 0;
    MUST(sql_int(db, &n, "SELECT count(*) FROM look_todo"));
    return n;
}

TEST(an_image_is_not_measured_when_others_have_waited_too_long_for_it)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *org;
    struct sql *db = fresh(a, &org);
    const char *one = image_in_lake(db, a, org, "o/1"), *two = image_in_lake(db, a, org, "o/2");
    MUST(look_want(db, one));
    MUST(look_want(db, one));
    CHECK_INT(waiting_looks(db), 1);
    MUST(sql_run(db, "UPDATE look_todo SET id = '01900000-0000-7000-8000-000000000000'")); /* of 2024 */
    MUST(look_want(db, two));
    CHECK_INT(waiting_looks(db), 1);
    sql_close(db);
}
