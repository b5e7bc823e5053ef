#include "base/test.h"
#include "sql/back.h"
#include "sql/copy.h"

static const char tables[] =
    "CREATE TABLE kept (id TEXT PRIMARY KEY, n INTEGER, share REAL, step ANY, bytes BLOB, other BLOB) STRICT, WITHOUT ROWID;"
    "CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, kept TEXT REFERENCES kept(id)) STRICT;"
    "CREATE TRIGGER counts AFTER INSERT ON kept BEGIN INSERT INTO counted (kept) VALUES (new.id); END";

static struct sql *made(bool filled)
{
    struct sql *db = NULL;
    MUST(sql_open(":memory:", &db));
    MUST(sql_script(db, tables));
    if (!filled)
        return db;
    MUST(sql_run(db, "INSERT INTO kept VALUES ('a', 1, 0.1, 3, ?1, ?2), ('tab\t\\ and\nline', NULL, 3.0, 0.5, NULL, NULL)",
                 value_bytes("\x00\xff", 2), value_bytes("xyz", 3)));
    MUST(sql_run(db, "DELETE FROM counted WHERE kept = 'a'"));
    return db;
}

static struct copied sum_of(struct sql *db)
{
    struct copied c;
    MUST(copy_sum(db, &c));
    return c;
}

TEST(what_is_copied_is_the_same_and_no_trigger_adds_to_it)
{
    struct sql *from = made(true), *to = made(false);
    struct copied c, there;
    MUST(sql_rebuilding(to, true));
    MUST(sql_begin(to));
    MUST(sql_end(to, copy_all(from, to, &c)));
    MUST(sql_rebuilding(to, false));
    there = sum_of(to);
    CHECK(copied_same(&c, &there));
    CHECK_INT(c.rows, 3);
    CHECK_INT(c.tables, 2);
    MUST(sql_run(to, "INSERT INTO kept (id) VALUES ('c')")); /* the trigger is there again, and counts on */
    int64_t last = 0;
    MUST(sql_int(to, &last, "SELECT max(id) FROM counted"));
    CHECK_INT(last, 3);
    sql_close(from);
    sql_close(to);
}

TEST(a_sum_tells_each_change_of_a_row_and_not_how_a_number_is_kept)
{
    static const char *const changes[] = { "UPDATE kept SET share = 0.1000001 WHERE id = 'a'",
                                           "UPDATE kept SET n = NULL, step = 1 WHERE id = 'a'",
                                           "UPDATE kept SET bytes = other, other = bytes WHERE id = 'a'",
                                           "UPDATE kept SET id = 'b' WHERE id = 'a'",
                                           "DELETE FROM counted",
                                           "INSERT INTO counted (kept) VALUES (NULL)" };
    struct sql *whole = made(true);
    struct copied before = sum_of(whole);
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        struct sql *db = made(true);
        MUST(sql_script(db, "PRAGMA foreign_keys = OFF"));
        MUST(sql_script(db, changes[i]));
        struct copied after = sum_of(db);
        CHECK(!copied_same(&before, &after));
        sql_close(db);
    }
    MUST(sql_run(whole, "UPDATE kept SET step = 3.0 WHERE id = 'a'"));
    struct copied same = sum_of(whole);
    CHECK(copied_same(&before, &same));
    sql_close(whole);
}

TEST(databases_of_other_tables_are_not_copied_into)
{
    struct sql *from = made(true), *to = made(false);
    struct copied c;
    MUST(sql_script(to, "ALTER TABLE counted ADD COLUMN more TEXT"));
    MUST(sql_begin(to));
    MUST_FAIL(sql_end(to, copy_all(from, to, &c)), E_CONFLICT, "the tables differ");
    sql_close(from);
    sql_close(to);
}

TEST(a_result_of_any_size_is_read_row_by_row)
{
    struct sql *db = made(true);
    AUTO(rows) struct rows *r = NULL;
    int n = 0;
    MUST(sql_each(db, &r, "WITH RECURSIVE many (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM many WHERE i < ?1) SELECT i FROM many",
                  V(1200)));
    while (rows_next(r))
        CHECK_INT(rows_int(r, 0), ++n);
    MUST(rows_error(r));
    CHECK_INT(n, 1200);
    rows_done(r);
    r = NULL;
    sql_close(db);
}
