/* Quality without labels: how right a model is to be expected to be on images that nobody reviewed, by how sure it is of them and
 * how often it was right where it was as sure and somebody reviewed it. */
#include "app/monitor/estimate.h"
#include "app/deployment/deployment.h"
#include "app/monitor/scene.h"
#include <math.h>

enum { DRAWS = 200, SEED = 1 };

/* The newest images that were reviewed and that it answered. Their ids sort by time, and each of the two states has its index. */
static enum err known_rows(struct sql *db, const char *deployment, const char *version, bool shadow, struct rows **ret)
{
#define KNOWN(status)                                                                                                              \
    "SELECT id FROM (SELECT a.id FROM predicted_asset a JOIN prediction p ON p.predicted_asset_id = a.id AND p.is_shadow = ?3"     \
    " WHERE a.deployment_id = ?1 AND a.status = '" status "' AND coalesce(p.model_version_id, '') = ?2 AND " CHOSEN_FAIRLY         \
    " ORDER BY a.id DESC LIMIT ?4) " status
    return sql_rows(db, ret, KNOWN("REVIEWED") " UNION ALL " KNOWN("SUBMITTED") " ORDER BY id DESC LIMIT ?4", V(deployment),
                    V(version), V(shadow), V((int64_t)KNOWN_MOST));
}

static enum err seen_rows(struct sql *db, const char *version, bool shadow, struct value ids, struct rows **ret)
{
    return sql_rows(db, ret,
                    "SELECT i.value FROM listed i CROSS JOIN prediction p WHERE i.list = ?1 AND p.predicted_asset_id = i.value"
                    " AND p.is_shadow = ?2 AND coalesce(p.model_version_id, '') = ?3 ORDER BY i.place LIMIT ?4",
                    V(ids), V(shadow), V(version), V((int64_t)ESTIMATED_MOST));
}

static enum err read_ids(struct sql *db, struct arena *a, struct rows *r, size_t most, struct value *ret, int64_t *ret_n)
{
    const char **ids = arena_new_array(a, const char *, most + 1);
    size_t n = 0;
    while (n < most && rows_next(r))
        ids[n++] = arena_str(a, rows_text(r, 0));
    TRY(rows_error(r));
    *ret_n = (int64_t)n;
    return sql_list(db, ids, n, ret);
}

/* ---- boxes */

static enum err add_seen(struct sql *db, struct arena *a, struct value ids, bool shadow, struct metrics *m)
{
    AUTO(rows) struct rows *r = NULL;
    struct scene s;
    scene_new(a, &s);
    TRY(sql_rows(db, &r, "SELECT value FROM listed WHERE list = ?1 ORDER BY place", V(ids)));
    while (rows_next(r)) {
        TRY(scene_read(db, rows_text(r, 0), shadow, &s));
        metrics_add(m, NULL, 0, s.found, s.n_found);
    }
    return rows_error(r);
}

static enum err of_boxes(struct sql *db, struct arena *a, const char *deployment, bool shadow, struct value known,
                         struct value seen, int draws, struct estimated *ret)
{
    AUTO(metrics) struct metrics *k = NULL;
    AUTO(metrics) struct metrics *s = metrics_new(ret->n_labels ? ret->n_labels : 1);
    struct detect_metrics ignored;
    TRY(reviewed_metrics(db, a, deployment, known, shadow, &k));
    TRY(add_seen(db, a, seen, shadow, s));
    metrics_compute(k, a, &ignored); /* they are sorted by it */
    metrics_compute(s, a, &ignored);
    metrics_expect(k, s, a, SEED, draws, &ret->expected);
    return OK;
}

/* ---- labels of whole images */

#define BEST                                                                                                                       \
    "(SELECT h.score FROM prediction_shape h WHERE h.prediction_id = p.id AND h.kind = 'classification' ORDER BY h.score DESC,"    \
    " h.position LIMIT 1)"
static enum err read_scores(struct sql *db, struct value ids, bool shadow, double *ret, size_t *ret_n)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r,
                 "SELECT " BEST " FROM listed i CROSS JOIN prediction p WHERE i.list = ?1 AND p.predicted_asset_id = i.value"
                 " AND p.is_shadow = ?2 ORDER BY i.value",
                 V(ids), V(shadow)));
    for (*ret_n = 0; rows_next(r); (*ret_n)++)
        ret[*ret_n] = rows_null(r, 0) ? 0 : rows_real(r, 0);
    return rows_error(r);
}

/* In the order of read_scores(). A review without a label says nothing: below 0. */
static enum err read_right(struct sql *db, const char *deployment, struct value ids, bool shadow, struct said *ret, size_t *ret_n)
{
    double scores[KNOWN_MOST];
    size_t n, i = 0;
    AUTO(rows) struct rows *r = NULL;
    TRY(read_scores(db, ids, shadow, scores, &n));
    TRY(classified_rows(db, deployment, ids, shadow, &r));
    for (*ret_n = 0; i < n && rows_next(r); i++)
        if (!rows_null(r, 0))
            ret[(*ret_n)++] = (struct said){ scores[i], !rows_null(r, 1) && rows_int(r, 0) == rows_int(r, 1) };
    return rows_error(r);
}

static enum err of_labels(struct sql *db, struct arena *a, const char *deployment, bool shadow, struct value known,
                          struct value seen, int draws, struct estimated *ret)
{
    struct said *said = arena_new_array(a, struct said, KNOWN_MOST);
    double *scores = arena_new_array(a, double, ESTIMATED_MOST);
    size_t n, m;
    TRY(read_right(db, deployment, known, shadow, said, &n));
    TRY(read_scores(db, seen, shadow, scores, &m));
    share_expect(said, n, scores, m, a, SEED, draws, &ret->expected);
    return OK;
}

enum err estimate_compute(struct sql *db, struct arena *a, const char *deployment, const char *version, bool shadow,
                          struct value ids, int draws, struct estimated *ret)
{
    AUTO(rows) struct rows *known = NULL;
    AUTO(rows) struct rows *seen = NULL;
    struct value known_ids, seen_ids;
    int64_t whole = 0;
    TRY(sql_int(db, &whole, "SELECT type = 'CLASSIFICATION' FROM deployment WHERE id = ?1", V(deployment)));
    *ret = (struct estimated){ .metric = whole ? "accuracy" : "mAP50" };
    TRY(monitor_labels(db, a, deployment, METRICS_LABELS, &ret->labels, &ret->n_labels));
    TRY(known_rows(db, deployment, version, shadow, &known));
    TRY(read_ids(db, a, known, KNOWN_MOST, &known_ids, &ret->known_images));
    TRY(seen_rows(db, version, shadow, ids, &seen));
    TRY(read_ids(db, a, seen, ESTIMATED_MOST, &seen_ids, &ret->images));
    if (ret->known_images < KNOWN_LEAST || !ret->images)
        return OK;
    return whole ? of_labels(db, a, deployment, shadow, known_ids, seen_ids, draws, ret)
                 : of_boxes(db, a, deployment, shadow, known_ids, seen_ids, draws, ret);
}

/* ---- the panel */

struct panel {
    struct filter filter;
    struct picked picked;
    const char *version; /* NULL: there is none in that place */
};

static const char *waits_for(struct op *op, const struct estimated *e)
{
    if (e->known_images < KNOWN_LEAST)
        return arena_fmt(op->arena, "%lld of %d reviews of this version", (long long)e->known_images, KNOWN_LEAST);
    if (!e->images)
        return "predictions of this version";
    return e->expected.known ? NULL : "predictions in which it sees something";
}

static enum err write_estimate(struct op *op, struct out *o, void *with)
{
    const struct panel *p = with;
    struct estimated e = { .metric = "mAP50" };
    if (p->version)
        TRY(estimate_compute(op->db, op->arena, op->id, p->version, p->filter.shadow, p->picked.ids, DRAWS, &e));
    const struct expected *x = &e.expected;
    out_text(o, "metric", e.metric);
    out_text(o, "model_version_id", p->version);
    figure_write(o, "value", x->known ? x->value : -1);
    interval_write(o, "interval", x->known, x->in);
    out_int(o, "images", e.images);
    out_int(o, "known_images", e.known_images);
    out_text(o, "waits_for", p->version ? waits_for(op, &e) : "a shadow");
    out_array(o, "labels");
    for (int i = 0; x->known && x->labels && i < e.n_labels; i++) {
        out_object(o, NULL);
        out_text(o, "label", e.labels[i]);
        figure_write(o, "value", x->labels[i]);
        out_end_object(o);
    }
    out_end_array(o);
    return OK;
}

static enum err version_of(struct op *op, bool shadow, const char **ret)
{
    AUTO(rows) struct rows *r = NULL;
    *ret = in_text(op, "model_version_id");
    if (*ret)
        return OK;
    TRY(sql_first(op->db, &r,
                  "SELECT CASE WHEN ?2 <> 0 THEN shadow_model_version_id ELSE model_version_id END FROM deployment WHERE id = ?1",
                  V(op->id), V(shadow)));
    *ret = rows_null(r, 0) ? NULL : arena_str(op->arena, rows_text(r, 0));
    return OK;
}

static enum err estimate(struct op *op)
{
    struct panel p;
    TRY(filter_read(op, &p.filter));
    TRY(version_of(op, p.filter.shadow, &p.version));
    TRY(filter_pick(op, &p.filter, PICK_ALL, ESTIMATED_MOST, &p.picked));
    out_object(&op->out, NULL);
    picked_write(&op->out, &p.picked);
    TRY(kept_write(op, "estimate", arena_fmt(op->arena, "%lld %s", (long long)p.picked.n, p.filter.mark), write_estimate, &p));
    out_end_object(&op->out);
    return OK;
}

static const struct field in[] = { FILTER_IN };

DESCRIBED(estimate_picked, "predictions that are estimated", { "predictions", T_INT }, { "all", T_BOOL });
DESCRIBED(estimate_interval, "interval of an estimate", { "low", T_NUMBER }, { "high", T_NUMBER });
DESCRIBED(estimate_label, "estimate of a label", { "label", T_TEXT }, { "value", T_NUMBER, F_NULL });
DESCRIBED(estimate_part, "estimate", { "metric", T_TEXT }, { "model_version_id", T_ID, F_NULL }, { "value", T_NUMBER, F_NULL },
          { "interval", T_TUPLE, F_NULL, .of = &estimate_interval }, { "images", T_INT }, { "known_images", T_INT },
          { "waits_for", T_TEXT, F_NULL }, { "labels", T_MANY, .of = &estimate_label });
DESCRIBED(estimate_answer, "estimated quality", { "looked_at", T_PART, .of = &estimate_picked },
          { "estimate", T_PART, .of = &estimate_part });

static const struct route routes[] = {
    { "GET", "/api/deployment/{id}/estimate", estimate, MAY_READ, WORK_READ,
      "AP50, of classifiers accuracy, that is to be expected of predictions without reviews, with its interval of 95 %", FIELDS(in),
      .on = &deployment_resource, .answers = &estimate_answer },
};

const struct resource estimate_resource = { .name = "estimate", .routes = routes, .n_routes = COUNT_OF(routes) };
