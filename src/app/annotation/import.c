/* Import of annotation files: they are stored as they come, and a job reads them (import_job.c), so that nothing hostile is parsed
 * while a request waits. */
#include "app/annotation/import.h"
#include "app/datalake/datalake.h"
#include "app/dataset/dataset.h"
#include "base/clock.h"
#include "base/file.h"
#include "blob/blob.h"
#include "job/job.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIELD_MOST = 200 };

/* ---- receiving */

struct receive {
    struct blob_writer *writer;
    const char *filename;
    struct out files; /* [{"name", "size"}], one behind the other in one object, which nothing else names: gone two days later */
    char hash[HASH_SIZE];
    uint64_t begins; /* where the file at hand does */
    size_t n_files;
    struct {
        char name[32], value[FIELD_MOST];
        size_t n;
    } fields[8];
    size_t n_fields;
    const char *version;
    uint64_t total;
};

static void finish_file(struct receive *r)
{
    if (!r->filename)
        return;
    out_object(&r->files, NULL);
    out_text(&r->files, "name", r->filename);
    out_int(&r->files, "size", (int64_t)(r->total - r->begins));
    out_end_object(&r->files);
    r->begins = r->total;
}

static enum err finish_all(struct receive *r)
{
    uint64_t size;
    struct blob_writer *w = r->writer;
    finish_file(r);
    out_end_array(&r->files);
    r->writer = NULL;
    return blob_commit(w, r->hash, &size);
}

static enum err take_field(struct receive *r, const struct http_part *part, const char *bytes, size_t n)
{
    size_t i = 0;
    while (i < r->n_fields && strcmp(r->fields[i].name, part->name) != 0)
        i++;
    if (i == COUNT_OF(r->fields) || strlen(part->name) >= sizeof r->fields[i].name)
        return OK; /* not one of ours */
    if (i == r->n_fields) {
        r->n_fields++;
        memcpy(r->fields[i].name, part->name, strlen(part->name) + 1);
    }
    if (r->fields[i].n + n >= FIELD_MOST)
        return fail(E_INVALID, "%s is too long", r->fields[i].name);
    memcpy(r->fields[i].value + r->fields[i].n, bytes, n);
    r->fields[i].n += n;
    return OK;
}

static enum err take_part(void *with, const struct http_part *part, const char *bytes, size_t n)
{
    struct op *op = with;
    struct receive *r = op->state;
    if (!part->filename)
        return take_field(r, part, bytes, n);
    if (part->offset == 0) {
        finish_file(r);
        if (++r->n_files > FOREIGN_FILES)
            return fail(E_TOO_BIG, "more than %d files", FOREIGN_FILES);
        if (strlen(part->filename) >= FOREIGN_NAME)
            return fail(E_INVALID, "a file has a name of %zu bytes", strlen(part->filename));
        r->filename = arena_str(op->arena, part->filename);
        if (!r->writer)
            TRY(blob_begin(op->services->blobs, FOREIGN_BYTES, &r->writer));
    }
    r->total += n;
    if (r->total > FOREIGN_BYTES)
        return fail(E_TOO_BIG, "the files have more than %llu bytes together", FOREIGN_BYTES);
    return n ? blob_write(r->writer, bytes, n) : OK;
}

static enum err start(struct op *op)
{
    struct receive *r = arena_take(op->arena, sizeof *r);
    out_init(&r->files, 64 << 20);
    out_array(&r->files, NULL);
    op->state = r;
    TRY(version_check_free(op->db, op->id));
    r->version = op->id;
    return http_read_form(op->call, take_part, op);
}

static void stop(struct op *op)
{
    struct receive *r = op->state;
    if (!r)
        return;
    blob_abort(r->writer);
    out_done(&r->files);
}

static const char *field(const struct receive *r, const char *name, const char *missing)
{
    for (size_t i = 0; i < r->n_fields; i++)
        if (strcmp(r->fields[i].name, name) == 0)
            return r->fields[i].value;
    return missing;
}

static bool among(const char *word, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(word, *words) == 0)
            return true;
    return false;
}

static enum err enqueue(struct op *op)
{
    struct receive *r = op->state;
    const char *mode = field(r, "mode", "REPLACE"), *status = field(r, "status", "PENDING"),
               *skip = field(r, "skip_invalid", "false"), *job;
    TRY(version_check_free(op->db, op->id));
    r->version = op->id;
    AUTO(out) struct out input;
    out_init(&input, 128 << 20);
    out_object(&input, NULL);
    out_text(&input, "dataset_version_id", r->version);
    out_text(&input, "mode", mode);
    out_text(&input, "status", status);
    out_bool(&input, "skip_invalid", strcmp(skip, "true") == 0);
    out_text(&input, "splits", field(r, "splits", import_splits[0]));
    out_text(&input, "hash", r->hash);
    out_raw(&input, "files", r->files.text.bytes);
    out_end_object(&input);
    TRY(job_add(op->db, op->arena, import_annotations_job.name, op->org, op->user_id, input.text.bytes, &job));
    TRY(version_job(op->db, job, op->id));
    op->status = 201;
    out_object(&op->out, NULL);
    out_object(&op->out, "job");
    out_text(&op->out, "id", job);
    out_text(&op->out, "status", "PENDING");
    out_end_object(&op->out);
    out_end_object(&op->out);
    return OK;
}

static enum err receive_files(struct op *op)
{
    struct receive *r = op->state;
    if (!r->n_files)
        return fail(E_INVALID, "no file was sent; send them as parts called \"files\"");
    if (!among(field(r, "mode", "REPLACE"), import_modes))
        return fail(E_INVALID, "mode must be REPLACE, KEEP or CONCATENATE");
    if (!among(field(r, "status", "PENDING"), annotation_statuses))
        return fail(E_INVALID, "status must be PENDING, SKIPPED, ACCEPTED or REFUSED");
    if (!among(field(r, "splits", import_splits[0]), import_splits))
        return fail(E_INVALID, "splits must be TAGS, ALL, train, val or test");
    TRY(finish_all(r));
    return op_write(op, enqueue);
}

static const struct route routes[] = {
    { "POST", "/api/dataset/version/{id}/annotations/import", receive_files, MAY_WRITE, WORK_FREE,
      "reads annotation files (COCO, Pascal VOC, YOLO, or a zip of them) in a job; multipart: files, mode, status, skip_invalid, "
      "splits",
      .start = start, .stop = stop, .on = &dataset_version_resource, .answers = &job_answer, .starts = &import_annotations_job,
      .ends_in = &import_result_answer },
};

const struct resource import_resource = { .name = "import", .routes = routes, .n_routes = COUNT_OF(routes) };
