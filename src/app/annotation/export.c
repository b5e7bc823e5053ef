/* Annotations as a file: a job writes it (export_job.c), and the answer, a link, waits for that. */
#include "app/annotation/annotation.h"
#include "app/datalake/datalake.h"
#include "app/dataset/dataset.h"
#include "base/clock.h"
#include "foreign/foreign.h"
#include "job/job.h"
#include <string.h>
#include <time.h>

enum { WAIT_S = 3600, TURN_MS = 50 };

struct started {
    const char *object_name, *job;
};

static enum err enqueue(struct op *op)
{
    struct started *s = op->state;
    AUTO(out) struct out o;
    out_init(&o, 32 << 20);
    out_object(&o, NULL);
    out_text(&o, "dataset_version_id", op->id);
    out_text(&o, "type", in_text(op, "type"));
    out_text(&o, "status", in_text(op, "status"));
    out_text(&o, "export_key", in_text(op, "export_key") ? in_text(op, "export_key") : "FILENAME");
    out_text(&o, "object_name", s->object_name);
    out_json(&o, "asset_ids", in_json(op, "asset_ids"));
    out_end_object(&o);
    TRY(job_add(op->db, op->arena, export_annotations_job.name, op->org, op->user_id, o.text.bytes, &s->job));
    return version_job(op->db, s->job, op->id);
}

static enum err reply_job(struct op *op, const char *job)
{
    out_object(&op->out, NULL);
    out_object(&op->out, "job");
    out_text(&op->out, "id", job);
    out_text(&op->out, "status", "PENDING");
    out_end_object(&op->out);
    out_end_object(&op->out);
    return OK;
}

/* *ret NULL: it is not done yet. */
static enum err look(struct op *op, const char *job, const char **ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r, "SELECT status, result, error FROM job WHERE id = ?1", V(job)));
    const char *status = rows_text(r, 0);
    *ret = NULL;
    if (strcmp(status, "SUCCEEDED") == 0)
        *ret = arena_str(op->arena, rows_text(r, 1));
    else if (strcmp(status, "KILLED") == 0)
        return fail(E_CANCELLED, "the export was stopped: %s", rows_text(r, 2) ? rows_text(r, 2) : "it was cancelled");
    else if (strcmp(status, "FAILED") == 0)
        return fail(E_BROKEN, "the export failed: %s", rows_text(r, 2) ? rows_text(r, 2) : "");
    return OK;
}

static enum err wait_for(struct op *op, const char *job, const char **ret)
{
    struct timespec turn = { 0, TURN_MS * 1000000L };
    double until = clock_seconds() + WAIT_S;
    for (;;) {
        TRY(look(op, job, ret));
        if (*ret)
            return OK;
        if (clock_seconds() > until)
            return fail(E_BUSY, "the export takes longer than %d s; ask for job %s", WAIT_S, job);
        nanosleep(&turn, NULL);
    }
}

static enum err export_file(struct op *op)
{
    struct started s = { 0 };
    const char *text;
    const struct json *result;
    op->state = &s;
    TRY(object_name_new(op->arena, op->org, "export", NULL,
                        arena_fmt(op->arena, "annotations%s", foreign_ending(in_text(op, "type"))), &s.object_name));
    TRY(op_write(op, enqueue));
    if (!in_bool(op, "wait", true))
        return reply_job(op, s.job);
    TRY(wait_for(op, s.job, &text));
    TRY(json_parse(op->arena, text, strlen(text), &result));
    out_object(&op->out, NULL);
    out_text(&op->out, "presigned_url", signed_url(op, "GET", s.object_name));
    out_text(&op->out, "job_id", s.job);
    for (struct json_member m = json_first(result); m.key; m = json_next(result, m))
        out_json(&op->out, m.key, m.value);
    out_end_object(&op->out);
    return OK;
}

static const char *const types[] = { "COCO", "PASCAL_VOC", "YOLO", NULL };
static const char *const keys[] = { "ASSET_ID", "DATA_ID", "FILENAME", "OBJECT_NAME", NULL };
static const struct field in[] = {
    { "type", T_TEXT, F_NEED, .words = types },
    { "export_video", T_BOOL, F_NULL },
    { "export_key", T_TEXT, F_NULL, .words = keys },
    { "asset_ids", T_IDS, F_NULL, .max = 200000 },
    { "status", T_TEXT, F_NULL, .words = annotation_statuses },
    { "wait", T_BOOL, F_NULL },
};

DESCRIBED(export_answer, "export of annotations", { "presigned_url", T_LINK, F_WHEN }, { "job_id", T_ID, F_WHEN },
          { "job", T_PART, F_WHEN, .of = &job_short }, { "object_name", T_TEXT, F_WHEN }, { "images", T_INT, F_WHEN },
          { "shapes", T_INT, F_WHEN }, { "left_out", T_INT, F_WHEN }, { "renamed", T_INT, F_WHEN },
          { "renamed_names", T_TEXTS, F_WHEN });

DESCRIBED(export_result, "export result", { "object_name", T_TEXT }, { "images", T_INT }, { "shapes", T_INT },
          { "left_out", T_INT },                               /* shapes that the format has no place for */
          { "renamed", T_INT }, { "renamed_names", T_TEXTS }); /* images of one name, which got other ones in the file */

static const struct route routes[] = {
    { "POST", "/api/dataset/version/{id}/annotations/export", export_file, MAY_READ, WORK_FREE,
      "the annotations as COCO (one JSON file), Pascal VOC or YOLO (a zip)", FIELDS(in), .body_cap = 16 << 20,
      .on = &dataset_version_resource, .answers = &export_answer, .starts = &export_annotations_job, .ends_in = &export_result },
};

const struct resource export_resource = { .name = "export", .routes = routes, .n_routes = COUNT_OF(routes) };
