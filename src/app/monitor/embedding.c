/* What the champion's network sees of images: the tables, and what is told of them. */
#include "app/monitor/embedding.h"
#include "app/dataset/dataset.h"
#include "app/deployment/deployment.h"
#include "base/clock.h"
#include <string.h>

enum { RAW_MOST = 2000, SHOWN = 500 };

/* numbers: of a fit that is made, as floats: the mean, the directions, the scales, the spread. vector: floats, the network's
 * features when SEEN, the place when PLACED. What is predicted waits in embedding_raw until there is a fit. No row of `embedding`
 * names a fit by reference: they may be very many. */
static const char table[] =
    "CREATE TABLE embedding_fit (id TEXT PRIMARY KEY, model_version_id TEXT NOT NULL REFERENCES model_version(id) ON DELETE "
    "CASCADE,"
    " dataset_version_id TEXT NOT NULL REFERENCES dataset_version(id) ON DELETE CASCADE, file_hash TEXT NOT NULL,"
    " created_at INTEGER NOT NULL, width INTEGER, n_directions INTEGER, numbers BLOB, why TEXT,"
    " UNIQUE (model_version_id, dataset_version_id)) STRICT;"
    "CREATE INDEX embedding_fit_dataset ON embedding_fit (dataset_version_id);"
    "CREATE TABLE embedding_training (fit_id TEXT NOT NULL REFERENCES embedding_fit(id) ON DELETE CASCADE,"
    " data_id TEXT NOT NULL REFERENCES data(id) ON DELETE CASCADE,"
    " state TEXT NOT NULL CHECK (state IN ('WANTED', 'SEEN', 'PLACED', 'FAILED')), vector BLOB, PRIMARY KEY (fit_id, data_id))"
    " STRICT;"
    "CREATE INDEX embedding_training_state ON embedding_training (fit_id, state);"
    "CREATE INDEX embedding_training_data ON embedding_training (data_id);"
    "CREATE TABLE embedding_raw (predicted_asset_id TEXT PRIMARY KEY REFERENCES predicted_asset(id) ON DELETE CASCADE,"
    " fit_id TEXT NOT NULL REFERENCES embedding_fit(id) ON DELETE CASCADE, vector BLOB NOT NULL) STRICT;"
    "CREATE INDEX embedding_raw_fit ON embedding_raw (fit_id);"
    "CREATE TABLE embedding (predicted_asset_id TEXT PRIMARY KEY REFERENCES predicted_asset(id) ON DELETE CASCADE,"
    " fit_id TEXT NOT NULL, vector BLOB NOT NULL) STRICT, WITHOUT ROWID";

enum err embedding_heard(struct sql *db, const char *asset, const char *version, const float *features, size_t n)
{
    return sql_run(db,
                   "INSERT INTO embedding_raw (predicted_asset_id, fit_id, vector) SELECT a.id, f.id, ?3 FROM predicted_asset a"
                   " JOIN drift m ON m.id = a.deployment_id JOIN embedding_fit f ON f.dataset_version_id = m.training_version_id"
                   " WHERE a.id = ?1 AND m.active <> 0 AND f.model_version_id = ?2 AND f.why IS NULL"
                   " AND (SELECT count(*) FROM embedding_raw) < ?4 ON CONFLICT (predicted_asset_id) DO NOTHING",
                   V(asset), V(version), value_bytes(features, n * sizeof *features), V((int64_t)RAW_MOST));
}

/* ---- reading */

enum err fit_read(struct sql *db, struct arena *a, const char *model, const char *training, struct fit *ret)
{
    *ret = (struct fit){ 0 };
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(
        db, &r,
        "SELECT f.id, f.why, f.numbers IS NOT NULL AND NOT EXISTS (SELECT 1 FROM embedding_training t WHERE t.fit_id = f.id"
        " AND t.state = 'SEEN'), (SELECT count(*) FROM embedding_training t WHERE t.fit_id = f.id), (SELECT count(*) FROM"
        " embedding_training t WHERE t.fit_id = f.id AND t.state <> 'WANTED'), f.n_directions, f.width, f.created_at"
        " FROM embedding_fit f WHERE f.model_version_id = ?1 AND f.dataset_version_id = ?2",
        V(model), V(training)));
    if (rows_next(r))
        *ret = (struct fit){ .id = arena_str(a, rows_text(r, 0)),
                             .why = arena_str(a, rows_text(r, 1)),
                             .ready = rows_int(r, 2) != 0,
                             .images = rows_int(r, 3),
                             .seen = rows_int(r, 4),
                             .n = rows_int(r, 5),
                             .width = rows_int(r, 6),
                             .created_at = rows_int(r, 7) };
    return rows_error(r);
}

static void places_new(struct arena *a, int64_t most, size_t directions, struct places *ret)
{
    *ret = (struct places){ .values = arena_new_array(a, float, (size_t)most *(directions + 1) + 1),
                            .ids = arena_new_array(a, const char *, most + 1),
                            .width = directions + 1 };
}

/* From an id and a vector, which may be missing. */
static void add_place(struct arena *a, struct rows *r, struct places *p)
{
    size_t bytes = 0, kept;
    const char *vector = rows_bytes(r, 1, &bytes);
    kept = bytes / sizeof *p->values;
    if (!vector || kept < p->width)
        return;
    float *at = p->values + p->n * p->width;
    memcpy(at, vector, (p->width - 1) * sizeof *at);
    memcpy(at + p->width - 1, vector + (kept - 1) * sizeof *at, sizeof *at);
    p->ids[p->n++] = arena_str(a, rows_text(r, 0));
}

/* Of the predictions that are looked at some have no place: they are found first, so that no search goes on behind them. */
#define PREDICTED_PLACES                                                                                                           \
    "SELECT q.id, e.vector FROM (SELECT a.id, a.created_at FROM predicted_asset a JOIN prediction p ON p.predicted_asset_id = "    \
    "a.id"                                                                                                                         \
    " AND p.is_shadow = 0 WHERE " SELECTED " ORDER BY a.created_at"
#define PLACES_OF                                                                                                                  \
    " LIMIT ?8) q LEFT JOIN embedding e ON e.predicted_asset_id = q.id AND e.fit_id = ?9 ORDER BY q.created_at DESC, q.id DESC"

enum err places_of_predictions(struct sql *db, struct arena *a, const struct selection *s, const struct fit *f, bool first,
                               int64_t most, size_t directions, struct places *ret)
{
    places_new(a, most, directions, ret);
    AUTO(rows) struct rows *r = NULL;
    if (first)
        TRY(sql_rows(db, &r, PREDICTED_PLACES ", a.id" PLACES_OF, SELECTION(s), V(most), V(f->id)));
    else
        TRY(sql_rows(db, &r, PREDICTED_PLACES " DESC, a.id DESC" PLACES_OF, SELECTION(s), V(most), V(f->id)));
    while (rows_next(r))
        add_place(a, r, ret);
    return rows_error(r);
}

enum err places_of_training(struct sql *db, struct arena *a, const struct fit *f, int64_t most, size_t directions,
                            struct places *ret)
{
    places_new(a, most, directions, ret);
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(
        db, &r,
        "SELECT t.data_id, t.vector FROM embedding_training t WHERE t.fit_id = ?1 AND t.state = 'PLACED' ORDER BY t.data_id"
        " LIMIT ?2",
        V(f->id), V(most)));
    while (rows_next(r))
        add_place(a, r, ret);
    return rows_error(r);
}

/* ---- what is told */

/* Why there is no scatter, or no test, yet; NULL: nothing is waited for. */
static const char *what_is_missing(struct arena *a, const struct drift_settings *t, const struct fit *f, const struct places *now)
{
    if (!t->training_version)
        return "a dataset version that the champion was trained on: name one as training data";
    if (!t->active)
        return "drift monitoring, which is off";
    if (!f->id)
        return "its first look at the training images";
    if (f->why)
        return f->why;
    if (!f->ready)
        return arena_fmt(a, "%lld of %lld training images that the network has seen", (long long)f->seen, (long long)f->images);
    return now->n < LEAST ? arena_fmt(a, "%zu of %d predictions", now->n, LEAST) : NULL;
}

static const char *state_of(const struct fit *f)
{
    return f->why ? "NONE" : f->ready ? "READY" : "WAITING";
}

static void write_places(struct out *o, const char *key, const char *id, const struct places *p)
{
    out_array(o, key);
    for (size_t i = 0; i < p->n; i++) {
        out_object(o, NULL);
        out_text(o, id, p->ids[i]);
        out_number(o, "x", (double)p->values[i * p->width]);
        out_number(o, "y", (double)p->values[i * p->width + 1]);
        out_end_object(o);
    }
    out_end_array(o);
}

static enum err read_shown(struct op *op, const struct drift_settings *t, const struct fit *f, struct places *training,
                           struct places *now)
{
    const struct selection s = { .deployment_id = op->id, .model_version_id = t->champion };
    size_t width = f->n < 2 ? (size_t)f->n : 2;
    if (!f->ready || !width)
        return OK;
    TRY(places_of_training(op->db, op->arena, f, SHOWN, width, training));
    return places_of_predictions(op->db, op->arena, &s, f, false, t->window < SHOWN ? t->window : SHOWN, width, now);
}

static enum err get(struct op *op)
{
    struct drift_settings t;
    struct fit f = { 0 };
    struct places training = { 0 }, now = { 0 };
    enum err e = drift_settings_read(op->db, op->arena, op->id, &t);
    if (e == E_NOT_FOUND)
        return fail(E_NOT_FOUND, "the deployment is not watched");
    TRY(e);
    if (t.training_version)
        TRY(fit_read(op->db, op->arena, t.champion, t.training_version, &f));
    TRY(read_shown(op, &t, &f, &training, &now));
    struct out *o = &op->out;
    out_object(o, NULL);
    out_text(o, "state", state_of(&f));
    out_text(o, "waits_for", what_is_missing(op->arena, &t, &f, &now));
    out_int(o, "images", f.images);
    out_int(o, "seen", f.seen);
    out_int(o, "features", f.width);
    out_int(o, "directions", f.n);
    write_places(o, "training", "data_id", &training);
    write_places(o, "window", "predicted_asset_id", &now);
    out_end_object(o);
    return OK;
}

static const char *const states[] = { "NONE", "WAITING", "READY", NULL };
DESCRIBED(training_place, "training image as the network sees it", { "data_id", T_ID }, { "x", T_NUMBER }, { "y", T_NUMBER });
DESCRIBED(predicted_place, "predicted image as the network sees it", { "predicted_asset_id", T_ID }, { "x", T_NUMBER },
          { "y", T_NUMBER });
DESCRIBED(embedding_answer, "embedding of a deployment", { "state", T_TEXT, .words = states }, { "waits_for", T_TEXT, F_NULL },
          { "images", T_INT }, { "seen", T_INT }, { "features", T_INT }, { "directions", T_INT },
          { "training", T_MANY, .of = &training_place }, { "window", T_MANY, .of = &predicted_place });

static const struct route routes[] = {
    { "GET", "/api/deployment/{id}/embedding", get, MAY_READ, WORK_READ,
      "training images and the newest predictions along the two directions in which the network tells them apart most",
      .on = &deployment_resource, .answers = &embedding_answer },
};

const struct resource embedding_resource = { .name = "embedding", .table = table, .routes = routes, .n_routes = COUNT_OF(routes) };
