/* What it knows and this server does not have: an answer that says so. */
#include "app/project/project.h"
#include "app/sdk/sdk.h"

static enum err no_scans(struct op *op)
{
    (void)op;
    return fail(E_NOT_FOUND,
                "there are no scans (searches for hyperparameters) here: make an experiment for each set of parameters");
}

#define NONE .on = &project_resource, .gives = GIVES_NOTHING

static const struct route routes[] = {
    { "GET", "/sdk/project/{id}/scans", no_scans, MAY_READ, WORK_READ, "not here: there are no scans", NONE },
    { "GET", "/sdk/project/{id}/scans/find", no_scans, MAY_READ, WORK_READ, "not here: there are no scans", NONE },
    { "POST", "/sdk/project/{id}/scans", no_scans, MAY_WRITE, WORK_READ, "not here: there are no scans", NONE },
};

const struct resource sdk_gone_resource = { .name = "client 6.1.2", .routes = routes, .n_routes = COUNT_OF(routes) };
