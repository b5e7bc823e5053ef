/* GET /api/openapi.json: the API's description, printed from the tables that also run it (OpenAPI 3.1). What an answer holds is a
 * component, made of the rows that write it; the pages' types are made from those (tools/types). */
#include "api/openapi.h"
#include <string.h>

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
                        operation_write(a, c, o, *r2, &(*r2)->routes[k]);
            out_end_object(o);
        }
    out_end_object(o);
}

void openapi_write(struct arena *a, struct out *o, const char *version)
{
    struct components *c = components_new(a);
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
    components_write(c, o);
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
