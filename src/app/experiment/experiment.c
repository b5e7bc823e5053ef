#include "app/experiment/experiment.h"
#include "app/account/account.h"
#include "app/dataset/dataset.h"
#include "app/model/model.h"
#include "app/project/project.h"
#include "base/clock.h"
#include "base/file.h"
#include "job/job.h"
#include <string.h>

const char *const experiment_statuses[] = { "WAITING", "RUNNING", "SUCCESS", "FAILED", "CANCELED", "TERMINATED", NULL };

static const char table[] =
    "CREATE TABLE experiment (id TEXT PRIMARY KEY, project_id TEXT NOT NULL REFERENCES project(id) ON DELETE CASCADE,"
    " name TEXT NOT NULL, description TEXT NOT NULL, status TEXT NOT NULL, error TEXT,"
    " base_model_version_id TEXT REFERENCES model_version(id) ON DELETE SET NULL,"
    " base_experiment_id TEXT REFERENCES experiment(id) ON DELETE SET NULL, job_id TEXT, cancelled INTEGER NOT NULL DEFAULT 0,"
    " progress REAL NOT NULL DEFAULT 0, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, started_at INTEGER,"
    " ended_at INTEGER, created_by TEXT, UNIQUE (project_id, name)) STRICT";

static const struct field attached_fields[] = {
    { "name", T_TEXT, 0, "d.name" },
    { "dataset_version", T_ONE, 0, "d.dataset_version_id", .of = &dataset_version_short },
};
static const struct resource attached = {
    .name = "dataset version of an experiment",
    .fields = attached_fields,
    .n_fields = COUNT_OF(attached_fields),
    .from = "experiment_dataset d",
    .key = "d.name",
    .order = "d.name",
};

/* The best value of the main metric of its task, of its curve or as it was logged at the end. */
#define BEST_POINT(column)                                                                                                         \
    "(SELECT " column " FROM log_point p WHERE p.log_id = l.id AND p.value IS NOT NULL"                                            \
    " ORDER BY CAST(p.value AS REAL) DESC, p.step LIMIT 1)"
static const struct field best_fields[] = {
    { "name", T_TEXT, 0, "b.name" },
    { "value", T_JSON, F_NULL, "b.value", .of = &number_value },
    { "step", T_JSON, F_NULL, "b.step", .of = &number_value },
};
static const struct resource best_value = {
    .name = "best value of an experiment",
    .fields = best_fields,
    .n_fields = COUNT_OF(best_fields),
    .from = "(SELECT l.id, l.experiment_id, l.name, CASE l.type WHEN 'VALUE' THEN l.data ELSE " BEST_POINT(
        "p.value") " END AS value,"
                   " CASE l.type WHEN 'LINE' THEN " BEST_POINT(
                       "p.step") " END AS step FROM log l WHERE l.type IN ('LINE', 'VALUE')"
                                 " AND (lower(l.name) LIKE '%map50' OR l.name IN ('accuracy', 'eval/accuracy'))) b",
    .key = "b.id",
    .order = "CASE WHEN b.value IS NULL THEN 1 ELSE 0 END, CAST(b.value AS REAL) DESC, CASE WHEN b.step IS NULL THEN 1 ELSE 0 END",
};

static const struct field base_fields[] = { { "id", T_ID, 0, "b.id" }, { "name", T_TEXT, 0, "b.name" } };
static const struct resource base_experiment = {
    .name = "short experiment", .fields = base_fields, .n_fields = COUNT_OF(base_fields), .from = "experiment b", .key = "b.id"
};

static const struct field published_fields[] = { { "*", T_ONE, 0, "c.model_version_id", .of = &model_version_short } };
static const struct resource published = {
    .name = "model version of an experiment",
    .fields = published_fields,
    .n_fields = COUNT_OF(published_fields),
    .from = "model_context c",
    .key = "c.id",
    .order = "c.id",
};

static const struct field fields[] = {
    { "id", T_ID, F_FILTER, "e.id" },
    { "name", T_TEXT, F_SORT | F_FILTER | F_NEW | F_NEED | F_EDIT, "e.name", .min = 1, .max = 200 },
    { "description", T_TEXT, F_FILTER | F_NEW | F_EDIT, "e.description", .max = 10000 },
    { "project_id", T_ID, 0, "e.project_id" },
    { "project_name", T_TEXT, 0, "p.name" },
    { "status", T_TEXT, F_SORT | F_FILTER, "e.status", .words = experiment_statuses },
    { "error", T_TEXT, F_NULL, "e.error" },
    { "progress", T_NUMBER, F_SORT, "e.progress" },
    { "base_model_version_id", T_ID, F_NULL | F_NEW, "e.base_model_version_id" },
    { "base_model_version", T_ONE, F_NULL, "e.base_model_version_id", .of = &model_version_short },
    { "base_experiment_id", T_ID, F_NULL | F_NEW, "e.base_experiment_id" },
    { "base_experiment", T_ONE, F_NULL, "e.base_experiment_id", .of = &base_experiment },
    { "datasets", T_MANY, 0, "e.id", .of = &attached, .by = "d.experiment_id" },
    { "sources", T_MANY, 0, "e.id", .of = &experiment_source_resource, .by = "o.experiment_id" },
    { "parameters", T_OBJECT, 0,
      "coalesce((SELECT l.data FROM log l WHERE l.experiment_id = e.id AND l.name = 'parameters' AND l.type = 'TABLE'), '{}')" },
    { "best", T_ONE, F_NULL, "e.id", .of = &best_value, .by = "b.experiment_id" },
    { "nb_logs", T_INT, 0, "(SELECT count(*) FROM log l WHERE l.experiment_id = e.id)" },
    { "nb_artifacts", T_INT, 0, "(SELECT count(*) FROM artifact a WHERE a.experiment_id = e.id)" },
    { "job_id", T_ID, F_NULL, "e.job_id" },
    { "deployment_id", T_ID, F_NULL, "(SELECT r.deployment_id FROM retraining r WHERE r.experiment_id = e.id)" },
    { "model_versions", T_MANY, F_ONE, "e.id", .of = &published, .by = "c.experiment_id" },
    { "created_at", T_TIME, F_SORT | F_FILTER, "e.created_at" },
    { "updated_at", T_TIME, F_SORT | F_FILTER, "e.updated_at" },
    { "started_at", T_TIME, F_SORT | F_FILTER | F_NULL, "e.started_at" },
    { "ended_at", T_TIME, F_SORT | F_FILTER | F_NULL, "e.ended_at" },
    { "created_by", T_TEXT, F_NULL, USER_NAME("e.created_by") },
    { "owner", T_TEXT, F_FILTER | F_HIDE, USER_NAME("e.created_by") },
    { "base_model", T_TEXT, F_FILTER | F_HIDE,
      "(SELECT m.name FROM model_version v JOIN model m ON m.id = v.model_id WHERE v.id = e.base_model_version_id)" },
    { "datasets.name", T_TEXT, F_FILTER, "d.name", "FROM experiment_dataset d WHERE d.experiment_id = e.id" },
    { "datasets.version", T_TEXT, F_FILTER, "v.version",
      "FROM experiment_dataset d JOIN dataset_version v ON v.id = d.dataset_version_id WHERE d.experiment_id = e.id" },
};

/* ---- making one */

static enum err parameters_of(struct sql *db, struct arena *a, const struct experiment_new *n, const char **ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r,
                 "SELECT coalesce((SELECT data FROM log WHERE experiment_id = ?1 AND name = 'parameters' AND type = 'TABLE'),"
                 " (SELECT parameters FROM model_version WHERE id = ?2))",
                 V(n->base_experiment_id), V(n->base_model_version_id)));
    const char *base = rows_next(r) ? arena_str(a, rows_text(r, 0)) : NULL;
    if (!base || !n->parameters) {
        *ret = n->parameters ? n->parameters : base;
        return OK;
    }
    const struct json *below, *above;
    TRY(json_parse(a, base, strlen(base), &below));
    TRY(json_parse(a, n->parameters, strlen(n->parameters), &above));
    *ret = json_over(a, below, above);
    return OK;
}

/* Of a base experiment or model version: what the new one lacks. */
static enum err inherit_experiment(struct sql *db, struct arena *a, const char *id, const char *base, bool files)
{
    TRY(sql_run(
        db,
        "INSERT INTO log (id, experiment_id, name, type, data, created_at, updated_at)"
        " SELECT ?3, ?1, name, type, data, ?4, ?4 FROM log WHERE experiment_id = ?2 AND name = 'labelmap' AND type = 'LABELMAP'"
        " ON CONFLICT DO NOTHING",
        V(id), V(base), V(id_new(a)), V(clock_now_ms())));
    TRY(sql_run(db,
                "UPDATE experiment SET base_model_version_id = coalesce(base_model_version_id,"
                " (SELECT b.base_model_version_id FROM experiment b WHERE b.id = ?2)) WHERE id = ?1",
                V(id), V(base)));
    if (!files)
        return OK;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r,
                 "SELECT name, filename, object_name, large FROM artifact WHERE experiment_id = ?2"
                 " AND NOT EXISTS (SELECT 1 FROM artifact WHERE experiment_id = ?1)",
                 V(id), V(base)));
    while (rows_next(r))
        TRY(sql_run(db,
                    "INSERT INTO artifact (id, experiment_id, name, filename, object_name, large, created_at)"
                    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    V(id_new(a)), V(id), V(rows_text(r, 0)), V(rows_text(r, 1)), V(rows_text(r, 2)), V(rows_int(r, 3)),
                    V(clock_now_ms())));
    return rows_error(r);
}

enum files { FILES_NEVER, FILES_IF_NONE, FILES_REPLACE };

static enum err inherit_model(struct sql *db, struct arena *a, const char *id, const char *base, enum files files)
{
    TRY(sql_run(db,
                "INSERT INTO log (id, experiment_id, name, type, data, created_at, updated_at)"
                " SELECT ?3, ?1, 'labelmap', 'LABELMAP', labels, ?4, ?4 FROM model_version WHERE id = ?2 AND labels IS NOT NULL"
                " ON CONFLICT DO NOTHING",
                V(id), V(base), V(id_new(a)), V(clock_now_ms())));
    int64_t have = 0;
    TRY(sql_int(db, &have, "SELECT count(*) FROM artifact WHERE experiment_id = ?1", V(id)));
    if (files == FILES_NEVER || (files == FILES_IF_NONE && have))
        return OK;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r, "SELECT name, filename, object_name, large FROM model_file WHERE model_version_id = ?1", V(base)));
    while (rows_next(r))
        TRY(sql_run(
            db,
            "INSERT INTO artifact (id, experiment_id, name, filename, object_name, large, created_at)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (experiment_id, name) DO UPDATE SET filename = excluded.filename,"
            " object_name = excluded.object_name, large = excluded.large",
            V(id_new(a)), V(id), V(rows_text(r, 0)), V(rows_text(r, 1)), V(rows_text(r, 2)), V(rows_int(r, 3)), V(clock_now_ms())));
    return rows_error(r);
}

enum err experiment_add(struct sql *db, struct arena *a, const struct experiment_new *n, const char **ret_id)
{
    const char *id = id_new(a), *parameters = NULL;
    enum err e =
        sql_run(db,
                "INSERT INTO experiment (id, project_id, name, description, status, base_model_version_id, base_experiment_id,"
                " created_at, updated_at, created_by) VALUES (?1, ?2, ?3, ?4, 'WAITING', ?5, ?6, ?7, ?7, ?8)",
                V(id), V(n->project_id), V(n->name), V(n->description ? n->description : ""), V(n->base_model_version_id),
                V(n->base_experiment_id), V(clock_now_ms()), V(n->user_id));
    if (e == E_CONFLICT)
        return fail(E_CONFLICT, "the project has an experiment \"%s\" already", n->name);
    TRY(e);
    if (n->base_experiment_id)
        TRY(inherit_experiment(db, a, id, n->base_experiment_id, !n->without_files));
    if (n->base_model_version_id)
        TRY(inherit_model(db, a, id, n->base_model_version_id, n->without_files ? FILES_NEVER : FILES_IF_NONE));
    TRY(parameters_of(db, a, n, &parameters));
    if (parameters)
        TRY(log_put_text(db, a, id, "parameters", "TABLE", parameters));
    TRY(project_touch(db, n->project_id));
    TRY(experiment_keep_sources(db, id));
    *ret_id = id;
    return OK;
}

/* ---- status */

static bool ended(const char *status)
{
    return strcmp(status, "WAITING") != 0 && strcmp(status, "RUNNING") != 0;
}

static enum err tell_webhooks(struct sql *db, struct arena *a, const char *id, const char *status)
{
    AUTO(out) struct out o = { 0 };
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(db, &r,
                  "SELECT p.org, e.name, p.id, p.name FROM experiment e JOIN project p ON p.id = e.project_id WHERE e.id = ?1",
                  V(id)));
    out_init(&o, 1 << 16);
    out_object(&o, NULL);
    out_text(&o, "experiment_id", id);
    out_text(&o, "experiment", rows_text(r, 1));
    out_text(&o, "project_id", rows_text(r, 2));
    out_text(&o, "project", rows_text(r, 3));
    out_text(&o, "status", status);
    out_end_object(&o);
    return webhooks_tell(db, a, arena_str(a, rows_text(r, 0)), "experiment_status_changed", o.text.bytes);
}

enum err experiment_set_status(struct sql *db, struct arena *a, const char *id, const char *status, const char *why)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(db, &r, "SELECT status, cancelled FROM experiment WHERE id = ?1", V(id)));
    if (strcmp(rows_text(r, 0), status) == 0)
        return OK;
    if (rows_int(r, 1) && (strcmp(status, "RUNNING") == 0 || strcmp(status, "SUCCESS") == 0))
        return fail(E_CONFLICT, "the experiment was cancelled");
    TRY(sql_run(
        db,
        "UPDATE experiment SET status = ?2, error = ?3, updated_at = ?4,"
        " started_at = CASE WHEN ?2 = 'RUNNING' THEN ?4 ELSE started_at END,"
        " ended_at = CASE WHEN ?5 <> 0 THEN ?4 ELSE NULL END, progress = CASE WHEN ?2 = 'SUCCESS' THEN 1.0 ELSE progress END"
        " WHERE id = ?1",
        V(id), V(status), V(why), V(clock_now_ms()), V(ended(status))));
    TRY(event_tell(db, &experiment_resource, id, arena_fmt(a, "experiment:%s", id),
                   arena_fmt(a, "{\"kind\":\"status\",\"status\":\"%s\"}", status)));
    TRY(event_tell(db, &experiment_resource, id, "experiment", arena_fmt(a, "{\"id\":\"%s\",\"status\":\"%s\"}", id, status)));
    if (strcmp(status, "RUNNING") == 0)
        TRY(experiment_keep_sources(db, id));
    TRY(tell_webhooks(db, a, id, status));
    for (experiment_listener *const *l = experiment_listeners; ended(status) && *l; l++)
        TRY((*l)(db, a, id, status));
    return OK;
}

/* ---- routes */

static enum err list(struct op *op)
{
    return reply_list(op, &experiment_resource, "e.project_id = ?1", V(op->id));
}

static enum err list_all(struct op *op)
{
    return reply_page(op, &experiment_resource, "1 = 1");
}

static enum err list_ids(struct op *op)
{
    const char **ids;
    size_t n;
    TRY(resource_ids(op, &experiment_resource, NULL, "e.project_id = ?1", VALUES(V(op->id)), &ids, &n));
    out_array(&op->out, NULL);
    for (size_t i = 0; i < n; i++)
        out_text(&op->out, NULL, ids[i]);
    out_end_array(&op->out);
    return OK;
}

static enum err create(struct op *op)
{
    struct experiment_new n = {
        .name = in_text(op, "name"),
        .description = in_text(op, "description"),
        .user_id = op->user_id,
        .base_model_version_id = in_text(op, "base_model_version_id"),
        .base_experiment_id = in_text(op, "base_experiment_id"),
        .parameters = in_print(op, "parameters"),
    };
    const char *id;
    n.project_id = op->id;
    if (n.base_model_version_id)
        TRY(model_version_seen(op, n.base_model_version_id));
    if (n.base_experiment_id)
        TRY(resource_need(op, &experiment_resource, n.base_experiment_id));
    TRY(experiment_add(op->db, op->arena, &n, &id));
    const struct json *datasets = in_json(op, "datasets");
    static const struct field dataset[] = {
        { "name", T_TEXT, F_NEED, .min = 1, .max = 100 },
        { "dataset_version_id", T_ID, F_NEED },
    };
    for (size_t i = 0; i < json_count(datasets); i++) {
        const struct json *d = json_at(datasets, i);
        char version[ID_SIZE];
        TRY(fields_check(FIELDS(dataset), d, arena_fmt(op->arena, "datasets[%zu]", i)));
        id_parse(json_text(json_get(d, "dataset_version_id")), version);
        TRY(resource_need(op, &dataset_version_resource, version));
        TRY(experiment_attach(op->db, id, json_text(json_get(d, "name")), version));
    }
    op->status = 201;
    return reply_one(op, &experiment_resource, id);
}

static enum err find(struct op *op)
{
    const char *name = in_text(op, "name");
    if (in_has(op, "id"))
        return reply_find(op, &experiment_resource, "the project has no such experiment", "e.project_id = ?1 AND e.id = ?2",
                          V(op->id), V(in_text(op, "id")));
    if (!name)
        return fail(E_INVALID, "name or id is missing");
    return reply_find(op, &experiment_resource, arena_fmt(op->arena, "the project has no experiment \"%s\"", name),
                      "e.project_id = ?1 AND e.name = ?2", V(op->id), V(name));
}

static enum err find_by_id(struct op *op)
{
    return reply_one(op, &experiment_resource, in_text(op, "id"));
}

static enum err get(struct op *op)
{
    return reply_one(op, &experiment_resource, op->id);
}

static enum err update(struct op *op)
{
    const char *status = in_text(op, "status");
    if (status)
        TRY(experiment_set_status(op->db, op->arena, op->id, status, in_text(op, "error")));
    if (in_has(op, "name") || in_has(op, "description") || !status) {
        enum err e = resource_update(op, &experiment_resource, op->id);
        if (e == E_CONFLICT)
            return fail(E_CONFLICT, "the project has an experiment \"%s\" already", in_text(op, "name"));
        TRY(e);
    }
    TRY(sql_run(op->db, "UPDATE experiment SET updated_at = ?2 WHERE id = ?1", V(op->id), V(clock_now_ms())));
    return reply_one(op, &experiment_resource, op->id);
}

/* What a training script says of its own job. */
static enum err job_status(struct op *op)
{
    TRY(experiment_set_status(op->db, op->arena, op->id, in_text(op, "status"), NULL));
    return reply_one(op, &experiment_resource, op->id);
}

static enum err cancel_job(struct op *op, const char *id)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r, "SELECT job_id FROM experiment WHERE id = ?1", V(id)));
    return rows_text(r, 0) ? job_cancel(op->db, rows_text(r, 0)) : OK;
}

const struct removal experiment_removal = {
    .table = "experiment",
    .named = "name",
    .called = "SELECT name FROM experiment WHERE id = ?1",
    .large = { { "evaluation", "SELECT id FROM evaluation WHERE experiment_id = ?1" },
               { "log", "SELECT id FROM log WHERE experiment_id = ?1" } },
};

static enum err remove_one(struct op *op, const char *id)
{
    int64_t going = 0;
    TRY(sql_int(op->db, &going, "SELECT status IN ('WAITING', 'RUNNING') FROM experiment WHERE id = ?1", V(id)));
    if (going) /* who waits for it must know */
        TRY(experiment_set_status(op->db, op->arena, id, "CANCELED", NULL));
    TRY(thing_remove(op, &experiment_removal, id));
    return file_remove_tree(arena_fmt(op->arena, "%s/training/%s", op->services->data_dir, id)); /* what it could go on from */
}

static enum err delete (struct op *op) { return remove_one(op, op->id); }

static enum err delete_many(struct op *op)
{
    const char **ids;
    size_t n;
    struct value sent;
    TRY(in_ids(op, "ids", &sent));
    TRY(resource_ids(op, &experiment_resource, NULL, "e.project_id = ?1 AND e.id IN " LISTED("?2"), VALUES(V(op->id), V(sent)),
                     &ids, &n));
    for (size_t i = 0; i < n; i++)
        TRY(remove_one(op, ids[i]));
    return OK;
}

static enum err cancel(struct op *op)
{
    int64_t going = 0;
    TRY(sql_int(op->db, &going, "SELECT status IN ('WAITING', 'RUNNING') FROM experiment WHERE id = ?1", V(op->id)));
    if (!going)
        return fail(E_CONFLICT, "the experiment has ended already");
    TRY(cancel_job(op, op->id));
    TRY(experiment_set_status(op->db, op->arena, op->id, "CANCELED", NULL));
    TRY(sql_run(op->db, "UPDATE experiment SET cancelled = 1 WHERE id = ?1", V(op->id)));
    return reply_one(op, &experiment_resource, op->id);
}

static enum err set_base_experiment(struct op *op)
{
    const char *base = in_text(op, "base_experiment_id");
    TRY(resource_need(op, &experiment_resource, base));
    int64_t same = 0;
    TRY(sql_int(op->db, &same,
                "SELECT a.project_id = b.project_id AND a.id != b.id FROM experiment a, experiment b"
                " WHERE a.id = ?1 AND b.id = ?2",
                V(op->id), V(base)));
    if (!same)
        return fail(E_UNMEANT, "the base must be another experiment of the same project");
    TRY(sql_run(op->db, "UPDATE experiment SET base_experiment_id = ?2, updated_at = ?3 WHERE id = ?1", V(op->id), V(base),
                V(clock_now_ms())));
    TRY(inherit_experiment(op->db, op->arena, op->id, base, true));
    TRY(sql_run(
        op->db,
        "INSERT INTO log (id, experiment_id, name, type, data, created_at, updated_at) SELECT ?3, ?1, name, type, data, ?4, ?4"
        " FROM log WHERE experiment_id = ?2 AND name = 'parameters' AND type = 'TABLE' ON CONFLICT DO NOTHING",
        V(op->id), V(base), V(id_new(op->arena)), V(clock_now_ms())));
    return reply_one(op, &experiment_resource, op->id);
}

static enum err set_base_model(struct op *op)
{
    const char *base = in_text(op, "model_version_id");
    TRY(model_version_seen(op, base));
    TRY(sql_run(op->db, "UPDATE experiment SET base_model_version_id = ?2, updated_at = ?3 WHERE id = ?1", V(op->id), V(base),
                V(clock_now_ms())));
    enum files files = !in_has(op, "attach_model_files")          ? FILES_IF_NONE
                       : in_bool(op, "attach_model_files", false) ? FILES_REPLACE
                                                                  : FILES_NEVER;
    TRY(inherit_model(op->db, op->arena, op->id, base, files));
    int64_t have = 0;
    TRY(sql_int(op->db, &have, "SELECT count(*) FROM log WHERE experiment_id = ?1 AND name = 'parameters'", V(op->id)));
    if (in_bool(op, "attach_base_parameters", !have)) {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_first(op->db, &r, "SELECT coalesce(parameters, '{}') FROM model_version WHERE id = ?1", V(base)));
        TRY(log_put_text(op->db, op->arena, op->id, "parameters", "TABLE", arena_str(op->arena, rows_text(r, 0))));
    }
    return reply_one(op, &experiment_resource, op->id);
}

static const char *const job_statuses[] = { "RUNNING", "SUCCESS", "TERMINATED", "FAILED", NULL };
/* Besides the members of an experiment. What these become is a log's, another resource's, or weighed before it is written. */
static const struct field create_in[] = {
    { "parameters", T_OBJECT, F_NULL },
    { "datasets", T_ARRAY, F_NULL, .max = 100 },
};
static const struct field update_in[] = {
    { "status", T_TEXT, 0, .words = experiment_statuses },
    { "error", T_TEXT, F_NULL, .max = 4000 },
};
static const struct field status_in[] = { { "status", T_TEXT, F_NEED, .words = job_statuses } };
static const struct field find_in[] = { { "id", T_ID }, { "name", T_TEXT, .max = 200 } };
static const struct field id_in[] = { { "id", T_ID, F_NEED } };
static const struct field ids_in[] = { { "ids", T_IDS, F_NEED } };
static const struct field base_in[] = { { "base_experiment_id", T_ID, F_NEED } };
static const struct field model_in[] = {
    { "model_version_id", T_ID, F_NEED },
    { "attach_base_parameters", T_BOOL, F_NULL },
    { "attach_model_files", T_BOOL, F_NULL },
};

static const struct route routes[] = {
    { "GET", "/api/project/{id}/experiments", list, MAY_READ, WORK_READ, "the experiments of a project", NULL, 0,
      &experiment_resource, .on = &project_resource, .gives = GIVES_PAGE },
    { "GET", "/api/project/{id}/experiments/ids", list_ids, MAY_READ, WORK_READ, "the ids of a project's experiments",
      .on = &project_resource, .answers = &id_answer, .gives = GIVES_ROWS },
    { "GET", "/api/project/{id}/experiments/find", find, MAY_READ, WORK_READ, "an experiment by name or id", FIELDS(find_in),
      &experiment_resource, .on = &project_resource },
    { "POST", "/api/project/{id}/experiments", create, MAY_WRITE, WORK_WRITE, "makes an experiment", FIELDS(create_in),
      MAKES(&experiment_resource), .on = &project_resource },
    { "DELETE", "/api/project/{id}/experiments", delete_many, MAY_WRITE, WORK_WRITE, "deletes experiments of a project",
      FIELDS(ids_in), .on = &project_resource, .gives = GIVES_NOTHING },
    { "GET", "/api/organization/{id}/experiments", list_all, MAY_READ, WORK_READ, "the experiments of all projects", NULL, 0,
      &experiment_resource, .on = &organization_resource, .gives = GIVES_PAGE },
    { "GET", "/api/organization/{id}/experiments/find", find_by_id, MAY_READ, WORK_READ, "an experiment by id", FIELDS(id_in),
      &experiment_resource, .on = &organization_resource },
    { "GET", "/api/experiment/{id}", get, MAY_READ, WORK_READ, "an experiment", NULL, 0, &experiment_resource,
      .on = &experiment_resource },
    { "PATCH", "/api/experiment/{id}", update, MAY_WRITE, WORK_WRITE, "changes name, description or status", FIELDS(update_in),
      CHANGES(&experiment_resource), .on = &experiment_resource },
    { "DELETE", "/api/experiment/{id}", delete, MAY_WRITE, WORK_WRITE, "deletes an experiment; a running training is stopped",
      .on = &experiment_resource, .gives = GIVES_NOTHING },
    { "PATCH", "/api/experiment/{id}/job/status", job_status, MAY_WRITE, WORK_WRITE, "what a training says of its own job",
      FIELDS(status_in), &experiment_resource, .on = &experiment_resource },
    { "POST", "/api/experiment/{id}/cancel", cancel, MAY_WRITE, WORK_WRITE, "stops the training", NULL, 0, &experiment_resource,
      .on = &experiment_resource },
    { "POST", "/api/experiment/{id}/experiment", set_base_experiment, MAY_WRITE, WORK_WRITE, "sets the base experiment",
      FIELDS(base_in), &experiment_resource, .on = &experiment_resource },
    { "POST", "/api/experiment/{id}/model", set_base_model, MAY_WRITE, WORK_WRITE, "sets the base model version", FIELDS(model_in),
      &experiment_resource, .on = &experiment_resource },
};

const struct resource experiment_resource = {
    .name = "experiment",
    .table = table,
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "experiment e JOIN project p ON p.id = e.project_id",
    .key = "e.id",
    .removal = &experiment_removal,
    .org = "p.org",
    .root = "p.id",
    .order = "e.created_at DESC, e.id DESC",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
