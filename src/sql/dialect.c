/* What one database says differently from another, besides what sql.c does: a second back end has its own such file. */
#include "sql/sql.h"

void sql_contains(struct text *t, const char *expression, size_t number)
{
    text_fmt(t, "%s LIKE ?%zu ESCAPE '\\'", expression, number); /* its LIKE tells a–z from A–Z in no case */
}

void sql_time_text(struct text *t, const char *column)
{
    text_fmt(t, "strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ', %s / 1000.0, 'unixepoch')", column);
}

struct reference {
    const char *table, *column;
    enum child then;
    struct reference *next;
};

static enum err read_references(struct sql *s, struct arena *a, const char *table, struct reference **ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(s, &r,
                 "SELECT m.name, f.\"from\", CASE f.on_delete WHEN 'CASCADE' THEN 0 WHEN 'SET NULL' THEN 1 ELSE 2 END"
                 " FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table' AND f.\"table\" = ?1"
                 " ORDER BY m.name",
                 V(table)));
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
