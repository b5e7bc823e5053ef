#define ASKS_FOR_OTHERS
#include "sql/copy.h"
#include "sql/back.h"
#include <openssl/sha.h>
#include <string.h>

enum { COLUMNS_MOST = 256, TEXT_CAP = 1 << 16, ROW_CAP = 1 << 30 };

struct table {
    const char *name, *columns; /* "a, b": in the order of their names, which is the same everywhere */
    int n;
    struct table *next;
};

static enum err add_column(struct arena *a, struct table *t, const char *column)
{
    t->columns = t->n++ ? arena_fmt(a, "%s, %s", t->columns, column) : arena_str(a, column);
    return t->n <= COLUMNS_MOST ? OK : fail(E_TOO_BIG, "%s has too many columns", t->name);
}

static enum err read_tables(struct sql *db, struct arena *a, struct table **ret)
{
    AUTO(rows) struct rows *r = NULL;
    struct table *t = NULL;
    TRY(db->back->tables(db, &r));
    while (rows_next(r)) {
        if (!t || strcmp(t->name, rows_text(r, 0)) != 0) {
            struct table *more = arena_take(a, sizeof *more);
            *more = (struct table){ .name = arena_str(a, rows_text(r, 0)) };
            *(t ? &t->next : ret) = more;
            t = more;
        }
        TRY(add_column(a, t, rows_text(r, 1)));
    }
    return rows_error(r);
}

static enum err check_same(const struct table *from, const struct table *to)
{
    for (; from && to; from = from->next, to = to->next)
        if (strcmp(from->name, to->name) != 0 || strcmp(from->columns, to->columns) != 0)
            return fail(E_CONFLICT, "the tables differ: %s (%s) and %s (%s)", from->name, from->columns, to->name, to->columns);
    const struct table *more = from ? from : to;
    return more ? fail(E_CONFLICT, "only one of the databases has the table %s", more->name) : OK;
}

/* ---- rows */

static struct value value_of(struct rows *r, int column)
{
    size_t n;
    switch (rows_kind(r, column)) {
    case VALUE_INT: return value_int(rows_int(r, column));
    case VALUE_REAL: return value_real(rows_real(r, column));
    case VALUE_TEXT: return value_text(rows_text(r, column));
    case VALUE_BYTES: {
        const void *bytes = rows_bytes(r, column, &n);
        return value_bytes(bytes, n);
    }
    default: return value_text(NULL);
    }
}

/* Whole numbers are written as such: one database tells 3.0 from 3 in a column for both, the other does not. */
static void write_value(struct text *t, const struct value *v)
{
    switch (v->kind) {
    case VALUE_INT: text_fmt(t, "i%lld", (long long)v->i); break;
    case VALUE_REAL:
        if (v->r > -1e15 && v->r < 1e15 && v->r == (double)(int64_t)v->r)
            text_fmt(t, "i%lld", (long long)v->r);
        else
            text_fmt(t, "r%.17g", v->r);
        break;
    case VALUE_TEXT: text_fmt(t, "t%s", v->t); break;
    case VALUE_BYTES:
        text_add(t, "b");
        text_hex(t, (const uint8_t *)v->t, (size_t)v->i);
        break;
    default: text_add(t, "n");
    }
    text_bytes(t, "", 1); /* no text holds a NUL: so rows that differ are written differently */
}

/* The sum without order: four numbers of 64 bits, each modulo 2^64. */
static void add_row(struct copied *c, const struct text *row)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)row->bytes, row->n, hash);
    for (size_t i = 0; i < 4; i++) {
        uint64_t part;
        memcpy(&part, hash + 8 * i, sizeof part);
        c->sum[i] += part;
    }
    c->rows++;
}

static enum err each_row(struct rows *r, const struct table *t, struct sql *to, struct text *row, struct copied *c)
{
    struct value values[COLUMNS_MOST];
    AUTO(arena) struct arena *a = NULL;
    text_clear(row);
    write_value(row, &(struct value){ .kind = VALUE_TEXT, .t = t->name });
    for (int i = 0; i < t->n; i++) {
        values[i] = value_of(r, i);
        if (values[i].kind == VALUE_BYTES) { /* the row's own place for them is used again for the next column */
            a = a ? a : arena_new();
            values[i].t = arena_copy(a, values[i].t, (size_t)values[i].i);
        }
        write_value(row, &values[i]);
    }
    if (text_full(row))
        return fail(E_TOO_BIG, "a row of %s is too long", t->name);
    add_row(c, row);
    return to ? to->back->fill_row(to, values, (size_t)t->n) : OK;
}

static enum err each_table(struct sql *from, const struct table *t, struct sql *to, struct copied *c)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(rows) struct rows *r = NULL;
    AUTO(text) struct text row;
    text_init(&row, ROW_CAP);
    TRY(sql_each_text(from, &r, arena_fmt(a, "SELECT %s FROM %s", t->columns, t->name), NULL, 0));
    if (to)
        TRY(to->back->fill_begin(to, t->name, t->columns));
    enum err e = OK;
    while (e == OK && rows_next(r))
        e = each_row(r, t, to, &row, c);
    if (e == OK)
        e = rows_error(r);
    c->tables++;
    return fail_within(to ? to->back->fill_end(to, e) : e, "%s: ", t->name);
}

enum err copy_all(struct sql *from, struct sql *to, struct copied *ret)
{
    AUTO(arena) struct arena *a = arena_new();
    struct table *ours = NULL, *theirs = NULL;
    *ret = (struct copied){ 0 };
    TRY(read_tables(from, a, &ours));
    TRY(read_tables(to, a, &theirs));
    TRY(check_same(ours, theirs));
    TRY(to->back->filling(to, true));
    for (struct table *t = ours; t; t = t->next)
        TRY(each_table(from, t, to, ret));
    return to->back->filling(to, false);
}

enum err copy_sum(struct sql *db, struct copied *ret)
{
    AUTO(arena) struct arena *a = arena_new();
    struct table *tables = NULL;
    *ret = (struct copied){ 0 };
    TRY(read_tables(db, a, &tables));
    for (struct table *t = tables; t; t = t->next)
        TRY(each_table(db, t, NULL, ret));
    return OK;
}

bool copied_same(const struct copied *a, const struct copied *b)
{
    return a->tables == b->tables && a->rows == b->rows && memcmp(a->sum, b->sum, sizeof a->sum) == 0;
}
