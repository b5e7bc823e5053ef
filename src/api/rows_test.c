#include "api/select.h"
#include "base/test.h"
#include <string.h>

/* A house has rooms, a room has lamps; a house may have an owner. */
static const char tables[] =
    "CREATE TABLE house (id TEXT NOT NULL, street TEXT NOT NULL, w INTEGER, h INTEGER, owner TEXT, built INTEGER, kind TEXT);"
    "CREATE TABLE room (id TEXT NOT NULL, house TEXT NOT NULL, place INTEGER);"
    "CREATE TABLE lamp (room TEXT NOT NULL, watts REAL NOT NULL);"
    "CREATE TABLE person (id TEXT NOT NULL, name TEXT NOT NULL);"
    "INSERT INTO person VALUES ('p', 'Ann');"
    "INSERT INTO house VALUES ('a', 'Elm', 3, 4, 'p', 0, 'old'), ('b', 'Oak', NULL, NULL, NULL, NULL, NULL);"
    "INSERT INTO room VALUES ('r2', 'a', 2), ('r1', 'a', 1);"
    "INSERT INTO lamp VALUES ('r1', 40), ('r1', 2.5), ('r2', 60)";

static const struct field lamp_fields[] = { { "*", T_NUMBER, 0, "l.watts" } };
static const struct resource lamps = {
    .name = "lamp", .fields = lamp_fields, .n_fields = 1, .from = "lamp l", .key = "l.room", .order = "l.watts"
};
static const struct field room_fields[] = { { "id", T_TEXT, 0, "r.id" },
                                            { "lamps", T_MANY, 0, "r.id", .of = &lamps, .by = "l.room" } };
static const struct resource rooms = {
    .name = "room", .fields = room_fields, .n_fields = 2, .from = "room r", .key = "r.id", .order = "r.place"
};
static const struct field person_fields[] = { { "name", T_TEXT, 0, "p.name" } };
static const struct resource person = {
    .name = "person", .fields = person_fields, .n_fields = 1, .from = "person p", .key = "p.id"
};
static const struct field size_fields[] = { { "w", T_INT, F_NULL, "x.w" }, { "h", T_INT, F_NULL, "x.h" } };
static const struct resource size = { .name = "size", .fields = size_fields, .n_fields = 2 };
static const struct field wattage_fields[] = { { "watts", T_NUMBER, 0, "l.watts" }, { "rooms", T_TEXT, 0, "l.room" } };
static const struct resource wattage = { .name = "wattage",
                                         .fields = wattage_fields,
                                         .n_fields = 2,
                                         .from = "room r JOIN lamp l ON l.room = r.id",
                                         .key = "r.house",
                                         .order = "l.watts" };
static const struct field fields[] = {
    { "id", T_TEXT, 0, "x.id" },
    { "size", T_PART, F_NULL, "x.w", .of = &size },
    { "pair", T_TUPLE, 0, .of = &size },
    { "owner", T_ONE, F_NULL, "x.owner", .of = &person },
    { "rooms", T_MANY, 0, "x.id", .of = &rooms, .by = "r.house" },
    { "light", T_COLUMNS, F_ONE, "x.id", .of = &wattage },
    { "built", T_TIME, F_NULL, "x.built" },
    { "kind", T_TEXT, F_WHEN, "x.kind" },
    { "page", T_HERE, 0, "'/house/' || x.id" },
};
static const struct resource houses = {
    .name = "house", .fields = fields, .n_fields = COUNT_OF(fields), .from = "house x", .key = "x.id", .order = "x.id"
};

static const char *answer(struct arena *a, const struct resource *r, bool single)
{
    struct sql *db = NULL;
    MUST(sql_open(":memory:", &db));
    MUST(sql_script(db, tables));
    MUST(resource_check(db, r));
    struct op op = { .arena = a, .db = db, .host_url = "http://here" };
    out_init(&op.out, 1 << 20);
    if (single)
        MUST(reply_one(&op, r, "a"));
    else
        MUST(reply_rows(&op, NULL, r, "1 = 1"));
    const char *text = arena_str(a, op.out.text.bytes);
    out_done(&op.out);
    sql_close(db);
    return text;
}

TEST(what_is_nested_in_a_row_is_written_with_it)
{
    AUTO(arena) struct arena *a = arena_new();
    CHECK_TEXT(answer(a, &houses, false),
               "[{\"id\":\"a\",\"size\":{\"w\":3,\"h\":4},\"pair\":[3,4],\"owner\":{\"name\":\"Ann\"},"
               "\"rooms\":[{\"id\":\"r1\",\"lamps\":[2.5,40]},{\"id\":\"r2\",\"lamps\":[60]}],"
               "\"built\":\"1970-01-01T00:00:00.000Z\",\"kind\":\"old\",\"page\":\"http://here/house/a\"},"
               "{\"id\":\"b\",\"size\":null,\"pair\":[null,null],\"owner\":null,\"rooms\":[],\"built\":null,"
               "\"page\":\"http://here/house/b\"}]");
}

TEST(rows_can_be_written_as_lists_of_their_columns)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *text = answer(a, &houses, true);
    CHECK(strstr(text, "\"light\":{\"watts\":[2.5,40,60],\"rooms\":[\"r1\",\"r1\",\"r2\"]}") != NULL);
}

TEST(a_page_of_many_rows_gives_each_its_own)
{
    AUTO(arena) struct arena *a = arena_new();
    struct sql *db = NULL;
    MUST(sql_open(":memory:", &db));
    MUST(sql_script(db, tables));
    MUST(sql_script(
        db, "DELETE FROM house; DELETE FROM room; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 700)"
            " INSERT INTO house SELECT 'h' || i, 's', 1, 1, NULL, NULL, NULL FROM n;"
            "INSERT INTO room SELECT 'of ' || id, id, 0 FROM house"));
    struct op op = { .arena = a, .db = db, .host_url = "" };
    out_init(&op.out, 1 << 20);
    MUST(reply_rows(&op, NULL, &houses, "1 = 1"));
    const struct json *all;
    MUST(json_parse(a, op.out.text.bytes, op.out.text.n, &all));
    CHECK(json_count(all) == 700);
    for (size_t i = 0; i < json_count(all); i++) {
        const struct json *house = json_at(all, i), *list = json_get(house, "rooms");
        CHECK(json_count(list) == 1);
        CHECK_TEXT(json_text(json_get(json_at(list, 0), "id")), arena_fmt(a, "of %s", json_text(json_get(house, "id"))));
    }
    out_done(&op.out);
    sql_close(db);
}

TEST(a_nested_field_must_say_of_what_it_is)
{
    static const struct field nothing[] = { { "id", T_TEXT, 0, "x.id" }, { "rooms", T_MANY, 0, "x.id" } };
    static const struct field rowless[] = { { "id", T_TEXT, 0, "x.id" }, { "size", T_ONE, 0, "x.id", .of = &size } };
    static const struct field wrong[] = { { "id", T_TEXT, 0, "x.id" },
                                          { "rooms", T_MANY, 0, "x.id", .of = &rooms, .by = "r.garden" } };
    const struct resource a = { .name = "house", .fields = nothing, .n_fields = 2, .from = "house x", .key = "x.id" },
                          b = { .name = "house", .fields = rowless, .n_fields = 2, .from = "house x", .key = "x.id" },
                          c = { .name = "house", .fields = wrong, .n_fields = 2, .from = "house x", .key = "x.id" };
    struct sql *db = NULL;
    MUST(sql_open(":memory:", &db));
    MUST(sql_script(db, tables));
    MUST_FAIL(resource_check(db, &a), E_BROKEN, "does not say of what it is");
    MUST_FAIL(resource_check(db, &b), E_BROKEN, "has no rows of its own");
    MUST_FAIL(resource_check(db, &c), E_BROKEN, "garden");
    sql_close(db);
}
