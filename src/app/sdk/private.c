/* "private": it asks whether all organizations see a thing. Here none but the hub's models are seen by all, so that only true can
 * be kept. */
#include "app/sdk/sdk.h"

static enum err kept_private(struct op *op)
{
    if (!in_bool(op, "private", true))
        return fail(E_INVALID,
                    "private must be true: what an organization makes is seen by its members and those it gives access to");
    return run_as(op, NULL);
}

#define DESCRIBED_IN                                                                                                               \
    { "name", T_TEXT, F_NULL, .max = 200 }, { "description", T_TEXT, F_NULL, .max = 5000 },                                        \
    {                                                                                                                              \
        "private", T_BOOL                                                                                                          \
    }
static const struct field in[] = { DESCRIBED_IN };
#define PRIVATE(method, path)                                                                                                      \
    {                                                                                                                              \
        method, "/sdk" path, kept_private, .as = "/api" path, .in = in, .in_n = COUNT_OF(in)                                       \
    }

static const struct route routes[] = {
    PRIVATE("POST", "/organization/{id}/datasets"), PRIVATE("PATCH", "/dataset/{id}"),
    PRIVATE("POST", "/organization/{id}/projects"), PRIVATE("PATCH", "/project/{id}"),
    PRIVATE("POST", "/organization/{id}/models"),   PRIVATE("PATCH", "/model/{id}"),
};

const struct resource sdk_private_resource = { .name = "client 6.1.2", .routes = routes, .n_routes = COUNT_OF(routes) };
