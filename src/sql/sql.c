#define ASKS_FOR_OTHERS /* calls within are not places where something is asked */
#include "sql/sql.h"
#include "sql/back.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

bool sql_is_url(const char *where)
{
    return strncmp(where, "postgres://", 11) == 0 || strncmp(where, "postgresql://", 13) == 0;
}

enum err sql_open(const char *where, struct sql **ret)
{
    return sql_is_url(where) ? postgres_open(where, ret) : lite_open(where, ret);
}

void sql_close(struct sql *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < KEPT_STATEMENTS; i++) {
        s->back->unprepare(s, s->kept[i].statement);
        free(s->kept[i].text);
    }
    s->back->close(s);
}

/* ---- statements */

enum err (*sql_fault)(const char *text);

static size_t hash(const char *text)
{
    size_t h = 14695981039346656037u;
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 1099511628211u;
    return h;
}

/* Where the text is kept, or may be: one of a few places, the one that was asked for the longest time ago. NULL: all are in use. */
static struct kept *place_of(struct sql *s, const char *text)
{
    struct kept *some = &s->kept[hash(text) % (KEPT_STATEMENTS / KEPT_WAYS) * KEPT_WAYS], *oldest = NULL;
    for (int i = 0; i < KEPT_WAYS; i++) {
        if (some[i].text && strcmp(some[i].text, text) == 0)
            return some[i].in_use ? NULL : &some[i];
        if (!some[i].in_use && (!oldest || some[i].asked < oldest->asked))
            oldest = &some[i];
    }
    return oldest;
}

/* A prepared statement for the text: the kept one, unless it is in use further up the stack. */
static enum err prepare(struct sql *s, const char *text, void **ret, bool *ret_kept)
{
    if (sql_fault)
        TRY(sql_fault(text));
    struct kept *k = place_of(s, text);
    if (k && k->text && strcmp(k->text, text) == 0) {
        k->in_use = *ret_kept = true;
        k->asked = ++s->asked;
        *ret = k->statement;
        return OK;
    }
    sql_note(text);
    TRY(s->back->prepare(s, text, ret));
    *ret_kept = k;
    if (k) {
        s->back->unprepare(s, k->statement);
        free(k->text);
        *k = (struct kept){ heap_str(text), *ret, ++s->asked, true };
    }
    return OK;
}

static void give_back(struct sql *s, void *statement, bool kept)
{
    if (!kept)
        s->back->unprepare(s, statement);
    for (size_t i = 0; kept && i < KEPT_STATEMENTS; i++)
        if (s->kept[i].statement == statement)
            s->kept[i].in_use = false;
}

static enum err ask(struct sql *s, struct rows **ret, const char *text, const struct value *values, size_t n, bool any_size)
{
    struct rows *r = heap_take(sizeof *r);
    *r = (struct rows){ .db = s };
    enum err e = prepare(s, text, &r->statement, &r->kept);
    if (e != OK) {
        free(r);
        return e;
    }
    e = s->back->ask(r, values, n, any_size);
    if (e != OK) {
        rows_done(r);
        return e;
    }
    rows_done(*ret); /* the variable may be used for one query after another */
    *ret = r;
    return OK;
}

enum err sql_rows_text(struct sql *s, struct rows **ret, const char *text, const struct value *values, size_t n)
{
    return ask(s, ret, text, values, n, false);
}

enum err sql_each_text(struct sql *s, struct rows **ret, const char *text, const struct value *values, size_t n)
{
    return ask(s, ret, text, values, n, true);
}

bool rows_next(struct rows *r)
{
    if (!r->ended)
        r->ended = !r->db->back->next(r);
    return !r->ended;
}

enum err rows_error(struct rows *r)
{
    return r->error;
}

void rows_done(struct rows *r)
{
    if (!r)
        return;
    r->db->back->done(r);
    give_back(r->db, r->statement, r->kept);
    free(r);
}

int rows_columns(struct rows *r)
{
    return r->db->back->columns(r);
}

bool rows_null(struct rows *r, int column)
{
    return rows_kind(r, column) == VALUE_NULL;
}

int rows_kind(struct rows *r, int column)
{
    return r->db->back->kind(r, column);
}

bool rows_origin(struct rows *r, int column, struct column_origin *ret)
{
    return r->db->back->origin(r, column, ret);
}

int64_t rows_int(struct rows *r, int column)
{
    return r->db->back->integer(r, column);
}

double rows_real(struct rows *r, int column)
{
    return r->db->back->real(r, column);
}

const char *rows_text(struct rows *r, int column)
{
    return r->db->back->string(r, column);
}

const void *rows_bytes(struct rows *r, int column, size_t *ret_n)
{
    return r->db->back->bytes(r, column, ret_n);
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
    return s->back->script(s, text);
}

int64_t sql_changes(struct sql *s)
{
    return s->back->changes(s);
}

/* ---- transactions */

static enum err begin(struct sql *s, enum turn turn)
{
    TRY(s->back->begin(s, turn));
    s->writing = true;
    s->began = held_start();
    return OK;
}

enum err sql_begin(struct sql *s)
{
    return begin(s, TURN_ALONE);
}

enum err sql_begin_beside(struct sql *s)
{
    return begin(s, TURN_BESIDE);
}

enum err sql_begin_read(struct sql *s)
{
    return s->back->begin(s, TURN_READS);
}

void sql_pause(int failures)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long most = failures < 7 ? 2000000L << failures : 256000000L; /* ns */
    nanosleep(&(struct timespec){ 0, most / 2 + now.tv_nsec % (most / 2) }, NULL);
}

static enum err write_once(struct sql *s, sql_work *work, void *with)
{
    TRY(sql_begin_beside(s));
    return sql_end(s, work(s, with));
}

enum err sql_write(struct sql *s, sql_work *work, void *with)
{
    enum err e = OK;
    for (int tries = 0; tries < WRITE_TRIES; tries++) {
        e = write_once(s, work, with);
        if (e != E_BUSY)
            return e;
        sql_pause(tries);
    }
    struct failure why;
    fail_keep(&why);
    return fail(e, "%s (%d times: it was given up)", why.text, WRITE_TRIES);
}

void sql_let_go(struct sql *s)
{
    if (s->writing)
        held_end(s->began);
    s->writing = false;
}

enum err sql_end(struct sql *s, enum err e)
{
    if (e == OK)
        e = s->back->commit(s);
    if (e != OK && sql_within(s)) /* the text of the first failure stays */
        s->back->undo(s);
    sql_let_go(s);
    return e;
}

bool sql_within(struct sql *s)
{
    return s->back->within(s);
}

/* ---- lists */

enum err sql_list(struct sql *s, const char *const *texts, size_t n, struct value *ret)
{
    ++s->lists;
    TRY(s->back->list(s, texts, n));
    *ret = value_int(s->lists);
    return OK;
}

enum err sql_forget_lists(struct sql *s)
{
    if (!s->lists)
        return OK;
    s->lists = 0;
    return sql_run(s, "DELETE FROM listed");
}

/* ---- the database as a whole */

struct reference {
    const char *table, *column;
    enum child then;
    struct reference *next;
};

static enum err read_references(struct sql *s, struct arena *a, const char *table, struct reference **ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(s->back->references(s, &r, table));
    for (struct reference **last = ret; rows_next(r); last = &(*last)->next) {
        *last = arena_take(a, sizeof **last);
        **last =
            (struct reference){ arena_str(a, rows_text(r, 0)), arena_str(a, rows_text(r, 1)), (enum child)rows_int(r, 2), NULL };
    }
    return rows_error(r);
}

/* All are read first: who is called may begin a transaction, which cannot be done while rows are open and others write. */
enum err sql_children(struct sql *s, const char *table, sql_child *call, void *with)
{
    AUTO(arena) struct arena *a = arena_new();
    struct reference *first = NULL;
    TRY(read_references(s, a, table, &first));
    for (struct reference *f = first; f; f = f->next)
        TRY(call(with, f->table, f->column, f->then));
    return OK;
}

enum err sql_make_ready(struct sql *s)
{
    return s->back->make_ready(s);
}

enum err sql_has(struct sql *s, bool *ret, const char *table, const char *column)
{
    return s->back->has(s, ret, table, column);
}

enum err sql_made_as(struct sql *s, struct arena *a, const char *table, char **ret)
{
    return s->back->made_as(s, a, table, ret);
}

enum err sql_data_version(struct sql *s, int64_t *ret)
{
    return s->back->data_version(s, ret);
}

enum err sql_next_writer(struct sql *s, int64_t *ret)
{
    return s->back->next_writer(s, ret);
}

enum err sql_oldest_writer(struct sql *s, int64_t *ret)
{
    return s->back->oldest_writer(s, ret);
}

enum err sql_join(struct sql *s, const char *those, bool *ret_first)
{
    return s->back->join(s, those, ret_first);
}

enum err sql_lead(struct sql *s, const char *those, bool *ret_leads)
{
    return s->back->lead(s, those, ret_leads);
}

enum err sql_check(struct sql *s, struct arena *a, char **ret_faults)
{
    return s->back->check(s, a, ret_faults);
}

enum err sql_backup(struct sql *s, const char *path)
{
    return s->back->backup(s, path);
}

enum err sql_rebuilding(struct sql *s, bool on)
{
    return s->back->rebuilding(s, on);
}
