/* Continuous training and deployment: a trigger (retraining.h) starts an experiment; when it succeeds it is the next version of the
 * champion's model, and takes the place in the deployment that the policy says.
 *
 * Both halves happen inside the transaction of what causes them (the submit; the change of the experiment's status), so that a
 * crash leaves both or neither, and a repeated message finds the work done. */
#include "api/remove.h"
#include "app/deployment/deployment.h"
#include "app/experiment/experiment.h"
#include "base/clock.h"
#include "base/log.h"
#include "learn/data/alias.h"
#include <string.h>

enum { NAMED_MOST = 10 };

/* ---- starting */

static const char *text_of(struct arena *a, struct rows *r, int column)
{
    return rows_null(r, column) ? NULL : arena_str(a, rows_text(r, column));
}

static int64_t number_of(struct rows *r, int column, int64_t missing)
{
    return rows_null(r, column) ? missing : rows_int(r, column);
}

static void plan_of(struct arena *a, struct rows *r, struct training_plan *ret)
{
    const char **texts[] = { &ret->name,    &ret->org,    &ret->champion, &ret->project, &ret->parameters,
                             &ret->trigger, &ret->metric, &ret->user,     &ret->seen,    &ret->base };
    int c = (int)COUNT_OF(texts);
    for (int i = 0; i < c; i++)
        *texts[i] = text_of(a, r, i);
    const struct training_trigger *t = training_trigger_called(ret->trigger);
    ret->least = number_of(r, c++, 1);
    ret->reviews = number_of(r, c++, 1);
    ret->rest_ms = number_of(r, c++, t ? t->rest_hours : 0) * 3600 * 1000;
    ret->every_hours = number_of(r, c++, -1);
    ret->weekday = number_of(r, c++, -1);
    ret->hour = number_of(r, c++, -1);
    ret->below = rows_real(r, c++);
    ret->set_at_ms = number_of(r, c++, 0);
    ret->active = rows_int(r, c++) != 0;
    ret->deployed_at_ms = rows_int(r, c++);
    ret->serving = rows_int(r, c++) != 0;
    ret->waiting = rows_int(r, c++);
    ret->running = rows_int(r, c++);
    ret->datasets = rows_int(r, c++);
    ret->last_at_ms = rows_int(r, c++);
}

static enum err read_plan(struct sql *db, struct arena *a, const char *deployment, struct training_plan *ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(
        db, &r,
        "SELECT d.name, d.org, d.model_version_id, q.ct_project_id, q.ct_parameters, q.ct_trigger, q.ct_metric,"
        " coalesce(q.ct_user_id, d.created_by), q.ct_seen, " TRAINING_BASE
        ", q.ct_threshold, q.ct_reviews, q.ct_rest_hours, q.ct_every_hours,"
        " q.ct_weekday, q.ct_hour, q.ct_below, q.ct_at, q.ct_active, d.deployed_at, d.serving,"
        " (SELECT count(*) FROM predicted_asset s WHERE s.deployment_id = d.id AND s.status = 'SUBMITTED'"
        " AND s.retraining_id IS NULL), (SELECT count(*) FROM retraining t LEFT JOIN experiment e ON e.id = t.experiment_id"
        " LEFT JOIN job j ON j.id = e.job_id WHERE t.deployment_id = d.id AND (t.state = 'TESTING' OR t.state = 'RUNNING' AND"
        " (e.status = 'RUNNING' OR j.status IN ('PENDING', 'RUNNING')))),"
        " (SELECT count(*) FROM ct_dataset c WHERE c.deployment_id = d.id),"
        " coalesce((SELECT max(t.created_at) FROM retraining t WHERE t.deployment_id = d.id), 0)"
        " FROM deployment d JOIN pipeline q ON q.deployment_id = d.id WHERE d.id = ?1",
        V(deployment)));
    *ret = (struct training_plan){ .deployment = deployment };
    plan_of(a, r, ret);
    return OK;
}

/* Whether it may start by itself at all: the rest is for its trigger to say. */
static bool ready(const struct training_plan *p, int64_t now)
{
    return p->active && !p->running && p->waiting >= p->least && p->waiting > 0 && now >= p->last_at_ms + p->rest_ms;
}

/* Why no training can start, or NULL. Looked at beforehand: reviews that were submitted stay so whatever the pipeline lacks. */
static const char *obstacle(const struct training_plan *p)
{
    return !p->project    ? "the project of the continuous training is gone"
           : !p->datasets ? "no dataset version is attached to the continuous training"
           : !p->base     ? "the champion was not made here, and no network of this server learns what it does"
           : !p->user     ? "nobody is known who set it up: save it again"
                          : NULL;
}

static enum err attach_listed(struct sql *db, const char *deployment, const char *experiment)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r, "SELECT name, dataset_version_id FROM ct_dataset WHERE deployment_id = ?1 ORDER BY created_at, name",
                 V(deployment)));
    while (rows_next(r))
        TRY(experiment_attach(db, experiment, rows_text(r, 0), rows_text(r, 1)));
    return rows_error(r);
}

/* "cells / one (train), cells / back (feedback)" */
static enum err learnt_from(struct sql *db, struct arena *a, const char *experiment, const char **ret)
{
    AUTO(rows) struct rows *r = NULL;
    int n = 0;
    TRY(sql_rows(db, &r,
                 "SELECT x.name, s.name || ' / ' || v.version FROM experiment_dataset x JOIN dataset_version v ON v.id ="
                 " x.dataset_version_id JOIN dataset s ON s.id = v.dataset_id WHERE x.experiment_id = ?1"
                 " ORDER BY CASE WHEN lower(x.name) = 'train' THEN 0 ELSE 1 END, x.name",
                 V(experiment)));
    *ret = "";
    while (rows_next(r)) {
        if (alias_measures(rows_text(r, 0)) || n++ >= NAMED_MOST)
            continue;
        *ret = arena_fmt(a, "%s%s%s (%s)", *ret, n > 1 ? ", " : "", rows_text(r, 1), rows_text(r, 0));
    }
    if (n > NAMED_MOST)
        *ret = arena_fmt(a, "%s and %d more", *ret, n - NAMED_MOST);
    return rows_error(r);
}

/* "<deployment>-<unix seconds>", with a number behind it if that second has one already. */
static enum err free_name(struct sql *db, struct arena *a, const struct training_plan *p, const char **ret)
{
    int64_t now = clock_now_ms() / 1000, taken = 1;
    for (int i = 0; taken; i++) {
        *ret = i ? arena_fmt(a, "%s-%lld-%d", p->name, (long long)now, i) : arena_fmt(a, "%s-%lld", p->name, (long long)now);
        TRY(sql_int(db, &taken, "SELECT count(*) FROM experiment WHERE project_id = ?1 AND name = ?2", V(p->project), V(*ret)));
    }
    return OK;
}

/* The record that it began, and what has become the training's. */
static enum err note_start(struct sql *db, struct arena *a, const struct training_plan *p, const struct training_cause *c,
                           const char *experiment, const char *name)
{
    const char *id = id_new(a), *from, *says, *instead = "";
    TRY(learnt_from(db, a, experiment, &from));
    if (strcmp(p->base, p->champion) != 0)
        instead =
            arena_fmt(a, "; %s was brought along and cannot be trained here: it is a network of ours that learns the same labels",
                      model_version_called(db, a, p->champion));
    says = arena_fmt(a, "%s; it learns from %s%s", c->says, from, instead);
    const struct decision d = { .deployment = p->deployment,
                                .kind = "TRAINING",
                                .model = p->champion,
                                .images = p->waiting,
                                .says = arena_fmt(a, "Training %s began from %s: %s", name, model_version_called(db, a, p->base),
                                                  says) };
    TRY(sql_run(db,
                "INSERT INTO retraining (id, deployment_id, experiment_id, experiment_name, state, nb_images, cause, says,"
                " created_at) VALUES (?1, ?2, ?3, ?4, 'RUNNING', ?5, ?6, ?7, ?8)",
                V(id), V(p->deployment), V(experiment), V(name), V(p->waiting), V(c->key), V(says), V(clock_now_ms())));
    TRY(sql_run(db,
                "UPDATE predicted_asset SET retraining_id = ?2 WHERE deployment_id = ?1 AND status = 'SUBMITTED'"
                " AND retraining_id IS NULL",
                V(p->deployment), V(id)));
    return decision_add(db, a, &d);
}

static enum err begin(struct sql *db, struct arena *a, const struct training_plan *p, const struct training_cause *c)
{
    const char *experiment, *job;
    struct experiment_new n = { .project_id = p->project,
                                .description = arena_fmt(a, "Continuous training of the deployment %s: %s", p->name, c->says),
                                .user_id = p->user,
                                .base_model_version_id = p->base,
                                .parameters = p->parameters,
                                .without_files = true };
    TRY(free_name(db, a, p, &n.name));
    TRY(experiment_add(db, a, &n, &experiment));
    TRY(attach_listed(db, p->deployment, experiment));
    TRY(note_start(db, a, p, c, experiment, n.name));
    TRY(sql_run(db, "UPDATE pipeline SET ct_error = NULL WHERE deployment_id = ?1", V(p->deployment)));
    TRY(experiment_launch(db, a, experiment, p->org, p->user, &job));
    return deployment_tell(db, a, p->deployment, arena_fmt(a, "{\"kind\":\"pipeline\",\"experiment_id\":\"%s\"}", experiment));
}

/* Shown until a training starts. Said once, however often it is looked at. */
static enum err note_error(struct sql *db, struct arena *a, const char *deployment, const char *why)
{
    TRY(sql_run(db, "UPDATE pipeline SET ct_error = ?2 WHERE deployment_id = ?1 AND coalesce(ct_error, '') <> ?2", V(deployment),
                V(why)));
    return sql_changes(db) ? deployment_tell(db, a, deployment, "{\"kind\":\"pipeline\"}") : OK;
}

static enum err begin_or_say(struct sql *db, struct arena *a, const struct training_plan *p, const struct training_cause *c)
{
    const char *why = obstacle(p);
    return why ? note_error(db, a, p->deployment, why) : begin(db, a, p, c);
}

enum err retraining_consider(struct sql *db, struct arena *a, const char *deployment_id, const char *user_id)
{
    struct training_plan p;
    struct training_cause c = { 0 };
    TRY(read_plan(db, a, deployment_id, &p));
    const struct training_trigger *t = training_trigger_called(p.trigger);
    int64_t now = clock_now_ms();
    if (!t || !t->at_submit || !ready(&p, now))
        return OK;
    p.user = user_id;
    TRY(t->due(db, a, &p, now, &c));
    return c.says ? begin_or_say(db, a, &p, &c) : OK;
}

enum err retraining_now(struct sql *db, struct arena *a, const char *deployment_id, const char *user_id)
{
    struct training_plan p;
    const struct training_cause by_hand = { .says = "somebody asked for it" };
    TRY(read_plan(db, a, deployment_id, &p));
    p.user = user_id;
    const char *why = obstacle(&p);
    if (p.running)
        return fail(E_CONFLICT, "a training of this deployment is running");
    return why ? fail(E_CONFLICT, "%s", why) : begin(db, a, &p, &by_hand);
}

/* ---- starting by itself: looked at outside of transactions, begun in one if it is still so */

static enum err begin_if_still(struct sql *db, struct arena *a, const struct training_plan *seen, const struct training_cause *c)
{
    struct training_plan p;
    TRY(read_plan(db, a, seen->deployment, &p));
    bool same = strcmp(p.champion, seen->champion) == 0 && strcmp(p.trigger, seen->trigger) == 0;
    return same && ready(&p, clock_now_ms()) ? begin_or_say(db, a, &p, c) : OK;
}

/* A training that cannot be launched (no annotations, wrong parameters) is said on the page, not tried for ever in silence. */
static enum err start(struct sql *db, struct arena *a, const struct training_plan *p, const struct training_cause *c)
{
    TRY(sql_begin(db));
    enum err e = sql_end(db, begin_if_still(db, a, p, c));
    if (e != E_UNMEANT && e != E_CONFLICT && e != E_INVALID)
        return e;
    const char *why = arena_str(a, fail_text());
    TRY(sql_begin(db));
    return sql_end(db, note_error(db, a, p->deployment, why));
}

static enum err note_seen(struct sql *db, const struct training_plan *p, const char *seen)
{
    if (!seen || (p->seen && strcmp(seen, p->seen) == 0))
        return OK;
    TRY(sql_begin(db));
    return sql_end(db, sql_run(db, "UPDATE pipeline SET ct_seen = ?2 WHERE deployment_id = ?1", V(p->deployment), V(seen)));
}

static enum err look(struct sql *db, struct arena *a, const char *deployment, int64_t now)
{
    struct training_plan p;
    struct training_cause c = { 0 };
    TRY(read_plan(db, a, deployment, &p));
    const struct training_trigger *t = training_trigger_called(p.trigger);
    if (!t || !ready(&p, now))
        return OK;
    TRY(t->due(db, a, &p, now, &c));
    return c.says ? start(db, a, &p, &c) : note_seen(db, &p, c.seen);
}

enum err trainings_look(struct sql *db, int64_t now_ms)
{
    AUTO(arena) struct arena *a = arena_new();
    int64_t n = 0;
    TRY(sql_int(db, &n, "SELECT count(*) FROM pipeline WHERE ct_active <> 0 AND ct_trigger <> 'NONE'"));
    const char **ids = arena_new_array(a, const char *, n + 1);
    size_t found = 0;
    {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_rows(db, &r,
                     "SELECT q.deployment_id FROM pipeline q WHERE q.ct_active <> 0 AND q.ct_trigger <> 'NONE' AND " NOT_GONE(
                         "q.deployment_id") " LIMIT ?1",
                     V(n)));
        while (rows_next(r))
            ids[found++] = arena_str(a, rows_text(r, 0));
        TRY(rows_error(r));
    }
    for (size_t i = 0; i < found; i++)
        if (look(db, a, ids[i], now_ms) != OK)
            log_failure("looking at what starts a training");
    return OK;
}
