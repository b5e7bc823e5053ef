/* The feedback loop: which dataset versions reviewed predictions become annotated assets of (feedback_submit.c). */
#include "app/dataset/dataset.h"
#include "app/deployment/candidate.h"
#include "base/clock.h"
#include <string.h>

static const struct field dataset_fields[] = {
    { "dataset_version", T_ONE, 0, "f.dataset_version_id", .of = &dataset_version_short },
};
static const struct resource fl_dataset = {
    .name = "feedback dataset version",
    .fields = dataset_fields,
    .n_fields = COUNT_OF(dataset_fields),
    .from = "fl_dataset f JOIN deployment o ON o.id = f.deployment_id",
    .key = "f.dataset_version_id",
    .org = "o.org",
    .root = "o.id",
    .order = "f.created_at, f.dataset_version_id",
};

const struct version_user feedback_uses_versions = {
    "feedback loop", "SELECT o.id, o.name FROM deployment o WHERE EXISTS (SELECT 1 FROM fl_dataset f WHERE f.deployment_id = o.id"
                     " AND f.dataset_version_id IN " VERSIONS_OF_1 ") ORDER BY o.name"
};

/* ---- the pipeline */

static enum err change(struct op *op, const char *id)
{
    TRY(deployment_tell(op->db, op->arena, id, "{\"kind\":\"pipeline\"}"));
    return reply_one(op, &deployment_resource, id);
}

static enum err setup(struct op *op)
{
    TRY(sql_run(op->db, "UPDATE pipeline SET fl_set = 1, fl_active = 1 WHERE deployment_id = ?1", V(op->id)));
    return change(op, op->id);
}

static enum err toggle(struct op *op)
{
    TRY(sql_run(op->db, "UPDATE pipeline SET fl_active = ?2 WHERE deployment_id = ?1 AND fl_set <> 0", V(op->id),
                V(in_bool(op, "active", false))));
    if (!sql_changes(op->db))
        return fail(E_CONFLICT, "set the feedback loop up first");
    return change(op, op->id);
}

static enum err attach(struct op *op)
{
    const char *version = in_text(op, "dataset_version_id"), *tested_on;
    TRY(resource_need_to_change(op, &dataset_version_resource, version));
    TRY(tested_with(op->db, op->arena, op->id, &tested_on));
    if (tested_on && strcmp(tested_on, version) == 0)
        return fail(E_CONFLICT, "the models of this deployment are tested on this version: they must not learn from it");
    enum err e = sql_run(op->db, "INSERT INTO fl_dataset (deployment_id, dataset_version_id, created_at) VALUES (?1, ?2, ?3)",
                         V(op->id), V(version), V(clock_now_ms()));
    if (e == E_CONFLICT)
        return fail(E_CONFLICT, "the dataset version is attached already");
    TRY(e);
    return change(op, op->id);
}

static enum err detach(struct op *op)
{
    struct value ids;
    TRY(in_ids(op, "ids", &ids));
    TRY(sql_run(op->db, "DELETE FROM fl_dataset WHERE deployment_id = ?1 AND dataset_version_id IN " LISTED("?2"), V(op->id),
                V(ids)));
    return change(op, op->id);
}

static enum err list(struct op *op)
{
    return reply_list(op, &fl_dataset, "f.deployment_id = ?1", V(op->id));
}

static const struct field active_in[] = { { "active", T_BOOL, F_NEED } };
static const struct field version_in[] = { { "dataset_version_id", T_ID, F_NEED } };
static const struct field ids_in[] = { { "ids", T_IDS, F_NEED } };
static const struct route routes[] = {
    { "POST", "/api/deployment/{id}/pipeline/fl/setup", setup, MAY_WRITE, WORK_WRITE, "sets the feedback loop up",
      .on = &deployment_resource, .answers = &deployment_resource },
    { "PUT", "/api/deployment/{id}/pipeline/fl", toggle, MAY_WRITE, WORK_WRITE, "switches the feedback loop", FIELDS(active_in),
      .on = &deployment_resource, .answers = &deployment_resource },
    { "GET", "/api/deployment/{id}/fl/datasets", list, MAY_READ, WORK_READ, "the dataset versions that the feedback loop fills",
      .on = &deployment_resource, .answers = &fl_dataset, .gives = GIVES_PAGE },
    { "POST", "/api/deployment/{id}/fl/datasets", attach, MAY_WRITE, WORK_WRITE, "attaches one", FIELDS(version_in),
      .on = &deployment_resource, .answers = &deployment_resource },
    { "DELETE", "/api/deployment/{id}/fl/datasets", detach, MAY_WRITE, WORK_WRITE, "detaches some", FIELDS(ids_in),
      .on = &deployment_resource, .answers = &deployment_resource },
};

const struct resource feedback_resource = {
    .name = "feedback loop",
    .table = "CREATE TABLE fl_dataset (deployment_id TEXT NOT NULL REFERENCES deployment(id) ON DELETE CASCADE,"
             " dataset_version_id TEXT NOT NULL REFERENCES dataset_version(id) ON DELETE CASCADE, created_at INTEGER NOT NULL,"
             " PRIMARY KEY (deployment_id, dataset_version_id)) STRICT, WITHOUT ROWID",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
