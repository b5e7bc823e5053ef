/* Lists of a resource: pages, their order, cursors and counts.
 *
 * A page's keys are found first, with as few columns as the question needs; then the rows of these keys are written. What comes
 * after a cursor is a few ranges, each of which an index can answer (ranges()). A query that only few rows can fulfil is answered
 * from those rows (way_of()). The count is exact where that costs no more than the page. */
#include "api/select.h"
#include "base/clock.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_DEFAULT = 100, PAGE_MOST = 1000, LIST_MOST = 100000, COUNT_MOST = 10000 };
enum { FEW = 2000, LOOK_AHEAD = 10000, MANY = 300000 }; /* rows; measured by bench/scale */
enum { ORDERS = 8, RANGES = 2 * (ORDERS + 1) };

query_function *resource_query;

struct order {
    const char *sql, *name; /* name: as the caller says it; NULL: the resource's own order */
    enum type type;
    bool down;
};

/* A list as it is asked for. */
struct listing {
    struct op *op;
    const struct resource *resource;
    struct text where;
    struct bound bound;
    struct where query;              /* .sql NULL: there is none */
    struct order orders[ORDERS + 2]; /* the last is the key */
    size_t n_orders;
    struct value after[ORDERS + 2]; /* the cursor's values */
    bool has_cursor, whole;
    int64_t limit, offset;
    const char *few; /* the driver that names less than FEW rows, if there is one */
};

static void listing_done(struct listing *l)
{
    text_done(&l->where);
}

static void auto_listing(struct listing *l)
{
    listing_done(l);
}

/* ---- the order */

static const struct field *sortable(const struct resource *r, const char *name)
{
    for (size_t k = 0; k < r->n_fields; k++)
        if (r->fields[k].flags & F_SORT && strcmp(r->fields[k].name, name) == 0)
            return &r->fields[k];
    return NULL;
}

/* A resource's own order: "v.created_at DESC, v.id DESC". */
static void read_stated(struct listing *l, const char *order)
{
    static const char down[] = " DESC";
    for (const char *p = order ? order : "", *end; *p && l->n_orders < ORDERS; p = *end ? end + 2 : end) {
        end = strchrnul(p, ',');
        size_t n = (size_t)(end - p), tail = strlen(down);
        bool falls = n > tail && memcmp(end - tail, down, tail) == 0;
        const char *sql = arena_copy(l->op->arena, p, falls ? n - tail : n);
        if (strcmp(sql, l->resource->key) != 0)
            l->orders[l->n_orders++] = (struct order){ sql, NULL, T_JSON, falls };
    }
}

/* The key decides between equals, in the direction of the last order, so that one index gives both. */
static void end_with_key(struct listing *l)
{
    bool down = l->n_orders ? l->orders[l->n_orders - 1].down : true;
    l->orders[l->n_orders++] = (struct order){ l->resource->key, NULL, T_TEXT, down };
}

static enum err read_orders(struct listing *l)
{
    const struct resource *r = l->resource;
    const char *names[ORDERS];
    size_t n = http_query_all(l->op->call, "order_by", names, COUNT_OF(names));
    for (size_t i = 0; i < n; i++) {
        bool down = names[i][0] == '-';
        const char *name = names[i] + (down || names[i][0] == '+');
        const struct field *f = sortable(r, name);
        if (!f)
            return fail(E_INVALID, "order_by: %s cannot be sorted by \"%.60s\"", r->name, name);
        l->orders[l->n_orders++] = (struct order){ f->sql ? f->sql : f->name, f->name, f->type, down };
    }
    if (!n)
        read_stated(l, r->order);
    end_with_key(l);
    return OK;
}

/* The places of nulls are said, since databases differ in it; here they are less than everything. The first `equal` columns are the
 * same in all rows: named, an index of an expression would not be gone along. */
static void order_text(struct text *t, const struct listing *l, size_t equal, const char *page)
{
    for (size_t i = equal; i < l->n_orders; i++) {
        const struct order *o = &l->orders[i];
        text_add(t, i > equal ? ", " : " ORDER BY ");
        if (page)
            text_fmt(t, "%s%zu", page, i);
        else
            text_add(t, o->sql);
        text_add(t, o->down ? " DESC NULLS LAST" : " ASC NULLS FIRST");
    }
}

/* ---- cursors: which order it is, and the last row's values of it, as JSON in hexadecimal; no promise to anybody */

/* Tells orders apart by what they sort by and which way: FNV-1a (Fowler, Noll, Vo), 32 bits. */
static int64_t order_mark(const struct listing *l)
{
    uint32_t h = 2166136261u;
    for (const struct order *o = l->orders; o < l->orders + l->n_orders; o++) {
        for (const char *c = o->name ? o->name : o->sql; *c; c++)
            h = (h ^ (unsigned char)*c) * 16777619u;
        h = (h ^ (o->down ? '-' : '+')) * 16777619u;
    }
    return h;
}

static char *cursor_of(struct listing *l, const struct value *last)
{
    AUTO(out) struct out o;
    AUTO(text) struct text t;
    out_init(&o, SELECT_CAP);
    text_init(&t, SELECT_CAP * 2);
    out_array(&o, NULL);
    out_int(&o, NULL, order_mark(l));
    for (size_t i = 0; i < l->n_orders; i++)
        switch (last[i].kind) {
        case VALUE_NULL: out_null(&o, NULL); break;
        case VALUE_INT: out_int(&o, NULL, last[i].i); break;
        case VALUE_REAL: out_number(&o, NULL, last[i].r); break;
        case VALUE_BYTES: /* nothing is sorted by these */
        case VALUE_TEXT: out_text(&o, NULL, last[i].t); break;
        }
    out_end_array(&o);
    text_hex(&t, (const uint8_t *)o.text.bytes, o.text.n);
    return arena_str(l->op->arena, t.bytes);
}

static int nibble(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* T_JSON: of a type that is not known. */
static bool cursor_value(const struct json *v, enum type type, struct value *ret)
{
    double real = 0;
    int64_t whole = 0;
    bool text = type == T_TEXT || type == T_ID, any = type == T_JSON;
    if (json_absent(v))
        *ret = value_text(NULL);
    else if ((text || any) && json_text(v))
        *ret = value_text(json_text(v));
    else if (!text && json_int(v, &whole))
        *ret = value_int(whole);
    else if (!text && json_number(v, &real))
        *ret = value_real(real);
    else
        return false;
    return true;
}

static enum err cursor_read(struct listing *l, const char *cursor)
{
    size_t n = strlen(cursor) / 2;
    char *bytes = arena_take(l->op->arena, n + 1);
    for (size_t i = 0; i < n; i++) {
        int high = nibble(cursor[2 * i]), low = nibble(cursor[2 * i + 1]);
        if (high < 0 || low < 0)
            return fail(E_INVALID, "the cursor is not one of ours");
        bytes[i] = (char)(high << 4 | low);
    }
    const struct json *list;
    if (strlen(cursor) % 2 || json_parse(l->op->arena, bytes, n, &list) != OK || json_kind(list) != J_ARRAY)
        return fail(E_INVALID, "the cursor is not one of ours");
    int64_t mark;
    if (json_count(list) != l->n_orders + 1 || !json_int(json_at(list, 0), &mark) || mark != order_mark(l))
        return fail(E_INVALID, "the cursor belongs to another order");
    for (size_t i = 0; i < l->n_orders; i++)
        if (!cursor_value(json_at(list, i + 1), l->orders[i].type, &l->after[i]))
            return fail(E_INVALID, "the cursor belongs to another order");
    l->has_cursor = true;
    return OK;
}

/* ---- ranges: what comes after a cursor, each part in the order of the list and reachable through an index
 *
 * After (a, b, key): first a = A and b = B and key > K; then a = A and b > B; then a > A. Going down, nulls come last: a < A, then
 * a IS NULL. */

struct range {
    size_t equal; /* the first so many columns are as the cursor's */
    enum { AFTER, NULLS, NOT_NULLS, EVERYTHING } rest;
};

static size_t ranges(const struct listing *l, struct range *ret)
{
    size_t n = 0;
    if (!l->has_cursor) {
        ret[n++] = (struct range){ 0, EVERYTHING };
        return n;
    }
    for (size_t k = l->n_orders; k-- > 0;) {
        bool null = l->after[k].kind == VALUE_NULL, key = k + 1 == l->n_orders, down = l->orders[k].down;
        if (!null)
            ret[n++] = (struct range){ k, AFTER };
        else if (!down)
            ret[n++] = (struct range){ k, NOT_NULLS };
        if (!null && down && !key)
            ret[n++] = (struct range){ k, NULLS };
    }
    return n;
}

static enum err range_text(const struct listing *l, const struct range *r, struct text *t, struct bound *b)
{
    const struct value *after = l->after;
    for (size_t i = 0; i < r->equal; i++)
        if (after[i].kind == VALUE_NULL) {
            text_fmt(t, " AND %s IS NULL", l->orders[i].sql);
        } else {
            TRY(bound_add(b, &after[i], 1));
            text_fmt(t, " AND %s = ?%zu", l->orders[i].sql, b->n);
        }
    const struct order *o = &l->orders[r->equal];
    if (r->rest == AFTER) {
        TRY(bound_add(b, &after[r->equal], 1));
        text_fmt(t, " AND %s %s ?%zu", o->sql, o->down ? "<" : ">", b->n);
    } else if (r->rest != EVERYTHING) {
        text_fmt(t, " AND %s IS %sNULL", o->sql, r->rest == NULLS ? "" : "NOT ");
    }
    return OK;
}

/* ---- how the rows are come by: in order, each one looked at; or from the rows that a driver names */

/* A query's condition as one value: which index is used is decided here, by what was counted, and not by a planner that guesses. */
#define IS_TRUE "CASE WHEN %s THEN 1 ELSE 0 END = 1"

/* "SELECT the order's values FROM … WHERE …", without order and limit. driver: may be NULL. */
static enum err keys_text(const struct listing *l, const char *driver, const char *query, const struct range *range, struct text *t,
                          struct bound *b)
{
    const struct resource *r = l->resource;
    text_add(t, "SELECT ");
    for (size_t i = 0; i < l->n_orders; i++)
        text_fmt(t, "%s%s AS o%zu", i ? ", " : "", l->orders[i].sql, i);
    if (driver)
        text_fmt(t, " FROM (SELECT DISTINCT id FROM (%s) named) driver CROSS JOIN %s%s AND %s = driver.id", driver, r->from,
                 l->where.bytes, r->key);
    else
        text_fmt(t, " FROM %s%s", r->from, l->where.bytes);
    if (query)
        text_fmt(t, " AND " IS_TRUE, query);
    return range_text(l, range, t, b);
}

static enum err limit_text(struct text *t, struct bound *b, int64_t limit, int64_t offset)
{
    const struct value v[] = { value_int(limit), value_int(offset) };
    TRY(bound_add(b, v, 2));
    text_fmt(t, " LIMIT ?%zu OFFSET ?%zu", b->n - 1, b->n);
    return OK;
}

/* The driver that names the fewest rows, if they are at most `most`. */
static enum err smallest_up_to(struct listing *l, int64_t most, const char **ret)
{
    *ret = NULL;
    for (size_t i = 0; i < l->query.n_drivers; i++) {
        AUTO(text) struct text t;
        text_init(&t, SELECT_CAP * 2);
        struct bound b = l->bound;
        int64_t n = 0;
        text_fmt(&t, "SELECT count(*) FROM (SELECT id FROM (%s) named", l->query.drivers[i]);
        TRY(limit_text(&t, &b, most + 1, 0));
        text_add(&t, ") few");
        TRY(sql_int_text(l->op->db, &n, t.bytes, b.v, b.n));
        if (n <= most) {
            most = n;
            *ret = l->query.drivers[i];
        }
    }
    return OK;
}

/* The same, with a limit that doubles: none is counted much further than the smallest one is large. */
static enum err smallest_driver(struct listing *l, int64_t most, const char **ret)
{
    *ret = NULL;
    for (int64_t limit = 2 * FEW; limit < most && !*ret && l->query.n_drivers > 1; limit *= 2)
        TRY(smallest_up_to(l, limit, ret));
    return *ret ? OK : smallest_up_to(l, most, ret);
}

/* How many of the next LOOK_AHEAD rows in order fulfil the query, up to `wanted`. */
static enum err look_ahead(struct listing *l, const struct range *range, int64_t wanted, int64_t *ret)
{
    AUTO(text) struct text t;
    text_init(&t, SELECT_CAP * 4);
    struct bound b = l->bound;
    text_add(&t, "SELECT count(*) FROM (SELECT 1 FROM (");
    TRY(keys_text(l, NULL, NULL, range, &t, &b));
    order_text(&t, l, range->equal, NULL);
    TRY(limit_text(&t, &b, LOOK_AHEAD, 0));
    text_fmt(&t, ") ahead CROSS JOIN %s%s AND %s = ahead.o%zu AND " IS_TRUE, l->resource->from, l->where.bytes, l->resource->key,
             l->n_orders - 1, l->query.sql);
    TRY(limit_text(&t, &b, wanted, 0));
    text_add(&t, ") found");
    return sql_int_text(l->op->db, ret, t.bytes, b.v, b.n);
}

/* NULL: all rows in order. */
static enum err way_of(struct listing *l, const struct range *range, int64_t wanted, const char **ret_driver)
{
    *ret_driver = l->few;
    if (!l->query.n_drivers || l->few)
        return OK;
    int64_t found = 0, most = MANY;
    if (wanted < LOOK_AHEAD)
        TRY(look_ahead(l, range, wanted, &found));
    if (found == wanted)
        return OK;
    if (found && LOOK_AHEAD * wanted / found < most) /* as many rows as will have to be looked at, going on in order */
        most = LOOK_AHEAD * wanted / found;
    return smallest_driver(l, most, ret_driver);
}

/* ---- a page */

/* "SELECT fields, order FROM (the page's keys) page CROSS JOIN …": columns that cost are computed for the page's rows only. */
static enum err page_text(struct listing *l, const struct range *range, int64_t limit, int64_t offset, struct text *t,
                          struct bound *b, size_t *ret_width)
{
    const struct resource *r = l->resource;
    const char *driver;
    TRY(way_of(l, range, limit + offset, &driver));
    size_t width = *ret_width = select_columns(t, r, false);
    for (size_t i = 0; i < l->n_orders; i++)
        text_fmt(t, "%spage.o%zu", width || i ? ", " : "", i);
    text_add(t, " FROM (");
    TRY(keys_text(l, driver, l->query.sql, range, t, b));
    order_text(t, l, range->equal, NULL);
    TRY(limit_text(t, b, limit, offset));
    text_fmt(t, ") page CROSS JOIN %s%s AND %s = page.o%zu", r->from, l->where.bytes, r->key, l->n_orders - 1);
    order_text(t, l, range->equal, "page.o");
    return text_full(t) ? fail(E_TOO_BIG, "the query is too long") : OK;
}

static struct value column_of(struct arena *a, struct rows *row, int column)
{
    switch (rows_kind(row, column)) {
    case VALUE_INT: return value_int(rows_int(row, column));
    case VALUE_REAL: return value_real(rows_real(row, column));
    case VALUE_TEXT: return value_text(arena_str(a, rows_text(row, column)));
    default: return value_text(NULL);
    }
}

struct page {
    struct row_batch *batch;
    int64_t got; /* rows written */
    bool more;
    struct value last[ORDERS + 2];
};

/* One row more than is written is asked for: it says whether the list goes on. */
static enum err write_range(struct listing *l, const struct range *range, struct page *p)
{
    AUTO(text) struct text t;
    AUTO(rows) struct rows *row = NULL;
    size_t width;
    text_init(&t, SELECT_CAP * 4);
    struct bound b = l->bound;
    TRY(page_text(l, range, l->limit - p->got + 1, l->offset, &t, &b, &width));
    TRY(sql_rows_text(l->op->db, &row, t.bytes, b.v, b.n));
    while (!p->more && rows_next(row)) {
        if (p->got == l->limit) {
            p->more = true;
            break;
        }
        TRY(row_batch_add(p->batch, row));
        if (++p->got == l->limit)
            for (size_t i = 0; i < l->n_orders; i++)
                p->last[i] = column_of(l->op->arena, row, (int)(width + i));
    }
    return rows_error(row);
}

static enum err write_items(struct listing *l, struct page *p)
{
    struct range all[RANGES];
    size_t n = ranges(l, all);
    for (size_t i = 0; i < n && !p->more && l->limit; i++)
        TRY(write_range(l, &all[i], p));
    return OK;
}

/* ---- the count */

static enum err count_to(struct listing *l, int64_t most, int64_t *ret)
{
    AUTO(text) struct text t;
    text_init(&t, SELECT_CAP * 4);
    struct bound b = l->bound;
    const struct range everything = { 0, EVERYTHING };
    l->orders[0] = l->orders[l->n_orders - 1]; /* a count looks at nothing but the key; it comes last */
    l->n_orders = 1;
    text_add(&t, "SELECT count(*) FROM (");
    TRY(keys_text(l, l->few, l->query.sql, &everything, &t, &b));
    TRY(limit_text(&t, &b, most, 0));
    text_add(&t, ") counted");
    return sql_int_text(l->op->db, ret, t.bytes, b.v, b.n);
}

/* Those who page by number are told the exact count, since they ask for that many; others get it where it is cheap. */
static enum err write_count(struct listing *l, const struct page *p)
{
    const char *asked = http_query(l->op->call, "count");
    bool exact = asked ? strcmp(asked, "exact") == 0 : l->whole || http_query(l->op->call, "offset") != NULL;
    if (asked && !exact && strcmp(asked, "short") != 0)
        return fail(E_INVALID, "count must be exact or short");
    int64_t n = l->offset + p->got + p->more;
    bool ended = !l->has_cursor && l->limit && !p->more && (p->got || !l->offset);
    if (!ended && exact && !l->few)
        TRY(smallest_driver(l, MANY, &l->few));
    if (!ended && (exact || l->few))
        TRY(count_to(l, INT64_MAX, &n));
    else if (!ended && !l->query.sql)
        TRY(count_to(l, COUNT_MOST, &n));
    out_int(&l->op->out, "count", n);
    out_bool(&l->op->out, "count_exact", ended || exact || l->few || (!l->query.sql && n < COUNT_MOST));
    return OK;
}

/* ---- what was asked */

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

static enum err add_query(struct listing *l, const char *q)
{
    if (!q || !*q)
        return OK;
    if (!resource_query)
        return fail(E_BROKEN, "the query language is not set up");
    TRY(resource_query(l->op->arena, l->resource, q, l->bound.n, &l->query));
    TRY(bound_add(&l->bound, l->query.values, l->query.n));
    return smallest_up_to(l, FEW, &l->few);
}

static enum err listing_read(struct listing *l, const char *condition, const struct value *values, size_t n, const char *q)
{
    int64_t behind = 0;
    if (l->resource->behind)
        TRY(sql_int_text(l->op->db, &behind, l->resource->behind, values, n ? 1 : 0));
    if (behind)
        l->resource = l->resource->meanwhile;
    TRY(select_within(l->op, &l->where, &l->bound, l->resource, condition, values, n));
    return add_query(l, q);
}

/* The query string's, or that of a body in which a list is asked for. */
static const char *query_of(struct op *op)
{
    const char *q = http_query(op->call, "q");
    return q ? q : json_text(json_get(op->body, "q"));
}

static enum err items(struct op *op, const struct resource *r, const char *condition, const struct value *values, size_t n,
                      bool whole)
{
    AUTO(listing) struct listing l = { .op = op, .resource = r, .whole = whole };
    text_init(&l.where, SELECT_CAP);
    TRY(listing_read(&l, condition, values, n, query_of(op)));
    TRY(read_orders(&l));
    int64_t most = op->route->page_most, usual = most ? most : PAGE_DEFAULT;
    TRY(whole_number(op, "limit", whole ? LIST_MOST : usual, whole ? LIST_MOST : most ? most : PAGE_MOST, &l.limit));
    TRY(whole_number(op, "offset", 0, INT64_MAX / 2, &l.offset));
    const char *cursor = http_query(op->call, "cursor");
    if (cursor && *cursor) {
        TRY(cursor_read(&l, cursor));
        l.offset = 0;
    }
    AUTO(row_batch) struct row_batch *batch = row_batch_new(op, NULL, l.resource, false);
    struct page p = { .batch = batch };
    out_object(&op->out, NULL);
    out_array(&op->out, "items");
    TRY(write_items(&l, &p));
    TRY(row_batch_end(batch));
    out_end_array(&op->out);
    out_text(&op->out, "next_cursor", p.more ? cursor_of(&l, p.last) : NULL);
    TRY(write_count(&l, &p));
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

static enum err ids_text(struct listing *l, struct text *t, struct bound *b)
{
    const char *driver;
    const struct range everything = { 0, EVERYTHING };
    l->orders[l->n_orders++] = (struct order){ l->resource->key, NULL, T_TEXT, false };
    TRY(smallest_driver(l, MANY, &driver));
    TRY(keys_text(l, driver, l->query.sql, &everything, t, b));
    order_text(t, l, 0, NULL);
    return OK;
}

static enum err first_text(struct listing *l, const char *order, int64_t most, struct text *t, struct bound *b)
{
    const char *driver;
    const struct range everything = { 0, EVERYTHING };
    read_stated(l, order ? order : l->resource->order);
    end_with_key(l);
    TRY(way_of(l, &everything, most, &driver));
    TRY(keys_text(l, driver, l->query.sql, &everything, t, b));
    order_text(t, l, 0, NULL);
    return limit_text(t, b, most, 0);
}

/* The key is the last of a row. */
static enum err read_keys(struct listing *l, const struct text *t, const struct bound *b, const char ***ret, size_t *ret_n)
{
    AUTO(rows) struct rows *row = NULL;
    TRY(sql_rows_text(l->op->db, &row, t->bytes, b->v, b->n));
    size_t room = 64, got = 0;
    const char **ids = arena_new_array(l->op->arena, const char *, room);
    while (rows_next(row)) {
        if (got == room) {
            const char **more = arena_new_array(l->op->arena, const char *, room * 2);
            memcpy(more, ids, room * sizeof *ids);
            ids = more;
            room *= 2;
        }
        ids[got++] = arena_str(l->op->arena, rows_text(row, (int)l->n_orders - 1));
    }
    TRY(rows_error(row));
    *ret = ids;
    *ret_n = got;
    return OK;
}

enum err resource_ids(struct op *op, const struct resource *r, const char *q, const char *condition, const struct value *values,
                      size_t n, const char ***ret, size_t *ret_n)
{
    AUTO(text) struct text t;
    AUTO(listing) struct listing l = { .op = op, .resource = r };
    text_init(&t, SELECT_CAP * 4);
    text_init(&l.where, SELECT_CAP);
    TRY(listing_read(&l, condition, values, n, q));
    struct bound b = l.bound;
    TRY(ids_text(&l, &t, &b));
    return read_keys(&l, &t, &b, ret, ret_n);
}

enum err resource_first(struct op *op, const struct resource *r, const char *q, const char *order, int64_t most,
                        const char *condition, const struct value *values, size_t n, const char ***ret, size_t *ret_n)
{
    AUTO(text) struct text t;
    AUTO(listing) struct listing l = { .op = op, .resource = r };
    text_init(&t, SELECT_CAP * 4);
    text_init(&l.where, SELECT_CAP);
    TRY(listing_read(&l, condition, values, n, q));
    struct bound b = l.bound;
    TRY(first_text(&l, order, most, &t, &b));
    return read_keys(&l, &t, &b, ret, ret_n);
}
