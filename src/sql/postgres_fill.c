/* PostgreSQL: tables filled with many rows at once (sql/copy.h), by COPY. */
#define ASKS_FOR_OTHERS
#include "sql/postgres_inside.h"
#include <string.h>

enum { FILL_BYTES = 1 << 16, FILL_CAP = 1 << 30 };

/* ---- rows */

static enum err send(struct postgres *p)
{
    struct text *t = &p->fill;
    if (text_full(t))
        return fail(E_TOO_BIG, "a row is too long");
    if (t->n && pq.putCopyData(p->db, t->bytes, (int)t->n) != 1)
        return fail(E_BUSY, "the database cannot be reached");
    text_clear(t);
    return OK;
}

enum err postgres_fill_begin(struct sql *s, const char *table, const char *columns)
{
    AUTO(arena) struct arena *a = arena_new();
    struct postgres *p = postgres_of(s);
    const char *text = arena_fmt(a, "COPY %s (%s) FROM STDIN", table, columns);
    PGresult *r = pq.exec(p->db, text);
    enum err e = pq.resultStatus(r) == PGRES_COPY_IN ? OK : postgres_failure(p, r, text);
    pq.clear(r);
    if (e == OK)
        text_init(&p->fill, FILL_CAP);
    return e;
}

/* The letters that COPY's lines mean something by. */
static void put_text(struct text *t, const char *s)
{
    static const struct {
        char is, as;
    } letters[] = { { '\\', '\\' }, { '\n', 'n' }, { '\r', 'r' }, { '\t', 't' } };
    for (size_t n; *s; s += n) {
        n = strcspn(s, "\\\n\r\t");
        text_bytes(t, s, n);
        for (size_t i = 0; s[n] && i < COUNT_OF(letters); i++)
            if (s[n] == letters[i].is)
                text_bytes(t, (const char[]){ '\\', letters[i].as }, 2);
        n += s[n] != 0;
    }
}

static void put_value(struct text *t, const struct value *v)
{
    switch (v->kind) {
    case VALUE_INT: text_fmt(t, "%lld", (long long)v->i); break;
    case VALUE_REAL: text_fmt(t, "%.17g", v->r); break;
    case VALUE_TEXT: put_text(t, v->t); break;
    case VALUE_BYTES:
        text_add(t, "\\\\x");
        text_hex(t, (const uint8_t *)v->t, (size_t)v->i);
        break;
    default: text_add(t, "\\N");
    }
}

enum err postgres_fill_row(struct sql *s, const struct value *values, size_t n)
{
    struct postgres *p = postgres_of(s);
    for (size_t i = 0; i < n; i++) {
        put_value(&p->fill, &values[i]);
        text_add(&p->fill, i + 1 < n ? "\t" : "\n");
    }
    return p->fill.n < FILL_BYTES ? OK : send(p);
}

enum err postgres_fill_end(struct sql *s, enum err e)
{
    struct postgres *p = postgres_of(s);
    if (e == OK)
        e = send(p);
    text_done(&p->fill);
    if (pq.putCopyEnd(p->db, e == OK ? NULL : "given up") != 1 && e == OK)
        e = fail(E_BUSY, "the database cannot be reached");
    for (PGresult *r; (r = pq.getResult(p->db)); pq.clear(r))
        if (e == OK && pq.resultStatus(r) != PGRES_COMMAND_OK)
            e = postgres_failure(p, r, "filling a table");
    return e;
}

/* ---- all tables */

enum err postgres_list_tables(struct sql *s, struct rows **ret)
{
    return sql_rows(s, ret,
                    "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relkind = 'r'"
                    " AND c.relnamespace = current_schema()::regnamespace AND a.attnum > 0 AND NOT a.attisdropped"
                    " ORDER BY c.relname, a.attname");
}

#define EACH_TABLE(change)                                                                                                         \
    "DO $$ DECLARE t record; BEGIN FOR t IN SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace ="                   \
    " current_schema()::regnamespace LOOP EXECUTE format('ALTER TABLE %I " change " TRIGGER USER', t.relname); END LOOP; END $$"

/* What counts by itself goes on behind what was filled in. */
static const char go_on[] =
    "DO $$ DECLARE t record; BEGIN FOR t IN SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
    " WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace AND a.attidentity <> '' LOOP EXECUTE"
    " format('SELECT setval(pg_get_serial_sequence(%L, %L), coalesce(max(%I), 1), max(%I) IS NOT NULL) FROM %I', t.relname,"
    " t.attname, t.attname, t.attname, t.relname); END LOOP; END $$";

enum err postgres_filling(struct sql *s, bool on)
{
    struct postgres *p = postgres_of(s);
    if (on)
        return postgres_command(p, EACH_TABLE("DISABLE"));
    TRY(postgres_command(p, EACH_TABLE("ENABLE")));
    TRY(postgres_command(p, go_on));
    return postgres_command(p, "ANALYZE"); /* or the first questions were answered without knowing how much there is */
}
