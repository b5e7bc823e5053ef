/* Continuous training and deployment: enough submitted reviews start an experiment; when it succeeds it is the next version of the
 * champion's model, and takes the place in the deployment that the policy says.
 *
 * Both halves happen inside the transaction of what causes them (the submit; the change of the experiment's status), so that a
 * crash leaves both or neither, and a repeated message finds the work done. */
#include "app/deployment/deployment.h"
#include "app/experiment/experiment.h"
#include "base/clock.h"
#include <string.h>

/* ---- starting */

struct plan {
    const char *deployment, *name, *champion, *project, *parameters, *org;
    int64_t threshold, waiting, running, datasets;
    bool triggered; /* by the feedback loop, not only by hand */
};

static enum err read_plan(struct sql *db, struct arena *a, const char *deployment, struct plan *ret, bool *ret_active)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(
        db, &r,
        "SELECT d.name, d.model_version_id, q.ct_project_id, q.ct_parameters, d.org, q.ct_threshold,"
        " (SELECT count(*) FROM predicted_asset s WHERE s.deployment_id = d.id AND s.status = 'SUBMITTED'"
        " AND s.retraining_id IS NULL), (SELECT count(*) FROM retraining t JOIN experiment e ON e.id = t.experiment_id"
        " LEFT JOIN job j ON j.id = e.job_id WHERE t.deployment_id = d.id AND t.state = 'RUNNING' AND (e.status = 'RUNNING'"
        " OR j.status IN ('PENDING', 'RUNNING'))), (SELECT count(*) FROM ct_dataset c WHERE c.deployment_id = d.id),"
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

static enum err tell_end(struct sql *db, struct arena *a, const struct ended *t, const char *status, const char *version)
{
    const char *made = version ? arena_fmt(a, "\"%s\"", version) : "null";
    return deployment_tell_webhooks(
        db, a, t->deployment, "continuous_training_finished",
        arena_fmt(a, "\"experiment_id\":\"%s\",\"status\":\"%s\",\"model_version_id\":%s", t->experiment, status, made));
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
        TRY(tell_end(db, a, &t, status, NULL));
        return deployment_tell(db, a, t.deployment, "{\"kind\":\"pipeline\"}");
    }
    const char *version, *error;
    TRY(experiment_publish(db, a, experiment_id, t.model, t.user_id, &version));
    TRY(put_to_work(db, a, &t, version, &error));
    TRY(settle(db, &t, "DONE", version, error));
    TRY(tell_end(db, a, &t, status, version));
    TRY(deployment_tell(db, a, t.deployment, arena_fmt(a, "{\"kind\":\"pipeline\",\"model_version_id\":\"%s\"}", version)));
    return retraining_consider(db, a, t.deployment, t.user_id, false); /* what was submitted meanwhile */
}
