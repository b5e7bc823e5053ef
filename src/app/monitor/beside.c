/* The shadow beside the champion: on the reviewed images that both have seen, which is better, and how sure that is. */
#include "app/monitor/side.h"
#include <string.h>

#define SEED 20250101 /* any: the same images give the same figures */

#define BOTH_MODELS                                                                                                                \
    "coalesce(p.model_version_id, '') = d.shadow_model_version_id AND coalesce(c.model_version_id, '') = d.model_version_id"
static enum err rows_seen_by_both(struct sql *db, const struct selection *s, struct rows **ret)
{
    if (s->picked.kind != VALUE_NULL)
        return sql_rows(db, ret,
                        "SELECT i.value FROM deployment d CROSS JOIN listed i CROSS JOIN prediction p CROSS JOIN prediction c"
                        " WHERE d.id = ?1 AND i.list = ?2 AND p.predicted_asset_id = i.value AND p.is_shadow <> 0"
                        " AND c.predicted_asset_id = i.value AND c.is_shadow = 0 AND " BOTH_MODELS " ORDER BY i.place LIMIT ?3",
                        V(s->deployment_id), V(s->picked), V((int64_t)SUPERVISED_MOST));
    return sql_rows(db, ret,
                    "SELECT a.id FROM predicted_asset a JOIN prediction p ON p.predicted_asset_id = a.id AND p.is_shadow <> 0"
                    " JOIN prediction c ON c.predicted_asset_id = a.id AND c.is_shadow = 0 JOIN deployment d"
                    " ON d.id = a.deployment_id WHERE " SELECTED_REVIEWS " AND " BOTH_MODELS " ORDER BY a.created_at DESC LIMIT ?8",
                    SELECTION(s), V((int64_t)SUPERVISED_MOST));
}

/* The latest reviewed images on which both of today's models said something, as a list. */
static enum err seen_by_both(struct sql *db, struct arena *a, const struct selection *s, struct value *ret, size_t *ret_n)
{
    const char **ids = arena_new_array(a, const char *, SUPERVISED_MOST);
    AUTO(rows) struct rows *r = NULL;
    TRY(rows_seen_by_both(db, s, &r));
    for (*ret_n = 0; rows_next(r); (*ret_n)++)
        ids[*ret_n] = arena_str(a, rows_text(r, 0));
    TRY(rows_error(r));
    return sql_list(db, ids, *ret_n, ret);
}

static enum err boxes_of(struct sql *db, struct arena *a, const char *deployment, struct value ids, bool shadow, struct side *ret)
{
    AUTO(metrics) struct metrics *m = NULL;
    struct detect_metrics figures;
    struct draws draws;
    TRY(reviewed_metrics(db, a, deployment, ids, shadow, &m));
    metrics_compute(m, a, &figures);
    metrics_resample(m, a, SEED, &draws);
    *ret = (struct side){ figures.ap50, draws.ap50, draws.n };
    return OK;
}

static enum err labels_of(struct sql *db, struct arena *a, const char *deployment, struct value ids, bool shadow, struct side *ret)
{
    double *right = arena_new_array(a, double, SUPERVISED_MOST);
    struct draws draws;
    size_t n;
    TRY(classified_right(db, deployment, ids, shadow, right, SUPERVISED_MOST, &n));
    ret->score = n ? 0 : -1;
    for (size_t i = 0; i < n; i++)
        ret->score += right[i] / (double)n;
    mean_resample(right, n, a, SEED, &draws);
    ret->draws = draws.ap;
    ret->n = draws.n;
    return OK;
}

enum err side_read(struct sql *db, struct arena *a, const char *deployment, struct value ids, bool shadow, bool whole,
                   struct side *ret)
{
    return whole ? labels_of(db, a, deployment, ids, shadow, ret) : boxes_of(db, a, deployment, ids, shadow, ret);
}

static void conclude(struct arena *a, const struct side *champion, const struct side *shadow, double margin, struct beside *ret)
{
    int n = champion->n < shadow->n ? champion->n : shadow->n;
    double *differences = arena_new_array(a, double, n + 1);
    ret->champion = champion->score;
    ret->shadow = shadow->score;
    if (!n)
        return;
    for (int i = 0; i < n; i++)
        differences[i] = shadow->draws[i] - champion->draws[i];
    ret->better = share_better(shadow->draws, champion->draws, n, margin);
    ret->difference = interval_of(differences, n, 0.95);
    ret->of_champion = interval_of(champion->draws, n, 0.95); /* which sorts them: pairs no more */
    ret->of_shadow = interval_of(shadow->draws, n, 0.95);
    ret->known = true;
}

enum err beside_compute(struct sql *db, struct arena *a, const struct selection *s, double margin, int64_t least,
                        struct beside *ret)
{
    struct side champion, shadow;
    struct value ids;
    size_t n;
    int64_t whole = 0;
    *ret = (struct beside){ .metric = "mAP50" };
    TRY(sql_int(db, &whole, "SELECT type = 'CLASSIFICATION' FROM deployment WHERE id = ?1", V(s->deployment_id)));
    TRY(seen_by_both(db, a, s, &ids, &n));
    ret->images = (int64_t)n;
    ret->ids = ids;
    if (!n || ret->images < least)
        return OK;
    ret->metric = whole ? "accuracy" : ret->metric;
    TRY(side_read(db, a, s->deployment_id, ids, false, whole, &champion));
    TRY(side_read(db, a, s->deployment_id, ids, true, whole, &shadow));
    conclude(a, &champion, &shadow, margin, ret);
    return OK;
}

void beside_write(struct out *o, const char *key, const struct beside *b)
{
    out_object(o, key);
    out_int(o, "images", b->images);
    out_text(o, "metric", b->metric);
    figure_write(o, "champion", b->images ? b->champion : -1);
    figure_write(o, "shadow", b->images ? b->shadow : -1);
    figure_write(o, "better", b->known ? b->better : -1);
    interval_write(o, "champion_interval", b->known, b->of_champion);
    interval_write(o, "shadow_interval", b->known, b->of_shadow);
    interval_write(o, "difference", b->known, b->difference);
    out_end_object(o);
}
