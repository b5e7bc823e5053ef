/* Conditions on members of an object field: they are answered by what is kept of its documents (kept.c). A member can have several
 * values, since a list's items are values of it; so it is a path to many things. */
#include "query/parse.h"
#include <string.h>

static enum err path(struct parse *p, const char *key, size_t *ret_number)
{
    if (strlen(key) > KEPT_PATH)
        return fail(E_INVALID, "%.40s…: a key has at most %d bytes", key, KEPT_PATH);
    TRY(parse_room(p));
    p->values[p->n++] = value_text(key);
    *ret_number = p->first + p->n;
    return OK;
}

/* "EXISTS (… such a value", which is ended by one parenthesis. */
static void begin_exists(struct parse *p, const struct field *f, size_t path_number, bool negated)
{
    text_fmt(
        &p->sql,
        "%sEXISTS (SELECT 1 FROM metadata_value m WHERE m.owner_id = %s AND m.key_id IN (SELECT k.id FROM metadata_key k WHERE "
        "%s AND k.path = ?%zu)",
        negated ? "NOT " : "", f->owner, f->keys, path_number);
}

static void drive(struct parse *p, const struct field *f, size_t path_number, const char *condition)
{
    const char *one = arena_fmt(p->arena, "%s AND %s AND k.path = ?%zu AND %s", f->drive, f->keys, path_number, condition);
    if (f->drive_too)
        one = arena_fmt(p->arena, "%s UNION ALL %s AND %s AND k.path = ?%zu AND %s", one, f->drive_too, f->keys, path_number,
                        condition);
    parse_drive(p, one);
}

/* Texts and numbers are columns of their own: a text is never equal to a number, nor less than one. */
static void of_kind(struct parse *p, struct value v, const char *sign)
{
    text_fmt(&p->sql, "%s %s ", v.kind == VALUE_TEXT ? "m.number IS NULL AND m.words" : "m.number", sign);
}

/* The values of a list that are texts, or those that are not. */
static enum err values_of(struct parse *p, const struct value *v, size_t n, bool texts, bool *ret_any)
{
    *ret_any = false;
    for (size_t i = 0; i < n; i++) {
        if ((v[i].kind == VALUE_TEXT) != texts)
            continue;
        if (*ret_any)
            text_add(&p->sql, ", ");
        else
            of_kind(p, v[i], "IN (");
        *ret_any = true;
        TRY(parse_bind(p, v[i]));
    }
    if (*ret_any)
        text_add(&p->sql, ")");
    return OK;
}

static enum err one_of(struct parse *p, const struct field *f, const char *key)
{
    struct value v[QUERY_VALUES];
    size_t n = 0;
    bool texts, numbers;
    if (!parse_take(p, "("))
        return parse_wrong(p, "'('");
    do {
        if (n == QUERY_VALUES)
            return parse_room(p);
        TRY(compare_value(p, f, key, &v[n++]));
    } while (parse_take(p, ","));
    text_add(&p->sql, "(");
    TRY(values_of(p, v, n, true, &texts));
    if (texts && n > 1)
        text_add(&p->sql, " OR ");
    size_t at = p->sql.n;
    TRY(values_of(p, v, n, false, &numbers));
    if (texts && n > 1 && p->sql.n == at)
        text_add(&p->sql, "1 = 0");
    text_add(&p->sql, ")");
    return parse_take(p, ")") ? OK : parse_wrong(p, "',' or ')'");
}

static enum err comparison(struct parse *p, const struct field *f, const char *key, const struct operator* op)
{
    struct value v;
    if (op->how == IS_IN)
        return one_of(p, f, key);
    if (op->how != COMPARES) {
        text_add(&p->sql, "m.number IS NULL AND ");
        return compare_with(p, f, key, "m.words", op);
    }
    TRY(compare_value(p, f, key, &v));
    of_kind(p, v, op->sign);
    return parse_bind(p, v);
}

/* What an index finds is decided by the drivers: within one thing its few values are looked at, hence CASE. */
static enum err end_exists(struct parse *p, const struct field *f, size_t path_number, size_t from, bool negated)
{
    const char *condition = arena_copy(p->arena, p->sql.bytes + from, p->sql.n - from);
    if (f->drive && !negated)
        drive(p, f, path_number, condition);
    text_add(&p->sql, " THEN 1 ELSE 0 END = 1)");
    return OK;
}

enum err key_condition(struct parse *p, const struct field *f, const char *key, const struct operator* op)
{
    size_t number;
    TRY(path(p, key, &number));
    begin_exists(p, f, number, op->negated);
    text_add(&p->sql, " AND CASE WHEN ");
    size_t from = p->sql.n;
    TRY(comparison(p, f, key, op));
    return end_exists(p, f, number, from, op->negated);
}

enum err key_equals(struct parse *p, const struct field *f, const char *key, struct value v)
{
    size_t number;
    TRY(path(p, key, &number));
    begin_exists(p, f, number, false);
    text_add(&p->sql, " AND CASE WHEN ");
    size_t from = p->sql.n;
    of_kind(p, v, "=");
    TRY(parse_bind(p, v));
    return end_exists(p, f, number, from, false);
}

enum err key_none(struct parse *p, const struct field *f, const char *key, bool negated)
{
    size_t number;
    TRY(path(p, key, &number));
    begin_exists(p, f, number, !negated);
    if (negated && f->drive)
        drive(p, f, number, "1 = 1");
    text_add(&p->sql, ")");
    return OK;
}
