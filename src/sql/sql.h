/* sql.h - the one way to ask the database (SQLite in WAL mode, every commit fsynced).
 *
 * Statements are string literals and values are bound, so that no value can become SQL:
 *
 *     TRY(sql_run(db, "UPDATE dataset SET name = ?2 WHERE id = ?1", V(id), V(name)));
 *
 *     AUTO(rows) struct rows *r = NULL;
 *     TRY(sql_rows(db, &r, "SELECT id, name FROM dataset WHERE org = ?1", V(org)));
 *     while (rows_next(r))
 *         use(rows_text(r, 0), rows_text(r, 1));
 *     TRY(rows_error(r));
 *
 * A connection is used by one thread at a time. Statements are kept prepared per connection.
 * Errors: E_CONFLICT for UNIQUE, E_IN_USE for FOREIGN KEY, E_INVALID for CHECK and NOT NULL, E_BUSY when the lock was not had
 * within 10 s, E_BROKEN for the rest (the disk is full, the file is damaged, the SQL is wrong). */
#pragma once
#include "base/arena.h"
#include "base/text.h"

struct sql;
struct rows;

struct value {
    enum { VALUE_NULL, VALUE_INT, VALUE_REAL, VALUE_TEXT, VALUE_BYTES } kind;
    int64_t i; /* of bytes: how many */
    double r;
    const char *t; /* must live until the statement ran */
};
static inline struct value value_int(int64_t i)
{
    return (struct value){ .kind = VALUE_INT, .i = i };
}
static inline struct value value_real(double r)
{
    return (struct value){ .kind = VALUE_REAL, .r = r };
}
static inline struct value value_text(const char *t)
{
    return (struct value){ .kind = t ? VALUE_TEXT : VALUE_NULL, .t = t };
}
static inline struct value value_bytes(const void *bytes, size_t n) /* n > 0 */
{
    return (struct value){ .kind = VALUE_BYTES, .t = bytes, .i = (int64_t)n };
}
static inline struct value value_same(struct value v)
{
    return v;
}
/* NULL text binds NULL. bool, int and int64_t bind integers. */
#define V(x)                                                                                                                       \
    _Generic((x), double: value_real, float: value_real, char *: value_text, const char *: value_text, struct value: value_same,      \
             default: value_int)(x)
#define VALUES_(...)                                                                                                               \
    (const struct value[])                                                                                                         \
    {                                                                                                                              \
        { 0 }, ##__VA_ARGS__                                                                                                       \
    }
#define VALUES(...) VALUES_(__VA_ARGS__) + 1, sizeof(VALUES_(__VA_ARGS__)) / sizeof(struct value) - 1

/* where: a file of SQLite (":memory:" too), or postgres://… as libpq reads it. */
MUST_USE enum err sql_open(const char *where, struct sql **ret);
void sql_close(struct sql *);
bool sql_is_url(const char *where); /* of a server, not a file */

/* Runs a statement that answers no rows (or whose rows do not matter). */
#define sql_run(db, literal, ...) sql_run_text(db, "" literal "", VALUES(__VA_ARGS__))
/* Starts a query; step with rows_next(). */
#define sql_rows(db, ret, literal, ...) sql_rows_text(db, ret, "" literal "", VALUES(__VA_ARGS__))
/* The same for what has no bound: nobody keeps more of it at once than some hundred rows. */
#define sql_each(db, ret, literal, ...) sql_each_text(db, ret, "" literal "", VALUES(__VA_ARGS__))
/* The first row of a query, which *ret shows at once (no rows_next()); E_NOT_FOUND ("no such row": say better) if there is none. */
#define sql_first(db, ret, literal, ...) sql_first_text(db, ret, "" literal "", VALUES(__VA_ARGS__))
/* A single integer; 0 when there is no row or it is NULL. */
#define sql_int(db, ret, literal, ...) sql_int_text(db, ret, "" literal "", VALUES(__VA_ARGS__))

/* For tests of what happens when the database fails: asked before each statement; what it says instead of OK is its failure. */
extern enum err (*sql_fault)(const char *text);

/* The same for texts that are put together from constant table rows (api/, query/): never from what a user sent. */
MUST_USE enum err sql_run_text(struct sql *, const char *text, const struct value *, size_t n);
MUST_USE enum err sql_rows_text(struct sql *, struct rows **ret, const char *text, const struct value *, size_t n);
MUST_USE enum err sql_each_text(struct sql *, struct rows **ret, const char *text, const struct value *, size_t n);
MUST_USE enum err sql_first_text(struct sql *, struct rows **ret, const char *text, const struct value *, size_t n);
MUST_USE enum err sql_int_text(struct sql *, int64_t *ret, const char *text, const struct value *, size_t n);
MUST_USE enum err sql_script(struct sql *, const char *text); /* several statements without values: the tables */

bool rows_next(struct rows *);
enum err rows_error(struct rows *); /* OK after the last row */
int rows_columns(struct rows *);
bool rows_null(struct rows *, int column);
int rows_kind(struct rows *, int column); /* VALUE_NULL … VALUE_TEXT */
int64_t rows_int(struct rows *, int column);
double rows_real(struct rows *, int column);
const char *rows_text(struct rows *, int column);                 /* NULL for NULL; valid until the next step or the end */
const void *rows_bytes(struct rows *, int column, size_t *ret_n); /* as rows_text(); NULL: none */
/* Which table's column a column of the statement is, as it was made; false for expressions. Joins are not looked at. The texts are
 * the statement's. */
struct column_origin {
    const char *table, *column, *type; /* "INTEGER", "REAL", "TEXT" */
    bool may_be_null;
};
bool rows_origin(struct rows *, int column, struct column_origin *ret);
void rows_done(struct rows *);
static inline void auto_rows(struct rows **r)
{
    rows_done(*r);
}

int64_t sql_changes(struct sql *); /* rows touched by the last sql_run() */

/* Begins, works, commits; all of it again, with pauses, when another one changed at the same time what it had read (E_BUSY after
 * some tries). What works has no effect outside of the database but on what it makes anew each time. These may run beside each
 * other, on a database that can do so. */
typedef enum err sql_work(struct sql *, void *with);
MUST_USE enum err sql_write(struct sql *, sql_work *, void *with);
/* The same by hand: E_BUSY of sql_end() or of a statement says to do it again. */
MUST_USE enum err sql_begin_beside(struct sql *);
/* Before the next try of what got in the way of others so many times: 1 to 256 ms, by chance, so that two do not meet again. */
void sql_pause(int failures);

/* For what cannot be done again: nobody else writes meanwhile. BEGIN IMMEDIATE … COMMIT. sql_end() commits when e is OK, else rolls
 * back, and returns the first failure. Not nested. */
MUST_USE enum err sql_begin(struct sql *);
MUST_USE enum err sql_begin_read(struct sql *); /* BEGIN: all that is read is of one moment */
MUST_USE enum err sql_end(struct sql *, enum err e);

bool sql_within(struct sql *); /* a transaction is open: a full disk, say, ends it by itself */

/* A list of texts as one value, for lists that a user sends: … WHERE id IN " LISTED("?2") ", or FROM listed WHERE list = ?2, whose
 * column `place` counts from 0. The value NULL stands for no text at all. The connection keeps lists until it is given back to its
 * pool (or until a transaction in which they were made is rolled back). */
#define LISTED(parameter) "(SELECT value FROM listed WHERE list = " parameter ")"
MUST_USE enum err sql_list(struct sql *, const char *const *texts, size_t n, struct value *ret);

/* dialect.c: expressions that each database spells in its own way. */
/* Whether the expression fulfils LIKE ?number, with a backslash before what is meant literally; a–z are A–Z, other letters are
 * themselves. */
void sql_contains(struct text *, const char *expression, size_t number);
void sql_time_text(struct text *, const char *column); /* milliseconds as ISO 8601 text */

/* Before the first table is made. */
MUST_USE enum err sql_make_ready(struct sql *);
/* Whether the database has the table, and in it the column (NULL: any). */
MUST_USE enum err sql_has(struct sql *, bool *ret, const char *table, const char *column);

/* The words in which a table was made; NULL where the database does not keep them. */
MUST_USE enum err sql_made_as(struct sql *, struct arena *, const char *table, char **ret);

/* Changes when another connection, of this or another process, has committed. */
MUST_USE enum err sql_data_version(struct sql *, int64_t *ret);

/* Transactions that write are numbered as they begin: the number that the next one gets, and the oldest that has not ended (the
 * next one's, if all have). Where one writes at a time both are 0. */
MUST_USE enum err sql_next_writer(struct sql *, int64_t *ret);
MUST_USE enum err sql_oldest_writer(struct sql *, int64_t *ret);

/* Among all connections of the database, of any machine; a file's are those of one folder, which have locks of their own: true.
 * Joins those of that name until it is closed (or breaks); whether it was the first of them. */
MUST_USE enum err sql_join(struct sql *, const char *those, bool *ret_first);
/* Whether it is the one that does what only one may do: it becomes it if there is none, until it is closed or breaks. Ask again
 * before each turn. The names are literals. */
MUST_USE enum err sql_lead(struct sql *, const char *those, bool *ret_leads);

MUST_USE enum err sql_check(struct sql *, struct arena *,
                            char **ret_faults); /* integrity_check, foreign_key_check, and whether texts are texts; NULL: sound */
MUST_USE enum err sql_backup(struct sql *, const char *path); /* a consistent copy while others write */

/* Calls for each column of another table that refers to the table, with what becomes of its rows when the row that they name goes.
 */
enum child { CHILD_GOES, CHILD_NAMES_NOTHING, CHILD_FORBIDS }; /* ON DELETE CASCADE, SET NULL, and nothing said */
typedef enum err sql_child(void *with, const char *child, const char *column, enum child);
MUST_USE enum err sql_children(struct sql *, const char *table, sql_child *, void *with);

/* Between true and false tables may be made anew under the name of an old one: foreign keys are not enforced, and what names the
 * table is left as it is. Outside of transactions; PRAGMA foreign_key_check tells afterwards. */
MUST_USE enum err sql_rebuilding(struct sql *, bool);

/* Connections for threads: taken for one request, given back after it, with no transaction open. Of a pool 256 can be taken at a
 * time; taking one more waits for 10 s, then E_BUSY. */
struct sql_pool;
MUST_USE enum err sql_pool_open(const char *path, struct sql_pool **ret);
MUST_USE enum err sql_pool_take(struct sql_pool *, struct sql **ret);
void sql_pool_set_limits(struct sql_pool *, int most, double wait_s); /* before the first is taken */
void sql_pool_give(struct sql_pool *, struct sql *);
/* The one connection that writes: opened at the first call, the pool's until it is closed. One thread at a time may use it, and
 * each call forgets the lists of the one before. */
MUST_USE enum err sql_pool_writer(struct sql_pool *, struct sql **ret);
void sql_pool_close(struct sql_pool *);

#include "sql/noted.h" /* last: it goes around the functions above */
