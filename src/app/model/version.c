#include "app/account/account.h"
#include "app/datalake/datalake.h"
#include "app/dataset/dataset.h"
#include "app/model/model.h"
#include "base/clock.h"

static const char table[] =
    "CREATE TABLE model_version (id TEXT PRIMARY KEY, model_id TEXT NOT NULL REFERENCES model(id) ON DELETE CASCADE,"
    " version INTEGER NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL, type TEXT NOT NULL, framework TEXT NOT NULL,"
    " architecture TEXT, labels TEXT, parameters TEXT, docker_image TEXT, docker_tag TEXT, docker_flags TEXT, docker_env_variables "
    "TEXT,"
    " thumbnail_object_name TEXT, notebook_link TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, created_by TEXT,"
    " UNIQUE (model_id, version)) STRICT";

static const struct field short_origin_fields[] = { { "id", T_ID, 0, "mm.id" },
                                                    { "name", T_TEXT, 0, "mm.name" },
                                                    { "private", T_BOOL, 0, "mm.org IS NOT NULL" } };
static const struct resource short_origin = { .name = "short model",
                                              .fields = short_origin_fields,
                                              .n_fields = COUNT_OF(short_origin_fields) };
static const struct field short_fields[] = {
    { "id", T_ID, 0, "mv.id" },
    { "name", T_TEXT, 0, "mv.name" },
    { "version", T_INT, 0, "mv.version" },
    { "type", T_TEXT, 0, "mv.type", .words = inference_types },
    { "framework", T_TEXT, 0, "mv.framework", .words = frameworks },
    { "architecture", T_TEXT, F_NULL, "mv.architecture" },
    { "origin", T_PART, 0, .of = &short_origin },
};
const struct resource model_version_short = {
    .name = "short model version",
    .fields = short_fields,
    .n_fields = COUNT_OF(short_fields),
    .from = "model_version mv JOIN model mm ON mm.id = mv.model_id",
    .key = "mv.id",
};

static const struct field how_many_fields[] = { { "*", T_INT } };
static const struct resource how_many = { .name = "how many", .fields = how_many_fields, .n_fields = 1 };
static const struct field trained_on_fields[] = {
    { "name", T_TEXT },         { "version_id", T_ID }, { "dataset_name", T_TEXT },
    { "version_name", T_TEXT }, { "nb_assets", T_INT }, { "repartition", T_OBJECT, .of = &how_many },
};
static const struct resource trained_on = { .name = "dataset version that was trained on",
                                            .fields = trained_on_fields,
                                            .n_fields = COUNT_OF(trained_on_fields) };

static const struct field context_fields[] = {
    { "id", T_ID, 0, "c.id" },
    { "experiment_id", T_ID, F_NULL, "c.experiment_id" },
    { "experiment_name", T_TEXT, F_NULL, "c.experiment_name" },
    { "project_id", T_ID, F_NULL, "(SELECT e.project_id FROM experiment e WHERE e.id = c.experiment_id)" },
    { "datas", T_ARRAY, 0, "c.datas", .of = &trained_on },
    { "datasets", T_ARRAY, 0, "c.datas", .of = &trained_on },
    { "parameters", T_OBJECT, 0, "c.parameters" },
};
static const struct resource context_short = {
    .name = "context of a model version",
    .fields = context_fields,
    .n_fields = COUNT_OF(context_fields),
    .from = "model_context c",
    .key = "c.id",
};

static const struct field file_fields[] = {
    { "id", T_ID, 0, "f.id" },
    { "name", T_TEXT, 0, "f.name" },
    { "filename", T_TEXT, 0, "f.filename" },
    { "object_name", T_TEXT, 0, "f.object_name" },
    { "large", T_BOOL, 0, "f.large" },
    { "size", T_INT, F_NULL, "(SELECT o.size FROM object o WHERE o.name = f.object_name)" },
    { "presigned_url", T_LINK, 0, "f.object_name" },
};
static const struct resource file_short = {
    .name = "file of a model version",
    .fields = file_fields,
    .n_fields = COUNT_OF(file_fields),
    .from = "model_file f",
    .key = "f.id",
    .order = "f.name",
};

static const struct field used_fields[] = { { "id", T_ID, 0, "d.id" },
                                            { "name", T_TEXT, 0, "d.name" },
                                            { "shadow", T_BOOL, 0, "d.model_version_id <> w.id" } };
static const struct resource used_in = {
    .name = "deployment of a model version",
    .fields = used_fields,
    .n_fields = COUNT_OF(used_fields),
    .from = "model_version w JOIN deployment d ON d.model_version_id = w.id OR d.shadow_model_version_id = w.id",
    .key = "w.id",
    .order = "d.name",
};

static const struct field origin_fields[] = {
    { "id", T_ID, 0, "m.id" },
    { "name", T_TEXT, 0, "m.name" },
    { "description", T_TEXT, 0, "m.description" },
    { "private", T_BOOL, 0, "m.org IS NOT NULL" },
    { "type", T_TEXT, 0, "v.type", .words = inference_types },
    { "framework", T_TEXT, 0, "v.framework", .words = frameworks },
};
static const struct resource origin_of = { .name = "model of a version",
                                           .fields = origin_fields,
                                           .n_fields = COUNT_OF(origin_fields) };

static const struct field fields[] = {
    { "id", T_ID, F_FILTER, "v.id" },
    { "name", T_TEXT, F_SORT | F_FILTER | F_NEW | F_EDIT, "v.name", .min = 1, .max = 200 },
    { "version", T_INT, F_SORT | F_FILTER, "v.version" },
    { "type", T_TEXT, F_FILTER | F_NEW | F_EDIT, "v.type", .words = inference_types },
    { "framework", T_TEXT, F_FILTER | F_NEW | F_EDIT, "v.framework", .words = frameworks },
    { "architecture", T_TEXT, F_FILTER | F_NULL, "v.architecture" },
    { "labels", T_OBJECT, F_NULL | F_NEW | F_EDIT, "v.labels", .of = &text_value },
    { "parameters", T_OBJECT, F_NEW | F_EDIT, "coalesce(v.parameters, '{}')" },
    { "description", T_TEXT, F_FILTER | F_NEW | F_EDIT, "v.description", .max = 10000 },
    { "docker_image", T_TEXT, F_NULL | F_NEW | F_EDIT, "v.docker_image", .max = 500 },
    { "docker_tag", T_TEXT, F_NULL | F_NEW | F_EDIT, "v.docker_tag", .max = 200 },
    { "docker_flags", T_ARRAY, F_NULL | F_NEW | F_EDIT, "v.docker_flags", .max = 100 },
    { "docker_env_variables", T_OBJECT, F_NULL | F_NEW | F_EDIT, "v.docker_env_variables" },
    { "thumbnail_object_name", T_TEXT, F_NULL | F_NEW | F_EDIT, "v.thumbnail_object_name" },
    { "notebook_link", T_TEXT, F_NULL | F_NEW | F_EDIT, "v.notebook_link" },
    { "origin_id", T_ID, 0, "m.id" },
    { "origin_name", T_TEXT, F_FILTER, "m.name" },
    { "origin", T_PART, 0, .of = &origin_of },
    { "created_at", T_TIME, F_SORT | F_FILTER, "v.created_at" },
    { "updated_at", T_TIME, F_SORT, "v.updated_at" },
    { "created_by", T_TEXT, F_NULL, USER_NAME("v.created_by") },
    { "nb_files", T_INT, 0, "(SELECT count(*) FROM model_file f WHERE f.model_version_id = v.id)" },
    { "deployable", T_BOOL, 0,
      "EXISTS (SELECT 1 FROM model_file f WHERE f.model_version_id = v.id AND f.name = 'model-latest') AND v.labels IS NOT NULL" },
    { "deployments", T_MANY, 0, "v.id", .of = &used_in },
    { "files", T_MANY, F_ONE, "v.id", .of = &file_short, .by = "f.model_version_id" },
    { "context", T_ONE, F_ONE | F_NULL, "v.id", .of = &context_short, .by = "c.model_version_id" },
    TAGS("v.id"),
    { "tags.name", T_TEXT, F_FILTER, "t.name", HAS_TAG("v.id") },
};

#define FROM "model_version v JOIN model m ON m.id = v.model_id"
static const struct resource public_version = {
    .name = "model version",
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "model_version v JOIN model m ON m.id = v.model_id AND m.org IS NULL",
    .key = "v.id",
    .order = "v.version DESC",
};

/* ---- for the other areas */

enum err model_version_add(struct sql *db, struct arena *a, const struct model_version_new *v, const char **ret_id)
{
    const char *id = id_new(a), *parameters = v->parameters ? v->parameters : "{}";
    int64_t now = clock_now_ms(), number = 0;
    TRY(sql_int(db, &number, "SELECT coalesce(max(version) + 1, 0) FROM model_version WHERE model_id = ?1", V(v->model_id)));
    const char *name = v->name ? v->name : arena_fmt(a, "%lld", (long long)number);
    TRY(sql_run(
        db,
        "INSERT INTO model_version (id, model_id, version, name, description, type, framework, labels, parameters, docker_image,"
        " docker_tag, docker_flags, docker_env_variables, thumbnail_object_name, notebook_link, created_at, updated_at,"
        " created_by, architecture) SELECT ?1, m.id, ?3, ?4, ?5, coalesce(?6, m.type, 'NOT_CONFIGURED'),"
        " coalesce(?7, m.framework, 'NOT_CONFIGURED'), ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?16, ?17, ?18 FROM model m WHERE "
        "m.id = ?2",
        V(id), V(v->model_id), V(number), V(name), V(v->description ? v->description : ""), V(v->type), V(v->framework),
        V(v->labels), V(parameters), V(v->docker_image), V(v->docker_tag), V(v->docker_flags), V(v->docker_env), V(v->thumbnail),
        V(v->notebook), V(now), V(v->user_id), V(v->architecture)));
    TRY(sql_run(db, "UPDATE model SET updated_at = ?2 WHERE id = ?1", V(v->model_id), V(now)));
    TRY(sql_run(db,
                "INSERT INTO model_context (id, model_version_id, experiment_id, experiment_name, datas, parameters)"
                " VALUES (?1, ?2, ?3, (SELECT name FROM experiment WHERE id = ?3), ?4, ?5)",
                V(id_new(a)), V(id), V(v->experiment_id), V(v->datas ? v->datas : "[]"), V(parameters)));
    *ret_id = id;
    return OK;
}

static enum err seen_as(struct op *op, const char *id, const struct resource **ret)
{
    int64_t hub = 0;
    TRY(sql_int(op->db, &hub, "SELECT m.org IS NULL FROM model_version v JOIN model m ON m.id = v.model_id WHERE v.id = ?1",
                V(id)));
    *ret = hub ? &public_version : &model_version_resource;
    return OK;
}

enum err model_version_seen(struct op *op, const char *id)
{
    const struct resource *r;
    TRY(seen_as(op, id, &r));
    return resource_need(op, r, id);
}

enum err model_version_reply(struct op *op, const char *id)
{
    const struct resource *r;
    TRY(seen_as(op, id, &r));
    return reply_one(op, r, id);
}

enum err labels_check(const struct json *labels, const char *where)
{
    for (struct json_member m = json_first(labels); m.key; m = json_next(labels, m))
        if (!json_text(m.value))
            return fail(E_INVALID, "%s: the label of \"%.60s\" must be text", where, m.key);
    return OK;
}

/* ---- routes */

static enum err list(struct op *op)
{
    return reply_list(op, &model_version_resource, "v.model_id = ?1", V(op->id));
}

static enum err find(struct op *op)
{
    const char *name = in_text(op, "name");
    if (in_has(op, "version")) {
        int64_t number = in_int(op, "version", -1);
        const char *missing = arena_fmt(op->arena, "the model has no version %lld", (long long)number);
        return reply_find(op, &model_version_resource, missing, "v.model_id = ?1 AND v.version = ?2", V(op->id), V(number));
    }
    if (!name)
        return fail(E_INVALID, "version or name is missing");
    const char *missing = arena_fmt(op->arena, "the model has no version named \"%s\"", name);
    return reply_find(op, &model_version_resource, missing, "v.model_id = ?1 AND v.name = ?2", V(op->id), V(name));
}

static enum err check_sent(struct op *op)
{
    TRY(labels_check(in_json(op, "labels"), "labels"));
    TRY(model_parameters_check(in_json(op, "parameters"), "parameters"));
    if (in_has(op, "thumbnail_object_name"))
        TRY(object_is_own(op, in_text(op, "thumbnail_object_name")));
    return OK;
}

static enum err create(struct op *op)
{
    const char *id;
    TRY(model_parameters_check(in_json(op, "base_parameters"), "base_parameters"));
    TRY(check_sent(op));
    struct model_version_new v = {
        .model_id = op->id,
        .name = in_text(op, "name"),
        .description = in_text(op, "description"),
        .type = in_text(op, "type"),
        .framework = in_text(op, "framework"),
        .labels = in_print(op, "labels"),
        .parameters = in_print(op, in_has(op, "parameters") ? "parameters" : "base_parameters"),
        .docker_image = in_text(op, "docker_image"),
        .docker_tag = in_text(op, "docker_tag"),
        .docker_flags = in_print(op, "docker_flags"),
        .docker_env = in_print(op, "docker_env_variables"),
        .thumbnail = in_text(op, "thumbnail_object_name"),
        .notebook = in_text(op, "notebook_link"),
        .user_id = op->user_id,
    };
    TRY(model_version_add(op->db, op->arena, &v, &id));
    op->status = 201;
    return reply_one(op, &model_version_resource, id);
}

static enum err get(struct op *op)
{
    return reply_one(op, &model_version_resource, op->id);
}

static enum err find_by_id(struct op *op)
{
    return model_version_reply(op, in_text(op, "id"));
}

static enum err update(struct op *op)
{
    TRY(check_sent(op));
    TRY(resource_update(op, &model_version_resource, op->id));
    return reply_one(op, &model_version_resource, op->id);
}

const struct removal model_version_removal = {
    .table = "model_version",
    .called = "SELECT m.name || ' / ' || v.version FROM model_version v JOIN model m ON m.id = v.model_id WHERE v.id = ?1",
};

static enum err delete (struct op *op) {
    TRY(tag_take_off_all(op->db, op->id)); enum err e = thing_remove(op, &model_version_removal, op->id);
    if (e == E_IN_USE) return fail(e, "this version is deployed: set another model in the deployment first");
    return e;
}

static const struct field base_in[] = { { "base_parameters", T_OBJECT, F_NULL } }; /* what clients called parameters once */
static const struct field find_in[] = { { "version", T_INT, .max = 1e9 }, { "name", T_TEXT, .max = 200 } };
static const struct field id_in[] = { { "id", T_ID, F_NEED } };

static const struct route routes[] = {
    { "GET", "/api/model/{id}/versions", list, MAY_READ, WORK_READ, "the versions of a model", NULL, 0, &model_version_resource,
      .on = &model_resource, .gives = GIVES_PAGE },
    { "POST", "/api/model/{id}/versions", create, MAY_WRITE, WORK_WRITE, "makes the next version of a model", FIELDS(base_in),
      MAKES(&model_version_resource), .on = &model_resource },
    { "GET", "/api/model/{id}/versions/find", find, MAY_READ, WORK_READ, "a version by number or name", FIELDS(find_in),
      &model_version_resource, .on = &model_resource },
    { "GET", "/api/organization/{id}/modelversions/find", find_by_id, MAY_READ, WORK_READ, "a model version by id", FIELDS(id_in),
      &model_version_resource, .on = &organization_resource },
    { "GET", "/api/model/version/{id}", get, MAY_READ, WORK_READ, "a model version", NULL, 0, &model_version_resource,
      .on = &model_version_resource },
    { "PATCH", "/api/model/version/{id}", update, MAY_WRITE, WORK_WRITE, "changes a model version",
      CHANGES(&model_version_resource), .on = &model_version_resource },
    { "DELETE", "/api/model/version/{id}", delete, MAY_WRITE, WORK_WRITE, "deletes a model version with its files",
      .on = &model_version_resource, .gives = GIVES_NOTHING },
};

const struct resource model_version_resource = {
    .name = "model version",
    .table = table,
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = FROM,
    .key = "v.id",
    .org = "m.org",
    .root = "m.id",
    .order = "v.version DESC",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
    .removal = &model_version_removal,
};
