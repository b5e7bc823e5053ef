/* Import of annotation files: they are stored as they come, and a job reads them, so that nothing hostile is parsed while a request
 * waits. All or nothing: one transaction writes labels and annotations, and the first fault undoes it. */
#include "app/annotation/annotation.h"
#include "app/annotation/format.h"
#include "app/datalake/datalake.h"
#include "app/dataset/dataset.h"
#include "base/clock.h"
#include "base/file.h"
#include "blob/blob.h"
#include "job/job.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NAMED = 20, FIELD_MOST = 200 }; /* how many unknown images or faulty shapes a result names */

/* ---- receiving */

struct receive {
    struct blob_writer *writer;
    const char *filename;
    struct out files; /* [{"name", "object"}] */
    size_t n_files;
    struct {
        char name[32], value[FIELD_MOST];
        size_t n;
    } fields[4];
    size_t n_fields;
    const char *version;
    uint64_t total;
    struct object {
        const char *name;
        char hash[HASH_SIZE];
        uint64_t size;
        struct object *next;
    } * objects;
};

static enum err finish_file(struct op *op)
{
    struct receive *r = op->state;
    if (!r->writer)
        return OK;
    struct object *o = arena_take(op->arena, sizeof *o);
    struct blob_writer *w = r->writer;
    r->writer = NULL;
    TRY(blob_commit(w, o->hash, &o->size));
    TRY(object_name_new(op->arena, op->org, "import", NULL, "file", &o->name));
    o->next = r->objects;
    r->objects = o;
    out_object(&r->files, NULL);
    out_text(&r->files, "name", r->filename);
    out_text(&r->files, "object", o->name);
    out_end_object(&r->files);
    return OK;
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
        TRY(finish_file(op));
        if (++r->n_files > FORMAT_FILES)
            return fail(E_TOO_BIG, "more than %d files", FORMAT_FILES);
        r->filename = arena_str(op->arena, format_base_name(op->arena, part->filename));
        TRY(blob_begin(op->services->blobs, FORMAT_FILE_CAP, &r->writer));
    }
    r->total += n;
    if (r->total > FORMAT_FILE_CAP)
        return fail(E_TOO_BIG, "the files have more than %d bytes together", FORMAT_FILE_CAP);
    return n ? blob_write(r->writer, bytes, n) : OK;
}

static enum err start(struct op *op)
{
    struct receive *r = arena_take(op->arena, sizeof *r);
    out_init(&r->files, 64 << 20);
    out_array(&r->files, NULL);
    op->state = r;
    TRY(version_check_unlocked(op->db, op->id));
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
    TRY(version_check_unlocked(op->db, op->id));
    r->version = op->id;
    for (struct object *o = r->objects; o; o = o->next)
        TRY(object_add(op->db, op->org, o->name, o->hash, o->size, "application/octet-stream"));
    AUTO(out) struct out input;
    out_init(&input, 128 << 20);
    out_object(&input, NULL);
    out_text(&input, "dataset_version_id", r->version);
    out_text(&input, "mode", mode);
    out_text(&input, "status", status);
    out_bool(&input, "skip_invalid", strcmp(skip, "true") == 0);
    out_raw(&input, "files", r->files.text.bytes);
    out_end_object(&input);
    TRY(job_add(op->db, op->arena, import_annotations_job.name, op->org, op->user_id, input.text.bytes, &job));
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
    TRY(finish_file(op));
    if (!r->objects)
        return fail(E_INVALID, "no file was sent; send them as parts called \"files\"");
    if (!among(field(r, "mode", "REPLACE"), import_modes))
        return fail(E_INVALID, "mode must be REPLACE, KEEP or CONCATENATE");
    if (!among(field(r, "status", "PENDING"), annotation_statuses))
        return fail(E_INVALID, "status must be PENDING, SKIPPED, ACCEPTED or REFUSED");
    out_end_array(&r->files);
    return op_write(op, enqueue);
}

/* ---- the job */

struct known {
    const char *name; /* the file name, or its stem */
    const char *asset_id;
    int width, height;
};

struct import {
    struct job *job;
    const char *version, *mode, *status, *type;
    bool skip_invalid;
    struct format_set *set;
    const char *format;
    struct known *by_name, *by_stem; /* sorted by name */
    size_t n_known;
    const char **label_ids; /* beside set->labels; NULL: not looked up yet */
    int64_t images, shapes, kept, unknown, invalid, sizes_differ;
    struct out named_unknown, named_invalid;
    struct text faults; /* the same as named_invalid, for people */
};

static enum err read_files(struct import *m, const struct json *files)
{
    struct services *s = m->job->with;
    size_t n = json_count(files), total = 0;
    struct format_file *all = arena_new_array(m->job->arena, struct format_file, n);
    for (size_t i = 0; i < n; i++) {
        const char *hash;
        uint64_t size;
        AUTO(fd) int fd = -1;
        TRY(object_find(m->job->db, m->job->arena, m->job->org, json_text(json_get(json_at(files, i), "object")), &hash, &size));
        TRY(blob_read(s->blobs, hash, &fd, &size));
        if (size > FORMAT_FILE_CAP - total)
            return fail(E_TOO_BIG, "the files have more than %d bytes together", FORMAT_FILE_CAP);
        total += size;
        void *bytes;
        TRY(big_take(size + 1, FORMAT_FILE_CAP + 1, "an annotation file", &bytes));
        arena_defer(m->job->arena, free, bytes);
        TRY(file_read_all(fd, bytes, size));
        all[i] = (struct format_file){ json_text(json_get(json_at(files, i), "name")), bytes, size };
    }
    if (!job_go_on(m->job, 0.1, "reading the files"))
        return fail(E_CANCELLED, "cancelled");
    return format_read(m->job->arena, all, n, &m->set, &m->format);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct known *)a)->name, ((const struct known *)b)->name);
}

static const char *stem(struct arena *a, const char *filename)
{
    const char *dot = strrchr(filename, '.');
    return dot && dot > filename ? arena_copy(a, filename, (size_t)(dot - filename)) : filename;
}

static enum err read_assets(struct import *m)
{
    struct arena *a = m->job->arena;
    int64_t n = 0;
    TRY(sql_int(m->job->db, &n, "SELECT count(*) FROM asset WHERE dataset_version_id = ?1", V(m->version)));
    m->by_name = arena_new_array(a, struct known, n + 1);
    m->by_stem = arena_new_array(a, struct known, n + 1);
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(
        m->job->db, &r,
        "SELECT d.filename, a.id, d.width, d.height FROM asset a JOIN data d ON d.id = a.data_id WHERE a.dataset_version_id = ?1",
        V(m->version)));
    while (rows_next(r) && m->n_known < (size_t)n) {
        struct known k = { arena_str(a, rows_text(r, 0)), arena_str(a, rows_text(r, 1)), (int)rows_int(r, 2), (int)rows_int(r, 3) };
        m->by_name[m->n_known] = k;
        k.name = stem(a, k.name);
        m->by_stem[m->n_known++] = k;
    }
    TRY(rows_error(r));
    qsort(m->by_name, m->n_known, sizeof *m->by_name, by_name);
    qsort(m->by_stem, m->n_known, sizeof *m->by_stem, by_name);
    return OK;
}

/* NULL: the version has no such image. Two of that name: E_CONFLICT, since nobody can tell which is meant. */
static enum err find_known(const struct import *m, const struct format_image *i, const struct known **ret)
{
    const struct known key = { .name = i->filename }, *all = i->stem ? m->by_stem : m->by_name;
    const struct known *k = m->n_known ? bsearch(&key, all, m->n_known, sizeof key, by_name) : NULL;
    *ret = k;
    if (k && ((k > all && by_name(k - 1, k) == 0) || (k + 1 < all + m->n_known && by_name(k, k + 1) == 0)))
        return fail(E_CONFLICT, "%s: the dataset version has more than one image called '%s'", i->file, i->filename);
    return OK;
}

static enum err label_of(struct import *m, const char *name, const char **ret)
{
    size_t i = 0;
    while (i < m->set->n_labels && strcmp(m->set->labels[i], name) != 0)
        i++;
    if (i < m->set->n_labels && m->label_ids[i]) {
        *ret = m->label_ids[i];
        return OK;
    }
    TRY(label_need(m->job->db, m->job->arena, m->job->org, m->version, name, ret));
    if (i < m->set->n_labels)
        m->label_ids[i] = *ret;
    return OK;
}

static const struct json *corners(struct arena *a, const double *xy, size_t n)
{
    AUTO(out) struct out o;
    out_init(&o, 1 << 20);
    out_object(&o, NULL);
    out_array(&o, "polygon");
    for (size_t i = 0; i < n; i++) {
        out_array(&o, NULL);
        out_number(&o, NULL, xy[2 * i]);
        out_number(&o, NULL, xy[2 * i + 1]);
        out_end_array(&o);
    }
    out_end_array(&o);
    out_end_object(&o);
    const struct json *v = NULL;
    return json_parse(a, o.text.bytes, o.text.n, &v) == OK ? v : NULL;
}

static const struct json *box(struct arena *a, double x0, double y0, double x1, double y1)
{
    const struct json *v = NULL;
    const char *s = arena_fmt(a, "{\"x\":%.0f,\"y\":%.0f,\"w\":%.0f,\"h\":%.0f}", x0, y0, x1 - x0, y1 - y0);
    return json_parse(a, s, strlen(s), &v) == OK ? v : NULL;
}

/* Files round, so an edge may lie up to a pixel outside: it is moved to the image's edge. What is further out is a fault. */
static double settle(double v, double most)
{
    return v < 0 && v >= -1 ? 0 : v > most && v <= most + 1 ? most : v;
}

static enum err convert(struct import *m, const struct format_shape *f, const struct known *k, bool fractions, const char *where,
                        struct shape *ret)
{
    struct arena *a = m->job->arena;
    double sx = fractions ? k->width : 1, sy = fractions ? k->height : 1, W = k->width, H = k->height;
    double x0 = f->x * sx, y0 = f->y * sy, x1 = (f->x + f->w) * sx, y1 = (f->y + f->h) * sy;
    bool boxes = strcmp(m->type, "OBJECT_DETECTION") == 0, classes = strcmp(m->type, "CLASSIFICATION") == 0;
    const char *kind = classes ? "classification" : f->kind == FORMAT_CLASSIFICATION ? "classification" : "rectangle";
    const struct json *v = NULL;
    if (!classes && f->kind == FORMAT_POLYGON) {
        double *xy = arena_new_array(a, double, 2 * f->n_points);
        x0 = y0 = 1e300;
        x1 = y1 = -1e300;
        for (size_t i = 0; i < f->n_points; i++) {
            xy[2 * i] = settle(f->points[2 * i] * sx, W);
            xy[2 * i + 1] = settle(f->points[2 * i + 1] * sy, H);
            x0 = fmin(x0, xy[2 * i]);
            x1 = fmax(x1, xy[2 * i]);
            y0 = fmin(y0, xy[2 * i + 1]);
            y1 = fmax(y1, xy[2 * i + 1]);
        }
        if (!boxes) {
            kind = "polygon";
            v = corners(a, xy, f->n_points);
        }
    }
    if (strcmp(kind, "rectangle") == 0)
        v = box(a, round(settle(x0, W)), round(settle(y0, H)), round(settle(x1, W)), round(settle(y1, H)));
    *ret = (struct shape){ .kind = shape_kind_called(kind) };
    TRY(label_of(m, f->label, &ret->label_id));
    return ret->kind->read(a, v, k->width, k->height, where, ret);
}

static void name_one(struct out *o, int64_t n, const char *s)
{
    if (n <= NAMED)
        out_text(o, NULL, s);
}

static enum err import_image(struct import *m, const struct format_image *i)
{
    const struct known *k;
    struct shape_list list = { 0 };
    TRY(find_known(m, i, &k));
    if (!k) {
        name_one(&m->named_unknown, ++m->unknown, i->filename);
        return OK;
    }
    if (i->width && i->height && (i->width != k->width || i->height != k->height))
        m->sizes_differ++;
    for (size_t n = 0; n < i->n_shapes; n++) {
        struct shape s;
        const char *where = arena_fmt(m->job->arena, "%s, %s", i->file, i->shapes[n].where);
        enum err e = convert(m, &i->shapes[n], k, i->fractions, where, &s);
        if (e == OK) {
            shape_add(m->job->arena, &list, &s);
        } else if (e == E_INVALID) {
            name_one(&m->named_invalid, ++m->invalid, fail_text());
            text_fmt(&m->faults, "%s%s", m->invalid > 1 ? "; " : "", fail_text());
        } else {
            return e;
        }
    }
    struct annotation_save s = { m->job->org, k->asset_id, m->version, m->job->user_id, m->mode,
                                 m->status,   NULL,        -1,         list.items,      list.n };
    bool written;
    TRY(annotation_save(m->job->db, m->job->arena, &s, &written, NULL));
    m->images += written;
    m->kept += !written;
    m->shapes += written ? (int64_t)list.n : 0;
    return OK;
}

/* A version that was not configured yet takes the type of what comes. */
static enum err choose_type(struct import *m)
{
    if (strcmp(m->type, "NOT_CONFIGURED") != 0)
        return OK;
    size_t kinds[3] = { 0 };
    for (size_t i = 0; i < m->set->n_images; i++)
        for (size_t k = 0; k < m->set->images[i].n_shapes; k++)
            kinds[m->set->images[i].shapes[k].kind]++;
    m->type = kinds[FORMAT_POLYGON]          ? "SEGMENTATION"
              : kinds[FORMAT_RECTANGLE]      ? "OBJECT_DETECTION"
              : kinds[FORMAT_CLASSIFICATION] ? "CLASSIFICATION"
                                             : m->type;
    return sql_run(m->job->db, "UPDATE dataset_version SET type = ?2 WHERE id = ?1", V(m->version), V(m->type));
}

static enum err import_all(struct import *m)
{
    {
        AUTO(rows) struct rows *r = NULL;
        enum err e =
            sql_first(m->job->db, &r, "SELECT type FROM dataset_version WHERE id = ?1 AND org = ?2", V(m->version), V(m->job->org));
        if (e == E_NOT_FOUND)
            return fail(e, "the dataset version was deleted in the meantime");
        TRY(e);
        m->type = arena_str(m->job->arena, rows_text(r, 0));
    }
    TRY(version_check_unlocked(m->job->db, m->version));
    TRY(choose_type(m));
    TRY(read_assets(m));
    for (size_t i = 0; i < m->set->n_labels; i++)
        TRY(label_need(m->job->db, m->job->arena, m->job->org, m->version, m->set->labels[i], &m->label_ids[i]));
    for (size_t i = 0; i < m->set->n_images; i++)
        TRY(import_image(m, &m->set->images[i]));
    if (m->invalid && !m->skip_invalid)
        return fail(E_INVALID, "%lld of the shapes %s faulty, so nothing was imported: %.800s", (long long)m->invalid,
                    m->invalid == 1 ? "is" : "are", m->faults.bytes);
    return OK;
}

static const char *result_of(struct import *m)
{
    struct out o;
    out_init(&o, 1 << 20);
    out_end_array(&m->named_unknown);
    out_end_array(&m->named_invalid);
    out_object(&o, NULL);
    out_text(&o, "format", m->format);
    out_int(&o, "images", m->images);
    out_int(&o, "shapes", m->shapes);
    out_int(&o, "kept", m->kept);
    out_int(&o, "unknown_images", m->unknown);
    out_raw(&o, "unknown", m->named_unknown.text.bytes);
    out_int(&o, "skipped_shapes", m->invalid);
    out_raw(&o, "skipped", m->named_invalid.text.bytes);
    out_int(&o, "sizes_differ", m->sizes_differ);
    out_end_object(&o);
    const char *text = arena_str(m->job->arena, o.text.bytes);
    out_done(&o);
    return text;
}

/* The files are needed no longer once the outcome is known, whichever it is. */
static enum err drop_files(struct job *j)
{
    return sql_run(j->db, "DELETE FROM object WHERE org = ?2 AND name IN (SELECT value ->> '$.object' FROM json_each(?1))",
                   V(json_print(j->arena, json_get(j->input, "files"))), V(j->org));
}

static enum err run_import(struct import *m)
{
    struct job *j = m->job;
    TRY(read_files(m, json_get(j->input, "files")));
    m->label_ids = arena_new_array(j->arena, const char *, m->set->n_labels + 1);
    if (!job_go_on(j, 0.5, "writing annotations"))
        return fail(E_CANCELLED, "cancelled");
    TRY(sql_begin(j->db));
    enum err e = import_all(m);
    if (e == OK)
        e = drop_files(j);
    if (e == OK)
        e = job_done_within(j, result_of(m));
    return sql_end(j->db, e);
}

static enum err run(struct job *j)
{
    struct import m = { .job = j,
                        .version = json_text(json_get(j->input, "dataset_version_id")),
                        .mode = json_text(json_get(j->input, "mode")),
                        .status = json_text(json_get(j->input, "status")) };
    json_bool(json_get(j->input, "skip_invalid"), &m.skip_invalid);
    out_init(&m.named_unknown, 1 << 18);
    out_init(&m.named_invalid, 1 << 18);
    out_array(&m.named_unknown, NULL);
    out_array(&m.named_invalid, NULL);
    text_init(&m.faults, 1000);
    enum err e = run_import(&m);
    out_done(&m.named_unknown);
    out_done(&m.named_invalid);
    text_done(&m.faults);
    return e;
}

static enum err gave_up(struct job *j, const char *why)
{
    (void)why;
    return drop_files(j);
}

const struct job_kind import_annotations_job = { "import_annotations", run, gave_up, .tries = 1, .lease_s = 600, .lane = "files" };

static const struct route routes[] = {
    { "POST", "/api/dataset/version/{id}/annotations/import", receive_files, MAY_WRITE, WORK_FREE,
      "reads annotation files (COCO, Pascal VOC, YOLO, or a zip of them) in a job; multipart: files, mode, status, skip_invalid",
      .start = start, .stop = stop, .on = &dataset_version_resource },
};

const struct resource import_resource = { .name = "import", .routes = routes, .n_routes = COUNT_OF(routes) };
