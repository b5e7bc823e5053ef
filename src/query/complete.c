/* GET /api/query/complete?entity=data&q=…&at=…: what can stand at that place: fields, then the operators that fit the field's type,
 * then values that occur, then connectors. */
#include "query/query.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { OFFERS = 30, ROWS_LOOKED_AT = 2000, VALUES_LOOKED_AT = 1000 };

/* Where in a condition the cursor is. */
enum place { AT_FIELD, AT_OPERATOR, AT_VALUE, AT_CONNECTOR };

struct state {
    enum place place;
    const struct field *field;
    const char *key; /* of an object field */
    size_t from;     /* where the word being written begins */
};

static struct state look(struct arena *a, const struct resource *r, const char *q)
{
    struct state s = { .from = strlen(q) };
    bool list = false;
    for (struct token t = query_token(a, q, 0); t.kind != TOKEN_END; t = query_token(a, q, t.end)) {
        if (!q[t.end] && (t.kind == TOKEN_PATH || t.kind == TOKEN_WORD || t.open)) {
            s.from = t.at;
            break;
        }
        bool sign = t.kind == TOKEN_SIGN;
        if (s.place == AT_FIELD && t.kind == TOKEN_PATH) {
            s.field = query_field(r, t.text, &s.key);
            s.place = AT_OPERATOR;
        } else if (s.place == AT_OPERATOR && (sign || t.kind == TOKEN_WORD) && strcmp(t.text, "not") != 0) {
            s.place = AT_VALUE;
            list = strcmp(t.text, "in") == 0;
        } else if (s.place == AT_VALUE && !(sign && strchr("(,", t.text[0]))) {
            s.place = list && !(sign && t.text[0] == ')') ? AT_VALUE : AT_CONNECTOR;
        } else if (s.place == AT_CONNECTOR && t.kind == TOKEN_WORD) {
            s.place = AT_FIELD;
        }
    }
    return s;
}

static void offer(struct op *op, const char *text, const char *kind, const char *says, const char *typed)
{
    if (*typed && strncasecmp(text, typed, strlen(typed)) != 0)
        return;
    out_object(&op->out, NULL);
    out_text(&op->out, "text", text);
    out_text(&op->out, "kind", kind);
    out_text(&op->out, "says", says);
    out_end_object(&op->out);
}

static const char *type_name(enum type t)
{
    switch (t) {
    case T_INT:
    case T_NUMBER: return "number";
    case T_TIME: return "time";
    case T_BOOL: return "True or False";
    case T_OBJECT: return "object";
    default: return "text";
    }
}

static const char last_character[] = "\xf4\x8f\xbf\xbf"; /* U+10FFFF: sorts after every other */

/* Keys that documents of the organization have: typed is "metadata.ca". */
static enum err offer_keys(struct op *op, const struct field *f, const char *typed)
{
    size_t n = strlen(f->name);
    if (!f->keys || strncmp(typed, f->name, n) != 0 || typed[n] != '.')
        return OK;
    const char *path = typed + n + 1, *end = arena_fmt(op->arena, "%s%s", path, last_character);
    const char *sql =
        arena_fmt(op->arena,
                  "SELECT DISTINCT k.path FROM metadata_key k WHERE k.org = ?1 AND %s AND k.path >= ?2 AND k.path < ?3"
                  " AND EXISTS (SELECT 1 FROM metadata_value m WHERE m.key_id = k.id) ORDER BY k.path LIMIT %d",
                  f->keys, OFFERS);
    AUTO(rows) struct rows *row = NULL;
    TRY(sql_rows_text(op->db, &row, sql, VALUES(V(op->org), V(path), V(end))));
    while (rows_next(row))
        offer(op, arena_fmt(op->arena, "%s.%s", f->name, rows_text(row, 0)), "field", "", typed);
    return rows_error(row);
}

static enum err offer_fields(struct op *op, const struct resource *r, const char *typed)
{
    for (size_t i = 0; i < r->n_fields; i++) {
        const struct field *f = &r->fields[i];
        if (f->flags & F_FILTER)
            offer(op, f->type == T_OBJECT ? arena_fmt(op->arena, "%s.", f->name) : f->name, "field", type_name(f->type), typed);
        if (f->flags & F_FILTER)
            TRY(offer_keys(op, f, typed));
    }
    offer(op, "not", "connector", "the opposite", typed);
    return OK;
}

static void offer_operators(struct op *op, const struct field *f, const char *typed)
{
    static const struct {
        const char *text, *says;
        bool text_only, ordered;
    } all[] = {
        { "=", "is", false, false },
        { "!=", "is not", false, false },
        { "in", "is one of", false, false },
        { "not in", "is none of", false, false },
        { "<", "less than", false, true },
        { "<=", "at most", false, true },
        { ">", "more than", false, true },
        { ">=", "at least", false, true },
        { "~", "contains", true, false },
        { "!~", "does not contain", true, false },
        { "startswith", "begins with", true, false },
        { "endswith", "ends with", true, false },
    };
    bool text = !f || f->type == T_TEXT || f->type == T_OBJECT || f->type == T_TIME;
    bool ordered = !f || f->type != T_BOOL;
    for (size_t i = 0; i < COUNT_OF(all); i++)
        if ((!all[i].text_only || text) && (!all[i].ordered || ordered))
            offer(op, all[i].text, "operator", all[i].says, typed);
}

/* Texts that occur: all of them from where they are kept once; else the most frequent of the first things. They begin with ?2,
 * which ends before ?3. */
static void select_texts(struct text *t, const struct resource *r, const struct field *f)
{
    const char *value = query_expression(f);
    if (f->offer) {
        text_fmt(t, "SELECT DISTINCT v FROM (SELECT %s AS v %s AND %s >= ?2 AND %s < ?3 ORDER BY %s LIMIT %d) found ORDER BY v",
                 value, f->offer, value, value, value, VALUES_LOOKED_AT);
        return;
    }
    text_fmt(t, "SELECT v FROM (SELECT %s%s %s%s AS v FROM %s WHERE %s = ?1 LIMIT %d) seen", f->many ? "(SELECT " : "", value,
             f->many ? f->many : "", f->many ? " LIMIT 1)" : "", r->from, r->org, ROWS_LOOKED_AT);
    text_add(t, " WHERE v >= ?2 AND v < ?3 GROUP BY v ORDER BY count(*) DESC, v");
}

/* The least value under the key ?2 that is, as the sign says, beyond the bound. */
static void next_value(struct text *t, const struct field *f, bool words, const char *sign_and_bound)
{
    const char *value = words ? "m.words" : "m.number";
    text_fmt(
        t,
        "(SELECT min(least) FROM (SELECT (SELECT %s FROM metadata_value m WHERE m.key_id = k.id%s AND %s %s ORDER BY %s LIMIT 1)"
        " AS least FROM metadata_key k WHERE k.org = ?1 AND %s AND k.path = ?2) of_each)",
        value, words ? " AND m.number IS NULL" : "", value, sign_and_bound, value, f->keys);
}

/* The values under a key, from ?3 to before ?4, each found by one step of an index from the one before. */
static enum err offer_members(struct op *op, const struct state *s, const char *typed, bool words)
{
    AUTO(text) struct text t;
    text_init(&t, 1 << 16);
    text_add(&t, "WITH RECURSIVE found (v) AS (SELECT ");
    next_value(&t, s->field, words, ">= ?3");
    text_add(&t, " UNION ALL SELECT ");
    next_value(&t, s->field, words, "> found.v");
    text_fmt(&t, " FROM found WHERE found.v < ?4) SELECT v FROM found WHERE v < ?4 LIMIT %d", OFFERS);
    const struct value from = words ? value_text(typed) : value_real(-1.7e308),
                       to = words ? value_text(arena_fmt(op->arena, "%s%s", typed, last_character)) : value_real(1.7e308);
    AUTO(rows) struct rows *row = NULL;
    TRY(sql_rows_text(op->db, &row, t.bytes, VALUES(V(op->org), V(s->key), V(from), V(to))));
    while (rows_next(row))
        offer(op, words ? arena_fmt(op->arena, "\"%s\"", rows_text(row, 0)) : arena_fmt(op->arena, "%.15g", rows_real(row, 0)),
              "value", "", words ? "" : typed);
    return rows_error(row);
}

static enum err offer_values_of_key(struct op *op, const struct state *s, const char *typed)
{
    bool quoted = *typed == '"' || *typed == '\'';
    if (!quoted)
        TRY(offer_members(op, s, typed, false));
    return quoted || !*typed ? offer_members(op, s, typed + quoted, true) : OK;
}

static enum err offer_texts(struct op *op, const struct resource *r, const struct field *f, const char *typed)
{
    typed += *typed == '"' || *typed == '\'';
    AUTO(text) struct text t;
    text_init(&t, 1 << 16);
    select_texts(&t, r, f);
    text_fmt(&t, " LIMIT %d", OFFERS);
    const struct value values[] = { value_text(op->org), value_text(typed),
                                    value_text(arena_fmt(op->arena, "%s%s", typed, last_character)) };
    AUTO(rows) struct rows *row = NULL;
    TRY(sql_rows_text(op->db, &row, t.bytes, values, COUNT_OF(values)));
    while (rows_next(row))
        if (rows_text(row, 0))
            offer(op, arena_fmt(op->arena, "\"%s\"", rows_text(row, 0)), "value", "", "");
    return rows_error(row);
}

static enum err offer_values(struct op *op, const struct resource *r, const struct field *f, const char *typed)
{
    for (const char *const *w = f->words; w && *w; w++)
        offer(op, arena_fmt(op->arena, "\"%s\"", *w), "value", "", typed);
    if (f->type == T_BOOL) {
        offer(op, "True", "value", "", typed);
        offer(op, "False", "value", "", typed);
    }
    return f->type == T_TEXT && !f->words ? offer_texts(op, r, f, typed) : OK;
}

static enum err complete(struct op *op)
{
    const char *entity = in_text(op, "entity"), *q = in_text(op, "q");
    const struct resource *r = NULL;
    for (const struct resource *const *each = resources; *each; each++)
        if (strcmp((*each)->name, entity) == 0 && (*each)->org)
            r = *each;
    if (!r)
        return fail(E_NOT_FOUND, "there is no list of \"%.60s\" to search in", entity);
    size_t n = q ? strlen(q) : 0, at = (size_t)in_int(op, "at", (int64_t)n);
    q = arena_copy(op->arena, q, at < n ? at : n);
    struct state s = look(op->arena, r, q);
    out_object(&op->out, NULL);
    out_int(&op->out, "from", (int64_t)s.from);
    out_array(&op->out, "items");
    if (s.place == AT_FIELD)
        TRY(offer_fields(op, r, q + s.from));
    else if (s.place == AT_OPERATOR)
        offer_operators(op, s.field, q + s.from);
    else if (s.place == AT_VALUE && s.field && s.key)
        TRY(offer_values_of_key(op, &s, q + s.from));
    else if (s.place == AT_VALUE && s.field)
        TRY(offer_values(op, r, s.field, q + s.from));
    else if (s.place == AT_CONNECTOR) {
        offer(op, "and", "connector", "both", q + s.from);
        offer(op, "or", "connector", "either", q + s.from);
    }
    out_end_array(&op->out);
    out_end_object(&op->out);
    return OK;
}

static const struct field complete_in[] = {
    { "entity", T_TEXT, F_NEED, .max = 60 },
    { "q", T_TEXT, 0, .max = QUERY_LENGTH },
    { "at", T_INT, 0, .min = 0, .max = QUERY_LENGTH },
};
DESCRIBED(offer_answer, "completion offer", { "text", T_TEXT }, { "kind", T_TEXT }, { "says", T_TEXT });
DESCRIBED(complete_answer, "completion", { "from", T_INT }, { "items", T_MANY, .of = &offer_answer });

static const struct route routes[] = {
    { "GET", "/api/query/complete", complete, MAY_READ, WORK_READ, "completions for the query bar", FIELDS(complete_in),
      .answers = &complete_answer },
};
const struct resource query_resource = { .name = "query", .routes = routes, .n_routes = COUNT_OF(routes) };
