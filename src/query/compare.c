/* Operators and the values that they compare with. */
#include "base/clock.h"
#include "base/unicode.h"
#include "query/parse.h"
#include <string.h>

/* ---- operators and values */

enum err compare_operator(struct parse *p, struct operator* ret)
{
    static const struct operator all[] = {
        { "=", false, COMPARES, "=" },     { "!=", true, COMPARES, "=" },  { "<", false, COMPARES, "<" },
        { "<=", false, COMPARES, "<=" },   { ">", false, COMPARES, ">" },  { ">=", false, COMPARES, ">=" },
        { "~", false, CONTAINS, NULL },    { "!~", true, CONTAINS, NULL }, { "startswith", false, BEGINS, NULL },
        { "endswith", false, ENDS, NULL }, { "in", false, IS_IN, NULL },
    };
    bool negated = parse_take(p, "not");
    for (size_t i = 0; i < COUNT_OF(all); i++)
        if (parse_is(p, all[i].word) && (!negated || p->now.kind == TOKEN_WORD)) {
            *ret = all[i];
            ret->negated |= negated;
            parse_advance(p);
            return OK;
        }
    return parse_wrong(p, negated ? "in, startswith or endswith" : "an operator (= != < <= > >= ~ !~ in startswith endswith)");
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
        return parse_wrong(p, "a value");
    } else {
        return parse_wrong(p, f->type == T_INT || f->type == T_NUMBER ? "a number"
                              : f->type == T_BOOL                     ? "True or False"
                                                                      : "a text in quotes");
    }
    return OK;
}

enum err compare_value(struct parse *p, const struct field *f, const char *key, struct value *ret)
{
    if (p->now.open)
        return fail(E_INVALID, "query, character %zu: the text has no closing quote", p->now.at + 1);
    TRY(read_plain(p, f, key, ret));
    parse_advance(p);
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
    TRY(parse_bind(p, v));
    if (!other)
        return OK;
    text_add(&p->sql, ", ");
    p->again++;
    return parse_bind(p, value_text(other));
}

/* ---- texts by part */

static enum err read_part(struct parse *p, const struct field *f, const char *key, const struct operator* op, const char **ret)
{
    if (!key && f->type != T_TEXT && f->type != T_TIME && f->type != T_ID)
        return fail(E_INVALID, "query, character %zu: %s works on texts; %s is none", p->now.at + 1, op->word, f->name);
    if (p->now.kind != TOKEN_TEXT)
        return parse_wrong(p, "a text in quotes");
    if (p->now.open)
        return fail(E_INVALID, "query, character %zu: the text has no closing quote", p->now.at + 1);
    *ret = p->now.text;
    parse_advance(p);
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
    TRY(parse_room(p));
    p->values[p->n++] = value_text(pattern(p->arena, part));
    sql_contains(&p->sql, left, p->first + p->n);
    return OK;
}

static enum err ends_with(struct parse *p, const char *left, const char *part)
{
    text_add(&p->sql, "(");
    TRY(parse_bind(p, value_text(part)));
    size_t n = p->first + p->n;
    text_fmt(&p->sql, " = substr(%s, length(%s) - length(?%zu) + 1) AND length(%s) >= length(?%zu))", left, left, n, left, n);
    return OK;
}

/* Within bounds that an index can use. */
static enum err begins_with(struct parse *p, const char *left, const char *part)
{
    static const char last[] = "\xf4\x8f\xbf\xbf"; /* U+10FFFF */
    text_fmt(&p->sql, "(%s >= ", left);
    TRY(parse_bind(p, value_text(part)));
    size_t n = p->first + p->n;
    text_fmt(&p->sql, " AND %s < ", left);
    TRY(parse_bind(p, value_text(arena_fmt(p->arena, "%s%s", part, last))));
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
    TRY(parse_bind(p, value_int(from)));
    text_fmt(&p->sql, " AND %s < ", left);
    TRY(parse_bind(p, value_int(to)));
    text_add(&p->sql, ")");
    return OK;
}

/* ---- one condition */

static enum err one_of(struct parse *p, const struct field *f, const char *key, const char *left)
{
    struct value v;
    if (!parse_take(p, "("))
        return parse_wrong(p, "'('");
    text_fmt(&p->sql, "%s IN (", left);
    for (bool first = true; first || parse_take(p, ","); first = false) {
        text_add(&p->sql, first ? "" : ", ");
        TRY(compare_value(p, f, key, &v));
        TRY(bind_forms(p, f, key, v));
    }
    text_add(&p->sql, ")");
    return parse_take(p, ")") ? OK : parse_wrong(p, "',' or ')'");
}

static enum err compare(struct parse *p, const struct field *f, const char *key, const char *left, const struct operator* op,
                        struct value v)
{
    const char *text = v.t;
    bool two = op->sign[0] == '=' && v.kind == VALUE_TEXT && other_form(p, f, key, &text);
    text_fmt(&p->sql, two ? "%s IN (" : "%s %s ", left, op->sign);
    if (!two)
        return parse_bind(p, v);
    TRY(bind_forms(p, f, key, v));
    text_add(&p->sql, ")");
    return OK;
}

static enum err part_is(struct parse *p, const struct operator* op, const char *left, const char *part)
{
    return op->how == CONTAINS ? contains(p, left, part) : op->how == ENDS ? ends_with(p, left, part) : begins_with(p, left, part);
}

enum err compare_with(struct parse *p, const struct field *f, const char *key, const char *left, const struct operator* op)
{
    const char *part;
    struct value v;
    size_t at = p->now.at;
    if (op->how == IS_IN)
        return one_of(p, f, key, left);
    if (op->how == COMPARES) {
        TRY(compare_value(p, f, key, &v));
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
