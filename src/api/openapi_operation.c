/* Routes in the API's description: who may call them, with what, and what they answer. */
#include "api/openapi.h"
#include "job/job.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

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
            schema_type(o, r->fields[i].type, false);
            schema_words(o, &r->fields[i], false);
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
        schema_input(o, "schema", &r->in[i], false);
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
            schema_reference(c, o, "schema", r->answers, false);
            return;
        }
        out_object(o, "schema");
        out_array(o, "anyOf");
        schema_reference(c, o, NULL, r->answers, false);
        schema_reference(c, o, NULL, r->or_answers, false);
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
        schema_reference(c, o, "items", r->answers, false);
    } else if (r->gives == GIVES_AS_SENT) {
        out_array(o, "anyOf");
        schema_reference(c, o, NULL, r->answers, false);
        out_object(o, NULL);
        out_text(o, "type", "array");
        schema_reference(c, o, "items", r->answers, false);
        out_end_object(o);
        out_end_array(o);
    } else {
        out_text(o, "type", "object");
        out_object(o, "properties");
        out_object(o, "items");
        out_text(o, "type", "array");
        schema_reference(c, o, "items", r->answers, false);
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
    schema_reference(c, o, "result", r->ends_in, false);
    out_end_object(o);
}

void operation_write(struct arena *a, struct components *c, struct out *o, const struct resource *of, const struct route *row)
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
        schema_body(o, r);
        out_end_object(o);
        out_end_object(o);
        out_end_object(o);
    }
    responses(c, o, r);
    out_end_object(o);
}
