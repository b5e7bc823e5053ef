/* From the language to SQL: one pass, recursive descent; every value is bound, every name comes from the resource's table. */
#include "base/clock.h"
#include "base/unicode.h"
#include "query/query.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { DRIVERS = 8 };

struct parse {
    struct arena *arena;
    const struct resource *resource;
    const char *q;
    struct token now;
    struct text sql;
    struct value values[2 * QUERY_VALUES];
    size_t n, first, again; /* again: of the n, those that say one before in the other form */
    int depth;
    const char *drivers[DRIVERS]; /* of conditions that all must hold */
    size_t n_drivers;
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
    return p->n - p->again < QUERY_VALUES
               ? OK
               : fail(E_INVALID, "query, character %zu: more than %d values", p->now.at + 1, QUERY_VALUES);
}

static enum err bind(struct parse *p, struct value v)
{
    TRY(room_for(p));
    p->values[p->n++] = v;
    text_fmt(&p->sql, "?%zu", p->first + p->n);
    return OK;
}

/* ---- operators and values */

struct operator
{
    const char *word;
    bool negated;
    enum { COMPARES, CONTAINS, BEGINS, ENDS, IS_IN } how;
    const char *sign;
};

static enum err read_operator(struct parse *p, struct operator* ret)
{
    static const struct operator all[] = {
        { "=", false, COMPARES, "=" },     { "!=", true, COMPARES, "=" },  { "<", false, COMPARES, "<" },
        { "<=", false, COMPARES, "<=" },   { ">", false, COMPARES, ">" },  { ">=", false, COMPARES, ">=" },
        { "~", false, CONTAINS, NULL },    { "!~", true, CONTAINS, NULL }, { "startswith", false, BEGINS, NULL },
        { "endswith", false, ENDS, NULL }, { "in", false, IS_IN, NULL },
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

static enum err read_value(struct parse *p, const struct field *f, const char *key, struct value *ret)
{
    if (p->now.open)
        return fail(E_INVALID, "query, character %zu: the text has no closing quote", p->now.at + 1);
    TRY(read_plain(p, f, key, ret));
    advance(p);
    return OK;
}

/* ---- two forms of a text */

/* Names are kept as they were typed, which may be composed (as most do) or decomposed (as a Mac does): both are what was meant.
 * NULL: there is one form only. Values of custom metadata are compared as they are. */
static const char *other_form(struct parse *p, const struct field *f, const char *key, const char **text)
{
    if (key || f->type != T_TEXT)
        return NULL;
    const char *composed = unicode_nfc(p->arena, *text), *decomposed = unicode_nfd(p->arena, *text);
    *text = composed;
    return strcmp(composed, decomposed) == 0 ? NULL : decomposed;
}

static enum err bind_forms(struct parse *p, const struct field *f, const char *key, struct value v)
{
    const char *other = v.kind == VALUE_TEXT ? other_form(p, f, key, &v.t) : NULL;
    TRY(bind(p, v));
    if (!other)
        return OK;
    text_add(&p->sql, ", ");
    p->again++;
    return bind(p, value_text(other));
}

/* ---- texts by part */

static enum err read_part(struct parse *p, const struct field *f, const char *key, const struct operator* op, const char **ret)
{
    if (!key && f->type != T_TEXT && f->type != T_TIME && f->type != T_ID)
        return fail(E_INVALID, "query, character %zu: %s works on texts; %s is none", p->now.at + 1, op->word, f->name);
    if (p->now.kind != TOKEN_TEXT)
        return wrong(p, "a text in quotes");
    if (p->now.open)
        return fail(E_INVALID, "query, character %zu: the text has no closing quote", p->now.at + 1);
    *ret = p->now.text;
    advance(p);
    return OK;
}

/* What LIKE wants for "contains", with its special characters made plain. */
static const char *pattern(struct arena *a, const char *s)
{
    AUTO(text) struct text t;
    text_init(&t, (size_t)QUERY_LENGTH * 4);
    text_add(&t, "%");
    for (; *s; s++)
        text_fmt(&t, strchr("%_\\", *s) ? "\\%c" : "%c", *s);
    text_add(&t, "%");
    return arena_str(a, t.bytes);
}

static enum err contains(struct parse *p, const char *left, const char *part)
{
    text_fmt(&p->sql, "lower(%s) LIKE lower(", left);
    TRY(bind(p, value_text(pattern(p->arena, part))));
    text_add(&p->sql, ") ESCAPE '\\'");
    return OK;
}

static enum err ends_with(struct parse *p, const char *left, const char *part)
{
    text_add(&p->sql, "(");
    TRY(bind(p, value_text(part)));
    size_t n = p->first + p->n;
    text_fmt(&p->sql, " = substr(%s, length(%s) - length(?%zu) + 1) AND length(%s) >= length(?%zu))", left, left, n, left, n);
    return OK;
}

/* Within bounds that an index can use. */
static enum err begins_with(struct parse *p, const char *left, const char *part)
{
    static const char last[] = "\xf4\x8f\xbf\xbf"; /* U+10FFFF */
    text_fmt(&p->sql, "(%s >= ", left);
    TRY(bind(p, value_text(part)));
    size_t n = p->first + p->n;
    text_fmt(&p->sql, " AND %s < ", left);
    TRY(bind(p, value_text(arena_fmt(p->arena, "%s%s", part, last))));
    text_fmt(&p->sql, " AND substr(%s, 1, length(?%zu)) = ?%zu)", left, n, n);
    return OK;
}

/* A time by part is a span: "2026", "2026-01", "2026-01-15", "2026-01-15T10" … */
static enum err within_span(struct parse *p, const char *left, size_t at, const char *part)
{
    int64_t from, to;
    if (!clock_parse_span(part, &from, &to))
        return fail(E_INVALID, "query, character %zu: \"%.40s\" is no beginning of a time in ISO 8601", at + 1, part);
    text_fmt(&p->sql, "(%s >= ", left);
    TRY(bind(p, value_int(from)));
    text_fmt(&p->sql, " AND %s < ", left);
    TRY(bind(p, value_int(to)));
    text_add(&p->sql, ")");
    return OK;
}

/* ---- one condition */

static enum err left_side(struct parse *p, const struct field *f, const char *key, const char **ret)
{
    *ret = query_expression(f);
    if (!key)
        return OK;
    TRY(room_for(p));
    AUTO(text) struct text t;
    text_init(&t, 1 << 16);
    p->values[p->n] = sql_member(&t, p->arena, query_expression(f), key, p->first + p->n + 1);
    p->n++;
    *ret = arena_str(p->arena, t.bytes);
    return OK;
}

static enum err one_of(struct parse *p, const struct field *f, const char *key, const char *left)
{
    struct value v;
    if (!take(p, "("))
        return wrong(p, "'('");
    text_fmt(&p->sql, "%s IN (", left);
    for (bool first = true; first || take(p, ","); first = false) {
        text_add(&p->sql, first ? "" : ", ");
        TRY(read_value(p, f, key, &v));
        TRY(bind_forms(p, f, key, v));
    }
    text_add(&p->sql, ")");
    return take(p, ")") ? OK : wrong(p, "',' or ')'");
}

static enum err compare(struct parse *p, const struct field *f, const char *key, const char *left, const struct operator* op,
                        struct value v)
{
    const char *text = v.t;
    bool two = op->sign[0] == '=' && v.kind == VALUE_TEXT && other_form(p, f, key, &text);
    text_fmt(&p->sql, two ? "%s IN (" : "%s %s ", left, op->sign);
    if (!two)
        return bind(p, v);
    TRY(bind_forms(p, f, key, v));
    text_add(&p->sql, ")");
    return OK;
}

static enum err part_is(struct parse *p, const struct operator* op, const char *left, const char *part)
{
    return op->how == CONTAINS ? contains(p, left, part) : op->how == ENDS ? ends_with(p, left, part) : begins_with(p, left, part);
}

static enum err comparison(struct parse *p, const struct field *f, const char *key, const struct operator* op)
{
    const char *left, *part;
    struct value v;
    size_t at = p->now.at;
    TRY(left_side(p, f, key, &left));
    if (op->how == IS_IN)
        return one_of(p, f, key, left);
    if (op->how == COMPARES) {
        TRY(read_value(p, f, key, &v));
        return compare(p, f, key, left, op, v);
    }
    TRY(read_part(p, f, key, op, &part));
    if (f->type == T_TIME && !key)
        return within_span(p, left, at, part);
    const char *other = other_form(p, f, key, &part);
    if (!other)
        return part_is(p, op, left, part);
    text_add(&p->sql, "(");
    TRY(part_is(p, op, left, part));
    text_add(&p->sql, " OR ");
    size_t n = p->n;
    TRY(part_is(p, op, left, other));
    p->again += p->n - n;
    text_add(&p->sql, ")");
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
    const char *left;
    TRY(left_side(p, f, key, &left));
    text_fmt(&p->sql, "%s IS %sNULL", left, op->negated ? "NOT " : "");
    return OK;
}

static void add_driver(struct parse *p, const char *driver)
{
    if (driver && p->n_drivers < DRIVERS)
        p->drivers[p->n_drivers++] = driver;
}

static enum err no_field(struct parse *p)
{
    return fail(E_INVALID, "query, character %zu: %s has no field '%.60s' to search by", p->now.at + 1, p->resource->name,
                p->now.text);
}

/* Negated, it holds where the plain one does not: for nulls too, and for many things if none of them fulfils it. */
static enum err condition(struct parse *p)
{
    const char *key;
    const struct field *f = query_field(p->resource, p->now.text, &key);
    struct operator op;
    if (!f)
        return no_field(p);
    advance(p);
    TRY(read_operator(p, &op));
    if (p->now.kind == TOKEN_WORD && strcmp(p->now.text, "None") == 0)
        return compare_none(p, f, key, &op);
    if (f->many)
        text_fmt(&p->sql, "%sEXISTS (SELECT 1 %s AND ", op.negated ? "NOT " : "", f->many);
    else
        text_add(&p->sql, op.negated ? "((" : "(");
    size_t from = p->sql.n;
    TRY(comparison(p, f, key, &op));
    if (f->drive && !op.negated)
        add_driver(p, arena_fmt(p->arena, "%s AND %s", f->drive, p->sql.bytes + from));
    text_add(&p->sql, op.negated && !f->many ? ") IS NOT TRUE)" : ")");
    return OK;
}

/* ---- count(path = "x") > 3 */

/* "label" stands for "label.name", "annotations.rectangles" for "annotations.rectangles.label.name". */
static const struct field *counted_field(const struct parse *p)
{
    static const char *const tails[] = { "", ".name", ".label.name" };
    const char *key;
    for (size_t i = 0; i < COUNT_OF(tails); i++) {
        const struct field *f = query_field(p->resource, arena_fmt(p->arena, "%s%s", p->now.text, tails[i]), &key);
        if (f && f->many)
            return f;
    }
    return NULL;
}

static enum err counted_ones(struct parse *p, const struct field *f)
{
    struct operator op;
    TRY(read_operator(p, &op));
    text_add(&p->sql, op.negated ? " AND (" : " AND ");
    size_t from = p->sql.n;
    TRY(comparison(p, f, NULL, &op));
    if (f->drive && !op.negated)
        add_driver(p, arena_fmt(p->arena, "%s AND %s", f->drive, p->sql.bytes + from));
    text_add(&p->sql, op.negated ? ") IS NOT TRUE" : "");
    return OK;
}

/* What has none of them cannot be found by a driver, which names those that have one. */
static bool none_will_do(const struct operator* op, double n)
{
    bool at_least = strcmp(op->word, ">") == 0 ? n >= 0 : strcmp(op->word, ">=") == 0 || strcmp(op->word, "=") == 0 ? n > 0 : false;
    return !at_least;
}

static enum err count_condition(struct parse *p)
{
    struct operator op;
    size_t drivers = p->n_drivers;
    advance(p);
    if (!take(p, "("))
        return wrong(p, "'('");
    const struct field *f = p->now.kind == TOKEN_PATH ? counted_field(p) : NULL;
    if (!f)
        return p->now.kind == TOKEN_PATH ? no_field(p) : wrong(p, "a field of which there are many");
    advance(p);
    text_fmt(&p->sql, "((SELECT count(*) %s", f->many);
    if (!is(p, ")"))
        TRY(counted_ones(p, f));
    if (!take(p, ")"))
        return wrong(p, "')'");
    TRY(read_operator(p, &op));
    if (op.how != COMPARES || p->now.kind != TOKEN_NUMBER)
        return wrong(p, "a comparison with a number");
    text_fmt(&p->sql, ") %s ", strcmp(op.word, "!=") == 0 ? "<>" : op.sign);
    double n = p->now.number;
    advance(p);
    TRY(bind(p, value_real(n)));
    text_add(&p->sql, ")");
    if (none_will_do(&op, n))
        p->n_drivers = drivers;
    else if (f->drive_count)
        add_driver(p, arena_fmt(p->arena, "%s %s ?%zu", f->drive_count, op.word[0] == '>' ? op.word : ">=", p->first + p->n));
    return OK;
}

/* ---- and, or, not, ( ) */

static enum err any(struct parse *p);

static enum err one(struct parse *p)
{
    if (++p->depth > QUERY_DEPTH)
        return fail(E_INVALID, "query, character %zu: nested deeper than %d levels", p->now.at + 1, QUERY_DEPTH);
    size_t drivers = p->n_drivers;
    if (take(p, "not")) {
        text_add(&p->sql, "((");
        TRY(one(p));
        text_add(&p->sql, ") IS NOT TRUE)");
        p->n_drivers = drivers;
    } else if (take(p, "(")) {
        TRY(any(p));
        if (!take(p, ")"))
            return wrong(p, "and, or, or ')'");
    } else if (p->now.kind == TOKEN_PATH) {
        TRY(strcmp(p->now.text, "count") == 0 ? count_condition(p) : condition(p));
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
    size_t drivers = p->n_drivers;
    text_add(&p->sql, "((");
    TRY(all_of(p));
    while (take(p, "or")) {
        text_add(&p->sql, ") OR (");
        TRY(all_of(p));
        p->n_drivers = drivers;
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
        *ret = (struct where){ arena_str(a, p->sql.bytes), p->values, p->n, p->drivers, p->n_drivers };
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
    text_add(&p->sql, "(1 = 1");
    for (struct json_member m = json_first(object); m.key; m = json_next(object, m)) {
        struct value v;
        if (strchr(m.key, '"'))
            return fail(E_INVALID, "%s: a key to filter by must not hold a quotation mark", f->name);
        const char *left;
        TRY(left_side(p, f, m.key, &left));
        text_fmt(&p->sql, " AND %s", left);
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
        *ret = (struct where){ arena_str(a, p->sql.bytes), p->values, p->n, p->drivers, p->n_drivers };
    text_done(&p->sql);
    return e;
}

void query_install(void)
{
    resource_query = query_where;
}
