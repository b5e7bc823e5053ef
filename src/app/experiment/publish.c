/* An experiment becomes a model version: "Export as model". */
#include "app/dataset/dataset.h"
#include "app/experiment/experiment.h"
#include "app/model/model.h"
#include <string.h>

static bool ends_with(const char *s, const char *end)
{
    size_t n = s ? strlen(s) : 0, m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

static const char *copy(struct arena *a, struct rows *r, int column)
{
    return arena_str(a, rows_text(r, column));
}

/* What the experiment says itself, else what its base model says. */
static enum err describe(struct sql *db, struct arena *a, const char *id, struct model_version_new *v)
{
    AUTO(rows) struct rows *r = NULL;
    enum err e = sql_first(
        db, &r,
        "SELECT coalesce((SELECT data FROM log WHERE experiment_id = e.id AND name = 'labelmap' AND type = 'LABELMAP'), b.labels),"
        " coalesce((SELECT data FROM log WHERE experiment_id = e.id AND name = 'parameters' AND type = 'TABLE'), b.parameters),"
        " coalesce(b.type, (SELECT v.type FROM experiment_dataset d JOIN dataset_version v ON v.id = d.dataset_version_id"
        " WHERE d.experiment_id = e.id ORDER BY d.created_at LIMIT 1)), b.framework, b.architecture,"
        " (SELECT filename FROM artifact WHERE experiment_id = e.id AND name = 'model-latest'), b.docker_image, b.docker_tag,"
        " b.docker_flags, b.docker_env_variables"
        " FROM experiment e LEFT JOIN model_version b ON b.id = e.base_model_version_id WHERE e.id = ?1",
        V(id));
    if (e == E_NOT_FOUND)
        return fail(E_NOT_FOUND, "there is no experiment %s", id);
    TRY(e);
    v->labels = copy(a, r, 0);
    v->parameters = copy(a, r, 1);
    v->type = copy(a, r, 2);
    v->framework = ends_with(rows_text(r, 5), ".onnx") ? "ONNX" : copy(a, r, 3);
    v->architecture = copy(a, r, 4);
    v->docker_image = copy(a, r, 6);
    v->docker_tag = copy(a, r, 7);
    v->docker_flags = copy(a, r, 8);
    v->docker_env = copy(a, r, 9);
    return OK;
}

static enum err repartition(struct sql *db, struct out *o, const char *version)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r, "SELECT name, n_shapes FROM label WHERE dataset_version_id = ?1 ORDER BY position", V(version)));
    out_object(o, "repartition");
    while (rows_next(r))
        out_int(o, rows_text(r, 0), rows_int(r, 1));
    out_end_object(o);
    return rows_error(r);
}

static const char *const names[] = { "name", "version_id", "dataset_name", "version_name" };

/* Those that are no more, as they were when it learnt from them. */
static enum err deleted(struct sql *db, struct out *o, const char *id)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r,
                 "SELECT o.name, o.thing_id, o.origin_name, o.version, o.nb_assets, o.labels FROM experiment_source o WHERE "
                 "o.experiment_id = ?1 AND"
                 " o.kind = 'dataset version' AND NOT EXISTS (SELECT 1 FROM experiment_dataset d WHERE d.experiment_id = ?1 AND"
                 " d.name = o.name) ORDER BY o.name",
                 V(id)));
    while (rows_next(r)) {
        out_object(o, NULL);
        for (int i = 0; i < 4; i++)
            out_text(o, names[i], rows_text(r, i));
        out_int(o, "nb_assets", rows_int(r, 4));
        out_raw(o, "repartition", rows_text(r, 5));
        out_end_object(o);
    }
    return rows_error(r);
}

/* The dataset versions as they are now, with objects per label. */
static enum err datasets(struct sql *db, struct arena *a, const char *id, const char **ret)
{
    AUTO(out) struct out o;
    out_init(&o, 16 << 20);
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r,
                 "SELECT d.name, v.id, s.name, v.version, (SELECT count(*) FROM asset a WHERE a.dataset_version_id = v.id)"
                 " FROM experiment_dataset d JOIN dataset_version v ON v.id = d.dataset_version_id"
                 " JOIN dataset s ON s.id = v.dataset_id WHERE d.experiment_id = ?1 ORDER BY d.name",
                 V(id)));
    out_array(&o, NULL);
    while (rows_next(r)) {
        out_object(&o, NULL);
        for (int i = 0; i < 4; i++)
            out_text(&o, names[i], rows_text(r, i));
        out_int(&o, "nb_assets", rows_int(r, 4));
        TRY(repartition(db, &o, rows_text(r, 1)));
        out_end_object(&o);
    }
    TRY(rows_error(r));
    TRY(deleted(db, &o, id));
    out_end_array(&o);
    *ret = arena_str(a, o.text.bytes);
    return OK;
}

static enum err files(struct sql *db, const char *id, const char *version)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r, "SELECT name, filename, object_name, large FROM artifact WHERE experiment_id = ?1", V(id)));
    while (rows_next(r))
        TRY(model_file_add(db, version, rows_text(r, 0), rows_text(r, 1), rows_text(r, 2), rows_int(r, 3)));
    return rows_error(r);
}

enum err experiment_publish(struct sql *db, struct arena *a, const char *id, const char *model_id, const char *user_id,
                            const char **ret_version_id)
{
    struct model_version_new v = { .model_id = model_id, .experiment_id = id, .user_id = user_id };
    TRY(describe(db, a, id, &v));
    TRY(datasets(db, a, id, &v.datas));
    TRY(model_version_add(db, a, &v, ret_version_id));
    TRY(files(db, id, *ret_version_id));
    return event_tell(db, &experiment_resource, id, arena_fmt(a, "experiment:%s", id),
                      arena_fmt(a, "{\"kind\":\"published\",\"model_version_id\":\"%s\"}", *ret_version_id));
}

static enum err as_model(struct op *op)
{
    const char *model, *version;
    TRY(organization_need_to_change(op));
    const struct model_new m = { op->org, op->user_id, in_text(op, "name"), in_text(op, "description"), NULL, NULL };
    TRY(model_add(op->db, op->arena, &m, &model));
    TRY(experiment_publish(op->db, op->arena, op->id, model, op->user_id, &version));
    op->status = 201;
    return reply_one(op, &model_version_resource, version);
}

static enum err as_version(struct op *op)
{
    const char *model = in_text(op, "model_id"), *version;
    TRY(resource_need_to_change(op, &model_resource, model));
    TRY(experiment_publish(op->db, op->arena, op->id, model, op->user_id, &version));
    op->status = 201;
    return reply_one(op, &model_version_resource, version);
}

static const struct field model_in[] = {
    { "name", T_TEXT, F_NEED, .min = 1, .max = 200 },
    { "description", T_TEXT, F_NULL, .max = 5000 },
};
static const struct field version_in[] = { { "model_id", T_ID, F_NEED } };

static const struct route routes[] = {
    { "POST", "/api/experiment/{id}/publish", as_model, MAY_WRITE, WORK_WRITE, "exports the experiment as version 0 of a new model",
      FIELDS(model_in), &model_version_resource, .on = &experiment_resource },
    { "POST", "/api/experiment/{id}/publish/version", as_version, MAY_WRITE, WORK_WRITE,
      "exports the experiment as the next version of a model", FIELDS(version_in), &model_version_resource,
      .on = &experiment_resource },
};

const struct resource publish_resource = { .name = "publication", .routes = routes, .n_routes = COUNT_OF(routes) };
