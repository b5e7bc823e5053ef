#define ASKS_FOR_OTHERS /* calls within are not places where something is asked */
#include "sql/sql.h"
#include "sql/held.h"
#include <assert.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LOG_PAGES = 1000 }; /* of the write-ahead log, before they are copied into the database */
enum { KEPT_STATEMENTS = 256, BUSY_MS = 10000, BUSY_LOOK_MS = 2 };
enum { POOL_MOST = 256, POOL_WAIT_S = 10 }; /* taken at a time: each has a cache of 4 MB and three descriptors */
enum { POOL_IDLE = 16 };                    /* connections kept for the next request; a crowd's others are closed after it */

struct rows {
    struct sql *db;
    sqlite3_stmt *statement;
    enum err error;
    bool kept; /* the statement belongs to the cache */
    bool ended;
};

struct kept {
    char *text;
    sqlite3_stmt *statement;
    bool in_use;
};

struct sql {
    sqlite3 *db;
    struct kept kept[KEPT_STATEMENTS];
    int64_t lists;    /* made since it was taken */
    struct sql *next; /* in the pool */
    bool writing;     /* has the write lock, since */
    struct held_since began;
};

static enum err failure(struct sql *s, const char *doing)
{
    int code = sqlite3_extended_errcode(s->db);
    const char *text = sqlite3_errmsg(s->db);
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
        if ((code & 0xff) == SQLITE_IOERR && err_of_errno(sqlite3_system_errno(s->db)) == E_FULL)
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

static void let_go(struct sql *s)
{
    if (s->writing)
        held_end(s->began);
    s->writing = false;
}

/* The lock is free again when this is called, within COMMIT still: that the log is copied into the database now keeps only the one
 * waiting who does it, and is not counted as holding. */
static int committed(void *with, sqlite3 *db, const char *name, int pages)
{
    let_go(with);
    if (pages >= LOG_PAGES)
        sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL); /* busy: the next one does it */
    return SQLITE_OK;
}

enum err sql_open(const char *path, struct sql **ret)
{
    struct sql *s = heap_take(sizeof *s);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (sqlite3_open_v2(path, &s->db, flags, NULL) != SQLITE_OK) {
        enum err e = fail(E_BROKEN, "cannot open the database %s: %s", path, sqlite3_errmsg(s->db));
        sql_close(s);
        return e;
    }
    sqlite3_busy_handler(s->db, wait_for_lock, NULL);
    enum err e = sql_script(s, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                               "PRAGMA trusted_schema = ON; PRAGMA cache_size = -4000; PRAGMA temp_store = MEMORY;"
                               "CREATE TEMP TABLE listed (list INTEGER NOT NULL, place INTEGER NOT NULL, value TEXT NOT NULL, "
                               "PRIMARY KEY (list, place)) WITHOUT ROWID");
    if (e != OK) {
        sql_close(s);
        return e;
    }
    sqlite3_wal_hook(s->db, committed, s);
    *ret = s;
    return OK;
}

void sql_close(struct sql *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < KEPT_STATEMENTS; i++) {
        sqlite3_finalize(s->kept[i].statement);
        free(s->kept[i].text);
    }
    sqlite3_close(s->db);
    free(s);
}

enum err (*sql_fault)(const char *text);

static size_t hash(const char *text)
{
    size_t h = 14695981039346656037u;
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 1099511628211u;
    return h;
}

/* A prepared statement for the text: the kept one, unless it is in use further up the stack. */
static enum err prepare(struct sql *s, const char *text, sqlite3_stmt **ret, bool *ret_kept)
{
    if (sql_fault)
        TRY(sql_fault(text));
    struct kept *k = &s->kept[hash(text) % KEPT_STATEMENTS];
    if (k->text && !k->in_use && strcmp(k->text, text) == 0) {
        k->in_use = *ret_kept = true;
        *ret = k->statement;
        return OK;
    }
    sql_note(text);
    if (sqlite3_prepare_v3(s->db, text, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL) != SQLITE_OK)
        return failure(s, text);
    *ret_kept = !k->in_use;
    if (*ret_kept) {
        sqlite3_finalize(k->statement);
        free(k->text);
        *k = (struct kept){ heap_str(text), *ret, true };
    }
    return OK;
}

static void give_back(struct sql *s, sqlite3_stmt *statement, bool kept)
{
    if (!kept) {
        sqlite3_finalize(statement);
        return;
    }
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    for (size_t i = 0; i < KEPT_STATEMENTS; i++)
        if (s->kept[i].statement == statement)
            s->kept[i].in_use = false;
}

enum err sql_rows_text(struct sql *s, struct rows **ret, const char *text, const struct value *values, size_t n)
{
    sqlite3_stmt *statement = NULL;
    bool kept = false;
    TRY(prepare(s, text, &statement, &kept));
    for (size_t i = 0; i < n; i++) {
        int at = (int)i + 1, code = SQLITE_OK;
        switch (values[i].kind) {
        case VALUE_NULL: code = sqlite3_bind_null(statement, at); break;
        case VALUE_INT: code = sqlite3_bind_int64(statement, at, values[i].i); break;
        case VALUE_REAL: code = sqlite3_bind_double(statement, at, values[i].r); break;
        case VALUE_TEXT: code = sqlite3_bind_text(statement, at, values[i].t, -1, SQLITE_TRANSIENT); break;
        case VALUE_BYTES:
            code = sqlite3_bind_blob64(statement, at, values[i].t, (sqlite3_uint64)values[i].i, SQLITE_TRANSIENT);
            break;
        }
        if (code != SQLITE_OK) {
            enum err e = failure(s, text);
            give_back(s, statement, kept);
            return e;
        }
    }
    struct rows *r = heap_take(sizeof *r);
    *r = (struct rows){ .db = s, .statement = statement, .kept = kept };
    rows_done(*ret); /* the variable may be used for one query after another */
    *ret = r;
    return OK;
}

bool rows_next(struct rows *r)
{
    if (r->ended)
        return false;
    int code = sqlite3_step(r->statement);
    if (code == SQLITE_ROW)
        return true;
    r->ended = true;
    r->error = code == SQLITE_DONE ? OK : failure(r->db, sqlite3_sql(r->statement));
    return false;
}

enum err rows_error(struct rows *r)
{
    return r->error;
}

void rows_done(struct rows *r)
{
    if (!r)
        return;
    give_back(r->db, r->statement, r->kept);
    free(r);
}

int rows_columns(struct rows *r)
{
    return sqlite3_column_count(r->statement);
}

bool rows_null(struct rows *r, int column)
{
    return sqlite3_column_type(r->statement, column) == SQLITE_NULL;
}

int rows_kind(struct rows *r, int column)
{
    switch (sqlite3_column_type(r->statement, column)) {
    case SQLITE_NULL: return VALUE_NULL;
    case SQLITE_INTEGER: return VALUE_INT;
    case SQLITE_FLOAT: return VALUE_REAL;
    default: return VALUE_TEXT;
    }
}

bool rows_origin(struct rows *r, int column, struct column_origin *ret)
{
    const char *table = sqlite3_column_table_name(r->statement, column), *name = sqlite3_column_origin_name(r->statement, column),
               *type = NULL;
    int not_null = 0, key = 0;
    if (!table || sqlite3_table_column_metadata(r->db->db, NULL, table, name, &type, NULL, &not_null, &key, NULL) != SQLITE_OK)
        return false;
    *ret = (struct column_origin){ table, name, type, !not_null && !key };
    return true;
}

int64_t rows_int(struct rows *r, int column)
{
    return sqlite3_column_int64(r->statement, column);
}

double rows_real(struct rows *r, int column)
{
    return sqlite3_column_double(r->statement, column);
}

const char *rows_text(struct rows *r, int column)
{
    return (const char *)sqlite3_column_text(r->statement, column);
}

const void *rows_bytes(struct rows *r, int column, size_t *ret_n)
{
    const void *bytes = sqlite3_column_blob(r->statement, column);
    *ret_n = (size_t)sqlite3_column_bytes(r->statement, column);
    return bytes;
}

enum err sql_run_text(struct sql *s, const char *text, const struct value *values, size_t n)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows_text(s, &r, text, values, n));
    while (rows_next(r))
        ;
    return rows_error(r);
}

/* On success *ret shows the first row at once: no rows_next() is needed, and one more call gives the second. */
enum err sql_first_text(struct sql *s, struct rows **ret, const char *text, const struct value *values, size_t n)
{
    TRY(sql_rows_text(s, ret, text, values, n));
    if (rows_next(*ret))
        return OK;
    TRY(rows_error(*ret));
    return fail(E_NOT_FOUND, "no such row");
}

enum err sql_int_text(struct sql *s, int64_t *ret, const char *text, const struct value *values, size_t n)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows_text(s, &r, text, values, n));
    int64_t i = rows_next(r) ? rows_int(r, 0) : 0;
    TRY(rows_error(r));
    *ret = i;
    return OK;
}

enum err sql_script(struct sql *s, const char *text)
{
    if (sqlite3_exec(s->db, text, NULL, NULL, NULL) != SQLITE_OK)
        return failure(s, text);
    return OK;
}

int64_t sql_changes(struct sql *s)
{
    return sqlite3_changes64(s->db);
}

enum err sql_begin(struct sql *s)
{
    TRY(sql_run(s, "BEGIN IMMEDIATE"));
    s->writing = true;
    s->began = held_start();
    return OK;
}

enum err sql_begin_read(struct sql *s)
{
    return sql_run(s, "BEGIN");
}

enum err sql_end(struct sql *s, enum err e)
{
    if (e == OK)
        e = sql_run(s, "COMMIT");
    if (e != OK && !sqlite3_get_autocommit(s->db)) /* the text of the first failure stays */
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    let_go(s);
    return e;
}

bool sql_within(struct sql *s)
{
    return !sqlite3_get_autocommit(s->db);
}

enum err sql_list(struct sql *s, const char *const *texts, size_t n, struct value *ret)
{
    int64_t list = ++s->lists;
    for (size_t i = 0; i < n; i++)
        TRY(sql_run(s, "INSERT INTO listed (list, place, value) VALUES (?1, ?2, ?3)", V(list), V((int64_t)i), V(texts[i])));
    *ret = value_int(list);
    return OK;
}

static enum err forget_lists(struct sql *s)
{
    if (!s->lists)
        return OK;
    s->lists = 0;
    return sql_run(s, "DELETE FROM listed");
}

enum err sql_data_version(struct sql *s, int64_t *ret)
{
    return sql_int(s, ret, "PRAGMA data_version");
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
            if (sqlite3_column_type(r->statement, i) == SQLITE_TEXT) {
                const char *text = rows_text(r, i);
                size_t n = (size_t)sqlite3_column_bytes(r->statement, i);
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

enum err sql_check(struct sql *s, struct arena *a, char **ret_faults)
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

enum err sql_backup(struct sql *s, const char *path)
{
    return sql_run(s, "VACUUM INTO ?1", V(path));
}

enum err sql_rebuilding(struct sql *s, bool on)
{
    return sql_script(s, on ? "PRAGMA foreign_keys = OFF; PRAGMA legacy_alter_table = ON"
                            : "PRAGMA legacy_alter_table = OFF; PRAGMA foreign_keys = ON");
}

struct sql_pool {
    pthread_mutex_t lock;
    pthread_cond_t given;
    char *path;
    struct sql *idle, *writer;
    int n_idle, n_taken, most;
    double wait_s;
};

enum err sql_pool_open(const char *path, struct sql_pool **ret)
{
    struct sql_pool *p = heap_take(sizeof *p);
    *p = (struct sql_pool){ .lock = PTHREAD_MUTEX_INITIALIZER,
                            .given = PTHREAD_COND_INITIALIZER,
                            .path = heap_str(path),
                            .most = POOL_MOST,
                            .wait_s = POOL_WAIT_S };
    *ret = p;
    return OK;
}

/* A place among those that may be taken, with the lock. */
static enum err wait_for_place(struct sql_pool *p)
{
    struct timespec until;
    int code = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)p->wait_s;
    while (p->n_taken >= p->most && code == 0)
        code = pthread_cond_timedwait(&p->given, &p->lock, &until);
    return p->n_taken < p->most ? OK : fail(E_BUSY, "the database is busy: %d requests use it", p->most);
}

static void leave(struct sql_pool *p)
{
    pthread_mutex_lock(&p->lock);
    p->n_taken--;
    pthread_cond_signal(&p->given);
    pthread_mutex_unlock(&p->lock);
}

void sql_pool_set_limits(struct sql_pool *p, int most, double wait_s)
{
    p->most = most;
    p->wait_s = wait_s;
}

enum err sql_pool_take(struct sql_pool *p, struct sql **ret)
{
    struct sql *s = NULL;
    pthread_mutex_lock(&p->lock);
    enum err e = wait_for_place(p);
    if (e == OK) {
        p->n_taken++;
        s = p->idle;
    }
    if (s) {
        p->idle = s->next;
        p->n_idle--;
    }
    pthread_mutex_unlock(&p->lock);
    TRY(e);
    e = s ? OK : sql_open(p->path, &s);
    if (e == OK)
        *ret = s;
    else
        leave(p);
    return e;
}

void sql_pool_give(struct sql_pool *p, struct sql *s)
{
    assert(sqlite3_get_autocommit(s->db)); /* or the next one would write into a transaction that nobody ends */
    bool keep = forget_lists(s) == OK;
    pthread_mutex_lock(&p->lock);
    keep = keep && p->n_idle < POOL_IDLE;
    if (keep) {
        s->next = p->idle;
        p->idle = s;
        p->n_idle++;
    }
    pthread_mutex_unlock(&p->lock);
    if (!keep)
        sql_close(s);
    leave(p);
}

enum err sql_pool_writer(struct sql_pool *p, struct sql **ret)
{
    if (!p->writer)
        TRY(sql_open(p->path, &p->writer));
    TRY(forget_lists(p->writer));
    *ret = p->writer;
    return OK;
}

void sql_pool_close(struct sql_pool *p)
{
    if (!p)
        return;
    sql_close(p->writer);
    for (struct sql *s = p->idle, *next; s; s = next) {
        next = s->next;
        sql_close(s);
    }
    free(p->path);
    free(p);
}
