/* Output: SELECTs put together from a resource's constant rows, and their rows as JSON. */
#include "api/dispatch.h"
#include "base/clock.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_DEFAULT = 100, PAGE_MOST = 1000, LIST_MOST = 100000, SELECT_CAP = 1 << 16, VALUES_MOST = 256 };

query_function *resource_query;

static bool shown(const struct field *f, bool single)
{
    return !f->many && !(f->flags & F_HIDE) && (single || !(f->flags & F_ONE));
}

static void select_fields(struct text *t, const struct resource *r, bool single)
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

static void write_row(struct op *op, const char *key, const struct resource *r, struct rows *row, bool single)
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

/* Values of a statement under construction: the condition's own first, numbered as its text says. */
struct bound {
    struct value v[VALUES_MOST];
    size_t n;
};

static enum err bind(struct bound *b, const struct value *values, size_t n)
{
    if (b->n + n > VALUES_MOST)
        return fail(E_TOO_BIG, "the query has more than %d values", VALUES_MOST);
    if (n)
        memcpy(b->v + b->n, values, n * sizeof *values);
    b->n += n;
    return OK;
}

static enum err restrict_to(struct op *op, struct text *t, struct bound *b, const struct resource *r, const char *condition,
                            const struct value *values, size_t n)
{
    text_fmt(t, " WHERE (%s)", condition);
    TRY(bind(b, values, n));
    if (r->org) {
        struct value org = value_text(op->org ? op->org : "");
        TRY(bind(b, &org, 1));
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
    TRY(restrict_to(op, &t, &b, r, condition, values, n));
    text_add(&t, " LIMIT 1");
    AUTO(rows) struct rows *row = NULL;
    TRY(sql_rows_text(op->db, &row, t.bytes, b.v, b.n));
    if (!rows_next(row)) {
        TRY(rows_error(row));
        return fail(E_NOT_FOUND, "%s", missing);
    }
    write_row(op, NULL, r, row, true);
    return OK;
}

enum err reply_member(struct op *op, const char *key, const struct resource *r, const char *id)
{
    AUTO(text) struct text t;
    text_init(&t, SELECT_CAP);
    struct bound b = { 0 };
    struct value v = value_text(id);
    select_fields(&t, r, true);
    TRY(restrict_to(op, &t, &b, r, arena_fmt(op->arena, "%s = ?1", r->key), &v, 1));
    AUTO(rows) struct rows *row = NULL;
    TRY(sql_rows_text(op->db, &row, t.bytes, b.v, b.n));
    if (!rows_next(row)) {
        TRY(rows_error(row));
        return fail(E_NOT_FOUND, "there is no %s %s", r->name, id ? id : "");
    }
    write_row(op, key, r, row, true);
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
    TRY(restrict_to(op, &t, &b, r, arena_fmt(op->arena, "%s = ?1", r->key), &v, 1));
    int64_t there = 0;
    TRY(sql_int_text(op->db, &there, t.bytes, b.v, b.n));
    return there ? OK : fail(E_NOT_FOUND, "there is no %s %s", r->name, id ? id : "");
}

static enum err order_clause(struct op *op, const struct resource *r, struct text *t, bool *ret_keyset)
{
    const char *names[8];
    size_t n = http_query_all(op->call, "order_by", names, COUNT_OF(names));
    *ret_keyset = !n && !r->order;
    if (!n) {
        if (r->order)
            text_fmt(t, " ORDER BY %s", r->order);
        else
            text_fmt(t, " ORDER BY %s DESC", r->key);
        return OK;
    }
    for (size_t i = 0; i < n; i++) {
        bool down = names[i][0] == '-';
        const char *name = names[i] + (down || names[i][0] == '+');
        const struct field *found = NULL;
        for (size_t k = 0; k < r->n_fields; k++)
            if (r->fields[k].flags & F_SORT && strcmp(r->fields[k].name, name) == 0)
                found = &r->fields[k];
        if (!found)
            return fail(E_INVALID, "order_by: %s cannot be sorted by \"%.60s\"", r->name, name);
        text_fmt(t, "%s %s %s", i ? "," : " ORDER BY", found->sql ? found->sql : found->name, down ? "DESC" : "ASC");
    }
    text_fmt(t, ", %s", r->key);
    return OK;
}

static enum err whole_number(struct op *op, const char *name, int64_t missing, int64_t most, int64_t *ret)
{
    const char *s = http_query(op->call, name);
    int64_t v = missing;
    if (s) {
        char *end;
        v = strtoll(s, &end, 10);
        if (!*s || *end || v < 0)
            return fail(E_INVALID, "%s must be a whole number from 0 up; it is \"%.40s\"", name, s);
    }
    *ret = v < most ? v : most;
    return OK;
}

static enum err add_query(struct op *op, const struct resource *r, const char *q, struct text *t, struct bound *b)
{
    if (!q || !*q)
        return OK;
    if (!resource_query)
        return fail(E_BROKEN, "the query language is not set up");
    struct where w = { 0 };
    TRY(resource_query(op->arena, r, q, b->n, &w));
    if (w.sql) {
        text_fmt(t, " AND (%s)", w.sql);
        TRY(bind(b, w.values, w.n));
    }
    return OK;
}

static enum err items(struct op *op, const struct resource *r, const char *condition, const struct value *values, size_t n,
                      bool whole)
{
    AUTO(text) struct text t;
    AUTO(text) struct text where;
    AUTO(text) struct text order;
    text_init(&t, SELECT_CAP * 2);
    text_init(&where, SELECT_CAP);
    text_init(&order, SELECT_CAP);
    struct bound b = { 0 };
    TRY(restrict_to(op, &where, &b, r, condition, values, n));
    TRY(add_query(op, r, http_query(op->call, "q"), &where, &b));
    if (text_full(&where))
        return fail(E_TOO_BIG, "the query is too long");
    int64_t count = 0, limit = 0, offset = 0;
    text_fmt(&t, "SELECT count(*) FROM %s%s", r->from, where.bytes);
    TRY(sql_int_text(op->db, &count, t.bytes, b.v, b.n));

    bool keyset;
    TRY(order_clause(op, r, &order, &keyset));
    TRY(whole_number(op, "limit", whole ? LIST_MOST : PAGE_DEFAULT, whole ? LIST_MOST : PAGE_MOST, &limit));
    TRY(whole_number(op, "offset", 0, INT64_MAX, &offset));
    const char *cursor = http_query(op->call, "cursor");
    char id[ID_SIZE];
    if (cursor && *cursor && keyset) {
        if (!id_parse(cursor, id))
            return fail(E_INVALID, "the cursor is not one of ours");
        struct value v = value_text(id);
        TRY(bind(&b, &v, 1));
        text_fmt(&where, " AND %s < ?%zu", r->key, b.n);
    } else if (cursor && *cursor) {
        char *end;
        offset = strtoll(cursor, &end, 10);
        if (*end || offset < 0)
            return fail(E_INVALID, "the cursor is not one of ours");
    }
    text_clear(&t);
    select_fields(&t, r, false);
    text_fmt(&t, "%s%s LIMIT %lld OFFSET %lld", where.bytes, order.bytes, (long long)limit, (long long)offset);
    AUTO(rows) struct rows *row = NULL;
    TRY(sql_rows_text(op->db, &row, t.bytes, b.v, b.n));
    out_object(&op->out, NULL);
    out_array(&op->out, "items");
    int64_t got = 0;
    char last[ID_SIZE] = "";
    for (; rows_next(row); got++) {
        write_row(op, NULL, r, row, false);
        const char *first = rows_text(row, 0); /* the id: checked at start to be the first field where pages use it */
        if (first)
            snprintf(last, sizeof last, "%s", first);
    }
    TRY(rows_error(row));
    out_end_array(&op->out);
    out_int(&op->out, "count", count);
    if (got < limit || !got)
        out_null(&op->out, "next_cursor");
    else if (keyset)
        out_text(&op->out, "next_cursor", last);
    else
        out_text(&op->out, "next_cursor", arena_fmt(op->arena, "%lld", (long long)(offset + got)));
    out_end_object(&op->out);
    return OK;
}

enum err reply_page_where(struct op *op, const struct resource *r, const char *condition, const struct value *values, size_t n)
{
    return items(op, r, condition, values, n, false);
}

enum err reply_list_where(struct op *op, const struct resource *r, const char *condition, const struct value *values, size_t n)
{
    return items(op, r, condition, values, n, true);
}

enum err resource_ids(struct op *op, const struct resource *r, const char *q, const char *condition, const struct value *values,
                      size_t n, const char ***ret, size_t *ret_n)
{
    AUTO(text) struct text t;
    text_init(&t, SELECT_CAP);
    struct bound b = { 0 };
    text_fmt(&t, "SELECT %s FROM %s", r->key, r->from);
    TRY(restrict_to(op, &t, &b, r, condition, values, n));
    TRY(add_query(op, r, q, &t, &b));
    text_fmt(&t, " ORDER BY %s", r->key);
    AUTO(rows) struct rows *row = NULL;
    TRY(sql_rows_text(op->db, &row, t.bytes, b.v, b.n));
    size_t room = 64, got = 0;
    const char **ids = arena_new_array(op->arena, const char *, room);
    while (rows_next(row)) {
        if (got == room) {
            const char **more = arena_new_array(op->arena, const char *, room * 2);
            memcpy(more, ids, room * sizeof *ids);
            ids = more;
            room *= 2;
        }
        ids[got++] = arena_str(op->arena, rows_text(row, 0));
    }
    TRY(rows_error(row));
    *ret = ids;
    *ret_n = got;
    return OK;
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
    TRY(bind(&b, &v, 1));
    text_fmt(&t, "UPDATE %s SET", table);
    for (size_t i = 0; i < n; i++) {
        const struct json *sent = in_json(op, in[i].name);
        if (!sent || (json_absent(sent) && !(in[i].flags & F_NULL)))
            continue;
        v = column_value(op, &in[i], sent);
        TRY(bind(&b, &v, 1));
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
    if (r->org) {
        const struct field org = { "org", T_ID, .sql = r->org };
        TRY(try_select(db, r, &org));
    }
    return OK;
}
