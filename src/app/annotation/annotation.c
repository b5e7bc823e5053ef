#include "api/bulk.h"
#include "app/annotation/batch.h"
#include "app/dataset/dataset.h"
#include "base/clock.h"
#include "query/query.h"
#include <string.h>

enum { BULK_MOST = 1000, IDS_MOST = 200000, BODY = 64 << 20 };

/* Rows of a batch are written before they are shown, and rows that it takes the place of are shown until then: batch.h. All reading
 * is of the views, all writing of the tables below them. */
static const char table[] =
    "CREATE TABLE annotation_row (id TEXT PRIMARY KEY, org TEXT NOT NULL, "
    "asset_id TEXT NOT NULL REFERENCES asset(id) ON DELETE CASCADE, dataset_version_id TEXT NOT NULL, "
    "status TEXT NOT NULL CHECK (status IN ('PENDING', 'SKIPPED', 'ACCEPTED', 'REFUSED')), duration REAL NOT NULL, "
    "revision INTEGER NOT NULL, attributes TEXT, created_at INTEGER NOT NULL, created_by TEXT, updated_at INTEGER NOT NULL, "
    "updated_by TEXT, n_shapes INTEGER NOT NULL DEFAULT 0, batch INTEGER NOT NULL DEFAULT 0, UNIQUE (asset_id, batch)) STRICT;"
    "CREATE INDEX annotation_of_version ON annotation_row (dataset_version_id, id, batch);"
    "CREATE INDEX annotation_sizes ON annotation_row (dataset_version_id, n_shapes, asset_id, batch);"
    "CREATE INDEX annotation_status ON annotation_row (dataset_version_id, status, id, batch, asset_id);"
    "CREATE INDEX annotation_created ON annotation_row (dataset_version_id, created_at, id, batch);"
    "CREATE INDEX annotation_updated ON annotation_row (dataset_version_id, updated_at, id, batch);"
    "CREATE INDEX annotation_duration ON annotation_row (dataset_version_id, duration, id, batch);"
    "CREATE INDEX annotation_revision ON annotation_row (dataset_version_id, revision, id, batch);"
    "CREATE TABLE shape_row (id TEXT PRIMARY KEY, annotation_id TEXT NOT NULL REFERENCES annotation_row(id) ON DELETE CASCADE, "
    "asset_id TEXT NOT NULL, dataset_version_id TEXT NOT NULL, label_id TEXT NOT NULL REFERENCES label(id), kind TEXT NOT NULL, "
    "position INTEGER NOT NULL, x INTEGER NOT NULL, y INTEGER NOT NULL, w INTEGER NOT NULL, h INTEGER NOT NULL, geometry TEXT, "
    "area REAL NOT NULL, text TEXT, attributes TEXT, batch INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE INDEX shape_of_annotation ON shape_row (annotation_id, kind, position);"
    "CREATE INDEX shape_of_asset ON shape_row (asset_id, kind, label_id, batch);"
    "CREATE INDEX shape_of_label ON shape_row (label_id, asset_id, batch);"
    "CREATE TABLE batch (id INTEGER PRIMARY KEY, dataset_version_id TEXT NOT NULL, job_id TEXT NOT NULL, shown INTEGER NOT NULL, "
    "n_new INTEGER NOT NULL DEFAULT 0, n_old INTEGER NOT NULL DEFAULT 0) STRICT;" /* annotations that it adds, and takes the place
                                                                                     of */
    "CREATE TABLE batch_shown (batch INTEGER PRIMARY KEY) STRICT;"
    "CREATE TABLE batch_label (batch INTEGER NOT NULL, label_id TEXT NOT NULL, n INTEGER NOT NULL, made INTEGER NOT NULL, "
    "PRIMARY KEY (batch, label_id)) STRICT;"
    "CREATE TABLE batch_tag (batch INTEGER NOT NULL, asset_id TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (batch, asset_id)) "
    "STRICT;"
    "CREATE TABLE batch_part (batch INTEGER NOT NULL, annotation_id TEXT NOT NULL, PRIMARY KEY (batch, annotation_id)) STRICT;"
    "CREATE VIEW annotation AS SELECT * FROM annotation_row WHERE batch = 0 OR batch IN (SELECT batch FROM batch_shown);"
    "CREATE VIEW shape AS SELECT * FROM shape_row WHERE batch = 0 OR batch IN (SELECT batch FROM batch_shown);"
    /* counts are asked for with every card and page, and a version can have millions of shapes: who writes shapes counts them once
     * for all (count.c), those of a batch when it is shown; those of an annotation that is deleted here */
    "CREATE TRIGGER annotation_leaves BEFORE DELETE ON annotation_row WHEN old.batch = 0 OR old.batch IN (SELECT batch FROM "
    "batch_shown) BEGIN UPDATE label SET n_shapes = n_shapes - (SELECT count(*) FROM shape_row h WHERE h.label_id = label.id AND "
    "h.asset_id = old.asset_id AND (h.batch = 0 OR h.batch IN (SELECT batch FROM batch_shown))) WHERE id IN (SELECT h.label_id "
    "FROM shape_row h WHERE h.asset_id = old.asset_id); END;"
    "CREATE TRIGGER annotation_leaves_batch BEFORE DELETE ON annotation_row WHEN EXISTS (SELECT 1 FROM batch_label) BEGIN UPDATE "
    "batch_label SET n = n - (SELECT count(*) FROM shape_row h WHERE h.label_id = batch_label.label_id AND h.asset_id = "
    "old.asset_id AND h.batch = batch_label.batch AND h.annotation_id = old.id) WHERE (batch, label_id) IN (SELECT h.batch, "
    "h.label_id FROM shape_row h WHERE h.annotation_id = old.id AND h.batch <> 0); END;"
    "CREATE TRIGGER shape_relabelled AFTER UPDATE OF label_id ON shape_row WHEN old.label_id <> new.label_id BEGIN UPDATE label "
    "SET "
    "n_shapes = n_shapes + CASE WHEN id = new.label_id THEN 1 ELSE -1 END WHERE id IN (old.label_id, new.label_id); END";

#define SHAPES(name, kind)                                                                                                         \
    {                                                                                                                              \
        name, T_MANY, F_ONE, "n.id", .of = &kind##_short, .by = "h.annotation_id"                                                  \
    }
#define ALL_SHAPES                                                                                                                 \
    SHAPES("rectangles", rectangle), SHAPES("polygons", polygon), SHAPES("lines", line), SHAPES("points", point),                  \
        SHAPES("classifications", classification), SHAPES("keypoints", keypoints), SHAPES("masks", mask)

static const struct field fields[] = {
    { "id", T_ID, F_FILTER, "n.id" },
    { "asset_id", T_ID, F_FILTER, "n.asset_id" },
    { "dataset_version_id", T_ID, 0, "n.dataset_version_id" },
    { "status", T_TEXT, F_FILTER | F_SORT | F_NEW | F_EDIT, "n.status", .words = annotation_statuses },
    { "duration", T_NUMBER, F_FILTER | F_SORT | F_NEW | F_EDIT, "n.duration", .min = 0, .max = 1e9 },
    { "revision", T_INT, F_FILTER | F_SORT, "n.revision" },
    { "attributes", T_OBJECT, F_FILTER | F_NULL, "n.attributes", .owner = "n.id", .keys = KEPT_KEYS(KEPT_ATTRIBUTES) },
    { "created_at", T_TIME, F_FILTER | F_SORT, "n.created_at" },
    { "created_by", T_TEXT, F_FILTER | F_NULL, "(SELECT username FROM person u WHERE u.id = n.created_by)" },
    { "updated_at", T_TIME, F_FILTER | F_SORT, "n.updated_at" },
    { "updated_by", T_TEXT, F_FILTER | F_NULL, "(SELECT username FROM person u WHERE u.id = n.updated_by)" },
    ALL_SHAPES,
};

/* ---- of one asset */

struct target {
    const char *asset, *version, *filename;
    int width, height;
};

/* The asset, of the caller's organization; version: it must be in that one (NULL: any). */
static enum err find_asset(struct op *op, const char *asset, const char *version, struct target *ret)
{
    AUTO(rows) struct rows *r = NULL;
    enum err e =
        sql_first(op->db, &r,
                  "SELECT a.dataset_version_id, d.filename, d.width, d.height FROM asset a JOIN data d ON d.id = a.data_id "
                  "WHERE a.id = ?1 AND a.org = ?2 AND (a.dataset_version_id = ?3 OR ?3 IS NULL)",
                  V(asset), V(op->org), V(version));
    if (e == E_NOT_FOUND)
        return fail(e, "there is no asset %s%s", asset, version ? " in this dataset version" : "");
    TRY(e);
    *ret = (struct target){ asset, arena_str(op->arena, rows_text(r, 0)), arena_str(op->arena, rows_text(r, 1)),
                            (int)rows_int(r, 2), (int)rows_int(r, 3) };
    return OK;
}

static enum err path_asset(struct op *op, struct target *ret)
{
    return find_asset(op, op->id, NULL, ret);
}

static enum err list_of_asset(struct op *op)
{
    struct target t;
    TRY(path_asset(op, &t));
    return reply_list(op, &annotation_resource, "n.asset_id = ?1", V(t.asset));
}

static enum err find_of_asset(struct op *op)
{
    struct target t;
    TRY(path_asset(op, &t));
    return reply_find(op, &annotation_resource, "the asset has no annotation", "n.asset_id = ?1", V(t.asset));
}

static enum err create(struct op *op)
{
    struct target t;
    const char *id;
    bool written;
    TRY(path_asset(op, &t));
    TRY(annotations_check_open(op->db, t.version));
    struct annotation_save s = {
        op->org, t.asset, t.version, op->user_id, "KEEP", in_text(op, "status"), NULL, in_number(op, "duration", 0), NULL, 0
    };
    TRY(annotation_save(op->db, op->arena, &s, &written, &id));
    if (!written)
        return fail(E_CONFLICT, "the asset has an annotation already: change that one, or delete it");
    op->status = 201;
    return reply_one(op, &annotation_resource, id);
}

/* The kinds that the body does not mention: a tool that does not know masks must not delete them. */
static const char *const *kinds_not_sent(struct op *op)
{
    const char **names = arena_new_array(op->arena, const char *, 16);
    size_t n = 0;
    for (const struct shape_kind *const *k = shape_kinds; *k && n < 15; k++)
        if (!json_get(op->body, (*k)->plural))
            names[n++] = (*k)->name;
    names[n] = NULL;
    return names;
}

/* One annotation with its shapes, read first, and then written in as many transactions as it takes. */
struct saving {
    struct annotation_save save;
    struct shape_list shapes;
};

static enum err read_saving(struct op *op, const struct target *t)
{
    struct saving *w = op->state;
    struct label_set labels;
    TRY(version_check_unlocked(op->db, t->version));
    TRY(labels_of(op->db, op->arena, t->version, &labels));
    TRY(shapes_read(op->arena, op->body, &labels, t->width, t->height, "", &w->shapes));
    w->save = (struct annotation_save){ .org = op->org,
                                        .asset_id = t->asset,
                                        .version_id = t->version,
                                        .user_id = op->user_id,
                                        .mode = "REPLACE",
                                        .duration = in_number(op, "duration", -1),
                                        .shapes = w->shapes.items,
                                        .n = w->shapes.n };
    return OK;
}

/* What a tool saves: all shapes of the kinds it knows, and which revision it was made from. */
static enum err read_put(struct op *op)
{
    struct saving *w = op->state;
    struct target t;
    int64_t *mine = arena_take(op->arena, sizeof *mine);
    *mine = in_int(op, "revision", 0);
    TRY(path_asset(op, &t));
    TRY(read_saving(op, &t));
    w->save.status = in_text(op, "status");
    w->save.attributes = in_print(op, "attributes");
    w->save.kept_kinds = kinds_not_sent(op);
    w->save.made_from = mine;
    return OK;
}

static enum err reply_of_asset(struct op *op)
{
    struct saving *w = op->state;
    return reply_find(op, &annotation_resource, "the asset has no annotation", "n.asset_id = ?1", V(w->save.asset_id));
}

static enum err save_and_reply(struct op *op, handler *read)
{
    struct saving w = { 0 };
    bool written;
    op->state = &w;
    TRY(op_read(op, read));
    TRY(annotations_write(op, w.save.version_id, &w.save, 1, &written));
    return op_read(op, reply_of_asset);
}

static enum err put(struct op *op)
{
    return save_and_reply(op, read_put);
}

/* ---- one annotation */

static enum err get(struct op *op)
{
    return reply_one(op, &annotation_resource, op->id);
}

/* The annotation in the path with its asset. */
static enum err path_annotation(struct op *op, struct target *ret)
{
    const char *asset;
    {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_first(op->db, &r, "SELECT asset_id FROM annotation WHERE id = ?1", V(op->id)));
        asset = arena_str(op->arena, rows_text(r, 0));
    }
    return find_asset(op, asset, NULL, ret);
}

static enum err update(struct op *op)
{
    struct target t;
    TRY(path_annotation(op, &t));
    TRY(annotations_check_open(op->db, t.version));
    TRY(sql_run(op->db,
                "UPDATE annotation_row SET status = coalesce(?2, status), duration = CASE WHEN ?3 < 0 THEN duration ELSE ?3 END, "
                "revision = revision + 1, "
                "updated_at = ?4, updated_by = ?5 WHERE id = ?1",
                V(op->id), V(in_text(op, "status")), V(in_number(op, "duration", -1)), V(clock_now_ms()), V(op->user_id)));
    return reply_one(op, &annotation_resource, op->id);
}

static enum err delete_one(struct op *op)
{
    struct target t;
    TRY(path_annotation(op, &t));
    TRY(annotations_check_open(op->db, t.version));
    op->status = 204;
    return sql_run(op->db, "DELETE FROM annotation_row WHERE id = ?1", V(op->id));
}

static enum err read_overwrite(struct op *op)
{
    struct target t;
    TRY(path_annotation(op, &t));
    return read_saving(op, &t);
}

static enum err overwrite(struct op *op)
{
    return save_and_reply(op, read_overwrite);
}

/* ---- many of a version */

struct many {
    struct annotation_save *saves;
    size_t n;
    struct label_set labels;
};

static enum err read_one(struct op *op, const struct json *v, size_t i)
{
    static const struct field in[] = { { "asset_id", T_ID, F_NEED },
                                       { "attributes", T_OBJECT, F_NULL },
                                       { "duration", T_NUMBER, F_NULL, .min = 0, .max = 1e9 } };
    struct many *m = op->state;
    char *asset = arena_take(op->arena, ID_SIZE);
    struct target t;
    const char *where = arena_fmt(op->arena, "annotations[%zu]", i);
    TRY(fields_check(FIELDS(in), v, where));
    id_parse(json_text(json_get(v, "asset_id")), asset);
    TRY(fail_within(find_asset(op, asset, op->id, &t), "%s: ", where));
    struct shape_list list = { 0 };
    enum err e = shapes_read(op->arena, v, &m->labels, t.width, t.height, where, &list);
    if (e != OK)
        return fail_within(e, "%s: ", t.filename);
    double duration = -1;
    json_number(json_get(v, "duration"), &duration);
    const struct json *attributes = json_get(v, "attributes");
    m->saves[m->n++] = (struct annotation_save){ .org = op->org,
                                                 .asset_id = asset,
                                                 .version_id = op->id,
                                                 .user_id = op->user_id,
                                                 .mode = in_text(op, "import_type"),
                                                 .status = in_text(op, "status"),
                                                 .attributes = json_absent(attributes) ? NULL : json_print(op->arena, attributes),
                                                 .duration = duration,
                                                 .shapes = list.items,
                                                 .n = list.n };
    return OK;
}

static enum err read_many(struct op *op)
{
    struct many *m = op->state;
    const struct json *all = in_json(op, "annotations");
    TRY(version_check_unlocked(op->db, op->id));
    TRY(labels_of(op->db, op->arena, op->id, &m->labels));
    m->saves = arena_new_array(op->arena, struct annotation_save, json_count(all) + 1);
    for (size_t i = 0; i < json_count(all); i++)
        TRY(read_one(op, json_at(all, i), i));
    return OK;
}

/* All or nothing. */
static enum err bulk(struct op *op)
{
    struct many m = { 0 };
    int64_t kept = 0, shapes = 0;
    op->state = &m;
    TRY(op_read(op, read_many));
    bool *written = arena_take(op->arena, m.n + 1);
    TRY(annotations_write(op, op->id, m.saves, m.n, written));
    for (size_t i = 0; i < m.n; i++) {
        kept += !written[i];
        shapes += written[i] ? (int64_t)m.saves[i].n : 0;
    }
    out_object(&op->out, NULL);
    out_int(&op->out, "annotations", (int64_t)m.n - kept);
    out_int(&op->out, "kept", kept);
    out_int(&op->out, "shapes", shapes);
    out_end_object(&op->out);
    return OK;
}

static enum err list(struct op *op)
{
    return reply_page(op, &annotation_resource, "n.dataset_version_id = ?1 AND (n.status = ?2 OR ?2 IS NULL)", V(op->id),
                      V(in_text(op, "status")));
}

static enum err ids(struct op *op)
{
    struct value assets;
    TRY(in_ids(op, "asset_ids", &assets));
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r,
                 "SELECT id FROM annotation WHERE dataset_version_id = ?1 AND (status = ?2 OR ?2 IS NULL) AND "
                 "(CAST(?3 AS INTEGER) IS NULL OR asset_id IN " LISTED("?3") ") ORDER BY id DESC",
                 V(op->id), V(in_text(op, "status")), V(assets)));
    out_array(&op->out, NULL);
    while (rows_next(r))
        out_text(&op->out, NULL, rows_text(r, 0));
    out_end_array(&op->out);
    return rows_error(r);
}

/* With the labels' names, as files want them. */
#define LOADED(kind, ...)                                                                                                          \
    static const struct field kind##_loaded_fields[] = { { "id", T_ID, 0, "h.id" },                                                \
                                                         { "label", T_TEXT, 0, "l.name" },                                         \
                                                         { "label_id", T_ID, 0, "h.label_id" },                                    \
                                                         { "text", T_TEXT, F_NULL, "h.text" },                                     \
                                                         { "attributes", T_OBJECT, F_NULL, "h.attributes" },                       \
                                                         __VA_ARGS__ };                                                            \
    static const struct resource kind##_loaded = {                                                                                 \
        .name = #kind " with its label",                                                                                           \
        .fields = kind##_loaded_fields,                                                                                            \
        .n_fields = COUNT_OF(kind##_loaded_fields),                                                                                \
        .from = "(SELECT * FROM shape WHERE kind = '" #kind "') h JOIN label l ON l.id = h.label_id",                              \
        .key = "h.id",                                                                                                             \
        .order = "h.position",                                                                                                     \
    };
#define AREA                                                                                                                       \
    {                                                                                                                              \
        "area", T_NUMBER, 0, "h.area"                                                                                              \
    }
LOADED(rectangle, { "x", T_INT, 0, "h.x" }, { "y", T_INT, 0, "h.y" }, { "w", T_INT, 0, "h.w" }, { "h", T_INT, 0, "h.h" },
       { "box", T_ARRAY, F_NULL, "h.geometry", .of = &number_value }, AREA)
LOADED(polygon, { "polygon", T_ARRAY, 0, "coalesce(h.geometry, \'[]\')", .of = &point_value }, AREA)
LOADED(line, { "line", T_ARRAY, 0, "coalesce(h.geometry, \'[]\')", .of = &point_value })
LOADED(point, { "point", T_JSON, 0, "coalesce(h.geometry, \'[]\')", .of = &point_value })
LOADED(classification)
LOADED(keypoints, { "keypoints", T_ARRAY, F_NULL, "h.geometry" })
LOADED(mask, { "mask", T_TEXT, F_NULL, "h.geometry" }, AREA)
#define LOADED_MEMBER(name, kind)                                                                                                  \
    {                                                                                                                              \
        name, T_MANY, 0, "n.id", .of = &kind##_loaded, .by = "h.annotation_id"                                                     \
    }
static const struct field loaded_fields[] = {
    { "id", T_ID, 0, "n.id" },
    { "asset_id", T_ID, 0, "n.asset_id" },
    { "status", T_TEXT, 0, "n.status", .words = annotation_statuses },
    { "attributes", T_OBJECT, F_NULL, "n.attributes" },
    LOADED_MEMBER("rectangles", rectangle),
    LOADED_MEMBER("polygons", polygon),
    LOADED_MEMBER("lines", line),
    LOADED_MEMBER("points", point),
    LOADED_MEMBER("classifications", classification),
    LOADED_MEMBER("keypoints", keypoints),
    LOADED_MEMBER("masks", mask),
};
static const struct resource loaded_annotation = {
    .name = "annotation with its labels",
    .fields = loaded_fields,
    .n_fields = COUNT_OF(loaded_fields),
    .from = "annotation n",
    .key = "n.id",
    .org = "n.org",
    .root = "(SELECT v.dataset_id FROM dataset_version v WHERE v.id = n.dataset_version_id)",
    .order = "n.id DESC",
};

static enum err load(struct op *op)
{
    struct value ids;
    TRY(in_ids(op, "*", &ids));
    return reply_rows(op, NULL, &loaded_annotation, "n.dataset_version_id = ?1 AND n.id IN " LISTED("?2"), V(op->id), V(ids));
}

/* asset_ids may be ["__all__"]: then annotation_ids, if sent, says which. */
static enum err remove_annotation(struct bulk *b, const char *id, const char *made)
{
    (void)made;
    TRY(sql_run(b->db, "DELETE FROM annotation_row WHERE id = ?1", V(id)));
    b->counted += sql_changes(b->db);
    return OK;
}
const struct bulk_kind remove_annotations_bulk = {
    "remove_annotations", "deleting annotations", NULL, NULL, remove_annotation, NULL, NULL, "removed", false, "version",
    VERSION_CALLED
};

/* asset_ids may be the one word "__all__". */
static enum err unwanted(struct op *op, struct bulk_list *l)
{
    const struct json *assets = in_json(op, "asset_ids");
    TRY(annotations_check_open(op->db, op->id));
    const char *first = json_text(json_at(assets, 0));
    bool all = json_count(assets) == 1 && first && strcmp(first, "__all__") == 0;
    char id[ID_SIZE];
    for (size_t i = 0; !all && i < json_count(assets); i++)
        if (!json_text(json_at(assets, i)) || !id_parse(json_text(json_at(assets, i)), id))
            return fail(E_INVALID, "asset_ids[%zu] is no id", i);
    if (json_absent(assets) && !in_has(op, "annotation_ids"))
        return fail(E_INVALID, "say which: asset_ids or annotation_ids");
    struct value values[3] = { V(op->id), V((const char *)NULL) };
    if (!all)
        TRY(in_ids(op, "asset_ids", &values[1]));
    TRY(in_ids(op, "annotation_ids", &values[2]));
    return bulk_rows(op,
                     "SELECT id FROM annotation WHERE dataset_version_id = ?1 "
                     "AND (CAST(?2 AS INTEGER) IS NULL OR asset_id IN " LISTED(
                         "?2") ") AND (CAST(?3 AS INTEGER) IS NULL OR id IN " LISTED("?3") ")",
                     values, 3, l);
}

static enum err delete_many(struct op *op)
{
    int64_t count = 0;
    TRY(bulk_change_wait(op, &remove_annotations_bulk, unwanted, arena_fmt(op->arena, "{\"version\":\"%s\"}", op->id), &count));
    out_object(&op->out, NULL);
    out_int(&op->out, "count", count);
    out_end_object(&op->out);
    return OK;
}

#define STATUS                                                                                                                     \
    {                                                                                                                              \
        "status", T_TEXT, F_NULL, .words = annotation_statuses                                                                     \
    }
#define DURATION                                                                                                                   \
    {                                                                                                                              \
        "duration", T_NUMBER, F_NULL, .min = 0, .max = 1e9                                                                         \
    }
#define SHAPE_LISTS                                                                                                                \
    { "rectangles", T_ARRAY, F_NULL, .max = 100000 }, { "polygons", T_ARRAY, F_NULL, .max = 100000 },                              \
        { "lines", T_ARRAY, F_NULL, .max = 100000 }, { "points", T_ARRAY, F_NULL, .max = 100000 },                                 \
        { "classifications", T_ARRAY, F_NULL, .max = 100000 }, { "keypoints", T_ARRAY, F_NULL, .max = 100000 },                    \
    {                                                                                                                              \
        "masks", T_ARRAY, F_NULL, .max = 100000                                                                                    \
    }
static const struct field put_in[] = { { "revision", T_INT, F_NEED, .min = 0, .max = 1e15 },
                                       { "attributes", T_OBJECT, F_NULL },
                                       SHAPE_LISTS };
static const struct field save_in[] = { DURATION, SHAPE_LISTS };
static const struct field bulk_in[] = { { "import_type", T_TEXT, F_NEED, .words = import_modes },
                                        { "annotations", T_ARRAY, F_NEED, .max = BULK_MOST },
                                        STATUS };
static const struct field list_in[] = { STATUS };
static const struct field ids_in[] = { STATUS, { "asset_ids", T_IDS, 0, .max = IDS_MOST } };
static const struct field load_in[] = { { "*", T_IDS, F_NEED, .max = 10000 } };
static const struct field delete_in[] = { { "asset_ids", T_ARRAY, F_NULL, .max = IDS_MOST },
                                          { "annotation_ids", T_IDS, F_NULL, .max = IDS_MOST } };

#define ANNOTATION .answers = &annotation_resource
DESCRIBED(bulk_answer, "annotations written", { "annotations", T_INT }, { "kept", T_INT }, { "shapes", T_INT });

static const struct route routes[] = {
    { "GET", "/api/asset/{id}/annotations", list_of_asset, MAY_READ, WORK_READ, "the asset's annotation, as a list", ANNOTATION,
      .on = &asset_resource, .gives = GIVES_PAGE },
    { "POST", "/api/asset/{id}/annotations", create, MAY_ANNOTATE, WORK_WRITE, "makes an empty annotation",
      MAKES(&annotation_resource), .on = &asset_resource },
    { "GET", "/api/asset/{id}/annotations/find", find_of_asset, MAY_READ, WORK_READ, "the asset's annotation", ANNOTATION,
      .on = &asset_resource },
    { "PUT", "/api/asset/{id}/annotation", put, MAY_ANNOTATE, WORK_FREE,
      "saves the annotation: all shapes of each kind that is sent; 409 if it is not the revision that was edited", FIELDS(put_in),
      CHANGES(&annotation_resource), .body_cap = BODY, .on = &asset_resource },
    { "GET", "/api/annotation/{id}", get, MAY_READ, WORK_READ, "one annotation with its shapes", ANNOTATION,
      .on = &annotation_resource },
    { "PATCH", "/api/annotation/{id}", update, MAY_ANNOTATE, WORK_WRITE, "changes status or duration",
      CHANGES(&annotation_resource), .on = &annotation_resource },
    { "DELETE", "/api/annotation/{id}", delete_one, MAY_ANNOTATE, WORK_WRITE, "deletes an annotation", .on = &annotation_resource,
      .gives = GIVES_NOTHING },
    { "POST", "/api/annotation/{id}/save", overwrite, MAY_ANNOTATE, WORK_FREE, "replaces all shapes", FIELDS(save_in), ANNOTATION,
      .body_cap = BODY, .on = &annotation_resource },
    { "POST", "/api/dataset/version/{id}/bulk-annotations", bulk, MAY_ANNOTATE, WORK_FREE,
      "writes many annotations: all, or none with the fault named", FIELDS(bulk_in), .body_cap = BODY,
      .on = &dataset_version_resource, .answers = &bulk_answer },
    { "GET", "/api/dataset/version/{id}/annotations", list, MAY_READ, WORK_READ, "annotations by page", FIELDS(list_in), ANNOTATION,
      .on = &dataset_version_resource, .gives = GIVES_PAGE },
    { "GET", "/api/dataset/version/{id}/annotations/ids", ids, MAY_READ, WORK_READ, "the ids of annotations", FIELDS(ids_in),
      .on = &dataset_version_resource, .answers = &id_answer, .gives = GIVES_ROWS },
    { "XGET", "/api/dataset/version/{id}/annotations", load, MAY_READ, WORK_READ,
      "annotations by id, shapes with the names of their labels", FIELDS(load_in), .on = &dataset_version_resource,
      .answers = &loaded_annotation, .gives = GIVES_ROWS },
    { "DELETE", "/api/dataset/version/{id}/annotations", delete_many, MAY_WRITE, WORK_FREE, "deletes annotations",
      FIELDS(delete_in), .body_cap = 16 << 20, .on = &dataset_version_resource, .answers = &count_answer },
};

const struct resource annotation_resource = {
    .name = "annotation",
    .table = table,
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "annotation n",
    .key = "n.id",
    .org = "n.org",
    .root = "(SELECT v.dataset_id FROM dataset_version v WHERE v.id = n.dataset_version_id)",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
