#include "app/datalake/datalake.h"
#include "app/dataset/dataset.h"
#include "base/clock.h"
#include "base/unicode.h"
#include <string.h>

enum { BULK_NAMES = 10000 };

static const char table[] =
    "CREATE TABLE label_group (id TEXT PRIMARY KEY, org TEXT NOT NULL, "
    "dataset_version_id TEXT NOT NULL REFERENCES dataset_version(id) ON DELETE CASCADE, name TEXT NOT NULL, "
    "parent_id TEXT REFERENCES label_group(id) ON DELETE SET NULL, UNIQUE (dataset_version_id, name)) STRICT;"
    "CREATE TABLE label (id TEXT PRIMARY KEY, org TEXT NOT NULL, "
    "dataset_version_id TEXT NOT NULL REFERENCES dataset_version(id) ON DELETE CASCADE, name TEXT NOT NULL, "
    "position INTEGER NOT NULL, group_id TEXT REFERENCES label_group(id) ON DELETE SET NULL, skeleton TEXT, attributes TEXT, "
    "created_at INTEGER NOT NULL, n_shapes INTEGER NOT NULL DEFAULT 0, UNIQUE (dataset_version_id, name)) STRICT;"
    "CREATE INDEX label_of_group ON label (group_id);"
    "CREATE INDEX label_of_version ON label (dataset_version_id, position)"; /* a new one asks for the last position */

static const struct field fields[] = {
    { "id", T_ID, F_FILTER, "l.id" },
    { "name", T_TEXT, F_SORT | F_FILTER | F_NEW | F_NEED | F_EDIT | F_NAME | F_COMPOSED, "l.name", .min = 1, .max = 100 },
    { "group_id", T_ID, F_NULL | F_EDIT, "l.group_id" },
    { "dataset_version_id", T_ID, 0, "l.dataset_version_id" },
    { "position", T_INT, F_SORT, "l.position" }, /* the class number, from 0 */
    { "nb_objects", T_INT, F_SORT | F_FILTER, "l.n_shapes" },
    { "created_at", T_TIME, F_SORT | F_FILTER, "l.created_at" },
};
static const struct field group_fields[] = {
    { "id", T_ID, F_FILTER, "g.id" },
    { "name", T_TEXT, F_SORT | F_FILTER | F_NEW | F_NEED | F_EDIT | F_NAME | F_COMPOSED, "g.name", .min = 1, .max = 100 },
    { "parent_id", T_ID, F_NULL | F_NEW | F_EDIT, "g.parent_id" },
    { "dataset_version_id", T_ID, 0, "g.dataset_version_id" },
};

static enum err add(struct sql *db, struct arena *a, const char *org, const char *version, const char *name, const char **ret_id)
{
    const char *id = id_new(a);
    TRY(name_check("label", name));
    enum err e = sql_run(db,
                         "INSERT INTO label (id, org, dataset_version_id, name, position, created_at) VALUES (?1, ?2, ?3, ?4, "
                         "(SELECT coalesce(max(position) + 1, 0) FROM label WHERE dataset_version_id = ?3), ?5)",
                         V(id), V(org), V(version), V(name), V(clock_now_ms()));
    if (e == E_CONFLICT)
        return fail(e, "there is a label '%s' already", name);
    TRY(e);
    *ret_id = id;
    return OK;
}

enum err label_need(struct sql *db, struct arena *a, const char *org, const char *version, const char *name, const char **ret_id)
{
    AUTO(rows) struct rows *r = NULL;
    name = unicode_nfc(a, name);
    enum err e = sql_first(db, &r, "SELECT id FROM label WHERE dataset_version_id = ?1 AND name = ?2", V(version), V(name));
    if (e == E_NOT_FOUND)
        return add(db, a, org, version, name, ret_id);
    TRY(e);
    *ret_id = arena_str(a, rows_text(r, 0));
    return OK;
}

enum err label_count(struct sql *db, const char *label_id, int64_t more)
{
    return sql_run(db, "UPDATE label SET n_shapes = n_shapes + ?2 WHERE id = ?1", V(label_id), V(more));
}

static enum err list(struct op *op)
{
    return reply_list(op, &label_resource, "l.dataset_version_id = ?1", V(op->id));
}

static enum err create(struct op *op)
{
    const char *id;
    TRY(version_check_unlocked(op->db, op->id));
    TRY(add(op->db, op->arena, op->org, op->id, in_composed(op, "name"), &id));
    op->status = 201;
    return reply_one(op, &label_resource, id);
}

static enum err find(struct op *op)
{
    return reply_find(op, &label_resource, "the dataset version has no label of that name",
                      "l.dataset_version_id = ?1 AND l.name = ?2", V(op->id), V(in_text(op, "name")));
}

/* Gets or creates: a locked version answers as long as nothing has to be made. */
static enum err bulk(struct op *op)
{
    const char *id;
    const struct json *names = in_json(op, "names");
    int64_t before = 0, after = 0;
    TRY(sql_int(op->db, &before, "SELECT count(*) FROM label WHERE dataset_version_id = ?1", V(op->id)));
    out_array(&op->out, NULL);
    for (size_t i = 0; i < json_count(names); i++) {
        const char *name = json_text(json_at(names, i));
        if (strlen(name) > 400)
            return fail(E_INVALID, "names[%zu] is too long", i);
        TRY(fail_within(label_need(op->db, op->arena, op->org, op->id, name, &id), "names[%zu]: ", i));
        TRY(reply_member(op, NULL, &label_resource, id));
    }
    out_end_array(&op->out);
    TRY(sql_int(op->db, &after, "SELECT count(*) FROM label WHERE dataset_version_id = ?1", V(op->id)));
    return after == before ? OK : version_check_unlocked(op->db, op->id);
}

/* The label in the path, and its version, which a change must find unlocked. */
static enum err need(struct op *op, const struct resource *r, bool change, const char **ret_version)
{
    AUTO(rows) struct rows *row = NULL;
    if (r == &label_resource)
        TRY(sql_first(op->db, &row, "SELECT dataset_version_id FROM label WHERE id = ?1", V(op->id)));
    else
        TRY(sql_first(op->db, &row, "SELECT dataset_version_id FROM label_group WHERE id = ?1", V(op->id)));
    *ret_version = arena_str(op->arena, rows_text(row, 0));
    return change ? version_check_unlocked(op->db, *ret_version) : OK;
}

static enum err get(struct op *op)
{
    return reply_one(op, &label_resource, op->id);
}

static enum err group_is_of(struct op *op, const char *group, const char *version)
{
    int64_t there = 0;
    TRY(sql_int(op->db, &there, "SELECT count(*) FROM label_group WHERE id = ?1 AND dataset_version_id = ?2", V(group),
                V(version)));
    return there ? OK : fail(E_NOT_FOUND, "the dataset version has no label group %s", group);
}

static enum err update(struct op *op)
{
    const char *version, *name = in_text(op, "name"), *group = in_text(op, "group_id");
    TRY(need(op, &label_resource, true, &version));
    if (group)
        TRY(group_is_of(op, group, version));
    enum err e = resource_update(op, &label_resource, op->id);
    if (e == E_CONFLICT)
        return fail(e, "there is a label '%s' already", name);
    TRY(e);
    return reply_one(op, &label_resource, op->id);
}

/* What people drew is not thrown away with a name. */
static enum err delete_label(struct op *op)
{
    const char *version;
    int64_t used = 0;
    TRY(need(op, &label_resource, true, &version));
    TRY(version_check_free(op->db, version));
    TRY(sql_int(op->db, &used, "SELECT n_shapes FROM label WHERE id = ?1", V(op->id)));
    if (used)
        return fail(E_CONFLICT, "%lld shapes carry this label; delete them or give them another one first", (long long)used);
    op->status = 204;
    return sql_run(op->db, "DELETE FROM label WHERE id = ?1", V(op->id));
}

/* ---- skeletons and attributes */

static enum err skeletons(struct op *op)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r,
                 "SELECT id, skeleton FROM label WHERE dataset_version_id = ?1 AND skeleton IS NOT NULL ORDER BY position",
                 V(op->id)));
    out_object(&op->out, NULL);
    out_object(&op->out, "items");
    while (rows_next(r))
        out_raw(&op->out, rows_text(r, 0), rows_text(r, 1));
    out_end_object(&op->out);
    out_end_object(&op->out);
    return rows_error(r);
}

static enum err get_skeleton(struct op *op)
{
    const char *version;
    TRY(need(op, &label_resource, false, &version));
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r, "SELECT skeleton FROM label WHERE id = ?1", V(op->id)));
    if (rows_null(r, 0))
        return fail(E_NOT_FOUND, "the label has no skeleton");
    text_add(&op->out.text, rows_text(r, 0));
    return OK;
}

static enum err set_skeleton(struct op *op)
{
    const char *version;
    const struct json *vertices = in_json(op, "vertices"), *edges = in_json(op, "edges");
    TRY(need(op, &label_resource, true, &version));
    int64_t from, to, n = (int64_t)json_count(vertices);
    for (size_t i = 0; i < json_count(edges); i++) {
        const struct json *e = json_at(edges, i);
        /* COCO counts vertices from 1, others from 0 */
        if (json_count(e) != 2 || !json_int(json_at(e, 0), &from) || !json_int(json_at(e, 1), &to) || from < 0 || to < 0 ||
            from > n || to > n)
            return fail(E_INVALID, "edges[%zu] must be two numbers of vertices", i);
    }
    const char *text = arena_fmt(op->arena, "{\"vertices\":%s,\"edges\":%s}", in_print(op, "vertices"), in_print(op, "edges"));
    return sql_run(op->db, "UPDATE label SET skeleton = ?2 WHERE id = ?1", V(op->id), V(text));
}

PART_OF_ROW(attributes_answer, "attributes of a label", "label l", "l.id", { "attributes", T_OBJECT, F_NULL, "l.attributes" });

static enum err get_attributes(struct op *op)
{
    return reply_one(op, &attributes_answer, op->id);
}

static enum err set_attributes(struct op *op)
{
    const char *version;
    TRY(need(op, &label_resource, true, &version));
    return sql_run(op->db, "UPDATE label SET attributes = ?2 WHERE id = ?1", V(op->id), V(in_print(op, "attributes")));
}

/* ---- groups */

static enum err list_groups(struct op *op)
{
    return reply_list(op, &label_group_resource, "g.dataset_version_id = ?1", V(op->id));
}

static enum err create_group(struct op *op)
{
    const char *id, *name = in_text(op, "name"), *parent = in_text(op, "parent_id");
    TRY(version_check_unlocked(op->db, op->id));
    if (parent)
        TRY(group_is_of(op, parent, op->id));
    enum err e = resource_add(op, &label_group_resource, &id, { "dataset_version_id", V(op->id) });
    if (e == E_CONFLICT)
        return fail(e, "there is a label group '%s' already", name);
    TRY(e);
    op->status = 201;
    return reply_one(op, &label_group_resource, id);
}

static enum err get_group(struct op *op)
{
    return reply_one(op, &label_group_resource, op->id);
}

static enum err update_group(struct op *op)
{
    const char *version, *name = in_text(op, "name"), *parent = in_text(op, "parent_id");
    TRY(need(op, &label_group_resource, true, &version));
    if (parent) {
        int64_t below = 0;
        TRY(group_is_of(op, parent, version));
        TRY(sql_int(op->db, &below,
                    "WITH RECURSIVE up (id) AS (SELECT ?2 UNION SELECT g.parent_id FROM label_group g JOIN up ON g.id = up.id) "
                    "SELECT count(*) FROM up WHERE id = ?1",
                    V(op->id), V(parent)));
        if (below)
            return fail(E_CONFLICT, "a label group cannot be inside itself");
    }
    enum err e = resource_update(op, &label_group_resource, op->id);
    if (e == E_CONFLICT)
        return fail(e, "there is a label group '%s' already", name);
    TRY(e);
    return reply_one(op, &label_group_resource, op->id);
}

static enum err delete_group(struct op *op)
{
    const char *version;
    TRY(need(op, &label_group_resource, true, &version));
    op->status = 204;
    return sql_run(op->db, "DELETE FROM label_group WHERE id = ?1", V(op->id));
}

static const struct field name_in[] = { { "name", T_TEXT, F_NEED, .min = 1, .max = 100 } };
static const struct field names_in[] = { { "names", T_TEXTS, F_NEED, .max = BULK_NAMES } };
static const struct field skeleton_in[] = { { "vertices", T_TEXTS, F_NEED, .min = 1, .max = 1000 },
                                            { "edges", T_ARRAY, F_NEED, .max = 5000 } };
static const struct field attributes_in[] = { { "attributes", T_OBJECT, F_NULL } };

DESCRIBED(vertex_number, "vertex number", { "*", T_INT });
DESCRIBED(edge, "edge", { "*", T_ARRAY, .of = &vertex_number });
DESCRIBED(skeleton_answer, "skeleton", { "vertices", T_TEXTS }, { "edges", T_ARRAY, .of = &edge });
DESCRIBED(skeleton_of_label, "skeleton of a label", { "*", T_PART, .of = &skeleton_answer });
DESCRIBED(skeletons_answer, "skeletons by label", { "items", T_OBJECT, .of = &skeleton_of_label });

#define LABEL .answers = &label_resource
#define GROUP .answers = &label_group_resource
static const struct route routes[] = {
    { "GET", "/api/dataset/version/{id}/labels", list, MAY_READ, WORK_READ, "the labels, in the order of their class numbers",
      LABEL, .on = &dataset_version_resource, .gives = GIVES_PAGE },
    { "POST", "/api/dataset/version/{id}/labels", create, MAY_WRITE, WORK_WRITE, "makes a label", MAKES(&label_resource),
      .on = &dataset_version_resource },
    { "GET", "/api/dataset/version/{id}/labels/find", find, MAY_READ, WORK_READ, "the label of that name", FIELDS(name_in), LABEL,
      .on = &dataset_version_resource },
    { "XGET", "/api/dataset/version/{id}/bulk-labels", bulk, MAY_WRITE, WORK_WRITE, "gets or makes labels by name: a list",
      FIELDS(names_in), LABEL, .on = &dataset_version_resource, .gives = GIVES_ROWS },
    { "GET", "/api/dataset/version/{id}/labels/skeleton", skeletons, MAY_READ, WORK_READ, "the keypoint skeletons by label id",
      .on = &dataset_version_resource, .answers = &skeletons_answer },
    { "GET", "/api/label/{id}", get, MAY_READ, WORK_READ, "one label", LABEL, .on = &label_resource },
    { "PATCH", "/api/label/{id}", update, MAY_WRITE, WORK_WRITE, "renames a label or puts it in a group", CHANGES(&label_resource),
      .on = &label_resource },
    { "DELETE", "/api/label/{id}", delete_label, MAY_WRITE, WORK_WRITE, "deletes a label that no shape carries",
      .on = &label_resource, .gives = GIVES_NOTHING },
    { "GET", "/api/label/{id}/skeleton", get_skeleton, MAY_READ, WORK_READ, "the label's keypoint skeleton", .on = &label_resource,
      .answers = &skeleton_answer },
    { "POST", "/api/label/{id}/skeleton", set_skeleton, MAY_WRITE, WORK_WRITE, "sets it", FIELDS(skeleton_in),
      .on = &label_resource, .gives = GIVES_NOTHING },
    { "GET", "/api/label/{id}/attributes", get_attributes, MAY_READ, WORK_READ, "the schema of the label's attributes",
      .on = &label_resource, .answers = &attributes_answer },
    { "POST", "/api/label/{id}/attributes", set_attributes, MAY_WRITE, WORK_WRITE, "sets it", FIELDS(attributes_in),
      .on = &label_resource, .gives = GIVES_NOTHING },
};

static const struct route group_routes[] = {
    { "GET", "/api/dataset/version/{id}/labelgroups", list_groups, MAY_READ, WORK_READ, "groups of labels", GROUP,
      .on = &dataset_version_resource, .gives = GIVES_PAGE },
    { "POST", "/api/dataset/version/{id}/labelgroups", create_group, MAY_WRITE, WORK_WRITE, "makes a group",
      MAKES(&label_group_resource), .on = &dataset_version_resource },
    { "GET", "/api/label/group/{id}", get_group, MAY_READ, WORK_READ, "one group", GROUP, .on = &label_group_resource },
    { "PATCH", "/api/label/group/{id}", update_group, MAY_WRITE, WORK_WRITE, "renames or moves a group",
      CHANGES(&label_group_resource), .on = &label_group_resource },
    { "DELETE", "/api/label/group/{id}", delete_group, MAY_WRITE, WORK_WRITE, "deletes a group; its labels stay",
      .on = &label_group_resource, .gives = GIVES_NOTHING },
};

const struct resource label_resource = {
    "label",      table,          FIELDS(fields),
    "label l",    "l.id",         "l.org",
    "l.position", ROUTES(routes), .root = "(SELECT v.dataset_id FROM dataset_version v WHERE v.id = l.dataset_version_id)",
};
const struct resource label_group_resource = {
    "label group",
    NULL,
    FIELDS(group_fields),
    "label_group g",
    "g.id",
    "g.org",
    "g.name",
    ROUTES(group_routes),
    .root = "(SELECT v.dataset_id FROM dataset_version v WHERE v.id = g.dataset_version_id)",
};
