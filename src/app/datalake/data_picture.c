/* The bytes of a data, and small pictures of them, which are made when they are first asked for. */
#include "app/datalake/datalake.h"
#include "base/file.h"
#include "blob/blob.h"
#include "infer/infer.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { THUMBNAIL_CAP = 64 << 20 };

/* The blob of the data in the path. */
static enum err bytes_of(struct op *op, const char **ret_hash, const char **ret_type)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r, "SELECT hash, content_type, error FROM data WHERE id = ?1", V(op->id)));
    *ret_hash = arena_str(op->arena, rows_text(r, 0));
    *ret_type = rows_null(r, 2) ? arena_str(op->arena, rows_text(r, 1)) : "application/octet-stream";
    return OK;
}

/* A data's bytes never change, so neither do its pictures. But a browser may show what it has kept only to the session that fetched
 * it: after a logout it must ask again. */
static void answer_picture(struct op *op, const char *type, int fd, uint64_t size)
{
    http_answer_header(op->call, "Vary", "Cookie, Authorization");
    http_answer_header(op->call, "Cache-Control", "private, max-age=31536000, immutable");
    http_answer_header(op->call, "Content-Security-Policy", "default-src 'none'; sandbox");
    http_answer_file(op->call, type, fd, size);
}

static enum err image(struct op *op)
{
    const char *hash, *type;
    int fd;
    uint64_t size;
    TRY(bytes_of(op, &hash, &type));
    TRY(blob_read(op->services->blobs, hash, &fd, &size));
    bool shown = object_shown_inline(type);
    if (!shown)
        http_answer_header(op->call, "Content-Disposition", "attachment");
    answer_picture(op, shown ? type : "application/octet-stream", fd, size);
    return OK;
}

struct picture {
    const char *name; /* of the object */
    char hash[HASH_SIZE];
    uint64_t size;
};

static enum err keep_picture(struct op *op)
{
    const struct picture *p = op->state;
    return object_add(op->db, op->org, p->name, p->hash, p->size, "image/jpeg");
}

/* Pictures made before are objects of a name that says what they show. */
static enum err make_thumbnail(struct op *op, const char *hash, int side, const char *name, int *ret_fd, uint64_t *ret_size)
{
    AUTO(fd) int from = -1;
    AUTO(fd) int made = -1;
    struct picture p = { .name = name };
    TRY(blob_read(op->services->blobs, hash, &from, &p.size));
    TRY(infer_thumbnail(op->services->infer, op_party(op), from, side, &made, &p.size));
    if (lseek(made, 0, SEEK_SET) != 0)
        return fail(E_BROKEN, "cannot rewind a thumbnail: %s", strerror(errno));
    TRY(blob_put_fd(op->services->blobs, made, THUMBNAIL_CAP, p.hash, &p.size));
    op->state = &p;
    TRY(op_write(op, keep_picture));
    return blob_read(op->services->blobs, p.hash, ret_fd, ret_size);
}

static enum err thumbnail(struct op *op)
{
    static const int sides[] = { 128, 256, 512, 1024 }; /* the trigger data_gone knows them too */
    int64_t wanted = in_int(op, "size", 256);
    int side = sides[0], fd;
    for (size_t i = 1; i < COUNT_OF(sides) && wanted > side; i++)
        side = sides[i];
    const char *hash, *type, *made;
    uint64_t size;
    TRY(bytes_of(op, &hash, &type));
    const char *name = arena_fmt(op->arena, "%s/thumbnail/%s/%d.jpg", op->org, hash, side);
    enum err e = object_find(op->db, op->arena, op->org, name, &made, &size);
    if (e == OK)
        e = blob_read(op->services->blobs, made, &fd, &size);
    if (e == E_NOT_FOUND)
        e = make_thumbnail(op, hash, side, name, &fd, &size);
    TRY(e);
    answer_picture(op, "image/jpeg", fd, size);
    return OK;
}

static const struct field size_in[] = { { "size", T_INT, .min = 1, .max = 4096 } };

static const struct route routes[] = {
    { "GET", "/api/data/{id}/thumbnail", thumbnail, MAY_READ, WORK_FREE, "a JPEG of at most that many pixels a side",
      FIELDS(size_in), .on = &data_resource, .gives = GIVES_FILE },
    { "GET", "/api/data/{id}/image", image, MAY_READ, WORK_FREE, "the bytes as they were uploaded", .on = &data_resource,
      .gives = GIVES_FILE },
};

const struct resource data_picture_resource = { .name = "picture of a data", .routes = routes, .n_routes = COUNT_OF(routes) };
