/* The settings of a deployment's pipelines: training data, feedback loop (feedback.c), continuous training and deployment
 * (retraining.c). One row for each deployment, made with it. */
#include "app/dataset/dataset.h"
#include "app/deployment/candidate.h"
#include "app/deployment/retraining.h"
#include "app/model/model.h"
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
    " cd_policy TEXT NOT NULL DEFAULT 'DEPLOY_MANUAL', ct_every_hours INTEGER, ct_weekday INTEGER, ct_hour INTEGER,"
    " ct_metric TEXT, ct_below REAL, ct_reviews INTEGER, ct_rest_hours INTEGER, ct_at INTEGER, ct_user_id TEXT, ct_seen TEXT,"
    " cd_tests INTEGER NOT NULL DEFAULT 1, cd_test_version_id TEXT REFERENCES dataset_version(id) ON DELETE SET NULL,"
    " cd_margin REAL NOT NULL DEFAULT 0, cd_confidence REAL NOT NULL DEFAULT 0.95,"
    " ct_base_id TEXT REFERENCES model_version(id) ON DELETE SET NULL) STRICT;"
    "CREATE TABLE ct_dataset (deployment_id TEXT NOT NULL REFERENCES deployment(id) ON DELETE CASCADE, name TEXT NOT NULL,"
    " dataset_version_id TEXT NOT NULL REFERENCES dataset_version(id) ON DELETE CASCADE, created_at INTEGER NOT NULL,"
    " PRIMARY KEY (deployment_id, name)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE retraining (id TEXT PRIMARY KEY, deployment_id TEXT NOT NULL REFERENCES deployment(id) ON DELETE CASCADE,"
    " experiment_id TEXT UNIQUE REFERENCES experiment(id) ON DELETE SET NULL, experiment_name TEXT NOT NULL,"
    " state TEXT NOT NULL CHECK (state IN ('RUNNING', 'TESTING', 'DONE', 'FAILED')), error TEXT,"
    " model_version_id TEXT REFERENCES model_version(id) ON DELETE SET NULL, nb_images INTEGER NOT NULL, created_at INTEGER NOT "
    "NULL,"
    " ended_at INTEGER, cause TEXT, says TEXT NOT NULL DEFAULT '') STRICT;"
    "CREATE INDEX retraining_of ON retraining (deployment_id, created_at)";

const struct version_user pipeline_uses_versions = {
    "deployment", "SELECT o.id, o.name FROM deployment o WHERE EXISTS (SELECT 1 FROM ct_dataset c WHERE c.deployment_id = o.id"
                  " AND c.dataset_version_id IN " VERSIONS_OF_1 ") OR EXISTS (SELECT 1 FROM pipeline q WHERE q.deployment_id = o.id"
                  " AND q.td_version_id IN " VERSIONS_OF_1 ") ORDER BY o.name"
};

static const char *const policies[] = { "DEPLOY_CHAMPION", "DEPLOY_SHADOW", "DEPLOY_MANUAL", NULL };
#define OBJECT(name_, says)                                                                                                        \
    static const struct resource name_ = { .name = says, .fields = name_##_fields, .n_fields = COUNT_OF(name_##_fields) }

static const struct field training_data_fields[] = {
    { "active", T_BOOL, 0, "1" },
    { "status", T_TEXT, 0, "'SUCCESS'" },
    { "since", T_TIME, F_NULL, "q.td_at" },
    { "dataset_version", T_ONE, F_NULL, "q.td_version_id", .of = &dataset_version_short },
};
OBJECT(training_data, "training data of a deployment");

static const struct field fl_version_fields[] = { { "*", T_ONE, 0, "f.dataset_version_id", .of = &dataset_version_short } };
static const struct resource fl_version = {
    .name = "dataset version of a feedback loop",
    .fields = fl_version_fields,
    .n_fields = COUNT_OF(fl_version_fields),
    .from = "fl_dataset f",
    .key = "f.dataset_version_id",
    .order = "f.created_at, f.dataset_version_id",
};
static const struct field feedback_loop_fields[] = {
    { "configured", T_BOOL, 0, "q.fl_set" },
    { "active", T_BOOL, 0, "q.fl_active" },
    { "datasets", T_MANY, 0, "q.deployment_id", .of = &fl_version, .by = "f.deployment_id" },
};
OBJECT(feedback_loop, "feedback loop of a deployment");

static const struct field project_fields[] = { { "id", T_ID, 0, "p.id" }, { "name", T_TEXT, 0, "p.name" } };
static const struct resource project_short = {
    .name = "short project", .fields = project_fields, .n_fields = COUNT_OF(project_fields), .from = "project p", .key = "p.id"
};
static const struct field ct_version_fields[] = {
    { "name", T_TEXT, 0, "c.name" },
    { "dataset_version", T_ONE, 0, "c.dataset_version_id", .of = &dataset_version_short },
};
static const struct resource ct_version = {
    .name = "dataset version of continuous training",
    .fields = ct_version_fields,
    .n_fields = COUNT_OF(ct_version_fields),
    .from = "ct_dataset c JOIN deployment d ON d.id = c.deployment_id",
    .key = "c.name",
    .org = "d.org",
    .root = "d.id",
    .order = "c.created_at, c.name",
};
static const char *const run_states[] = { "RUNNING", "TESTING", "DONE", "FAILED", NULL };
static const struct field run_fields[] = {
    { "experiment_id", T_ID, F_NULL, "t.experiment_id" },
    { "experiment_name", T_TEXT, 0, "t.experiment_name" },
    { "state", T_TEXT, 0, "t.state", .words = run_states },
    { "says", T_TEXT, 0, "t.says" }, /* why it began */
    { "status", T_TEXT, F_NULL, "e.status" },
    { "progress", T_NUMBER, F_NULL, "e.progress" },
    { "error", T_TEXT, F_NULL, "t.error" },
    { "model_version_id", T_ID, F_NULL, "t.model_version_id" },
    { "nb_images", T_INT, 0, "t.nb_images" },
    { "created_at", T_TIME, 0, "t.created_at" },
    { "ended_at", T_TIME, F_NULL, "t.ended_at" },
};
static const struct resource latest_run = {
    .name = "training of a deployment",
    .fields = run_fields,
    .n_fields = COUNT_OF(run_fields),
    .from = "(SELECT * FROM (SELECT r.*, row_number() OVER (PARTITION BY r.deployment_id ORDER BY r.created_at DESC) AS place"
            " FROM retraining r) x WHERE x.place <= 50) t LEFT JOIN experiment e ON e.id = t.experiment_id",
    .key = "t.id",
    .order = "t.created_at DESC",
};
#define PENDING                                                                                                                    \
    "(SELECT count(*) FROM predicted_asset s WHERE s.deployment_id = q.deployment_id AND s.status = 'SUBMITTED'"                   \
    " AND s.retraining_id IS NULL)"
static const struct field continuous_training_fields[] = {
    { "configured", T_BOOL, 0, "q.ct_set" },
    { "active", T_BOOL, 0, "q.ct_active" },
    { "project", T_ONE, F_NULL, "q.ct_project_id", .of = &project_short },
    { "trigger", T_TEXT, 0, "q.ct_trigger", .words = training_trigger_words },
    { "threshold", T_INT, F_NULL, "q.ct_threshold" },
    { "every_hours", T_INT, F_NULL, "q.ct_every_hours" },
    { "weekday", T_INT, F_NULL, "q.ct_weekday" },
    { "hour", T_INT, F_NULL, "q.ct_hour" },
    { "metric", T_TEXT, F_NULL, "q.ct_metric", .words = training_metric_words },
    { "below", T_NUMBER, F_NULL, "q.ct_below" },
    { "reviews", T_INT, F_NULL, "q.ct_reviews" },
    { "rest_hours", T_INT, F_NULL, "q.ct_rest_hours" },
    { "parameters", T_OBJECT, 0, "coalesce(q.ct_parameters, '{}')" },
    { "error", T_TEXT, F_NULL, "q.ct_error" },
    { "pending", T_INT, 0, PENDING },
    { "base", T_ONE, F_NULL, TRAINING_BASE, .of = &model_version_short },
    { "datasets", T_MANY, 0, "q.deployment_id", .of = &ct_version, .by = "c.deployment_id" },
    { "runs", T_MANY, 0, "q.deployment_id", .of = &latest_run, .by = "t.deployment_id" },
};
OBJECT(continuous_training, "continuous training of a deployment");

static const struct field continuous_deployment_fields[] = {
    { "configured", T_BOOL, 0, "q.cd_set" },
    { "active", T_BOOL, 0, "q.cd_active" },
    { "policy", T_TEXT, 0, "q.cd_policy", .words = policies },
    { "tests", T_BOOL, 0, "q.cd_tests" },
    { "test_version", T_ONE, F_NULL, "q.cd_test_version_id", .of = &dataset_version_short },
    { "tested_on", T_ONE, F_NULL, TESTED_ON, .of = &dataset_version_short }, /* the one that is named, or that the lineage tells */
    { "margin", T_NUMBER, 0, "q.cd_margin" },
    { "confidence", T_NUMBER, 0, "q.cd_confidence" },
};
OBJECT(continuous_deployment, "continuous deployment of a deployment");

static const struct field fields[] = {
    { "training_data", T_PART, F_NULL, "q.td_version_id", .of = &training_data },
    { "fl", T_PART, 0, .of = &feedback_loop },
    { "ct", T_PART, 0, .of = &continuous_training },
    { "cd", T_PART, 0, .of = &continuous_deployment },
};
static const struct resource pipelines = {
    .name = "pipelines",
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "pipeline q JOIN deployment d ON d.id = q.deployment_id",
    .key = "q.deployment_id",
    .org = "d.org",
    .root = "d.id",
};

static enum err changed(struct op *op, const char *id)
{
    TRY(deployment_tell(op->db, op->arena, id, "{\"kind\":\"pipeline\"}"));
    return reply_one(op, &deployment_resource, id);
}

/* What the trigger cannot do without. */
static enum err check_trigger(struct op *op, const char *word)
{
    const struct training_trigger *t = training_trigger_called(word);
    if (t->needs && !in_has(op, t->needs))
        return fail(E_INVALID, "%s is missing: %s", t->needs, t->needs_says);
    if (strcmp(word, "METRIC") == 0 && !in_has(op, "below"))
        return fail(E_INVALID, "below is missing: the figure's bound");
    bool every = in_has(op, "every_hours"), at = in_has(op, "hour");
    if (strcmp(word, "SCHEDULE") == 0 && every == at)
        return fail(E_INVALID, "a schedule has either every_hours, or hour (UTC) and, if it is not for every day, weekday");
    return OK;
}

static struct value sent_int(struct op *op, const char *name)
{
    return in_has(op, name) ? V(in_int(op, name, 0)) : V((const char *)NULL);
}

/* A network to begin from where the champion was brought along. */
static enum err check_base(struct op *op, const char *version)
{
    AUTO(rows) struct rows *r = NULL;
    if (!version)
        return OK;
    TRY(model_version_seen(op, version));
    TRY(sql_first(
        op->db, &r,
        "SELECT v.architecture IS NOT NULL, v.type, d.type FROM model_version v JOIN deployment d ON d.id = ?2 WHERE v.id = ?1",
        V(version), V(op->id)));
    if (!rows_int(r, 0))
        return fail(E_UNMEANT, "base_model_version_id: it was not made here: choose one of the hub, or a version trained here");
    if (strcmp(rows_text(r, 1), rows_text(r, 2)) != 0)
        return fail(E_UNMEANT, "base_model_version_id: it is of type %s, the deployment of %s", rows_text(r, 1), rows_text(r, 2));
    return OK;
}

static enum err setup_training(struct op *op)
{
    const char *project = in_text(op, "project_id"), *trigger = in_text(op, "trigger");
    trigger = trigger ? trigger : "NONE";
    TRY(resource_need_to_change(op, &project_resource, project));
    TRY(check_trigger(op, trigger));
    TRY(check_base(op, in_text(op, "base_model_version_id")));
    TRY(sql_run(
        op->db,
        "UPDATE pipeline SET ct_set = 1, ct_active = 1, ct_project_id = ?2, ct_trigger = ?3, ct_threshold = ?4,"
        " ct_parameters = ?5, ct_error = NULL, ct_every_hours = ?6, ct_weekday = ?7, ct_hour = ?8, ct_metric = ?9, ct_below ="
        " ?10, ct_reviews = ?11, ct_rest_hours = ?12, ct_at = ?13, ct_user_id = ?14, ct_seen = NULL, ct_base_id = ?15 WHERE "
        "deployment_id = ?1",
        V(op->id), V(project), V(trigger), sent_int(op, "threshold"), V(in_print(op, "experiment_parameters")),
        sent_int(op, "every_hours"), sent_int(op, "weekday"), sent_int(op, "hour"), V(in_text(op, "metric")),
        in_has(op, "below") ? V(in_number(op, "below", 0)) : V((const char *)NULL), sent_int(op, "reviews"),
        sent_int(op, "rest_hours"), V(clock_now_ms()), V(op->user_id), V(in_text(op, "base_model_version_id"))));
    return changed(op, op->id);
}

static enum err toggle_training(struct op *op)
{
    TRY(sql_run(op->db, "UPDATE pipeline SET ct_active = ?2 WHERE deployment_id = ?1 AND ct_set <> 0", V(op->id),
                V(in_bool(op, "active", false))));
    if (!sql_changes(op->db))
        return fail(E_CONFLICT, "set the continuous training up first");
    return changed(op, op->id);
}

static enum err train_now(struct op *op)
{
    int64_t set = 0;
    TRY(sql_int(op->db, &set, "SELECT ct_set FROM pipeline WHERE deployment_id = ?1", V(op->id)));
    if (!set)
        return fail(E_CONFLICT, "set the continuous training up first");
    TRY(retraining_now(op->db, op->arena, op->id, op->user_id));
    return changed(op, op->id);
}

static enum err attach(struct op *op)
{
    const char *version = in_text(op, "dataset_version_id"), *name = in_text(op, "name");
    TRY(resource_need(op, &dataset_version_resource, version));
    enum err e =
        sql_run(op->db, "INSERT INTO ct_dataset (deployment_id, name, dataset_version_id, created_at) VALUES (?1, ?2, ?3, ?4)",
                V(op->id), V(name), V(version), V(clock_now_ms()));
    if (e == E_CONFLICT)
        return fail(E_CONFLICT, "a dataset version is attached as \"%s\" already", name);
    TRY(e);
    return changed(op, op->id);
}

static enum err detach(struct op *op)
{
    struct value ids;
    TRY(in_ids(op, "ids", &ids));
    TRY(sql_run(op->db, "DELETE FROM ct_dataset WHERE deployment_id = ?1 AND dataset_version_id IN " LISTED("?2"), V(op->id),
                V(ids)));
    return changed(op, op->id);
}

static enum err list_datasets(struct op *op)
{
    return reply_list(op, &ct_version, "c.deployment_id = ?1", V(op->id));
}

/* What is learnt from says nothing about what was learnt. */
static enum err check_test_version(struct op *op, const char *version)
{
    int64_t fed = 0;
    TRY(resource_need(op, &dataset_version_resource, version));
    TRY(sql_int(op->db, &fed, "SELECT count(*) FROM fl_dataset WHERE deployment_id = ?1 AND dataset_version_id = ?2", V(op->id),
                V(version)));
    return fed ? fail(E_CONFLICT, "the feedback loop fills this version: models learn from it, and cannot be tested on it") : OK;
}

/* What is not sent stays as it is. */
static enum err setup_test(struct op *op)
{
    if (in_has(op, "test_version_id"))
        TRY(check_test_version(op, in_text(op, "test_version_id")));
    bool named = json_get(op->body, "test_version_id") != NULL;
    return sql_run(op->db,
                   "UPDATE pipeline SET cd_tests = coalesce(?2, cd_tests), cd_margin = coalesce(?3, cd_margin), cd_confidence ="
                   " coalesce(?4, cd_confidence), cd_test_version_id = CASE WHEN ?5 <> 0 THEN ?6 ELSE cd_test_version_id END WHERE"
                   " deployment_id = ?1",
                   V(op->id), in_has(op, "tests") ? V(in_bool(op, "tests", true)) : V((const char *)NULL),
                   in_has(op, "margin") ? V(in_number(op, "margin", 0)) : V((const char *)NULL),
                   in_has(op, "confidence") ? V(in_number(op, "confidence", 0)) : V((const char *)NULL), V((int64_t)named),
                   V(in_text(op, "test_version_id")));
}

static enum err setup_deployment(struct op *op)
{
    TRY(sql_run(op->db, "UPDATE pipeline SET cd_set = 1, cd_active = 1, cd_policy = ?2 WHERE deployment_id = ?1 AND ct_set <> 0",
                V(op->id), V(in_text(op, "policy"))));
    if (!sql_changes(op->db))
        return fail(E_CONFLICT, "set the continuous training up first: it makes the models that are deployed");
    TRY(setup_test(op));
    return changed(op, op->id);
}

static enum err toggle_deployment(struct op *op)
{
    TRY(sql_run(op->db, "UPDATE pipeline SET cd_active = ?2 WHERE deployment_id = ?1 AND cd_set <> 0", V(op->id),
                V(in_bool(op, "active", false))));
    if (!sql_changes(op->db))
        return fail(E_CONFLICT, "set the continuous deployment up first");
    return changed(op, op->id);
}

static enum err set_training_data(struct op *op)
{
    const char *version = in_text(op, "dataset_version_id");
    TRY(resource_need(op, &dataset_version_resource, version));
    TRY(sql_run(op->db, "UPDATE pipeline SET td_version_id = ?2, td_at = ?3 WHERE deployment_id = ?1", V(op->id), V(version),
                V(clock_now_ms())));
    TRY(deployment_heard(op->db, op->arena, op->id, NULL));
    return changed(op, op->id);
}

static const char *const check_words[] = { "SUCCESS", "NOT_CONFIGURED", NULL };

/* The reference is counted when it is asked for, so that it is always ready. */
PART_OF_ROW(check_answer, "training data check", "pipeline q", "q.deployment_id",
            { "status", T_TEXT, 0, "CASE WHEN q.td_version_id IS NOT NULL THEN 'SUCCESS' ELSE 'NOT_CONFIGURED' END",
              .words = check_words });

static enum err check_training_data(struct op *op)
{
    return reply_one(op, &check_answer, op->id);
}

static enum err disable_training_data(struct op *op)
{
    TRY(sql_run(op->db, "UPDATE pipeline SET td_version_id = NULL, td_at = NULL WHERE deployment_id = ?1", V(op->id)));
    TRY(deployment_heard(op->db, op->arena, op->id, NULL));
    return changed(op, op->id);
}

static enum err get(struct op *op)
{
    return reply_find(op, &pipelines, "the deployment has no pipelines", "q.deployment_id = ?1", V(op->id));
}

static const char *const training_types[] = { "EXPERIMENT", NULL };
static const struct field training_in[] = {
    { "project_id", T_ID, F_NEED },
    { "trigger", T_TEXT, F_NULL, .words = training_trigger_words },
    { "threshold", T_INT, F_NULL, .min = 1, .max = 1e6 },
    { "every_hours", T_INT, F_NULL, .min = 1, .max = 8784 },
    { "weekday", T_INT, F_NULL, .min = 0, .max = 6 }, /* 0: Monday */
    { "hour", T_INT, F_NULL, .min = 0, .max = 23 },
    { "metric", T_TEXT, F_NULL, .words = training_metric_words },
    { "below", T_NUMBER, F_NULL, .min = 0, .max = 1 },
    { "reviews", T_INT, F_NULL, .min = 1, .max = 1000 },
    { "rest_hours", T_INT, F_NULL, .min = 0, .max = 8784 },
    { "training_type", T_TEXT, F_NULL, .words = training_types },
    { "experiment_parameters", T_OBJECT, F_NULL },
    { "base_model_version_id", T_ID, F_NULL }, /* in the place of a champion that was brought along */
};
static const struct field active_in[] = { { "active", T_BOOL, F_NEED } };
static const struct field alias_in[] = { { "dataset_version_id", T_ID, F_NEED }, { "name", T_TEXT, F_NEED, .min = 1, .max = 100 } };
static const struct field ids_in[] = { { "ids", T_IDS, F_NEED } };
static const struct field policy_in[] = {
    { "policy", T_TEXT, F_NEED, .words = policies },
    { "tests", T_BOOL, F_NULL },
    { "test_version_id", T_ID, F_NULL },
    { "margin", T_NUMBER, F_NULL, .min = 0, .max = 0.5 },
    { "confidence", T_NUMBER, F_NULL, .min = 0.5, .max = 0.999 },
};
static const struct field version_in[] = { { "dataset_version_id", T_ID, F_NEED } };

static const struct route routes[] = {
    { "GET", "/api/deployment/{id}/pipelines", get, MAY_READ, WORK_READ, "the settings of all pipelines, and their trainings",
      .on = &deployment_resource, .answers = &pipelines },
    { "POST", "/api/deployment/{id}/pipeline/ct", setup_training, MAY_WRITE, WORK_WRITE, "sets the continuous training up",
      FIELDS(training_in), .on = &deployment_resource, .answers = &deployment_resource },
    { "PUT", "/api/deployment/{id}/pipeline/ct", toggle_training, MAY_WRITE, WORK_WRITE, "switches it", FIELDS(active_in),
      .on = &deployment_resource, .answers = &deployment_resource },
    { "POST", "/api/deployment/{id}/pipeline/ct/launch", train_now, MAY_WRITE, WORK_WRITE, "starts a training now",
      .on = &deployment_resource, .answers = &deployment_resource },
    { "GET", "/api/deployment/{id}/ct/datasets", list_datasets, MAY_READ, WORK_READ, "the dataset versions that it trains on",
      .on = &deployment_resource, .answers = &ct_version, .gives = GIVES_PAGE },
    { "POST", "/api/deployment/{id}/ct/datasets", attach, MAY_WRITE, WORK_WRITE, "attaches one under an alias", FIELDS(alias_in),
      .on = &deployment_resource, .answers = &deployment_resource },
    { "DELETE", "/api/deployment/{id}/ct/datasets", detach, MAY_WRITE, WORK_WRITE, "detaches some", FIELDS(ids_in),
      .on = &deployment_resource, .answers = &deployment_resource },
    { "POST", "/api/deployment/{id}/pipeline/cd", setup_deployment, MAY_WRITE, WORK_WRITE, "sets the continuous deployment up",
      FIELDS(policy_in), .on = &deployment_resource, .answers = &deployment_resource },
    { "PUT", "/api/deployment/{id}/pipeline/cd", toggle_deployment, MAY_WRITE, WORK_WRITE, "switches it", FIELDS(active_in),
      .on = &deployment_resource, .answers = &deployment_resource },
    { "POST", "/api/deployment/{id}/pipeline/td/setup", set_training_data, MAY_WRITE, WORK_WRITE,
      "says what the model was trained on", FIELDS(version_in), .on = &deployment_resource, .answers = &deployment_resource },
    { "GET", "/api/deployment/{id}/pipeline/td/check", check_training_data, MAY_READ, WORK_READ, "whether the reference is ready",
      .on = &deployment_resource, .answers = &check_answer },
    { "PUT", "/api/deployment/{id}/pipeline/td/disable", disable_training_data, MAY_WRITE, WORK_WRITE, "forgets it",
      .on = &deployment_resource, .answers = &deployment_resource },
};

const struct resource pipeline_resource = {
    .name = "pipeline",
    .table = table,
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
