/* From the language to SQL: one pass, recursive descent; every value is bound, every name comes from the resource's table. */
#include "base/clock.h"
#include "query/query.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

struct parse {
    struct arena *arena;
    const struct resource *resource;
    const char *q;
    struct token now;
    struct text sql;
    struct value values[QUERY_VALUES];
    size_t n, first;
    int depth;
};

static void advance(struct parse *p)
{
    p->now = query_token(p->arena, p->q, p->now.end);
}

static enum err wrong(struct parse *p, const char *expected)
{
    const char *quote = p->now.kind == TOKEN_END ? "" : "'";
    return fail(E_INVALID, "query, character %zu: %s expected, not %s%.40s%s", p->now.at + 1, expected, quote, p->now.text, quote);
}

static bool is(const struct parse *p, const char *text)
{
    return (p->now.kind == TOKEN_SIGN || p->now.kind == TOKEN_WORD) && strcmp(p->now.text, text) == 0;
}

static bool take(struct parse *p, const char *text)
{
    if (!is(p, text))
        return false;
    advance(p);
    return true;
}

static enum err room_for(struct parse *p)
{
    return p->n < QUERY_VALUES ? OK : fail(E_INVALID, "query, character %zu: more than %d values", p->now.at + 1, QUERY_VALUES);
}

static enum err bind(struct parse *p, struct value v)
{
    TRY(room_for(p));
    p->values[p->n++] = v;
    text_fmt(&p->sql, "?%zu", p->first + p->n);
    return OK;
}

/* ---- one condition */

struct operator
{
    const char *word;
    bool negated, text_only;
    const char *before, *after; /* expression BEFORE value AFTER */
};

static enum err read_operator(struct parse *p, struct operator* ret)
{
    static const struct operator all[] = {
        { "=", false, false, " = ", "" },
        { "!=", true, false, " = ", "" },
        { "<", false, false, " < ", "" },
        { "<=", false, false, " <= ", "" },
        { ">", false, false, " > ", "" },
        { ">=", false, false, " >= ", "" },
        { "~", false, true, " LIKE ", " ESCAPE '\\'" },
        { "!~", true, true, " LIKE ", " ESCAPE '\\'" },
        { "startswith", false, true, " GLOB ", "" },
        { "endswith", false, true, " GLOB ", "" },
        { "in", false, false, " IN (", ")" },
    };
    bool negated = take(p, "not");
    for (size_t i = 0; i < COUNT_OF(all); i++)
        if (is(p, all[i].word) && (!negated || p->now.kind == TOKEN_WORD)) {
            *ret = all[i];
            ret->negated |= negated;
            advance(p);
            return OK;
        }
    return wrong(p, negated ? "in, startswith or endswith" : "an operator (= != < <= > >= ~ !~ in startswith endswith)");
}

/* The pattern that LIKE (contains) or GLOB (startswith, endswith) wants for a text, with its special characters made plain. */
static const char *pattern(struct arena *a, const char *op, const char *s)
{
    bool like = op[0] == '~' || op[0] == '!';
    AUTO(text) struct text t;
    text_init(&t, (size_t)QUERY_LENGTH * 4);
    text_add(&t, like ? "%" : op[0] == 'e' ? "*" : "");
    for (; *s; s++) {
        if (like && strchr("%_\\", *s))
            text_fmt(&t, "\\%c", *s);
        else if (!like && strchr("*?[", *s))
            text_fmt(&t, "[%c]", *s);
        else
            text_bytes(&t, s, 1);
    }
    text_add(&t, like ? "%" : op[0] == 's' ? "*" : "");
    return arena_str(a, t.bytes);
}

static enum err read_pattern(struct parse *p, const struct field *f, const char *key, const struct operator* op, struct value *ret)
{
    if (!key && f->type != T_TEXT && f->type != T_TIME && f->type != T_ID)
        return fail(E_INVALID, "query, character %zu: %s works on texts; %s is none", p->now.at + 1, op->word, f->name);
    if (p->now.kind != TOKEN_TEXT)
        return wrong(p, "a text in quotes");
    *ret = value_text(pattern(p->arena, op->word, p->now.text));
    return OK;
}

static enum err read_plain(struct parse *p, const struct field *f, const char *key, struct value *ret)
{
    struct token t = p->now;
    bool text = t.kind == TOKEN_TEXT, number = t.kind == TOKEN_NUMBER;
    bool truth = t.kind == TOKEN_WORD && (strcmp(t.text, "True") == 0 || strcmp(t.text, "False") == 0);
    int64_t ms;
    char *id = arena_take(p->arena, ID_SIZE);
    if (truth && (f->type == T_BOOL || key)) {
        *ret = value_int(t.text[0] == 'T');
    } else if (number && (key || f->type == T_INT || f->type == T_NUMBER)) {
        *ret = value_real(t.number);
    } else if (text && !key && f->type == T_TIME) {
        if (!clock_parse_iso(t.text, &ms))
            return fail(E_INVALID, "query, character %zu: \"%.40s\" is no time in ISO 8601", t.at + 1, t.text);
        *ret = value_int(ms);
    } else if (text && !key && f->type == T_ID) {
        if (!id_parse(t.text, id))
            return fail(E_INVALID, "query, character %zu: \"%.40s\" is no id", t.at + 1, t.text);
        *ret = value_text(id);
    } else if (text && (key || f->type == T_TEXT)) {
        *ret = value_text(t.text);
    } else if (key) {
        return wrong(p, "a value");
    } else {
        return wrong(p, f->type == T_INT || f->type == T_NUMBER ? "a number"
                        : f->type == T_BOOL                     ? "True or False"
                                                                : "a text in quotes");
    }
    return OK;
}

static enum err value(struct parse *p, const struct field *f, const char *key, const struct operator* op)
{
    struct value v;
    if (p->now.open)
        return fail(E_INVALID, "query, character %zu: the text has no closing quote", p->now.at + 1);
    TRY(op->text_only ? read_pattern(p, f, key, op, &v) : read_plain(p, f, key, &v));
    advance(p);
    return bind(p, v);
}

static enum err left_side(struct parse *p, const struct field *f, const char *key, const struct operator* op)
{
    if (key) {
        TRY(room_for(p));
        p->values[p->n] = sql_member(&p->sql, p->arena, query_expression(f), key, p->first + p->n + 1);
        p->n++;
    } else if (f->type == T_TIME && op->text_only) {
        sql_time_text(&p->sql, query_expression(f));
    } else {
        text_add(&p->sql, query_expression(f));
    }
    return OK;
}

static enum err comparison(struct parse *p, const struct field *f, const char *key, const struct operator* op)
{
    TRY(left_side(p, f, key, op));
    text_add(&p->sql, op->before);
    if (strcmp(op->word, "in") != 0) {
        TRY(value(p, f, key, op));
    } else {
        if (!take(p, "("))
            return wrong(p, "'('");
        TRY(value(p, f, key, op));
        while (take(p, ",")) {
            text_add(&p->sql, ", ");
            TRY(value(p, f, key, op));
        }
        if (!take(p, ")"))
            return wrong(p, "',' or ')'");
    }
    text_add(&p->sql, op->after);
    return OK;
}

/* path = None: there is none; path != None: there is one. */
static enum err compare_none(struct parse *p, const struct field *f, const char *key, const struct operator* op)
{
    if (strcmp(op->word, "=") != 0 && strcmp(op->word, "!=") != 0)
        return wrong(p, "a value (None goes with = and != only)");
    advance(p);
    if (f->many) {
        text_fmt(&p->sql, "%sEXISTS (SELECT 1 %s)", op->negated ? "" : "NOT ", f->many);
        return OK;
    }
    TRY(left_side(p, f, key, op));
    text_add(&p->sql, op->negated ? " IS NOT NULL" : " IS NULL");
    return OK;
}

static enum err condition(struct parse *p)
{
    const char *key;
    const struct field *f = query_field(p->resource, p->now.text, &key);
    if (!f)
        return fail(E_INVALID, "query, character %zu: %s has no field '%.60s' to search by", p->now.at + 1, p->resource->name,
                    p->now.text);
    advance(p);
    struct operator op;
    TRY(read_operator(p, &op));
    if (p->now.kind == TOKEN_WORD && strcmp(p->now.text, "None") == 0)
        return compare_none(p, f, key, &op);
    /* NULL differs from everything: a negated condition holds for it */
    if (f->many)
        text_fmt(&p->sql, "%sEXISTS (SELECT 1 %s AND ", op.negated ? "NOT " : "", f->many);
    else
        text_add(&p->sql, op.negated ? "NOT coalesce(" : "(");
    TRY(comparison(p, f, key, &op));
    text_add(&p->sql, op.negated && !f->many ? ", 0)" : ")");
    return OK;
}

/* ---- and, or, not, ( ) */

static enum err any(struct parse *p);

static enum err one(struct parse *p)
{
    if (++p->depth > QUERY_DEPTH)
        return fail(E_INVALID, "query, character %zu: nested deeper than %d levels", p->now.at + 1, QUERY_DEPTH);
    if (take(p, "not")) {
        text_add(&p->sql, "NOT (");
        TRY(one(p));
        text_add(&p->sql, ")");
    } else if (take(p, "(")) {
        TRY(any(p));
        if (!take(p, ")"))
            return wrong(p, "and, or, or ')'");
    } else if (p->now.kind == TOKEN_PATH) {
        TRY(condition(p));
    } else {
        return wrong(p, "a field, 'not' or '('");
    }
    p->depth--;
    return OK;
}

static enum err all_of(struct parse *p)
{
    TRY(one(p));
    while (take(p, "and")) {
        text_add(&p->sql, " AND ");
        TRY(one(p));
    }
    return OK;
}

static enum err any(struct parse *p)
{
    text_add(&p->sql, "((");
    TRY(all_of(p));
    while (take(p, "or")) {
        text_add(&p->sql, ") OR (");
        TRY(all_of(p));
    }
    text_add(&p->sql, "))");
    return OK;
}

static enum err whole(struct parse *p)
{
    advance(p);
    TRY(any(p));
    if (p->now.kind != TOKEN_END)
        return wrong(p, "and, or, or the end");
    return text_full(&p->sql) ? fail(E_INVALID, "the query is too long") : OK;
}

enum err query_where(struct arena *a, const struct resource *r, const char *q, size_t first_value, struct where *ret)
{
    if (strlen(q) > QUERY_LENGTH)
        return fail(E_INVALID, "the query has %zu characters; at most %d are allowed", strlen(q), QUERY_LENGTH);
    struct parse *p = arena_take(a, sizeof *p);
    *p = (struct parse){ .arena = a, .resource = r, .q = q, .first = first_value };
    text_init(&p->sql, 1 << 18);
    enum err e = whole(p);
    if (e == OK)
        *ret = (struct where){ arena_str(a, p->sql.bytes), p->values, p->n };
    text_done(&p->sql);
    return e;
}

static enum err member_value(const char *field, struct json_member m, struct value *ret)
{
    double number;
    bool truth;
    const char *text = json_text(m.value);
    if (text)
        *ret = value_text(text);
    else if (json_number(m.value, &number))
        *ret = value_real(number);
    else if (json_bool(m.value, &truth))
        *ret = value_int(truth);
    else
        return fail(E_INVALID, "%s.%.60s: a filter compares text, numbers, true, false and null only", field, m.key);
    return OK;
}

static enum err members(struct parse *p, const struct field *f, const struct json *object)
{
    static const struct operator equal = { "=", false, false, " = ", "" };
    text_add(&p->sql, "(1 = 1");
    for (struct json_member m = json_first(object); m.key; m = json_next(object, m)) {
        struct value v;
        if (strchr(m.key, '"'))
            return fail(E_INVALID, "%s: a key to filter by must not hold a quotation mark", f->name);
        text_add(&p->sql, " AND ");
        TRY(left_side(p, f, m.key, &equal));
        if (json_absent(m.value)) {
            text_add(&p->sql, " IS NULL");
            continue;
        }
        TRY(member_value(f->name, m, &v));
        text_add(&p->sql, " = ");
        TRY(bind(p, v));
    }
    text_add(&p->sql, ")");
    return text_full(&p->sql) ? fail(E_INVALID, "%s: the filter is too long", f->name) : OK;
}

enum err query_members(struct arena *a, const struct resource *r, const char *field, const char *json, size_t first_value,
                       struct where *ret)
{
    const char *key;
    const struct field *f = query_field(r, arena_fmt(a, "%s.key", field), &key);
    const struct json *object;
    assert(f && f->type == T_OBJECT);
    TRY(fail_within(json_parse(a, json, strlen(json), &object), "%s: ", field));
    if (json_kind(object) != J_OBJECT)
        return fail(E_INVALID, "%s must be a JSON object", field);
    struct parse *p = arena_take(a, sizeof *p);
    *p = (struct parse){ .arena = a, .resource = r, .q = "", .first = first_value };
    text_init(&p->sql, 1 << 18);
    enum err e = members(p, f, object);
    if (e == OK)
        *ret = (struct where){ arena_str(a, p->sql.bytes), p->values, p->n };
    text_done(&p->sql);
    return e;
}

void query_install(void)
{
    resource_query = query_where;
}
