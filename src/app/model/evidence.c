/* How a version's file must be described, found out by annotated images of a dataset version: a job, whose result is kept with the
 * model version until the next one. What is found is told by nobody until a person takes it. */
#include "infer/evidence/evidence.h"
#include "app/annotation/annotation.h"
#include "app/dataset/dataset.h"
#include "app/model/model.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/machine.h"
#include "blob/blob.h"
#include "job/job.h"
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { PICTURES = 20, LOOKED_THROUGH = 20000, SHAPES_MOST = 1000, THREADS_MOST = 4, NICE = 10 };

static const char table[] =
    "CREATE TABLE model_evidence (model_version_id TEXT PRIMARY KEY REFERENCES model_version(id) ON DELETE CASCADE,"
    " dataset_version_id TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('WORKING', 'FOUND', 'UNCLEAR', 'NOTHING', 'FAILED')),"
    " job_id TEXT NOT NULL, created_at INTEGER NOT NULL, ended_at INTEGER, result TEXT, error TEXT) STRICT, WITHOUT ROWID";

/* ---- what is known of the version and the pictures */

struct describing {
    struct job *job;
    const struct services *services;
    const char *version, *dataset_version;
    const struct json *labels; /* of the model version */
    const char *hashes[PICTURES];
    struct evidence_picture pictures[PICTURES];
    const char **names;
    struct infer_model file;
    struct evidence_question q;
};

static bool of_whole(const struct describing *d)
{
    return d->q.wanted == WANT_LABELS;
}

static int name_place(struct describing *d, const char *name)
{
    for (int i = 0; i < d->q.n_names; i++)
        if (strcmp(d->names[i], name) == 0)
            return i;
    if (d->q.n_names == 2 * LABELS_MOST)
        return d->q.n_names;
    d->names[d->q.n_names] = arena_str(d->job->arena, name);
    return d->q.n_names++;
}

static enum err read_names(struct describing *d)
{
    AUTO(rows) struct rows *r = NULL;
    d->names = arena_new_array(d->job->arena, const char *, 2 * LABELS_MOST + 1);
    TRY(sql_rows(d->job->db, &r, "SELECT name FROM label WHERE dataset_version_id = ?1 ORDER BY position, id LIMIT ?2",
                 V(d->dataset_version), V((int64_t)LABELS_MOST)));
    while (rows_next(r))
        name_place(d, rows_text(r, 0));
    return rows_error(r);
}

/* The model's labels: its version's, else those of the dataset in their order. */
static enum err read_labels(struct describing *d, const char *labels, const char **ret)
{
    AUTO(out) struct out o = { 0 };
    struct arena *a = d->job->arena;
    out_init(&o, 4 << 20);
    out_object(&o, NULL);
    for (int i = 0; i < d->q.n_names; i++)
        out_text(&o, arena_fmt(a, "%d", i), d->names[i]);
    out_end_object(&o);
    TRY(json_parse(a, labels ? labels : "{}", labels ? strlen(labels) : 2, &d->labels));
    *ret = json_count(d->labels) ? labels : arena_str(a, o.text.bytes);
    TRY(json_parse(a, *ret, strlen(*ret), &d->labels));
    size_t n = json_count(d->labels);
    int *number = arena_new_array(a, int, n + 1), *name = arena_new_array(a, int, n + 1);
    for (struct json_member m = json_first(d->labels); m.key; m = json_next(d->labels, m)) {
        char *end;
        long key = strtol(m.key, &end, 10);
        if (!*m.key || *end || key < 0 || key > 1000000 || !json_text(m.value))
            continue;
        number[d->q.n_numbers] = (int)key;
        name[d->q.n_numbers++] = name_place(d, json_text(m.value));
    }
    d->q.number = number;
    d->q.name = name;
    return OK;
}

/* What is told by the version's parameters and cannot be found out; what can be is tried, whatever was told. */
static const char *kept_parameters(struct arena *a, const struct json *parameters)
{
    static const char *const keys[] = { "layout", "size", "nms", "nms_iou", "max_detections" };
    AUTO(out) struct out o = { 0 };
    const struct json *onnx = json_get(parameters, "onnx");
    out_init(&o, 1 << 20);
    out_object(&o, NULL);
    out_object(&o, "onnx");
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        if (!json_absent(json_get(onnx, keys[i])))
            out_json(&o, keys[i], json_get(onnx, keys[i]));
    out_end_object(&o);
    out_end_object(&o);
    return arena_str(a, o.text.bytes);
}

static enum wanted wanted_of(const char *type)
{
    return strcmp(type, "CLASSIFICATION") == 0 ? WANT_LABELS
           : strcmp(type, "SEGMENTATION") == 0 ? WANT_OUTLINES
           : strcmp(type, "KEYPOINT") == 0     ? WANT_KEYPOINTS
                                               : WANT_BOXES;
}

static enum err read_model(struct describing *d)
{
    struct arena *a = d->job->arena;
    struct model_served file;
    AUTO(rows) struct rows *r = NULL;
    const struct json *parameters = NULL;
    const char *labels;
    TRY(model_file_find(d->job->db, a, d->version, &file));
    TRY(sql_first(d->job->db, &r, "SELECT type, labels, coalesce(parameters, '{}') FROM model_version WHERE id = ?1",
                  V(d->version)));
    const char *type = strcmp(rows_text(r, 0), "NOT_CONFIGURED") == 0 ? "OBJECT_DETECTION" : arena_str(a, rows_text(r, 0));
    TRY(json_parse(a, rows_text(r, 2), strlen(rows_text(r, 2)), &parameters));
    d->q.wanted = wanted_of(type);
    TRY(read_names(d));
    TRY(read_labels(d, arena_str(a, rows_text(r, 1)), &labels));
    TRY(model_told(a, type, labels, kept_parameters(a, parameters), &d->q.model.told));
    TRY(model_open_served(d->services, a, &file, &d->file));
    const char *told = d->q.model.told;
    d->q.model = d->file;
    d->q.model.told = told;
    return OK;
}

/* ---- pictures */

static enum err read_truth(struct describing *d, const char *asset, struct evidence_picture *ret)
{
    AUTO(rows) struct rows *r = NULL;
    struct metrics_truth *truth = arena_new_array(d->job->arena, struct metrics_truth, SHAPES_MOST);
    *ret = (struct evidence_picture){ .truth = truth, .label = -1 };
    TRY(sql_rows(d->job->db, &r,
                 "SELECT l.name, h.x, h.y, h.w, h.h, h.kind = 'classification' FROM shape h JOIN label l ON l.id = h.label_id"
                 " WHERE h.asset_id = ?1 LIMIT ?2",
                 V(asset), V((int64_t)SHAPES_MOST)));
    while (rows_next(r)) {
        int label = name_place(d, rows_text(r, 0));
        if (rows_int(r, 5))
            ret->label = label;
        else
            truth[ret->n++] = metrics_truth_of(label, rows_real(r, 1), rows_real(r, 2), rows_real(r, 3), rows_real(r, 4));
    }
    return rows_error(r);
}

/* Evenly over the order in which the version's first images came; only those that have what is compared. */
#define ANNOTATED(kind)                                                                                                            \
    "SELECT id, hash FROM (SELECT id, hash, row_number() OVER (ORDER BY id) AS n, count(*) OVER () AS c FROM (SELECT a.id, d.hash" \
    " FROM asset a JOIN data d ON d.id = a.data_id WHERE a.dataset_version_id = ?1 AND d.upload_status = 'DONE' ORDER BY a.id"     \
    " LIMIT ?2) b WHERE EXISTS (SELECT 1 FROM shape h WHERE h.asset_id = b.id AND h.kind " kind                                    \
    " 'classification')) x WHERE c <= ?3 OR n * ?3 / c <> (n - 1) * ?3 / c ORDER BY n LIMIT ?3"

static enum err read_pictures(struct describing *d)
{
    AUTO(rows) struct rows *r = NULL;
    const char *assets[PICTURES];
    TRY(of_whole(d)
            ? sql_rows(d->job->db, &r, ANNOTATED("="), V(d->dataset_version), V((int64_t)LOOKED_THROUGH), V((int64_t)PICTURES))
            : sql_rows(d->job->db, &r, ANNOTATED("<>"), V(d->dataset_version), V((int64_t)LOOKED_THROUGH), V((int64_t)PICTURES)));
    while (rows_next(r) && d->q.n < PICTURES) {
        assets[d->q.n] = arena_str(d->job->arena, rows_text(r, 0));
        d->hashes[d->q.n++] = arena_str(d->job->arena, rows_text(r, 1));
    }
    TRY(rows_error(r));
    for (size_t i = 0; i < d->q.n; i++)
        TRY(read_truth(d, assets[i], &d->pictures[i]));
    d->q.pictures = d->pictures;
    return d->q.n >= 2 ? OK
                       : fail(E_UNMEANT, "%zu images of the dataset version have %s; some twenty are needed", d->q.n,
                              of_whole(d) ? "a classification" : "annotated things");
}

static enum err open_picture(void *with, size_t i, int *ret_fd)
{
    const struct describing *d = with;
    uint64_t size;
    return blob_read(d->services->blobs, d->hashes[i], ret_fd, &size);
}

static bool go_on(void *with, double part, const char *doing)
{
    return job_go_on(((struct describing *)with)->job, part, doing);
}

/* ---- the job */

static enum err keep(struct job *j, const char *version, const struct evidence *found)
{
    TRY(sql_run(j->db,
                "UPDATE model_evidence SET state = ?3, result = ?4, ended_at = ?5 WHERE model_version_id = ?1 AND job_id = ?2",
                V(version), V(j->id), V(evidence_states[found->state]), V(found->json), V(clock_now_ms())));
    if (!sql_changes(j->db))
        return fail(E_CANCELLED, "another search was started");
    return job_done_within(j, arena_fmt(j->arena, "{\"state\":\"%s\"}", evidence_states[found->state]));
}

static enum err find(struct describing *d, struct evidence *ret)
{
    int processors = machine_look("").processors;
    TRY(read_model(d));
    TRY(read_pictures(d));
    d->q.names = d->names;
    d->q.self_path = d->services->self_path;
    d->q.threads = processors < THREADS_MOST ? processors : THREADS_MOST;
    d->q.open = open_picture;
    d->q.go_on = go_on;
    d->q.with = d;
    return evidence_find(&d->q, d->job->arena, ret);
}

static enum err run(struct job *j)
{
    struct describing d = { .job = j,
                            .services = j->with,
                            .version = json_text(json_get(j->input, "model_version_id")),
                            .dataset_version = json_text(json_get(j->input, "dataset_version_id")),
                            .file = MODEL_CLOSED };
    struct evidence found;
    if (!d.version || !d.dataset_version || !d.services)
        return fail(E_BROKEN, "the job does not say what to describe");
    setpriority(PRIO_PROCESS, 0, NICE); /* of this thread of the lane, and of what it starts: whoever is served goes first */
    enum err e = find(&d, &found);
    auto_infer_model(&d.file);
    TRY(e);
    TRY(sql_begin(j->db));
    return sql_end(j->db, keep(j, d.version, &found));
}

/* In the transaction that settles the job. */
static enum err gave_up(struct job *j, const char *why)
{
    return sql_run(
        j->db,
        "UPDATE model_evidence SET state = 'FAILED', error = ?3, ended_at = ?4 WHERE model_version_id = ?1 AND job_id = ?2"
        " AND state = 'WORKING'",
        V(json_text(json_get(j->input, "model_version_id"))), V(j->id), V(why ? why : "it was cancelled"), V(clock_now_ms()));
}

const struct job_kind describe_model_job = {
    .name = "describe_model", .run = run, .gave_up = gave_up, .tries = 3, .lease_s = 60, .lane = "models", .does = JOB_READS
};

/* ---- the routes */

DESCRIBED(any_told, "fact that was found", { "*", T_JSON });
DESCRIBED(evidence_variant, "description that was tried", { "onnx", T_OBJECT, .of = &any_told }, { "score", T_NUMBER },
          { "interval", T_ARRAY, F_NULL, .of = &number_value }, { "as_labelled", T_NUMBER }, { "sure", T_NUMBER });
DESCRIBED(evidence_class, "class of a model", { "number", T_INT }, { "called", T_TEXT }, { "behaves_like", T_TEXT, F_NULL },
          { "says", T_ARRAY, .of = &number_value });
DESCRIBED(evidence_labels, "labels of a model beside those of images", { "agree", T_BOOL }, { "says", T_TEXT },
          { "suggested", T_OBJECT, F_NULL, .of = &text_value }, { "names", T_ARRAY, .of = &text_value },
          { "classes", T_MANY, .of = &evidence_class });
DESCRIBED(evidence_result, "what images told of a description", { "state", T_TEXT, .words = evidence_states }, { "says", T_TEXT },
          { "metric", T_TEXT }, { "pictures", T_INT }, { "tried", T_INT }, { "runs", T_INT }, { "seconds", T_NUMBER },
          { "best", T_PART, .of = &evidence_variant }, { "second", T_PART, F_NULL, .of = &evidence_variant }, { "lead", T_NUMBER },
          { "differ", T_ARRAY, .of = &text_value }, { "undecided", T_ARRAY, .of = &text_value },
          { "labels", T_PART, .of = &evidence_labels });

static const struct field fields[] = {
    { "state", T_TEXT, 0, "e.state", .words = (const char *const[]){ "WORKING", "FOUND", "UNCLEAR", "NOTHING", "FAILED", NULL } },
    { "dataset_version", T_ONE, F_NULL, "e.dataset_version_id", .of = &dataset_version_short },
    { "job_id", T_ID, 0, "e.job_id" },
    { "progress", T_NUMBER, F_NULL, "(SELECT j.progress FROM job j WHERE j.id = e.job_id AND e.state = 'WORKING')" },
    { "created_at", T_TIME, 0, "e.created_at" },
    { "ended_at", T_TIME, F_NULL, "e.ended_at" },
    { "error", T_TEXT, F_NULL, "e.error" },
    { "result", T_OBJECT, F_NULL, "e.result", .of = &evidence_result },
};

static enum err get(struct op *op)
{
    int64_t any = 0;
    out_object(&op->out, NULL);
    TRY(sql_int(op->db, &any, "SELECT count(*) FROM model_evidence WHERE model_version_id = ?1", V(op->id)));
    if (any)
        TRY(reply_member(op, "evidence", &model_evidence_resource, op->id));
    else
        out_null(&op->out, "evidence");
    out_end_object(&op->out);
    return OK;
}

static enum err check_free(struct op *op)
{
    struct model_served file;
    int64_t working = 0;
    TRY(model_file_find(op->db, op->arena, op->id, &file));
    if (!file.told)
        return fail(E_UNMEANT, "a file that was trained here says itself how it is read");
    TRY(sql_int(op->db, &working, "SELECT count(*) FROM model_evidence WHERE model_version_id = ?1 AND state = 'WORKING'",
                V(op->id)));
    return working ? fail(E_CONFLICT, "its description is being looked for already") : OK;
}

static enum err start(struct op *op)
{
    const char *from = in_text(op, "dataset_version_id"), *job, *called;
    TRY(resource_need(op, &dataset_version_resource, from));
    TRY(check_free(op));
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r,
                  "SELECT m.name || ' / ' || v.version FROM model_version v JOIN model m ON m.id = v.model_id WHERE v.id = ?1",
                  V(op->id)));
    called = arena_str(op->arena, rows_text(r, 0));
    const char *input = arena_fmt(op->arena, "{\"model_version_id\":\"%s\",\"dataset_version_id\":\"%s\"}", op->id, from);
    TRY(job_add(op->db, op->arena, describe_model_job.name, op->org, op->user_id, input, &job));
    TRY(job_about(op->db, job, op->id, called));
    TRY(sql_run(
        op->db,
        "INSERT INTO model_evidence (model_version_id, dataset_version_id, state, job_id, created_at) VALUES (?1, ?2, 'WORKING',"
        " ?3, ?4) ON CONFLICT (model_version_id) DO UPDATE SET dataset_version_id = ?2, state = 'WORKING', job_id = ?3,"
        " created_at = ?4, ended_at = NULL, result = NULL, error = NULL",
        V(op->id), V(from), V(job), V(clock_now_ms())));
    op->status = 201;
    return reply_one(op, &model_evidence_resource, op->id);
}

DESCRIBED(evidence_answer, "how a version's file must be described",
          { "evidence", T_PART, F_NULL, .of = &model_evidence_resource });

static const struct field start_in[] = { { "dataset_version_id", T_ID, F_NEED } };
static const struct route routes[] = {
    { "GET", "/api/model/version/{id}/evidence", get, MAY_READ, WORK_READ,
      "how the version's model-latest must be described, as annotated images told when they were asked",
      .on = &model_version_resource, .answers = &evidence_answer },
    { "POST", "/api/model/version/{id}/describe", start, MAY_WRITE, WORK_WRITE,
      "finds out by some twenty annotated images how the version's model-latest must be described: a job", FIELDS(start_in),
      .on = &model_version_resource, .answers = &model_evidence_resource },
};

const struct resource model_evidence_resource = {
    .name = "evidence of a description",
    .table = table,
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "model_evidence e JOIN model_version v ON v.id = e.model_version_id JOIN model m ON m.id = v.model_id",
    .key = "e.model_version_id",
    .org = "m.org",
    .root = "m.id",
    .order = "e.model_version_id",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
