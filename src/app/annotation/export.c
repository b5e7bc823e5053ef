/* Annotations as a file: made at once, stored as an object, answered as a link. */
#include "app/annotation/annotation.h"
#include "app/annotation/format.h"
#include "app/datalake/datalake.h"
#include "app/dataset/dataset.h"
#include "base/clock.h"
#include "base/file.h"
#include "blob/blob.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct export
{
    const char *version, *status, *asset_ids, *key;
    const struct format_kind *format;
    struct format_set set;
    const char *object_name;
    char hash[HASH_SIZE];
    uint64_t size;
    int64_t left_out; /* shapes of kinds that the format does not know */
};

static enum err read_points(struct arena *a, const char *geometry, struct format_shape *s)
{
    const struct json *list;
    TRY(json_parse(a, geometry, strlen(geometry), &list));
    s->n_points = json_count(list);
    double *xy = arena_new_array(a, double, 2 * s->n_points);
    for (size_t i = 0; i < s->n_points; i++)
        for (size_t k = 0; k < 2; k++)
            if (!json_number(json_at(json_at(list, i), k), &xy[2 * i + k]))
                return fail(E_BROKEN, "a stored polygon is damaged");
    s->points = xy;
    return OK;
}

static enum err read_labels(struct op *op, struct export *x)
{
    AUTO(rows) struct rows *r = NULL;
    int64_t n = 0;
    TRY(sql_int(op->db, &n, "SELECT count(*) FROM label WHERE dataset_version_id = ?1", V(x->version)));
    x->set.labels = arena_new_array(op->arena, const char *, n + 1);
    TRY(sql_rows(op->db, &r, "SELECT name FROM label WHERE dataset_version_id = ?1 ORDER BY position", V(x->version)));
    while (rows_next(r) && x->set.n_labels < (size_t)n)
        x->set.labels[x->set.n_labels++] = arena_str(op->arena, rows_text(r, 0));
    return rows_error(r);
}

static enum err add_shape(struct op *op, struct export *x, struct rows *r)
{
    const struct shape_kind *k = shape_kind_called(rows_text(r, 5));
    bool rectangle = strcmp(k->name, "rectangle") == 0, polygon = strcmp(k->name, "polygon") == 0;
    if (!rectangle && !polygon && strcmp(k->name, "classification") != 0) {
        x->left_out++;
        return OK;
    }
    struct format_shape s = { .kind = rectangle ? FORMAT_RECTANGLE
                                      : polygon ? FORMAT_POLYGON
                                                : FORMAT_CLASSIFICATION,
                              .label = arena_str(op->arena, rows_text(r, 6)),
                              .x = (double)rows_int(r, 7),
                              .y = (double)rows_int(r, 8),
                              .w = (double)rows_int(r, 9),
                              .h = (double)rows_int(r, 10),
                              .where = "" };
    if (polygon)
        TRY(read_points(op->arena, rows_text(r, 11), &s));
    return format_shape_add(&x->set, &x->set.images[x->set.n_images - 1], &s);
}

/* The name that the file gives an image: an id keeps the ending, so that it is still a file name. */
static const char *name_of(struct op *op, const struct export *x, const char *id, const char *filename)
{
    const char *dot = strrchr(filename, '.');
    if (strcmp(x->key, "ASSET_ID") == 0 || strcmp(x->key, "DATA_ID") == 0)
        return arena_fmt(op->arena, "%s%s", id, dot ? dot : "");
    return arena_str(op->arena, strcmp(x->key, "OBJECT_NAME") == 0 ? id : filename);
}

static enum err read_images(struct op *op, struct export *x)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(
        op->db, &r,
        "SELECT n.id, iif(?4 = 'ASSET_ID', a.id, iif(?4 = 'DATA_ID', d.id, d.object_name)), d.filename, d.width, d.height, h.kind, "
        "l.name, h.x, h.y, h.w, h.h, h.geometry FROM annotation n JOIN asset a ON a.id = n.asset_id JOIN data d ON d.id = "
        "a.data_id LEFT JOIN shape h ON h.annotation_id = n.id LEFT JOIN label l ON l.id = h.label_id WHERE "
        "n.dataset_version_id = ?1 AND (?2 IS NULL OR n.status = ?2) AND (?3 IS NULL OR n.asset_id IN (SELECT value FROM "
        "json_each(?3))) ORDER BY a.id, h.position",
        V(x->version), V(x->status), V(x->asset_ids), V(x->key)));
    char last[ID_SIZE] = "";
    while (rows_next(r)) {
        if (strcmp(last, rows_text(r, 0)) != 0) {
            memcpy(last, rows_text(r, 0), ID_SIZE);
            struct format_image *i = format_image_add(&x->set, name_of(op, x, rows_text(r, 1), rows_text(r, 2)), "");
            i->width = (int)rows_int(r, 3);
            i->height = (int)rows_int(r, 4);
        }
        if (!rows_null(r, 5))
            TRY(add_shape(op, x, r));
    }
    return rows_error(r);
}

static enum err collect(struct op *op)
{
    struct export *x = op->state;
    x->version = op->id;
    TRY(read_labels(op, x));
    return read_images(op, x);
}

/* ---- the bytes */

struct into {
    struct blob_store *blobs;
    struct export *export;
    struct archive_writer *archive; /* NULL: the one file itself */
};

static enum err put(void *with, const char *name, const char *bytes, size_t n)
{
    struct into *t = with;
    if (t->archive)
        return archive_add(t->archive, name, bytes, n);
    t->export->size = n;
    return blob_put(t->blobs, bytes, n, t->export->hash);
}

static enum err write_archive(struct op *op, struct export *x)
{
    const char *path = arena_fmt(op->arena, "%s/incoming/%s.zip", op->services->data_dir, id_new(op->arena));
    struct into t = { op->services->blobs, x, NULL };
    TRY(archive_new(path, &t.archive));
    enum err e = x->format->write(&x->set, put, &t), closed = archive_close(t.archive);
    e = e == OK ? closed : e;
    AUTO(fd) int fd = e == OK ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (e == OK)
        e = fd < 0 ? fail(E_BROKEN, "the zip is gone") : blob_put_fd(op->services->blobs, fd, FORMAT_FILE_CAP, x->hash, &x->size);
    unlink(path);
    return e;
}

static enum err keep(struct op *op)
{
    const struct export *x = op->state;
    return object_add(op->db, op->org, x->object_name, x->hash, x->size, "application/octet-stream");
}

static enum err export_file(struct op *op)
{
    struct export x = { .status = in_text(op, "status"),
                        .key = in_text(op, "export_key") ? in_text(op, "export_key") : "FILENAME",
                        .asset_ids = in_has(op, "asset_ids") ? in_ids(op, "asset_ids") : NULL,
                        .set.arena = op->arena };
    for (const struct format_kind *const *k = format_kinds; *k; k++)
        if (strcmp((*k)->name, in_text(op, "type")) == 0)
            x.format = *k;
    op->state = &x;
    TRY(sql_run(op->db, "BEGIN"));
    TRY(sql_end(op->db, collect(op)));
    bool one = strcmp(x.format->name, "COCO") == 0;
    struct into t = { op->services->blobs, &x, NULL };
    TRY(one ? x.format->write(&x.set, put, &t) : write_archive(op, &x));
    TRY(object_name_new(op->arena, op->org, "export", NULL, one ? "annotations.json" : "annotations.zip", &x.object_name));
    TRY(op_write(op, keep));
    out_object(&op->out, NULL);
    out_text(&op->out, "object_name", x.object_name);
    out_text(&op->out, "presigned_url", signed_url(op, "GET", x.object_name));
    out_int(&op->out, "images", (int64_t)x.set.n_images);
    out_int(&op->out, "shapes", (int64_t)x.set.n_shapes);
    out_int(&op->out, "left_out", x.left_out);
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
};

static const struct route routes[] = {
    { "POST", "/api/dataset/version/{id}/annotations/export", export_file, MAY_READ, WORK_FREE,
      "the annotations as COCO (one JSON file), Pascal VOC or YOLO (a zip)", FIELDS(in), .body_cap = 16 << 20,
      .on = &dataset_version_resource },
};

const struct resource export_resource = { .name = "export", .routes = routes, .n_routes = COUNT_OF(routes) };
