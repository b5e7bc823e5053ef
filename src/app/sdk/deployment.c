/* Pipelines that it sets up by one call each, and the switch of a deployment. */
#include "app/deployment/deployment.h"
#include "app/sdk/sdk.h"
#include <string.h>

enum { BODY = 1 << 20 };

/* Runs another route of the deployment, drops its answer, and comes back to the body that was sent. */
static enum err also(struct op *op, const char *method, const char *path, const struct out *body)
{
    const struct json *mine = op->body, *was = NULL;
    TRY(run_route(op, method, path, body));
    op->body = mine;
    return answered(op, &was);
}

static enum err with_version(struct op *op, const char *path, const char *name)
{
    AUTO(out) struct out body = { 0 };
    out_init(&body, 1 << 12);
    out_object(&body, NULL);
    out_text(&body, "dataset_version_id", in_text(op, "dataset_version_id"));
    if (name)
        out_text(&body, "name", name);
    out_end_object(&body);
    return also(op, "POST", path, &body);
}

/* The versions that the path lists, without the one that was sent, are detached; *ret: that one is there already. */
static enum err detach_others(struct op *op, const char *path, bool *ret)
{
    AUTO(out) struct out body = { 0 };
    const struct json *mine = op->body, *page;
    const char *wanted = in_text(op, "dataset_version_id");
    TRY(run_route(op, "GET", path, NULL));
    TRY(answered(op, &page));
    const struct json *items = json_get(page, "items");
    size_t others = 0;
    *ret = false;
    out_init(&body, BODY);
    out_object(&body, NULL);
    out_array(&body, "ids");
    for (size_t i = 0; i < json_count(items); i++) {
        const char *id = json_text(json_get(json_get(json_at(items, i), "dataset_version"), "id"));
        *ret |= strcmp(id, wanted) == 0;
        others += strcmp(id, wanted) != 0;
        if (strcmp(id, wanted) != 0)
            out_text(&body, NULL, id);
    }
    out_end_array(&body);
    out_end_object(&body);
    if (others)
        TRY(also(op, "DELETE", path, &body));
    op->body = mine;
    return OK;
}

/* One dataset version is named, whatever was set before. */
static enum err only_version(struct op *op, const char *path, const char *name)
{
    bool there;
    TRY(detach_others(op, path, &there));
    return there ? OK : with_version(op, path, name);
}

static enum err setup_feedback(struct op *op)
{
    TRY(also(op, "POST", "/api/deployment/{id}/pipeline/fl/setup", NULL));
    TRY(only_version(op, "/api/deployment/{id}/fl/datasets", NULL));
    return reply_one(op, &deployment_resource, op->id);
}

/* Trainings start from the champion: another model that is named would be passed over in silence. */
static enum err check_model(struct op *op)
{
    const char *model = in_text(op, "model_version_id");
    int64_t same = 0;
    TRY(sql_int(op->db, &same, "SELECT count(*) FROM deployment d WHERE d.id = ?1 AND d.model_version_id = ?2", V(op->id),
                V(model)));
    return same || !model ? OK : fail(E_UNMEANT, "model_version_id: trainings start from the deployment's own model");
}

static enum err setup_training(struct op *op)
{
    TRY(check_model(op));
    if (in_has(op, "scan_config"))
        return fail(E_INVALID, "scan_config: scans are not run here; send experiment_parameters");
    TRY(only_version(op, "/api/deployment/{id}/ct/datasets", "train"));
    return run_as(op, NULL);
}

static enum err update(struct op *op)
{
    bool more = in_has(op, "name") || in_has(op, "min_threshold") || in_has(op, "target_datalake_id");
    if (in_has(op, "active"))
        TRY(also(op, "POST", in_bool(op, "active", true) ? "/api/deployment/{id}/resume" : "/api/deployment/{id}/pause", NULL));
    op->status = 200;
    return more || !in_has(op, "active") ? run_as(op, NULL) : reply_one(op, &deployment_resource, op->id);
}

static const struct field version_in[] = { { "dataset_version_id", T_ID, F_NEED } };
static const struct field training_in[] = {
    { "project_id", T_ID, F_NEED },       { "dataset_version_id", T_ID, F_NEED },
    { "model_version_id", T_ID, F_NULL }, { "trigger", T_TEXT, F_NULL },
    { "threshold", T_INT, F_NULL },       { "training_type", T_TEXT, F_NULL },
    { "scan_config", T_OBJECT, F_NULL },  { "experiment_parameters", T_OBJECT, F_NULL },
};
static const struct field update_in[] = {
    { "name", T_TEXT, F_NULL, .max = 200 },
    { "active", T_BOOL, F_NULL },
    { "min_threshold", T_NUMBER, F_NULL },
    { "target_datalake_id", T_ID, F_NULL },
};

#define IN(fields_) .in = fields_, .in_n = COUNT_OF(fields_)

static const struct route routes[] = {
    { "POST", "/sdk/deployment/{id}/pipeline/fl", setup_feedback, MAY_WRITE, WORK_WRITE, "sets the feedback loop up",
      FIELDS(version_in), .answers = &deployment_resource, .on = &deployment_resource },
    { "POST", "/sdk/deployment/{id}/pipeline/ct", setup_training, .as = "/api/deployment/{id}/pipeline/ct", IN(training_in) },
    { "PATCH", "/sdk/deployment/{id}", update, .as = "/api/deployment/{id}", IN(update_in) },
};

const struct resource sdk_deployment_resource = { .name = "client 6.1.2", .routes = routes, .n_routes = COUNT_OF(routes) };
