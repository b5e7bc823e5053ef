#include "app/annotation/batch.h"
#include "api/schema.h"
#include "app/datalake/datalake.h"
#include "app/dataset/dataset.h"
#include "base/clock.h"
#include "sql/slice.h"
#include <string.h>
#include <time.h>

enum { SOME = 500 }; /* rows that are looked up at once */
enum { WAIT_S = 60 };

static enum err check_none(struct sql *db, const char *version)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r, "SELECT job_id FROM batch WHERE dataset_version_id = ?1 AND shown = 0", V(version)));
    if (!rows_next(r))
        return rows_error(r);
    return strcmp(rows_text(r, 0), BATCH_OF_REQUEST) == 0
               ? fail(E_BUSY, "another request is writing annotations of the dataset version")
               : fail(E_LOCKED, "annotations are being imported into the dataset version; wait for that, or cancel it");
}

enum err annotations_check_open(struct sql *db, const char *version)
{
    TRY(version_check_unlocked(db, version));
    return check_none(db, version);
}

/* A number of its own: those of shown ones stay in use, by their shapes. */
enum err batch_make(struct sql *db, const char *version, const char *job, int64_t *ret)
{
    int64_t last = 0, shown = 0;
    TRY(check_none(db, version));
    TRY(sql_int(db, &last, "SELECT max(id) FROM batch"));
    TRY(sql_int(db, &shown, "SELECT max(batch) FROM batch_shown"));
    *ret = (last > shown ? last : shown) + 1;
    TRY(sql_run(db, "INSERT INTO batch (id, dataset_version_id, job_id, shown) VALUES (?1, ?2, ?3, 0)", V(*ret), V(version),
                V(job)));
    return sql_run(db, "INSERT INTO batch_shown (batch) VALUES (?1)", V(-*ret));
}

/* A request that writes there is done in a second or so. */
static enum err begin_soon(struct sql *db, const char *version, const char *job, int64_t *ret)
{
    const struct timespec pause = { 0, 50000000 };
    for (double began = clock_seconds();; nanosleep(&pause, NULL)) {
        TRY(sql_begin(db));
        enum err e = sql_end(db, batch_make(db, version, job, ret));
        if (e != E_BUSY || clock_seconds() - began > WAIT_S)
            return e;
    }
}

enum err batch_begin(struct sql *db, const char *version, const char *job, int64_t *ret)
{
    int64_t earlier = 0;
    TRY(sql_int(db, &earlier, "SELECT id FROM batch WHERE job_id = ?1 AND shown = 0", V(job)));
    if (earlier)
        TRY(batch_undo(db, earlier));
    return begin_soon(db, version, job, ret);
}

/* ---- while it is written */

enum err batch_label(struct sql *db, int64_t batch, const char *label, int64_t n, bool made)
{
    return sql_run(db,
                   "INSERT INTO batch_label (batch, label_id, n, made) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (batch, label_id) DO "
                   "UPDATE SET n = batch_label.n + excluded.n",
                   V(batch), V(label), V(n), V(made));
}

enum err batch_hide_later(struct sql *db, int64_t batch, const char *annotation)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r, "SELECT label_id, count(*) FROM shape WHERE annotation_id = ?1 GROUP BY label_id", V(annotation)));
    while (rows_next(r))
        TRY(batch_label(db, -batch, rows_text(r, 0), rows_int(r, 1), false));
    TRY(rows_error(r));
    TRY(sql_run(db, "UPDATE shape_row SET batch = ?2 WHERE annotation_id = ?1", V(annotation), V(-batch)));
    return sql_run(db, "UPDATE annotation_row SET batch = ?2 WHERE id = ?1", V(annotation), V(-batch));
}

enum err batch_tag(struct sql *db, int64_t batch, const char *asset, const char *name)
{
    return sql_run(db, "INSERT INTO batch_tag (batch, asset_id, name) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING", V(batch),
                   V(asset), V(name));
}

/* ---- the moment */

static enum err count_shown(struct sql *db, int64_t batch)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(db, &r, "SELECT dataset_version_id, n_new - n_old FROM batch WHERE id = ?1", V(batch)));
    return version_count_annotated(db, rows_text(r, 0), rows_int(r, 1));
}

enum err batch_show(struct sql *db, int64_t batch)
{
    TRY(sql_run(
        db,
        "UPDATE label SET n_shapes = n_shapes + coalesce((SELECT n FROM batch_label WHERE batch = ?1 AND label_id = label.id), "
        "0) - coalesce((SELECT n FROM batch_label WHERE batch = ?2 AND label_id = label.id), 0) WHERE id IN (SELECT label_id "
        "FROM batch_label WHERE batch IN (?1, ?2))",
        V(batch), V(-batch)));
    TRY(sql_run(db, "DELETE FROM batch_label WHERE batch IN (?1, ?2)", V(batch), V(-batch)));
    TRY(count_shown(db, batch));
    TRY(sql_run(db, "DELETE FROM batch_shown WHERE batch = ?1", V(-batch)));
    TRY(sql_run(db, "INSERT INTO batch_shown (batch) VALUES (?1)", V(batch)));
    return sql_run(db, "UPDATE batch SET shown = 1 WHERE id = ?1", V(batch));
}

/* ---- afterwards */

typedef enum err one_step(struct sql *, int64_t batch, const char *id);

struct ids {
    const char **items;
    size_t n, room;
};

static enum err read_ids(struct sql *db, struct arena *a, const char *query, const struct value *values, size_t n, struct ids *ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows_text(db, &r, query, values, n));
    for (ret->n = 0; rows_next(r); ret->n++) {
        if (ret->n == ret->room) {
            const char **more = arena_new_array(a, const char *, ret->room = 2 * ret->room + SOME);
            if (ret->n)
                memcpy(more, ret->items, ret->n * sizeof *more);
            ret->items = more;
        }
        ret->items[ret->n] = arena_str(a, rows_text(r, 0));
    }
    return rows_error(r);
}

static enum err in_slices(struct sql *db, int64_t batch, const struct ids *ids, one_step *step)
{
    struct slice s;
    if (!ids->n)
        return OK;
    TRY(slice_begin(&s, db));
    enum err e = OK;
    for (size_t i = 0; i < ids->n && e == OK; i++)
        e = slice_next(&s, step(db, batch, ids->items[i]));
    return slice_end(&s, e);
}

/* step() for each annotation of the version that has that number. Each takes its row out of the number. */
static enum err each_annotation(struct sql *db, int64_t batch, int64_t number, one_step *step)
{
    AUTO(arena) struct arena *a = arena_new();
    struct ids ids = { .n = SOME };
    for (const char *last = ""; ids.n == SOME; last = ids.n ? ids.items[ids.n - 1] : "") {
        TRY(read_ids(
            db, a,
            "SELECT n.id FROM batch b JOIN annotation_row n ON n.dataset_version_id = b.dataset_version_id WHERE b.id = ?1 "
            "AND n.batch = ?2 AND n.id > ?3 ORDER BY n.id LIMIT 500",
            VALUES(V(batch), V(number), V(last)), &ids));
        TRY(in_slices(db, batch, &ids, step));
    }
    return OK;
}

static enum err drop_shape(struct sql *db, int64_t batch, const char *id)
{
    (void)batch;
    return sql_run(db, "DELETE FROM shape_row WHERE id = ?1", V(id));
}

static enum err bring_back_shape(struct sql *db, int64_t batch, const char *id)
{
    (void)batch;
    return sql_run(db, "UPDATE shape_row SET batch = 0 WHERE id = ?1", V(id));
}

/* Shapes that have that number, of annotations that keep their rows. */
static enum err each_exchanged(struct sql *db, int64_t batch, int64_t number, one_step *step)
{
    AUTO(arena) struct arena *a = arena_new();
    struct ids ids = { 0 };
    TRY(read_ids(db, a,
                 "SELECT h.id FROM batch_part p JOIN shape_row h ON h.annotation_id = p.annotation_id WHERE p.batch = ?1 AND "
                 "h.batch = ?2",
                 VALUES(V(batch), V(number)), &ids));
    return in_slices(db, batch, &ids, step);
}

/* Shapes of annotations that have too many to be changed in one go with them. */
static enum err each_of_large(struct sql *db, int64_t batch, int64_t number, one_step *step)
{
    AUTO(arena) struct arena *a = arena_new();
    struct ids large = { 0 };
    TRY(read_ids(db, a,
                 "SELECT n.id FROM batch b JOIN annotation_row n ON n.dataset_version_id = b.dataset_version_id WHERE b.id = ?1 "
                 "AND n.batch = ?2 AND n.n_shapes > 1000",
                 VALUES(V(batch), V(number)), &large));
    for (size_t i = 0; i < large.n; i++) {
        AUTO(arena) struct arena *of_one = arena_new();
        struct ids ids = { 0 };
        TRY(read_ids(db, of_one, "SELECT id FROM shape_row WHERE annotation_id = ?1", VALUES(V(large.items[i])), &ids));
        TRY(in_slices(db, batch, &ids, step));
    }
    return OK;
}

static enum err drop_one(struct sql *db, int64_t batch, const char *id)
{
    (void)batch;
    return sql_run(db, "DELETE FROM annotation_row WHERE id = ?1", V(id));
}

/* What is seen no more, or was not yet. */
static enum err drop_all(struct sql *db, int64_t batch, int64_t number)
{
    TRY(each_exchanged(db, batch, number, drop_shape));
    TRY(each_of_large(db, batch, number, drop_shape));
    return each_annotation(db, batch, number, drop_one);
}

/* The number is kept by the shapes only, so that an asset has one annotation by the table's own rule again. One that the next batch
 * has taken up since it was looked up is left. */
static enum err settle_one(struct sql *db, int64_t batch, const char *id)
{
    return sql_run(db, "UPDATE annotation_row SET batch = 0 WHERE id = ?1 AND batch = ?2", V(id), V(batch));
}

static enum err bring_back_one(struct sql *db, int64_t batch, const char *id)
{
    TRY(sql_run(db, "UPDATE shape_row SET batch = 0 WHERE annotation_id = ?1", V(id)));
    return settle_one(db, -batch, id);
}

static enum err version_of(struct sql *db, struct arena *a, const char *asset, const char **ret_org, const char **ret_version)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(db, &r, "SELECT org, dataset_version_id FROM asset WHERE id = ?1", V(asset)));
    *ret_org = arena_str(a, rows_text(r, 0));
    *ret_version = arena_str(a, rows_text(r, 1));
    return OK;
}

static enum err tag_one(struct sql *db, struct arena *a, int64_t batch, const char *asset, const char *name)
{
    const char *org, *version, *tag;
    enum err e = version_of(db, a, asset, &org, &version);
    if (e == OK) {
        TRY(tag_need(db, a, org, version, "ASSET", name, &tag));
        TRY(tag_put_on(db, tag, asset));
    } else if (e != E_NOT_FOUND) {
        return e;
    }
    return sql_run(db, "DELETE FROM batch_tag WHERE batch = ?1 AND asset_id = ?2", V(batch), V(asset));
}

static enum err put_tags(struct sql *db, int64_t batch)
{
    for (size_t n = SOME; n == SOME;) {
        AUTO(arena) struct arena *a = arena_new();
        const char *assets[SOME], *names[SOME];
        {
            AUTO(rows) struct rows *r = NULL;
            n = 0;
            TRY(sql_rows(db, &r, "SELECT asset_id, name FROM batch_tag WHERE batch = ?1 LIMIT 500", V(batch)));
            for (; n < SOME && rows_next(r); n++) {
                assets[n] = arena_str(a, rows_text(r, 0));
                names[n] = arena_str(a, rows_text(r, 1));
            }
            TRY(rows_error(r));
        }
        struct slice s;
        enum err e = slice_begin(&s, db);
        for (size_t i = 0; i < n && e == OK; i++)
            e = slice_next(&s, tag_one(db, a, batch, assets[i], names[i]));
        TRY(slice_end(&s, e));
    }
    return OK;
}

static enum err forget(struct sql *db, int64_t batch)
{
    TRY(sql_run(db, "DELETE FROM batch_label WHERE batch IN (?1, ?2)", V(batch), V(-batch)));
    TRY(sql_run(db, "DELETE FROM batch_tag WHERE batch = ?1", V(batch)));
    TRY(sql_run(db, "DELETE FROM batch_part WHERE batch = ?1", V(batch)));
    TRY(sql_run(db, "DELETE FROM batch_shown WHERE batch = ?1", V(-batch)));
    return sql_run(db, "DELETE FROM batch WHERE id = ?1", V(batch));
}

static enum err forget_now(struct sql *db, int64_t batch)
{
    TRY(sql_begin(db));
    return sql_end(db, forget(db, batch));
}

enum err batch_finish(struct sql *db, int64_t batch)
{
    TRY(drop_all(db, batch, -batch));
    TRY(each_annotation(db, batch, batch, settle_one));
    TRY(put_tags(db, batch));
    return forget_now(db, batch);
}

/* Labels that were made for it, and that nobody has used since. */
static enum err drop_labels(struct sql *db, int64_t batch)
{
    TRY(sql_begin(db));
    return sql_end(
        db, sql_run(db,
                    "DELETE FROM label WHERE id IN (SELECT label_id FROM batch_label WHERE batch = ?1 AND made <> 0) AND NOT "
                    "EXISTS (SELECT 1 FROM shape_row h WHERE h.label_id = label.id)",
                    V(batch)));
}

enum err batch_undo(struct sql *db, int64_t batch)
{
    TRY(drop_all(db, batch, batch));
    TRY(each_exchanged(db, batch, -batch, bring_back_shape));
    TRY(each_of_large(db, batch, -batch, bring_back_shape));
    TRY(each_annotation(db, batch, -batch, bring_back_one));
    TRY(drop_labels(db, batch));
    return forget_now(db, batch);
}

enum err batch_sweep(struct sql *db)
{
    for (;;) {
        int64_t batch = 0, shown = 0;
        TRY(sql_int(
            db, &batch,
            "SELECT b.id FROM batch b WHERE NOT EXISTS (SELECT 1 FROM job j WHERE j.id = b.job_id AND j.status IN ('PENDING', "
            "'RUNNING')) ORDER BY b.id LIMIT 1"));
        if (!batch)
            return OK;
        TRY(sql_int(db, &shown, "SELECT shown FROM batch WHERE id = ?1", V(batch)));
        TRY(shown ? batch_finish(db, batch) : batch_undo(db, batch));
    }
}

/* ---- of older databases */

static const char step_before[] =
    "DROP TRIGGER shape_made; DROP TRIGGER shape_gone; DROP TRIGGER shape_relabelled; DROP INDEX annotation_of_version; DROP INDEX "
    "annotation_sizes; DROP INDEX shape_of_annotation; DROP INDEX shape_of_asset; DROP INDEX shape_of_label; PRAGMA "
    "legacy_alter_table = OFF; ALTER TABLE annotation RENAME TO annotation_row; ALTER TABLE shape RENAME TO shape_row; PRAGMA "
    "legacy_alter_table = ON; ALTER TABLE shape_row ADD COLUMN batch INTEGER NOT NULL DEFAULT "
    "0";
static const char step_annotation[] =
    "CREATE TABLE new_annotation_row (id TEXT PRIMARY KEY, org TEXT NOT NULL, asset_id TEXT NOT NULL REFERENCES asset(id) ON "
    "DELETE "
    "CASCADE, dataset_version_id TEXT NOT NULL, status TEXT NOT NULL CHECK (status IN ('PENDING', 'SKIPPED', 'ACCEPTED', "
    "'REFUSED')), "
    "duration REAL NOT NULL, revision INTEGER NOT NULL, attributes TEXT, created_at INTEGER NOT NULL, created_by TEXT, updated_at "
    "INTEGER NOT NULL, updated_by TEXT, n_shapes INTEGER NOT NULL DEFAULT 0, batch INTEGER NOT NULL DEFAULT 0, UNIQUE (asset_id, "
    "batch)) STRICT";
static const char step_after[] =
    "CREATE INDEX annotation_of_version ON annotation_row (dataset_version_id, id, batch);"
    "CREATE INDEX annotation_sizes ON annotation_row (dataset_version_id, n_shapes, batch);"
    "CREATE INDEX shape_of_annotation ON shape_row (annotation_id, kind, position);"
    "CREATE INDEX shape_of_asset ON shape_row (asset_id, kind, label_id, batch);"
    "CREATE INDEX shape_of_label ON shape_row (label_id, asset_id, batch);"
    "CREATE TABLE batch (id INTEGER PRIMARY KEY, dataset_version_id TEXT NOT NULL, job_id TEXT NOT NULL, shown INTEGER NOT NULL) "
    "STRICT;"
    "CREATE TABLE batch_shown (batch INTEGER PRIMARY KEY) STRICT;"
    "CREATE TABLE batch_label (batch INTEGER NOT NULL, label_id TEXT NOT NULL, n INTEGER NOT NULL, made INTEGER NOT NULL, PRIMARY "
    "KEY "
    "(batch, label_id)) STRICT;"
    "CREATE TABLE batch_tag (batch INTEGER NOT NULL, asset_id TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (batch, asset_id)) "
    "STRICT;"
    "CREATE VIEW annotation AS SELECT * FROM annotation_row WHERE batch = 0 OR batch IN (SELECT batch FROM batch_shown);"
    "CREATE VIEW shape AS SELECT * FROM shape_row WHERE batch = 0 OR batch IN (SELECT batch FROM batch_shown);"
    "CREATE TRIGGER shape_made AFTER INSERT ON shape_row WHEN new.batch = 0 BEGIN UPDATE annotation_row SET n_shapes = n_shapes + "
    "1 "
    "WHERE id = new.annotation_id; UPDATE label SET n_shapes = n_shapes + 1 WHERE id = new.label_id; END;"
    "CREATE TRIGGER shape_gone AFTER DELETE ON shape_row WHEN old.batch = 0 OR old.batch IN (SELECT batch FROM batch_shown) BEGIN "
    "UPDATE annotation_row SET n_shapes = n_shapes - 1 WHERE id = old.annotation_id; UPDATE label SET n_shapes = n_shapes - 1 "
    "WHERE "
    "id = old.label_id; END;"
    "CREATE TRIGGER shape_gone_of_batch AFTER DELETE ON shape_row WHEN old.batch <> 0 BEGIN UPDATE batch_label SET n = n - 1 WHERE "
    "batch = old.batch AND label_id = old.label_id; END;"
    "CREATE TRIGGER shape_relabelled AFTER UPDATE OF label_id ON shape_row WHEN old.label_id <> new.label_id BEGIN UPDATE label "
    "SET "
    "n_shapes = n_shapes + CASE WHEN id = new.label_id THEN 1 ELSE -1 END WHERE id IN (old.label_id, new.label_id); END";

enum err batch_migrate(struct sql *db, struct arena *a)
{
    static const char columns[] =
        "id, org, asset_id, dataset_version_id, status, duration, revision, attributes, created_at, created_by, "
        "updated_at, updated_by, n_shapes";
    TRY(sql_script(db, step_before));
    TRY(schema_rebuild(db, a, "annotation_row", step_annotation, columns, columns));
    return sql_script(db, step_after);
}
