#include "app/dataset/dataset.h"
#include "app/account/account.h"
#include "app/datalake/datalake.h"

static const char table[] =
    "CREATE TABLE dataset (id TEXT PRIMARY KEY, org TEXT NOT NULL REFERENCES organization(id), name TEXT NOT NULL, "
    "description TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, created_by TEXT, UNIQUE (org, name)) "
    "STRICT;"
    "CREATE TRIGGER dataset_gone AFTER DELETE ON dataset BEGIN DELETE FROM tagged WHERE target_id = old.id; END";

/* Ids of data to show a dataset by. */
static const struct field picture_fields[] = { { "*", T_ID, 0, "q.id" } };
static const struct resource pictures = {
    .name = "pictures of a dataset",
    .fields = picture_fields,
    .n_fields = COUNT_OF(picture_fields),
    .from = "dataset p JOIN data q ON q.id IN (SELECT a.data_id FROM asset a JOIN dataset_version v ON v.id = a.dataset_version_id "
            "WHERE v.dataset_id = p.id ORDER BY a.id LIMIT 4)",
    .key = "p.id",
};

static const struct field fields[] = {
    { "id", T_ID, F_FILTER, "s.id" },
    { "name", T_TEXT, F_SORT | F_FILTER | F_NEW | F_NEED | F_EDIT | F_NAME, "s.name", .min = 1, .max = 100 },
    { "description", T_TEXT, F_FILTER | F_NEW | F_EDIT, "s.description", .max = 4000 },
    { "private", T_BOOL, 0, "1" },
    { "created_at", T_TIME, F_SORT | F_FILTER, "s.created_at" },
    { "updated_at", T_TIME, F_SORT | F_FILTER, "s.updated_at" },
    { "created_by", T_TEXT, F_FILTER | F_NULL, "(SELECT username FROM person u WHERE u.id = s.created_by)" },
    { "nb_versions", T_INT, 0, "(SELECT count(*) FROM dataset_version v WHERE v.dataset_id = s.id AND " NOT_GONE("v.id") ")" },
    { "nb_assets", T_INT, 0,
      "(SELECT count(*) FROM asset a JOIN dataset_version v ON v.id = a.dataset_version_id WHERE v.dataset_id = s.id AND " NOT_GONE(
          "v.id") ")" },
    { "thumbnails", T_MANY, 0, "s.id", .of = &pictures, .by = "p.id" },
    TAGS("s.id"),
    { "tags.name", T_TEXT, F_FILTER, "t.name", HAS_TAG("s.id") },
};

static enum err list(struct op *op)
{
    return reply_list(op, &dataset_resource, "1 = 1");
}

static enum err taken(struct op *op, enum err e)
{
    return e == E_CONFLICT ? fail(e, "there is a dataset '%s' already", in_text(op, "name")) : e;
}

static enum err create(struct op *op)
{
    const char *id;
    TRY(taken(op, resource_add(op, &dataset_resource, &id, { "created_by", V(op->user_id) })));
    op->status = 201;
    return reply_one(op, &dataset_resource, id);
}

static enum err find(struct op *op)
{
    const char *id = in_text(op, "id"), *name = in_text(op, "name");
    if (!id && !name)
        return fail(E_INVALID, "say which: id or name");
    return reply_find(op, &dataset_resource, "there is no such dataset",
                      "(s.id = ?1 OR ?1 IS NULL) AND (s.name = ?2 OR ?2 IS NULL)", V(id), V(name));
}

static enum err get(struct op *op)
{
    return reply_one(op, &dataset_resource, op->id);
}

static enum err update(struct op *op)
{
    TRY(taken(op, resource_update(op, &dataset_resource, op->id)));
    return reply_one(op, &dataset_resource, op->id);
}

#define OF_VERSIONS(table)                                                                                                         \
    {                                                                                                                              \
        table, "SELECT x.id FROM dataset_version v JOIN " table " x ON x.dataset_version_id = v.id WHERE v.dataset_id = ?1"        \
    }
const struct removal dataset_removal = {
    .table = "dataset",
    .named = "name",
    .called = "SELECT name FROM dataset WHERE id = ?1",
    .hides = { "dataset_version", "SELECT id FROM dataset_version WHERE dataset_id = ?1" },
    .large = { OF_VERSIONS("asset"),
               OF_VERSIONS("label"),
               { "dataset_version", "SELECT id FROM dataset_version WHERE dataset_id = ?1" } },
};

static enum err delete_dataset(struct op *op)
{
    int64_t locked = 0;
    TRY(sql_int(op->db, &locked, "SELECT count(*) FROM dataset_version WHERE dataset_id = ?1 AND locked <> 0", V(op->id)));
    if (locked)
        return fail(E_LOCKED, "%lld of its versions are locked", (long long)locked);
    TRY(version_check_unused(op, op->id));
    op->status = 204;
    TRY(access_forget(op->db, op->id));
    return thing_remove(op, &dataset_removal, op->id);
}

static const struct field find_in[] = { { "id", T_ID }, { "name", T_TEXT } };

static const struct field force_in[] = { FORCE_IN };

static const struct route routes[] = {
    ACCESS_ROUTES("dataset", &dataset_resource),
    { "GET", "/api/organization/{id}/datasets", list, MAY_READ, WORK_READ, "datasets", .answers = &dataset_resource,
      .on = &organization_resource, .gives = GIVES_PAGE },
    { "POST", "/api/organization/{id}/datasets", create, MAY_WRITE, WORK_WRITE, "makes a dataset", MAKES(&dataset_resource),
      .on = &organization_resource },
    { "GET", "/api/organization/{id}/datasets/find", find, MAY_READ, WORK_READ, "one dataset by id or name", FIELDS(find_in),
      &dataset_resource, .on = &organization_resource },
    { "GET", "/api/dataset/{id}", get, MAY_READ, WORK_READ, "one dataset", .answers = &dataset_resource, .on = &dataset_resource },
    { "PATCH", "/api/dataset/{id}", update, MAY_WRITE, WORK_WRITE, "renames or describes a dataset", CHANGES(&dataset_resource),
      .on = &dataset_resource },
    { "DELETE", "/api/dataset/{id}", delete_dataset, MAY_WRITE, WORK_WRITE, "deletes a dataset with its versions; the data stay",
      FIELDS(force_in), .on = &dataset_resource, .gives = GIVES_NOTHING },
};

const struct resource dataset_resource = {
    .name = "dataset",
    .table = table,
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "dataset s",
    .key = "s.id",
    .removal = &dataset_removal,
    .org = "s.org",
    .root = "s.id",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
