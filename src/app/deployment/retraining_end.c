/* How a continuous training ends: its model is the next version of the champion's. It is tested beside the champion (candidate.c)
 * where there is something to test it on, and takes the place that the policy says.
 *
 * All within the transaction of what causes it (the change of the experiment's status; the end of the test), so that a crash leaves
 * both or neither, and a repeated message finds the work done. */
#include "app/deployment/candidate.h"
#include "app/experiment/experiment.h"
#include "base/clock.h"
#include "job/job.h"
#include <string.h>

struct ended {
    const char *id, *deployment, *name, *org, *experiment, *model, *user_id, *policy;
    bool cd_active, has_model;
};

static enum err read_ended(struct sql *db, struct arena *a, const char *experiment, struct ended *ret, bool *ret_any)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(
        db, &r,
        "SELECT t.id, t.deployment_id, o.name, o.org, coalesce(m.id, c.model_id), e.created_by, q.cd_policy, q.cd_active, CASE "
        "WHEN EXISTS (SELECT 1 FROM"
        " artifact f WHERE f.experiment_id = e.id AND f.name = 'model-latest') THEN 1 ELSE 0 END FROM retraining t JOIN experiment "
        "e"
        " ON e.id = t.experiment_id JOIN deployment o ON o.id = t.deployment_id JOIN pipeline q ON q.deployment_id = o.id"
        " JOIN model_version c ON c.id = o.model_version_id" /* where a network of ours took the champion's place */
        " LEFT JOIN model_version v ON v.id = e.base_model_version_id LEFT JOIN model m ON m.id = v.model_id AND m.org IS NOT NULL"
        " WHERE t.experiment_id = ?1 AND t.state = 'RUNNING'",
        V(experiment)));
    *ret_any = rows_next(r);
    if (*ret_any) {
        const char **texts[] = { &ret->id, &ret->deployment, &ret->name, &ret->org, &ret->model, &ret->user_id, &ret->policy };
        for (int i = 0; i < (int)COUNT_OF(texts); i++)
            *texts[i] = arena_str(a, rows_text(r, i));
        ret->experiment = experiment;
        ret->cd_active = rows_int(r, 7) != 0;
        ret->has_model = rows_int(r, 8) != 0;
    }
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
static enum err put_to_work(struct sql *db, struct arena *a, const char *deployment, enum put put, const char *version,
                            const char **ret_error)
{
    *ret_error = NULL;
    if (put == PUT_NOWHERE)
        return OK;
    enum err e = deployment_set_model(db, a, deployment, put == PUT_CHAMPION ? SLOT_CHAMPION : SLOT_SHADOW, version);
    if (e != E_UNMEANT)
        return e;
    *ret_error = arena_str(a, fail_text());
    return OK;
}

enum put put_by_policy(bool active, const char *policy)
{
    return !active || strcmp(policy, "DEPLOY_MANUAL") == 0 ? PUT_NOWHERE
           : strcmp(policy, "DEPLOY_CHAMPION") == 0        ? PUT_CHAMPION
                                                           : PUT_SHADOW;
}

static enum err tell_end(struct sql *db, struct arena *a, const struct ended *t, const char *status, const char *version)
{
    const char *made = version ? arena_fmt(a, "\"%s\"", version) : "null";
    return deployment_tell_webhooks(
        db, a, t->deployment, "continuous_training_finished",
        arena_fmt(a, "\"experiment_id\":\"%s\",\"status\":\"%s\",\"model_version_id\":%s", t->experiment, status, made));
}

/* Nothing to test it on: what the policy says is done at once, and the record says that it was not tested. */
static enum err put_untested(struct sql *db, struct arena *a, const struct ended *t, const char *version)
{
    const char *error;
    enum put put = put_by_policy(t->cd_active, t->policy);
    TRY(put_to_work(db, a, t->deployment, put, version, &error));
    const struct decision d = { .deployment = t->deployment,
                                .kind = error ? "REFUSED" : "PASSED",
                                .model = version,
                                .says = arena_fmt(a, "%s was made and %s: %s", model_version_called(db, a, version),
                                                  put_words(error ? PUT_NOWHERE : put),
                                                  error ? error : "it was not tested, since no test version is known") };
    TRY(decision_add(db, a, &d));
    return settle(db, t, "DONE", version, error);
}

/* From now on it is that version, whatever the lineage of later champions says: scores of one version can be compared. */
static enum err test_first(struct sql *db, struct arena *a, const struct ended *t, const char *version, const char *tested_on)
{
    const char *job;
    TRY(sql_run(db, "UPDATE pipeline SET cd_test_version_id = ?2 WHERE deployment_id = ?1", V(t->deployment), V(tested_on)));
    TRY(sql_run(db, "UPDATE retraining SET state = 'TESTING', model_version_id = ?2 WHERE id = ?1", V(t->id), V(version)));
    TRY(job_add(db, a, candidate_job.name, t->org, t->user_id, arena_fmt(a, "{\"retraining_id\":\"%s\"}", t->id), &job));
    return job_about(db, job, t->deployment, t->name);
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
    const char *version, *tested_on;
    TRY(experiment_publish(db, a, experiment_id, t.model, t.user_id, &version));
    TRY(tested_with(db, a, t.deployment, &tested_on));
    TRY(tested_on ? test_first(db, a, &t, version, tested_on) : put_untested(db, a, &t, version));
    TRY(tell_end(db, a, &t, status, version));
    TRY(deployment_tell(db, a, t.deployment, arena_fmt(a, "{\"kind\":\"pipeline\",\"model_version_id\":\"%s\"}", version)));
    return retraining_consider(db, a, t.deployment, t.user_id); /* what was submitted meanwhile */
}

/* ---- after the test */

enum err retraining_tested(struct sql *db, struct arena *a, const char *id, enum put put, const struct decision *decided)
{
    struct ended t = { .id = id, .deployment = decided->deployment };
    struct decision d = *decided;
    const char *error;
    TRY(put_to_work(db, a, t.deployment, put, d.model, &error));
    if (error) {
        d.kind = "REFUSED";
        d.says = arena_fmt(a, "%s; but %s", d.says, error);
    }
    TRY(decision_add(db, a, &d));
    TRY(settle(db, &t, "DONE", d.model, error));
    TRY(deployment_tell(db, a, t.deployment, "{\"kind\":\"pipeline\"}"));
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(db, &r,
                  "SELECT coalesce(q.ct_user_id, d.created_by) FROM pipeline q JOIN deployment d ON d.id = q.deployment_id"
                  " WHERE d.id = ?1",
                  V(t.deployment)));
    return rows_null(r, 0) ? OK : retraining_consider(db, a, t.deployment, arena_str(a, rows_text(r, 0)));
}
