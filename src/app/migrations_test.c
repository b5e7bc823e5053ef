/* A database of the first release, filled with everything it can hold (tests/migrate/fill.py), walked to today. */
#include "api/dispatch.h"
#include "base/file.h"
#include "base/test.h"
#include <stdlib.h>

/* What a step took away or moved on purpose: each row says where it is now. A column "*" is the whole table. */
static const struct {
    const char *table, *column, *now;
} moved[] = {
    { "evaluation", "shapes", "evaluation_shape" },
    { "job", "slow", "job.lane" },
    { "alert", "triggered", "alert.state, which is looked at anew" },
    { "user", "*", "a person with home and password, a member with the role" },
    { "schema_of", "fingerprint", "the version's number takes its place" },
};

struct world {
    char dir[32];
    struct arena *arena;
    struct sql *db;
    int lines;
};

static void count_lines(void *with, const char *line)
{
    CHECK(*line);
    ++*(int *)with;
}

static void open_kept(struct world *w)
{
    char *dump = NULL;
    *w = (struct world){ "/tmp/saccade_migrate_XXXXXX", arena_new() };
    CHECK(mkdtemp(w->dir));
    MUST(file_read(w->arena, "tests/migrate/version-1.sql", 4 << 20, &dump, NULL));
    MUST(sql_open(arena_fmt(w->arena, "%s/saccade.db", w->dir), &w->db));
    MUST(sql_rebuilding(w->db, true)); /* rows stand before those that they refer to */
    MUST(sql_script(w->db, dump));
    MUST(sql_rebuilding(w->db, false));
}

static enum err walk(struct world *w)
{
    return schema_walk(w->db, arena_fmt(w->arena, "%s/saccade.db", w->dir), count_lines, &w->lines);
}

static void done(struct world *w)
{
    sql_close(w->db);
    MUST(file_remove_tree(w->dir));
    arena_free(w->arena);
}

static int64_t number(struct sql *db, const char *sql)
{
    int64_t n = 0;
    MUST(sql_int_text(db, &n, sql, NULL, 0));
    return n;
}

static struct sql *fresh(void)
{
    struct sql *db = NULL;
    MUST(sql_open(":memory:", &db));
    MUST(api_make_schema(db));
    return db;
}

/* The first line that only one of them has. */
static void same_lines(const char *walked, const char *fresh_one)
{
    while (*walked && *walked == *fresh_one)
        walked++, fresh_one++;
    if (*walked || *fresh_one)
        fail_msg("a walked database differs from a fresh one: add a step to src/app/migrations.c\nwalked: %.300s\nfresh:  %.300s",
                 walked, fresh_one);
}

TEST(a_database_of_the_first_release_walked_to_today_equals_a_fresh_one)
{
    AUTO(text) struct text walked, today;
    struct world w;
    text_init(&walked, 1 << 20);
    text_init(&today, 1 << 20);
    open_kept(&w);
    MUST(walk(&w));
    struct sql *db = fresh();
    MUST(schema_shape(w.db, &walked));
    MUST(schema_shape(db, &today));
    same_lines(walked.bytes, today.bytes);
    char *faults = NULL;
    MUST(sql_check(w.db, w.arena, &faults));
    if (faults)
        fail_msg("%s", faults);
    MUST(api_make_schema(w.db)); /* as serve does after it: the first rows are added, nothing is refused */
    sql_close(db);
    done(&w);
}

static bool was_moved(const char *table, const char *column)
{
    for (size_t i = 0; i < COUNT_OF(moved); i++)
        if (strcmp(moved[i].table, table) == 0 && (strcmp(moved[i].column, "*") == 0 || strcmp(moved[i].column, column) == 0))
            return true;
    return false;
}

/* The columns of an old table whose values must be there still, with commas between. */
static const char *kept_columns(struct world *w, const char *table)
{
    AUTO(rows) struct rows *r = NULL;
    char *columns = NULL;
    MUST(sql_rows(w->db, &r, "SELECT name FROM pragma_table_info(?1, 'old')", V(table)));
    while (rows_next(r))
        if (!was_moved(table, rows_text(r, 0)))
            columns = arena_fmt(w->arena, "%s%s%s", columns ? columns : "", columns ? ", " : "", rows_text(r, 0));
    MUST(rows_error(r));
    return columns;
}

TEST(every_row_of_the_first_release_is_there_after_the_walk)
{
    struct world w;
    open_kept(&w);
    MUST(walk(&w));
    MUST(sql_run(w.db, "ATTACH DATABASE ?1 AS old", V(arena_fmt(w.arena, "%s/saccade.db.version-1", w.dir))));
    AUTO(rows) struct rows *r = NULL;
    MUST(sql_rows(w.db, &r, "SELECT name FROM old.sqlite_master WHERE type = 'table' AND name <> 'sqlite_sequence'"));
    for (; rows_next(r);) {
        const char *table = rows_text(r, 0), *columns = kept_columns(&w, table);
        if (number(w.db, arena_fmt(w.arena, "SELECT count(*) FROM old.%s", table)) == 0)
            fail_msg("the kept database has no row of %s: nothing would show that one is lost", table);
        if (columns && number(w.db, arena_fmt(w.arena, "SELECT count(*) FROM (SELECT %s FROM old.%s EXCEPT SELECT %s FROM main.%s)",
                                              columns, table, columns, table)) != 0)
            fail_msg("rows of %s were lost or changed by the walk (or say in moved[] where they are now)", table);
    }
    MUST(rows_error(r));
    rows_done(r);
    r = NULL;
    done(&w);
}

TEST(evaluated_shapes_are_rows_after_the_walk)
{
    struct world w;
    open_kept(&w);
    MUST(walk(&w));
    AUTO(rows) struct rows *r = NULL;
    MUST(sql_first(w.db, &r,
                   "SELECT h.kind, h.score, h.x, h.y, h.w, h.h, l.name FROM evaluation_shape h JOIN label l ON l.id = h.label_id"));
    CHECK_TEXT(rows_text(r, 0), "rectangle");
    const double want[] = { 0.5, 1, 1, 9, 9 };
    for (int i = 0; i < 5; i++)
        CHECK(rows_real(r, i + 1) == want[i]);
    rows_done(r);
    r = NULL;
    done(&w);
}

TEST(keys_of_metadata_are_found_after_the_walk)
{
    struct world w;
    open_kept(&w);
    MUST(sql_script(
        w.db, "UPDATE data SET metadata = '{\"lens\":{\"focal\":50}}', custom_metadata = '{\"line\":\"four\"}';"
              "UPDATE predicted_asset SET metadata = '{\"belt\":[1,2]}'; UPDATE annotation SET attributes = '{\"sure\":true}'"));
    MUST(walk(&w));
    static const struct {
        const char *path, *sql;
    } each[] = {
        { "lens.focal", "SELECT count(*) FROM data" },
        { "line", "SELECT count(*) FROM data" },
        { "belt", "SELECT 3 * count(*) FROM predicted_asset" }, /* the list and its items */
        { "sure", "SELECT count(*) FROM annotation" },
    };
    for (size_t i = 0; i < COUNT_OF(each); i++) {
        int64_t n = 0;
        MUST(sql_int(w.db, &n, "SELECT count(*) FROM metadata_value m JOIN metadata_key k ON k.id = m.key_id WHERE k.path = ?1",
                     V(each[i].path)));
        CHECK(n > 0 && n == number(w.db, each[i].sql));
    }
    done(&w);
}

TEST(names_of_tags_and_sources_are_composed_by_the_walk_unless_another_is_called_so)
{
    struct world w;
    open_kept(&w);
    MUST(sql_script(w.db, "INSERT INTO tag SELECT 'alone', org, scope, target_type, 'u\xcc\x88', 1 FROM tag LIMIT 1;"
                          "INSERT INTO tag SELECT 'first', org, scope, target_type, '\xc3\xb6', 1 FROM tag WHERE id = 'alone';"
                          "INSERT INTO tag SELECT 'second', org, scope, target_type, 'o\xcc\x88', 1 FROM tag WHERE id = 'alone';"
                          "INSERT INTO data_source SELECT 'camera', org, 'a\xcc\x8a', 1 FROM tag WHERE id = 'alone'"));
    MUST(walk(&w));
    CHECK_INT(number(w.db, "SELECT count(*) FROM tag WHERE id = 'alone' AND name = '\xc3\xbc'"), 1);
    CHECK_INT(number(w.db, "SELECT count(*) FROM tag WHERE id = 'first' AND name = '\xc3\xb6'"), 1);
    CHECK_INT(number(w.db, "SELECT count(*) FROM tag WHERE id = 'second' AND name = 'o\xcc\x88'"), 1);
    CHECK_INT(number(w.db, "SELECT count(*) FROM data_source WHERE id = 'camera' AND name = '\xc3\xa5'"), 1);
    done(&w);
}

TEST(a_copy_is_kept_before_the_first_step_and_nothing_is_done_twice)
{
    struct world w;
    open_kept(&w);
    MUST(walk(&w));
    CHECK(w.lines == 1 + 2 * (schema_today() - 1));
    struct sql *copy = NULL;
    int version = 0;
    MUST(sql_open(arena_fmt(w.arena, "%s/saccade.db.version-1", w.dir), &copy));
    MUST(schema_version(copy, &version));
    CHECK_INT(version, 1);
    sql_close(copy);
    w.lines = 0;
    MUST(walk(&w));
    CHECK_INT(w.lines, 0);
    done(&w);
}

TEST(where_no_copy_can_be_kept_nothing_is_changed)
{
    struct world w;
    int version = 0;
    open_kept(&w);
    MUST_FAIL(schema_walk(w.db, arena_fmt(w.arena, "%s/nowhere/saccade.db", w.dir), count_lines, &w.lines), E_BROKEN, "the copy");
    MUST(schema_version(w.db, &version));
    CHECK_INT(version, 1);
    done(&w);
}

TEST(a_newer_database_is_refused_with_what_to_do)
{
    struct sql *db = fresh();
    int lines = 0;
    MUST(sql_run(db, "UPDATE schema_of SET version = version + 1"));
    MUST_FAIL(schema_walk(db, NULL, count_lines, &lines), E_CONFLICT, "use the newer program");
    MUST_FAIL(api_make_schema(db), E_CONFLICT, "use the newer program");
    CHECK_INT(lines, 0);
    sql_close(db);
}

TEST(an_older_database_is_refused_by_who_does_not_walk)
{
    struct world w;
    open_kept(&w);
    MUST_FAIL(api_make_schema(w.db), E_CONFLICT, "saccade migrate");
    MUST_FAIL(schema_need_today(w.db), E_CONFLICT, "start the server on it");
    MUST(schema_need_known(w.db));
    MUST(sql_run(w.db, "UPDATE schema_of SET fingerprint = 'of nobody'"));
    MUST_FAIL(walk(&w), E_CONFLICT, "before the first release");
    done(&w);
}

TEST(steps_are_numbered_without_a_gap_and_say_what_they_do)
{
    int n = 0;
    for (const struct migration *m = migrations; m->to; m++) {
        CHECK_INT(m->to, ++n);
        CHECK(m->says && *m->says);
        CHECK(m->sql || m->run || m->to == 1);
    }
    CHECK_INT(n, schema_today());
}
