/* Versions of models: other words for the same members. */
#include "app/dataset/dataset.h"
#include "app/sdk/sdk.h"
#include <string.h>

enum { BODY = 1 << 20 };

static const char *const words[][2] = { { "docker_image_name", "docker_image" },
                                        { "thumb_object_name", "thumbnail_object_name" },
                                        { "base_parameters", "parameters" } };

static const char *todays(const char *word)
{
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strcmp(words[i][0], word) == 0)
            return words[i][1];
    return word;
}

static enum err renamed(struct op *op)
{
    AUTO(out) struct out body = { 0 };
    out_init(&body, BODY);
    out_object(&body, NULL);
    for (size_t i = 0; i < op->route->in_n; i++)
        if (in_has(op, op->route->in[i].name))
            out_json(&body, todays(op->route->in[i].name), in_json(op, op->route->in[i].name));
    out_end_object(&body);
    return run_as(op, &body);
}

static const struct field in[] = {
    { "docker_image_name", T_TEXT, F_NULL, .max = 500 },
    { "docker_flags", T_ARRAY, F_NULL, .max = 100 },
    { "thumb_object_name", T_TEXT, F_NULL },
    { "notebook_link", T_TEXT, F_NULL },
    { "labels", T_OBJECT, F_NULL },
    { "base_parameters", T_OBJECT, F_NULL },
};

static const struct route routes[] = {
    { "POST", "/sdk/model/{id}/versions", renamed, .as = "/api/model/{id}/versions", .in = in, .in_n = COUNT_OF(in) },
    { "PATCH", "/sdk/model/version/{id}", renamed, .as = "/api/model/version/{id}", .in = in, .in_n = COUNT_OF(in) },
};

const struct resource sdk_model_resource = { .name = "client 6.1.2", .routes = routes, .n_routes = COUNT_OF(routes) };
