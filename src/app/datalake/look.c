/* How images look, measured once for each: they do not change. */
#include "app/datalake/datalake.h"
#include "base/clock.h"
#include "base/file.h"
#include "blob/blob.h"
#include "infer/infer.h"

enum { WAITING_MOST_MS = 15 * 60 * 1000, LOOKS_AT_ONCE = 16 };
static const double MEASURING_S = 0.5;

/* A row of NULLs is of an image that could not be decoded. The queue's ids are in the order of asking. */
static const char table[] =
    "CREATE TABLE image_look (data_id TEXT PRIMARY KEY REFERENCES data(id) ON DELETE CASCADE, brightness REAL, contrast REAL,"
    " sharpness REAL, saturation REAL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE look_todo (id TEXT PRIMARY KEY, data_id TEXT NOT NULL UNIQUE REFERENCES data(id) ON DELETE CASCADE) STRICT";

/* While the oldest one waits for so long already, more come than are measured, and those are left out. */
static enum err too_many_wait(struct sql *db, bool *ret)
{
    char before[ID_SIZE];
    int64_t waits = 0;
    id_at(clock_now_ms() - WAITING_MOST_MS, before);
    TRY(sql_int(db, &waits, "SELECT EXISTS (SELECT 1 FROM look_todo WHERE id < ?1)", V((const char *)before)));
    *ret = waits;
    return OK;
}

enum err look_want(struct sql *db, const char *data_id)
{
    char id[ID_SIZE];
    bool too_many = false;
    TRY(too_many_wait(db, &too_many));
    if (too_many)
        return OK;
    id_make(id);
    return sql_run(db,
                   "INSERT INTO look_todo (id, data_id) SELECT ?1, d.id FROM data d WHERE d.id = ?2 AND NOT EXISTS"
                   " (SELECT 1 FROM image_look k WHERE k.data_id = d.id) ON CONFLICT DO NOTHING",
                   V((const char *)id), V(data_id));
}

struct wanted {
    const char *id, *hash;
    struct image_look look;
    bool seen; /* or it cannot be decoded */
};
struct some {
    struct wanted of[LOOKS_AT_ONCE];
    int n;
};

static enum err next(struct sql *db, struct arena *a, struct some *ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r, "SELECT d.id, d.hash FROM look_todo q JOIN data d ON d.id = q.data_id ORDER BY q.id LIMIT ?1",
                 V((int64_t)LOOKS_AT_ONCE)));
    for (; ret->n < LOOKS_AT_ONCE && rows_next(r); ret->n++)
        ret->of[ret->n] = (struct wanted){ .id = arena_str(a, rows_text(r, 0)), .hash = arena_str(a, rows_text(r, 1)) };
    return rows_error(r);
}

static enum err measure(const struct services *s, struct wanted *w)
{
    AUTO(fd) int fd = -1;
    uint64_t size;
    enum err read = blob_read(s->blobs, w->hash, &fd, &size), e = read == OK ? infer_look(s->infer, fd, &w->look) : read;
    w->seen = e == OK;
    return e == E_BUSY && read == OK ? e : OK; /* for a store that is away nobody else waits */
}

static enum err keep_one(struct sql *db, const struct wanted *w)
{
    const struct image_look *l = &w->look;
    TRY(sql_run(db, "DELETE FROM look_todo WHERE data_id = ?1", V(w->id)));
    if (!sql_changes(db)) /* the image is gone meanwhile */
        return OK;
    if (!w->seen)
        return sql_run(db, "INSERT INTO image_look (data_id) VALUES (?1) ON CONFLICT DO NOTHING", V(w->id));
    return sql_run(db,
                   "INSERT INTO image_look (data_id, brightness, contrast, sharpness, saturation) VALUES (?1, ?2, ?3, ?4, ?5)"
                   " ON CONFLICT DO NOTHING",
                   V(w->id), V(l->brightness), V(l->contrast), V(l->sharpness), V(l->saturation));
}

static enum err keep(struct sql *db, void *with)
{
    const struct some *s = with;
    for (int i = 0; i < s->n; i++)
        TRY(keep_one(db, &s->of[i]));
    return OK;
}

/* Those of them that can be measured in a moment. */
static enum err measure_some(const struct services *s, struct some *some)
{
    int n = 0;
    enum err e = OK;
    for (double began = clock_seconds(); e == OK && n < some->n && clock_seconds() - began < MEASURING_S; n += e == OK)
        e = measure(s, &some->of[n]);
    some->n = n;
    return n ? OK : e;
}

enum err look_next(struct sql *db, const struct services *s, bool *ret_any)
{
    AUTO(arena) struct arena *a = arena_new();
    struct some some = { 0 };
    TRY(next(db, a, &some));
    *ret_any = some.n;
    TRY(measure_some(s, &some));
    return some.n ? write_together(s->pool, keep, &some) : OK;
}

const struct resource look_resource = { .name = "look of images", .table = table };
