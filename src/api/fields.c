/* Input: the body and the query string against a route's fields. */
#include "api/dispatch.h"
#include "base/clock.h"
#include "base/unicode.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TEXT_MAX = 1000, LIST_MAX = 10000 };

static size_t characters(const char *s)
{
    size_t n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

static enum err check_word(const struct field *f, const char *s, const char *where, const char *name)
{
    AUTO(text) struct text all;
    text_init(&all, 1000);
    for (const char *const *w = f->words; *w; w++) {
        if (strcmp(s, *w) == 0)
            return OK;
        text_fmt(&all, "%s%s", w == f->words ? "" : ", ", *w);
    }
    return fail(E_INVALID, "%s%s must be one of %s; it is \"%.60s\"", where, name, all.bytes, s);
}

static enum err check_text(const struct field *f, const char *s, const char *where, const char *name)
{
    if (f->words)
        return check_word(f, s, where, name);
    size_t n = characters(s), most = f->max > 0 ? (size_t)f->max : TEXT_MAX;
    if (n < (size_t)f->min)
        return fail(E_INVALID, n ? "%s%s must have at least %zu characters" : "%s%s must not be empty", where, name,
                    (size_t)f->min);
    if (n > most)
        return fail(E_INVALID, "%s%s has %zu characters; at most %zu are allowed", where, name, n, most);
    return f->flags & F_NAME ? fail_within(name_check(name, s), "%s", where) : OK;
}

static enum err check_list(const struct field *f, const struct json *v, const char *where, const char *name)
{
    size_t n = json_count(v), most = f->max > 0 ? (size_t)f->max : LIST_MAX;
    if (json_kind(v) != J_ARRAY)
        return fail(E_INVALID, "%s%s must be a list", where, name);
    if (n > most)
        return fail(E_TOO_BIG, "%s%s has %zu items; at most %zu are allowed", where, name, n, most);
    if (n < (size_t)f->min)
        return fail(E_INVALID, "%s%s must have at least %zu items", where, name, (size_t)f->min);
    char id[ID_SIZE];
    for (size_t i = 0; f->type != T_ARRAY && i < n; i++) {
        const char *s = json_text(json_at(v, i));
        if (!s)
            return fail(E_INVALID, "%s%s[%zu] must be text", where, name, i);
        if (f->type == T_IDS && !id_parse(s, id))
            return fail(E_INVALID, "%s%s[%zu] is no id: \"%.60s\"", where, name, i, s);
        if (f->type == T_TEXTS && f->words)
            TRY(check_word(f, s, where, name));
    }
    return OK;
}

static enum err check_value(const struct field *f, const struct json *v, const char *where)
{
    const char *name = strcmp(f->name, "*") == 0 ? "the body" : f->name;
    const char *s = json_text(v);
    double d;
    int64_t i;
    bool b;
    char id[ID_SIZE];
    switch (f->type) {
    case T_ID:
        if (!s || !id_parse(s, id))
            return fail(E_INVALID, "%s%s must be an id%s%.60s%s", where, name, s ? "; it is \"" : "", s ? s : "", s ? "\"" : "");
        return OK;
    case T_TEXT: return s ? check_text(f, s, where, name) : fail(E_INVALID, "%s%s must be text", where, name);
    case T_INT:
        if (!json_int(v, &i))
            return fail(E_INVALID, "%s%s must be a whole number", where, name);
        d = (double)i;
        break;
    case T_NUMBER:
        if (!json_number(v, &d))
            return fail(E_INVALID, "%s%s must be a number", where, name);
        break;
    case T_BOOL: return json_bool(v, &b) ? OK : fail(E_INVALID, "%s%s must be true or false", where, name);
    case T_TIME:
        if (json_number(v, &d))
            return OK;
        return s && clock_parse_iso(s, &i) ? OK : fail(E_INVALID, "%s%s must be a time in ISO 8601", where, name);
    case T_JSON: return OK;
    case T_OBJECT: return json_kind(v) == J_OBJECT ? OK : fail(E_INVALID, "%s%s must be an object", where, name);
    case T_ARRAY:
    case T_IDS:
    case T_TEXTS: return check_list(f, v, where, name);
    default: return fail(E_BROKEN, "field %s has no type", name);
    }
    if ((f->min != 0 || f->max != 0) && (d < f->min || (f->max != 0 && d > f->max)))
        return fail(E_INVALID, "%s%s must lie between %g and %g; it is %g", where, name, f->min, f->max, d);
    return OK;
}

static enum err check_field(const struct field *f, const struct json *v, const char *where)
{
    if (json_absent(v))
        return f->flags & F_NEED && !(v && f->flags & F_NULL) ? fail(E_INVALID, "%s%s is missing", where, f->name) : OK;
    return check_value(f, v, where);
}

enum err fields_check(const struct field *fields, size_t n, const struct json *object, const char *where)
{
    if (json_kind(object) != J_OBJECT)
        return fail(E_INVALID, "%s must be a JSON object", *where ? where : "the body");
    char prefix[160];
    snprintf(prefix, sizeof prefix, "%s%s", where, *where ? "." : "");
    for (size_t i = 0; i < n; i++)
        TRY(check_field(&fields[i], json_get(object, fields[i].name), prefix));
    return OK;
}

/* One value of the query string as JSON, by the field's type. What does not parse is passed on as text, for the check to refuse. */
static void query_value(struct out *o, const char *key, enum type type, const char *s)
{
    char *end;
    if ((type == T_INT || type == T_NUMBER || type == T_TIME) && *s) {
        double d = strtod(s, &end);
        if (!*end && isfinite(d)) {
            if (type == T_NUMBER)
                out_number(o, key, d);
            else
                out_int(o, key, (int64_t)d);
            return;
        }
    }
    if (type == T_BOOL && (strcasecmp(s, "true") == 0 || strcasecmp(s, "false") == 0 || strcmp(s, "1") == 0 || strcmp(s, "0") == 0))
        out_bool(o, key, *s == 't' || *s == 'T' || *s == '1');
    else
        out_text(o, key, s);
}

static enum err read_query(struct op *op)
{
    const struct route *r = op->route;
    AUTO(out) struct out o;
    out_init(&o, 1 << 20);
    out_object(&o, NULL);
    bool any = false;
    for (size_t i = 0; i < r->in_n; i++) {
        const struct field *f = &r->in[i];
        const char **all = arena_new_array(op->arena, const char *, f->type == T_IDS || f->type == T_TEXTS ? LIST_MAX : 1);
        size_t n = http_query_all(op->call, f->name, all, f->type == T_IDS || f->type == T_TEXTS ? LIST_MAX : 1);
        if (!n)
            continue;
        any = true;
        if (f->type == T_IDS || f->type == T_TEXTS) {
            out_array(&o, f->name);
            for (size_t k = 0; k < n; k++)
                out_text(&o, NULL, all[k]);
            out_end_array(&o);
        } else {
            query_value(&o, f->name, f->type, all[0]);
        }
    }
    out_end_object(&o);
    return any ? json_parse(op->arena, o.text.bytes, o.text.n, &op->query) : OK;
}

enum err input_read(struct op *op, const char *bytes, size_t n)
{
    const struct route *r = op->route;
    if (!r->in_n)
        return OK;
    if (n)
        TRY(json_parse(op->arena, bytes, n, &op->body));
    if (strcmp(r->in[0].name, "*") != 0)
        TRY(read_query(op));
    return input_check(op);
}

enum err input_check(struct op *op)
{
    const struct route *r = op->route;
    if (!r->in_n)
        return OK;
    if (strcmp(r->in[0].name, "*") == 0)
        return check_field(&r->in[0], op->body, "");
    if (op->body && json_kind(op->body) != J_OBJECT)
        return fail(E_INVALID, "the body must be a JSON object");
    for (size_t i = 0; i < r->in_n; i++)
        TRY(check_field(&r->in[i], in_json(op, r->in[i].name), ""));
    return OK;
}

const struct json *in_json(struct op *op, const char *name)
{
    if (strcmp(name, "*") == 0)
        return op->body;
    const struct json *v = json_get(op->body, name);
    return v ? v : json_get(op->query, name);
}

bool in_has(struct op *op, const char *name)
{
    return !json_absent(in_json(op, name));
}

const char *in_text(struct op *op, const char *name)
{
    const char *s = json_text(in_json(op, name));
    for (size_t i = 0; s && i < op->route->in_n; i++)
        if (op->route->in[i].type == T_ID && strcmp(op->route->in[i].name, name) == 0) {
            char *id = arena_take(op->arena, ID_SIZE);
            return id_parse(s, id) ? id : NULL;
        }
    return s;
}

int64_t in_int(struct op *op, const char *name, int64_t missing)
{
    int64_t v;
    return json_int(in_json(op, name), &v) ? v : missing;
}

double in_number(struct op *op, const char *name, double missing)
{
    double v;
    return json_number(in_json(op, name), &v) ? v : missing;
}

bool in_bool(struct op *op, const char *name, bool missing)
{
    bool v;
    return json_bool(in_json(op, name), &v) ? v : missing;
}

char *in_print(struct op *op, const char *name)
{
    return in_has(op, name) ? json_print(op->arena, in_json(op, name)) : NULL;
}

static enum err listed(struct op *op, const char *name, bool ids, struct value *ret)
{
    const struct json *list = in_json(op, name);
    size_t n = 0, most = json_count(list);
    const char **texts = arena_new_array(op->arena, const char *, most + 1);
    for (size_t i = 0; i < most; i++) {
        const char *s = json_text(json_at(list, i));
        char *id = ids ? arena_take(op->arena, ID_SIZE) : NULL;
        if (s && (!ids || id_parse(s, id)))
            texts[n++] = ids ? id : s;
    }
    *ret = value_text(NULL);
    return json_absent(list) ? OK : sql_list(op->db, texts, n, ret);
}

enum err in_ids(struct op *op, const char *name, struct value *ret)
{
    return listed(op, name, true, ret);
}

enum err in_texts(struct op *op, const char *name, struct value *ret)
{
    return listed(op, name, false, ret);
}

enum err in_names(struct op *op, const char *name, struct value *ret)
{
    const struct json *list = in_json(op, name);
    size_t n = 0, most = json_count(list);
    const char **texts = arena_new_array(op->arena, const char *, 2 * most + 1);
    for (size_t i = 0; i < most; i++) {
        const char *s = json_text(json_at(list, i));
        texts[n++] = unicode_nfc(op->arena, s);
        const char *other = unicode_nfd(op->arena, s);
        if (strcmp(other, texts[n - 1]) != 0)
            texts[n++] = other;
    }
    *ret = value_text(NULL);
    return json_absent(list) ? OK : sql_list(op->db, texts, n, ret);
}

const char *in_composed(struct op *op, const char *name)
{
    const char *s = in_text(op, name);
    return s ? unicode_nfc(op->arena, s) : NULL;
}

enum err name_check(const char *what, const char *name)
{
    size_t n = strlen(name);
    if (!n || name[0] == ' ' || name[n - 1] == ' ')
        return fail(E_INVALID, "%s must not be empty and not begin or end with a space", what);
    for (const char *p = name; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            return fail(E_INVALID, "%s must not hold control characters", what);
    return OK;
}
