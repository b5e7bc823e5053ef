#include "app/model/model.h"
#include "app/account/account.h"
#include "app/datalake/datalake.h"
#include "app/dataset/dataset.h"
#include "app/model/hub.h"
#include "base/clock.h"
#include <string.h>

const char *const frameworks[] = { "TENSORFLOW", "PYTORCH", "ONNX", "NOT_CONFIGURED", NULL };

static const char table[] =
    "CREATE TABLE model (id TEXT PRIMARY KEY, org TEXT REFERENCES organization(id), name TEXT NOT NULL, description TEXT NOT NULL,"
    " created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, created_by TEXT, place INTEGER NOT NULL DEFAULT 0,"
    " type TEXT, framework TEXT) STRICT;" /* of the model itself, where it was made with them */
    "CREATE UNIQUE INDEX model_name ON model (coalesce(org, ''), name)";

/* What the model says of itself, else what its latest version says. */
#define SAID(column)                                                                                                               \
    "coalesce(m." column ", (SELECT v." column " FROM model_version v WHERE v.model_id = m.id ORDER BY v.version DESC LIMIT 1),"   \
    " 'NOT_CONFIGURED')"

static const struct field latest_fields[] = { { "id", T_ID, 0, "v.id" },
                                              { "version", T_INT, 0, "v.version" },
                                              { "name", T_TEXT, 0, "v.name" } };
static const struct resource latest_version = {
    .name = "latest version of a model",
    .fields = latest_fields,
    .n_fields = COUNT_OF(latest_fields),
    .from = "(SELECT * FROM model_version w WHERE w.version = (SELECT max(x.version) FROM model_version x WHERE x.model_id = "
            "w.model_id)) v",
    .key = "v.id",
};

static const struct field fields[] = {
    { "id", T_ID, F_FILTER, "m.id" },
    { "name", T_TEXT, F_SORT | F_FILTER | F_NEW | F_NEED | F_EDIT, "m.name", .min = 1, .max = 200 },
    { "private", T_BOOL, 0, "m.org IS NOT NULL" },
    { "description", T_TEXT, F_FILTER | F_NEW | F_EDIT, "m.description", .max = 5000 },
    { "type", T_TEXT, F_FILTER | F_NEW | F_EDIT, SAID("type"), .words = inference_types },
    { "framework", T_TEXT, F_FILTER | F_NEW | F_EDIT, SAID("framework"), .words = frameworks },
    { "created_at", T_TIME, F_SORT | F_FILTER, "m.created_at" },
    { "updated_at", T_TIME, F_SORT | F_FILTER, "m.updated_at" },
    { "created_by", T_TEXT, F_NULL, USER_NAME("m.created_by") },
    { "nb_versions", T_INT, F_SORT, "(SELECT count(*) FROM model_version v WHERE v.model_id = m.id AND " NOT_GONE("v.id") ")" },
    { "latest", T_ONE, F_NULL, "m.id", .of = &latest_version, .by = "v.model_id" },
    TAGS("m.id"),
    { "tags.name", T_TEXT, F_FILTER, "t.name", HAS_TAG("m.id") },
};

/* The hub's models: everybody sees them, nobody changes them. They come in the order of learn/models.c, whose first is the one for
 * those who do not know which. */
static const struct resource public_model = {
    .name = "public model",
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "(SELECT * FROM model WHERE org IS NULL) m",
    .key = "m.id",
    .order = "m.place",
};

enum err model_add(struct sql *db, struct arena *a, const struct model_new *m, const char **ret_id)
{
    const char *id = id_new(a);
    int64_t now = clock_now_ms();
    enum err e = sql_run(db,
                         "INSERT INTO model (id, org, name, description, created_at, updated_at, created_by, type, framework)"
                         " VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8)",
                         V(id), V(m->org), V(m->name), V(m->description ? m->description : ""), V(now), V(m->user_id), V(m->type),
                         V(m->framework));
    if (e == E_CONFLICT)
        return fail(E_CONFLICT, "there is a model \"%s\" already", m->name);
    *ret_id = id;
    return e;
}

static enum err list_public(struct op *op)
{
    const char *name = in_text(op, "name");
    return name ? reply_list(op, &public_model, "m.name = ?1", V(name)) : reply_list(op, &public_model, "1 = 1");
}

static enum err find_public(struct op *op)
{
    return reply_find(op, &public_model, "there is no such public model", "m.name = ?1", V(in_text(op, "name")));
}

static enum err list(struct op *op)
{
    return reply_list(op, &model_resource, "1 = 1");
}

static enum err create(struct op *op)
{
    const char *id;
    const struct model_new m = {
        op->org, op->user_id, in_text(op, "name"), in_text(op, "description"), in_text(op, "type"), in_text(op, "framework")
    };
    TRY(model_add(op->db, op->arena, &m, &id));
    op->status = 201;
    return reply_one(op, &model_resource, id);
}

static enum err find(struct op *op)
{
    if (in_has(op, "id")) {
        const char *id = in_text(op, "id");
        int64_t hub = 0;
        TRY(sql_int(op->db, &hub, "SELECT org IS NULL FROM model WHERE id = ?1", V(id)));
        return reply_one(op, hub ? &public_model : &model_resource, id);
    }
    const char *name = in_text(op, "name");
    if (!name)
        return fail(E_INVALID, "name or id is missing");
    return reply_find(op, &model_resource, arena_fmt(op->arena, "there is no model \"%s\"", name), "m.name = ?1", V(name));
}

static enum err get(struct op *op)
{
    return reply_one(op, &model_resource, op->id);
}

static enum err update(struct op *op)
{
    enum err e = resource_update(op, &model_resource, op->id);
    if (e == E_CONFLICT)
        return fail(E_CONFLICT, "there is a model \"%s\" already", in_text(op, "name"));
    TRY(e);
    return reply_one(op, &model_resource, op->id);
}

const struct removal model_removal = {
    .table = "model",
    .named = "name",
    .called = "SELECT name FROM model WHERE id = ?1",
    .hides = { "model_version", "SELECT id FROM model_version WHERE model_id = ?1" },
    .large = { { "model_version", "SELECT id FROM model_version WHERE model_id = ?1" } },
};

static enum err delete (struct op *op) {
    TRY(tag_take_off_all(op->db, op->id)); TRY(access_forget(op->db, op->id));
    enum err e = thing_remove(op, &model_removal, op->id);
    if (e == E_IN_USE) return fail(e, "a version of this model is deployed: delete the deployment first");
    return e;
}

static const struct field name_in[] = { { "name", T_TEXT, F_NEED, .min = 1, .max = 200 } };
static const struct field list_in[] = { { "name", T_TEXT, .max = 200 } };
static const struct field find_in[] = { { "id", T_ID }, { "name", T_TEXT, .max = 200 } };

static const struct route routes[] = {
    ACCESS_ROUTES("model", &model_resource),
    { "GET", "/api/models", list_public, MAY_READ, WORK_READ, "the hub's models", FIELDS(list_in), &model_resource,
      .gives = GIVES_PAGE },
    { "GET", "/api/models/find", find_public, MAY_READ, WORK_READ, "a model of the hub by name", FIELDS(name_in), &model_resource },
    { "GET", "/api/organization/{id}/models", list, MAY_READ, WORK_READ, "the organization's models", NULL, 0, &model_resource,
      .on = &organization_resource, .gives = GIVES_PAGE },
    { "POST", "/api/organization/{id}/models", create, MAY_WRITE, WORK_WRITE, "makes a model", MAKES(&model_resource),
      .on = &organization_resource },
    { "GET", "/api/organization/{id}/models/find", find, MAY_READ, WORK_READ, "a model by name or id", FIELDS(find_in),
      &model_resource, .on = &organization_resource },
    { "GET", "/api/model/{id}", get, MAY_READ, WORK_READ, "a model", NULL, 0, &model_resource, .on = &model_resource },
    { "PATCH", "/api/model/{id}", update, MAY_WRITE, WORK_WRITE, "renames or describes a model", CHANGES(&model_resource),
      .on = &model_resource },
    { "DELETE", "/api/model/{id}", delete, MAY_WRITE, WORK_WRITE, "deletes a model with its versions", .on = &model_resource,
      .gives = GIVES_NOTHING },
};

const struct resource model_resource = {
    .name = "model",
    .table = table,
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "model m",
    .key = "m.id",
    .org = "m.org",
    .root = "m.id",
    .order = "m.created_at DESC, m.id DESC",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
    .first = hub_first,
    .removal = &model_removal,
};
