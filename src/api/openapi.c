/* GET /api/openapi.json: the API's description, printed from the tables that also run it (OpenAPI 3.1). */
#include "api/dispatch.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

static void schema_of(struct out *o, const char *key, const struct field *f)
{
    out_object(o, key);
    switch (f->type) {
    case T_ID:
        out_text(o, "type", "string");
        out_text(o, "format", "uuid");
        break;
    case T_LINK:
    case T_HERE:
        out_text(o, "type", "string");
        out_text(o, "format", "uri");
        break;
    case T_TEXT:
        out_text(o, "type", "string");
        if (f->max > 0 && !f->words)
            out_int(o, "maxLength", (int64_t)f->max);
        break;
    case T_TIME:
        out_text(o, "type", "string");
        out_text(o, "format", "date-time");
        break;
    case T_INT: out_text(o, "type", "integer"); break;
    case T_NUMBER: out_text(o, "type", "number"); break;
    case T_BOOL: out_text(o, "type", "boolean"); break;
    case T_LINKED:
    case T_PART:
    case T_ONE:
    case T_COLUMNS:
    case T_OBJECT: out_text(o, "type", "object"); break;
    case T_TUPLE:
    case T_MANY:
    case T_ARRAY:
    case T_IDS:
    case T_TEXTS: out_text(o, "type", "array"); break;
    case T_JSON: break;
    }
    if (f->words) {
        out_array(o, "enum");
        for (const char *const *w = f->words; *w; w++)
            out_text(o, NULL, *w);
        out_end_array(o);
    }
    out_end_object(o);
}

static void object_of(struct out *o, const struct field *fields, size_t n, bool answer)
{
    out_text(o, "type", "object");
    out_object(o, "properties");
    for (size_t i = 0; i < n; i++)
        if (!answer || (!fields[i].many && !(fields[i].flags & F_HIDE)))
            schema_of(o, fields[i].name, &fields[i]);
    out_end_object(o);
    out_array(o, "required");
    for (size_t i = 0; i < n; i++)
        if (!answer && fields[i].flags & F_NEED)
            out_text(o, NULL, fields[i].name);
    out_end_array(o);
}

static void parameters(struct op *op, struct out *o, const struct route *r)
{
    out_array(o, "parameters");
    for (const char *p = strchr(r->path, '{'); p; p = strchr(p + 1, '{')) {
        size_t n = strcspn(p + 1, "*}");
        out_object(o, NULL);
        out_text(o, "name", arena_copy(op->arena, p + 1, n));
        out_text(o, "in", "path");
        out_bool(o, "required", true);
        out_raw(o, "schema", "{\"type\":\"string\"}");
        out_end_object(o);
    }
    for (size_t i = 0; strcmp(r->method, "GET") == 0 && i < r->in_n; i++) {
        out_object(o, NULL);
        out_text(o, "name", r->in[i].name);
        out_text(o, "in", "query");
        out_bool(o, "required", r->in[i].flags & F_NEED);
        schema_of(o, "schema", &r->in[i]);
        out_end_object(o);
    }
    out_end_array(o);
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

static void operation(struct op *op, struct out *o, const struct resource *of, const struct route *r)
{
    static const char *const rights[] = { "",       "anyone",    "signed link",
                                          "viewer", "annotator", "member",
                                          "admin",  "owner",     "deployment login or member" };
    char *method = arena_str(op->arena, r->method);
    for (char *p = method; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    /* OpenAPI has no place for other methods than its own: XGET goes under an extension key. */
    out_object(o, strcmp(r->method, "XGET") == 0 ? "x-xget" : method);
    out_text(o, "summary", r->says ? r->says : of->name);
    out_raw(o, "tags", arena_fmt(op->arena, "[\"%s\"]", of->name));
    out_text(o, "x-right", rights[r->need]);
    what_it_is_on(o, r);
    parameters(op, o, r);
    if (strcmp(r->method, "GET") != 0 && r->in_n) {
        out_object(o, "requestBody");
        out_object(o, "content");
        out_object(o, "application/json");
        if (strcmp(r->in[0].name, "*") == 0) {
            schema_of(o, "schema", &r->in[0]);
        } else {
            out_object(o, "schema");
            object_of(o, r->in, r->in_n, false);
            out_end_object(o);
        }
        out_end_object(o);
        out_end_object(o);
        out_end_object(o);
    }
    out_object(o, "responses");
    out_object(o, "default");
    out_text(o, "description", r->answers ? r->answers->name : "JSON; errors are {message, detail}");
    if (r->answers) {
        out_object(o, "content");
        out_object(o, "application/json");
        out_object(o, "schema");
        object_of(o, r->answers->fields, r->answers->n_fields, true);
        out_end_object(o);
        out_end_object(o);
        out_end_object(o);
    }
    out_end_object(o);
    out_end_object(o);
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

static enum err print(struct op *op)
{
    struct out *o = &op->out;
    out_object(o, NULL);
    out_text(o, "openapi", "3.1.0");
    out_object(o, "info");
    out_text(o, "title", "Saccade");
    out_text(o, "version", op->services->version);
    out_end_object(o);
    out_raw(o, "security", "[{\"token\":[]}]");
    out_raw(o, "components", "{\"securitySchemes\":{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\"}}}");
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
                        operation(op, o, *r2, &(*r2)->routes[k]);
            out_end_object(o);
        }
    out_end_object(o);
    out_end_object(o);
    return OK;
}

static const struct route routes[] = {
    { "GET", "/api/openapi.json", print, MAY_ANYONE, WORK_FREE, "this description" },
};

const struct resource openapi_resource = { .name = "description", .routes = routes, .n_routes = COUNT_OF(routes) };
