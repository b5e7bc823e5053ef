/* One image of a batch: its annotation is written beside the one that is shown. */
#include "app/annotation/batch.h"
#include "base/clock.h"
#include "query/query.h"
#include <string.h>

struct place {
    const struct batch_image *image;
    int64_t batch;
    const char *annotation; /* the hidden one */
    int64_t n;              /* shapes that it has */
};

static enum err find(struct sql *db, struct arena *a, const char *asset, int64_t batch, const char **ret_id, int64_t *ret_n)
{
    AUTO(rows) struct rows *r = NULL;
    enum err e =
        batch ? sql_first(db, &r, "SELECT id, n_shapes FROM annotation_row WHERE asset_id = ?1 AND batch = ?2", V(asset), V(batch))
              : sql_first(db, &r, "SELECT id, n_shapes FROM annotation WHERE asset_id = ?1", V(asset));
    *ret_id = NULL;
    if (e == E_NOT_FOUND)
        return OK;
    TRY(e);
    *ret_id = arena_str(a, rows_text(r, 0));
    *ret_n = rows_int(r, 1);
    return OK;
}

/* What the shown one has and a file does not say stays: who made it, its attributes. */
static enum err make(struct sql *db, const struct place *p, const char *shown)
{
    const struct batch_image *i = p->image;
    if (shown) {
        TRY(kept_copy(db, shown, p->annotation));
        return sql_run(db,
                       "INSERT INTO annotation_row (id, org, asset_id, dataset_version_id, status, duration, revision, attributes, "
                       "created_at, created_by, updated_at, updated_by, batch) SELECT ?1, org, asset_id, dataset_version_id, ?3, "
                       "duration, revision + 1, attributes, created_at, created_by, ?4, ?5, ?6 FROM annotation_row WHERE id = ?2",
                       V(p->annotation), V(shown), V(i->status), V(clock_now_ms()), V(i->user_id), V(p->batch));
    }
    return sql_run(db,
                   "INSERT INTO annotation_row (id, org, asset_id, dataset_version_id, status, duration, revision, created_at, "
                   "created_by, updated_at, updated_by, batch) VALUES (?1, ?2, ?3, ?4, ?5, 0, 1, ?6, ?7, ?6, ?7, ?8)",
                   V(p->annotation), V(i->org), V(i->asset_id), V(i->version_id), V(i->status), V(clock_now_ms()), V(i->user_id),
                   V(p->batch));
}

static enum err insert(struct sql *db, const struct place *p, const struct shape *s, int64_t position)
{
    char id[ID_SIZE];
    id_make(id);
    return sql_run(
        db,
        "INSERT INTO shape_row (id, annotation_id, asset_id, dataset_version_id, label_id, kind, position, x, y, w, h, "
        "geometry, area, text, attributes, batch) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, "
        "?16)",
        V((const char *)id), V(p->annotation), V(p->image->asset_id), V(p->image->version_id), V(s->label_id), V(s->kind->name),
        V(position), V(s->x), V(s->y), V(s->w), V(s->h), V(s->geometry), V(s->area), V(s->text), V(s->attributes), V(p->batch));
}

struct counting {
    struct sql *db;
    int64_t batch;
};

static enum err count_label(void *with, const char *label, int64_t n)
{
    const struct counting *c = with;
    return batch_label(c->db, c->batch, label, n, false);
}

/* A slice may end between any two shapes, since nobody sees them yet. */
static enum err insert_all(struct slice *s, struct place *p, const struct shape *shapes, size_t n)
{
    TRY(shapes_by_label(shapes, n, count_label, &(struct counting){ s->db, p->batch }));
    for (size_t i = 0; i < n; i++)
        TRY(slice_next(s, insert(s->db, p, &shapes[i], p->n++)));
    return sql_run(s->db, "UPDATE annotation_row SET n_shapes = ?2 WHERE id = ?1", V(p->annotation), V(p->n));
}

/* The shapes of the shown one, for those who add to them. */
static enum err read_shown(struct sql *db, struct arena *a, const char *shown, struct shape_list *ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r,
                 "SELECT kind, label_id, x, y, w, h, area, geometry, text, attributes FROM shape WHERE annotation_id = ?1 ORDER BY "
                 "position",
                 V(shown)));
    while (rows_next(r)) {
        struct shape s = { .kind = shape_kind_called(rows_text(r, 0)),
                           .label_id = arena_str(a, rows_text(r, 1)),
                           .x = rows_int(r, 2),
                           .y = rows_int(r, 3),
                           .w = rows_int(r, 4),
                           .h = rows_int(r, 5),
                           .area = rows_real(r, 6),
                           .geometry = arena_str(a, rows_text(r, 7)),
                           .text = arena_str(a, rows_text(r, 8)),
                           .attributes = arena_str(a, rows_text(r, 9)) };
        shape_add(a, ret, &s);
    }
    return rows_error(r);
}

static enum err begin_image(struct slice *s, struct arena *a, struct place *p, bool *ret_written)
{
    const char *shown;
    int64_t n;
    struct shape_list before = { 0 };
    TRY(find(s->db, a, p->image->asset_id, 0, &shown, &n));
    *ret_written = !shown || strcmp(p->image->mode, "KEEP") != 0;
    if (!*ret_written)
        return OK;
    p->annotation = id_new(a);
    TRY(make(s->db, p, shown));
    if (!shown)
        return OK;
    if (strcmp(p->image->mode, "CONCATENATE") == 0)
        TRY(read_shown(s->db, a, shown, &before));
    TRY(batch_hide_later(s->db, p->batch, shown));
    return insert_all(s, p, before.items, before.n);
}

enum err batch_write(struct slice *s, struct arena *a, int64_t batch, const struct batch_image *image, bool *ret_written)
{
    struct place p = { .image = image, .batch = batch };
    *ret_written = true;
    TRY(find(s->db, a, image->asset_id, batch, &p.annotation, &p.n)); /* an image may come twice */
    if (!p.annotation)
        TRY(begin_image(s, a, &p, ret_written));
    return *ret_written ? insert_all(s, &p, image->shapes, image->n) : OK;
}
