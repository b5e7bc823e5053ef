/* What an experiment's model said about images of an attached dataset version, shape by shape with scores. */
#include "app/datalake/datalake.h"
#include "app/experiment/experiment.h"
#include "base/clock.h"
#include "job/job.h"
#include <math.h>
#include <string.h>

enum { AT_ONCE = 100, SHAPES_MOST = 10000 };

#define SHAPE_TABLE                                                                                                                \
    "CREATE TABLE evaluation_shape (evaluation_id TEXT NOT NULL REFERENCES evaluation(id) ON DELETE CASCADE, position INTEGER NOT" \
    " NULL, kind TEXT NOT NULL, label_id TEXT NOT NULL REFERENCES label(id) ON DELETE CASCADE, score REAL NOT NULL, text TEXT,"    \
    " x REAL, y REAL, w REAL, h REAL, geometry TEXT, PRIMARY KEY (evaluation_id, position)) STRICT, WITHOUT ROWID;"                \
    "CREATE INDEX evaluation_shape_of_label ON evaluation_shape (label_id)"
static const char table[] =
    "CREATE TABLE evaluation (id TEXT PRIMARY KEY, experiment_id TEXT NOT NULL REFERENCES experiment(id) ON DELETE CASCADE,"
    " asset_id TEXT NOT NULL REFERENCES asset(id) ON DELETE CASCADE, custom_metrics TEXT,"
    " created_at INTEGER NOT NULL, UNIQUE (experiment_id, asset_id)) STRICT;"
    "CREATE INDEX evaluation_of_asset ON evaluation (asset_id);" SHAPE_TABLE;

/* ---- what it looks like */

#define COMMON                                                                                                                     \
    { "label", T_PART, 0, .of = &label_evaluated }, { "label_id", T_ID, 0, "l.id" }, { "score", T_NUMBER, 0, "h.score" },          \
    {                                                                                                                              \
        "text", T_TEXT, F_NULL, "h.text"                                                                                           \
    }
static const struct field label_fields[] = { { "id", T_ID, 0, "l.id" }, { "name", T_TEXT, 0, "l.name" } };
static const struct resource label_evaluated = { .name = "label of an evaluated shape",
                                                 .fields = label_fields,
                                                 .n_fields = COUNT_OF(label_fields) };
static const struct field rectangle_fields[] = {
    COMMON,
    { "x", T_NUMBER, F_NULL, "h.x" },
    { "y", T_NUMBER, F_NULL, "h.y" },
    { "w", T_NUMBER, F_NULL, "h.w" },
    { "h", T_NUMBER, F_NULL, "h.h" },
};
static const struct field classification_fields[] = { COMMON };
#define EVALUATED(name_, fields_, kind)                                                                                            \
    static const struct resource name_ = {                                                                                         \
        .name = "evaluated " kind,                                                                                                 \
        .fields = fields_,                                                                                                         \
        .n_fields = COUNT_OF(fields_),                                                                                             \
        .from = "evaluation_shape h JOIN label l ON l.id = h.label_id AND h.kind = '" kind "'",                                    \
        .key = "h.label_id",                                                                                                       \
        .order = "h.position",                                                                                                     \
    };
/* The kinds whose geometry is one member, of that name. */
#define WITH_GEOMETRY(kind)                                                                                                        \
    static const struct field kind##_fields[] = { COMMON, { #kind, T_JSON, F_NULL, "h.geometry" } };                               \
    EVALUATED(evaluated_##kind, kind##_fields, #kind)
EVALUATED(evaluated_rectangle, rectangle_fields, "rectangle")
EVALUATED(evaluated_classification, classification_fields, "classification")
WITH_GEOMETRY(polygon)
WITH_GEOMETRY(line)
WITH_GEOMETRY(point)
WITH_GEOMETRY(keypoints)
WITH_GEOMETRY(mask)

static const struct field asset_fields[] = { { "id", T_ID, 0, "a.id" }, { "data", T_PART, 0, .of = &data_short } };
static const struct resource asset_evaluated = { .name = "evaluated asset",
                                                 .fields = asset_fields,
                                                 .n_fields = COUNT_OF(asset_fields),
                                                 .from = "asset a JOIN data d ON d.id = a.data_id",
                                                 .key = "a.id" };

#define SHAPES(list, kind)                                                                                                         \
    {                                                                                                                              \
        list, T_MANY, 0, "v.id", .of = &evaluated_##kind, .by = "h.evaluation_id"                                                  \
    }
static const struct field fields[] = {
    { "id", T_ID, F_FILTER, "v.id" },
    { "asset_id", T_ID, 0, "v.asset_id" },
    { "asset", T_ONE, 0, "v.asset_id", .of = &asset_evaluated },
    { "experiment_id", T_ID, 0, "v.experiment_id" },
    SHAPES("rectangles", rectangle),
    SHAPES("polygons", polygon),
    SHAPES("classifications", classification),
    SHAPES("keypoints", keypoints),
    SHAPES("masks", mask),
    SHAPES("lines", line),
    SHAPES("points", point),
    { "custom_metrics", T_OBJECT, F_NULL, "v.custom_metrics" },
    { "created_at", T_TIME, F_SORT, "v.created_at" },
};

/* ---- shapes coming in: the list that holds them, what one is called, and the member with its geometry */

static const struct kind {
    const char *list, *name, *geometry;
} kinds[] = {
    { "rectangles", "rectangle", NULL },
    { "polygons", "polygon", "polygon" },
    { "classifications", "classification", NULL },
    { "keypoints", "keypoints", "keypoints" },
    { "masks", "mask", "mask" },
    { "lines", "line", "line" },
    { "points", "point", "point" },
};

/* Every shape has a score from 0 to 1 and a label of the asset's dataset version. */
static enum err check_shape(struct op *op, const char *asset, const struct kind *k, const struct json *shape, const char *where)
{
    static const struct field common[] = {
        { "label_id", T_ID, F_NEED },
        { "score", T_NUMBER, F_NEED, .min = 0, .max = 1 },
        { "text", T_TEXT, F_NULL },
    };
    static const struct field box[] = {
        { "x", T_NUMBER, F_NEED, .min = -1e6, .max = 1e6 },
        { "y", T_NUMBER, F_NEED, .min = -1e6, .max = 1e6 },
        { "w", T_NUMBER, F_NEED, .min = 0, .max = 1e6 },
        { "h", T_NUMBER, F_NEED, .min = 0, .max = 1e6 },
    };
    TRY(fields_check(FIELDS(common), shape, where));
    if (strcmp(k->name, "rectangle") == 0)
        TRY(fields_check(FIELDS(box), shape, where));
    char label[ID_SIZE];
    int64_t known = 0;
    id_parse(json_text(json_get(shape, "label_id")), label);
    TRY(sql_int(op->db, &known,
                "SELECT count(*) FROM label l JOIN asset a ON a.dataset_version_id = l.dataset_version_id"
                " WHERE l.id = ?1 AND a.id = ?2",
                V((const char *)label), V(asset)));
    return known ? OK : fail(E_UNMEANT, "%s: the asset's dataset version has no label %s", where, label);
}

static enum err add_shape(struct sql *db, struct arena *a, const char *evaluation, int64_t position, const struct kind *k,
                          const struct json *shape)
{
    char label[ID_SIZE];
    double score = 0, box[4] = { 0 };
    const struct json *geometry = k->geometry ? json_get(shape, k->geometry) : NULL;
    if (!id_parse(json_text(json_get(shape, "label_id")), label))
        return fail(E_INVALID, "label_id is no id");
    json_number(json_get(shape, "score"), &score);
    for (int i = 0; i < 4; i++)
        json_number(json_get(shape, (const char *const[]){ "x", "y", "w", "h" }[i]), &box[i]);
    return sql_run(db,
                   "INSERT INTO evaluation_shape (evaluation_id, position, kind, label_id, score, text, x, y, w, h, geometry)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                   V(evaluation), V(position), V(k->name), V((const char *)label), V(score), V(json_text(json_get(shape, "text"))),
                   V(box[0]), V(box[1]), V(box[2]), V(box[3]), V(json_absent(geometry) ? NULL : json_print(a, geometry)));
}

/* The step that gave shapes a table of their own: before, an evaluation held them as one text. Shapes whose label is gone go too.
 */
static enum err unpack(struct sql *db, struct arena *a, const char *evaluation, const char *text)
{
    const struct json *all;
    int64_t position = 0, known;
    TRY(json_parse(a, text, strlen(text), &all));
    for (const struct kind *k = kinds; k < kinds + COUNT_OF(kinds); k++)
        for (size_t i = 0; i < json_count(json_get(all, k->list)); i++) {
            const struct json *shape = json_at(json_get(all, k->list), i);
            TRY(sql_int(db, &known, "SELECT count(*) FROM label WHERE id = lower(?1)", V(json_text(json_get(shape, "label_id")))));
            if (known)
                TRY(add_shape(db, a, evaluation, position++, k, shape));
        }
    return OK;
}

enum err evaluation_migrate(struct sql *db, struct arena *unused)
{
    (void)unused;
    TRY(sql_script(db, SHAPE_TABLE));
    {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_rows(db, &r, "SELECT id, shapes FROM evaluation"));
        while (rows_next(r)) {
            AUTO(arena) struct arena *a = arena_new(); /* an evaluation's shapes need not outlive it */
            TRY(fail_within(unpack(db, a, rows_text(r, 0), rows_text(r, 1)), "evaluation %s: ", rows_text(r, 0)));
        }
        TRY(rows_error(r));
    }
    return sql_script(db, "ALTER TABLE evaluation DROP COLUMN shapes");
}

/* ---- routes */

static enum err check_asset(struct op *op, const char *experiment, const char *asset)
{
    int64_t attached = 0;
    TRY(sql_int(op->db, &attached,
                "SELECT count(*) FROM asset a JOIN experiment_dataset d ON d.dataset_version_id = a.dataset_version_id"
                " WHERE a.id = ?1 AND d.experiment_id = ?2",
                V(asset), V(experiment)));
    return attached ? OK : fail(E_UNMEANT, "the asset %s is in no dataset version attached to the experiment", asset);
}

static enum err add_shapes(struct op *op, const char *evaluation, const char *asset, const struct json *e, const char *where)
{
    int64_t position = 0;
    for (const struct kind *k = kinds; k < kinds + COUNT_OF(kinds); k++) {
        const struct json *shapes = json_get(e, k->list);
        if (json_count(shapes) > SHAPES_MOST)
            return fail(E_TOO_BIG, "%s.%s has over %d shapes", where, k->list, SHAPES_MOST);
        for (size_t i = 0; i < json_count(shapes); i++) {
            const struct json *shape = json_at(shapes, i);
            TRY(check_shape(op, asset, k, shape, arena_fmt(op->arena, "%s.%s[%zu]", where, k->list, i)));
            TRY(add_shape(op->db, op->arena, evaluation, position++, k, shape));
        }
    }
    return OK;
}

/* keep: one that is there stays; else it is replaced. */
static enum err add_one(struct op *op, const char *experiment, const struct json *e, size_t index, bool keep)
{
    static const struct field in[] = { { "asset_id", T_ID, F_NEED }, { "custom_metrics", T_OBJECT, F_NULL } };
    const char *where = arena_fmt(op->arena, "evaluations[%zu]", index), *id = id_new(op->arena);
    const struct json *metrics = json_get(e, "custom_metrics");
    char asset[ID_SIZE];
    TRY(fields_check(FIELDS(in), e, where));
    id_parse(json_text(json_get(e, "asset_id")), asset);
    TRY(check_asset(op, experiment, asset));
    if (!keep)
        TRY(sql_run(op->db, "DELETE FROM evaluation WHERE experiment_id = ?1 AND asset_id = ?2", V(experiment),
                    V((const char *)asset)));
    TRY(sql_run(op->db,
                "INSERT INTO evaluation (id, experiment_id, asset_id, custom_metrics, created_at)"
                " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
                V(id), V(experiment), V((const char *)asset), V(json_absent(metrics) ? NULL : json_print(op->arena, metrics)),
                V(clock_now_ms())));
    return sql_changes(op->db) ? add_shapes(op, id, asset, e, where) : OK;
}

static enum err add(struct op *op)
{
    const struct json *all = in_json(op, "evaluations");
    bool keep = in_has(op, "import_type") && strcmp(in_text(op, "import_type"), "KEEP") == 0;
    for (size_t i = 0; i < json_count(all); i++)
        TRY(add_one(op, op->id, json_at(all, i), i, keep));
    op->status = 201;
    return OK;
}

static enum err list(struct op *op)
{
    return reply_page(op, &evaluation_resource, "v.experiment_id = ?1", V(op->id));
}

static enum err get(struct op *op)
{
    return reply_one(op, &evaluation_resource, op->id);
}

static enum err delete (struct op *op) { return sql_run(op->db, "DELETE FROM evaluation WHERE id = ?1", V(op->id)); }

static const char *const modes[] = { "KEEP", "REPLACE", NULL };
static const struct field add_in[] = {
    { "import_type", T_TEXT, F_NULL, .words = modes },
    { "evaluations", T_ARRAY, F_NEED, .min = 1, .max = AT_ONCE },
};

static const struct route routes[] = {
    { "POST", "/api/experiment/{id}/evaluations", add, MAY_WRITE, WORK_WRITE, "stores predictions for images of attached datasets",
      FIELDS(add_in), NULL, 32 << 20, .on = &experiment_resource, .gives = GIVES_NOTHING },
    { "GET", "/api/experiment/{id}/evaluations", list, MAY_READ, WORK_READ, "the evaluations of an experiment", NULL, 0,
      &evaluation_resource, .on = &experiment_resource, .gives = GIVES_PAGE },
    { "GET", "/api/evaluation/{id}", get, MAY_READ, WORK_READ, "an evaluation", NULL, 0, &evaluation_resource,
      .on = &evaluation_resource },
    { "DELETE", "/api/evaluation/{id}", delete, MAY_WRITE, WORK_WRITE, "deletes an evaluation", .on = &evaluation_resource,
      .gives = GIVES_NOTHING },
};

const struct resource evaluation_resource = {
    .name = "evaluation",
    .table = table,
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "evaluation v JOIN experiment e ON e.id = v.experiment_id JOIN project p ON p.id = e.project_id",
    .key = "v.id",
    .org = "p.org",
    .root = "p.id",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
