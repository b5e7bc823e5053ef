/* Continuous training and deployment: enough submitted reviews start an experiment; when it succeeds it is the next version of the
 * champion's model, and takes the place in the deployment that the policy says.
 *
 * Both halves happen inside the transaction of what causes them (the submit; the change of the experiment's status), so that a
 * crash leaves both or neither, and a repeated message finds the work done. */
#include "app/dataset/dataset.h"
#include "app/deployment/deployment.h"
#include "app/experiment/experiment.h"
#include "app/project/project.h"
#include "base/clock.h"
#include <string.h>

static const char table[] =
    "CREATE TABLE pipeline (deployment_id TEXT PRIMARY KEY REFERENCES deployment(id) ON DELETE CASCADE,"
    " td_version_id TEXT REFERENCES dataset_version(id) ON DELETE SET NULL, td_at INTEGER,"
    " fl_set INTEGER NOT NULL DEFAULT 0, fl_active INTEGER NOT NULL DEFAULT 0,"
    " ct_set INTEGER NOT NULL DEFAULT 0, ct_active INTEGER NOT NULL DEFAULT 0,"
    " ct_project_id TEXT REFERENCES project(id) ON DELETE SET NULL, ct_trigger TEXT NOT NULL DEFAULT 'NONE', ct_threshold INTEGER,"
    " ct_parameters TEXT, ct_error TEXT, cd_set INTEGER NOT NULL DEFAULT 0, cd_active INTEGER NOT NULL DEFAULT 0,"
    " cd_policy TEXT NOT NULL DEFAULT 'DEPLOY_MANUAL') STRICT;"
    "CREATE TABLE ct_dataset (deployment_id TEXT NOT NULL REFERENCES deployment(id) ON DELETE CASCADE, name TEXT NOT NULL,"
    " dataset_version_id TEXT NOT NULL REFERENCES dataset_version(id) ON DELETE CASCADE, created_at INTEGER NOT NULL,"
    " PRIMARY KEY (deployment_id, name)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE retraining (id TEXT PRIMARY KEY, deployment_id TEXT NOT NULL REFERENCES deployment(id) ON DELETE CASCADE,"
    " experiment_id TEXT UNIQUE REFERENCES experiment(id) ON DELETE SET NULL, experiment_name TEXT NOT NULL,"
    " state TEXT NOT NULL CHECK (state IN ('RUNNING', 'DONE', 'FAILED')), error TEXT,"
    " model_version_id TEXT REFERENCES model_version(id) ON DELETE SET NULL, nb_images INTEGER NOT NULL, created_at INTEGER NOT "
    "NULL,"
    " ended_at INTEGER) STRICT;"
    "CREATE INDEX retraining_of ON retraining (deployment_id, created_at)";

/* ---- starting */

struct plan {
    const char *deployment, *name, *champion, *project, *parameters, *org;
    int64_t threshold, waiting, running, datasets;
    bool triggered; /* by the feedback loop, not only by hand */
};

static enum err read_plan(struct sql *db, struct arena *a, const char *deployment, struct plan *ret, bool *ret_active)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(db, &r,
                  "SELECT d.name, d.model_version_id, q.ct_project_id, q.ct_parameters, d.org, q.ct_threshold,"
                  " (SELECT count(*) FROM predicted_asset s WHERE s.deployment_id = d.id AND s.status = 'SUBMITTED'"
                  " AND s.retraining_id IS NULL), (SELECT count(*) FROM retraining t WHERE t.deployment_id = d.id"
                  " AND t.state = 'RUNNING'), (SELECT count(*) FROM ct_dataset c WHERE c.deployment_id = d.id),"
                  " q.ct_trigger = 'FEEDBACK_LOOP', q.ct_active FROM deployment d JOIN pipeline q ON q.deployment_id = d.id"
                  " WHERE d.id = ?1",
                  V(deployment)));
    *ret = (struct plan){ deployment,
                          arena_str(a, rows_text(r, 0)),
                          arena_str(a, rows_text(r, 1)),
                          arena_str(a, rows_text(r, 2)),
                          arena_str(a, rows_text(r, 3)),
                          arena_str(a, rows_text(r, 4)),
                          rows_int(r, 5),
                          rows_int(r, 6),
                          rows_int(r, 7),
                          rows_int(r, 8),
                          rows_int(r, 9) };
    *ret_active = rows_int(r, 10);
    return OK;
}

/* Why no training can start, or NULL. Looked at beforehand: reviews that were submitted stay so whatever the pipeline lacks. */
static enum err obstacle(struct sql *db, const struct plan *p, const char **ret)
{
    int64_t trainable = 0;
    TRY(sql_int(db, &trainable, "SELECT architecture IS NOT NULL FROM model_version WHERE id = ?1", V(p->champion)));
    *ret = !p->project    ? "the project of the continuous training is gone"
           : !p->datasets ? "no dataset version is attached to the continuous training"
           : !trainable   ? "the champion was not made here: this server cannot train it"
                          : NULL;
    return OK;
}

static enum err attach_all(struct sql *db, const char *deployment, const char *experiment)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r, "SELECT name, dataset_version_id FROM ct_dataset WHERE deployment_id = ?1 ORDER BY created_at, name",
                 V(deployment)));
    while (rows_next(r))
        TRY(experiment_attach(db, experiment, rows_text(r, 0), rows_text(r, 1)));
    return rows_error(r);
}

/* "<deployment>-<unix seconds>", with a number behind it if that second has one already. */
static enum err free_name(struct sql *db, struct arena *a, const struct plan *p, const char **ret)
{
    int64_t now = clock_now_ms() / 1000, taken = 1;
    for (int i = 0; taken; i++) {
        *ret = i ? arena_fmt(a, "%s-%lld-%d", p->name, (long long)now, i) : arena_fmt(a, "%s-%lld", p->name, (long long)now);
        TRY(sql_int(db, &taken, "SELECT count(*) FROM experiment WHERE project_id = ?1 AND name = ?2", V(p->project), V(*ret)));
    }
    return OK;
}

static enum err begin(struct sql *db, struct arena *a, const struct plan *p, const char *user_id)
{
    const char *experiment, *job, *id = id_new(a);
    struct experiment_new n = { .project_id = p->project,
                                .description = arena_fmt(a, "Continuous training of the deployment %s", p->name),
                                .user_id = user_id,
                                .base_model_version_id = p->champion,
                                .parameters = p->parameters,
                                .without_files = true };
    TRY(free_name(db, a, p, &n.name));
    TRY(experiment_add(db, a, &n, &experiment));
    TRY(attach_all(db, p->deployment, experiment));
    TRY(sql_run(db,
                "INSERT INTO retraining (id, deployment_id, experiment_id, experiment_name, state, nb_images, created_at)"
                " VALUES (?1, ?2, ?3, ?4, 'RUNNING', ?5, ?6)",
                V(id), V(p->deployment), V(experiment), V(n.name), V(p->waiting), V(clock_now_ms())));
    TRY(sql_run(db,
                "UPDATE predicted_asset SET retraining_id = ?2 WHERE deployment_id = ?1 AND status = 'SUBMITTED'"
                " AND retraining_id IS NULL",
                V(p->deployment), V(id)));
    TRY(sql_run(db, "UPDATE pipeline SET ct_error = NULL WHERE deployment_id = ?1", V(p->deployment)));
    TRY(experiment_launch(db, a, experiment, p->org, user_id, &job));
    return deployment_tell(db, a, p->deployment, arena_fmt(a, "{\"kind\":\"pipeline\",\"experiment_id\":\"%s\"}", experiment));
}

enum err retraining_consider(struct sql *db, struct arena *a, const char *deployment_id, const char *user_id, bool now)
{
    struct plan p;
    bool active;
    const char *why;
    TRY(read_plan(db, a, deployment_id, &p, &active));
    if (!now && (!active || !p.triggered || p.running || p.waiting < p.threshold))
        return OK;
    if (now && p.running)
        return fail(E_CONFLICT, "a training of this deployment is running");
    TRY(obstacle(db, &p, &why));
    if (why && now)
        return fail(E_CONFLICT, "%s", why);
    if (!why)
        return begin(db, a, &p, user_id);
    TRY(sql_run(db, "UPDATE pipeline SET ct_error = ?2 WHERE deployment_id = ?1", V(deployment_id), V(why)));
    return deployment_tell(db, a, deployment_id, "{\"kind\":\"pipeline\"}");
}

/* ---- ending */

struct ended {
    const char *id, *deployment, *experiment, *model, *user_id, *policy;
    bool cd_active, has_model;
};

static enum err read_ended(struct sql *db, struct arena *a, const char *experiment, struct ended *ret, bool *ret_any)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(
        db, &r,
        "SELECT t.id, t.deployment_id, m.id, e.created_by, q.cd_policy, q.cd_active, EXISTS (SELECT 1 FROM artifact f"
        " WHERE f.experiment_id = e.id AND f.name = 'model-latest') FROM retraining t JOIN experiment e ON e.id = t.experiment_id"
        " JOIN pipeline q ON q.deployment_id = t.deployment_id LEFT JOIN model_version v ON v.id = e.base_model_version_id"
        " LEFT JOIN model m ON m.id = v.model_id AND m.org IS NOT NULL WHERE t.experiment_id = ?1 AND t.state = 'RUNNING'",
        V(experiment)));
    *ret_any = rows_next(r);
    if (*ret_any)
        *ret = (struct ended){
            arena_str(a, rows_text(r, 0)), arena_str(a, rows_text(r, 1)), experiment,     arena_str(a, rows_text(r, 2)),
            arena_str(a, rows_text(r, 3)), arena_str(a, rows_text(r, 4)), rows_int(r, 5), rows_int(r, 6)
        };
    return rows_error(r);
}

static enum err settle(struct sql *db, const struct ended *t, const char *state, const char *version, const char *error)
{
    if (strcmp(state, "FAILED") == 0) /* its images count again towards the next training */
        TRY(sql_run(db, "UPDATE predicted_asset SET retraining_id = NULL WHERE retraining_id = ?1", V(t->id)));
    TRY(sql_run(db, "UPDATE pipeline SET ct_error = ?2 WHERE deployment_id = ?1", V(t->deployment), V(error)));
    return sql_run(db, "UPDATE retraining SET state = ?2, model_version_id = ?3, error = ?4, ended_at = ?5 WHERE id = ?1", V(t->id),
                   V(state), V(version), V(error), V(clock_now_ms()));
}

/* The policy. A model that does not fit the deployment is kept as a version, and the reason shown. */
static enum err put_to_work(struct sql *db, struct arena *a, const struct ended *t, const char *version, const char **ret_error)
{
    *ret_error = NULL;
    if (!t->cd_active || strcmp(t->policy, "DEPLOY_MANUAL") == 0)
        return OK;
    enum slot slot = strcmp(t->policy, "DEPLOY_CHAMPION") == 0 ? SLOT_CHAMPION : SLOT_SHADOW;
    enum err e = deployment_set_model(db, a, t->deployment, slot, version);
    if (e != E_UNMEANT)
        return e;
    *ret_error = arena_str(a, fail_text());
    return OK;
}

enum err retraining_ended(struct sql *db, struct arena *a, const char *experiment_id, const char *status)
{
    struct ended t;
    bool any;
    TRY(read_ended(db, a, experiment_id, &t, &any));
    if (!any)
        return OK;
    bool success = strcmp(status, "SUCCESS") == 0;
    const char *why = !success       ? arena_fmt(a, "the training ended with %s", status)
                      : !t.has_model ? "the training stored no model-latest"
                      : !t.model     ? "the champion's model is gone"
                                     : NULL;
    if (why) {
        TRY(settle(db, &t, "FAILED", NULL, why));
        return deployment_tell(db, a, t.deployment, "{\"kind\":\"pipeline\"}");
    }
    const char *version, *error;
    TRY(experiment_publish(db, a, experiment_id, t.model, t.user_id, &version));
    TRY(put_to_work(db, a, &t, version, &error));
    TRY(settle(db, &t, "DONE", version, error));
    TRY(deployment_tell(db, a, t.deployment, arena_fmt(a, "{\"kind\":\"pipeline\",\"model_version_id\":\"%s\"}", version)));
    return retraining_consider(db, a, t.deployment, t.user_id, false); /* what was submitted meanwhile */
}

/* ---- settings */

static enum err changed(struct op *op, const char *id)
{
    TRY(deployment_tell(op->db, op->arena, id, "{\"kind\":\"pipeline\"}"));
    return reply_one(op, &deployment_resource, id);
}

static enum err setup_training(struct op *op)
{
    const char *id, *project = in_text(op, "project_id"), *trigger = in_text(op, "trigger");
    TRY(deployment_need(op, &id));
    TRY(resource_need(op, &project_resource, project));
    bool feedback = trigger && strcmp(trigger, "FEEDBACK_LOOP") == 0;
    if (feedback && !in_has(op, "threshold"))
        return fail(E_INVALID, "threshold is missing: after how many submitted reviews a training starts");
    TRY(sql_run(op->db,
                "UPDATE pipeline SET ct_set = 1, ct_active = 1, ct_project_id = ?2, ct_trigger = ?3, ct_threshold = nullif(?4, 0),"
                " ct_parameters = ?5, ct_error = NULL WHERE deployment_id = ?1",
                V(id), V(project), V(trigger ? trigger : "NONE"), V(in_int(op, "threshold", 0)),
                V(in_print(op, "experiment_parameters"))));
    return changed(op, id);
}

static enum err toggle_training(struct op *op)
{
    const char *id;
    TRY(deployment_need(op, &id));
    TRY(sql_run(op->db, "UPDATE pipeline SET ct_active = ?2 WHERE deployment_id = ?1 AND ct_set", V(id),
                V(in_bool(op, "active", false))));
    if (!sql_changes(op->db))
        return fail(E_CONFLICT, "set the continuous training up first");
    return changed(op, id);
}

static enum err train_now(struct op *op)
{
    const char *id;
    TRY(deployment_need(op, &id));
    int64_t set = 0;
    TRY(sql_int(op->db, &set, "SELECT ct_set FROM pipeline WHERE deployment_id = ?1", V(id)));
    if (!set)
        return fail(E_CONFLICT, "set the continuous training up first");
    TRY(retraining_consider(op->db, op->arena, id, op->user_id, true));
    return changed(op, id);
}

static enum err attach(struct op *op)
{
    const char *id, *version = in_text(op, "dataset_version_id"), *name = in_text(op, "name");
    TRY(deployment_need(op, &id));
    TRY(resource_need(op, &dataset_version_resource, version));
    enum err e =
        sql_run(op->db, "INSERT INTO ct_dataset (deployment_id, name, dataset_version_id, created_at) VALUES (?1, ?2, ?3, ?4)",
                V(id), V(name), V(version), V(clock_now_ms()));
    if (e == E_CONFLICT)
        return fail(E_CONFLICT, "a dataset version is attached as \"%s\" already", name);
    TRY(e);
    return changed(op, id);
}

static enum err detach(struct op *op)
{
    const char *id;
    TRY(deployment_need(op, &id));
    TRY(sql_run(op->db,
                "DELETE FROM ct_dataset WHERE deployment_id = ?1 AND dataset_version_id IN (SELECT value FROM json_each(?2))",
                V(id), V(in_ids(op, "ids"))));
    return changed(op, id);
}

static enum err list_datasets(struct op *op)
{
    const char *id;
    TRY(deployment_need(op, &id));
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(
        op->db, &r,
        "SELECT name, " DATASET_VERSION_JSON_OF("c.dataset_version_id") " FROM ct_dataset c"
                                                                        " WHERE c.deployment_id = ?1 ORDER BY c.created_at, c.name",
        V(id)));
    out_object(&op->out, NULL);
    out_array(&op->out, "items");
    while (rows_next(r)) {
        out_object(&op->out, NULL);
        out_text(&op->out, "name", rows_text(r, 0));
        out_raw(&op->out, "dataset_version", rows_text(r, 1));
        out_end_object(&op->out);
    }
    out_end_array(&op->out);
    out_end_object(&op->out);
    return rows_error(r);
}

static enum err setup_deployment(struct op *op)
{
    const char *id;
    TRY(deployment_need(op, &id));
    TRY(sql_run(op->db, "UPDATE pipeline SET cd_set = 1, cd_active = 1, cd_policy = ?2 WHERE deployment_id = ?1 AND ct_set", V(id),
                V(in_text(op, "policy"))));
    if (!sql_changes(op->db))
        return fail(E_CONFLICT, "set the continuous training up first: it makes the models that are deployed");
    return changed(op, id);
}

static enum err toggle_deployment(struct op *op)
{
    const char *id;
    TRY(deployment_need(op, &id));
    TRY(sql_run(op->db, "UPDATE pipeline SET cd_active = ?2 WHERE deployment_id = ?1 AND cd_set", V(id),
                V(in_bool(op, "active", false))));
    if (!sql_changes(op->db))
        return fail(E_CONFLICT, "set the continuous deployment up first");
    return changed(op, id);
}

static enum err set_training_data(struct op *op)
{
    const char *id, *version = in_text(op, "dataset_version_id");
    TRY(deployment_need(op, &id));
    TRY(resource_need(op, &dataset_version_resource, version));
    TRY(sql_run(op->db, "UPDATE pipeline SET td_version_id = ?2, td_at = ?3 WHERE deployment_id = ?1", V(id), V(version),
                V(clock_now_ms())));
    return changed(op, id);
}

/* The reference is counted when it is asked for, so that it is always ready. */
static enum err check_training_data(struct op *op)
{
    const char *id;
    int64_t set = 0;
    TRY(deployment_need(op, &id));
    TRY(sql_int(op->db, &set, "SELECT td_version_id IS NOT NULL FROM pipeline WHERE deployment_id = ?1", V(id)));
    out_object(&op->out, NULL);
    out_text(&op->out, "status", set ? "SUCCESS" : "NOT_CONFIGURED");
    out_end_object(&op->out);
    return OK;
}

static enum err disable_training_data(struct op *op)
{
    const char *id;
    TRY(deployment_need(op, &id));
    TRY(sql_run(op->db, "UPDATE pipeline SET td_version_id = NULL, td_at = NULL WHERE deployment_id = ?1", V(id)));
    return changed(op, id);
}

/* All settings of a deployment's pipelines, and the trainings that they started. */
static enum err get(struct op *op)
{
    const char *id;
    TRY(deployment_need(op, &id));
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(
        op->db, &r,
        "SELECT json_object('training_data', json(iif(q.td_version_id IS NULL, NULL, json_object('dataset_version',"
        " json(" DATASET_VERSION_JSON_OF(
            "q.td_version_id") "), 'since', iso(q.td_at)))),"
                               " 'fl', json_object('configured', json(iif(q.fl_set, 'true', 'false')), 'active', "
                               "json(iif(q.fl_active, 'true', 'false')),"
                               " 'datasets', (SELECT json_group_array(json_object('dataset_version', json(" DATASET_VERSION_JSON_OF(
                                   "f.dataset_version_id") "))) FROM fl_dataset f WHERE f.deployment_id = q.deployment_id)),"
                                                           " 'ct', json_object('configured', json(iif(q.ct_set, 'true', 'false')), "
                                                           "'active', json(iif(q.ct_active, 'true', 'false')),"
                                                           " 'project', (SELECT json_object('id', p.id, 'name', p.name) FROM "
                                                           "project p WHERE p.id = q.ct_project_id),"
                                                           " 'trigger', q.ct_trigger, 'threshold', q.ct_threshold, 'parameters', "
                                                           "json(coalesce(q.ct_parameters, '{}')), 'error', q.ct_error,"
                                                           " 'waiting', (SELECT count(*) FROM predicted_asset s WHERE "
                                                           "s.deployment_id = q.deployment_id AND s.status = 'SUBMITTED'"
                                                           " AND s.retraining_id IS NULL),"
                                                           " 'datasets', (SELECT json_group_array(json_object('name', c.name, "
                                                           "'dataset_version',"
                                                           " json(" DATASET_VERSION_JSON_OF(
                                                               "c.dataset_version_id") "))) FROM ct_dataset c WHERE "
                                                                                       "c.deployment_id = q.deployment_id),"
                                                                                       " 'runs', (SELECT "
                                                                                       "json_group_array(json_object('experiment_"
                                                                                       "id', t.experiment_id, 'experiment_name', "
                                                                                       "t.experiment_name,"
                                                                                       " 'state', t.state, 'status', (SELECT "
                                                                                       "e.status FROM experiment e WHERE e.id = "
                                                                                       "t.experiment_id), 'progress',"
                                                                                       " (SELECT e.progress FROM experiment e "
                                                                                       "WHERE e.id = t.experiment_id), 'error', "
                                                                                       "t.error, 'model_version_id', "
                                                                                       "t.model_version_id,"
                                                                                       " 'nb_images', t.nb_images, 'created_at', "
                                                                                       "iso(t.created_at), 'ended_at', "
                                                                                       "iso(t.ended_at))) FROM (SELECT * FROM "
                                                                                       "retraining"
                                                                                       " WHERE deployment_id = q.deployment_id "
                                                                                       "ORDER BY created_at DESC LIMIT 50) t)),"
                                                                                       " 'cd', json_object('configured', "
                                                                                       "json(iif(q.cd_set, 'true', 'false')), "
                                                                                       "'active', json(iif(q.cd_active, 'true', "
                                                                                       "'false')),"
                                                                                       " 'policy', q.cd_policy)) FROM pipeline q "
                                                                                       "WHERE q.deployment_id = ?1",
        V(id)));
    out_raw(&op->out, NULL, rows_text(r, 0));
    return OK;
}

static const char *const triggers[] = { "FEEDBACK_LOOP", "NONE", NULL };
static const char *const training_types[] = { "EXPERIMENT", NULL };
static const char *const policies[] = { "DEPLOY_CHAMPION", "DEPLOY_SHADOW", "DEPLOY_MANUAL", NULL };
static const struct field training_in[] = {
    { "project_id", T_ID, F_NEED },
    { "trigger", T_TEXT, F_NULL, .words = triggers },
    { "threshold", T_INT, F_NULL, .min = 1, .max = 1e6 },
    { "training_type", T_TEXT, F_NULL, .words = training_types },
    { "experiment_parameters", T_OBJECT, F_NULL },
};
static const struct field active_in[] = { { "active", T_BOOL, F_NEED } };
static const struct field alias_in[] = { { "dataset_version_id", T_ID, F_NEED }, { "name", T_TEXT, F_NEED, .min = 1, .max = 100 } };
static const struct field ids_in[] = { { "ids", T_IDS, F_NEED } };
static const struct field policy_in[] = { { "policy", T_TEXT, F_NEED, .words = policies } };
static const struct field version_in[] = { { "dataset_version_id", T_ID, F_NEED } };

static const struct route routes[] = {
    { "GET", "/api/deployment/{id}/pipelines", get, MAY_READ, WORK_READ, "the settings of all pipelines, and their trainings" },
    { "POST", "/api/deployment/{id}/pipeline/ct", setup_training, MAY_WRITE, WORK_WRITE, "sets the continuous training up",
      FIELDS(training_in) },
    { "PUT", "/api/deployment/{id}/pipeline/ct", toggle_training, MAY_WRITE, WORK_WRITE, "switches it", FIELDS(active_in) },
    { "POST", "/api/deployment/{id}/pipeline/ct/launch", train_now, MAY_WRITE, WORK_WRITE, "starts a training now" },
    { "GET", "/api/deployment/{id}/ct/datasets", list_datasets, MAY_READ, WORK_READ, "the dataset versions that it trains on" },
    { "POST", "/api/deployment/{id}/ct/datasets", attach, MAY_WRITE, WORK_WRITE, "attaches one under an alias", FIELDS(alias_in) },
    { "DELETE", "/api/deployment/{id}/ct/datasets", detach, MAY_WRITE, WORK_WRITE, "detaches some", FIELDS(ids_in) },
    { "POST", "/api/deployment/{id}/pipeline/cd", setup_deployment, MAY_WRITE, WORK_WRITE, "sets the continuous deployment up",
      FIELDS(policy_in) },
    { "PUT", "/api/deployment/{id}/pipeline/cd", toggle_deployment, MAY_WRITE, WORK_WRITE, "switches it", FIELDS(active_in) },
    { "POST", "/api/deployment/{id}/pipeline/td/setup", set_training_data, MAY_WRITE, WORK_WRITE,
      "says what the model was trained on", FIELDS(version_in) },
    { "GET", "/api/deployment/{id}/pipeline/td/check", check_training_data, MAY_READ, WORK_READ, "whether the reference is ready" },
    { "PUT", "/api/deployment/{id}/pipeline/td/disable", disable_training_data, MAY_WRITE, WORK_WRITE, "forgets it" },
};

const struct resource retraining_resource = {
    .name = "pipeline",
    .table = table,
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
