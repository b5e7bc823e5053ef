/* Tags of datasets, versions, models and deployments: it names the target in the path, and lists without a page. */
#include "app/datalake/datalake.h"
#include "app/sdk/sdk.h"
#include <string.h>

/* The body with the word of the path: "/sdk/organization/{id}/MODEL/tags". */
static enum err with_target(struct op *op)
{
    AUTO(out) struct out body = { 0 };
    const char *word = op->route->path + strlen("/sdk/organization/{id}/");
    out_init(&body, 1 << 12);
    out_object(&body, NULL);
    if (in_text(op, "name"))
        out_text(&body, "name", in_text(op, "name"));
    out_text(&body, "target_type", arena_copy(op->arena, word, strcspn(word, "/")));
    out_end_object(&body);
    return run_as(op, &body);
}

static enum err list(struct op *op)
{
    const struct json *page;
    TRY(with_target(op));
    TRY(answered(op, &page));
    out_json(&op->out, NULL, json_get(page, "items"));
    return OK;
}

static const struct field name_in[] = { { "name", T_TEXT, F_NEED, .min = 1, .max = 100 } };
static const struct field none_in[] = { { "q", T_TEXT, .max = 4000 } };

#define TAGS_OF(target)                                                                                                            \
    { "GET",                                                                                                                       \
      "/sdk/organization/{id}/" target "/tags",                                                                                    \
      list,                                                                                                                        \
      .as = "/api/organization/{id}/tags",                                                                                         \
      .in = none_in,                                                                                                               \
      .in_n = 1,                                                                                                                   \
      .answers = &tag_resource,                                                                                                    \
      .gives = GIVES_ROWS },                                                                                                       \
        { "POST",   "/sdk/organization/{id}/" target "/tags", with_target, .as = "/api/organization/{id}/tags", .in = name_in,     \
          .in_n = 1 },                                                                                                             \
    {                                                                                                                              \
        "GET", "/sdk/organization/{id}/" target "/tags/find", with_target, .as = "/api/organization/{id}/tags/find",               \
                                                                           .in = name_in, .in_n = 1                                \
    }

static const struct route routes[] = { TAGS_OF("DATASET"), TAGS_OF("DATASET_VERSION"), TAGS_OF("MODEL"), TAGS_OF("MODEL_VERSION"),
                                       TAGS_OF("DEPLOYMENT") };

const struct resource sdk_tag_resource = { .name = "client 6.1.2", .routes = routes, .n_routes = COUNT_OF(routes) };
