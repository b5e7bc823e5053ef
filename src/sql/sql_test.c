#include "base/clock.h"
#include "base/file.h"
#include "base/test.h"
#include "sql/back.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct sql *memory(void)
{
    struct sql *db = NULL;
    MUST(sql_open(":memory:", &db));
    MUST(sql_script(db,
                    "CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, size REAL CHECK (size > 0)) STRICT"));
    return db;
}

TEST(values_are_bound_and_come_back)
{
    struct sql *db = memory();
    MUST(sql_run(db, "INSERT INTO thing (id, name, size) VALUES (?1, ?2, ?3)", V(1), V("'; DROP TABLE thing; --"), V(2.5)));
    struct rows *r = NULL;
    MUST(sql_first(db, &r, "SELECT name, size, NULL FROM thing WHERE id = ?1", V((int64_t)1)));
    CHECK_TEXT(rows_text(r, 0), "'; DROP TABLE thing; --");
    CHECK(rows_real(r, 1) == 2.5 && rows_null(r, 2) && !rows_text(r, 2));
    CHECK(!rows_next(r));
    rows_done(r);
    r = NULL;
    MUST_FAIL(sql_first(db, &r, "SELECT 1 FROM thing WHERE id = 2"), E_NOT_FOUND, "no such row");
    rows_done(r);
    sql_close(db);
}

TEST(a_broken_rule_of_the_table_is_told_by_its_kind)
{
    struct sql *db = memory();
    MUST(sql_run(db, "INSERT INTO thing (name) VALUES ('a')"));
    MUST_FAIL(sql_run(db, "INSERT INTO thing (name) VALUES ('a')"), E_CONFLICT, "UNIQUE");
    MUST_FAIL(sql_run(db, "INSERT INTO thing (name) VALUES (?1)", V((const char *)NULL)), E_INVALID, "NOT NULL");
    MUST_FAIL(sql_run(db, "INSERT INTO thing (name, size) VALUES ('b', -1.0)"), E_INVALID, "CHECK");
    MUST_FAIL(sql_run(db, "INSERT INTO nowhere (name) VALUES ('b')"), E_BROKEN, "no such table");
    sql_close(db);
}

TEST(a_transaction_is_whole_or_nothing)
{
    struct sql *db = memory();
    int64_t n = 0;
    MUST(sql_begin(db));
    MUST(sql_run(db, "INSERT INTO thing (name) VALUES ('a')"));
    MUST_FAIL(sql_end(db, sql_run(db, "INSERT INTO thing (name) VALUES ('a')")), E_CONFLICT, "UNIQUE");
    MUST(sql_int(db, &n, "SELECT count(*) FROM thing"));
    CHECK_INT(n, 0);
    MUST(sql_begin(db));
    MUST(sql_end(db, sql_run(db, "INSERT INTO thing (name) VALUES ('a')")));
    MUST(sql_int(db, &n, "SELECT count(*) FROM thing"));
    CHECK_INT(n, 1);
    sql_close(db);
}

TEST(one_statement_may_be_open_twice)
{
    struct sql *db = memory();
    MUST(sql_run(db, "INSERT INTO thing (name) VALUES ('a'), ('b')"));
    AUTO(rows) struct rows *outer = NULL;
    MUST(sql_rows(db, &outer, "SELECT id FROM thing ORDER BY id"));
    int seen = 0;
    while (rows_next(outer)) {
        AUTO(rows) struct rows *inner = NULL;
        MUST(sql_rows(db, &inner, "SELECT id FROM thing ORDER BY id"));
        while (rows_next(inner))
            seen++;
    }
    CHECK_INT(seen, 4);
    rows_done(outer);
    outer = NULL;
    sql_close(db);
}

TEST(a_second_connection_sees_what_was_committed)
{
    char path[] = "/tmp/saccade_sql_XXXXXX";
    close(mkstemp(path));
    struct sql *a = NULL, *b = NULL;
    MUST(sql_open(path, &a));
    MUST(sql_script(a, "CREATE TABLE t (x INTEGER) STRICT"));
    MUST(sql_open(path, &b));
    int64_t before = 0, after = 0, n = 0;
    MUST(sql_data_version(b, &before));
    MUST(sql_run(a, "INSERT INTO t VALUES (1)"));
    MUST(sql_data_version(b, &after));
    MUST(sql_int(b, &n, "SELECT count(*) FROM t"));
    CHECK(before != after && n == 1);
    sql_close(a);
    sql_close(b);
    unlink(path);
}

TEST(a_list_is_one_value)
{
    struct sql *db = NULL;
    MUST(sql_open(":memory:", &db));
    MUST(sql_script(db, "CREATE TABLE t (id TEXT); INSERT INTO t VALUES ('a'), ('b'), ('c')"));
    struct value some, none;
    MUST(sql_list(db, (const char *const[]){ "c", "a", "z" }, 3, &some));
    MUST(sql_list(db, NULL, 0, &none));
    int64_t n = -1;
    MUST(sql_int(db, &n, "SELECT count(*) FROM t WHERE id IN " LISTED("?1"), V(some)));
    CHECK(n == 2);
    MUST(sql_int(db, &n, "SELECT count(*) FROM t WHERE id IN " LISTED("?1"), V(none)));
    CHECK(n == 0);
    MUST(sql_int(db, &n, "SELECT count(*) FROM t WHERE ?1 IS NULL OR id IN " LISTED("?1"), V((const char *)NULL)));
    CHECK(n == 3);
    sql_close(db);
}

TEST(a_reference_that_stops_a_change_is_told_apart_from_a_name_that_is_taken)
{
    struct sql *db = NULL;
    MUST(sql_open(":memory:", &db));
    MUST(sql_script(db, "CREATE TABLE a (id TEXT PRIMARY KEY); CREATE TABLE b (id TEXT REFERENCES a(id));"
                        "INSERT INTO a VALUES ('x'); INSERT INTO b VALUES ('x')"));
    MUST_FAIL(sql_run(db, "INSERT INTO a VALUES ('x')"), E_CONFLICT, "UNIQUE");
    MUST_FAIL(sql_run(db, "DELETE FROM a"), E_IN_USE, "uses it");
    sql_close(db);
}

static void *give_soon(void *with)
{
    void **both = with;
    usleep(100000);
    sql_pool_give(both[0], both[1]);
    return NULL;
}

static int64_t bytes_of(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 ? (int64_t)s.st_size : 0;
}

TEST(the_log_is_copied_into_the_database_as_it_grows)
{
    AUTO(arena) struct arena *a = arena_new();
    char dir[] = "/tmp/saccade_sql_XXXXXX";
    struct sql *db = NULL;
    CHECK(mkdtemp(dir));
    MUST(sql_open(arena_fmt(a, "%s/db", dir), &db));
    MUST(sql_run(db, "CREATE TABLE t (x BLOB)"));
    for (int i = 0; i < 20; i++) {
        MUST(sql_begin(db));
        MUST(sql_end(db, sql_run(db, "INSERT INTO t VALUES (randomblob(2000000))")));
    }
    CHECK(bytes_of(arena_fmt(a, "%s/db", dir)) > 30000000);
    CHECK(bytes_of(arena_fmt(a, "%s/db-wal", dir)) < 20000000);
    sql_close(db);
    MUST(file_remove_tree(dir));
}

TEST(a_pool_has_a_cap_and_whoever_comes_late_waits_for_one_that_is_given_back)
{
    enum { MOST = 5 };
    struct sql *taken[MOST + 1];
    char path[] = "/tmp/saccade_pool_XXXXXX";
    CHECK(mkdtemp(path));
    AUTO(arena) struct arena *a = arena_new();
    struct sql_pool *p = NULL;
    pthread_t thread;
    MUST(sql_pool_open(arena_fmt(a, "%s/db", path), &p));
    sql_pool_set_limits(p, MOST, 2);
    for (int i = 0; i < MOST; i++)
        MUST(sql_pool_take(p, &taken[i]));
    void *both[] = { p, taken[0] };
    CHECK_INT(pthread_create(&thread, NULL, give_soon, both), 0);
    MUST(sql_pool_take(p, &taken[MOST]));
    pthread_join(thread, NULL);
    double began = clock_seconds();
    struct sql *none = NULL;
    MUST_FAIL(sql_pool_take(p, &none), E_BUSY, "busy");
    CHECK(clock_seconds() - began > 0.9);
    for (int i = 1; i <= MOST; i++)
        sql_pool_give(p, taken[i]);
    sql_pool_close(p);
    MUST(file_remove_tree(path));
}

TEST(a_check_names_the_table_whose_texts_are_none)
{
    AUTO(arena) struct arena *a = arena_new();
    struct sql *db = memory();
    char *faults = NULL;
    MUST(sql_run(db, "INSERT INTO thing (id, name) VALUES (1, 'é')"));
    MUST(sql_check(db, a, &faults));
    CHECK(!faults);
    MUST(sql_script(db, "INSERT INTO thing (id, name) VALUES (2, CAST(x'61ff62' AS TEXT))"));
    MUST(sql_check(db, a, &faults));
    CHECK(faults && strstr(faults, "thing: 1 rows"));
    sql_close(db);
}

/* Somebody else writes, and then the one who is called does. */
struct two {
    struct sql *own, *other;
    int called;
};
static enum err write_both(void *with, const char *child, const char *column, enum child kind)
{
    struct two *t = with;
    CHECK(*child == 'c' && strcmp(column, "of") == 0 && kind == (t->called ? CHILD_NAMES_NOTHING : CHILD_GOES));
    t->called++;
    TRY(sql_run(t->other, "INSERT INTO thing VALUES (NULL)"));
    TRY(sql_begin(t->own));
    return sql_end(t->own, sql_run(t->own, "INSERT INTO thing VALUES (NULL)"));
}

TEST(who_is_called_for_the_tables_that_refer_to_another_may_write_while_others_do)
{
    char dir[] = "/tmp/saccade_two_XXXXXX";
    CHECK(mkdtemp(dir));
    AUTO(arena) struct arena *a = arena_new();
    const char *path = arena_fmt(a, "%s/db", dir);
    struct two t = { .called = 0 };
    int64_t n = 0;
    MUST(sql_open(path, &t.own));
    MUST(sql_script(t.own, "CREATE TABLE thing (id INTEGER PRIMARY KEY);"
                           "CREATE TABLE c1 (of INTEGER REFERENCES thing(id) ON DELETE CASCADE);"
                           "CREATE TABLE c2 (of INTEGER REFERENCES thing(id) ON DELETE SET NULL)"));
    MUST(sql_open(path, &t.other));
    MUST(sql_children(t.own, "thing", write_both, &t));
    MUST(sql_int(t.own, &n, "SELECT count(*) FROM thing"));
    CHECK(t.called == 2 && n == 4);
    sql_close(t.other);
    sql_close(t.own);
    MUST(file_remove_tree(dir));
}

static int prepared;
static const struct back *real;

static enum err count_prepared(struct sql *s, const char *text, void **ret)
{
    prepared++;
    return real->prepare(s, text, ret);
}

/* As many as a request has, and some more: none that is asked for again and again gives way to another. */
TEST(a_hundred_statements_that_are_asked_in_turns_are_prepared_once)
{
    AUTO(arena) struct arena *a = arena_new();
    struct sql *db = memory();
    struct back counting = *db->back;
    real = db->back;
    counting.prepare = count_prepared;
    db->back = &counting;
    prepared = 0;
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < 100; i++) {
            int64_t n = 0;
            MUST(sql_int_text(db, &n, arena_fmt(a, "SELECT %d", i), NULL, 0));
            CHECK_INT(n, i);
        }
    CHECK_INT(prepared, 100);
    sql_close(db);
}

static int faults, calls;

static enum err busy_at_the_end(const char *text)
{
    if (strcmp(text, "COMMIT") != 0 || faults-- <= 0)
        return OK;
    return fail_at(__FILE__, __LINE__, E_BUSY, "others changed the same");
}

static enum err add_one(struct sql *db, void *with)
{
    calls++;
    return sql_run(db, "INSERT INTO thing (name) VALUES (?1)", V((const char *)with));
}

TEST(what_others_got_in_the_way_of_is_done_again_and_kept_once)
{
    struct sql *db = memory();
    char a[] = "a", b[] = "b";
    int64_t n = 0;
    sql_fault = busy_at_the_end;
    faults = 3;
    calls = 0;
    MUST(sql_write(db, add_one, a));
    CHECK_INT(calls, 4);
    faults = 1000;
    calls = 0;
    MUST_FAIL(sql_write(db, add_one, b), E_BUSY, "others changed the same (8 times: it was given up)");
    CHECK_INT(calls, 8);
    faults = calls = 0;
    MUST_FAIL(sql_write(db, add_one, a), E_CONFLICT, "UNIQUE"); /* what cannot become better is not tried again */
    CHECK_INT(calls, 1);
    sql_fault = NULL;
    MUST(sql_int(db, &n, "SELECT count(*) FROM thing"));
    CHECK_INT(n, 1);
    sql_close(db);
}
