/* Output: SELECTs put together from a resource's constant rows, and their rows as JSON. Lists and pages are in list.c. */
#include "api/remove.h"
#include "api/select.h"
#include "base/unicode.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum err bound_add(struct bound *b, const struct value *values, size_t n)
{
    if (b->n + n > VALUES_MOST)
        return fail(E_TOO_BIG, "the query has more than %d values", VALUES_MOST);
    if (n)
        memcpy(b->v + b->n, values, n * sizeof *values);
    b->n += n;
    return OK;
}

/* Private rows are their owner's; of an organization that they do not belong to, people see what access was given to them on. */
static enum err within_own(struct op *op, struct text *t, struct bound *b, const struct resource *r)
{
    struct value user = value_text(op->user_id ? op->user_id : "");
    TRY(bound_add(b, &user, 1));
    if (r->owner)
        text_fmt(t, " AND %s = ?%zu", r->owner, b->n);
    if (!op->guest || !r->org)
        return OK;
    text_fmt(t, " AND (%s IN (%s ?%zu)", r->root ? r->root : "NULL", api_hooks.given, b->n);
    if (r->shown)
        text_fmt(t, " OR EXISTS (SELECT 1 %s IN (%s ?%zu))", r->shown, api_hooks.given, b->n);
    text_add(t, ")");
    return OK;
}

enum err select_within(struct op *op, struct text *t, struct bound *b, const struct resource *r, const char *condition,
                       const struct value *values, size_t n)
{
    text_fmt(t, " WHERE (%s)", condition);
    TRY(bound_add(b, values, n));
    if (r->removal && !op->made)
        text_fmt(t, " AND " NOT_GONE("%s"), r->key);
    if (r->owner || (op->guest && r->org))
        TRY(within_own(op, t, b, r));
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

static enum err find_exactly(struct op *op, const struct resource *r, const char *missing, const char *condition,
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
    return row_write(op, NULL, r, row, true);
}

/* Every text in that form; false: they were in it before. */
static bool in_form(struct arena *a, struct value *values, size_t n, const char *(*form)(struct arena *, const char *))
{
    bool changed = false;
    for (size_t i = 0; i < n; i++) {
        const char *s = values[i].kind == VALUE_TEXT ? form(a, values[i].t) : values[i].t;
        changed |= s != values[i].t;
        values[i].t = s;
    }
    return changed;
}

/* Who is called exactly so goes before who is called so in the other form of its letters. */
enum err reply_find_where(struct op *op, const struct resource *r, const char *missing, const char *condition,
                          const struct value *values, size_t n)
{
    struct value other[VALUES_MOST];
    enum err e = find_exactly(op, r, missing, condition, values, n);
    if (n)
        memcpy(other, values, n * sizeof *values);
    if (e == E_NOT_FOUND && in_form(op->arena, other, n, unicode_nfc))
        e = find_exactly(op, r, missing, condition, other, n);
    if (e == E_NOT_FOUND && in_form(op->arena, other, n, unicode_nfd))
        e = find_exactly(op, r, missing, condition, other, n);
    return e;
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
    return row_write(op, key, r, row, true);
}

enum err reply_rows_where(struct op *op, const char *key, const struct resource *r, const char *condition,
                          const struct value *values, size_t n)
{
    AUTO(text) struct text t;
    text_init(&t, SELECT_CAP);
    struct bound b = { 0 };
    select_fields(&t, r, false);
    TRY(select_within(op, &t, &b, r, condition, values, n));
    if (r->order)
        text_fmt(&t, " ORDER BY %s", r->order);
    AUTO(rows) struct rows *row = NULL;
    TRY(sql_rows_text(op->db, &row, t.bytes, b.v, b.n));
    AUTO(row_batch) struct row_batch *batch = row_batch_new(op, NULL, r, false);
    out_array(&op->out, key);
    while (rows_next(row))
        TRY(row_batch_add(batch, row));
    TRY(rows_error(row));
    TRY(row_batch_end(batch));
    out_end_array(&op->out);
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
