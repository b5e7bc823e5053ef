/* SQLite, in WAL mode, every commit fsynced. */
#define ASKS_FOR_OTHERS
#include "sql/back.h"
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Of the write-ahead log (16 MB), before they are copied into the database: most were written many times by then. */
enum { LOG_PAGES = 4000 };
enum { BUSY_LOOK_MS = 2, TRIGGERS_CAP = 1 << 20 };

struct lite {
    struct sql sql;
    sqlite3 *db;
    struct text triggers; /* that rest while tables are filled */
    struct text fill;     /* what puts a row in */
};

static sqlite3 *db_of(const struct sql *s)
{
    return ((const struct lite *)s)->db;
}

static sqlite3_stmt *statement_of(const struct rows *r)
{
    return r->statement;
}

static enum err failure(struct sql *s, const char *doing)
{
    int code = sqlite3_extended_errcode(db_of(s));
    const char *text = sqlite3_errmsg(db_of(s));
    switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
        if (code == SQLITE_CONSTRAINT_CHECK || code == SQLITE_CONSTRAINT_NOTNULL || code == SQLITE_CONSTRAINT_DATATYPE)
            return fail(E_INVALID, "%s", text);
        if (code == SQLITE_CONSTRAINT_FOREIGNKEY)
            return fail(E_IN_USE, "something else still uses it, or something that it names is no longer there");
        return fail(E_CONFLICT, "%s", text);
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return fail(E_BUSY, "the database is busy");
    case SQLITE_FULL: return fail(E_FULL, "the disk is full");
    default:
        if ((code & 0xff) == SQLITE_IOERR && err_of_errno(sqlite3_system_errno(db_of(s))) == E_FULL)
            return fail(E_FULL, "the disk is full");
        return fail(E_BROKEN, "database: %s while %.200s", text, doing);
    }
}

/* Who has waited long must not look more seldom than who has just come (the library's own way): in the short gaps that long work
 * leaves, only who looks often gets in. */
static int wait_for_lock(void *with, int tries)
{
    const struct timespec pause = { 0, BUSY_LOOK_MS * 1000000L };
    (void)with;
    nanosleep(&pause, NULL);
    return tries < BUSY_MS / BUSY_LOOK_MS;
}

/* The lock is free again when this is called, within COMMIT still: that the log is copied into the database now keeps only the one
 * waiting who does it, and is not counted as holding. */
static int committed(void *with, sqlite3 *db, const char *name, int pages)
{
    sql_let_go(with);
    if (pages >= LOG_PAGES)
        sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL); /* busy: the next one does it */
    return SQLITE_OK;
}

/* ---- statements */

static enum err lite_prepare(struct sql *s, const char *text, void **ret)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v3(db_of(s), text, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK)
        return failure(s, text);
    *ret = statement;
    return OK;
}

static void lite_unprepare(struct sql *s, void *statement)
{
    (void)s;
    sqlite3_finalize(statement);
}

static int bind(sqlite3_stmt *statement, int at, const struct value *v)
{
    switch (v->kind) {
    case VALUE_INT: return sqlite3_bind_int64(statement, at, v->i);
    case VALUE_REAL: return sqlite3_bind_double(statement, at, v->r);
    case VALUE_TEXT: return sqlite3_bind_text(statement, at, v->t, -1, SQLITE_TRANSIENT);
    case VALUE_BYTES: return sqlite3_bind_blob64(statement, at, v->t, (sqlite3_uint64)v->i, SQLITE_TRANSIENT);
    default: return sqlite3_bind_null(statement, at);
    }
}

/* Rows are made as they are asked for, however many there are. */
static enum err lite_ask(struct rows *r, const struct value *values, size_t n, bool any_size)
{
    (void)any_size;
    for (size_t i = 0; i < n; i++)
        if (bind(r->statement, (int)i + 1, &values[i]) != SQLITE_OK)
            return failure(r->db, sqlite3_sql(r->statement));
    return OK;
}

static bool lite_next(struct rows *r)
{
    int code = sqlite3_step(r->statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        r->error = failure(r->db, sqlite3_sql(r->statement));
    return code == SQLITE_ROW;
}

static void lite_done(struct rows *r)
{
    sqlite3_reset(r->statement);
    sqlite3_clear_bindings(r->statement);
}

static int lite_columns(struct rows *r)
{
    return sqlite3_column_count(r->statement);
}

static int lite_kind(struct rows *r, int column)
{
    switch (sqlite3_column_type(r->statement, column)) {
    case SQLITE_NULL: return VALUE_NULL;
    case SQLITE_INTEGER: return VALUE_INT;
    case SQLITE_FLOAT: return VALUE_REAL;
    case SQLITE_BLOB: return VALUE_BYTES;
    default: return VALUE_TEXT;
    }
}

static int64_t lite_integer(struct rows *r, int column)
{
    return sqlite3_column_int64(r->statement, column);
}

static double lite_real(struct rows *r, int column)
{
    return sqlite3_column_double(r->statement, column);
}

static const char *lite_string(struct rows *r, int column)
{
    return (const char *)sqlite3_column_text(r->statement, column);
}

static const void *lite_bytes(struct rows *r, int column, size_t *ret_n)
{
    const void *bytes = sqlite3_column_blob(r->statement, column);
    *ret_n = (size_t)sqlite3_column_bytes(r->statement, column);
    return bytes;
}

static bool lite_origin(struct rows *r, int column, struct column_origin *ret)
{
    const char *table = sqlite3_column_table_name(r->statement, column), *name = sqlite3_column_origin_name(r->statement, column),
               *type = NULL;
    int not_null = 0, key = 0;
    if (!table || sqlite3_table_column_metadata(db_of(r->db), NULL, table, name, &type, NULL, &not_null, &key, NULL) != SQLITE_OK)
        return false;
    *ret = (struct column_origin){ table, name, type, !not_null && !key };
    return true;
}

static int64_t lite_changes(struct sql *s)
{
    return sqlite3_changes64(db_of(s));
}

static enum err lite_script(struct sql *s, const char *text)
{
    if (sqlite3_exec(db_of(s), text, NULL, NULL, NULL) != SQLITE_OK)
        return failure(s, text);
    return OK;
}

/* ---- transactions */

static enum err lite_begin(struct sql *s, enum turn turn)
{
    return turn == TURN_READS ? sql_run(s, "BEGIN") : sql_run(s, "BEGIN IMMEDIATE");
}

static enum err lite_commit(struct sql *s)
{
    return sql_run(s, "COMMIT");
}

static void lite_undo(struct sql *s)
{
    sqlite3_exec(db_of(s), "ROLLBACK", NULL, NULL, NULL);
}

static bool lite_within(struct sql *s)
{
    return !sqlite3_get_autocommit(db_of(s));
}

static enum err lite_list(struct sql *s, const char *const *texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        TRY(sql_run(s, "INSERT INTO listed (list, place, value) VALUES (?1, ?2, ?3)", V(s->lists), V((int64_t)i), V(texts[i])));
    return OK;
}

/* ---- the database as a whole */

static enum err lite_references(struct sql *s, struct rows **ret, const char *table)
{
    return sql_rows(s, ret,
                    "SELECT m.name, f.\"from\", CASE f.on_delete WHEN 'CASCADE' THEN 0 WHEN 'SET NULL' THEN 1 ELSE 2 END"
                    " FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table' AND f.\"table\" = ?1"
                    " ORDER BY m.name",
                    V(table));
}

static enum err lite_make_ready(struct sql *s)
{
    (void)s;
    return OK;
}

static enum err lite_has(struct sql *s, bool *ret, const char *table, const char *column)
{
    int64_t n = 0;
    TRY(sql_int(s, &n, "SELECT count(*) FROM pragma_table_info(?1) WHERE name = ?2 OR ?2 IS NULL", V(table), V(column)));
    *ret = n > 0;
    return OK;
}

static enum err lite_made_as(struct sql *s, struct arena *a, const char *table, char **ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(s, &r, "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?1", V(table)));
    *ret = arena_str(a, rows_text(r, 0));
    return OK;
}

static enum err lite_data_version(struct sql *s, int64_t *ret)
{
    return sql_int(s, ret, "PRAGMA data_version");
}

static enum err lite_no_writer(struct sql *s, int64_t *ret)
{
    (void)s;
    *ret = 0; /* one at a time: what it wrote comes before all that the next one writes */
    return OK;
}

static enum err lite_is_alone(struct sql *s, const char *those, bool *ret)
{
    (void)s;
    (void)those;
    *ret = true;
    return OK;
}

static enum err texts_of(struct sql *s, const char *table, struct text *faults)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(rows) struct rows *r = NULL;
    int64_t wrong = 0;
    TRY(sql_rows_text(s, &r, arena_fmt(a, "SELECT * FROM \"%s\"", table), NULL, 0));
    while (rows_next(r)) {
        bool fine = true;
        for (int i = 0; i < rows_columns(r); i++)
            if (sqlite3_column_type(statement_of(r), i) == SQLITE_TEXT) {
                const char *text = rows_text(r, i);
                size_t n = (size_t)sqlite3_column_bytes(statement_of(r), i);
                fine = fine && text && !memchr(text, 0, n) && utf8_valid(text, n);
            }
        wrong += !fine;
    }
    TRY(rows_error(r));
    if (wrong)
        text_fmt(faults, "%s: %lld rows hold text that nobody can have written (it is not UTF-8)\n", table, (long long)wrong);
    return OK;
}

/* What is wrong inside a text the database itself does not see: it keeps no sums. Some of it shows as text that is none. */
static enum err check_texts(struct sql *s, struct text *faults)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(s, &r, "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql IS NOT NULL"));
    while (rows_next(r)) {
        const char *table = arena_str(a, rows_text(r, 0));
        if (texts_of(s, table, faults) != OK)
            text_fmt(faults, "%s: %s\n", table, fail_text());
    }
    return rows_error(r);
}

static enum err lite_check(struct sql *s, struct arena *a, char **ret_faults)
{
    AUTO(text) struct text faults;
    text_init(&faults, 1 << 16);
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(s, &r, "PRAGMA integrity_check"));
    while (rows_next(r))
        if (strcmp(rows_text(r, 0), "ok") != 0)
            text_fmt(&faults, "%s\n", rows_text(r, 0));
    TRY(rows_error(r));
    TRY(sql_rows(s, &r, "PRAGMA foreign_key_check"));
    while (rows_next(r))
        text_fmt(&faults, "%s: row %lld has no parent in %s\n", rows_text(r, 0), (long long)rows_int(r, 1), rows_text(r, 2));
    TRY(rows_error(r));
    TRY(check_texts(s, &faults));
    *ret_faults = faults.n ? arena_str(a, faults.bytes) : NULL;
    return OK;
}

static enum err lite_backup(struct sql *s, const char *path)
{
    return sql_run(s, "VACUUM INTO ?1", V(path));
}

static enum err lite_rebuilding(struct sql *s, bool on)
{
    return sql_script(s, on ? "PRAGMA foreign_keys = OFF; PRAGMA legacy_alter_table = ON"
                            : "PRAGMA legacy_alter_table = OFF; PRAGMA foreign_keys = ON");
}

/* ---- filling tables */

static enum err lite_tables(struct sql *s, struct rows **ret)
{
    return sql_rows(s, ret,
                    "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'"
                    " AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY m.name, c.name");
}

/* It cannot silence them: they are taken away, and made again as they were. */
static enum err take_triggers(struct sql *s, struct text *again)
{
    AUTO(rows) struct rows *r = NULL;
    AUTO(text) struct text drop;
    text_init(&drop, TRIGGERS_CAP);
    text_clear(again);
    TRY(sql_rows(s, &r, "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"));
    while (rows_next(r)) {
        text_fmt(&drop, "DROP TRIGGER %s;\n", rows_text(r, 0));
        text_fmt(again, "%s;\n", rows_text(r, 1));
    }
    TRY(rows_error(r));
    rows_done(r);
    r = NULL; /* a schema that is read cannot be changed */
    return text_full(again) ? fail(E_TOO_BIG, "too many triggers") : sql_script(s, drop.bytes);
}

static enum err lite_filling(struct sql *s, bool on)
{
    struct lite *l = (struct lite *)s;
    return on ? take_triggers(s, &l->triggers) : sql_script(s, l->triggers.bytes);
}

static enum err lite_fill_begin(struct sql *s, const char *table, const char *columns)
{
    struct text *t = &((struct lite *)s)->fill;
    text_clear(t);
    text_fmt(t, "INSERT INTO %s (%s) VALUES (?1", table, columns);
    int n = 1;
    for (const char *c = columns; (c = strchr(c, ',')); c++)
        text_fmt(t, ", ?%d", ++n);
    text_add(t, ")");
    return OK;
}

static enum err lite_fill_row(struct sql *s, const struct value *values, size_t n)
{
    return sql_run_text(s, ((struct lite *)s)->fill.bytes, values, n);
}

static enum err lite_fill_end(struct sql *s, enum err e)
{
    (void)s;
    return e;
}

static void lite_close(struct sql *s)
{
    sqlite3_close(db_of(s));
    text_done(&((struct lite *)s)->triggers);
    text_done(&((struct lite *)s)->fill);
    free(s);
}

static const struct back lite = {
    .close = lite_close,
    .prepare = lite_prepare,
    .unprepare = lite_unprepare,
    .ask = lite_ask,
    .next = lite_next,
    .done = lite_done,
    .columns = lite_columns,
    .kind = lite_kind,
    .integer = lite_integer,
    .real = lite_real,
    .string = lite_string,
    .bytes = lite_bytes,
    .origin = lite_origin,
    .changes = lite_changes,
    .script = lite_script,
    .begin = lite_begin,
    .commit = lite_commit,
    .undo = lite_undo,
    .within = lite_within,
    .list = lite_list,
    .references = lite_references,
    .make_ready = lite_make_ready,
    .has = lite_has,
    .made_as = lite_made_as,
    .data_version = lite_data_version,
    .next_writer = lite_no_writer,
    .oldest_writer = lite_no_writer,
    .join = lite_is_alone,
    .lead = lite_is_alone,
    .check = lite_check,
    .backup = lite_backup,
    .rebuilding = lite_rebuilding,
    .tables = lite_tables,
    .filling = lite_filling,
    .fill_begin = lite_fill_begin,
    .fill_row = lite_fill_row,
    .fill_end = lite_fill_end,
};

enum err lite_open(const char *path, struct sql **ret)
{
    struct lite *l = heap_take(sizeof *l);
    struct sql *s = &l->sql;
    s->back = &lite;
    text_init(&l->triggers, TRIGGERS_CAP);
    text_init(&l->fill, TRIGGERS_CAP);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (sqlite3_open_v2(path, &l->db, flags, NULL) != SQLITE_OK) {
        enum err e = fail(E_BROKEN, "cannot open the database %s: %s", path, sqlite3_errmsg(l->db));
        sql_close(s);
        return e;
    }
    sqlite3_busy_handler(l->db, wait_for_lock, NULL);
    enum err e = sql_script(s, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                               "PRAGMA trusted_schema = ON; PRAGMA cache_size = -4000; PRAGMA temp_store = MEMORY;"
                               "CREATE TEMP TABLE listed (list INTEGER NOT NULL, place INTEGER NOT NULL, value TEXT NOT NULL, "
                               "PRIMARY KEY (list, place)) WITHOUT ROWID");
    if (e != OK) {
        sql_close(s);
        return e;
    }
    sqlite3_wal_hook(l->db, committed, s);
    *ret = s;
    return OK;
}
