/* From the language to SQL: one pass, recursive descent. */
#include "query/parse.h"
#include <assert.h>
#include <string.h>

void parse_advance(struct parse *p)
{
    p->now = query_token(p->arena, p->q, p->now.end);
}

enum err parse_wrong(struct parse *p, const char *expected)
{
    const char *quote = p->now.kind == TOKEN_END ? "" : "'";
    return fail(E_INVALID, "query, character %zu: %s expected, not %s%.40s%s", p->now.at + 1, expected, quote, p->now.text, quote);
}

bool parse_is(const struct parse *p, const char *text)
{
    return (p->now.kind == TOKEN_SIGN || p->now.kind == TOKEN_WORD) && strcmp(p->now.text, text) == 0;
}

bool parse_take(struct parse *p, const char *text)
{
    if (!parse_is(p, text))
        return false;
    parse_advance(p);
    return true;
}

enum err parse_room(struct parse *p)
{
    return p->n - p->again < QUERY_VALUES
               ? OK
               : fail(E_INVALID, "query, character %zu: more than %d values", p->now.at + 1, QUERY_VALUES);
}

enum err parse_bind(struct parse *p, struct value v)
{
    TRY(parse_room(p));
    p->values[p->n++] = v;
    text_fmt(&p->sql, "?%zu", p->first + p->n);
    return OK;
}

/* path = None: there is none; path != None: there is one. */
static enum err compare_none(struct parse *p, const struct field *f, const char *key, const struct operator* op)
{
    if (strcmp(op->word, "=") != 0 && strcmp(op->word, "!=") != 0)
        return parse_wrong(p, "a value (None goes with = and != only)");
    parse_advance(p);
    if (key)
        return key_none(p, f, key, op->negated);
    if (f->many)
        text_fmt(&p->sql, "%sEXISTS (SELECT 1 %s)", op->negated ? "" : "NOT ", f->many);
    else
        text_fmt(&p->sql, "%s IS %sNULL", query_expression(f), op->negated ? "NOT " : "");
    return OK;
}

void parse_drive(struct parse *p, const char *driver)
{
    if (driver && p->n_drivers < DRIVERS)
        p->drivers[p->n_drivers++] = driver;
}

/* The rows that fulfil what is written from byte `from` of the SQL on. */
static void drive(struct parse *p, const struct field *f, size_t from)
{
    if (f->drive)
        parse_drive(p, arena_fmt(p->arena, "%s AND %s", f->drive, p->sql.bytes + from));
}

static enum err no_field(struct parse *p)
{
    return fail(E_INVALID, "query, character %zu: %s has no field '%.60s' to search by", p->now.at + 1, p->resource->name,
                p->now.text);
}

/* One of them is more than that exactly where the greatest is. */
static const struct field *greatest(struct parse *p, const struct field *f)
{
    struct field *most = arena_take(p->arena, sizeof *most);
    *most = (struct field){ .name = f->name, .type = f->type, .sql = f->most, .drive = f->drive_most };
    return most;
}

/* Negated, it holds where the plain one does not: for nulls too, and for many things if none of them fulfils it. */
static enum err condition(struct parse *p)
{
    const char *key;
    const struct field *f = query_field(p->resource, p->now.text, &key);
    struct operator op;
    if (!f)
        return no_field(p);
    parse_advance(p);
    TRY(compare_operator(p, &op));
    if (p->now.kind == TOKEN_WORD && strcmp(p->now.text, "None") == 0)
        return compare_none(p, f, key, &op);
    if (key)
        return key_condition(p, f, key, &op);
    if (f->most && op.word[0] == '>')
        f = greatest(p, f);
    if (f->many)
        text_fmt(&p->sql, "%sEXISTS (SELECT 1 %s AND ", op.negated ? "NOT " : "", f->many);
    else
        text_add(&p->sql, op.negated ? "((" : "(");
    size_t from = p->sql.n;
    TRY(compare_with(p, f, NULL, query_expression(f), &op));
    if (!op.negated)
        drive(p, f, from);
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
    TRY(compare_operator(p, &op));
    text_add(&p->sql, op.negated ? " AND (" : " AND ");
    size_t from = p->sql.n;
    TRY(compare_with(p, f, NULL, query_expression(f), &op));
    if (!op.negated)
        drive(p, f, from);
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
    parse_advance(p);
    if (!parse_take(p, "("))
        return parse_wrong(p, "'('");
    const struct field *f = p->now.kind == TOKEN_PATH ? counted_field(p) : NULL;
    if (!f)
        return p->now.kind == TOKEN_PATH ? no_field(p) : parse_wrong(p, "a field of which there are many");
    parse_advance(p);
    text_fmt(&p->sql, "((SELECT count(*) %s", f->many);
    if (!parse_is(p, ")"))
        TRY(counted_ones(p, f));
    if (!parse_take(p, ")"))
        return parse_wrong(p, "')'");
    TRY(compare_operator(p, &op));
    if (op.how != COMPARES || p->now.kind != TOKEN_NUMBER)
        return parse_wrong(p, "a comparison with a number");
    text_fmt(&p->sql, ") %s ", strcmp(op.word, "!=") == 0 ? "<>" : op.sign);
    double n = p->now.number;
    parse_advance(p);
    TRY(parse_bind(p, value_real(n)));
    text_add(&p->sql, ")");
    if (none_will_do(&op, n))
        p->n_drivers = drivers;
    else if (f->drive_count)
        parse_drive(p, arena_fmt(p->arena, "%s %s ?%zu", f->drive_count, op.word[0] == '>' ? op.word : ">=", p->first + p->n));
    return OK;
}

/* ---- and, or, not, ( ) */

static enum err any(struct parse *p);

static enum err one(struct parse *p)
{
    if (++p->depth > QUERY_DEPTH)
        return fail(E_INVALID, "query, character %zu: nested deeper than %d levels", p->now.at + 1, QUERY_DEPTH);
    size_t drivers = p->n_drivers;
    if (parse_take(p, "not")) {
        text_add(&p->sql, "((");
        TRY(one(p));
        text_add(&p->sql, ") IS NOT TRUE)");
        p->n_drivers = drivers;
    } else if (parse_take(p, "(")) {
        TRY(any(p));
        if (!parse_take(p, ")"))
            return parse_wrong(p, "and, or, or ')'");
    } else if (p->now.kind == TOKEN_PATH) {
        TRY(strcmp(p->now.text, "count") == 0 ? count_condition(p) : condition(p));
    } else {
        return parse_wrong(p, "a field, 'not' or '('");
    }
    p->depth--;
    return OK;
}

/* What only looks at the row stands before what looks at other tables: they are tried in this order. */
static enum err all_of(struct parse *p)
{
    size_t from = p->sql.n;
    const char *plain = NULL, *costly = NULL;
    do {
        TRY(one(p));
        const char *condition = arena_copy(p->arena, p->sql.bytes + from, p->sql.n - from);
        const char **of = strstr(condition, "SELECT ") ? &costly : &plain;
        *of = *of ? arena_fmt(p->arena, "%s AND %s", *of, condition) : condition;
        p->sql.n = from;
    } while (parse_take(p, "and"));
    text_fmt(&p->sql, "%s%s%s", plain ? plain : "", plain && costly ? " AND " : "", costly ? costly : "");
    return OK;
}

static enum err any(struct parse *p)
{
    size_t drivers = p->n_drivers;
    text_add(&p->sql, "((");
    TRY(all_of(p));
    while (parse_take(p, "or")) {
        text_add(&p->sql, ") OR (");
        TRY(all_of(p));
        p->n_drivers = drivers;
    }
    text_add(&p->sql, "))");
    return OK;
}

static enum err whole(struct parse *p)
{
    parse_advance(p);
    TRY(any(p));
    if (p->now.kind != TOKEN_END)
        return parse_wrong(p, "and, or, or the end");
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
        text_add(&p->sql, " AND ");
        if (json_absent(m.value)) {
            TRY(key_none(p, f, m.key, false));
            continue;
        }
        TRY(member_value(f->name, m, &v));
        TRY(key_equals(p, f, m.key, v));
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
