/* Schemas of the API's description: what answers hold, and what may be sent. */
#include "api/openapi.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { COMPONENTS_MOST = 400 };

/* The resources that answers are made of, each once. Two of one name are told apart by a number. */
struct components {
    const struct resource *all[COMPONENTS_MOST];
    char name[COMPONENTS_MOST][100];
    size_t n;
};

/* "dataset version" becomes DatasetVersion. */
static void type_name(const char *says, char *ret, size_t room)
{
    size_t n = 0;
    for (bool start = true; *says && n + 1 < room; says++) {
        if (isalnum((unsigned char)*says))
            ret[n++] = (char)(start ? toupper((unsigned char)*says) : *says);
        start = !isalnum((unsigned char)*says);
    }
    ret[n] = 0;
}

static bool taken(const struct components *c, const char *name)
{
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->name[i], name) == 0)
            return true;
    return false;
}

static bool bare(const struct resource *r)
{
    return r->n_fields == 1 && strcmp(r->fields[0].name, "*") == 0;
}

static size_t component_of(struct components *c, const struct resource *r)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->all[i]->fields == r->fields && strcmp(c->all[i]->name, r->name) == 0)
            return i;
    return COMPONENTS_MOST;
}

static void collect(struct components *c, const struct resource *r)
{
    if (component_of(c, r) < COMPONENTS_MOST || c->n == COMPONENTS_MOST)
        return;
    if (!bare(r)) {
        char *name = c->name[c->n];
        type_name(r->called ? r->called : r->name, name, 70);
        size_t n = strlen(name);
        for (int k = 2; taken(c, name); k++)
            snprintf(name + n, 10, "%d", k % 1000000);
        c->all[c->n++] = r;
    }
    for (size_t i = 0; i < r->n_fields; i++)
        if (r->fields[i].of)
            collect(c, r->fields[i].of);
}

struct components *components_new(struct arena *a)
{
    struct components *c = arena_take(a, sizeof *c);
    for (const struct resource *const *r = resources; *r; r++) /* what is listed by name keeps its name */
        for (size_t i = 0; i < (*r)->n_routes; i++)
            if ((*r)->routes[i].answers == *r)
                collect(c, *r);
    for (const struct resource *const *r = resources; *r; r++)
        for (size_t i = 0; i < (*r)->n_routes; i++)
            for (int k = 0; k < 3; k++) {
                const struct route *route = &(*r)->routes[i];
                const struct resource *of = k == 0 ? route->answers : k == 1 ? route->ends_in : route->or_answers;
                if (of)
                    collect(c, of);
            }
    return c;
}

/* ---- schemas */

static const char *json_type(enum type t)
{
    switch (t) {
    case T_INT: return "integer";
    case T_NUMBER: return "number";
    case T_BOOL: return "boolean";
    case T_LINKED:
    case T_PART:
    case T_ONE:
    case T_COLUMNS:
    case T_OBJECT: return "object";
    case T_TUPLE:
    case T_MANY:
    case T_ARRAY:
    case T_IDS:
    case T_TEXTS: return "array";
    case T_JSON: return NULL;
    default: return "string";
    }
}

void schema_type(struct out *o, enum type t, bool null)
{
    const char *type = json_type(t);
    if (type && null) {
        out_array(o, "type");
        out_text(o, NULL, type);
        out_text(o, NULL, "null");
        out_end_array(o);
    } else if (type) {
        out_text(o, "type", type);
    }
    if (t == T_ID)
        out_text(o, "format", "uuid");
    else if (t == T_TIME)
        out_text(o, "format", "date-time");
}

void schema_words(struct out *o, const struct field *f, bool null)
{
    if (!f->words)
        return;
    out_array(o, "enum");
    for (const char *const *w = f->words; *w; w++)
        out_text(o, NULL, *w);
    if (null)
        out_null(o, NULL);
    out_end_array(o);
}

static void answer_of(struct components *c, struct out *o, const char *key, const struct field *f);

void schema_reference(struct components *c, struct out *o, const char *key, const struct resource *r, bool null)
{
    if (bare(r)) {
        struct field f = r->fields[0];
        f.flags |= null ? F_NULL : 0;
        answer_of(c, o, key, &f);
        return;
    }
    size_t i = component_of(c, r);
    out_object(o, key);
    if (null) {
        out_array(o, "anyOf");
        out_object(o, NULL);
    }
    char path[128];
    snprintf(path, sizeof path, "#/components/schemas/%s", i < COMPONENTS_MOST ? c->name[i] : "AnyObject");
    out_text(o, "$ref", path);
    if (null) {
        out_end_object(o);
        out_raw(o, NULL, "{\"type\":\"null\"}");
        out_end_array(o);
    }
    out_end_object(o);
}

static void columns_of(struct components *c, struct out *o, const struct resource *r)
{
    out_object(o, "properties");
    for (size_t i = 0; i < r->n_fields; i++) {
        out_object(o, r->fields[i].name);
        out_text(o, "type", "array");
        answer_of(c, o, "items", &r->fields[i]);
        out_end_object(o);
    }
    out_end_object(o);
}

static void tuple_of(struct components *c, struct out *o, const struct resource *r)
{
    out_array(o, "prefixItems");
    for (size_t i = 0; i < r->n_fields; i++)
        answer_of(c, o, NULL, &r->fields[i]);
    out_end_array(o);
}

/* A value of an answer. */
static void answer_of(struct components *c, struct out *o, const char *key, const struct field *f)
{
    bool null = f->flags & F_NULL;
    if (f->type == T_PART || f->type == T_ONE || (f->type == T_JSON && f->of) || (f->type == T_OBJECT && f->of && !bare(f->of))) {
        schema_reference(c, o, key, f->of, null);
        return;
    }
    out_object(o, key);
    schema_type(o, f->type, null);
    schema_words(o, f, null);
    if (f->type == T_COLUMNS)
        columns_of(c, o, f->of);
    else if (f->type == T_TUPLE)
        tuple_of(c, o, f->of);
    else if (f->type == T_OBJECT && f->of)
        schema_reference(c, o, "additionalProperties", f->of, false);
    else if (f->of)
        schema_reference(c, o, "items", f->of, false);
    else if (f->type == T_IDS || f->type == T_TEXTS)
        out_raw(o, "items", "{\"type\":\"string\"}");
    out_end_object(o);
}

static bool described(const struct field *f)
{
    return !f->many && !(f->flags & F_HIDE);
}

static bool named_before(const struct resource *r, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (described(&r->fields[k]) && strcmp(r->fields[k].name, r->fields[i].name) == 0)
            return true;
    return false;
}

/* Several fields of one name are the ways in which it can be written. */
static void property(struct components *c, struct out *o, const struct resource *r, size_t i)
{
    size_t ways = 0;
    for (size_t k = i; k < r->n_fields; k++)
        ways += described(&r->fields[k]) && strcmp(r->fields[k].name, r->fields[i].name) == 0;
    if (ways == 1) {
        answer_of(c, o, r->fields[i].name, &r->fields[i]);
        return;
    }
    out_object(o, r->fields[i].name);
    out_array(o, "anyOf");
    for (size_t k = i; k < r->n_fields; k++)
        if (described(&r->fields[k]) && strcmp(r->fields[k].name, r->fields[i].name) == 0)
            answer_of(c, o, NULL, &r->fields[k]);
    out_end_array(o);
    out_end_object(o);
}

static void component(struct components *c, struct out *o, const char *name, const struct resource *r)
{
    out_object(o, name);
    out_text(o, "type", "object");
    out_object(o, "properties");
    for (size_t i = 0; i < r->n_fields; i++)
        if (described(&r->fields[i]) && !named_before(r, i))
            property(c, o, r, i);
    out_end_object(o);
    out_array(o, "required");
    for (size_t i = 0; i < r->n_fields; i++)
        if (described(&r->fields[i]) && !named_before(r, i) && !(r->fields[i].flags & (F_ONE | F_WHEN)))
            out_text(o, NULL, r->fields[i].name);
    out_end_array(o);
    out_end_object(o);
}

void components_write(struct components *c, struct out *o)
{
    for (size_t i = 0; i < c->n; i++)
        component(c, o, c->name[i], c->all[i]);
}

/* A value that comes in, with its limits. */
void schema_input(struct out *o, const char *key, const struct field *f, bool null)
{
    static const struct {
        const char *least, *most;
    } names[] = { { "minLength", "maxLength" }, { "minItems", "maxItems" }, { "minimum", "maximum" } };
    const char *type = json_type(f->type);
    int k = !type || f->type == T_OBJECT || f->type == T_BOOL || f->type == T_TIME || f->type == T_ID ? -1
            : strcmp(type, "string") == 0                                                             ? 0
            : strcmp(type, "array") == 0                                                              ? 1
                                                                                                      : 2;
    out_object(o, key);
    schema_type(o, f->type, null);
    if (f->type != T_TEXTS)
        schema_words(o, f, null);
    if (k >= 0 && f->min != 0)
        out_number(o, names[k].least, f->min);
    if (k >= 0 && f->max != 0 && !f->words)
        out_number(o, names[k].most, f->max);
    if (f->type == T_IDS)
        out_raw(o, "items", "{\"type\":\"string\",\"format\":\"uuid\"}");
    if (f->type == T_TEXTS) {
        out_object(o, "items");
        schema_type(o, T_TEXT, false);
        schema_words(o, f, false);
        out_end_object(o);
    }
    out_end_object(o);
}

void schema_body(struct out *o, const struct route *r)
{
    if (strcmp(r->in[0].name, "*") == 0) {
        schema_input(o, "schema", &r->in[0], false);
        return;
    }
    out_object(o, "schema");
    out_text(o, "type", "object");
    if (r->changes)
        out_int(o, "minProperties", 1);
    out_object(o, "properties");
    for (size_t i = 0; i < r->in_n; i++) /* null stands for what is not sent; in a change it takes away what may be missing */
        schema_input(o, r->in[i].name, &r->in[i], r->in[i].flags & F_NULL || !(r->changes || r->in[i].flags & F_NEED));
    out_end_object(o);
    out_array(o, "required");
    for (size_t i = 0; i < r->in_n; i++)
        if (r->in[i].flags & F_NEED)
            out_text(o, NULL, r->in[i].name);
    out_end_array(o);
    out_end_object(o);
}
