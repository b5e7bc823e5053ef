/* Predictions are scored outside of their requests, by the lookout: those that wait in outlier_todo, then older ones of a new fit.
 * Whatever a transaction keeps it takes out of what is to do, so that a kill loses and doubles nothing. */
#include "app/datalake/datalake.h"
#include "app/deployment/deployment.h"
#include "app/monitor/outlier.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "blob/blob.h"
#include "infer/infer.h"
#include "infer/scorer.h"
#include <math.h>

enum { FLAGS_AT_ONCE = 200, FORGOTTEN_AT_ONCE = 500 };

static struct scorer *scorer; /* the lookout's alone */

void outlier_stop(void)
{
    scorer_free(scorer);
    scorer = NULL;
}

/* Predictions of one deployment. */
struct some {
    const char *deployment, *ids[SCORED_AT_ONCE], *hashes[SCORED_AT_ONCE];
    int64_t at[SCORED_AT_ONCE]; /* when they were made */
    int n;
    double scores[SCORED_AT_ONCE]; /* < 0: the image cannot be read */
};

static enum err take(struct rows *r, struct arena *a, struct some *s)
{
    for (s->n = 0; s->n < SCORED_AT_ONCE && rows_next(r); s->n++) {
        s->ids[s->n] = arena_str(a, rows_text(r, 0));
        s->hashes[s->n] = arena_str(a, rows_text(r, 1));
        s->at[s->n] = rows_int(r, 2);
    }
    return rows_error(r);
}

/* Pictures of those that can be read, one after another; which[i]: whose the i-th is. */
static enum err read_pictures(const struct services *sv, struct some *s, uint8_t *pixels, int *which, int *ret_n)
{
    *ret_n = 0;
    for (int i = 0; i < s->n; i++) {
        AUTO(fd) int fd = -1;
        uint64_t size;
        bool there = blob_read(sv->blobs, s->hashes[i], &fd, &size) == OK;
        uint8_t *picture = pixels + (size_t)*ret_n * AUTOENCODER_VALUES;
        enum err e = there ? infer_small(sv->infer, fd, AUTOENCODER_SIDE, picture) : OK;
        if (e == E_BUSY || e == E_BROKEN)
            return fail(E_BUSY, "no picture could be made"); /* that is the decoder's fault: later */
        s->scores[i] = -1;
        if (there && e == OK)
            which[(*ret_n)++] = i;
    }
    return OK;
}

static enum err score_by(struct sql *db, const struct services *sv, struct arena *a, const struct outlier_state *t, struct some *s)
{
    const char *hash, *org;
    uint64_t size;
    int which[SCORED_AT_ONCE], n;
    double scores[SCORED_AT_ONCE];
    AUTO(fd) int fd = -1;
    uint8_t *pixels = arena_take(a, (size_t)SCORED_AT_ONCE * AUTOENCODER_VALUES);
    TRY(read_pictures(sv, s, pixels, which, &n));
    if (!n)
        return OK;
    {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_first(db, &r, "SELECT org FROM deployment WHERE id = ?1", V(s->deployment)));
        org = arena_str(a, rows_text(r, 0));
    }
    TRY(object_find(db, a, org, t->object_name, &hash, &size));
    TRY(blob_read(sv->blobs, hash, &fd, &size));
    if (!scorer)
        scorer = scorer_new(sv->self_path);
    TRY(scorer_score(scorer, hash, fd, pixels, n, scores));
    for (int i = 0; i < n; i++)
        s->scores[which[i]] = scores[i];
    return OK;
}

static enum err drop_fit(struct sql *db, struct arena *a, const char *deployment, const char *fit, const char *why)
{
    TRY(sql_run(db, "UPDATE outlier SET fit_id = NULL WHERE id = ?1 AND fit_id = ?2", V(deployment), V(fit)));
    TRY(sql_run(db, "UPDATE outlier_fit SET state = 'FAILED', error = ?2 WHERE id = ?1", V(fit), V(why)));
    return deployment_tell(db, a, deployment, "{\"kind\":\"outliers\"}");
}

/* A fit that does not work any more is told and dropped, so that it holds nothing else up; scored: whether there are scores now. */
static enum err score(struct sql *db, const struct services *sv, struct arena *a, const struct outlier_state *t, struct some *s,
                      bool *ret_scored)
{
    enum err e = score_by(db, sv, a, t, s);
    *ret_scored = e == OK;
    if (e == OK || e == E_BUSY)
        return e;
    const char *why = arena_str(a, fail_text());
    log_failure("scoring images");
    TRY(sql_begin(db));
    return sql_end(db, drop_fit(db, a, s->deployment, t->fit_id, why));
}

/* By the threshold of this moment. */
static enum err keep_scores(struct sql *db, const struct outlier_state *t, const struct some *s)
{
    double threshold;
    {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_first(db, &r, "SELECT threshold FROM outlier_fit WHERE id = ?1", V(t->fit_id)));
        threshold = rows_real(r, 0);
    }
    for (int i = 0; i < s->n; i++)
        TRY(outlier_score_keep(db, s->ids[i], s->scores[i], threshold));
    return OK;
}

/* ---- those that wait */

static enum err next_todo(struct sql *db, struct arena *a, struct some *ret)
{
    AUTO(rows) struct rows *r = NULL, *of = NULL;
    *ret = (struct some){ 0 };
    TRY(sql_rows(db, &of,
                 "SELECT a.deployment_id FROM outlier_todo t JOIN predicted_asset a ON a.id = t.id ORDER BY t.id LIMIT 1"));
    if (!rows_next(of))
        return rows_error(of);
    ret->deployment = arena_str(a, rows_text(of, 0));
    TRY(sql_rows(db, &r,
                 "SELECT a.id, d.hash, a.created_at FROM outlier_todo t JOIN predicted_asset a ON a.id = t.id JOIN data d ON d.id ="
                 " a.data_id WHERE a.deployment_id = ?1 ORDER BY t.id LIMIT ?2",
                 V(ret->deployment), V((int64_t)SCORED_AT_ONCE)));
    return take(r, a, ret);
}

static enum err keep_todo(struct sql *db, const struct outlier_state *t, const struct some *s)
{
    for (int i = 0; i < s->n; i++)
        TRY(sql_run(db, "DELETE FROM outlier_todo WHERE id = ?1", V(s->ids[i])));
    return t->fit_id ? keep_scores(db, t, s) : OK;
}

static enum err tell_if_done(struct sql *db, struct arena *a, const char *deployment)
{
    int64_t more = 0;
    TRY(sql_int(db, &more,
                "SELECT count(*) FROM (SELECT 1 AS one FROM outlier_todo t JOIN predicted_asset a ON a.id = t.id WHERE"
                " a.deployment_id = ?1 LIMIT 1) q",
                V(deployment)));
    return more ? OK : deployment_tell(db, a, deployment, "{\"kind\":\"outliers\"}");
}

static enum err score_todo(struct sql *db, const struct services *sv, struct arena *a, struct some *s)
{
    struct outlier_state t;
    bool scored = false;
    TRY(outlier_state_read(db, a, s->deployment, &t));
    if (t.active && t.fit_id)
        TRY(score(db, sv, a, &t, s, &scored));
    if (!scored)
        t.fit_id = NULL;
    TRY(sql_begin(db));
    enum err e = keep_todo(db, &t, s);
    if (e == OK)
        e = tell_if_done(db, a, s->deployment);
    return sql_end(db, e);
}

/* ---- older ones of a new fit */

struct behind {
    const char *fit, *deployment, *id;
    int64_t at, done;
};

static enum err next_behind(struct sql *db, struct arena *a, struct behind *ret, bool *ret_any)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(
        db, &r,
        "SELECT f.id, f.deployment_id, f.behind_at, f.behind_id, f.behind, m.fit_id = f.id FROM outlier_fit f JOIN outlier m"
        " ON m.id = f.deployment_id WHERE f.behind_at IS NOT NULL AND (m.active <> 0 OR coalesce(m.fit_id, '') <> f.id)"
        " ORDER BY f.id LIMIT 1"));
    *ret_any = rows_next(r);
    if (*ret_any)
        *ret = (struct behind){ arena_str(a, rows_text(r, 0)), arena_str(a, rows_text(r, 1)), arena_str(a, rows_text(r, 3)),
                                rows_int(r, 2), rows_int(r, 5) ? rows_int(r, 4) : -1 };
    return rows_error(r);
}

/* The next older ones. */
static enum err read_behind(struct sql *db, struct arena *a, const struct behind *b, struct some *ret)
{
    AUTO(rows) struct rows *r = NULL;
    *ret = (struct some){ .deployment = b->deployment };
    TRY(sql_rows(
        db, &r,
        "SELECT a.id, d.hash, a.created_at FROM predicted_asset a JOIN data d ON d.id = a.data_id WHERE a.deployment_id = ?1"
        " AND (a.created_at < ?2 OR a.created_at = ?2 AND a.id < ?3) ORDER BY a.created_at DESC, a.id DESC LIMIT ?4",
        V(b->deployment), V(b->at), V(b->id), V((int64_t)SCORED_AT_ONCE)));
    return take(r, a, ret);
}

static enum err end_behind(struct sql *db, struct arena *a, const struct behind *b)
{
    TRY(sql_run(db, "UPDATE outlier_fit SET behind_at = NULL, behind_id = NULL WHERE id = ?1", V(b->fit)));
    return deployment_tell(db, a, b->deployment, "{\"kind\":\"outliers\"}");
}

static enum err keep_behind(struct sql *db, struct arena *a, const struct outlier_state *t, const struct behind *b,
                            const struct some *s)
{
    if (!s->n)
        return end_behind(db, a, b);
    TRY(keep_scores(db, t, s));
    return sql_run(db, "UPDATE outlier_fit SET behind_at = ?2, behind_id = ?3, behind = behind + ?4 WHERE id = ?1", V(b->fit),
                   V(s->at[s->n - 1]), V(s->ids[s->n - 1]), V((int64_t)s->n));
}

/* Beyond those that are scored, scores of an earlier fit say nothing any more. */
static enum err forget_older(struct sql *db, struct arena *a, const struct behind *b)
{
    const char *id;
    int64_t at;
    {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_rows(
            db, &r,
            "SELECT created_at, id FROM (SELECT created_at, id FROM predicted_asset WHERE deployment_id = ?1 AND (created_at"
            " < ?2 OR created_at = ?2 AND id < ?3) ORDER BY created_at DESC, id DESC LIMIT ?4) q ORDER BY created_at, id"
            " LIMIT 1",
            V(b->deployment), V(b->at), V(b->id), V((int64_t)FORGOTTEN_AT_ONCE)));
        if (!rows_next(r))
            return rows_error(r) == OK ? end_behind(db, a, b) : rows_error(r);
        at = rows_int(r, 0);
        id = arena_str(a, rows_text(r, 1));
    }
    TRY(outlier_scores_forget(db, b->deployment, b->at, b->id, at, id));
    return sql_run(db, "UPDATE outlier_fit SET behind_at = ?2, behind_id = ?3 WHERE id = ?1", V(b->fit), V(at), V(id));
}

static enum err score_behind(struct sql *db, const struct services *sv, struct arena *a, const struct behind *b)
{
    struct outlier_state t;
    struct some s = { 0 };
    if (b->done < 0) { /* another fit has come meanwhile */
        TRY(sql_begin(db));
        return sql_end(db, end_behind(db, a, b));
    }
    if (b->done >= BEHIND_MOST) {
        TRY(sql_begin(db));
        return sql_end(db, forget_older(db, a, b));
    }
    TRY(outlier_state_read(db, a, b->deployment, &t));
    TRY(read_behind(db, a, b, &s));
    bool scored = true;
    if (s.n)
        TRY(score(db, sv, a, &t, &s, &scored));
    if (!scored)
        return OK;
    TRY(sql_begin(db));
    return sql_end(db, keep_behind(db, a, &t, b, &s));
}

/* ---- flags after the threshold was moved */

static enum err reflag(struct sql *db, struct arena *a, const char *deployment)
{
    double threshold = INFINITY;
    int64_t changed = 0;
    {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_rows(db, &r, "SELECT f.threshold FROM outlier m JOIN outlier_fit f ON f.id = m.fit_id WHERE m.id = ?1",
                     V(deployment)));
        if (rows_next(r))
            threshold = rows_real(r, 0);
        TRY(rows_error(r));
    }
    TRY(outliers_flag(db, deployment, threshold, FLAGS_AT_ONCE, &changed));
    if (changed)
        return OK;
    TRY(sql_run(db, "UPDATE outlier SET reflag = 0 WHERE id = ?1", V(deployment)));
    return deployment_tell(db, a, deployment, "{\"kind\":\"outliers\"}");
}

static enum err next_reflag(struct sql *db, struct arena *a, bool *ret_any)
{
    const char *deployment = NULL;
    {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_rows(db, &r, "SELECT id FROM outlier WHERE reflag <> 0 ORDER BY id LIMIT 1"));
        *ret_any = rows_next(r);
        if (*ret_any)
            deployment = arena_str(a, rows_text(r, 0));
        TRY(rows_error(r));
    }
    if (!deployment)
        return OK;
    TRY(sql_begin(db));
    return sql_end(db, reflag(db, a, deployment));
}

/* ---- together */

enum err outlier_next(struct sql *db, const struct services *sv, bool *ret_any)
{
    AUTO(arena) struct arena *a = arena_new();
    struct some s;
    struct behind b;
    bool flagged, behind;
    TRY(next_todo(db, a, &s));
    if (s.n)
        TRY(score_todo(db, sv, a, &s));
    TRY(next_reflag(db, a, &flagged));
    TRY(next_behind(db, a, &b, &behind));
    *ret_any = s.n > 0 || flagged || behind;
    return behind ? score_behind(db, sv, a, &b) : OK;
}

enum err outlier_working(struct sql *db, bool *ret)
{
    int64_t n = 0;
    TRY(sql_int(db, &n, "SELECT count(*) FROM outlier_fit WHERE state = 'WORKING'"));
    *ret = n > 0;
    return OK;
}
