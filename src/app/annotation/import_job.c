/* The job of an import: a child reads the files, its records are turned into rows here, and the rows are written in short
 * transactions that nobody sees before the last one, which also says how the job ended. */
#include "api/op.h"
#include "app/annotation/import.h"
#include "app/datalake/datalake.h"
#include "app/dataset/dataset.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "blob/blob.h"
#include "json/json.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { SLICE_IMAGES = 1000, SLICE_SHAPES = 5000, SLICE_POINTS = 200000 };

const char *const import_splits[6] = { "TAGS", "ALL", "train", "val", "test", NULL };
const char *const import_split_words[4] = { "train", "val", "test", NULL };

struct label {
    char *name;
    char id[ID_SIZE]; /* empty: not in the database yet */
};

/* An image that waits to be written. */
struct pending {
    const char *asset_id, *split;
    struct shape_list shapes;
    uint32_t *labels; /* beside the shapes */
    size_t room;
    struct pending *next;
};

struct import {
    struct job *job;
    const struct json *files;
    const char *hash;
    int bytes; /* the object that they stand in */
    const char *version, *mode, *status, *type, *splits;
    bool skip_invalid, chooses; /* the version takes the type of what comes */
    int64_t batch;
    struct known_images *known;
    struct label *labels;
    size_t n_labels, room_labels, made_labels; /* the first made_labels have ids */
    struct import_result result;

    struct foreign_image image; /* the one at hand: names only, for where shapes are */
    struct known_image asset;
    struct arena *slice;
    struct pending *first, *now; /* now NULL: shapes of an image that is not taken */
    size_t n_images, n_shapes, n_points;

    bool has_outlines, has_boxes, has_classes; /* of the first look, which chooses the type */
};

/* ---- the files, by descriptor */

/* All files stand in one object, one behind the other. */
static enum err open_file(void *with, size_t i, int *ret_fd)
{
    (void)i;
    *ret_fd = fcntl(((struct import *)with)->bytes, F_DUPFD_CLOEXEC, 0);
    return *ret_fd >= 0 ? OK : fail(E_BROKEN, "cannot open the files once more");
}

static enum err list_files(struct import *m, struct foreign_files *ret)
{
    size_t n = json_count(m->files);
    uint64_t offset = 0;
    struct foreign_file *items = arena_new_array(m->job->arena, struct foreign_file, n + 1);
    for (size_t i = 0; i < n; i++) {
        int64_t size = 0;
        items[i].name = json_text(json_get(json_at(m->files, i), "name"));
        json_int(json_get(json_at(m->files, i), "size"), &size);
        items[i].size = (uint64_t)size;
        items[i].offset = offset;
        offset += items[i].size;
    }
    *ret = (struct foreign_files){ items, n, open_file, m, -1 };
    return OK;
}

/* Its own folder, so that a disk that is full is the data's disk; without a name, so that a kill leaves nothing. */
static enum err read_apart(struct import *m, enum err (*take)(void *, const struct foreign_record *))
{
    const struct services *s = m->job->with;
    AUTO(fd) int scratch = -1;
    struct foreign_files files;
    TRY(list_files(m, &files));
    scratch = open(arena_fmt(m->job->arena, "%s/incoming", s->data_dir), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (scratch < 0)
        return fail(E_BROKEN, "cannot make a scratch file below %s", s->data_dir);
    files.scratch = scratch;
    return foreign_read_apart(s->self_path, &files, (struct foreign_sink){ take, m });
}

/* ---- writing a slice */

static enum err need_label(struct import *m, struct label *l)
{
    AUTO(arena) struct arena *a = arena_new();
    struct sql *db = m->job->db;
    int64_t there = 0;
    const char *id;
    TRY(sql_int(db, &there, "SELECT count(*) FROM label WHERE dataset_version_id = ?1 AND name = ?2", V(m->version), V(l->name)));
    TRY(label_need(db, a, m->job->org, m->version, l->name, &id));
    if (!there)
        TRY(batch_label(db, m->batch, id, 0, true));
    memcpy(l->id, id, sizeof l->id);
    return OK;
}

static enum err write_labels(struct slice *s, struct import *m)
{
    for (; m->made_labels < m->n_labels; m->made_labels++)
        TRY(slice_next(s, need_label(m, &m->labels[m->made_labels])));
    return OK;
}

static enum err write_image(struct slice *s, struct import *m, const struct pending *p)
{
    bool written;
    int64_t there = 0;
    TRY(sql_int(s->db, &there, "SELECT count(*) FROM asset WHERE id = ?1", V(p->asset_id)));
    if (!there) { /* its data was deleted meanwhile */
        import_left(&m->result, LEFT_UNKNOWN, p->asset_id);
        return OK;
    }
    for (size_t i = 0; i < p->shapes.n; i++)
        p->shapes.items[i].label_id = m->labels[p->labels[i]].id;
    const struct batch_image image = { m->job->org, m->version, p->asset_id,     m->job->user_id,
                                       m->mode,     m->status,  p->shapes.items, p->shapes.n };
    TRY(batch_write(s, m->slice, m->batch, &image, &written));
    if (written && p->split && strcmp(m->splits, "TAGS") == 0)
        TRY(batch_tag(s->db, m->batch, p->asset_id, p->split));
    m->result.images += written;
    m->result.kept += !written;
    m->result.shapes += written ? (int64_t)p->shapes.n : 0;
    return OK;
}

static enum err write_all(struct slice *s, struct import *m)
{
    TRY(write_labels(s, m));
    for (struct pending *p = m->first; p; p = p->next)
        TRY(slice_next(s, write_image(s, m, p)));
    return OK;
}

static enum err flush(struct import *m)
{
    struct slice s;
    TRY(slice_begin(&s, m->job->db));
    TRY(slice_end(&s, write_all(&s, m)));
    arena_free(m->slice);
    m->slice = arena_new();
    m->first = m->now = NULL;
    m->n_images = m->n_shapes = m->n_points = 0;
    return OK;
}

/* ---- records */

static enum err add_label(struct import *m, const char *name)
{
    if (m->n_labels == m->room_labels)
        m->labels = heap_grow(m->labels, (m->room_labels = m->room_labels ? 2 * m->room_labels : 64) * sizeof *m->labels);
    m->labels[m->n_labels++] = (struct label){ .name = heap_str(name) };
    return OK;
}

static int split_number(const char *split)
{
    for (int i = 0; split && import_split_words[i]; i++)
        if (strcmp(import_split_words[i], split) == 0)
            return i;
    return -1;
}

static bool wants_split(const struct import *m, int split)
{
    int only = split_number(m->splits);
    return only < 0 || only == split;
}

static void note_size(struct import *m, const struct foreign_image *i)
{
    if (i->width && i->height && (i->width != m->asset.width || i->height != m->asset.height))
        import_differs(&m->result, arena_fmt(m->slice, "%s: %d x %d in the file, %d x %d here", m->asset.name, i->width, i->height,
                                             m->asset.width, m->asset.height));
}

static enum err take_image(struct import *m, const struct foreign_image *i)
{
    if (m->n_images >= SLICE_IMAGES || m->n_shapes >= SLICE_SHAPES || m->n_points >= SLICE_POINTS)
        TRY(flush(m));
    int split = split_number(i->split);
    struct pending *before = m->now ? m->now : m->first;
    while (before && before->next)
        before = before->next;
    enum foreign_reason why = wants_split(m, split) ? known_images_find(m->known, i, &m->asset) : LEFT_SPLIT;
    m->now = NULL;
    if (why != LEFT_NOTHING) {
        import_left(&m->result, why, i->name);
        return OK;
    }
    note_size(m, i);
    m->image = *i;
    m->image.file = arena_str(m->slice, i->file);
    m->now = arena_take(m->slice, sizeof *m->now);
    *m->now = (struct pending){ .asset_id = arena_str(m->slice, m->asset.asset_id),
                                .split = split < 0 ? NULL : import_split_words[split] };
    *(before ? &before->next : &m->first) = m->now;
    m->result.splits[split < 0 ? 0 : split] += split >= 0 && strcmp(m->splits, "TAGS") == 0;
    m->n_images++;
    return OK;
}

static void label_shapes(struct import *m, struct pending *p, size_t from, uint32_t label)
{
    if (p->shapes.n > p->room) {
        uint32_t *more = arena_new_array(m->slice, uint32_t, p->room = 2 * p->shapes.n + 16);
        if (from)
            memcpy(more, p->labels, from * sizeof *more);
        p->labels = more;
    }
    for (size_t i = from; i < p->shapes.n; i++)
        p->labels[i] = label;
}

static enum err take_shape(struct import *m, const struct foreign_shape *s)
{
    if (!m->now)
        return OK;
    enum foreign_reason why;
    size_t before = m->now->shapes.n;
    const char *where = foreign_where(m->slice, &m->image, s->at);
    enum err e = import_shape(m->slice, m->type, s, m->image.fractions, &m->asset, where, &m->now->shapes, &why);
    if (e == E_INVALID) {
        m->now->shapes.n = before; /* the parts that were fine */
        import_fault(&m->result, fail_text());
        return OK;
    }
    TRY(e);
    if (why != LEFT_NOTHING)
        import_left(&m->result, why, where);
    label_shapes(m, m->now, before, s->label);
    m->result.pieces += m->now->shapes.n > before + 1;
    m->n_shapes += m->now->shapes.n - before;
    m->n_points += s->n_points;
    return OK;
}

static enum err go_on(struct import *m, double progress, const char *doing)
{
    return job_go_on(m->job, progress, doing) ? OK : fail(E_CANCELLED, "cancelled");
}

static enum err take(void *with, const struct foreign_record *r)
{
    struct import *m = with;
    switch (r->kind) {
    case FOREIGN_FORMAT: m->result.format = arena_str(m->job->arena, r->text); return OK;
    case FOREIGN_LABEL: return add_label(m, r->text);
    case FOREIGN_IMAGE: return take_image(m, &r->image);
    case FOREIGN_SHAPE: return take_shape(m, &r->shape);
    case FOREIGN_LEFT_OUT: import_left(&m->result, r->reason, r->text); return OK;
    case FOREIGN_FAULT: import_fault(&m->result, r->text); return OK;
    case FOREIGN_PASSED: import_passed(&m->result, r->text); return OK;
    case FOREIGN_PROGRESS: return go_on(m, 0.05 + 0.9 * r->progress, "writing annotations");
    }
    return OK;
}

/* The first look, only for a version whose type nobody has chosen. */
static enum err look(void *with, const struct foreign_record *r)
{
    struct import *m = with;
    if (r->kind == FOREIGN_SHAPE) {
        m->has_outlines |= r->shape.n_parts || (r->shape.mask && !r->shape.crowd);
        m->has_boxes |= r->shape.has_box;
        m->has_classes = true;
    }
    return r->kind == FOREIGN_PROGRESS ? go_on(m, 0.05 * r->progress, "looking at the files") : OK;
}

/* ---- all of it */

static enum err read_type(struct import *m)
{
    AUTO(rows) struct rows *r = NULL;
    enum err e =
        sql_first(m->job->db, &r, "SELECT type FROM dataset_version WHERE id = ?1 AND org = ?2", V(m->version), V(m->job->org));
    if (e == E_NOT_FOUND)
        return fail(e, "the dataset version was deleted in the meantime");
    TRY(e);
    m->type = arena_str(m->job->arena, rows_text(r, 0));
    m->chooses = strcmp(m->type, "NOT_CONFIGURED") == 0;
    return OK;
}

static enum err choose_type(struct import *m)
{
    TRY(read_type(m));
    if (!m->chooses)
        return OK;
    TRY(read_apart(m, look));
    m->type = m->has_outlines ? "SEGMENTATION" : m->has_boxes ? "OBJECT_DETECTION" : m->has_classes ? "CLASSIFICATION" : m->type;
    return OK;
}

/* Tags of splits say something only where there are several. */
static enum err drop_single_split(struct import *m)
{
    int n = 0;
    for (int i = 0; i < 3; i++)
        n += m->result.splits[i] > 0;
    if (n > 1)
        return OK;
    memset(m->result.splits, 0, sizeof m->result.splits);
    TRY(sql_begin(m->job->db));
    return sql_end(m->job->db, sql_run(m->job->db, "DELETE FROM batch_tag WHERE batch = ?1", V(m->batch)));
}

static enum err show(struct import *m)
{
    struct sql *db = m->job->db;
    int64_t there = 0;
    TRY(sql_int(db, &there, "SELECT count(*) FROM dataset_version WHERE id = ?1", V(m->version)));
    if (!there)
        return fail(E_NOT_FOUND, "the dataset version was deleted in the meantime");
    TRY(version_check_unlocked(db, m->version));
    TRY(batch_show(db, m->batch));
    if (m->chooses)
        TRY(version_choose_type(db, m->version, m->type));
    return job_done_within(m->job, import_result_json(&m->result));
}

static enum err write(struct import *m)
{
    TRY(known_images_read(m->job->db, m->version, &m->known));
    TRY(read_apart(m, take));
    TRY(flush(m));
    TRY(import_verdict(&m->result, m->skip_invalid));
    TRY(drop_single_split(m));
    TRY(go_on(m, 0.98, "showing the annotations"));
    TRY(sql_begin(m->job->db));
    return sql_end(m->job->db, show(m));
}

/* What was hidden is undone, or what was replaced is removed: neither changes the outcome, and the worker's sweep does it as well.
 */
static enum err run_import(struct import *m)
{
    uint64_t size;
    const struct services *s = m->job->with;
    TRY(blob_read(s->blobs, m->hash, &m->bytes, &size));
    TRY(choose_type(m));
    TRY(version_check_unlocked(m->job->db, m->version));
    TRY(batch_begin(m->job->db, m->version, m->job->id, &m->batch));
    enum err e = write(m);
    if (e == OK) {
        if (batch_finish(m->job->db, m->batch) != OK)
            log_failure("removing what an import replaced");
        return OK;
    }
    const char *why = arena_str(m->job->arena, fail_text());
    if (batch_undo(m->job->db, m->batch) != OK)
        log_failure("undoing an import");
    return fail(e, "%s", why);
}

/* Jobs that an earlier version left waiting name objects instead of bytes. */
static enum err read_input(struct import *m)
{
    const struct json *in = m->job->input;
    m->files = json_get(in, "files");
    m->hash = json_text(json_get(in, "hash"));
    m->version = json_text(json_get(in, "dataset_version_id"));
    m->mode = json_text(json_get(in, "mode"));
    m->status = json_text(json_get(in, "status"));
    m->splits = json_text(json_get(in, "splits"));
    m->splits = m->splits ? m->splits : import_splits[0];
    json_bool(json_get(in, "skip_invalid"), &m->skip_invalid);
    return m->version && m->mode && m->status && m->hash
               ? OK
               : fail(E_UNMEANT, "the import was sent to an earlier version of the program: send it again");
}

static enum err run_once(struct job *j)
{
    struct import m = { .job = j, .bytes = -1, .result = { .arena = j->arena, .format = "no format" }, .slice = arena_new() };
    enum err e = read_input(&m);
    e = e == OK ? run_import(&m) : e;
    known_images_free(m.known);
    for (size_t i = 0; i < m.n_labels; i++)
        free(m.labels[i].name);
    free(m.labels);
    arena_free(m.slice);
    auto_fd(&m.bytes);
    return e;
}

/* A reader that was stopped from outside (the machine was short of memory) is no fault of the files. */
static enum err run(struct job *j)
{
    enum err e = run_once(j);
    for (int again = 0; again < 2 && e == E_BUSY; again++)
        e = run_once(j);
    return e;
}

const struct job_kind import_annotations_job = { "import_annotations", run, NULL, .tries = 1, .lease_s = 600, .lane = "files",
                                                 .does = JOB_CHANGES };
