/* Annotations with very many shapes within one request: the new shapes are written beside the old ones, in many short transactions,
 * and take their place in the last. The annotation keeps its row, and with it its id. */
#include "api/op.h"
#include "app/annotation/batch.h"
#include "app/dataset/dataset.h"
#include "base/clock.h"
#include "base/log.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FEW_SHAPES = 1500 }; /* those that come and go, in one transaction */
enum { WAIT_S = 30, LOOK_MS = 20 };

struct part {
    const struct annotation_save *save;
    const char *annotation;
    bool made, written; /* made: there was none; not written: KEEP found one */
    const char **leaving;
    size_t n_leaving, room;
    int64_t position, shown;
};

struct exchange {
    struct sql *db;
    struct arena *arena;
    const char *version;
    struct part *parts;
    size_t n;
    int64_t batch;
    double slice; /* the last one of which it was sure that the batch is still there */
};

/* ---- the beginning */

static enum err find(struct exchange *x, struct part *p)
{
    AUTO(rows) struct rows *r = NULL;
    enum err e = sql_first(x->db, &r,
                           "SELECT id, revision, n_shapes, (SELECT max(position) + 1 FROM shape h WHERE h.annotation_id = n.id)"
                           " FROM annotation n WHERE asset_id = ?1",
                           V(p->save->asset_id));
    p->made = e == E_NOT_FOUND;
    p->written = p->made || strcmp(p->save->mode, "KEEP") != 0;
    if (e != OK && e != E_NOT_FOUND)
        return e;
    TRY(annotation_check_revision(p->save, e == OK ? rows_int(r, 1) : 0));
    p->annotation = e == OK ? arena_str(x->arena, rows_text(r, 0)) : id_new(x->arena);
    p->shown = e == OK ? rows_int(r, 2) : 0;
    p->position = e == OK && strcmp(p->save->mode, "REPLACE") != 0 ? rows_int(r, 3) : 0;
    return OK;
}

static enum err begin_part(struct exchange *x, struct part *p)
{
    TRY(find(x, p));
    if (!p->written)
        return OK;
    if (p->made) {
        TRY(annotation_make(x->db, p->save, p->annotation, x->batch));
        return sql_run(x->db, "UPDATE annotation_row SET n_shapes = ?2 WHERE id = ?1", V(p->annotation), V((int64_t)p->save->n));
    }
    return sql_run(x->db, "INSERT INTO batch_part (batch, annotation_id) VALUES (?1, ?2)", V(x->batch), V(p->annotation));
}

static enum err begin_within(struct exchange *x)
{
    TRY(annotations_check_open(x->db, x->version));
    TRY(batch_make(x->db, x->version, BATCH_OF_REQUEST, &x->batch));
    for (size_t i = 0; i < x->n; i++)
        TRY(begin_part(x, &x->parts[i]));
    return OK;
}

/* Another request that does the same there takes a second or so. */
static enum err begin(struct exchange *x)
{
    const struct timespec pause = { 0, LOOK_MS * 1000000L };
    for (double began = clock_seconds();; nanosleep(&pause, NULL)) {
        TRY(sql_begin(x->db));
        enum err e = sql_end(x->db, begin_within(x));
        if (e != E_BUSY || clock_seconds() - began > WAIT_S)
            return e;
    }
}

/* ---- in slices */

/* A worker that has just started may have taken it for one that was cut off by a kill, and undone it. */
static enum err check_there(struct exchange *x, const struct slice *s)
{
    int64_t there = 0;
    if (s->begun <= x->slice)
        return OK;
    TRY(sql_int(s->db, &there, "SELECT count(*) FROM batch WHERE id = ?1 AND shown = 0", V(x->batch)));
    x->slice = s->begun;
    return there ? OK : fail(E_BUSY, "the annotations were not written: try again");
}

static enum err leave_later(struct exchange *x, struct slice *s, const char *shape)
{
    TRY(check_there(x, s));
    return sql_run(s->db, "UPDATE shape_row SET batch = ?2 WHERE id = ?1", V(shape), V(-x->batch));
}

static void add_leaving(struct exchange *x, struct part *p, const char *id)
{
    if (p->n_leaving == p->room) {
        const char **more = arena_new_array(x->arena, const char *, p->room = 2 * p->room + 64);
        if (p->n_leaving)
            memcpy(more, p->leaving, p->n_leaving * sizeof *more);
        p->leaving = more;
    }
    p->leaving[p->n_leaving++] = arena_str(x->arena, id);
}

/* Nobody else writes annotations of the version meanwhile: the list stays true. */
static enum err list_leaving(struct exchange *x, struct part *p)
{
    AUTO(rows) struct rows *r = NULL;
    struct value kept;
    if (p->made || strcmp(p->save->mode, "CONCATENATE") == 0)
        return OK;
    TRY(annotation_kept(x->db, p->save, &kept));
    TRY(sql_rows(x->db, &r, "SELECT id FROM shape WHERE annotation_id = ?1 AND kind NOT IN " LISTED("?2") " ORDER BY position",
                 V(p->annotation), V(kept)));
    while (rows_next(r))
        add_leaving(x, p, rows_text(r, 0));
    return rows_error(r);
}

static enum err count_leaving(struct exchange *x, struct part *p)
{
    AUTO(rows) struct rows *r = NULL;
    struct value kept;
    if (!p->n_leaving)
        return OK;
    TRY(annotation_kept(x->db, p->save, &kept));
    TRY(sql_rows(x->db, &r,
                 "SELECT label_id, count(*) FROM shape WHERE annotation_id = ?1 AND kind NOT IN " LISTED("?2") " GROUP BY label_id",
                 V(p->annotation), V(kept)));
    while (rows_next(r))
        TRY(batch_label(x->db, -x->batch, rows_text(r, 0), rows_int(r, 1), false));
    return rows_error(r);
}

static enum err count_coming(void *with, const char *label, int64_t n)
{
    struct exchange *x = with;
    return batch_label(x->db, x->batch, label, n, false);
}

static enum err write_part(struct exchange *x, struct slice *s, struct part *p)
{
    const struct annotation_save *save = p->save;
    TRY(check_there(x, s));
    TRY(count_leaving(x, p));
    TRY(shapes_by_label(save->shapes, save->n, count_coming, x));
    for (size_t i = 0; i < p->n_leaving; i++)
        TRY(slice_next(s, leave_later(x, s, p->leaving[i])));
    for (size_t i = 0; i < save->n; i++) {
        TRY(check_there(x, s));
        TRY(slice_next(s, shape_insert(s->db, save, p->annotation, &save->shapes[i], p->position + (int64_t)i, x->batch)));
    }
    return OK;
}

static enum err write_all(struct exchange *x)
{
    struct slice s;
    enum err e = OK;
    for (size_t i = 0; i < x->n && e == OK; i++)
        e = x->parts[i].written ? list_leaving(x, &x->parts[i]) : OK;
    TRY(e);
    TRY(slice_begin(&s, x->db));
    for (size_t i = 0; i < x->n && e == OK; i++)
        e = x->parts[i].written ? slice_next(&s, write_part(x, &s, &x->parts[i])) : OK;
    return slice_end(&s, e);
}

/* ---- the moment, and afterwards */

static enum err show_part(struct exchange *x, const struct part *p)
{
    int64_t n = p->shown - (int64_t)p->n_leaving + (int64_t)p->save->n;
    if (!p->written)
        return OK;
    if (!p->made)
        TRY(annotation_renew(x->db, p->save, p->annotation));
    TRY(sql_run(x->db, "UPDATE annotation_row SET n_shapes = ?2, batch = 0 WHERE id = ?1", V(p->annotation), V(n)));
    return sql_changes(x->db) ? OK : fail(E_NOT_FOUND, "the image was removed from the dataset version meanwhile");
}

static enum err show_within(struct exchange *x)
{
    TRY(check_there(x, &(struct slice){ .db = x->db, .begun = clock_seconds() }));
    TRY(version_check_unlocked(x->db, x->version));
    for (size_t i = 0; i < x->n; i++)
        TRY(show_part(x, &x->parts[i]));
    return batch_show(x->db, x->batch);
}

static enum err show(struct exchange *x)
{
    TRY(sql_begin(x->db));
    return sql_end(x->db, show_within(x));
}

static enum err exchange(struct exchange *x)
{
    TRY(begin(x));
    enum err e = write_all(x);
    e = e == OK ? show(x) : e;
    struct failure why;
    if (e != OK)
        fail_keep(&why);
    if ((e == OK ? batch_finish(x->db, x->batch) : batch_undo(x->db, x->batch)) != OK)
        log_failure("clearing up after annotations were written"); /* the worker's sweep does it */
    return e == OK ? OK : fail_again(&why);
}

/* ---- either way */

struct saving {
    const struct annotation_save *saves;
    size_t n;
    const char *version;
    bool *written;
};

static enum err count_shapes(struct op *op, const struct saving *w, int64_t *ret)
{
    for (size_t i = 0; i < w->n; i++) {
        int64_t leaving = 0;
        if (strcmp(w->saves[i].mode, "REPLACE") == 0)
            TRY(sql_int(op->db, &leaving, "SELECT n_shapes FROM annotation WHERE asset_id = ?1", V(w->saves[i].asset_id)));
        *ret += (int64_t)w->saves[i].n + leaving;
    }
    return OK;
}

static enum err save_few(struct op *op)
{
    struct saving *w = op->state;
    TRY(annotations_check_open(op->db, w->version));
    for (size_t i = 0; i < w->n; i++)
        TRY(annotation_save(op->db, op->arena, &w->saves[i], &w->written[i], NULL));
    return OK;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* One after the other it would be right: that is what small requests do. */
static enum err check_each_once(struct arena *a, const struct saving *w)
{
    const char **assets = arena_new_array(a, const char *, w->n + 1);
    for (size_t i = 0; i < w->n; i++)
        assets[i] = w->saves[i].asset_id;
    qsort(assets, w->n, sizeof *assets, by_text);
    for (size_t i = 1; i < w->n; i++)
        if (strcmp(assets[i], assets[i - 1]) == 0)
            return fail(E_TOO_BIG, "the asset %s is named twice among very many shapes: send fewer at once", assets[i]);
    return OK;
}

static enum err save_many(struct op *op, struct saving *w)
{
    TRY(check_each_once(op->arena, w));
    struct exchange x = { .db = op->db, .arena = op->arena, .version = w->version, .n = w->n };
    x.parts = arena_new_array(op->arena, struct part, w->n + 1);
    for (size_t i = 0; i < w->n; i++)
        x.parts[i] = (struct part){ .save = &w->saves[i] };
    TRY(exchange(&x));
    for (size_t i = 0; i < w->n; i++)
        w->written[i] = x.parts[i].written;
    return OK;
}

enum err annotations_write(struct op *op, const char *version, const struct annotation_save *saves, size_t n, bool *written)
{
    struct saving w = { saves, n, version, written };
    void *before = op->state;
    int64_t shapes = 0;
    TRY(count_shapes(op, &w, &shapes));
    if (shapes > FEW_SHAPES)
        return save_many(op, &w);
    op->state = &w;
    enum err e = op_write(op, save_few);
    op->state = before;
    return e;
}
