/* What may be sent of a resource when one is made or changed, and the rows of its table that are written of it: both follow from
 * its fields with F_NEW and F_EDIT. */
#include "api/select.h"
#include "base/clock.h"
#include "base/unicode.h"
#include <assert.h>
#include <string.h>

/* ---- what may be sent */

static size_t add_sent(struct field *to, const struct resource *r, unsigned when, unsigned keep)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n_fields; i++)
        if (r->fields[i].flags & when) {
            to[n] = r->fields[i];
            to[n++].flags &= keep;
        }
    return n;
}

const struct field *route_inputs(struct arena *a, const struct route *r, size_t *ret_n)
{
    *ret_n = r->in_n;
    if (!r->makes && !r->changes)
        return r->in;
    size_t most = r->in_n + (r->makes ? r->makes->n_fields : 0) + (r->changes ? r->changes->n_fields : 0), n = 0;
    struct field *all = arena_new_array(a, struct field, most);
    if (r->makes)
        n += add_sent(all, r->makes, F_NEW, F_NEED | F_NULL | F_NAME);
    if (r->changes)
        n += add_sent(all + n, r->changes, F_EDIT, F_NULL | F_NAME);
    for (size_t i = 0; i < r->in_n; i++)
        all[n++] = r->in[i];
    *ret_n = n;
    return all;
}

/* ---- where it is kept */

const char *resource_table(struct arena *a, const struct resource *r)
{
    return arena_copy(a, r->from, strcspn(r->from, " "));
}

/* "l.name": a column, of the table called l. */
static const char *plain_column(const char *sql)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz_0123456789";
    size_t alias = sql ? strspn(sql, letters) : 0;
    if (!alias || sql[alias] != '.' || sql[alias + 1 + strspn(sql + alias + 1, letters)])
        return NULL;
    return sql + alias + 1;
}

const char *field_column(const struct field *f)
{
    const char *plain = plain_column(f->sql);
    return plain ? plain : f->name;
}

/* Is it of the first table of `from`, as far as its text says? */
bool column_is_first(const struct resource *r, const char *sql)
{
    const char *column = plain_column(sql), *called = r->from + strcspn(r->from, " ");
    called = *called ? called + 1 : r->from;
    size_t n = column ? (size_t)(column - 1 - sql) : 0;
    return column && strcspn(called, " ") == n && strncmp(called, sql, n) == 0;
}

/* ---- writing */

struct row {
    struct op *op;
    struct text names;
    struct bound values;
};

static void auto_row(struct row *r)
{
    text_done(&r->names);
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
    if (f->type == T_TEXT)
        return value_text(f->flags & F_COMPOSED ? unicode_nfc(op->arena, json_text(v)) : json_text(v));
    return value_text(json_print(op->arena, v));
}

static bool has_member(const struct resource *r, const char *name)
{
    for (size_t i = 0; i < r->n_fields; i++)
        if (strcmp(r->fields[i].name, name) == 0)
            return true;
    return false;
}

static bool given(const struct column *columns, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(columns[i].name, name) == 0)
            return true;
    return false;
}

static enum err put(struct row *row, const char *name, struct value v)
{
    text_fmt(&row->names, "%s%s", row->values.n ? ", " : "", name);
    return bound_add(&row->values, &v, 1);
}

static enum err put_sent(struct row *row, const struct resource *r, const struct column *also, size_t n)
{
    for (size_t i = 0; i < r->n_fields; i++) {
        const struct field *f = &r->fields[i];
        const char *column = field_column(f);
        if (!(f->flags & F_NEW))
            continue;
        if (in_has(row->op, f->name))
            TRY(put(row, column, column_value(row->op, f, in_json(row->op, f->name))));
        else if (!given(also, n, column) && f->type == T_TEXT && !(f->flags & F_NULL))
            TRY(put(row, column, value_text("")));
    }
    return OK;
}

/* Is it what was sent that stands in the column? */
static bool was_sent(struct op *op, const struct resource *r, const char *column)
{
    for (size_t i = 0; i < r->n_fields; i++)
        if (r->fields[i].flags & F_NEW && strcmp(field_column(&r->fields[i]), column) == 0)
            return in_has(op, r->fields[i].name);
    return false;
}

static enum err put_all(struct row *row, const struct resource *r, const char *id, const struct column *also, size_t n)
{
    int64_t now = clock_now_ms();
    TRY(put(row, "id", value_text(id)));
    if (column_is_first(r, r->org) && !given(also, n, "org"))
        TRY(put(row, "org", value_text(row->op->org)));
    if (has_member(r, "created_at"))
        TRY(put(row, "created_at", value_int(now)));
    if (has_member(r, "updated_at"))
        TRY(put(row, "updated_at", value_int(now)));
    for (size_t i = 0; i < n; i++)
        if (!was_sent(row->op, r, also[i].name))
            TRY(put(row, also[i].name, also[i].is));
    return put_sent(row, r, also, n);
}

enum err resource_add_with(struct op *op, const struct resource *r, const struct column *also, size_t n, const char **ret_id)
{
    assert(op->route->makes == r);
    AUTO(row) struct row row = { .op = op };
    AUTO(text) struct text t;
    text_init(&row.names, SELECT_CAP);
    text_init(&t, SELECT_CAP);
    const char *id = id_new(op->arena);
    TRY(put_all(&row, r, id, also, n));
    text_fmt(&t, "INSERT INTO %s (%s) VALUES (", resource_table(op->arena, r), row.names.bytes);
    for (size_t i = 1; i <= row.values.n; i++)
        text_fmt(&t, "%s?%zu", i > 1 ? ", " : "", i);
    text_add(&t, ")");
    TRY(sql_run_text(op->db, t.bytes, row.values.v, row.values.n));
    *ret_id = id;
    return OK;
}

static enum err set(struct text *t, struct bound *b, const char *column, struct value v)
{
    TRY(bound_add(b, &v, 1));
    text_fmt(t, "%s %s = ?%zu", b->n > 2 ? "," : "", column, b->n);
    return OK;
}

enum err resource_update(struct op *op, const struct resource *r, const char *id)
{
    assert(op->route->changes == r);
    AUTO(text) struct text t;
    text_init(&t, SELECT_CAP);
    struct bound b = { .v = { value_text(id) }, .n = 1 };
    text_fmt(&t, "UPDATE %s SET", resource_table(op->arena, r));
    for (size_t i = 0; i < r->n_fields; i++) {
        const struct field *f = &r->fields[i];
        const struct json *sent = f->flags & F_EDIT ? in_json(op, f->name) : NULL;
        if (!sent)
            continue;
        if (json_absent(sent) && !(f->flags & F_NULL))
            return fail(E_INVALID, "%s must not be null; leave it out to keep it", f->name);
        TRY(set(&t, &b, field_column(f), column_value(op, f, sent)));
    }
    if (b.n == 1)
        return fail(E_INVALID, "nothing was sent that can be changed");
    if (has_member(r, "updated_at"))
        TRY(set(&t, &b, "updated_at", value_int(clock_now_ms())));
    text_add(&t, " WHERE id = ?1");
    return sql_run_text(op->db, t.bytes, b.v, b.n);
}
