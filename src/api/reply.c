/* Output: SELECTs put together from a resource's constant rows, and their rows as JSON. Lists and pages are in list.c. */
#include "api/remove.h"
#include "api/select.h"
#include "base/clock.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool shown(const struct field *f, bool single)
{
    return !f->many && !(f->flags & F_HIDE) && (single || !(f->flags & F_ONE));
}

void select_fields(struct text *t, const struct resource *r, bool single)
{
    text_add(t, "SELECT ");
    bool comma = false;
    for (size_t i = 0; i < r->n_fields; i++)
        if (shown(&r->fields[i], single)) {
            text_fmt(t, "%s%s", comma ? ", " : "", r->fields[i].sql ? r->fields[i].sql : r->fields[i].name);
            comma = true;
        }
    text_fmt(t, " FROM %s", r->from);
}

void select_row(struct op *op, const char *key, const struct resource *r, struct rows *row, bool single)
{
    struct out *o = &op->out;
    out_object(o, key);
    int column = 0;
    for (size_t i = 0; i < r->n_fields; i++) {
        const struct field *f = &r->fields[i];
        if (!shown(f, single))
            continue;
        int c = column++;
        if (rows_null(row, c)) {
            out_null(o, f->name);
            continue;
        }
        switch (f->type) {
        case T_INT: out_int(o, f->name, rows_int(row, c)); break;
        case T_NUMBER: out_number(o, f->name, rows_real(row, c)); break;
        case T_BOOL: out_bool(o, f->name, rows_int(row, c) != 0); break;
        case T_TIME: out_text(o, f->name, clock_iso(op->arena, rows_int(row, c))); break;
        case T_JSON:
        case T_OBJECT:
        case T_ARRAY:
        case T_IDS:
        case T_TEXTS: out_raw(o, f->name, rows_text(row, c)); break;
        default: out_text(o, f->name, rows_text(row, c));
        }
    }
    out_end_object(o);
}

enum err bound_add(struct bound *b, const struct value *values, size_t n)
{
    if (b->n + n > VALUES_MOST)
        return fail(E_TOO_BIG, "the query has more than %d values", VALUES_MOST);
    if (n)
        memcpy(b->v + b->n, values, n * sizeof *values);
    b->n += n;
    return OK;
}

enum err select_within(struct op *op, struct text *t, struct bound *b, const struct resource *r, const char *condition,
                       const struct value *values, size_t n)
{
    text_fmt(t, " WHERE (%s)", condition);
    TRY(bound_add(b, values, n));
    if (r->removal)
        text_fmt(t, " AND " NOT_GONE("%s"), r->key);
    if (r->org) {
        struct value org = value_text(op->org ? op->org : "");
        TRY(bound_add(b, &org, 1));
        if (op->is_public)
            text_fmt(t, " AND (%s = ?%zu OR %s IS NULL)", r->org, b->n, r->org);
        else
            text_fmt(t, " AND %s = ?%zu", r->org, b->n);
    }
    return OK;
}

enum err reply_find_where(struct op *op, const struct resource *r, const char *missing, const char *condition,
                          const struct value *values, size_t n)
{
    AUTO(text) struct text t;
    text_init(&t, SELECT_CAP);
    struct bound b = { 0 };
    select_fields(&t, r, true);
    TRY(select_within(op, &t, &b, r, condition, values, n));
    text_add(&t, " LIMIT 1");
    AUTO(rows) struct rows *row = NULL;
    TRY(sql_rows_text(op->db, &row, t.bytes, b.v, b.n));
    if (!rows_next(row)) {
        TRY(rows_error(row));
        return fail(E_NOT_FOUND, "%s", missing);
    }
    select_row(op, NULL, r, row, true);
    return OK;
}

enum err reply_member(struct op *op, const char *key, const struct resource *r, const char *id)
{
    AUTO(text) struct text t;
    text_init(&t, SELECT_CAP);
    struct bound b = { 0 };
    struct value v = value_text(id);
    select_fields(&t, r, true);
    TRY(select_within(op, &t, &b, r, arena_fmt(op->arena, "%s = ?1", r->key), &v, 1));
    AUTO(rows) struct rows *row = NULL;
    TRY(sql_rows_text(op->db, &row, t.bytes, b.v, b.n));
    if (!rows_next(row)) {
        TRY(rows_error(row));
        return fail(E_NOT_FOUND, "there is no %s %s", r->name, id ? id : "");
    }
    select_row(op, key, r, row, true);
    return OK;
}

enum err reply_one(struct op *op, const struct resource *r, const char *id)
{
    return reply_member(op, NULL, r, id);
}

enum err resource_need(struct op *op, const struct resource *r, const char *id)
{
    AUTO(text) struct text t;
    text_init(&t, SELECT_CAP);
    struct bound b = { 0 };
    struct value v = value_text(id);
    text_fmt(&t, "SELECT 1 FROM %s", r->from);
    TRY(select_within(op, &t, &b, r, arena_fmt(op->arena, "%s = ?1", r->key), &v, 1));
    int64_t there = 0;
    TRY(sql_int_text(op->db, &there, t.bytes, b.v, b.n));
    return there ? OK : fail(E_NOT_FOUND, "there is no %s %s", r->name, id ? id : "");
}

static struct value column_value(struct op *op, const struct field *f, const struct json *v)
{
    int64_t i = 0;
    double d = 0;
    bool b = false;
    char *id = arena_take(op->arena, ID_SIZE);
    if (json_absent(v))
        return value_text(NULL);
    if (f->type == T_INT && json_int(v, &i))
        return value_int(i);
    if (f->type == T_NUMBER && json_number(v, &d))
        return value_real(d);
    if (f->type == T_BOOL && json_bool(v, &b))
        return value_int(b);
    if (f->type == T_TIME && (json_int(v, &i) || clock_parse_iso(json_text(v), &i)))
        return value_int(i);
    if (f->type == T_ID && id_parse(json_text(v), id))
        return value_text(id);
    return value_text(f->type == T_TEXT ? json_text(v) : json_print(op->arena, v));
}

enum err resource_update(struct op *op, const char *table, const char *id, const struct field *in, size_t n)
{
    AUTO(text) struct text t;
    text_init(&t, SELECT_CAP);
    struct bound b = { 0 };
    struct value v = value_text(id);
    TRY(bound_add(&b, &v, 1));
    text_fmt(&t, "UPDATE %s SET", table);
    for (size_t i = 0; i < n; i++) {
        const struct json *sent = in_json(op, in[i].name);
        if (!sent || (json_absent(sent) && !(in[i].flags & F_NULL)))
            continue;
        v = column_value(op, &in[i], sent);
        TRY(bound_add(&b, &v, 1));
        text_fmt(&t, "%s %s = ?%zu", b.n > 2 ? "," : "", in[i].sql ? in[i].sql : in[i].name, b.n);
    }
    if (b.n == 1)
        return fail(E_INVALID, "nothing was sent that can be changed");
    text_add(&t, " WHERE id = ?1");
    return sql_run_text(op->db, t.bytes, b.v, b.n);
}

static enum err try_select(struct sql *db, const struct resource *r, const struct field *f)
{
    AUTO(text) struct text t;
    text_init(&t, SELECT_CAP);
    const char *expression = f->sql ? f->sql : f->name;
    if (f->many)
        text_fmt(&t, "SELECT EXISTS (SELECT %s %s) FROM %s LIMIT 0", expression, f->many, r->from);
    else
        text_fmt(&t, "SELECT %s FROM %s LIMIT 0", expression, r->from);
    AUTO(rows) struct rows *row = NULL;
    enum err e = sql_rows_text(db, &row, t.bytes, NULL, 0);
    return fail_within(e, "%s: field %s: ", r->name, f->name);
}

enum err resource_check(struct sql *db, const struct resource *r)
{
    if (!r->name)
        return fail(E_BROKEN, "a resource has no name");
    if (r->n_fields && (!r->from || !r->key))
        return fail(E_BROKEN, "%s has fields, but does not say where they come from or what its key is", r->name);
    for (size_t i = 0; i < r->n_fields; i++) {
        if (!r->fields[i].name || !r->fields[i].type)
            return fail(E_BROKEN, "%s: field %zu has no name or type", r->name, i);
        TRY(try_select(db, r, &r->fields[i]));
    }
    if (r->n_fields && !r->order && strcmp(r->fields[0].name, "id") != 0)
        return fail(E_BROKEN, "%s: the first field must be id, or an order must be stated", r->name);
    const struct field org = { "org", T_ID, .sql = r->org }, root = { "root", T_ID, .sql = r->root };
    if (r->org)
        TRY(try_select(db, r, &org));
    if (r->root)
        TRY(try_select(db, r, &root));
    return OK;
}
