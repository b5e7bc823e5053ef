/* What an experiment's model said about images of an attached dataset version, shape by shape with scores. */
#include "app/experiment/experiment.h"
#include "base/clock.h"
#include "job/job.h"
#include <math.h>
#include <string.h>

enum { AT_ONCE = 100, SHAPES_MOST = 10000 };

static const char table[] =
    "CREATE TABLE evaluation (id TEXT PRIMARY KEY, experiment_id TEXT NOT NULL REFERENCES experiment(id) ON DELETE CASCADE,"
    " asset_id TEXT NOT NULL REFERENCES asset(id) ON DELETE CASCADE, shapes TEXT NOT NULL, custom_metrics TEXT,"
    " created_at INTEGER NOT NULL, UNIQUE (experiment_id, asset_id)) STRICT";

static const struct field fields[] = {
    { "id", T_ID, F_FILTER, "v.id" },
    { "asset_id", T_ID, 0, "v.asset_id" },
    { "experiment_id", T_ID, 0, "v.experiment_id" },
    { "shapes", T_OBJECT, 0, "v.shapes" },
    { "custom_metrics", T_OBJECT, 0, "v.custom_metrics" },
    { "created_at", T_TIME, F_SORT, "v.created_at" },
};

static const char *const kinds[] = { "rectangles", "polygons", "classifications", "keypoints", "masks", "lines", "points" };

/* Every shape has a score from 0 to 1 and a label of the asset's dataset version. */
static enum err check_shape(struct op *op, const char *asset, const char *kind, const struct json *shape, const char *where)
{
    static const struct field common[] = {
        { "label_id", T_ID, F_NEED },
        { "score", T_NUMBER, F_NEED, .min = 0, .max = 1 },
        { "text", T_TEXT, F_NULL },
    };
    static const struct field box[] = {
        { "x", T_INT, F_NEED, .min = -1e6, .max = 1e6 },
        { "y", T_INT, F_NEED, .min = -1e6, .max = 1e6 },
        { "w", T_INT, F_NEED, .min = 0, .max = 1e6 },
        { "h", T_INT, F_NEED, .min = 0, .max = 1e6 },
    };
    TRY(fields_check(FIELDS(common), shape, where));
    if (strcmp(kind, "rectangles") == 0)
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

static enum err check_asset(struct op *op, const char *experiment, const char *asset)
{
    int64_t attached = 0;
    TRY(sql_int(op->db, &attached,
                "SELECT count(*) FROM asset a JOIN experiment_dataset d ON d.dataset_version_id = a.dataset_version_id"
                " WHERE a.id = ?1 AND d.experiment_id = ?2",
                V(asset), V(experiment)));
    return attached ? OK : fail(E_UNMEANT, "the asset %s is in no dataset version attached to the experiment", asset);
}

static enum err add_one(struct op *op, const char *experiment, const struct json *e, size_t index, bool keep)
{
    static const struct field in[] = { { "asset_id", T_ID, F_NEED }, { "custom_metrics", T_OBJECT, F_NULL } };
    const char *where = arena_fmt(op->arena, "evaluations[%zu]", index);
    char asset[ID_SIZE];
    TRY(fields_check(FIELDS(in), e, where));
    id_parse(json_text(json_get(e, "asset_id")), asset);
    TRY(check_asset(op, experiment, asset));
    AUTO(out) struct out o;
    out_init(&o, 8 << 20);
    out_object(&o, NULL);
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        const struct json *shapes = json_get(e, kinds[k]);
        if (json_count(shapes) > SHAPES_MOST)
            return fail(E_TOO_BIG, "%s.%s has over %d shapes", where, kinds[k], SHAPES_MOST);
        for (size_t i = 0; i < json_count(shapes); i++)
            TRY(check_shape(op, asset, kinds[k], json_at(shapes, i), arena_fmt(op->arena, "%s.%s[%zu]", where, kinds[k], i)));
        if (json_count(shapes))
            out_json(&o, kinds[k], shapes);
    }
    out_end_object(&o);
    const struct json *metrics = json_get(e, "custom_metrics");
    const char *metrics_text = json_absent(metrics) ? NULL : json_print(op->arena, metrics);
    if (keep)
        return sql_run(op->db,
                       "INSERT INTO evaluation (id, experiment_id, asset_id, shapes, custom_metrics, created_at)"
                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
                       V(id_new(op->arena)), V(experiment), V((const char *)asset), V(o.text.bytes), V(metrics_text),
                       V(clock_now_ms()));
    return sql_run(op->db,
                   "INSERT INTO evaluation (id, experiment_id, asset_id, shapes, custom_metrics, created_at)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (experiment_id, asset_id) DO UPDATE SET"
                   " shapes = excluded.shapes, custom_metrics = excluded.custom_metrics, created_at = excluded.created_at",
                   V(id_new(op->arena)), V(experiment), V((const char *)asset), V(o.text.bytes), V(metrics_text),
                   V(clock_now_ms()));
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
      FIELDS(add_in), NULL, 32 << 20, .on = &experiment_resource },
    { "GET", "/api/experiment/{id}/evaluations", list, MAY_READ, WORK_READ, "the evaluations of an experiment", NULL, 0,
      &evaluation_resource, .on = &experiment_resource },
    { "GET", "/api/evaluation/{id}", get, MAY_READ, WORK_READ, "an evaluation", NULL, 0, &evaluation_resource,
      .on = &evaluation_resource },
    { "DELETE", "/api/evaluation/{id}", delete, MAY_WRITE, WORK_WRITE, "deletes an evaluation", .on = &evaluation_resource },
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
