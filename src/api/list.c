/* Lists of a resource: pages, their order, cursors and counts. */
#include "api/select.h"
#include "base/clock.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_DEFAULT = 100, PAGE_MOST = 1000, LIST_MOST = 100000 };

query_function *resource_query;

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
        TRY(bound_add(b, w.values, w.n));
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
    TRY(select_within(op, &where, &b, r, condition, values, n));
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
        TRY(bound_add(&b, &v, 1));
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
    AUTO(row_batch) struct row_batch *batch = row_batch_new(op, NULL, r, false);
    for (; rows_next(row); got++) {
        TRY(row_batch_add(batch, row));
        const char *first = rows_text(row, 0); /* the id: checked at start to be the first field where pages use it */
        if (first)
            snprintf(last, sizeof last, "%s", first);
    }
    TRY(rows_error(row));
    TRY(row_batch_end(batch));
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
    TRY(select_within(op, &t, &b, r, condition, values, n));
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
