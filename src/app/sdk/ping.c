/* It warns its user unless its own version is named. */
#include "app/sdk/sdk.h"
#include <string.h>

static enum err ping(struct op *op)
{
    const struct json *a;
    TRY(run_as(op, NULL));
    TRY(answered(op, &a));
    out_object(&op->out, NULL);
    for (struct json_member m = json_first(a); m.key; m = json_next(a, m))
        if (strcmp(m.key, "sdk_version") == 0)
            out_text(&op->out, m.key, "6.1.2");
        else
            out_json(&op->out, m.key, m.value);
    out_end_object(&op->out);
    return OK;
}

static const struct route routes[] = { { "GET", "/sdk/home/ping", ping, .as = "/api/home/ping" } };

const struct resource sdk_ping_resource = { .name = "client 6.1.2", .routes = routes, .n_routes = COUNT_OF(routes) };
