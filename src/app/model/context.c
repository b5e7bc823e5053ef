/* What a model version was made from. Kept as it was then: dataset versions that changed or went later do not change it. */
#include "app/dataset/dataset.h"
#include "app/model/model.h"

static const char table[] =
    "CREATE TABLE model_context (id TEXT PRIMARY KEY, model_version_id TEXT NOT NULL UNIQUE REFERENCES model_version(id)"
    " ON DELETE CASCADE, experiment_id TEXT REFERENCES experiment(id) ON DELETE SET NULL, experiment_name TEXT, datas TEXT NOT "
    "NULL,"
    " parameters TEXT NOT NULL) STRICT";

static const struct field fields[] = {
    { "id", T_ID, 0, "c.id" },
    { "experiment_id", T_ID, F_NULL, "c.experiment_id" },
    { "experiment_name", T_TEXT, F_NULL, "c.experiment_name" },
    { "datas", T_ARRAY, 0, "c.datas" },
    { "parameters", T_OBJECT, 0, "c.parameters" },
    { "model_version_id", T_ID, 0, "c.model_version_id" },
};
#define FROM "model_context c JOIN model_version v ON v.id = c.model_version_id JOIN model m ON m.id = v.model_id"

/* The lineage names versions by their ids. */
const struct version_user model_uses_versions = { "model version",
                                                  "SELECT v.id, m.name || ' / ' || v.version FROM " FROM
                                                  " WHERE EXISTS (SELECT 1 FROM dataset_version x WHERE x.id"
                                                  " IN " VERSIONS_OF_1
                                                  " AND lower(c.datas) LIKE '%' || x.id || '%') ORDER BY m.name, v.version" };

static enum err get(struct op *op)
{
    return reply_one(op, &model_context_resource, op->id);
}

static enum err of_version(struct op *op)
{
    return reply_find(op, &model_context_resource, "the model version has no context", "c.model_version_id = ?1", V(op->id));
}

static const struct route routes[] = {
    { "GET", "/api/model/context/{id}", get, MAY_READ, WORK_READ, "a model context", NULL, 0, &model_context_resource,
      .on = &model_context_resource },
    { "GET", "/api/model/version/{id}/context", of_version, MAY_READ, WORK_READ, "what a model version was made from", NULL, 0,
      &model_context_resource, .on = &model_version_resource },
    { "GET", "/api/model/version/{id}/public/context", of_version, MAY_READ, WORK_READ, "the same for the hub's versions", NULL, 0,
      &model_context_resource, .on = &model_version_resource },
};

const struct resource model_context_resource = {
    .name = "model context",
    .table = table,
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = FROM,
    .key = "c.id",
    .org = "m.org",
    .root = "m.id",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
