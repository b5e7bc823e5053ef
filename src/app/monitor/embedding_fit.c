/* The fit of directions, step by step: training images are shown to the network, directions are found, images get their places.
 * What is to do stands in tables, so that a kill loses and doubles nothing. */
#include "app/deployment/deployment.h"
#include "app/monitor/embedding.h"
#include "base/clock.h"
#include "infer/infer.h"
#include <stdlib.h>
#include <string.h>

enum { PLACED_AT_A_TIME = 100 };

/* ---- beginning */

/* The content of the model version's file; NULL: it has none. */
static enum err file_of(struct sql *db, struct arena *a, const char *version, const char **ret)
{
    AUTO(rows) struct rows *r = NULL;
    *ret = NULL;
    TRY(sql_rows(db, &r,
                 "SELECT o.hash FROM model_file f JOIN object o ON o.name = f.object_name WHERE f.model_version_id = ?1"
                 " AND f.name = 'model-latest'",
                 V(version)));
    if (rows_next(r))
        *ret = arena_str(a, rows_text(r, 0));
    return rows_error(r);
}

static enum err begin(struct sql *db, struct arena *a, const struct drift_settings *t, const char *hash)
{
    const char *id = id_new(a);
    TRY(sql_run(db, "DELETE FROM embedding_fit WHERE model_version_id = ?1 AND dataset_version_id = ?2 AND file_hash <> ?3",
                V(t->champion), V(t->training_version), V(hash)));
    TRY(sql_run(
        db,
        "INSERT INTO embedding_fit (id, model_version_id, dataset_version_id, file_hash, created_at, why) SELECT ?1, ?2, ?3, ?4,"
        " ?5, CASE WHEN n < ?7 THEN 'a dataset version of at least 30 images that the champion was trained on' END FROM"
        " (SELECT count(*) AS n FROM drift_reference WHERE deployment_id = ?6) c WHERE 1 = 1 ON CONFLICT DO NOTHING",
        V(id), V(t->champion), V(t->training_version), V(hash), V(clock_now_ms()), V(t->deployment_id), V((int64_t)LEAST)));
    if (!sql_changes(db))
        return OK;
    return sql_run(db,
                   "INSERT INTO embedding_training (fit_id, data_id, state) SELECT f.id, r.data_id, 'WANTED' FROM embedding_fit f"
                   " CROSS JOIN drift_reference r WHERE f.id = ?1 AND f.why IS NULL AND r.deployment_id = ?2",
                   V(id), V(t->deployment_id));
}

enum err fit_want(struct sql *db, struct arena *a, const struct drift_settings *t)
{
    const char *hash;
    int64_t known = 0;
    if (!t->training_version)
        return OK;
    TRY(file_of(db, a, t->champion, &hash));
    TRY(sql_int(db, &known,
                "SELECT count(*) FROM embedding_fit WHERE model_version_id = ?1 AND dataset_version_id = ?2 AND file_hash = ?3",
                V(t->champion), V(t->training_version), V(hash)));
    if (known || !hash)
        return OK;
    TRY(sql_begin(db));
    return sql_end(db, begin(db, a, t, hash));
}

/* ---- a training image is shown to the network */

struct shown {
    const char *fit, *version, *data, *hash;
    int64_t width; /* of the features so far; 0: this is the first */
};

static enum err next_image(struct sql *db, struct arena *a, struct shown *ret, bool *ret_any)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r,
                 "SELECT f.id, f.model_version_id, t.data_id, d.hash, f.width FROM embedding_fit f CROSS JOIN embedding_training t"
                 " CROSS JOIN data d WHERE f.numbers IS NULL AND f.why IS NULL AND t.fit_id = f.id AND t.state = 'WANTED'"
                 " AND d.id = t.data_id ORDER BY f.id LIMIT 1"));
    *ret_any = rows_next(r);
    if (*ret_any)
        *ret = (struct shown){ arena_str(a, rows_text(r, 0)), arena_str(a, rows_text(r, 1)), arena_str(a, rows_text(r, 2)),
                               arena_str(a, rows_text(r, 3)), rows_int(r, 4) };
    return rows_error(r);
}

static enum err give_up(struct sql *db, const char *fit, const char *why)
{
    TRY(sql_run(db, "UPDATE embedding_fit SET why = ?2 WHERE id = ?1", V(fit), V(why)));
    TRY(sql_run(db, "DELETE FROM embedding_training WHERE fit_id = ?1", V(fit)));
    return sql_run(db, "DELETE FROM embedding_raw WHERE fit_id = ?1", V(fit));
}

static enum err keep_seen(struct sql *db, const struct shown *i, const struct detections *d)
{
    size_t n = d ? d->n_features : 0;
    if (d && !n)
        return give_up(db, i->fit, "a network with a map of the image: this one has none that could be found");
    if (!d || (i->width && (size_t)i->width != n))
        return sql_run(db, "UPDATE embedding_training SET state = 'FAILED' WHERE fit_id = ?1 AND data_id = ?2", V(i->fit),
                       V(i->data));
    TRY(sql_run(db, "UPDATE embedding_fit SET width = ?2 WHERE id = ?1 AND width IS NULL", V(i->fit), V((int64_t)n)));
    return sql_run(db, "UPDATE embedding_training SET state = 'SEEN', vector = ?3 WHERE fit_id = ?1 AND data_id = ?2", V(i->fit),
                   V(i->data), value_bytes(d->features, n * sizeof *d->features));
}

static enum err show_image(struct sql *db, const struct services *s, struct arena *a, bool *ret_any)
{
    enum { NOTHING_IS_THAT_SURE = 2 };
    struct shown i;
    struct detections found = { 0 };
    struct predicted_shapes shapes = { 0 };
    TRY(next_image(db, a, &i, ret_any));
    if (!*ret_any)
        return OK;
    enum err e = model_ask(db, s, a, "monitoring", i.version, i.hash, NOTHING_IS_THAT_SURE, &found, &shapes);
    if (e == E_BUSY)
        return e;
    const char *why = e == E_UNMEANT ? arena_fmt(a, "a model that can be run: %s", fail_text()) : NULL;
    TRY(sql_begin(db));
    return sql_end(db, why ? give_up(db, i.fit, why) : keep_seen(db, &i, e == OK ? &found : NULL));
}

/* ---- the directions are found */

struct ready {
    const char *id;
    size_t width;
    int64_t seen;
};

static enum err next_fit(struct sql *db, struct arena *a, struct ready *ret, bool *ret_any)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(
        db, &r,
        "SELECT f.id, f.width, (SELECT count(*) FROM embedding_training t WHERE t.fit_id = f.id AND t.state = 'SEEN')"
        " FROM embedding_fit f WHERE f.numbers IS NULL AND f.why IS NULL AND NOT EXISTS (SELECT 1 FROM embedding_training w"
        " WHERE w.fit_id = f.id AND w.state = 'WANTED') ORDER BY f.id LIMIT 1"));
    *ret_any = rows_next(r);
    if (*ret_any)
        *ret = (struct ready){ arena_str(a, rows_text(r, 0)), (size_t)rows_int(r, 1), rows_int(r, 2) };
    return rows_error(r);
}

/* Of those that were seen, at most PRINCIPAL_ROWS, evenly. */
static enum err read_seen(struct sql *db, const struct ready *f, float *rows, size_t *ret_n)
{
    int64_t most = f->seen < PRINCIPAL_ROWS ? f->seen : PRINCIPAL_ROWS, at = 0;
    size_t n = 0;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r, "SELECT vector FROM embedding_training WHERE fit_id = ?1 AND state = 'SEEN' ORDER BY data_id", V(f->id)));
    for (; rows_next(r) && at < f->seen; at++) {
        size_t bytes;
        const void *vector = rows_bytes(r, 0, &bytes);
        if (at * most / f->seen == (at + 1) * most / f->seen || bytes != f->width * sizeof(float))
            continue;
        memcpy(rows + n++ * f->width, vector, bytes);
    }
    *ret_n = n;
    return rows_error(r);
}

static enum err keep_fit(struct sql *db, struct arena *a, const struct ready *f, const struct principal *p)
{
    size_t n = p->width + p->n * p->width + p->n + 1;
    float *numbers = arena_new_array(a, float, n), *at = numbers;
    for (size_t i = 0; i < p->width; i++)
        *at++ = (float)p->mean[i];
    for (size_t i = 0; i < p->n * p->width; i++)
        *at++ = (float)p->directions[i];
    for (size_t i = 0; i < p->n; i++)
        *at++ = (float)p->scales[i];
    *at = (float)p->spread;
    if (!p->n)
        return give_up(db, f->id, "a network that tells the training images apart: to this one all are alike");
    return sql_run(db, "UPDATE embedding_fit SET numbers = ?2, n_directions = ?3 WHERE id = ?1", V(f->id),
                   value_bytes(numbers, n * sizeof *numbers), V((int64_t)p->n));
}

static enum err find_directions(struct sql *db, struct arena *a, bool *ret_any)
{
    struct ready f;
    struct principal p;
    void *rows = NULL;
    size_t n;
    TRY(next_fit(db, a, &f, ret_any));
    if (!*ret_any)
        return OK;
    if (f.seen < LEAST || f.width < 1 || f.width > PRINCIPAL_WIDTH)
        return sql_run(db, "UPDATE embedding_fit SET why = 'at least 30 training images that can be decoded' WHERE id = ?1",
                       V(f.id));
    TRY(big_take((size_t)PRINCIPAL_ROWS * f.width * sizeof(float), SIZE_MAX, "features", &rows));
    enum err e = read_seen(db, &f, rows, &n);
    if (e == OK)
        e = principal_fit(a, rows, n, f.width, DIRECTIONS, &p);
    free(rows);
    TRY(e);
    TRY(sql_begin(db));
    return sql_end(db, keep_fit(db, a, &f, &p));
}

/* ---- images get their places */

static enum err read_numbers(struct sql *db, struct arena *a, const char *fit, struct principal *ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(db, &r, "SELECT width, n_directions, numbers FROM embedding_fit WHERE id = ?1", V(fit)));
    size_t width = (size_t)rows_int(r, 0), n = (size_t)rows_int(r, 1), bytes, all = width + n * width + n + 1;
    const void *numbers = rows_bytes(r, 2, &bytes);
    if (n > DIRECTIONS || bytes != all * sizeof(float))
        return fail(E_BROKEN, "the directions of %s are damaged", fit);
    float *f = arena_new_array(a, float, all);
    memcpy(f, numbers, bytes);
    double *wide = arena_new_array(a, double, all);
    for (size_t i = 0; i < all; i++)
        wide[i] = (double)f[i];
    *ret = (struct principal){ width, n, wide, wide + width, wide + width + n * width, wide[all - 1] };
    return OK;
}

/* Those that wait for one fit: predictions, or training images. */
struct waiting {
    const char *fit, *ids[PLACED_AT_A_TIME];
    float *vectors[PLACED_AT_A_TIME];
    size_t widths[PLACED_AT_A_TIME], n;
    bool training;
};

static enum err read_waiting(struct arena *a, struct rows *r, struct waiting *ret)
{
    for (; ret->n < PLACED_AT_A_TIME && rows_next(r); ret->n++) {
        size_t bytes;
        const void *vector = rows_bytes(r, 1, &bytes);
        ret->ids[ret->n] = arena_str(a, rows_text(r, 0));
        ret->widths[ret->n] = bytes / sizeof(float);
        ret->vectors[ret->n] = arena_take(a, bytes + 1);
        if (bytes)
            memcpy(ret->vectors[ret->n], vector, bytes);
    }
    return rows_error(r);
}

static enum err next_waiting(struct sql *db, struct arena *a, struct waiting *ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r,
                 "SELECT f.id, 0 FROM embedding_fit f WHERE f.numbers IS NOT NULL AND EXISTS (SELECT 1 FROM embedding_raw w WHERE"
                 " w.fit_id = f.id) UNION ALL SELECT f.id, 1 FROM embedding_fit f WHERE f.numbers IS NOT NULL AND EXISTS (SELECT 1"
                 " FROM embedding_training t WHERE t.fit_id = f.id AND t.state = 'SEEN') LIMIT 1"));
    if (!rows_next(r))
        return rows_error(r);
    ret->fit = arena_str(a, rows_text(r, 0));
    ret->training = rows_int(r, 1) != 0;
    if (ret->training)
        TRY(sql_rows(db, &r, "SELECT data_id, vector FROM embedding_training WHERE fit_id = ?1 AND state = 'SEEN' LIMIT ?2",
                     V(ret->fit), V((int64_t)PLACED_AT_A_TIME)));
    else
        TRY(sql_rows(db, &r, "SELECT predicted_asset_id, vector FROM embedding_raw WHERE fit_id = ?1 LIMIT ?2", V(ret->fit),
                     V((int64_t)PLACED_AT_A_TIME)));
    return read_waiting(a, r, ret);
}

static enum err keep_place(struct sql *db, const struct waiting *w, size_t i, const float *place, size_t n)
{
    const struct value vector = value_bytes(place, n * sizeof *place);
    if (w->training)
        return n ? sql_run(db,
                           "UPDATE embedding_training SET state = 'PLACED', vector = ?3 WHERE fit_id = ?1 AND data_id = ?2 AND"
                           " state = 'SEEN'",
                           V(w->fit), V(w->ids[i]), vector)
                 : sql_run(db, "UPDATE embedding_training SET state = 'FAILED', vector = NULL WHERE fit_id = ?1 AND data_id = ?2",
                           V(w->fit), V(w->ids[i]));
    TRY(sql_run(db, "DELETE FROM embedding_raw WHERE predicted_asset_id = ?1", V(w->ids[i])));
    if (!n || !sql_changes(db)) /* or the prediction is gone meanwhile */
        return OK;
    return sql_run(db, "INSERT INTO embedding (predicted_asset_id, fit_id, vector) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                   V(w->ids[i]), V(w->fit), vector);
}

static enum err keep_places(struct sql *db, const struct principal *p, const struct waiting *w)
{
    float place[DIRECTIONS + 1];
    for (size_t i = 0; i < w->n; i++) {
        bool fits = w->widths[i] == p->width;
        if (fits)
            principal_place(p, w->vectors[i], place);
        TRY(keep_place(db, w, i, place, fits ? p->n + 1 : 0));
    }
    return OK;
}

static enum err place_some(struct sql *db, struct arena *a, bool *ret_any)
{
    struct principal p;
    struct waiting *w = arena_take(a, sizeof *w);
    TRY(next_waiting(db, a, w));
    *ret_any = w->n > 0;
    if (!w->n)
        return OK;
    TRY(read_numbers(db, a, w->fit, &p));
    TRY(sql_begin(db));
    return sql_end(db, keep_places(db, &p, w));
}

enum err embedding_next(struct sql *db, const struct services *s, bool *ret_any)
{
    AUTO(arena) struct arena *a = arena_new();
    TRY(place_some(db, a, ret_any));
    if (!*ret_any)
        TRY(show_image(db, s, a, ret_any));
    return *ret_any ? OK : find_directions(db, a, ret_any);
}
