/* The job that fits to a deployment's training images: pictures of them, an autoencoder, a threshold. It keeps nothing until it is
 * done, so that one that was killed begins anew. */
#include "app/datalake/datalake.h"
#include "app/deployment/deployment.h"
#include "app/monitor/drift.h"
#include "app/monitor/outlier.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/machine.h"
#include "blob/blob.h"
#include "img/decoder.h"
#include "job/job.h"
#include "learn/outlier/outlier.h"
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { THREADS_MOST = 2, SEED = 1, HELD_CAP = 1 << 20, NICE = 10 };
static const double READING = 0.2; /* of the progress */

struct fitting {
    struct job *job;
    const struct services *services;
    const char *id, *deployment, *version;
    uint8_t *pixels;
    int n, unreadable;
    double begun;
};

static enum err read_job(struct fitting *f)
{
    AUTO(rows) struct rows *r = NULL;
    enum err e = sql_first(
        f->job->db, &r, "SELECT deployment_id, dataset_version_id FROM outlier_fit WHERE id = ?1 AND state = 'WORKING'", V(f->id));
    if (e == E_NOT_FOUND)
        return fail(E_CANCELLED, "the fit is not wanted any more");
    TRY(e);
    f->deployment = arena_str(f->job->arena, rows_text(r, 0));
    f->version = arena_str(f->job->arena, rows_text(r, 1));
    return OK;
}

static enum err read_hash(struct fitting *f, const char *data_id, const char **ret)
{
    AUTO(rows) struct rows *r = NULL;
    *ret = NULL;
    TRY(sql_rows(f->job->db, &r, "SELECT hash FROM data WHERE id = ?1 AND upload_status = 'DONE'", V(data_id)));
    if (rows_next(r))
        *ret = arena_str(f->job->arena, rows_text(r, 0));
    return rows_error(r);
}

/* An image that cannot be read is left out: it is shown as such elsewhere. */
static enum err read_image(struct fitting *f, struct decoder *d, const char *data_id)
{
    const char *hash;
    TRY(read_hash(f, data_id, &hash));
    AUTO(fd) int fd = -1;
    uint64_t size;
    bool there = hash && blob_read(f->services->blobs, hash, &fd, &size) == OK;
    enum err e = there ? decoder_small(d, fd, AUTOENCODER_SIDE, f->pixels + (size_t)f->n * AUTOENCODER_VALUES) : OK;
    if (e == E_BUSY || e == E_BROKEN) /* that is the decoder's fault */
        return e;
    if (there && e == OK)
        f->n++;
    else
        f->unreadable++;
    return OK;
}

static enum err read_images(struct fitting *f)
{
    struct training_images *t = arena_take(f->job->arena, sizeof *t);
    AUTO(decoder) struct decoder *d = NULL;
    void *pixels;
    TRY(training_choose(f->job->db, f->job->arena, f->version, t));
    TRY(big_take((t->n + 1) * AUTOENCODER_VALUES, (size_t)OUTLIER_MOST * AUTOENCODER_VALUES + AUTOENCODER_VALUES,
                 "pictures of training images", &pixels));
    f->pixels = pixels;
    TRY(decoder_start(f->services->self_path, 1, &d));
    for (size_t i = 0; i < t->n; i++) {
        if (!job_go_on(f->job, READING * (double)i / (double)t->n, "reading training images"))
            return fail(E_CANCELLED, "the fit was stopped");
        TRY(read_image(f, d, t->ids[i]));
    }
    return OK;
}

static bool go_on(void *with, double part)
{
    return job_go_on(with, READING + (1 - READING) * part, "fitting");
}

static enum err object_of(struct fitting *f, const struct outlier_fit *fit, const char *org, const char **ret_name)
{
    char hash[HASH_SIZE];
    TRY(blob_put(f->services->blobs, fit->file, fit->n_file, hash));
    TRY(object_name_new(f->job->arena, org, "outlier-fit", NULL, "fit.bin", ret_name));
    return object_add(f->job->db, org, *ret_name, hash, fit->n_file, "application/octet-stream");
}

/* Predictions that were made before are scored from the newest on: behind_at is just above it. */
static enum err write_fit(struct fitting *f, const struct outlier_fit *fit, const char *object, double percentile)
{
    AUTO(out) struct out o;
    double chance, threshold = outlier_threshold(fit->held, fit->n_held, percentile / 100, &chance);
    out_init(&o, HELD_CAP);
    out_array(&o, NULL);
    for (int i = 0; i < fit->n_held; i++)
        out_number(&o, NULL, fit->held[i]);
    out_end_array(&o);
    TRY(sql_run(
        f->job->db,
        "UPDATE outlier_fit SET state = 'READY', ended_at = ?2, images = ?3, held_out = ?4, seconds = ?5, loss = ?6, percentile ="
        " ?7, threshold = ?8, chance = ?9, held = ?10, object_name = ?11, behind_at = ?12, behind_id = '' WHERE id = ?1 AND"
        " state = 'WORKING'",
        V(f->id), V(clock_now_ms()), V((int64_t)f->n), V((int64_t)fit->n_held), V(clock_seconds() - f->begun), V(fit->loss),
        V(percentile), V(threshold), V(chance), V((const char *)o.text.bytes), V(object), V(INT64_MAX)));
    if (!sql_changes(f->job->db))
        return fail(E_CANCELLED, "the fit is not wanted any more");
    return sql_run(f->job->db, "UPDATE outlier SET fit_id = ?2 WHERE id = ?1", V(f->deployment), V(f->id));
}

static enum err keep(struct fitting *f, const struct outlier_fit *fit)
{
    struct sql *db = f->job->db;
    const char *object, *org;
    double percentile;
    {
        AUTO(rows) struct rows *r = NULL;
        enum err e = sql_first(db, &r, "SELECT o.org, m.percentile FROM outlier m JOIN deployment o ON o.id = m.id WHERE m.id = ?1",
                               V(f->deployment));
        if (e == E_NOT_FOUND)
            return fail(E_CANCELLED, "the deployment is gone");
        TRY(e);
        org = arena_str(f->job->arena, rows_text(r, 0));
        percentile = rows_real(r, 1);
    }
    TRY(object_of(f, fit, org, &object));
    TRY(write_fit(f, fit, object, percentile));
    TRY(deployment_tell(db, f->job->arena, f->deployment, "{\"kind\":\"outliers\"}"));
    return job_done_within(
        f->job, arena_fmt(f->job->arena, "{\"fit_id\":\"%s\",\"images\":%d,\"unreadable\":%d}", f->id, f->n, f->unreadable));
}

static enum err fit(struct fitting *f)
{
    struct outlier_fit done;
    int processors = machine_look("").processors;
    TRY(read_images(f));
    struct outlier_options o = {
        .threads = processors < THREADS_MOST ? processors : THREADS_MOST, .seed = SEED, .go_on = go_on, .with = f->job
    };
    TRY(outlier_fit(f->pixels, f->n, &o, f->job->arena, &done));
    TRY(sql_begin(f->job->db));
    return sql_end(f->job->db, keep(f, &done));
}

static enum err run(struct job *j)
{
    struct fitting f = { .job = j, .services = j->with, .id = json_text(json_get(j->input, "fit_id")), .begun = clock_seconds() };
    if (!f.id || !f.services)
        return fail(E_BROKEN, "the job does not say what to fit");
    setpriority(PRIO_PROCESS, 0, NICE); /* of this thread of the lane, and of what it starts: whoever is served goes first */
    TRY(read_job(&f));
    enum err e = fit(&f);
    free(f.pixels);
    return e;
}

/* In the transaction that settles the job. */
static enum err gave_up(struct job *j, const char *why)
{
    const char *id = json_text(json_get(j->input, "fit_id"));
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(j->db, &r,
                 "UPDATE outlier_fit SET state = 'FAILED', error = ?2, ended_at = ?3 WHERE id = ?1 AND state = 'WORKING' RETURNING"
                 " deployment_id",
                 V(id), V(why ? why : "it was cancelled"), V(clock_now_ms())));
    if (!rows_next(r))
        return rows_error(r);
    const char *deployment = arena_str(j->arena, rows_text(r, 0));
    return deployment_tell(j->db, j->arena, deployment, "{\"kind\":\"outliers\"}");
}

const struct job_kind outlier_fit_job = {
    .name = "fit_outliers", .run = run, .gave_up = gave_up, .tries = 3, .lease_s = 30, .lane = "fits", .does = JOB_READS
};
