/* Files of a model version, and its context: what it was trained from. */
#include "app/datalake/datalake.h"
#include "app/model/model.h"
#include "base/clock.h"

static const char table[] =
    "CREATE TABLE model_file (id TEXT PRIMARY KEY, model_version_id TEXT NOT NULL REFERENCES model_version(id) ON DELETE CASCADE,"
    " name TEXT NOT NULL, filename TEXT NOT NULL, object_name TEXT NOT NULL, large INTEGER NOT NULL, created_at INTEGER NOT NULL,"
    " UNIQUE (model_version_id, name)) STRICT;" OBJECT_FREED_BY("model_file");

static const struct field fields[] = {
    { "id", T_ID, F_FILTER, "f.id" },
    { "name", T_TEXT, F_SORT | F_FILTER | F_NEW | F_NEED, "f.name", .min = 1, .max = 200 },
    { "filename", T_TEXT, F_FILTER | F_NEW | F_NEED, "f.filename", .min = 1, .max = 500 },
    { "object_name", T_TEXT, F_NEW | F_NEED, "f.object_name", .min = 1 },
    { "large", T_BOOL, F_NEW, "f.large" },
    { "size", T_INT, F_NULL, "(SELECT o.size FROM object o WHERE o.name = f.object_name)" },
    { "created_at", T_TIME, F_SORT, "f.created_at" },
    { "model_version_id", T_ID, 0, "f.model_version_id" },
    { "presigned_url", T_LINK, 0, "f.object_name" },
};
#define FROM "model_file f JOIN model_version v ON v.id = f.model_version_id JOIN model m ON m.id = v.model_id"

enum err model_file_add(struct sql *db, const char *model_version_id, const char *name, const char *filename,
                        const char *object_name, bool large)
{
    char id[ID_SIZE];
    id_make(id);
    enum err e =
        sql_run(db,
                "INSERT INTO model_file (id, model_version_id, name, filename, object_name, large, created_at)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                V((const char *)id), V(model_version_id), V(name), V(filename), V(object_name), V(large), V(clock_now_ms()));
    return e == E_CONFLICT ? fail(E_CONFLICT, "the model version has a file \"%s\" already", name) : e;
}

enum err object_is_own(struct op *op, const char *object_name)
{
    const char *hash;
    uint64_t size;
    enum err e = object_find(op->db, op->arena, op->org, object_name, &hash, &size);
    return e == E_NOT_FOUND ? fail(E_UNMEANT, "there is no uploaded object \"%.200s\"", object_name) : e;
}

static enum err list(struct op *op)
{
    return reply_list(op, &model_file_resource, "f.model_version_id = ?1", V(op->id));
}

static enum err find(struct op *op)
{
    const char *name = in_text(op, "name");
    const char *missing = arena_fmt(op->arena, "the model version has no file \"%s\"", name);
    return reply_find(op, &model_file_resource, missing, "f.model_version_id = ?1 AND f.name = ?2", V(op->id), V(name));
}

static enum err create(struct op *op)
{
    const char *name = in_text(op, "name");
    TRY(object_is_own(op, in_text(op, "object_name")));
    if (in_bool(op, "replace", false))
        TRY(sql_run(op->db, "DELETE FROM model_file WHERE model_version_id = ?1 AND name = ?2", V(op->id), V(name)));
    TRY(model_file_add(op->db, op->id, name, in_text(op, "filename"), in_text(op, "object_name"), in_bool(op, "large", false)));
    op->status = 201;
    return reply_find(op, &model_file_resource, "the file is gone", "f.model_version_id = ?1 AND f.name = ?2", V(op->id), V(name));
}

static enum err get(struct op *op)
{
    return reply_one(op, &model_file_resource, op->id);
}

static enum err delete (struct op *op) { return sql_run(op->db, "DELETE FROM model_file WHERE id = ?1", V(op->id)); }

static const struct field name_in[] = { { "name", T_TEXT, F_NEED, .min = 1, .max = 200 } };
static const struct field replace_in[] = { { "replace", T_BOOL } };

static const struct route routes[] = {
    { "GET", "/api/model/version/{id}/modelfiles", list, MAY_READ, WORK_READ, "the files of a model version", NULL, 0,
      &model_file_resource, .on = &model_version_resource, .gives = GIVES_PAGE },
    { "POST", "/api/model/version/{id}/modelfiles", create, MAY_WRITE, WORK_WRITE, "attaches an uploaded file to a model version",
      FIELDS(replace_in), MAKES(&model_file_resource), .on = &model_version_resource },
    { "GET", "/api/model/version/{id}/modelfiles/find", find, MAY_READ, WORK_READ, "a file of a model version by name",
      FIELDS(name_in), &model_file_resource, .on = &model_version_resource },
    { "GET", "/api/model/file/{id}", get, MAY_READ, WORK_READ, "a model file", NULL, 0, &model_file_resource,
      .on = &model_file_resource },
    { "DELETE", "/api/model/file/{id}", delete, MAY_WRITE, WORK_WRITE, "removes a file from its model version",
      .on = &model_file_resource, .gives = GIVES_NOTHING },
};

const struct resource model_file_resource = {
    .name = "model file",
    .table = table,
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = FROM,
    .key = "f.id",
    .org = "m.org",
    .root = "m.id",
    .order = "f.name",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
