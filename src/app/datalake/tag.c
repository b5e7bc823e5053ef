/* Tags: names within a datalake (for data), a dataset version (for its assets) or the organization (for the rest). */
#include "api/bulk.h"
#include "app/account/account.h"
#include "app/datalake/datalake.h"
#include "base/clock.h"
#include "base/unicode.h"
#include <string.h>

enum { TARGETS_MOST = 200000 };

static const char table[] =
    "CREATE TABLE tag (id TEXT PRIMARY KEY, org TEXT NOT NULL REFERENCES organization(id), scope TEXT NOT NULL, "
    "target_type TEXT NOT NULL, name TEXT NOT NULL, created_at INTEGER NOT NULL, UNIQUE (scope, target_type, name)) STRICT;"
    "CREATE TABLE tagged (tag_id TEXT NOT NULL REFERENCES tag(id) ON DELETE CASCADE, target_id TEXT NOT NULL, "
    "PRIMARY KEY (tag_id, target_id)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX tagged_target ON tagged (target_id);"
    /* the versions that a data is in count its tags */
    "CREATE TRIGGER tagged_made AFTER INSERT ON tagged BEGIN INSERT INTO version_tag (dataset_version_id, tag_id, n) SELECT "
    "a.dataset_version_id, new.tag_id, 1 FROM asset a WHERE a.data_id = new.target_id ON CONFLICT (dataset_version_id, tag_id) DO "
    "UPDATE SET n = version_tag.n + 1; END;"
    "CREATE TRIGGER tagged_gone AFTER DELETE ON tagged BEGIN UPDATE version_tag SET n = n - 1 WHERE tag_id = old.tag_id AND "
    "dataset_version_id IN (SELECT a.dataset_version_id FROM asset a WHERE a.data_id = old.target_id); END";

static const struct field fields[] = {
    { "id", T_ID, 0, "g.id" },
    { "name", T_TEXT, F_SORT | F_FILTER | F_NEW | F_NEED | F_EDIT | F_NAME | F_COMPOSED, "g.name", .min = 1, .max = 100 },
    { "target_type", T_TEXT, F_FILTER, "g.target_type" },
    { "created_at", T_TIME, F_SORT, "g.created_at" },
    { "count", T_INT, F_SORT, "(SELECT count(*) FROM tagged x WHERE x.tag_id = g.id)" },
};

static const struct field short_fields[] = {
    { "id", T_ID, 0, "t.id" },
    { "name", T_TEXT, 0, "t.name" },
    { "target_type", T_TEXT, 0, "t.target_type" },
};
const struct resource tag_of_thing = {
    .name = "short tag",
    .fields = short_fields,
    .n_fields = COUNT_OF(short_fields),
    .from = "tagged x JOIN tag t ON t.id = x.tag_id",
    .key = "t.id",
    .order = "t.name",
};

/* What can carry tags, and how many of the ids in the list ?1 are such things of the organization ?2 within the scope ?3. */
static const struct target {
    const char *type, *count;
} targets[] = {
#define COUNT(from, where) "SELECT count(*) FROM " from " WHERE v.id IN " LISTED("?1") " AND " where
    { "DATA", COUNT("data v", "v.org = ?2 AND v.datalake_id = ?3") },
    { "ASSET", COUNT("asset v", "v.org = ?2 AND v.dataset_version_id = ?3") },
    { "DATASET", COUNT("dataset v", "v.org = ?2 AND v.org = ?3") },
    { "DATASET_VERSION", COUNT("dataset_version v", "v.org = ?2 AND v.org = ?3") },
    { "MODEL", COUNT("model v", "v.org = ?2 AND v.org = ?3") },
    { "MODEL_VERSION", COUNT("model_version v JOIN model m ON m.id = v.model_id", "m.org = ?2 AND m.org = ?3") },
    { "DEPLOYMENT", COUNT("deployment v", "v.org = ?2 AND v.org = ?3") },
    { "PREDICTED_ASSET", COUNT("predicted_asset v JOIN deployment p ON p.id = v.deployment_id", "p.org = ?2 AND p.id = ?3") },
};
static const char *const organization_types[] = { "DATASET", "DATASET_VERSION", "MODEL", "MODEL_VERSION", "DEPLOYMENT", NULL };

enum err tag_need(struct sql *db, struct arena *a, const char *org, const char *scope, const char *target_type, const char *name,
                  const char **ret_id)
{
    name = unicode_nfc(a, name);
    TRY(name_check("tag", name));
    TRY(sql_run(db, "INSERT INTO tag VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING", V(id_new(a)), V(org), V(scope),
                V(target_type), V(name), V(clock_now_ms())));
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(db, &r, "SELECT id FROM tag WHERE scope = ?1 AND target_type = ?2 AND name = ?3", V(scope), V(target_type),
                  V(name)));
    *ret_id = arena_str(a, rows_text(r, 0));
    return OK;
}

enum err tag_put_on(struct sql *db, const char *tag_id, const char *target_id)
{
    return sql_run(db, "INSERT INTO tagged VALUES (?1, ?2) ON CONFLICT DO NOTHING", V(tag_id), V(target_id));
}

enum err tags_check(struct op *op, const char *member, const char *lake, struct value *ret)
{
    int64_t unknown = 0;
    TRY(in_ids(op, member, ret));
    TRY(sql_int(
        op->db, &unknown,
        "SELECT count(*) FROM listed j LEFT JOIN tag g ON g.id = j.value AND g.scope = ?2 WHERE j.list = ?1 AND g.id IS NULL",
        V(*ret), V(lake)));
    return unknown ? fail(E_NOT_FOUND, "%s: %lld of the ids are no tags of this datalake", member, (long long)unknown) : OK;
}

enum err tag_take_off_all(struct sql *db, const char *target_id)
{
    return sql_run(db, "DELETE FROM tagged WHERE target_id = ?1", V(target_id));
}

/* The type of target that the path stands for; the scope of its tags is what the path is on. */
static const char *type_of(struct op *op)
{
    return strncmp(route_path(op->route), "/api/datalake/", 14) == 0  ? "DATA"
           : strncmp(route_path(op->route), "/api/dataset/", 13) == 0 ? "ASSET"
                                                                      : in_text(op, "target_type");
}

enum err tag_list(struct op *op)
{
    return reply_list(op, &tag_resource, "g.scope = ?1 AND g.target_type = ?2", V(op->id), V(type_of(op)));
}

enum err tag_find(struct op *op)
{
    const char *type = type_of(op), *name = in_composed(op, "name");
    return reply_find(op, &tag_resource, "there is no tag of that name", "g.scope = ?1 AND g.target_type = ?2 AND g.name = ?3",
                      V(op->id), V(type), V(name));
}

static enum err taken(struct op *op, enum err e)
{
    return e == E_CONFLICT ? fail(e, "there is a tag '%s' already", in_composed(op, "name")) : e;
}

enum err tag_create(struct op *op)
{
    const char *id;
    TRY(taken(op, resource_add(op, &tag_resource, &id, { "scope", V(op->id) }, { "target_type", V(type_of(op)) })));
    op->status = 201;
    return reply_one(op, &tag_resource, id);
}

static enum err get(struct op *op)
{
    return reply_one(op, &tag_resource, op->id);
}

static enum err update(struct op *op)
{
    TRY(taken(op, resource_update(op, &tag_resource, op->id)));
    return reply_one(op, &tag_resource, op->id);
}

/* All targets must be things that this tag may go on: one that is not refuses the lot. */
static enum err check_targets(struct op *op, const char *tag_id, struct value ids)
{
    const char *scope, *type;
    AUTO(rows) struct rows *r = NULL;
    enum err e = sql_first(op->db, &r, "SELECT scope, target_type FROM tag WHERE id = ?1 AND org = ?2", V(tag_id), V(op->org));
    if (e == E_NOT_FOUND)
        return fail(e, "there is no tag %s", tag_id);
    TRY(e);
    scope = arena_str(op->arena, rows_text(r, 0));
    type = arena_str(op->arena, rows_text(r, 1));
    int64_t wanted = 0, found = 0;
    TRY(sql_int(op->db, &wanted, "SELECT count(DISTINCT value) FROM listed WHERE list = ?1", V(ids)));
    for (size_t i = 0; i < COUNT_OF(targets); i++)
        if (strcmp(targets[i].type, type) == 0) {
            const struct value values[] = { V(ids), V(op->org), V(scope) };
            TRY(sql_int_text(op->db, &found, targets[i].count, values, 3));
        }
    if (found != wanted)
        return fail(E_NOT_FOUND, "%lld of the %lld ids are no %s that this tag can go on", (long long)(wanted - found),
                    (long long)wanted, type);
    return OK;
}

/* Tries every statement of the table, so that a renamed table stops the start and not a user. */
static enum err check_statements(struct sql *db)
{
    const struct value values[] = { V(0), V(""), V("") };
    for (size_t i = 0; i < COUNT_OF(targets); i++) {
        int64_t n = 0;
        TRY(fail_within(sql_int_text(db, &n, targets[i].count, values, COUNT_OF(values)), "%s: ", targets[i].type));
    }
    return OK;
}

static enum err reply_count(struct op *op, const char *tag_id, int64_t count)
{
    out_object(&op->out, NULL);
    TRY(reply_member(op, "tag", &tag_resource, tag_id));
    out_int(&op->out, "count", count);
    out_end_object(&op->out);
    return OK;
}

static enum err put_on(struct bulk *b, const char *target, const char *made)
{
    (void)made;
    TRY(tag_put_on(b->db, json_text(json_get(b->input, "tag")), target));
    b->counted += sql_changes(b->db);
    return OK;
}

static enum err take_off(struct bulk *b, const char *target, const char *made)
{
    (void)made;
    TRY(sql_run(b->db, "DELETE FROM tagged WHERE tag_id = ?1 AND target_id = ?2", V(json_text(json_get(b->input, "tag"))),
                V(target)));
    b->counted += sql_changes(b->db);
    return OK;
}
#define SUBJECT .subject = "tag", .called = "SELECT name FROM tag WHERE id = ?1"
const struct bulk_kind attach_bulk = {
    "attach_tag", "putting the tag on", NULL, NULL, put_on, take_off, NULL, "attached", SUBJECT
};
const struct bulk_kind detach_bulk = {
    "detach_tag", "taking the tag off", NULL, NULL, take_off, put_on, NULL, "detached", SUBJECT
};

static enum err drop_tag(struct bulk *b, bool done)
{
    return done ? sql_run(b->db, "DELETE FROM tag WHERE id = ?1", V(json_text(json_get(b->input, "tag")))) : OK;
}
const struct bulk_kind remove_tag_bulk = { "remove_tag", "removing the tag", NULL,       NULL,   take_off,
                                           put_on,       drop_tag,           "detached", SUBJECT };

static enum err all_with_tag(struct op *op, struct bulk_list *l)
{
    return bulk_rows(op, "SELECT target_id FROM tagged WHERE tag_id = ?1", VALUES(V(op->id)), l);
}

static enum err delete_tag(struct op *op)
{
    int64_t count = 0;
    op->status = 204;
    return bulk_change_wait(op, &remove_tag_bulk, all_with_tag, arena_fmt(op->arena, "{\"tag\":\"%s\"}", op->id), &count);
}

/* Those that have the tag already are left out: undoing must not take it off them. */
static enum err without_tag(struct op *op, struct bulk_list *l)
{
    struct value ids;
    TRY(in_ids(op, "*", &ids));
    TRY(check_targets(op, op->id, ids));
    bulk_ids(op, "*", l);
    const struct value more[] = { V(op->id) };
    return bulk_keep(op, l, "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM tagged WHERE target_id = ?1 AND tag_id = ?2)", more, 1);
}

static enum err with_tag(struct op *op, struct bulk_list *l)
{
    bulk_ids(op, "*", l);
    const struct value more[] = { V(op->id) };
    return bulk_keep(op, l, "SELECT 1 FROM tagged WHERE target_id = ?1 AND tag_id = ?2", more, 1);
}

static enum err change(struct op *op, const struct bulk_kind *k, bulk_find *find)
{
    int64_t count = 0;
    TRY(bulk_change_wait(op, k, find, arena_fmt(op->arena, "{\"tag\":\"%s\"}", op->id), &count));
    return reply_count(op, op->id, count);
}

static enum err attach(struct op *op)
{
    return change(op, &attach_bulk, without_tag);
}

static enum err detach(struct op *op)
{
    return change(op, &detach_bulk, with_tag);
}

#define NAME                                                                                                                       \
    {                                                                                                                              \
        "name", T_TEXT, F_NEED, .min = 1, .max = 100                                                                               \
    }
const struct field tag_name_in[] = { NAME };
static const struct field typed_in[] = { NAME, { "target_type", T_TEXT, F_NEED, .words = organization_types } };
static const struct field type_in[] = { { "target_type", T_TEXT, F_NEED, .words = organization_types } };
static const struct field ids_in[] = { { "*", T_IDS, F_NEED, .min = 1, .max = TARGETS_MOST } };

#define TAG .answers = &tag_resource
DESCRIBED(tagged_answer, "tag and how many things", { "tag", T_PART, .of = &tag_resource }, { "count", T_INT });

static const struct route routes[] = {
    { "GET", "/api/datalake/{id}/tags", tag_list, MAY_READ, WORK_READ, "tags of data", TAG, .on = &datalake_resource,
      .gives = GIVES_PAGE },
    { "POST", "/api/datalake/{id}/tags", tag_create, MAY_WRITE, WORK_WRITE, "makes a tag for data", MAKES(&tag_resource),
      .on = &datalake_resource },
    { "GET", "/api/datalake/{id}/tags/find", tag_find, MAY_READ, WORK_READ, "the data tag of that name", tag_name_in,
      TAG_NAME_FIELDS, TAG, .on = &datalake_resource },
    { "GET", "/api/organization/{id}/tags", tag_list, MAY_READ, WORK_READ, "tags of datasets, versions, models, deployments",
      FIELDS(type_in), TAG, .on = &organization_resource, .gives = GIVES_PAGE },
    { "POST", "/api/organization/{id}/tags", tag_create, MAY_WRITE, WORK_WRITE, "makes such a tag", FIELDS(type_in),
      MAKES(&tag_resource), .on = &organization_resource },
    { "GET", "/api/organization/{id}/tags/find", tag_find, MAY_READ, WORK_READ, "such a tag by name", FIELDS(typed_in), TAG,
      .on = &organization_resource },
    { "GET", "/api/tag/{id}", get, MAY_READ, WORK_READ, "one tag", TAG, .on = &tag_resource },
    { "PATCH", "/api/tag/{id}", update, MAY_WRITE, WORK_WRITE, "renames a tag", CHANGES(&tag_resource), .on = &tag_resource },
    { "DELETE", "/api/tag/{id}", delete_tag, MAY_WRITE, WORK_FREE, "removes a tag from everything", .on = &tag_resource,
      .gives = GIVES_NOTHING },
    { "POST", "/api/tag/{id}/attach", attach, MAY_WRITE, WORK_FREE, "puts the tag on things: a list of ids", FIELDS(ids_in),
      .body_cap = 16 << 20, .on = &tag_resource, .answers = &tagged_answer },
    { "POST", "/api/tag/{id}/detach", detach, MAY_WRITE, WORK_FREE, "takes the tag off things: a list of ids", FIELDS(ids_in),
      .body_cap = 16 << 20, .on = &tag_resource, .answers = &tagged_answer },
};

const struct resource tag_resource = {
    .name = "tag",
    .table = table,
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "tag g",
    .key = "g.id",
    .org = "g.org",
    .root = "coalesce((SELECT v.dataset_id FROM dataset_version v WHERE v.id = g.scope), g.scope)",
    .order = "g.name",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
    .first = check_statements,
};
