#include "app/account/account.h"
#include "app/datalake/datalake.h"
#include "app/dataset/dataset.h"
#include <string.h>

static const char table[] =
    "CREATE TABLE dataset_version (id TEXT PRIMARY KEY, dataset_id TEXT NOT NULL REFERENCES dataset(id) ON DELETE CASCADE, "
    "org TEXT NOT NULL, version TEXT NOT NULL, description TEXT NOT NULL, type TEXT NOT NULL, locked INTEGER NOT NULL DEFAULT 0, "
    "attributes TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, created_by TEXT, "
    "n_assets INTEGER NOT NULL DEFAULT 0, n_annotated INTEGER NOT NULL DEFAULT 0, UNIQUE (dataset_id, version)) STRICT;"
    /* how many of its data have a tag: tags and assets count it */
    "CREATE TABLE version_tag (dataset_version_id TEXT NOT NULL REFERENCES dataset_version(id) ON DELETE CASCADE, "
    "tag_id TEXT NOT NULL REFERENCES tag(id) ON DELETE CASCADE, n INTEGER NOT NULL, PRIMARY KEY (dataset_version_id, tag_id)) "
    "STRICT, "
    "WITHOUT ROWID;"
    "CREATE INDEX version_tag_of_tag ON version_tag (tag_id);"
    "CREATE TRIGGER dataset_version_gone AFTER DELETE ON dataset_version BEGIN DELETE FROM tag WHERE scope = old.id; "
    "DELETE FROM tagged WHERE target_id = old.id; END";

const char *const inference_types[] = {
    "NOT_CONFIGURED", "CLASSIFICATION", "OBJECT_DETECTION", "SEGMENTATION", "POINT", "KEYPOINT", "LINE", "MASK", "MULTI", NULL
};

static const struct field short_fields[] = {
    { "id", T_ID, 0, "jv.id" },
    { "origin_id", T_ID, 0, "js.id" },
    { "origin_name", T_TEXT, 0, "js.name" },
    { "version", T_TEXT, 0, "jv.version" },
    { "type", T_TEXT, 0, "jv.type", .words = inference_types },
    { "description", T_TEXT, 0, "jv.description" },
    { "locked", T_BOOL, 0, "jv.locked" },
    { "annotation_campaign_id", T_ID, F_NULL, "NULL" },
    { "created_at", T_TIME, 0, "jv.created_at" },
};
const struct resource dataset_version_short = {
    .name = "short dataset version",
    .fields = short_fields,
    .n_fields = COUNT_OF(short_fields),
    .from = "dataset_version jv JOIN dataset js ON js.id = jv.dataset_id",
    .key = "jv.id",
};

/* Ids of data to show a version by. */
static const struct field picture_fields[] = { { "*", T_ID, 0, "q.data_id" } };
static const struct resource pictures = {
    .name = "pictures of a dataset version",
    .fields = picture_fields,
    .n_fields = COUNT_OF(picture_fields),
    .from =
        "dataset_version p JOIN asset q ON q.id IN (SELECT a.id FROM asset a WHERE a.dataset_version_id = p.id AND a.org = p.org "
        "ORDER BY a.id LIMIT 4)",
    .key = "p.id",
};

static const struct field fields[] = {
    { "id", T_ID, F_FILTER, "v.id" },
    { "origin_id", T_ID, F_FILTER, "s.id" },
    { "origin_name", T_TEXT, F_SORT | F_FILTER, "s.name" },
    { "version", T_TEXT, F_SORT | F_FILTER | F_NEW | F_NEED | F_EDIT | F_NAME, "v.version", .min = 1, .max = 100 },
    { "type", T_TEXT, F_SORT | F_FILTER | F_NEW | F_EDIT, "v.type", .words = inference_types },
    { "description", T_TEXT, F_FILTER | F_NEW | F_EDIT, "v.description", .max = 4000 },
    { "locked", T_BOOL, F_FILTER, "v.locked" },
    { "annotation_campaign_id", T_ID, F_NULL, "NULL" },
    { "created_at", T_TIME, F_SORT | F_FILTER, "v.created_at" },
    { "updated_at", T_TIME, F_SORT | F_FILTER, "v.updated_at" },
    { "created_by", T_TEXT, F_FILTER | F_NULL, "(SELECT username FROM person u WHERE u.id = v.created_by)" },
    { "nb_assets", T_INT, F_FILTER, "v.n_assets" },
    { "size", T_INT, 0, "v.n_assets" }, /* the same, as clients call it */
    { "nb_annotated", T_INT, F_FILTER, "v.n_annotated" },
    { "nb_objects", T_INT, F_FILTER, "(SELECT coalesce(sum(l.n_shapes), 0) FROM label l WHERE l.dataset_version_id = v.id)" },
    { "thumbnails", T_MANY, 0, "v.id", .of = &pictures, .by = "p.id" },
    TAGS("v.id"),
    { "tags.name", T_TEXT, F_FILTER, "t.name", HAS_TAG("v.id") },
    { "labels.name", T_TEXT, F_FILTER, "l.name", "FROM label l WHERE l.dataset_version_id = v.id" },
};

enum err version_check_unlocked(struct sql *db, const char *version_id)
{
    int64_t locked = 0;
    TRY(sql_int(db, &locked, "SELECT locked FROM dataset_version WHERE id = ?1", V(version_id)));
    return locked ? fail(E_LOCKED, "the dataset version is locked; unlock it, or fork it") : OK;
}

enum err version_check_free(struct sql *db, const char *version_id)
{
    TRY(version_check_unlocked(db, version_id));
    return fail_within(job_check_alone(db, version_id, JOB_CHANGES), "the dataset version is busy: ");
}

enum err version_count_annotated(struct sql *db, const char *version_id, int64_t more)
{
    return sql_run(db, "UPDATE dataset_version SET n_annotated = n_annotated + ?2 WHERE id = ?1", V(version_id), V(more));
}

enum err version_choose_type(struct sql *db, const char *version_id, const char *type)
{
    return sql_run(db, "UPDATE dataset_version SET type = ?2 WHERE id = ?1 AND type = 'NOT_CONFIGURED'", V(version_id), V(type));
}

static enum err list(struct op *op)
{
    return reply_list(op, &dataset_version_resource, "v.dataset_id = ?1", V(op->id));
}

static enum err list_all(struct op *op)
{
    return reply_page(op, &dataset_version_resource, "1 = 1");
}

static enum err taken(struct op *op, enum err e)
{
    return e == E_CONFLICT ? fail(e, "the dataset has a version '%s' already", in_text(op, "version")) : e;
}

static enum err create(struct op *op)
{
    const char *id;
    TRY(taken(op, resource_add(op, &dataset_version_resource, &id, { "org", V(op->org) }, { "dataset_id", V(op->id) },
                               { "type", V(inference_types[0]) }, { "created_by", V(op->user_id) })));
    op->status = 201;
    return reply_one(op, &dataset_version_resource, id);
}

static enum err find(struct op *op)
{
    const char *id = in_text(op, "id"), *version = in_text(op, "version");
    if (!id && !version)
        return fail(E_INVALID, "say which: id or version");
    return reply_find(op, &dataset_version_resource, "the dataset has no such version",
                      "v.dataset_id = ?1 AND (v.id = ?2 OR ?2 IS NULL) AND (v.version = ?3 OR ?3 IS NULL)", V(op->id), V(id),
                      V(version));
}

static enum err find_by_id(struct op *op)
{
    return reply_one(op, &dataset_version_resource, in_text(op, "id"));
}

static enum err get(struct op *op)
{
    return reply_one(op, &dataset_version_resource, op->id);
}

static enum err update(struct op *op)
{
    TRY(version_check_unlocked(op->db, op->id));
    TRY(taken(op, resource_update(op, &dataset_version_resource, op->id)));
    return reply_one(op, &dataset_version_resource, op->id);
}

const struct removal version_removal = {
    .table = "dataset_version",
    .named = "version",
    .called = VERSION_CALLED,
    .large = { { "asset", "SELECT id FROM asset WHERE dataset_version_id = ?1" },
               { "label", "SELECT id FROM label WHERE dataset_version_id = ?1" } },
};

static enum err delete_version(struct op *op)
{
    TRY(version_check_unlocked(op->db, op->id));
    TRY(version_check_unused(op, op->id));
    op->status = 204;
    return thing_remove(op, &version_removal, op->id);
}

static enum err set_lock(struct op *op, bool locked)
{
    TRY(sql_run(op->db, "UPDATE dataset_version SET locked = ?2 WHERE id = ?1", V(op->id), V(locked)));
    return reply_one(op, &dataset_version_resource, op->id);
}

static enum err lock(struct op *op)
{
    TRY(job_check_alone(op->db, op->id, JOB_CHANGES));
    return set_lock(op, true);
}

static enum err unlock(struct op *op)
{
    return set_lock(op, false);
}

PART_OF_ROW(attributes_answer, "attributes of annotations", "dataset_version v", "v.id",
            { "attributes", T_OBJECT, F_NULL, "v.attributes" });

static enum err get_attributes(struct op *op)
{
    return reply_one(op, &attributes_answer, op->id);
}

static enum err set_attributes(struct op *op)
{
    TRY(version_check_unlocked(op->db, op->id));
    return sql_run(op->db, "UPDATE dataset_version SET attributes = ?2 WHERE id = ?1", V(op->id), V(in_print(op, "attributes")));
}

static const struct field find_in[] = { { "version", T_TEXT }, { "id", T_ID } };
static const struct field id_in[] = { { "id", T_ID, F_NEED } };
static const struct field attributes_in[] = { { "attributes", T_OBJECT, F_NULL } };

#define VERSION .answers = &dataset_version_resource
#define TAG .answers = &tag_resource, .on = &dataset_version_resource

static const struct field force_in[] = { FORCE_IN };

static const struct route routes[] = {
    { "GET", "/api/dataset/{id}/versions", list, MAY_READ, WORK_READ, "the versions of a dataset", VERSION, .on = &dataset_resource,
      .gives = GIVES_PAGE },
    { "POST", "/api/dataset/{id}/versions", create, MAY_WRITE, WORK_WRITE, "makes a version", MAKES(&dataset_version_resource),
      .on = &dataset_resource },
    { "GET", "/api/dataset/{id}/versions/find", find, MAY_READ, WORK_READ, "one version by name or id", FIELDS(find_in), VERSION,
      .on = &dataset_resource },
    { "GET", "/api/organization/{id}/datasetversions", list_all, MAY_READ, WORK_READ, "the versions of all datasets", VERSION,
      .on = &organization_resource, .gives = GIVES_PAGE },
    { "GET", "/api/organization/{id}/datasetversions/find", find_by_id, MAY_READ, WORK_READ, "one version by id", FIELDS(id_in),
      VERSION, .on = &organization_resource },
    { "GET", "/api/dataset/version/{id}", get, MAY_READ, WORK_READ, "one version", VERSION, .on = &dataset_version_resource },
    { "PATCH", "/api/dataset/version/{id}", update, MAY_WRITE, WORK_WRITE, "renames, describes or types a version",
      CHANGES(&dataset_version_resource), .on = &dataset_version_resource },
    { "DELETE", "/api/dataset/version/{id}", delete_version, MAY_WRITE, WORK_WRITE, "deletes a version; the data stay",
      FIELDS(force_in), .on = &dataset_version_resource, .gives = GIVES_NOTHING },
    { "POST", "/api/dataset/version/{id}/lock", lock, MAY_WRITE, WORK_WRITE, "refuses changes from now on", VERSION,
      .on = &dataset_version_resource },
    { "POST", "/api/dataset/version/{id}/unlock", unlock, MAY_WRITE, WORK_WRITE, "allows changes again", VERSION,
      .on = &dataset_version_resource },
    { "GET", "/api/dataset/version/{id}/attributes", get_attributes, MAY_READ, WORK_READ, "the schema of annotations' attributes",
      .on = &dataset_version_resource, .answers = &attributes_answer },
    { "POST", "/api/dataset/version/{id}/attributes", set_attributes, MAY_WRITE, WORK_WRITE, "sets that schema",
      FIELDS(attributes_in), .on = &dataset_version_resource, .gives = GIVES_NOTHING },
    { "GET", "/api/dataset/version/{id}/tags", tag_list, MAY_READ, WORK_READ, "tags of assets", TAG, .gives = GIVES_PAGE },
    { "POST", "/api/dataset/version/{id}/tags", tag_create, MAY_WRITE, WORK_WRITE, "makes a tag for assets", MAKES(&tag_resource),
      .on = &dataset_version_resource },
    { "GET", "/api/dataset/version/{id}/tags/find", tag_find, MAY_READ, WORK_READ, "the asset tag of that name", tag_name_in,
      TAG_NAME_FIELDS, TAG },
};

const struct resource dataset_version_resource = {
    .name = "dataset version",
    .table = table,
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "dataset_version v JOIN dataset s ON s.id = v.dataset_id",
    .key = "v.id",
    .org = "s.org",
    .root = "s.id",
    .removal = &version_removal,
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
