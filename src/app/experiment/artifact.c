#include "app/experiment/experiment.h"
#include "app/model/model.h"
#include "base/clock.h"

static const char table[] =
    "CREATE TABLE artifact (id TEXT PRIMARY KEY, experiment_id TEXT NOT NULL REFERENCES experiment(id) ON DELETE CASCADE,"
    " name TEXT NOT NULL, filename TEXT NOT NULL, object_name TEXT NOT NULL, large INTEGER NOT NULL, created_at INTEGER NOT NULL,"
    " UNIQUE (experiment_id, name)) STRICT;" OBJECT_FREED_BY("artifact");

static const struct field fields[] = {
    { "id", T_ID, F_FILTER, "a.id" },
    { "name", T_TEXT, F_SORT | F_FILTER | F_NEW | F_NEED | F_EDIT, "a.name", .min = 1, .max = 200 },
    { "filename", T_TEXT, F_FILTER | F_NEW | F_NEED | F_EDIT, "a.filename", .min = 1, .max = 500 },
    { "object_name", T_TEXT, F_NEW | F_NEED | F_EDIT, "a.object_name", .min = 1 },
    { "large", T_BOOL, F_NEW | F_EDIT, "a.large" },
    { "size", T_INT, F_NULL, "(SELECT o.size FROM object o WHERE o.name = a.object_name)" },
    { "created_at", T_TIME, F_SORT, "a.created_at" },
    { "experiment_id", T_ID, 0, "a.experiment_id" },
    { "presigned_url", T_LINK, 0, "a.object_name" },
};

static enum err list(struct op *op)
{
    return reply_list(op, &artifact_resource, "a.experiment_id = ?1", V(op->id));
}

static enum err list_ids(struct op *op)
{
    const char **ids;
    size_t n;
    TRY(resource_ids(op, &artifact_resource, NULL, "a.experiment_id = ?1", VALUES(V(op->id)), &ids, &n));
    out_array(&op->out, NULL);
    for (size_t i = 0; i < n; i++)
        out_text(&op->out, NULL, ids[i]);
    out_end_array(&op->out);
    return OK;
}

static enum err find(struct op *op)
{
    const char *name = in_text(op, "name");
    return reply_find(op, &artifact_resource, arena_fmt(op->arena, "the experiment has no artifact \"%s\"", name),
                      "a.experiment_id = ?1 AND a.name = ?2", V(op->id), V(name));
}

/* The same name again replaces the file: a training that goes on after a stop stores its model anew. */
static enum err create(struct op *op)
{
    const char *name = in_text(op, "name");
    TRY(object_is_own(op, in_text(op, "object_name")));
    TRY(sql_run(op->db,
                "INSERT INTO artifact (id, experiment_id, name, filename, object_name, large, created_at)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (experiment_id, name) DO UPDATE SET filename = excluded.filename,"
                " object_name = excluded.object_name, large = excluded.large, created_at = excluded.created_at",
                V(id_new(op->arena)), V(op->id), V(name), V(in_text(op, "filename")), V(in_text(op, "object_name")),
                V(in_bool(op, "large", false)), V(clock_now_ms())));
    TRY(event_tell(op->db, &experiment_resource, op->id, arena_fmt(op->arena, "experiment:%s", op->id), "{\"kind\":\"artifact\"}"));
    op->status = 201;
    return reply_find(op, &artifact_resource, "the artifact is gone", "a.experiment_id = ?1 AND a.name = ?2", V(op->id), V(name));
}

static enum err delete_many(struct op *op)
{
    struct value ids;
    TRY(in_ids(op, "ids", &ids));
    return sql_run(op->db, "DELETE FROM artifact WHERE experiment_id = ?1 AND id IN " LISTED("?2"), V(op->id), V(ids));
}

static enum err get(struct op *op)
{
    return reply_one(op, &artifact_resource, op->id);
}

static enum err update(struct op *op)
{
    if (in_has(op, "object_name"))
        TRY(object_is_own(op, in_text(op, "object_name")));
    enum err e = resource_update(op, &artifact_resource, op->id);
    if (e == E_CONFLICT)
        return fail(E_CONFLICT, "the experiment has an artifact \"%s\" already", in_text(op, "name"));
    TRY(e);
    return reply_one(op, &artifact_resource, op->id);
}

static enum err delete (struct op *op) { return sql_run(op->db, "DELETE FROM artifact WHERE id = ?1", V(op->id)); }

static const struct field name_in[] = { { "name", T_TEXT, F_NEED, .max = 200 } };
static const struct field ids_in[] = { { "ids", T_IDS, F_NEED } };

static const struct route routes[] = {
    { "GET", "/api/experiment/{id}/artifacts", list, MAY_READ, WORK_READ, "the artifacts of an experiment", NULL, 0,
      &artifact_resource, .on = &experiment_resource, .gives = GIVES_PAGE },
    { "GET", "/api/experiment/{id}/artifacts/ids", list_ids, MAY_READ, WORK_READ, "the ids of an experiment's artifacts",
      .on = &experiment_resource, .answers = &id_answer, .gives = GIVES_ROWS },
    { "GET", "/api/experiment/{id}/artifacts/find", find, MAY_READ, WORK_READ, "an artifact by name", FIELDS(name_in),
      &artifact_resource, .on = &experiment_resource },
    { "POST", "/api/experiment/{id}/artifacts", create, MAY_WRITE, WORK_WRITE,
      "stores an uploaded file as an artifact, or replaces it", MAKES(&artifact_resource), .on = &experiment_resource },
    { "DELETE", "/api/experiment/{id}/artifacts", delete_many, MAY_WRITE, WORK_WRITE, "deletes artifacts", FIELDS(ids_in),
      .on = &experiment_resource, .gives = GIVES_NOTHING },
    { "GET", "/api/artifact/{id}", get, MAY_READ, WORK_READ, "an artifact", NULL, 0, &artifact_resource, .on = &artifact_resource },
    { "PATCH", "/api/artifact/{id}", update, MAY_WRITE, WORK_WRITE, "changes an artifact", CHANGES(&artifact_resource),
      .on = &artifact_resource },
    { "DELETE", "/api/artifact/{id}", delete, MAY_WRITE, WORK_WRITE, "deletes an artifact", .on = &artifact_resource,
      .gives = GIVES_NOTHING },
};

const struct resource artifact_resource = {
    .name = "artifact",
    .table = table,
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "artifact a JOIN experiment e ON e.id = a.experiment_id JOIN project p ON p.id = e.project_id",
    .key = "a.id",
    .org = "p.org",
    .root = "p.id",
    .order = "a.name",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
