#include "api/dispatch.h"
#include "base/test.h"
#include <stdlib.h>

static const struct field fields[] = {
    { "id", T_ID, 0, "t.id" },
    { "name", T_TEXT, F_NEW | F_NEED | F_EDIT, "t.name", .min = 1, .max = 5 },
    { "says", T_TEXT, F_NEW | F_EDIT, "t.note" },
    { "size", T_INT, F_NULL | F_NEW | F_EDIT, "t.size", .min = 0, .max = 9 },
    { "made_by", T_TEXT, F_NULL, "t.made_by" },
    { "created_at", T_TIME, 0, "t.created_at" },
    { "updated_at", T_TIME, 0, "t.updated_at" },
};
static const struct resource things = { .name = "thing",
                                        .fields = fields,
                                        .n_fields = COUNT_OF(fields),
                                        .from = "thing t JOIN owner o ON o.id = t.owner_id",
                                        .key = "t.id",
                                        .org = "o.org" };

static enum err nothing(struct op *op)
{
    (void)op;
    return OK;
}

static const struct field with[] = { { "loudly", T_BOOL } };
static const struct route make = { "POST", "/thing", nothing, MAY_WRITE, WORK_WRITE, "", FIELDS(with), MAKES(&things) };
static const struct route change = { "PATCH", "/thing", nothing, MAY_WRITE, WORK_WRITE, "", CHANGES(&things) };

/* An op of the route with a checked body. */
static enum err send(struct op *op, struct sql *db, struct arena *a, const struct route *r, const char *body)
{
    static struct route whole;
    whole = *r;
    whole.in = route_inputs(a, r, &whole.in_n);
    *op = (struct op){ .arena = a, .db = db, .route = &whole };
    TRY(json_parse(a, body, strlen(body), &op->body));
    return fields_check(whole.in, whole.in_n, op->body, "");
}

static struct sql *database(void)
{
    struct sql *db = NULL;
    MUST(sql_open(":memory:", &db));
    MUST(sql_script(db,
                    "CREATE TABLE thing (id TEXT PRIMARY KEY, owner_id TEXT NOT NULL, name TEXT NOT NULL, note TEXT NOT NULL, size "
                    "INTEGER, made_by TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL) STRICT"));
    return db;
}

static void row_is(struct sql *db, const char *name, const char *note, int64_t size)
{
    AUTO(rows) struct rows *r = NULL;
    MUST(sql_first(db, &r, "SELECT name, note, coalesce(size, -1), made_by, updated_at FROM thing"));
    CHECK_TEXT(rows_text(r, 0), name);
    CHECK_TEXT(rows_text(r, 1), note);
    CHECK_INT(rows_int(r, 2), size);
    CHECK_TEXT(rows_text(r, 3), "me");
    CHECK(rows_int(r, 4) > 0);
}

TEST(what_may_be_sent_follows_from_the_rows_of_the_thing)
{
    AUTO(arena) struct arena *a = arena_new();
    size_t n = 0;
    const struct field *in = route_inputs(a, &make, &n);
    CHECK_INT(n, 4);
    CHECK_TEXT(in[0].name, "name");
    CHECK(in[0].flags == F_NEED && in[0].max == 5);
    CHECK_TEXT(in[3].name, "loudly");
    in = route_inputs(a, &change, &n);
    CHECK_INT(n, 3);
    CHECK(in[0].flags == 0 && in[2].flags == F_NULL);
}

TEST(a_row_is_made_of_what_was_sent_and_of_what_the_handler_gives)
{
    AUTO(arena) struct arena *a = arena_new();
    struct sql *db = database();
    struct op op;
    const char *id;
    MUST_FAIL(send(&op, db, a, &make, "{\"says\":\"x\"}"), E_INVALID, "name is missing");
    MUST_FAIL(send(&op, db, a, &make, "{\"name\":\"abcdef\"}"), E_INVALID, "at most 5");
    MUST(send(&op, db, a, &make, "{\"name\":\"a\",\"size\":3,\"made_by\":\"you\",\"owner_id\":\"you\"}"));
    MUST(resource_add(&op, &things, &id, { "owner_id", V("o") }, { "made_by", V("me") }, { "size", V(7) }));
    row_is(db, "a", "", 3);
    sql_close(db);
}

TEST(a_row_is_changed_where_it_may_be_and_to_null_where_that_may_be)
{
    AUTO(arena) struct arena *a = arena_new();
    struct sql *db = database();
    struct op op;
    MUST(sql_script(db, "INSERT INTO thing VALUES ('1', 'o', 'a', 'b', 3, 'me', 0, 0)"));
    MUST(send(&op, db, a, &change, "{\"says\":\"c\",\"size\":null,\"made_by\":\"you\"}"));
    MUST(resource_update(&op, &things, "1"));
    row_is(db, "a", "c", -1);
    MUST(send(&op, db, a, &change, "{\"says\":null}"));
    MUST_FAIL(resource_update(&op, &things, "1"), E_INVALID, "must not be null");
    MUST(send(&op, db, a, &change, "{\"made_by\":\"you\"}"));
    MUST_FAIL(resource_update(&op, &things, "1"), E_INVALID, "nothing was sent");
    sql_close(db);
}
