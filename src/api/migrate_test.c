#include "api/schema.h"
#include "base/test.h"

static struct sql *parents(struct arena *a)
{
    struct sql *db = NULL;
    (void)a;
    MUST(sql_open(":memory:", &db));
    MUST(sql_script(db, "CREATE TABLE p (id TEXT PRIMARY KEY, name TEXT NOT NULL) STRICT;"
                        "CREATE TABLE c (id TEXT PRIMARY KEY, p TEXT NOT NULL REFERENCES p(id) ON DELETE CASCADE) STRICT;"
                        "CREATE INDEX p_name ON p (name);"
                        "CREATE TRIGGER c_made AFTER INSERT ON c BEGIN UPDATE p SET name = name || '!' WHERE id = new.p; END;"
                        "CREATE TRIGGER p_gone AFTER DELETE ON p BEGIN DELETE FROM c WHERE id = old.name; END;"
                        "INSERT INTO p VALUES ('1', 'one'); INSERT INTO c VALUES ('a', '1')"));
    return db;
}

TEST(a_rebuilt_table_keeps_its_rows_children_indexes_and_triggers)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(text) struct text shape;
    struct sql *db = parents(a);
    int64_t n = 0;
    MUST(sql_rebuilding(db, true));
    MUST(schema_rebuild(db, a, "p", "CREATE TABLE new_p (id TEXT PRIMARY KEY, size INTEGER NOT NULL, name TEXT) STRICT",
                        "id, name, size", "id, name, length(name)"));
    MUST(sql_rebuilding(db, false));
    MUST(sql_int(db, &n, "SELECT count(*) FROM p JOIN c ON c.p = p.id WHERE p.name = 'one!' AND p.size = 4"));
    CHECK_INT(n, 1);
    text_init(&shape, 1 << 16);
    MUST(schema_shape(db, &shape));
    CHECK(strstr(shape.bytes, "CREATE INDEX p_name ON p(name)") && strstr(shape.bytes, "CREATE TRIGGER c_made") &&
          strstr(shape.bytes, "CREATE TRIGGER p_gone") &&
          strstr(shape.bytes, "    p TEXT NOT NULL REFERENCES p(id)ON DELETE CASCADE\n"));
    MUST(sql_run(db, "DELETE FROM p")); /* the child's reference still holds */
    MUST(sql_int(db, &n, "SELECT count(*) FROM c"));
    CHECK_INT(n, 0);
    sql_close(db);
}

TEST(a_table_is_not_rebuilt_while_foreign_keys_would_delete_its_children)
{
    AUTO(arena) struct arena *a = arena_new();
    struct sql *db = parents(a);
    MUST_FAIL(schema_rebuild(db, a, "p", "CREATE TABLE new_p (id TEXT PRIMARY KEY) STRICT", "id", "id"), E_BROKEN,
              "without saying so");
    sql_close(db);
}

static const char *shape_of(struct arena *a, const char *script)
{
    AUTO(text) struct text t;
    struct sql *db = NULL;
    text_init(&t, 1 << 16);
    MUST(sql_open(":memory:", &db));
    MUST(sql_script(db, script));
    MUST(schema_shape(db, &t));
    sql_close(db);
    return arena_str(a, t.bytes);
}

TEST(two_ways_to_write_one_table_have_one_shape)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *one = shape_of(a, "CREATE TABLE t (a TEXT  NOT NULL, b INTEGER CHECK (b IN ('x, y', ')')), UNIQUE (a, b)) STRICT");
    CHECK_TEXT(shape_of(a, "CREATE TABLE \"t\"(b INTEGER CHECK (b IN ('x, y',')')),\n a TEXT NOT NULL, UNIQUE(a,b)) STRICT"), one);
}

TEST(what_differs_in_a_column_a_rule_an_index_or_a_trigger_differs_in_shape)
{
    AUTO(arena) struct arena *a = arena_new();
    static const char *const base = "CREATE TABLE t (a TEXT NOT NULL, b INTEGER) STRICT;";
    static const char *const others[] = {
        "CREATE TABLE t (a TEXT NOT NULL, b INTEGER, c REAL) STRICT;",
        "CREATE TABLE t (a TEXT, b INTEGER) STRICT;",
        "CREATE TABLE t (a TEXT NOT NULL, b INTEGER);",
        "CREATE TABLE t (a TEXT NOT NULL, b INTEGER DEFAULT 3) STRICT;",
        "CREATE TABLE t (a TEXT NOT NULL, b INTEGER) STRICT; CREATE INDEX i ON t (a)",
        "CREATE TABLE t (a TEXT NOT NULL, b INTEGER) STRICT; CREATE TRIGGER g AFTER DELETE ON t BEGIN SELECT 1; END",
    };
    const char *is = shape_of(a, base);
    for (size_t i = 0; i < COUNT_OF(others); i++)
        CHECK(strcmp(shape_of(a, others[i]), is) != 0);
}
