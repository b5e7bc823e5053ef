#include "app/project/project.h"
#include "app/account/account.h"
#include "app/dataset/dataset.h"
#include "app/model/model.h"
#include "base/clock.h"

static const char table[] =
    "CREATE TABLE project (id TEXT PRIMARY KEY, org TEXT NOT NULL REFERENCES organization(id), name TEXT NOT NULL,"
    " description TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, created_by TEXT, UNIQUE (org, name)) "
    "STRICT;"
    "CREATE TABLE project_dataset (project_id TEXT NOT NULL REFERENCES project(id) ON DELETE CASCADE,"
    " dataset_version_id TEXT NOT NULL REFERENCES dataset_version(id) ON DELETE CASCADE, created_at INTEGER NOT NULL,"
    " PRIMARY KEY (project_id, dataset_version_id)) STRICT, WITHOUT ROWID";

static const struct field fields[] = {
    { "id", T_ID, F_FILTER, "p.id" },
    { "name", T_TEXT, F_SORT | F_FILTER | F_NEW | F_NEED | F_EDIT, "p.name", .min = 1, .max = 200 },
    { "description", T_TEXT, F_FILTER | F_NEW | F_EDIT, "p.description", .max = 5000 },
    { "created_at", T_TIME, F_SORT | F_FILTER, "p.created_at" },
    { "updated_at", T_TIME, F_SORT, "p.updated_at" },
    { "created_by", T_TEXT, F_NULL, USER_NAME("p.created_by") },
    { "nb_experiments", T_INT, F_SORT, "(SELECT count(*) FROM experiment e WHERE e.project_id = p.id)" },
    { "nb_running", T_INT, 0, "(SELECT count(*) FROM experiment e WHERE e.project_id = p.id AND e.status = 'RUNNING')" },
    { "nb_datasets", T_INT, 0, "(SELECT count(*) FROM project_dataset d WHERE d.project_id = p.id)" },
};

const struct version_user project_uses_versions = {
    "project", "SELECT p.id, p.name FROM project p WHERE EXISTS (SELECT 1 FROM project_dataset d WHERE d.project_id = p.id"
               " AND d.dataset_version_id IN " VERSIONS_OF_1 ") ORDER BY p.name"
};

static enum err list(struct op *op)
{
    return reply_list(op, &project_resource, "1 = 1");
}

static enum err taken(struct op *op, enum err e)
{
    return e == E_CONFLICT ? fail(e, "there is a project \"%s\" already", in_text(op, "name")) : e;
}

static enum err create(struct op *op)
{
    const char *id;
    TRY(taken(op, resource_add(op, &project_resource, &id, { "created_by", V(op->user_id) })));
    op->status = 201;
    return reply_one(op, &project_resource, id);
}

static enum err find(struct op *op)
{
    if (in_has(op, "id"))
        return reply_one(op, &project_resource, in_text(op, "id"));
    const char *name = in_text(op, "name");
    if (!name)
        return fail(E_INVALID, "name or id is missing");
    return reply_find(op, &project_resource, arena_fmt(op->arena, "there is no project \"%s\"", name), "p.name = ?1", V(name));
}

static enum err get(struct op *op)
{
    return reply_one(op, &project_resource, op->id);
}

static enum err update(struct op *op)
{
    TRY(taken(op, resource_update(op, &project_resource, op->id)));
    return reply_one(op, &project_resource, op->id);
}

#define OF_EXPERIMENTS(table)                                                                                                      \
    {                                                                                                                              \
        table, "SELECT x.id FROM experiment e JOIN " table " x ON x.experiment_id = e.id WHERE e.project_id = ?1"                  \
    }
const struct removal project_removal = {
    .table = "project",
    .named = "name",
    .called = "SELECT name FROM project WHERE id = ?1",
    .hides = { "experiment", "SELECT id FROM experiment WHERE project_id = ?1" },
    .large = { OF_EXPERIMENTS("evaluation"),
               OF_EXPERIMENTS("log"),
               { "experiment", "SELECT id FROM experiment WHERE project_id = ?1" } },
};

static enum err delete (struct op *op) {
    int64_t busy = 0;
    TRY(sql_int(op->db, &busy,
                "SELECT count(*) FROM experiment WHERE project_id = ?1 AND job_id IN (SELECT id FROM job WHERE status IN"
                " ('PENDING', 'RUNNING'))",
                V(op->id)));
    if (busy) return fail(E_CONFLICT, "%lld of the project's experiments are being trained; cancel them first", (long long)busy);
    TRY(access_forget(op->db, op->id));
    return thing_remove(op, &project_removal, op->id);
}

/* ---- attached dataset versions */

static enum err list_datasets(struct op *op)
{
    return reply_list(op, &dataset_version_resource,
                      "v.id IN (SELECT d.dataset_version_id FROM project_dataset d WHERE d.project_id = ?1)", V(op->id));
}

enum err project_attach(struct sql *db, const char *project_id, const char *dataset_version_id)
{
    return sql_run(db,
                   "INSERT INTO project_dataset (project_id, dataset_version_id, created_at) VALUES (?1, ?2, ?3)"
                   " ON CONFLICT DO NOTHING",
                   V(project_id), V(dataset_version_id), V(clock_now_ms()));
}

enum err project_touch(struct sql *db, const char *project_id)
{
    return sql_run(db, "UPDATE project SET updated_at = ?2 WHERE id = ?1", V(project_id), V(clock_now_ms()));
}

static enum err attach(struct op *op)
{
    const char *version = in_text(op, "dataset_version_id");
    TRY(resource_need(op, &dataset_version_resource, version));
    TRY(project_attach(op->db, op->id, version));
    return reply_one(op, &project_resource, op->id);
}

static enum err detach(struct op *op)
{
    struct value ids;
    TRY(in_ids(op, "ids", &ids));
    TRY(sql_run(op->db, "DELETE FROM project_dataset WHERE project_id = ?1 AND dataset_version_id IN " LISTED("?2"), V(op->id),
                V(ids)));
    return reply_one(op, &project_resource, op->id);
}

static const struct field find_in[] = { { "id", T_ID }, { "name", T_TEXT, .max = 200 } };
static const struct field attach_in[] = { { "dataset_version_id", T_ID, F_NEED } };
static const struct field ids_in[] = { { "ids", T_IDS, F_NEED } };

static const struct route routes[] = {
    ACCESS_ROUTES("project", &project_resource),
    { "GET", "/api/organization/{id}/projects", list, MAY_READ, WORK_READ, "the organization's projects", NULL, 0,
      &project_resource, .on = &organization_resource, .gives = GIVES_PAGE },
    { "POST", "/api/organization/{id}/projects", create, MAY_WRITE, WORK_WRITE, "makes a project", MAKES(&project_resource),
      .on = &organization_resource },
    { "GET", "/api/organization/{id}/projects/find", find, MAY_READ, WORK_READ, "a project by name or id", FIELDS(find_in),
      &project_resource, .on = &organization_resource },
    { "GET", "/api/project/{id}", get, MAY_READ, WORK_READ, "a project", NULL, 0, &project_resource, .on = &project_resource },
    { "PATCH", "/api/project/{id}", update, MAY_WRITE, WORK_WRITE, "renames or describes a project", CHANGES(&project_resource),
      .on = &project_resource },
    { "DELETE", "/api/project/{id}", delete, MAY_WRITE, WORK_WRITE, "deletes a project with its experiments",
      .on = &project_resource, .gives = GIVES_NOTHING },
    { "GET", "/api/project/{id}/datasets", list_datasets, MAY_READ, WORK_READ, "the dataset versions attached to a project", NULL,
      0, &dataset_version_resource, .on = &project_resource, .gives = GIVES_PAGE },
    { "POST", "/api/project/{id}/datasets", attach, MAY_WRITE, WORK_WRITE, "attaches a dataset version", FIELDS(attach_in),
      .on = &project_resource, .answers = &project_resource },
    { "DELETE", "/api/project/{id}/datasets", detach, MAY_WRITE, WORK_WRITE, "detaches dataset versions", FIELDS(ids_in),
      .on = &project_resource, .answers = &project_resource },
};

const struct resource project_resource = {
    .name = "project",
    .table = table,
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "project p",
    .key = "p.id",
    .removal = &project_removal,
    .org = "p.org",
    .root = "p.id",
    .order = "p.created_at DESC, p.id DESC",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
