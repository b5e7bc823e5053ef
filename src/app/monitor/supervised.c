/* What reviews say about the models. */
#include "app/deployment/deployment.h"
#include "app/monitor/scene.h"
#include "base/clock.h"
#include <string.h>

enum { BOXES_MOST = 10000, SEED = 1 };

void scene_new(struct arena *a, struct scene *ret)
{
    *ret = (struct scene){ arena_new_array(a, struct metrics_truth, BOXES_MOST),
                           arena_new_array(a, struct metrics_detection, BOXES_MOST), 0, 0 };
}

enum err monitor_labels(struct sql *db, struct arena *a, const char *deployment, int most, const char ***ret, int *ret_n)
{
    int64_t n = 0;
    TRY(sql_int(db, &n, "SELECT coalesce(max(position) + 1, 0) FROM deployment_label WHERE deployment_id = ?1", V(deployment)));
    if (n > most)
        return fail(E_TOO_BIG, "the deployment has over %d labels", most);
    const char **labels = arena_new_array(a, const char *, n + 1);
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r, "SELECT position, name FROM deployment_label WHERE deployment_id = ?1", V(deployment)));
    while (rows_next(r))
        labels[rows_int(r, 0)] = arena_str(a, rows_text(r, 1));
    *ret = labels;
    *ret_n = (int)n;
    return rows_error(r);
}

enum err scene_read(struct sql *db, const char *asset, bool shadow, struct scene *s)
{
    AUTO(rows) struct rows *truth = NULL;
    AUTO(rows) struct rows *found = NULL;
    s->n_truths = s->n_found = 0;
    TRY(sql_rows(db, &truth,
                 "SELECT l.position, h.x, h.y, h.w, h.h FROM review r JOIN review_shape h ON h.review_id = r.id"
                 " JOIN deployment_label l ON l.id = h.label_id WHERE r.predicted_asset_id = ?1 AND h.kind = 'rectangle' LIMIT ?2",
                 V(asset), V((int64_t)BOXES_MOST)));
    while (rows_next(truth))
        s->truths[s->n_truths++] = metrics_truth_of((int)rows_int(truth, 0), rows_real(truth, 1), rows_real(truth, 2),
                                                    rows_real(truth, 3), rows_real(truth, 4));
    TRY(rows_error(truth));
    TRY(sql_rows(
        db, &found,
        "SELECT l.position, h.score, h.x, h.y, h.w, h.h FROM prediction p JOIN prediction_shape h ON h.prediction_id = p.id"
        " JOIN deployment_label l ON l.id = h.label_id WHERE p.predicted_asset_id = ?1 AND p.is_shadow = ?2"
        " AND h.kind = 'rectangle' ORDER BY h.score DESC LIMIT ?3",
        V(asset), V(shadow), V((int64_t)BOXES_MOST)));
    while (rows_next(found))
        s->found[s->n_found++] = (struct metrics_detection){ (int)rows_int(found, 0), rows_real(found, 1), rows_real(found, 2),
                                                             rows_real(found, 3),     rows_real(found, 4), rows_real(found, 5) };
    return rows_error(found);
}

static enum err add_scenes(struct sql *db, struct arena *a, struct rows *ids, bool shadow, struct metrics *m)
{
    struct scene scene;
    scene_new(a, &scene);
    while (rows_next(ids)) {
        TRY(scene_read(db, rows_text(ids, 0), shadow, &scene));
        metrics_add(m, scene.truths, scene.n_truths, scene.found, scene.n_found);
    }
    return rows_error(ids);
}

enum err reviewed_metrics(struct sql *db, struct arena *a, const char *deployment, struct value ids, bool shadow,
                          struct metrics **ret)
{
    int labels;
    const char **names;
    AUTO(rows) struct rows *r = NULL;
    TRY(monitor_labels(db, a, deployment, METRICS_LABELS, &names, &labels));
    TRY(sql_rows(db, &r, "SELECT value FROM listed WHERE list = ?1", V(ids)));
    AUTO(metrics) struct metrics *m = metrics_new(labels ? labels : 1);
    TRY(add_scenes(db, a, r, shadow, m));
    *ret = m;
    m = NULL;
    return OK;
}

static enum err compute(struct sql *db, struct arena *a, const char *deployment, struct rows *ids, bool shadow,
                        struct supervised *ret)
{
    *ret = (struct supervised){ 0 };
    TRY(monitor_labels(db, a, deployment, METRICS_LABELS, &ret->labels, &ret->n_labels));
    AUTO(metrics) struct metrics *m = metrics_new(ret->n_labels ? ret->n_labels : 1);
    TRY(add_scenes(db, a, ids, shadow, m));
    metrics_compute(m, a, &ret->metrics);
    metrics_spread(m, a, SEED, ret->metrics.best_score, &ret->spread);
    return OK;
}

enum err reviewed_rows(struct sql *db, const struct selection *s, bool shadow, struct rows **ret)
{
    if (s->picked.kind != VALUE_NULL)
        return sql_rows(db, ret,
                        "SELECT i.value FROM listed i CROSS JOIN prediction p WHERE i.list = ?1 AND p.predicted_asset_id = i.value"
                        " AND p.is_shadow = ?2 ORDER BY i.place LIMIT ?3",
                        V(s->picked), V(shadow), V((int64_t)SUPERVISED_MOST));
    return sql_rows(db, ret,
                    "SELECT a.id FROM predicted_asset a JOIN prediction p ON p.predicted_asset_id = a.id AND p.is_shadow = ?8"
                    " WHERE " SELECTED_REVIEWS " ORDER BY a.created_at DESC LIMIT ?9",
                    SELECTION(s), V(shadow), V((int64_t)SUPERVISED_MOST));
}

enum err supervised_compute(struct sql *db, struct arena *a, const struct selection *s, bool shadow, struct supervised *ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(reviewed_rows(db, s, shadow, &r));
    return compute(db, a, s->deployment_id, r, shadow, ret);
}

static const char *const slots[] = { "champion", "shadow" };

static enum err write_classified(struct sql *db, struct arena *a, struct out *o, const char *deployment, struct value ids,
                                 bool shadow)
{
    struct classified labels;
    TRY(classified_of(db, a, deployment, ids, shadow, &labels));
    classified_write(o, slots[shadow], &labels);
    return OK;
}

static enum err write_boxes(struct sql *db, struct arena *a, struct out *o, const char *deployment, struct value ids, bool shadow)
{
    struct supervised boxes;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r, "SELECT value FROM listed WHERE list = ?1", V(ids)));
    TRY(compute(db, a, deployment, r, shadow, &boxes));
    supervised_write(o, slots[shadow], &boxes);
    return OK;
}

enum err reviewed_of_write(struct sql *db, struct arena *a, struct out *o, const char *deployment, struct value ids)
{
    int64_t whole = 0;
    TRY(sql_int(db, &whole, "SELECT type = 'CLASSIFICATION' FROM deployment WHERE id = ?1", V(deployment)));
    return whole ? write_classified(db, a, o, deployment, ids, false) : write_boxes(db, a, o, deployment, ids, false);
}

/* in: NULL: no interval is known, of a label where there are too many. */
static void write_interval(struct out *o, const char *key, const struct spread_part *in, int figure)
{
    bool known = in && in->known[figure];
    interval_write(o, key, known, known ? in->of[figure] : (struct interval){ 0 });
}

static void write_sizes(struct out *o, const struct size_metrics *sizes, const struct spread_part *in)
{
    static const char *const names[METRICS_SIZES] = { "small", "medium", "large" };
    out_array(o, "sizes");
    for (int i = 0; i < METRICS_SIZES; i++) {
        out_object(o, NULL);
        out_text(o, "size", names[i]);
        out_int(o, "truths", sizes[i].truths);
        out_int(o, "images", sizes[i].images);
        figure_write(o, "ap", sizes[i].ap);
        figure_write(o, "ar", sizes[i].ar);
        write_interval(o, "ap_interval", in, OF_AP_SIZE + i);
        write_interval(o, "ar_interval", in, OF_AR_SIZE + i);
        out_end_object(o);
    }
    out_end_array(o);
}

/* What a label has and all of them together. */
static void write_intervals(struct out *o, const struct spread_part *in)
{
    static const struct {
        const char *key;
        int of; /* a spread_figure */
    } rows[] = { { "ap_50_interval", OF_AP50 },          { "ap_75_interval", OF_AP75 },    { "ar_interval", OF_AR },
                 { "precision_interval", OF_PRECISION }, { "recall_interval", OF_RECALL }, { "f1_interval", OF_F1 } };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        write_interval(o, rows[i].key, in, rows[i].of);
}

static double f1_of(double precision, double recall)
{
    return precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0;
}

static void write_label(struct out *o, const char *name, const struct label_metrics *l, const struct spread_part *in)
{
    out_object(o, NULL);
    out_text(o, "label", name);
    out_int(o, "truths", l->truths);
    out_int(o, "images", l->images);
    figure_write(o, "ap", l->ap);
    figure_write(o, "ap_50", l->ap50);
    figure_write(o, "ap_75", l->ap75);
    figure_write(o, "ar", l->ar);
    figure_write(o, "precision", l->truths ? l->precision : -1);
    figure_write(o, "recall", l->truths ? l->recall : -1);
    figure_write(o, "f1", l->truths ? f1_of(l->precision, l->recall) : -1);
    write_interval(o, "ap_interval", in, OF_AP);
    write_intervals(o, in);
    write_sizes(o, l->sizes, in);
    out_end_object(o);
}

void supervised_write(struct out *o, const char *key, const struct supervised *s)
{
    const struct detect_metrics *m = &s->metrics;
    out_object(o, key);
    out_int(o, "images", m->images);
    out_int(o, "truths", m->truths);
    figure_write(o, "ap_50_95", m->ap);
    figure_write(o, "ap_50", m->ap50);
    figure_write(o, "ap_75", m->ap75);
    figure_write(o, "ar", m->ar);
    figure_write(o, "precision", m->truths ? m->precision : -1);
    figure_write(o, "recall", m->truths ? m->recall : -1);
    figure_write(o, "f1", m->truths ? m->f1 : -1);
    figure_write(o, "best_score", m->truths ? m->best_score : -1);
    write_interval(o, "ap_50_95_interval", &s->spread.all, OF_AP);
    write_intervals(o, &s->spread.all);
    write_sizes(o, m->sizes, &s->spread.all);
    out_array(o, "labels");
    for (int i = 0; i < m->n_labels && i < s->n_labels; i++)
        write_label(o, s->labels[i], &m->labels[i], s->spread.labels ? &s->spread.labels[i] : NULL);
    out_end_array(o);
    out_end_object(o);
}

/* Reviews that figures leave out since the queue chose their images (CHOSEN_FAIRLY). */
static enum err directed_write(struct sql *db, struct out *o, const struct selection *s)
{
    int64_t n = s->directed;
    if (s->picked.kind == VALUE_NULL)
        TRY(sql_int(db, &n,
                    "SELECT count(*) FROM (SELECT 1 FROM predicted_asset a JOIN prediction p ON p.predicted_asset_id = a.id AND"
                    " p.is_shadow = 0 WHERE " SELECTED " AND a.status <> 'TO_REVIEW' AND NOT " CHOSEN_FAIRLY " LIMIT ?8) directed",
                    SELECTION(s), V((int64_t)SUPERVISED_MOST)));
    out_int(o, "directed", n);
    return OK;
}

/* All figures of both on the images that both saw. */
static enum err shared_write(struct sql *db, struct arena *a, struct out *o, const char *deployment, bool whole,
                             const struct beside *b)
{
    if (!b->images) {
        out_null(o, "shared");
        return OK;
    }
    out_object(o, "shared");
    for (int i = 0; i < 2; i++)
        TRY(whole ? write_classified(db, a, o, deployment, b->ids, i) : write_boxes(db, a, o, deployment, b->ids, i));
    out_end_object(o);
    return OK;
}

enum err reviewed_write(struct sql *db, struct arena *a, struct out *o, const struct selection *s)
{
    int64_t whole = 0;
    TRY(sql_int(db, &whole, "SELECT type = 'CLASSIFICATION' FROM deployment WHERE id = ?1", V(s->deployment_id)));
    for (int i = 0; i < 2; i++) {
        struct supervised boxes;
        struct classified labels;
        if (whole) {
            TRY(classified_compute(db, a, s, i, &labels));
            classified_write(o, slots[i], &labels);
        } else {
            TRY(supervised_compute(db, a, s, i, &boxes));
            supervised_write(o, slots[i], &boxes);
        }
    }
    struct beside b;
    TRY(beside_compute(db, a, s, 0, 1, &b));
    beside_write(o, "beside", &b);
    TRY(shared_write(db, a, o, s->deployment_id, whole, &b));
    return directed_write(db, o, s);
}

/* How often each label was said, of the shapes that `said` and `reviewed` select; `trained`: the version that is compared with. */
#define LABELS(said, reviewed, trained)                                                                                            \
    "WITH said AS (SELECT h.label_id AS label, p.is_shadow AS shadow, count(*) AS n FROM " said                                    \
    " GROUP BY 1, 2), reviewed AS (SELECT h.label_id AS label, count(*) AS n FROM " reviewed                                       \
    " GROUP BY 1) SELECT l.name, l.id, coalesce((SELECT n FROM said WHERE label = l.id AND shadow = 0), 0),"                       \
    " coalesce((SELECT n FROM said WHERE label = l.id AND shadow <> 0), 0),"                                                       \
    " coalesce((SELECT n FROM reviewed WHERE label = l.id), 0), coalesce((SELECT t.n_shapes FROM label t"                          \
    " WHERE t.dataset_version_id = " trained " AND t.name = l.name), 0) FROM deployment_label l WHERE l.deployment_id = ?1"        \
    " ORDER BY l.position"

static enum err labels_of_picked(struct sql *db, const struct selection *s, const char *trained, struct rows **ret)
{
    return sql_rows(db, ret,
                    LABELS("listed i CROSS JOIN prediction p CROSS JOIN prediction_shape h WHERE i.list = ?2"
                           " AND p.predicted_asset_id = i.value AND h.prediction_id = p.id",
                           "listed i CROSS JOIN review v CROSS JOIN review_shape h WHERE i.list = ?2"
                           " AND v.predicted_asset_id = i.value AND h.review_id = v.id",
                           "?3"),
                    V(s->deployment_id), V(s->picked), V(trained));
}

static enum err labels_of_selected(struct sql *db, const struct selection *s, const char *trained, struct rows **ret)
{
    return sql_rows(db, ret,
                    LABELS("predicted_asset a JOIN prediction p ON p.predicted_asset_id = a.id JOIN prediction_shape h"
                           " ON h.prediction_id = p.id WHERE " SELECTED,
                           "predicted_asset a JOIN prediction p ON p.predicted_asset_id = a.id AND p.is_shadow = 0 JOIN review v"
                           " ON v.predicted_asset_id = a.id JOIN review_shape h ON h.review_id = v.id WHERE " SELECTED,
                           "?8"),
                    SELECTION(s), V(trained));
}

enum err label_distribution_write(struct sql *db, struct out *o, const char *key, const struct selection *s)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(rows) struct rows *r = NULL;
    const char *trained;
    TRY(trained_on(db, a, s->deployment_id, &trained));
    TRY(s->picked.kind != VALUE_NULL ? labels_of_picked(db, s, trained, &r) : labels_of_selected(db, s, trained, &r));
    out_array(o, key);
    while (rows_next(r)) {
        out_object(o, NULL);
        out_text(o, "label", rows_text(r, 0));
        out_text(o, "label_id", rows_text(r, 1));
        out_int(o, "champion", rows_int(r, 2));
        out_int(o, "shadow", rows_int(r, 3));
        out_int(o, "reviewed", rows_int(r, 4));
        if (!trained)
            out_null(o, "training");
        else
            out_int(o, "training", rows_int(r, 5));
        out_end_object(o);
    }
    out_end_array(o);
    return rows_error(r);
}
