/* Outliers of a deployment: settings, when a fit is wanted, and what is told. */
#include "app/monitor/outlier.h"
#include "app/datalake/datalake.h"
#include "app/dataset/dataset.h"
#include "app/deployment/deployment.h"
#include "app/monitor/drift.h"
#include "base/clock.h"
#include "job/job.h"
#include "learn/outlier/outlier.h"
#include <string.h>

enum { POINTS_MOST = 1000, BARS = 24 };

/* outlier.id: of the deployment; fit_id: what predictions are scored by; reflag: flags are to be compared with the threshold.
 * outlier_fit.held: the sorted scores of the held-out images, a JSON list; behind_at, behind_id: down to which prediction older
 * ones have been scored, NULL: all that will be; behind: how many. */
static const char table[] =
    "CREATE TABLE outlier (id TEXT PRIMARY KEY REFERENCES deployment(id) ON DELETE CASCADE, active INTEGER NOT NULL DEFAULT 1,"
    " percentile REAL NOT NULL DEFAULT 99, fit_id TEXT, reflag INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;"
    "CREATE TABLE outlier_fit (id TEXT PRIMARY KEY, deployment_id TEXT NOT NULL REFERENCES deployment(id) ON DELETE CASCADE,"
    " dataset_version_id TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('WORKING', 'READY', 'FAILED')), job_id TEXT,"
    " created_at INTEGER NOT NULL, ended_at INTEGER, images INTEGER, held_out INTEGER, seconds REAL, loss REAL, percentile REAL,"
    " threshold REAL, chance REAL, held TEXT, object_name TEXT, error TEXT, behind_at INTEGER, behind_id TEXT,"
    " behind INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE INDEX outlier_fit_of ON outlier_fit (deployment_id, id);"
    "CREATE INDEX outlier_fit_working ON outlier_fit (state) WHERE state = 'WORKING';"
    "CREATE INDEX outlier_fit_behind ON outlier_fit (id) WHERE behind_at IS NOT NULL;"
    "CREATE TRIGGER outlier_fit_gone AFTER DELETE ON outlier_fit BEGIN DELETE FROM object WHERE name = old.object_name; END;"
    "CREATE TABLE outlier_todo (id TEXT PRIMARY KEY REFERENCES predicted_asset(id) ON DELETE CASCADE) STRICT, WITHOUT ROWID";

static const struct field fields[] = {
    { "active", T_BOOL, F_EDIT, "m.active" },
    { "percentile", T_NUMBER, F_EDIT, "m.percentile", .min = 50, .max = 100 },
};

enum err outlier_state_read(struct sql *db, struct arena *a, const char *deployment_id, struct outlier_state *ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(
        db, &r,
        "SELECT m.active, m.percentile, f.threshold, m.fit_id, f.object_name, n.dataset_version_id, n.state = 'WORKING',"
        " f.behind_at IS NOT NULL FROM outlier m LEFT JOIN outlier_fit f ON f.id = m.fit_id LEFT JOIN outlier_fit n ON n.id"
        " = (SELECT id FROM outlier_fit WHERE deployment_id = ?1 ORDER BY id DESC LIMIT 1) WHERE m.id = ?1",
        V(deployment_id)));
    *ret = (struct outlier_state){ .active = rows_int(r, 0) != 0,
                                   .percentile = rows_real(r, 1),
                                   .threshold = rows_real(r, 2),
                                   .fit_id = arena_str(a, rows_text(r, 3)),
                                   .object_name = arena_str(a, rows_text(r, 4)),
                                   .fitted_version = arena_str(a, rows_text(r, 5)),
                                   .working = rows_int(r, 6) != 0,
                                   .behind = rows_int(r, 7) != 0 };
    return trained_on(db, a, deployment_id, &ret->training_version);
}

/* ---- when a fit is wanted */

static enum err count_images(struct sql *db, const char *version, int64_t *ret)
{
    return sql_int(db, ret, "SELECT count(*) FROM (SELECT 1 AS one FROM asset WHERE dataset_version_id = ?1 LIMIT ?2) n",
                   V(version), V((int64_t)OUTLIER_MOST));
}

enum err outlier_fit_start(struct sql *db, struct arena *a, const char *deployment_id, const char *version, const char *user_id)
{
    const char *job, *id = id_new(a), *org, *name;
    {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_first(db, &r, "SELECT org, name FROM deployment WHERE id = ?1", V(deployment_id)));
        org = arena_str(a, rows_text(r, 0));
        name = arena_str(a, rows_text(r, 1));
    }
    {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_rows(db, &r, "SELECT job_id FROM outlier_fit WHERE deployment_id = ?1 AND state = 'WORKING'", V(deployment_id)));
        while (rows_next(r))
            TRY(job_cancel(db, rows_text(r, 0)));
        TRY(rows_error(r));
    }
    TRY(sql_run(
        db,
        "UPDATE outlier_fit SET state = 'FAILED', error = 'another fit was started', ended_at = ?2 WHERE deployment_id = ?1 AND"
        " state = 'WORKING'",
        V(deployment_id), V(clock_now_ms())));
    TRY(job_add(db, a, "fit_outliers", org, user_id, arena_fmt(a, "{\"fit_id\":\"%s\"}", id), &job));
    TRY(job_about(db, job, deployment_id, name));
    TRY(sql_run(db,
                "INSERT INTO outlier_fit (id, deployment_id, dataset_version_id, state, job_id, created_at) VALUES (?1, ?2, ?3,"
                " 'WORKING', ?4, ?5)",
                V(id), V(deployment_id), V(version), V(job), V(clock_now_ms())));
    TRY(sql_run(db,
                "DELETE FROM outlier_fit WHERE deployment_id = ?1 AND id < (SELECT id FROM outlier_fit WHERE deployment_id = ?1"
                " ORDER BY id DESC LIMIT 1 OFFSET ?2) AND id <> coalesce((SELECT fit_id FROM outlier WHERE id = ?1), '')",
                V(deployment_id), V((int64_t)FITS_KEPT - 1)));
    lookout_wake(); /* so that it looks often for the end of the fit */
    return deployment_tell(db, a, deployment_id, "{\"kind\":\"outliers\"}");
}

/* What the champion was trained on is another version, which has images enough. */
static enum err fit_if_wanted(struct sql *db, struct arena *a, const char *deployment_id)
{
    struct outlier_state s;
    int64_t images = 0;
    TRY(outlier_state_read(db, a, deployment_id, &s));
    if (!s.active || !s.training_version || (s.fitted_version && strcmp(s.fitted_version, s.training_version) == 0))
        return OK;
    TRY(count_images(db, s.training_version, &images));
    return images < OUTLIER_LEAST ? OK : outlier_fit_start(db, a, deployment_id, s.training_version, NULL);
}

enum err outlier_heard(struct sql *db, struct arena *a, const char *deployment_id, const char *predicted_asset_id)
{
    if (!predicted_asset_id) {
        TRY(sql_run(db, "INSERT INTO outlier (id) VALUES (?1) ON CONFLICT DO NOTHING", V(deployment_id)));
        return fit_if_wanted(db, a, deployment_id);
    }
    char before[ID_SIZE];
    id_at(clock_now_ms() - TODO_MOST_MS, before);
    TRY(sql_run(db,
                "INSERT INTO outlier_todo (id) SELECT ?2 FROM outlier m WHERE m.id = ?1 AND m.active <> 0 AND m.fit_id IS NOT NULL"
                " AND NOT EXISTS (SELECT 1 FROM outlier_todo w WHERE w.id < ?3) ON CONFLICT DO NOTHING",
                V(deployment_id), V(predicted_asset_id), V((const char *)before)));
    lookout_wake();
    return OK;
}

/* The next one that was never fitted to, after that id; NULL: there is none. */
static enum err next_unfitted(struct sql *db, struct arena *a, const char *after, const char **ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(
        db, &r,
        "SELECT m.id FROM outlier m JOIN deployment o ON o.id = m.id WHERE m.id > ?1 AND m.active <> 0 AND m.fit_id IS NULL"
        " AND o.status <> 'PAUSED' AND NOT EXISTS (SELECT 1 FROM outlier_fit f WHERE f.deployment_id = m.id)"
        " ORDER BY m.id LIMIT 1",
        V(after)));
    *ret = rows_next(r) ? arena_str(a, rows_text(r, 0)) : NULL;
    return rows_error(r);
}

enum err outlier_catch_up(struct sql *db)
{
    AUTO(arena) struct arena *a = arena_new();
    for (const char *id = "";;) {
        TRY(next_unfitted(db, a, id, &id));
        if (!id)
            return OK;
        TRY(sql_begin(db));
        TRY(sql_end(db, fit_if_wanted(db, a, id)));
    }
}

/* ---- what is told */

enum err outlier_held(struct sql *db, struct arena *a, const char *deployment_id, double **ret, size_t *ret_n)
{
    AUTO(rows) struct rows *r = NULL;
    const struct json *v = NULL;
    TRY(sql_rows(db, &r, "SELECT f.held FROM outlier m JOIN outlier_fit f ON f.id = m.fit_id WHERE m.id = ?1", V(deployment_id)));
    if (rows_next(r))
        TRY(json_parse(a, rows_text(r, 0), strlen(rows_text(r, 0)), &v));
    TRY(rows_error(r));
    *ret_n = json_count(v);
    *ret = arena_new_array(a, double, *ret_n + 1);
    for (size_t i = 0; i < *ret_n; i++)
        json_number(json_at(v, i), *ret + i);
    return OK;
}

static const char *state_of(const struct outlier_state *s, bool failed)
{
    return !s->active ? "OFF" : s->working ? "WORKING" : s->fit_id ? "READY" : failed ? "FAILED" : "WAITING";
}

static enum err waits_for(struct op *op, const struct outlier_state *s, const char **ret)
{
    int64_t images = 0, todo = 0;
    *ret = NULL;
    if (!s->active)
        return OK;
    if (!s->training_version) {
        *ret = "the version that the champion was trained on: its lineage names none, nor do the settings";
        return OK;
    }
    TRY(count_images(op->db, s->training_version, &images));
    if (!s->fit_id && !s->working && images < OUTLIER_LEAST)
        *ret = arena_fmt(op->arena, "%lld of %d training images", (long long)images, OUTLIER_LEAST);
    else if (!s->fit_id)
        *ret = s->working ? "the fit to the training images" : "a fit to the training images: start one";
    if (!s->fit_id)
        return OK;
    TRY(sql_int(op->db, &todo,
                "SELECT count(*) FROM outlier_todo t JOIN predicted_asset a ON a.id = t.id WHERE a.deployment_id = ?1", V(op->id)));
    if (todo)
        *ret = arena_fmt(op->arena, "%lld prediction%s to be scored", (long long)todo, todo == 1 ? "" : "s");
    return OK;
}

enum err outlier_waits_for(struct op *op, const struct outlier_state *s, struct out *o)
{
    const char *waits;
    TRY(waits_for(op, s, &waits));
    out_text(o, "waits_for", waits);
    return OK;
}

static const struct field fit_fields[] = {
    { "id", T_ID, 0, "f.id" },
    { "state", T_TEXT, 0, "f.state", .words = (const char *const[]){ "WORKING", "READY", "FAILED", NULL } },
    { "dataset_version", T_ONE, F_NULL, "f.dataset_version_id", .of = &dataset_version_short },
    { "created_at", T_TIME, 0, "f.created_at" },
    { "ended_at", T_TIME, F_NULL, "f.ended_at" },
    { "images", T_INT, F_NULL, "f.images" },
    { "held_out", T_INT, F_NULL, "f.held_out" },
    { "seconds", T_NUMBER, F_NULL, "f.seconds" },
    { "loss", T_NUMBER, F_NULL, "f.loss" },
    { "percentile", T_NUMBER, F_NULL, "f.percentile" },
    { "threshold", T_NUMBER, F_NULL, "f.threshold" },
    { "chance", T_NUMBER, F_NULL, "f.chance" },
    { "error", T_TEXT, F_NULL, "f.error" },
    { "older_scored", T_INT, 0, "f.behind" },
    { "progress", T_NUMBER, F_NULL, "(SELECT j.progress FROM job j WHERE j.id = f.job_id AND f.state = 'WORKING')" },
};
const struct resource outlier_fit_resource = {
    .name = "fit to training images",
    .fields = fit_fields,
    .n_fields = COUNT_OF(fit_fields),
    .from = "outlier_fit f JOIN deployment o ON o.id = f.deployment_id",
    .key = "f.id",
    .org = "o.org",
    .root = "o.id",
    .order = "f.id",
};

/* Today's fit, and the newest one if that is another. */
static enum err write_fits(struct op *op, const struct outlier_state *s, const char *newest)
{
    if (s->fit_id)
        TRY(reply_member(op, "fit", &outlier_fit_resource, s->fit_id));
    else
        out_null(&op->out, "fit");
    if (newest && (!s->fit_id || strcmp(newest, s->fit_id) != 0))
        return reply_member(op, "next_fit", &outlier_fit_resource, newest);
    out_null(&op->out, "next_fit");
    return OK;
}

struct points {
    double *scores, *sorted;
    size_t n, outliers;
    int64_t from_ms;
};

/* Of the newest predictions that the filter lets through those that have a score, the newest first. */
static enum err write_points(struct op *op, struct points *ret)
{
    struct filter f;
    struct picked picked;
    AUTO(rows) struct rows *r = NULL;
    *ret = (struct points){ .scores = arena_new_array(op->arena, double, POINTS_MOST) };
    TRY(filter_read(op, &f));
    TRY(filter_pick(op, &f, false, POINTS_MOST, &picked));
    TRY(sql_rows(
        op->db, &r,
        "SELECT a.id, a.created_at, a.outlier_score, a.is_outlier FROM listed i CROSS JOIN predicted_asset a WHERE i.list = ?1"
        " AND a.id = i.value AND a.outlier_score IS NOT NULL ORDER BY a.created_at DESC, a.id DESC",
        V(picked.ids)));
    out_int(&op->out, "predictions", picked.n);
    out_bool(&op->out, "all", !picked.more);
    out_array(&op->out, "points");
    while (rows_next(r)) {
        out_object(&op->out, NULL);
        out_text(&op->out, "id", rows_text(r, 0));
        out_text(&op->out, "at", clock_iso(op->arena, rows_int(r, 1)));
        out_number(&op->out, "score", rows_real(r, 2));
        out_bool(&op->out, "is_outlier", rows_int(r, 3) != 0);
        out_end_object(&op->out);
        ret->from_ms = rows_int(r, 1);
        ret->outliers += rows_int(r, 3) != 0;
        ret->scores[ret->n++] = rows_real(r, 2);
    }
    out_end_array(&op->out);
    return rows_error(r);
}

/* Shares of both by the same bars, whose edges are those of the held-out scores' spread; the last bar has all above. */
static void write_bars(struct out *o, const double *held, size_t n_held, const struct points *p)
{
    int64_t before[BARS] = { 0 }, now[BARS] = { 0 };
    double low = held[0] * 0.8, high = held[n_held - 1] * 1.6, wide = (high - low) / BARS;
    for (size_t i = 0; i < n_held; i++)
        before[held[i] >= high ? BARS - 1 : held[i] < low ? 0 : (int)((held[i] - low) / wide)]++;
    for (size_t i = 0; i < p->n; i++)
        now[p->scores[i] >= high ? BARS - 1 : p->scores[i] < low ? 0 : (int)((p->scores[i] - low) / wide)]++;
    out_object(o, "histogram");
    out_array(o, "edges"); /* of the bars but the first, which begins at 0, and the last, which has no end */
    for (int i = 1; i < BARS; i++)
        out_number(o, NULL, low + wide * i);
    out_end_array(o);
    out_array(o, "training");
    for (int i = 0; i < BARS; i++)
        out_int(o, NULL, before[i]);
    out_end_array(o);
    out_array(o, "window");
    for (int i = 0; i < BARS; i++)
        out_int(o, NULL, now[i]);
    out_end_array(o);
    out_end_object(o);
}

static enum err write_scores(struct op *op)
{
    struct points p;
    double *held;
    size_t n_held;
    TRY(write_points(op, &p));
    TRY(outlier_held(op->db, op->arena, op->id, &held, &n_held));
    out_int(&op->out, "scored", (int64_t)p.n);
    out_int(&op->out, "outliers", (int64_t)p.outliers);
    out_text(&op->out, "points_from", p.n ? clock_iso(op->arena, p.from_ms) : NULL);
    if (n_held)
        write_bars(&op->out, held, n_held, &p);
    else
        out_null(&op->out, "histogram");
    return OK;
}

static enum err get(struct op *op)
{
    struct outlier_state s;
    const char *newest = NULL;
    bool failed = false;
    enum err e = outlier_state_read(op->db, op->arena, op->id, &s);
    if (e == E_NOT_FOUND)
        return fail(E_NOT_FOUND, "the deployment is not watched");
    TRY(e);
    {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_rows(op->db, &r, "SELECT id, state = 'FAILED' FROM outlier_fit WHERE deployment_id = ?1 ORDER BY id DESC LIMIT 1",
                     V(op->id)));
        if (rows_next(r)) {
            newest = arena_str(op->arena, rows_text(r, 0));
            failed = rows_int(r, 1) != 0;
        }
        TRY(rows_error(r));
    }
    out_object(&op->out, NULL);
    TRY(reply_member(op, "settings", &outlier_resource, op->id));
    out_text(&op->out, "state", state_of(&s, failed));
    TRY(outlier_waits_for(op, &s, &op->out));
    TRY(write_fits(op, &s, newest));
    TRY(write_scores(op));
    out_end_object(&op->out);
    return OK;
}

/* Of another percentile the threshold is another; the flags follow by and by. */
static enum err move_threshold(struct op *op)
{
    struct outlier_state s;
    double *held, chance;
    size_t n;
    TRY(outlier_state_read(op->db, op->arena, op->id, &s));
    TRY(outlier_held(op->db, op->arena, op->id, &held, &n));
    if (!n)
        return OK;
    double threshold = outlier_threshold(held, (int)n, s.percentile / 100, &chance);
    TRY(sql_run(op->db, "UPDATE outlier_fit SET percentile = ?2, threshold = ?3, chance = ?4 WHERE id = ?1", V(s.fit_id),
                V(s.percentile), V(threshold), V(chance)));
    return sql_run(op->db, "UPDATE outlier SET reflag = 1 WHERE id = ?1", V(op->id));
}

static enum err update(struct op *op)
{
    TRY(resource_update(op, &outlier_resource, op->id));
    TRY(move_threshold(op));
    TRY(fit_if_wanted(op->db, op->arena, op->id));
    lookout_wake();
    TRY(deployment_tell(op->db, op->arena, op->id, "{\"kind\":\"outliers\"}"));
    return reply_one(op, &outlier_resource, op->id);
}

static enum err fit_again(struct op *op)
{
    struct outlier_state s;
    int64_t images = 0;
    TRY(outlier_state_read(op->db, op->arena, op->id, &s));
    if (!s.active)
        return fail(E_CONFLICT, "the deployment is not watched for outliers: switch it on first");
    if (!s.training_version)
        return fail(E_CONFLICT, "nobody knows what the champion was trained on: name the training data in the settings");
    if (s.working)
        return fail(E_CONFLICT, "a fit is under way");
    TRY(count_images(op->db, s.training_version, &images));
    if (images < OUTLIER_LEAST)
        return fail(E_CONFLICT, "the training version has %lld images: %d are needed", (long long)images, OUTLIER_LEAST);
    TRY(outlier_fit_start(op->db, op->arena, op->id, s.training_version, op->user_id));
    return reply_one(op, &outlier_resource, op->id);
}

static const struct field in[] = { FILTER_IN };
static const char *const states[] = { "OFF", "WAITING", "WORKING", "READY", "FAILED", NULL };
DESCRIBED(outlier_point, "score of an image", { "id", T_ID }, { "at", T_TIME }, { "score", T_NUMBER }, { "is_outlier", T_BOOL });
DESCRIBED(outlier_count, "count of scores", { "*", T_INT });
DESCRIBED(outlier_bars, "histogram of scores", { "edges", T_ARRAY, .of = &number_value },
          { "training", T_ARRAY, .of = &outlier_count }, { "window", T_ARRAY, .of = &outlier_count });
DESCRIBED(outlier_answer, "outliers of a deployment", { "settings", T_PART, .of = &outlier_resource },
          { "state", T_TEXT, .words = states }, { "waits_for", T_TEXT, F_NULL },
          { "fit", T_PART, F_NULL, .of = &outlier_fit_resource }, { "next_fit", T_PART, F_NULL, .of = &outlier_fit_resource },
          { "predictions", T_INT }, { "all", T_BOOL }, { "points", T_MANY, .of = &outlier_point }, { "scored", T_INT },
          { "outliers", T_INT }, { "points_from", T_TIME, F_NULL }, { "histogram", T_PART, F_NULL, .of = &outlier_bars });

static const struct route routes[] = {
    { "GET", "/api/deployment/{id}/outliers", get, MAY_READ, WORK_READ,
      "how unlike the training images the deployment's images are, and which are outliers: the newest thousand of the range",
      FIELDS(in), .on = &deployment_resource, .answers = &outlier_answer },
    { "PATCH", "/api/deployment/{id}/outliers", update, MAY_WRITE, WORK_WRITE, "from which score on an image is an outlier",
      CHANGES(&outlier_resource), .on = &deployment_resource },
    { "POST", "/api/deployment/{id}/outliers/fit", fit_again, MAY_WRITE, WORK_WRITE, "fits to the training images once more",
      .on = &deployment_resource, .answers = &outlier_resource },
};

const struct resource outlier_resource = {
    .name = "outlier monitor",
    .table = table,
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "outlier m JOIN deployment o ON o.id = m.id",
    .key = "m.id",
    .org = "o.org",
    .root = "o.id",
    .order = "m.id",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
