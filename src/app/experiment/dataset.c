/* Dataset versions attached to an experiment under aliases: train, test, eval … */
#include "app/dataset/dataset.h"
#include "app/experiment/experiment.h"
#include "app/project/project.h"
#include "base/clock.h"

static const char table[] =
    "CREATE TABLE experiment_dataset (experiment_id TEXT NOT NULL REFERENCES experiment(id) ON DELETE CASCADE, name TEXT NOT NULL,"
    " dataset_version_id TEXT NOT NULL REFERENCES dataset_version(id) ON DELETE CASCADE, created_at INTEGER NOT NULL,"
    " PRIMARY KEY (experiment_id, name)) STRICT, WITHOUT ROWID";

static const struct field fields[] = {
    { "name", T_TEXT, F_SORT | F_FILTER | F_NEW | F_NEED, "d.name", .min = 1, .max = 100 },
    { "dataset_version", T_ONE, 0, "d.dataset_version_id", .of = &dataset_version_short },
};

#define ATTACHED                                                                                                                   \
    "EXISTS (SELECT 1 FROM experiment_dataset d WHERE d.experiment_id = e.id AND d.dataset_version_id IN " VERSIONS_OF_1 ")"
const struct version_user experiment_uses_versions = {
    "experiment", "SELECT e.id, e.name FROM experiment e WHERE " ATTACHED " ORDER BY e.name",
    .now =
        "SELECT e.id, e.name FROM job j JOIN experiment e ON e.job_id = j.id WHERE j.status IN ('PENDING', 'RUNNING') AND " ATTACHED
        " ORDER BY e.name"
};

enum err experiment_attach(struct sql *db, const char *experiment_id, const char *alias, const char *dataset_version_id)
{
    enum err e = sql_run(db,
                         "INSERT INTO experiment_dataset (experiment_id, name, dataset_version_id, created_at)"
                         " VALUES (?1, ?2, ?3, ?4)",
                         V(experiment_id), V(alias), V(dataset_version_id), V(clock_now_ms()));
    if (e == E_CONFLICT)
        return fail(E_CONFLICT, "a dataset version is attached as \"%s\" already", alias);
    TRY(e);
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(db, &r, "SELECT project_id FROM experiment WHERE id = ?1", V(experiment_id)));
    TRY(experiment_keep_sources(db, experiment_id));
    return project_attach(db, rows_text(r, 0), dataset_version_id);
}

static enum err list(struct op *op)
{
    return reply_list(op, &experiment_dataset_resource, "d.experiment_id = ?1", V(op->id));
}

static enum err find(struct op *op)
{
    const char *name = in_text(op, "name");
    return reply_find(op, &experiment_dataset_resource, arena_fmt(op->arena, "no dataset version is attached as \"%s\"", name),
                      "d.experiment_id = ?1 AND d.name = ?2", V(op->id), V(name));
}

static enum err attach(struct op *op)
{
    const char *version = in_text(op, "dataset_version_id"), *name = in_text(op, "name");
    TRY(resource_need(op, &dataset_version_resource, version));
    TRY(experiment_attach(op->db, op->id, name, version));
    op->status = 201;
    return reply_find(op, &experiment_dataset_resource, "it is gone", "d.experiment_id = ?1 AND d.name = ?2", V(op->id), V(name));
}

static enum err detach(struct op *op)
{
    struct value ids;
    TRY(in_ids(op, "ids", &ids));
    TRY(experiment_drop_sources(op->db, op->id, ids));
    return sql_run(op->db, "DELETE FROM experiment_dataset WHERE experiment_id = ?1 AND dataset_version_id IN " LISTED("?2"),
                   V(op->id), V(ids));
}

static const struct field name_in[] = { { "name", T_TEXT, F_NEED, .max = 200 } };
static const struct field version_in[] = { { "dataset_version_id", T_ID, F_NEED } };
static const struct field ids_in[] = { { "ids", T_IDS, F_NEED } };

static const struct route routes[] = {
    { "GET", "/api/experiment/{id}/datasets", list, MAY_READ, WORK_READ, "the dataset versions of an experiment by alias", NULL, 0,
      &experiment_dataset_resource, .on = &experiment_resource, .gives = GIVES_PAGE },
    { "GET", "/api/experiment/{id}/datasets/find", find, MAY_READ, WORK_READ, "the dataset version of an alias", FIELDS(name_in),
      &experiment_dataset_resource, .on = &experiment_resource },
    { "POST", "/api/experiment/{id}/datasets", attach, MAY_WRITE, WORK_WRITE, "attaches a dataset version under an alias",
      FIELDS(version_in), MAKES(&experiment_dataset_resource), .on = &experiment_resource },
    { "DELETE", "/api/experiment/{id}/datasets", detach, MAY_WRITE, WORK_WRITE, "detaches dataset versions", FIELDS(ids_in),
      .on = &experiment_resource, .gives = GIVES_NOTHING },
};

const struct resource experiment_dataset_resource = {
    .name = "attached dataset version",
    .table = table,
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "experiment_dataset d JOIN experiment e ON e.id = d.experiment_id JOIN project p ON p.id = e.project_id",
    .key = "d.name",
    .org = "p.org",
    .root = "p.id",
    .order = "d.created_at, d.name",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
