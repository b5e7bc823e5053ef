/* A change of an experiment may also name what it is based on: calls of their own here. */
#include "app/experiment/experiment.h"
#include "app/sdk/sdk.h"

/* `name` of the body sent to that route under another name, if it was sent. */
static enum err based_on(struct op *op, const char *name, const char *path, const char *called)
{
    AUTO(out) struct out body = { 0 };
    const struct json *mine = op->body, *was;
    if (!in_has(op, name))
        return OK;
    out_init(&body, 1 << 12);
    out_object(&body, NULL);
    out_text(&body, called, in_text(op, name));
    out_end_object(&body);
    TRY(run_route(op, "POST", path, &body));
    op->body = mine;
    return answered(op, &was);
}

static enum err update(struct op *op)
{
    TRY(based_on(op, "base_model_id", "/api/experiment/{id}/model", "model_version_id"));
    TRY(based_on(op, "base_experiment_id", "/api/experiment/{id}/experiment", "base_experiment_id"));
    op->status = 200;
    bool more = in_has(op, "name") || in_has(op, "description") || in_has(op, "status");
    bool based = in_has(op, "base_model_id") || in_has(op, "base_experiment_id");
    return more || !based ? run_as(op, NULL) : reply_one(op, &experiment_resource, op->id);
}

static const struct field in[] = {
    { "name", T_TEXT, F_NULL, .max = 200 }, { "description", T_TEXT, F_NULL, .max = 10000 },
    { "status", T_TEXT, F_NULL },           { "base_experiment_id", T_ID, F_NULL },
    { "base_model_id", T_ID, F_NULL },
};

static const struct route routes[] = {
    { "PATCH", "/sdk/experiment/{id}", update, .as = "/api/experiment/{id}", .in = in, .in_n = COUNT_OF(in) },
};

const struct resource sdk_experiment_resource = { .name = "client 6.1.2", .routes = routes, .n_routes = COUNT_OF(routes) };
