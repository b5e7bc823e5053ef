/* How images look, measured once for each: they do not change. */
#include "app/datalake/datalake.h"
#include "base/clock.h"
#include "base/file.h"
#include "blob/blob.h"
#include "infer/infer.h"

enum { WAITING_MOST = 10000 };

/* A row of NULLs is of an image that could not be decoded. The queue's ids are in the order of asking. */
static const char table[] =
    "CREATE TABLE image_look (data_id TEXT PRIMARY KEY REFERENCES data(id) ON DELETE CASCADE, brightness REAL, contrast REAL,"
    " sharpness REAL, saturation REAL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE look_todo (id TEXT PRIMARY KEY, data_id TEXT NOT NULL UNIQUE REFERENCES data(id) ON DELETE CASCADE) STRICT";

enum err look_want(struct sql *db, const char *data_id)
{
    char id[ID_SIZE];
    int64_t waiting = 0;
    TRY(sql_int(db, &waiting, "SELECT count(*) FROM look_todo"));
    if (waiting >= WAITING_MOST)
        return OK;
    id_make(id);
    return sql_run(db,
                   "INSERT INTO look_todo (id, data_id) SELECT ?1, d.id FROM data d WHERE d.id = ?2 AND NOT EXISTS"
                   " (SELECT 1 FROM image_look k WHERE k.data_id = d.id) ON CONFLICT DO NOTHING",
                   V((const char *)id), V(data_id));
}

struct wanted {
    const char *id, *hash;
};

static enum err next(struct sql *db, struct arena *a, struct wanted *ret, bool *ret_any)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r, "SELECT d.id, d.hash FROM look_todo q JOIN data d ON d.id = q.data_id ORDER BY q.id LIMIT 1"));
    *ret_any = rows_next(r);
    if (*ret_any)
        *ret = (struct wanted){ arena_str(a, rows_text(r, 0)), arena_str(a, rows_text(r, 1)) };
    return rows_error(r);
}

static enum err measure(const struct services *s, const char *hash, struct image_look *ret)
{
    AUTO(fd) int fd = -1;
    uint64_t size;
    TRY(blob_read(s->blobs, hash, &fd, &size));
    return infer_look(s->infer, "monitoring", fd, ret);
}

static enum err keep(struct sql *db, const char *data_id, const struct image_look *l)
{
    TRY(sql_run(db, "DELETE FROM look_todo WHERE data_id = ?1", V(data_id)));
    if (!sql_changes(db)) /* the image is gone meanwhile */
        return OK;
    if (!l)
        return sql_run(db, "INSERT INTO image_look (data_id) VALUES (?1) ON CONFLICT DO NOTHING", V(data_id));
    return sql_run(db,
                   "INSERT INTO image_look (data_id, brightness, contrast, sharpness, saturation) VALUES (?1, ?2, ?3, ?4, ?5)"
                   " ON CONFLICT DO NOTHING",
                   V(data_id), V(l->brightness), V(l->contrast), V(l->sharpness), V(l->saturation));
}

enum err look_next(struct sql *db, const struct services *s, bool *ret_any)
{
    AUTO(arena) struct arena *a = arena_new();
    struct wanted w;
    struct image_look l;
    TRY(next(db, a, &w, ret_any));
    if (!*ret_any)
        return OK;
    enum err e = measure(s, w.hash, &l);
    if (e == E_BUSY)
        return e; /* later */
    TRY(sql_begin(db));
    return sql_end(db, keep(db, w.id, e == OK ? &l : NULL));
}

const struct resource look_resource = { .name = "look of images", .table = table };
