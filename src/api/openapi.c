/* GET /api/openapi.json: the API's description, printed from the tables that also run it (OpenAPI 3.1). What an answer holds is a
 * component, made of the rows that write it; the pages' types are made from those (tools/types). */
#include "api/dispatch.h"
#include "job/job.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

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

static void collect_all(struct components *c)
{
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

static void type_of(struct out *o, enum type t, bool null)
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

static void words_of(struct out *o, const struct field *f, bool null)
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

static void reference(struct components *c, struct out *o, const char *key, const struct resource *r, bool null)
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
        reference(c, o, key, f->of, null);
        return;
    }
    out_object(o, key);
    type_of(o, f->type, null);
    words_of(o, f, null);
    if (f->type == T_COLUMNS)
        columns_of(c, o, f->of);
    else if (f->type == T_TUPLE)
        tuple_of(c, o, f->of);
    else if (f->type == T_OBJECT && f->of)
        reference(c, o, "additionalProperties", f->of, false);
    else if (f->of)
        reference(c, o, "items", f->of, false);
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

/* A value that comes in, with its limits. */
static void input_of(struct out *o, const char *key, const struct field *f, bool null)
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
    type_of(o, f->type, null);
    if (f->type != T_TEXTS)
        words_of(o, f, null);
    if (k >= 0 && f->min != 0)
        out_number(o, names[k].least, f->min);
    if (k >= 0 && f->max != 0 && !f->words)
        out_number(o, names[k].most, f->max);
    if (f->type == T_IDS)
        out_raw(o, "items", "{\"type\":\"string\",\"format\":\"uuid\"}");
    if (f->type == T_TEXTS) {
        out_object(o, "items");
        type_of(o, T_TEXT, false);
        words_of(o, f, false);
        out_end_object(o);
    }
    out_end_object(o);
}

static void body_of(struct out *o, const struct route *r)
{
    if (strcmp(r->in[0].name, "*") == 0) {
        input_of(o, "schema", &r->in[0], false);
        return;
    }
    out_object(o, "schema");
    out_text(o, "type", "object");
    if (r->changes)
        out_int(o, "minProperties", 1);
    out_object(o, "properties");
    for (size_t i = 0; i < r->in_n; i++) /* null stands for what is not sent; in a change it takes away what may be missing */
        input_of(o, r->in[i].name, &r->in[i], r->in[i].flags & F_NULL || !(r->changes || r->in[i].flags & F_NEED));
    out_end_object(o);
    out_array(o, "required");
    for (size_t i = 0; i < r->in_n; i++)
        if (r->in[i].flags & F_NEED)
            out_text(o, NULL, r->in[i].name);
    out_end_array(o);
    out_end_object(o);
}

/* ---- operations */

static void query_parameter(struct out *o, const char *name, bool needed, const char *schema)
{
    out_object(o, NULL);
    out_text(o, "name", name);
    out_text(o, "in", "query");
    out_bool(o, "required", needed);
    if (schema)
        out_raw(o, "schema", schema);
}

static bool in_query(const struct route *r)
{
    return strcmp(r->method, "GET") == 0;
}

static bool sends(const struct route *r, const char *name)
{
    for (size_t i = 0; i < r->in_n; i++)
        if (strcmp(r->in[i].name, name) == 0)
            return true;
    return false;
}

/* What a list can be sorted by, each way; it may be given several times. */
static void orders(struct out *o, const struct resource *r)
{
    query_parameter(o, "order_by", false, NULL);
    out_object(o, "schema");
    out_text(o, "type", "array");
    out_object(o, "items");
    out_text(o, "type", "string");
    out_array(o, "enum");
    for (size_t i = 0; i < r->n_fields; i++)
        for (const char *const *way = (const char *const[]){ "", "-", NULL }; r->fields[i].flags & F_SORT && *way; way++) {
            char name[128];
            snprintf(name, sizeof name, "%s%s", *way, r->fields[i].name);
            out_text(o, NULL, name);
        }
    out_end_array(o);
    out_end_object(o);
    out_end_object(o);
    out_end_object(o);
}

/* What a list can be searched by (docs/query.md), and whether a thing has many of it. */
static void searches(struct out *o, const struct resource *r)
{
    query_parameter(o, "q", false, NULL);
    out_object(o, "schema");
    out_text(o, "type", "string");
    out_int(o, "maxLength", 4000);
    out_object(o, "x-fields");
    for (size_t i = 0; i < r->n_fields; i++)
        if (r->fields[i].flags & F_FILTER) {
            out_object(o, r->fields[i].name);
            type_of(o, r->fields[i].type, false);
            words_of(o, &r->fields[i], false);
            out_bool(o, "many", r->fields[i].many);
            out_end_object(o);
        }
    out_end_object(o);
    out_end_object(o);
    out_end_object(o);
}

static void parameters(struct arena *a, struct out *o, const struct route *r)
{
    static const struct {
        const char *name, *schema;
    } paging[] = {
        { "limit", "{\"type\":\"integer\",\"minimum\":0}" },
        { "offset", "{\"type\":\"integer\",\"minimum\":0}" },
        { "cursor", "{\"type\":\"string\"}" },
    };
    out_array(o, "parameters");
    for (const char *p = strchr(r->path, '{'); p; p = strchr(p + 1, '{')) {
        size_t n = strcspn(p + 1, "*}");
        out_object(o, NULL);
        out_text(o, "name", arena_copy(a, p + 1, n));
        out_text(o, "in", "path");
        out_bool(o, "required", true);
        out_raw(o, "schema", "{\"type\":\"string\"}");
        out_end_object(o);
    }
    for (size_t i = 0; in_query(r) && i < r->in_n; i++) {
        if (r->gives == GIVES_PAGE && strcmp(r->in[i].name, "q") == 0)
            continue;
        query_parameter(o, r->in[i].name, r->in[i].flags & F_NEED, NULL);
        input_of(o, "schema", &r->in[i], false);
        out_end_object(o);
    }
    for (size_t i = 0; r->gives == GIVES_PAGE && in_query(r) && i < COUNT_OF(paging); i++)
        if (!sends(r, paging[i].name)) {
            query_parameter(o, paging[i].name, false, paging[i].schema);
            out_end_object(o);
        }
    if (r->gives == GIVES_PAGE && in_query(r)) {
        orders(o, r->answers);
        searches(o, r->answers);
    }
    out_end_array(o);
}

static void schema_of_answer(struct components *c, struct out *o, const struct route *r)
{
    if (r->gives == GIVES_ONE) {
        if (!r->or_answers) {
            reference(c, o, "schema", r->answers, false);
            return;
        }
        out_object(o, "schema");
        out_array(o, "anyOf");
        reference(c, o, NULL, r->answers, false);
        reference(c, o, NULL, r->or_answers, false);
        out_end_array(o);
        out_end_object(o);
        return;
    }
    out_object(o, "schema");
    if (r->gives == GIVES_NOTHING) {
        out_text(o, "type", "object");
        out_int(o, "maxProperties", 0);
    } else if (r->gives == GIVES_ROWS) {
        out_text(o, "type", "array");
        reference(c, o, "items", r->answers, false);
    } else if (r->gives == GIVES_AS_SENT) {
        out_array(o, "anyOf");
        reference(c, o, NULL, r->answers, false);
        out_object(o, NULL);
        out_text(o, "type", "array");
        reference(c, o, "items", r->answers, false);
        out_end_object(o);
        out_end_array(o);
    } else {
        out_text(o, "type", "object");
        out_object(o, "properties");
        out_object(o, "items");
        out_text(o, "type", "array");
        reference(c, o, "items", r->answers, false);
        out_end_object(o);
        out_raw(o, "count", "{\"type\":\"integer\"}");
        out_raw(o, "count_exact", "{\"type\":\"boolean\"}");
        out_raw(o, "next_cursor", "{\"type\":[\"string\",\"null\"]}");
        out_end_object(o);
        out_raw(o, "required", "[\"items\",\"next_cursor\"]");
    }
    out_end_object(o);
}

static void response(struct components *c, struct out *o, const char *status, const struct route *r)
{
    out_object(o, status);
    out_text(o, "description", r->gives == GIVES_NOTHING ? "done" : r->gives == GIVES_FILE ? "bytes" : r->answers->name);
    out_object(o, "content");
    if (r->gives == GIVES_FILE) {
        out_raw(o, "*/*", "{}");
    } else {
        out_object(o, "application/json");
        schema_of_answer(c, o, r);
        out_end_object(o);
    }
    out_end_object(o);
    out_end_object(o);
}

static void responses(struct components *c, struct out *o, const struct route *r)
{
    out_object(o, "responses");
    response(c, o, "200", r);
    if (strcmp(r->method, "POST") == 0)
        response(c, o, "201", r);
    if (r->gives == GIVES_NOTHING)
        out_raw(o, "204", "{\"description\":\"done\"}");
    if (r->queues)
        out_raw(o, "429",
                "{\"description\":\"more come than are answered: come back after the seconds that Retry-After says\",\"headers\":"
                "{\"Retry-After\":{\"schema\":{\"type\":\"integer\"},\"description\":\"seconds\"}},\"content\":{"
                "\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/Error\"}}}}");
    out_raw(o, "4XX",
            "{\"description\":\"what is wrong\",\"content\":{\"application/json\":{\"schema\":{\"$ref\":"
            "\"#/components/schemas/Error\"}}}}");
    out_raw(o, "503",
            "{\"description\":\"try again\",\"content\":{\"application/json\":{\"schema\":{\"$ref\":"
            "\"#/components/schemas/Error\"}}}}");
    out_end_object(o);
}

/* Whose the path's values are: the names of the resources, in order. */
static void what_it_is_on(struct out *o, const struct route *r)
{
    if (!r->on)
        return;
    out_array(o, "x-on");
    out_text(o, NULL, r->on->name);
    if (r->on_too)
        out_text(o, NULL, r->on_too->name);
    out_end_array(o);
}

/* The members that are kept as they are sent. */
static void what_it_keeps(struct out *o, const struct route *r)
{
    const struct resource *of = r->makes ? r->makes : r->changes;
    if (!of)
        return;
    out_array(o, "x-keeps");
    for (size_t i = 0; i < of->n_fields; i++)
        if (of->fields[i].flags & (r->makes ? F_NEW : F_EDIT))
            out_text(o, NULL, of->fields[i].name);
    out_end_array(o);
}

/* The kind of the job that a route starts, and what its result holds. */
static void what_it_starts(struct components *c, struct out *o, const struct route *r)
{
    if (!r->starts || !r->ends_in)
        return;
    out_object(o, "x-job");
    out_text(o, "kind", r->starts->name);
    reference(c, o, "result", r->ends_in, false);
    out_end_object(o);
}

static void operation(struct arena *a, struct components *c, struct out *o, const struct resource *of, const struct route *row)
{
    struct route whole, *r = &whole;
    if (route_whole(resources, row, &whole) != OK)
        return; /* such a table stops the server's start */
    r->in = route_inputs(a, &whole, &r->in_n);
    static const char *const rights[] = { "",       "anyone",    "signed link",
                                          "viewer", "annotator", "member",
                                          "admin",  "owner",     "deployment login or member" };
    char *method = arena_str(a, r->method);
    for (char *p = method; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    /* OpenAPI has no place for other methods than its own: XGET goes under an extension key. */
    out_object(o, strcmp(r->method, "XGET") == 0 ? "x-xget" : method);
    out_text(o, "summary", r->says ? r->says : of->name);
    out_raw(o, "tags", arena_fmt(a, "[\"%s\"]", of->name));
    out_text(o, "x-right", rights[r->need]);
    if (r->need == MAY_ANYONE || r->need == MAY_SIGNED)
        out_raw(o, "security", "[]");
    what_it_is_on(o, r);
    what_it_keeps(o, r);
    what_it_starts(c, o, r);
    parameters(a, o, r);
    if (!in_query(r) && r->in_n) {
        out_object(o, "requestBody");
        out_object(o, "content");
        out_object(o, "application/json");
        body_of(o, r);
        out_end_object(o);
        out_end_object(o);
        out_end_object(o);
    }
    responses(c, o, r);
    out_end_object(o);
}

/* Is this the first route of its path? The others are printed with it. */
static bool first_of_path(const struct resource *const *resource, size_t route)
{
    const char *path = (*resource)->routes[route].path;
    for (const struct resource *const *r = resources; *r; r++)
        for (size_t i = 0; i < (*r)->n_routes; i++) {
            if (r == resource && i == route)
                return true;
            if (strcmp((*r)->routes[i].path, path) == 0)
                return false;
        }
    return true;
}

static void paths(struct arena *a, struct components *c, struct out *o)
{
    out_object(o, "paths");
    for (const struct resource *const *r = resources; *r; r++)
        for (size_t i = 0; i < (*r)->n_routes; i++) {
            if (!first_of_path(r, i))
                continue;
            const char *path = (*r)->routes[i].path;
            out_object(o, path);
            for (const struct resource *const *r2 = resources; *r2; r2++)
                for (size_t k = 0; k < (*r2)->n_routes; k++)
                    if (strcmp((*r2)->routes[k].path, path) == 0)
                        operation(a, c, o, *r2, &(*r2)->routes[k]);
            out_end_object(o);
        }
    out_end_object(o);
}

void openapi_write(struct arena *a, struct out *o, const char *version)
{
    struct components *c = arena_take(a, sizeof *c);
    collect_all(c);
    out_object(o, NULL);
    out_text(o, "openapi", "3.1.0");
    out_object(o, "info");
    out_text(o, "title", "Saccade");
    out_text(o, "version", version);
    out_end_object(o);
    out_raw(o, "security", "[{\"token\":[]}]");
    out_object(o, "components");
    out_raw(o, "securitySchemes", "{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\"}}");
    out_object(o, "schemas");
    for (size_t i = 0; i < c->n; i++)
        component(c, o, c->name[i], c->all[i]);
    out_raw(o, "Error",
            "{\"type\":\"object\",\"properties\":{\"message\":{\"type\":\"string\"},\"detail\":{\"type\":\"string\"},\"error\":{"
            "\"type\":\"string\"}},"
            "\"required\":[\"message\"]}");
    out_end_object(o);
    out_end_object(o);
    paths(a, c, o);
    out_end_object(o);
}

static enum err print(struct op *op)
{
    openapi_write(op->arena, &op->out, op->services->version);
    return OK;
}

static const struct route routes[] = {
    { "GET", "/api/openapi.json", print, MAY_ANYONE, WORK_FREE, "this description", .answers = &free_answer },
};

const struct resource openapi_resource = { .name = "description", .routes = routes, .n_routes = COUNT_OF(routes) };
