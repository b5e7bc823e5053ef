/* Rows as JSON: the columns of a resource, the rows of a page, and whatever is nested in them.
 *
 * Rows are read a batch at a time; each nested member of the batch is then fetched by one statement that names all its keys, and so
 * are the members nested in those. What is written needs neither JSON made in SQL nor a statement a row. */
#include "api/select.h"
#include "base/clock.h"
#include <stdlib.h>
#include <string.h>

enum { BATCH = 256, KEYS = 512, DEPTH = 8 };

struct cell {
    bool null;
    union {
        int64_t i;
        double d;
        const char *t;
    };
};

/* Rows of one resource; width cells each. Those of a nested resource begin with the key that they belong to. */
struct set {
    const struct resource *r;
    bool single;
    size_t width, n, room;
    struct cell *cells;
    struct set *nested; /* one for each T_ONE and T_MANY, in the order of the fields */
    size_t *by_key;     /* of a nested set: its rows sorted by their keys, rows of one key in the order they came */
};

struct row_batch {
    struct op *op;
    struct arena *arena;
    const char *key;
    struct set set;
};

/* ---- columns */

static void add_column(struct text *t, size_t *width, const char *sql)
{
    text_fmt(t, "%s%s", (*width)++ ? ", " : "", sql);
}

static void add_columns(struct text *t, size_t *width, const struct resource *r, const char *key, bool single)
{
    for (size_t i = 0; i < r->n_fields; i++) {
        const struct field *f = &r->fields[i];
        if (!field_shown(f, single))
            continue;
        if (f->sql || !field_inlined(f))
            add_column(t, width, f->sql ? f->sql : field_nested(f) ? key : f->name);
        if (field_inlined(f))
            add_columns(t, width, f->of, key, single);
    }
}

static size_t select_with(struct text *t, const struct resource *r, const char *first, bool single)
{
    size_t width = 0;
    text_add(t, "SELECT ");
    if (first)
        add_column(t, &width, first);
    add_columns(t, &width, r, r->key, single);
    return width;
}

size_t select_columns(struct text *t, const struct resource *r, bool single)
{
    return select_with(t, r, NULL, single);
}

size_t select_fields(struct text *t, const struct resource *r, bool single)
{
    size_t width = select_columns(t, r, single);
    text_fmt(t, " FROM %s", r->from);
    return width;
}

/* ---- reading */

static struct cell read_cell(struct arena *a, enum type type, struct rows *row, int column)
{
    struct cell c = { .null = rows_null(row, column) };
    if (c.null)
        return c;
    switch (type) {
    case T_INT:
    case T_BOOL:
    case T_TIME: c.i = rows_int(row, column); break;
    case T_NUMBER: c.d = rows_real(row, column); break;
    default: c.t = arena_str(a, rows_text(row, column));
    }
    return c;
}

static void read_cells(struct arena *a, const struct resource *r, bool single, struct rows *row, int *column, struct cell **at)
{
    for (size_t i = 0; i < r->n_fields; i++) {
        const struct field *f = &r->fields[i];
        if (!field_shown(f, single))
            continue;
        if (f->sql || !field_inlined(f))
            *(*at)++ = read_cell(a, f->type, row, (*column)++);
        if (field_inlined(f))
            read_cells(a, f->of, single, row, column, at);
    }
}

static void read_row(struct arena *a, struct set *s, struct rows *row, bool with_key)
{
    if (s->n == s->room) {
        struct cell *more = arena_new_array(a, struct cell, (s->room ? s->room * 2 : 16) * s->width);
        if (s->n)
            memcpy(more, s->cells, s->n * s->width * sizeof *more);
        s->cells = more;
        s->room = s->room ? s->room * 2 : 16;
    }
    struct cell *at = s->cells + s->n++ * s->width;
    int column = 0;
    if (with_key)
        *at++ = read_cell(a, T_TEXT, row, column++);
    read_cells(a, s->r, s->single, row, &column, &at);
}

/* ---- nested members */

static int compare_keys(const void *x, const void *y, void *with)
{
    const struct set *s = with;
    size_t a = *(const size_t *)x, b = *(const size_t *)y;
    int d = strcmp(s->cells[a * s->width].t, s->cells[b * s->width].t);
    return d ? d : (a > b) - (a < b);
}

static int compare_texts(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* The different keys in a column of the rows, sorted. */
static size_t keys_of(struct arena *a, const struct set *s, size_t column, const char ***ret)
{
    const char **keys = arena_new_array(a, const char *, s->n + 1);
    size_t n = 0, different = 0;
    for (size_t i = 0; i < s->n; i++) {
        const struct cell *c = &s->cells[i * s->width + column];
        if (!c->null)
            keys[n++] = c->t;
    }
    qsort(keys, n, sizeof *keys, compare_texts);
    for (size_t i = 0; i < n; i++)
        if (!different || strcmp(keys[different - 1], keys[i]) != 0)
            keys[different++] = keys[i];
    *ret = keys;
    return different;
}

/* Lists grow by powers of two, filled up with their last key, so that few different statements are prepared. */
static enum err fetch_some(struct op *op, struct arena *a, const struct field *f, struct set *s, const char **keys, size_t n)
{
    size_t places = 1;
    while (places < n)
        places *= 2;
    struct value values[KEYS];
    AUTO(text) struct text t;
    text_init(&t, SELECT_CAP);
    const char *by = f->by ? f->by : f->of->key;
    s->width = select_with(&t, f->of, by, false);
    text_fmt(&t, " FROM %s WHERE %s IN (", f->of->from, by);
    for (size_t i = 0; i < places; i++) {
        values[i] = value_text(keys[i < n ? i : n - 1]);
        text_fmt(&t, "%s?%zu", i ? ", " : "", i + 1);
    }
    text_add(&t, ")");
    if (f->of->order)
        text_fmt(&t, " ORDER BY %s", f->of->order);
    AUTO(rows) struct rows *row = NULL;
    TRY(sql_rows_text(op->db, &row, t.bytes, values, places));
    while (rows_next(row))
        read_row(a, s, row, true);
    return rows_error(row);
}

static enum err fetch_nested(struct op *op, struct arena *a, struct set *s, size_t depth);

static enum err fetch(struct op *op, struct arena *a, const struct field *f, const struct set *parent, size_t column, struct set *s,
                      size_t depth)
{
    const char **keys;
    size_t n = keys_of(a, parent, column, &keys);
    *s = (struct set){ .r = f->of };
    for (size_t done = 0; done < n; done += KEYS)
        TRY(fetch_some(op, a, f, s, keys + done, n - done < KEYS ? n - done : KEYS));
    s->by_key = arena_new_array(a, size_t, s->n + 1);
    for (size_t i = 0; i < s->n; i++)
        s->by_key[i] = i;
    qsort_r(s->by_key, s->n, sizeof *s->by_key, compare_keys, s);
    return fetch_nested(op, a, s, depth + 1);
}

static size_t count_nested(const struct resource *r, bool single)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n_fields; i++)
        if (field_shown(&r->fields[i], single))
            n += field_nested(&r->fields[i]) ? 1 : field_inlined(&r->fields[i]) ? count_nested(r->fields[i].of, single) : 0;
    return n;
}

static enum err fetch_of(struct op *op, struct arena *a, struct set *s, const struct resource *r, size_t *column, size_t *at,
                         size_t depth)
{
    for (size_t i = 0; i < r->n_fields; i++) {
        const struct field *f = &r->fields[i];
        if (!field_shown(f, s->single))
            continue;
        size_t here = *column;
        *column += f->sql || !field_inlined(f);
        if (field_nested(f))
            TRY(fetch(op, a, f, s, here, &s->nested[(*at)++], depth));
        else if (field_inlined(f))
            TRY(fetch_of(op, a, s, f->of, column, at, depth));
    }
    return OK;
}

static enum err fetch_nested(struct op *op, struct arena *a, struct set *s, size_t depth)
{
    size_t n = count_nested(s->r, s->single), column = depth ? 1 : 0, at = 0;
    if (!n || !s->n)
        return OK;
    if (depth >= DEPTH)
        return fail(E_BROKEN, "%s is nested deeper than %d levels", s->r->name, DEPTH);
    s->nested = arena_new_array(a, struct set, n);
    return fetch_of(op, a, s, s->r, &column, &at, depth);
}

/* ---- writing */

static void write_linked(struct op *op, const char *name, const char *json)
{
    struct out *o = &op->out;
    const struct json *v;
    if (json_parse(op->arena, json, strlen(json), &v) != OK) {
        out_raw(o, name, json);
        return;
    }
    out_object(o, name);
    for (struct json_member m = json_first(v); m.key; m = json_next(v, m))
        if (strcmp(m.key, "presigned_url") != 0)
            out_json(o, m.key, m.value);
    out_text(o, "presigned_url", signed_url(op, "GET", json_text(json_get(v, "object_name"))));
    out_end_object(o);
}

static void write_value(struct op *op, const char *name, enum type type, const struct cell *c)
{
    struct out *o = &op->out;
    if (c->null) {
        out_null(o, name);
        return;
    }
    switch (type) {
    case T_INT: out_int(o, name, c->i); break;
    case T_NUMBER: out_number(o, name, c->d); break;
    case T_BOOL: out_bool(o, name, c->i != 0); break;
    case T_TIME: out_text(o, name, clock_iso(op->arena, c->i)); break;
    case T_LINK: out_text(o, name, signed_url(op, "GET", c->t)); break;
    case T_LINKED: write_linked(op, name, c->t); break;
    case T_HERE: out_text(o, name, arena_fmt(op->arena, "%s%s", op->host_url, c->t)); break;
    case T_JSON:
    case T_OBJECT:
    case T_ARRAY:
    case T_IDS:
    case T_TEXTS: out_raw(o, name, c->t); break;
    default: out_text(o, name, c->t);
    }
}

/* Where in a set the writing is. */
struct place {
    const struct set *set;
    const struct cell *cell;
    size_t nested;
};

static void write_member(struct op *op, const struct field *f, const char *name, struct place *p);
static void write_members(struct op *op, const struct resource *r, struct place *p, bool keys);

static void write_set_row(struct op *op, const char *key, const struct set *s, size_t row, bool with_key)
{
    struct place p = { s, s->cells + row * s->width + with_key, 0 };
    if (s->r->n_fields == 1 && strcmp(s->r->fields[0].name, "*") == 0) {
        write_member(op, &s->r->fields[0], key, &p);
        return;
    }
    out_object(&op->out, key);
    write_members(op, s->r, &p, true);
    out_end_object(&op->out);
}

/* The first of the rows that belong to the key. */
static size_t first_of(const struct set *s, const char *key)
{
    size_t low = 0, high = s->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(s->cells[s->by_key[middle] * s->width].t, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A list for each member, of the rows from the first to the one before `end`. */
static void write_columns(struct op *op, const char *name, const struct set *s, size_t first, size_t end)
{
    out_object(&op->out, name);
    for (size_t k = 0; k < s->r->n_fields; k++) {
        const struct field *f = &s->r->fields[k];
        out_array(&op->out, f->name);
        for (size_t i = first; i < end; i++)
            write_value(op, NULL, f->type, &s->cells[s->by_key[i] * s->width + 1 + k]);
        out_end_array(&op->out);
    }
    out_end_object(&op->out);
}

static size_t last_of(const struct set *s, size_t first, const char *key)
{
    while (first < s->n && strcmp(s->cells[s->by_key[first] * s->width].t, key) == 0)
        first++;
    return first;
}

static void write_nested(struct op *op, const struct field *f, const char *name, const struct set *s, const struct cell *key)
{
    if (key->null && f->flags & F_WHEN)
        return;
    size_t i = key->null ? s->n : first_of(s, key->t);
    if (f->type == T_COLUMNS) {
        write_columns(op, name, s, i, key->null ? i : last_of(s, i, key->t));
        return;
    }
    if (f->type == T_MANY)
        out_array(&op->out, name);
    size_t written = 0;
    for (; i < s->n && strcmp(s->cells[s->by_key[i] * s->width].t, key->t) == 0; i++, written++) {
        write_set_row(op, f->type == T_MANY ? NULL : name, s, s->by_key[i], true);
        if (f->type == T_ONE)
            return;
    }
    if (f->type == T_MANY)
        out_end_array(&op->out);
    else
        out_null(&op->out, name);
}

static size_t cells_in(const struct resource *r, bool single)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n_fields; i++) {
        const struct field *f = &r->fields[i];
        if (field_shown(f, single))
            n += (f->sql || !field_inlined(f)) + (field_inlined(f) ? cells_in(f->of, single) : 0);
    }
    return n;
}

static void write_inlined(struct op *op, const struct field *f, const char *name, struct place *p)
{
    bool tuple = f->type == T_TUPLE;
    if (f->sql && (p->cell++)->null) {
        out_null(&op->out, name);
        p->cell += cells_in(f->of, p->set->single);
        p->nested += count_nested(f->of, p->set->single);
        return;
    }
    if (tuple)
        out_array(&op->out, name);
    else
        out_object(&op->out, name);
    write_members(op, f->of, p, !tuple);
    if (tuple)
        out_end_array(&op->out);
    else
        out_end_object(&op->out);
}

static void write_member(struct op *op, const struct field *f, const char *name, struct place *p)
{
    if (field_nested(f))
        write_nested(op, f, name, &p->set->nested[p->nested++], p->cell++);
    else if (field_inlined(f))
        write_inlined(op, f, name, p);
    else if (f->flags & F_WHEN && p->cell->null)
        p->cell++;
    else
        write_value(op, name, f->type, p->cell++);
}

static void write_members(struct op *op, const struct resource *r, struct place *p, bool keys)
{
    for (size_t i = 0; i < r->n_fields; i++)
        if (field_shown(&r->fields[i], p->set->single))
            write_member(op, &r->fields[i], keys ? r->fields[i].name : NULL, p);
}

/* ---- from a statement to the answer */

struct row_batch *row_batch_new(struct op *op, const char *key, const struct resource *r, bool single)
{
    struct row_batch *b = arena_take(op->arena, sizeof *b);
    *b = (struct row_batch){ .op = op, .key = key, .arena = arena_new() };
    b->set = (struct set){ .r = r, .single = single, .width = cells_in(r, single) };
    return b;
}

void row_batch_free(struct row_batch *b)
{
    if (b)
        arena_free(b->arena);
}

enum err row_batch_end(struct row_batch *b)
{
    TRY(fetch_nested(b->op, b->arena, &b->set, 0));
    for (size_t i = 0; i < b->set.n; i++)
        write_set_row(b->op, b->key, &b->set, i, false);
    arena_free(b->arena);
    b->arena = arena_new();
    b->set = (struct set){ .r = b->set.r, .single = b->set.single, .width = b->set.width };
    return OK;
}

enum err row_batch_add(struct row_batch *b, struct rows *row)
{
    read_row(b->arena, &b->set, row, false);
    return b->set.n < BATCH ? OK : row_batch_end(b);
}

enum err row_write(struct op *op, const char *key, const struct resource *r, struct rows *row, bool single)
{
    AUTO(row_batch) struct row_batch *b = row_batch_new(op, key, r, single);
    TRY(row_batch_add(b, row));
    return row_batch_end(b);
}
