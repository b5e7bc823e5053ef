/* Starting a training on this server. */
#include "app/experiment/experiment.h"
#include "app/model/model.h"
#include "base/clock.h"
#include "job/job.h"
#include "learn/data/alias.h"
#include "learn/data/settings.h"
#include <string.h>

static enum err may_start(struct sql *db, const char *id)
{
    AUTO(rows) struct rows *r = NULL;
    enum err e = sql_first(db, &r,
                           "SELECT e.status, (SELECT j.status FROM job j WHERE j.id = e.job_id), b.id, b.architecture,"
                           " (SELECT count(*) FROM experiment_dataset d WHERE d.experiment_id = e.id)"
                           " FROM experiment e LEFT JOIN model_version b ON b.id = e.base_model_version_id WHERE e.id = ?1",
                           V(id));
    if (e == E_NOT_FOUND)
        return fail(E_NOT_FOUND, "there is no experiment %s", id);
    TRY(e);
    const char *job = rows_text(r, 1);
    if (job && (strcmp(job, "PENDING") == 0 || strcmp(job, "RUNNING") == 0))
        return fail(E_CONFLICT, "the experiment is being trained already");
    if (strcmp(rows_text(r, 0), "SUCCESS") == 0)
        return fail(E_CONFLICT, "the experiment has ended with SUCCESS; make a new one with this one as its base");
    if (rows_null(r, 2))
        return fail(E_UNMEANT, "the experiment has no base model; choose one of the hub, or a version trained here");
    if (rows_null(r, 3))
        return fail(E_UNMEANT,
                    "the base model was not made here: this server cannot train it, only keep the record of its training");
    if (!rows_int(r, 4))
        return fail(E_UNMEANT, "no dataset version is attached; attach one as \"train\"");
    return OK;
}

/* The trainer chooses in the same way, and would find out later. */
static enum err check_data(struct sql *db, const char *id)
{
    AUTO(rows) struct rows *r = NULL;
    bool learns = false, annotated = false;
    TRY(sql_rows(
        db, &r,
        "SELECT d.name, EXISTS (SELECT 1 FROM label l WHERE l.dataset_version_id = d.dataset_version_id AND l.n_shapes > 0)"
        " FROM experiment_dataset d WHERE d.experiment_id = ?1",
        V(id)));
    while (rows_next(r)) {
        bool learnt = !alias_measures(rows_text(r, 0));
        learns |= learnt;
        annotated |= learnt && rows_int(r, 1);
    }
    TRY(rows_error(r));
    if (!learns)
        return fail(E_UNMEANT, "all attached dataset versions are there to be measured on, as their names say: attach the one to"
                               " learn from as \"train\"");
    return annotated ? OK
                     : fail(E_UNMEANT, "the dataset version to learn from has no annotations: annotate its images or import some");
}

/* The trainer reads them in the same way, but only later. */
static enum err check_parameters(struct sql *db, struct arena *a, const char *id)
{
    AUTO(rows) struct rows *r = NULL;
    enum err e =
        sql_first(db, &r, "SELECT data FROM log WHERE experiment_id = ?1 AND name = 'parameters' AND type = 'TABLE'", V(id));
    if (e == E_NOT_FOUND)
        return OK;
    TRY(e);
    const char *text = rows_text(r, 0), *unknown;
    const struct json *v;
    struct settings settings;
    settings_defaults(&settings);
    TRY(json_parse(a, text, strlen(text), &v));
    return settings_read(&settings, v, a, &unknown);
}

enum err experiment_job(struct sql *db, const char *job_id, const char *id)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(db, &r, "SELECT name FROM experiment WHERE id = ?1", V(id)));
    return job_about(db, job_id, id, rows_text(r, 0));
}

enum err experiment_launch(struct sql *db, struct arena *a, const char *id, const char *org, const char *user_id,
                           const char **ret_job)
{
    TRY(may_start(db, id));
    TRY(check_data(db, id));
    TRY(check_parameters(db, a, id));
    TRY(job_add(db, a, "train", org, user_id, arena_fmt(a, "{\"experiment_id\":\"%s\"}", id), ret_job));
    TRY(experiment_job(db, *ret_job, id));
    TRY(sql_run(db, "UPDATE experiment SET job_id = ?2, cancelled = 0, error = NULL, updated_at = ?3 WHERE id = ?1", V(id),
                V(*ret_job), V(clock_now_ms())));
    return experiment_set_status(db, a, id, "WAITING", NULL);
}

/* What grows or changes just now would be learnt from by halves. */
static enum err check_free(struct op *op)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r, "SELECT name, dataset_version_id FROM experiment_dataset WHERE experiment_id = ?1", V(op->id)));
    while (rows_next(r))
        TRY(fail_within(job_check_alone(op->db, rows_text(r, 1), JOB_READS),
                        "the dataset version that is attached as \"%s\" is busy: ", rows_text(r, 0)));
    return rows_error(r);
}

static enum err launch(struct op *op)
{
    const char *job;
    TRY(check_free(op));
    TRY(experiment_launch(op->db, op->arena, op->id, op->org, op->user_id, &job));
    out_object(&op->out, NULL);
    out_text(&op->out, "id", job);
    out_text(&op->out, "status", "PENDING");
    out_end_object(&op->out);
    return OK;
}

/* Accepted because clients send them; this server trains where it runs. */
static const struct field launch_in[] = {
    { "gpus", T_INT, F_NULL, .max = 1024 },
    { "gpu_type", T_TEXT, F_NULL, .max = 100 },
    { "compute_connector_id", T_ID, F_NULL },
};

static const struct route routes[] = {
    { "POST", "/api/experiment/{id}/launch", launch, MAY_WRITE, WORK_WRITE, "trains the experiment on this server",
      FIELDS(launch_in), .on = &experiment_resource, .answers = &job_short },
};

const struct resource launch_resource = { .name = "launch", .routes = routes, .n_routes = COUNT_OF(routes) };
