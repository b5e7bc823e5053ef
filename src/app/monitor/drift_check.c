/* A check of a deployment's drift, and what is kept of it. */
#include "app/datalake/datalake.h"
#include "app/deployment/deployment.h"
#include "app/monitor/embedding.h"
#include "base/clock.h"
#include <math.h>

enum { DETAIL_CAP = 4 << 20 };

double drift_allowance(double left, int64_t at_ms, int64_t now_ms)
{
    double more = now_ms > at_ms ? (double)(now_ms - at_ms) / CHECK_EVERY_MS : 0;
    return left + more < CHECKS_AT_ONCE ? left + more : CHECKS_AT_ONCE;
}

enum err drift_settings_read(struct sql *db, struct arena *a, const char *deployment_id, struct drift_settings *ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(db, &r,
                  "SELECT o.model_version_id, m.alpha, m.window_size, m.active, m.compares_with = 'TRAINING', m.fresh, m.allowance,"
                  " m.allowance_at, CASE WHEN o.serving <> 0 THEN o.deployed_at ELSE 0 END, m.directions FROM drift m"
                  " JOIN deployment o ON o.id = m.id WHERE m.id = ?1",
                  V(deployment_id)));
    *ret = (struct drift_settings){ .deployment_id = arena_str(a, deployment_id),
                                    .champion = arena_str(a, rows_text(r, 0)),
                                    .alpha = rows_real(r, 1),
                                    .window = rows_int(r, 2),
                                    .active = rows_int(r, 3) != 0,
                                    .with_training = rows_int(r, 4) != 0,
                                    .fresh = rows_int(r, 5),
                                    .since_ms = rows_int(r, 8),
                                    .directions = rows_int(r, 9),
                                    .allowance = drift_allowance(rows_real(r, 6), rows_int(r, 7), clock_now_ms()) };
    return trained_on(db, a, deployment_id, &ret->training_version);
}

/* ---- the training images that are compared with */

enum err training_choose(struct sql *db, struct arena *a, const char *version, struct training_images *ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r,
                 "SELECT data_id FROM (SELECT a.data_id, row_number() OVER (ORDER BY a.id) AS n, count(*) OVER () AS c FROM asset a"
                 " WHERE a.dataset_version_id = ?1) x WHERE c <= ?2 OR n * ?2 / c <> (n - 1) * ?2 / c LIMIT ?2",
                 V(version), V((int64_t)TRAINING_MOST)));
    for (ret->n = 0; ret->n < TRAINING_MOST && rows_next(r); ret->n++)
        ret->ids[ret->n] = arena_str(a, rows_text(r, 0));
    return rows_error(r);
}

static enum err write_chosen(struct sql *db, const char *deployment_id, const char *version, const struct training_images *c)
{
    TRY(sql_run(db, "DELETE FROM drift_reference WHERE deployment_id = ?1", V(deployment_id)));
    for (size_t i = 0; i < c->n; i++) {
        TRY(sql_run(db, "INSERT INTO drift_reference (deployment_id, data_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                    V(deployment_id), V(c->ids[i])));
        TRY(look_want(db, c->ids[i]));
    }
    return sql_run(db, "UPDATE drift SET training_version_id = ?2 WHERE id = ?1", V(deployment_id), V(version));
}

/* Chosen once for each version, so that the reference is the same as long as the version is. */
static enum err follow_training(struct sql *db, struct arena *a, const struct drift_settings *t)
{
    int64_t same = 0;
    struct training_images *c = arena_take(a, sizeof *c);
    TRY(sql_int(db, &same, "SELECT count(*) FROM drift WHERE id = ?1 AND coalesce(training_version_id, '') = coalesce(?2, '')",
                V(t->deployment_id), V(t->training_version)));
    if (same)
        return OK;
    if (t->training_version)
        TRY(training_choose(db, a, t->training_version, c));
    TRY(sql_begin(db));
    return sql_end(db, write_chosen(db, t->deployment_id, t->training_version, c));
}

/* Those that are not measured yet are wanted, in case that very many waited when they were chosen. */
static enum err want_training(struct sql *db, struct arena *a, const char *deployment_id, int64_t *ret_missing)
{
    struct training_images *c = arena_take(a, sizeof *c);
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r,
                 "SELECT f.data_id FROM drift_reference f WHERE f.deployment_id = ?1 AND NOT EXISTS (SELECT 1 FROM image_look k"
                 " WHERE k.data_id = f.data_id) LIMIT ?2",
                 V(deployment_id), V((int64_t)TRAINING_MOST)));
    for (; c->n < TRAINING_MOST && rows_next(r); c->n++)
        c->ids[c->n] = arena_str(a, rows_text(r, 0));
    TRY(rows_error(r));
    for (size_t i = 0; i < c->n; i++)
        TRY(look_want(db, c->ids[i]));
    *ret_missing = (int64_t)c->n;
    return OK;
}

/* The check stays due, behind those of other deployments. */
static enum err wait_for_training(struct sql *db, struct arena *a, const struct drift_settings *t, bool *ret_waits)
{
    int64_t missing = 0, all = 0;
    TRY(want_training(db, a, t->deployment_id, &missing));
    *ret_waits = missing > 0;
    if (!missing)
        return OK;
    TRY(sql_int(db, &all, "SELECT count(*) FROM drift_reference WHERE deployment_id = ?1", V(t->deployment_id)));
    TRY(sql_run(db, "UPDATE drift SET due = due + 1, waits_for = ?2 WHERE id = ?1", V(t->deployment_id),
                V(arena_fmt(a, "%lld of %lld training images are measured", (long long)(all - missing), (long long)all))));
    return deployment_tell(db, a, t->deployment_id, "{\"kind\":\"drift_check\"}");
}

/* ---- keeping */

static enum err was_drifted(struct sql *db, const char *deployment_id, bool *ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r, "SELECT drifted FROM drift_check WHERE deployment_id = ?1 ORDER BY created_at DESC, id DESC LIMIT 1",
                 V(deployment_id)));
    *ret = rows_next(r) && rows_int(r, 0);
    return rows_error(r);
}

static enum err keep_values(struct sql *db, const char *check, const struct drift *d)
{
    for (size_t i = 0; i < d->n_items; i++) {
        const struct drifting *x = &d->items[i];
        if (x->tested)
            TRY(sql_run(db,
                        "INSERT INTO drift_value (check_id, feature, d, p, limit_d, drifted) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON"
                        " CONFLICT DO NOTHING",
                        V(check), V(x->name), V(fmax(x->ks.d, 0)), V(x->ks.p), V(x->limit), V(x->drifted)));
    }
    return OK;
}

static enum err keep_check(struct sql *db, struct arena *a, const char *deployment, const struct drift *d, const char *detail)
{
    const char *id = id_new(a);
    bool before;
    TRY(was_drifted(db, deployment, &before));
    TRY(sql_run(db, "UPDATE drift_check SET detail = NULL WHERE deployment_id = ?1 AND detail IS NOT NULL", V(deployment)));
    TRY(sql_run(
        db,
        "INSERT INTO drift_check (id, deployment_id, created_at, drifted, alarm, n_tested, detail) VALUES (?1, ?2, ?3, ?4, ?5,"
        " ?6, ?7)",
        V(id), V(deployment), V(clock_now_ms()), V(d->drifted), V(d->drifted && !before), V((int64_t)d->n_tested), V(detail)));
    TRY(keep_values(db, id, d));
    TRY(sql_run(db,
                "DELETE FROM drift_check WHERE deployment_id = ?1 AND created_at < (SELECT created_at FROM drift_check WHERE"
                " deployment_id = ?1 ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET ?2)",
                V(deployment), V((int64_t)CHECKS_KEPT)));
    TRY(sql_run(
        db,
        "DELETE FROM drift_value WHERE check_id = (SELECT id FROM drift_check WHERE deployment_id = ?1 ORDER BY created_at DESC,"
        " id DESC LIMIT 1 OFFSET ?2)",
        V(deployment), V((int64_t)VALUES_KEPT)));
    if (d->drifted != before)
        TRY(deployment_tell(db, a, deployment, d->drifted ? "{\"kind\":\"drift\"}" : "{\"kind\":\"drift_over\"}"));
    return deployment_tell(db, a, deployment, "{\"kind\":\"drift_check\"}");
}

/* Of a check that did not come about nothing is kept, and it costs no allowance; it is tried again with the next prediction. What
 * came while it was made is looked at by the next one. */
static enum err keep(struct sql *db, struct arena *a, const struct drift_settings *t, const struct drift *d, const char *detail)
{
    const char *id = t->deployment_id;
    if (!d->n_tested) {
        TRY(sql_run(db, "UPDATE drift SET due = CASE WHEN fresh > ?3 THEN 1 ELSE 0 END, waits_for = ?2 WHERE id = ?1", V(id),
                    V(d->waits_for), V(t->fresh)));
        return deployment_tell(db, a, id, "{\"kind\":\"drift_check\"}");
    }
    TRY(sql_run(db,
                "UPDATE drift SET due = CASE WHEN fresh - ?3 >= step_size THEN 1 ELSE 0 END, fresh = fresh - ?3, waits_for = ?2,"
                " allowance = ?4, allowance_at = ?5 WHERE id = ?1",
                V(id), V(d->waits_for), V(t->fresh), V(t->allowance - 1), V(clock_now_ms())));
    return sql_changes(db) ? keep_check(db, a, id, d, detail) : OK; /* or the deployment is gone */
}

/* ---- one check */

static enum err check(struct sql *db, struct arena *a, const char *deployment_id)
{
    bool waits;
    struct drift_settings t;
    struct drift *d = arena_take(a, sizeof *d);
    const struct selection all = { .deployment_id = deployment_id };
    AUTO(out) struct out o;
    out_init(&o, DETAIL_CAP);
    enum err read = drift_settings_read(db, a, deployment_id, &t);
    if (read == E_NOT_FOUND) /* it was deleted since it was chosen */
        return OK;
    TRY(read);
    if (t.active)
        TRY(follow_training(db, a, &t));
    if (t.active)
        TRY(fit_want(db, a, &t));
    if (!t.active || t.allowance < 1)
        return sql_run(db, "UPDATE drift SET due = 0 WHERE id = ?1", V(deployment_id));
    TRY(sql_begin(db));
    TRY(sql_end(db, wait_for_training(db, a, &t, &waits)));
    if (waits) /* for images that are wanted now: they are measured next */
        return OK;
    TRY(sql_begin_read(db));
    TRY(sql_end(db, drift_measure(db, a, &t, &all, d)));
    out_object(&o, NULL);
    drift_write(&o, a, d);
    out_end_object(&o);
    TRY(sql_begin(db));
    return sql_end(db, keep(db, a, &t, d, o.text.bytes));
}

enum err drift_check_next(struct sql *db, bool *ret_any)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *id = NULL;
    {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_rows(db, &r, "SELECT id FROM drift WHERE due <> 0 ORDER BY due, id LIMIT 1"));
        if (rows_next(r))
            id = arena_str(a, rows_text(r, 0));
        TRY(rows_error(r));
    }
    *ret_any = id != NULL;
    return id ? check(db, a, id) : OK;
}
