/* What reviews say about models that label images as a whole. */
#include "app/monitor/monitor.h"

enum { LABELS_COUNTED = 1000 };

/* The first label of a review and the best one of the prediction; images whose review has none are left out, and a prediction
 * without one counts as a label of its own, the last, which no image has. */
#define SAID                                                                                                                       \
    "SELECT (SELECT l.position FROM review v JOIN review_shape h ON h.review_id = v.id JOIN deployment_label l"                    \
    " ON l.id = h.label_id WHERE v.predicted_asset_id = a.id AND h.kind = 'classification' ORDER BY h.position LIMIT 1),"          \
    " (SELECT l.position FROM prediction_shape h JOIN deployment_label l ON l.id = h.label_id"                                     \
    " WHERE h.prediction_id = p.id AND h.kind = 'classification' ORDER BY h.score DESC, h.position LIMIT 1)"
static enum err count_images(struct rows *r, struct classified *c)
{
    while (rows_next(r)) {
        int said = rows_null(r, 1) ? c->n_labels : (int)rows_int(r, 1);
        if (!rows_null(r, 0))
            c->counts[(int)rows_int(r, 0) * (c->n_labels + 1) + said]++;
    }
    return rows_error(r);
}

static enum err begin(struct sql *db, struct arena *a, const char *deployment, struct classified *ret)
{
    *ret = (struct classified){ 0 };
    TRY(monitor_labels(db, a, deployment, LABELS_COUNTED, &ret->labels, &ret->n_labels));
    ret->with_intervals = ret->n_labels <= SPREAD_LABELS;
    ret->counts = arena_new_array(a, int64_t, (ret->n_labels + 1) * (ret->n_labels + 1));
    return OK;
}

enum err classified_compute(struct sql *db, struct arena *a, const struct selection *s, bool shadow, struct classified *ret)
{
    if (s->picked.kind != VALUE_NULL)
        return classified_of(db, a, s->deployment_id, s->picked, shadow, ret);
    AUTO(rows) struct rows *r = NULL;
    TRY(begin(db, a, s->deployment_id, ret));
    TRY(sql_rows(db, &r,
                 SAID " FROM predicted_asset a JOIN prediction p ON p.predicted_asset_id = a.id AND p.is_shadow = ?8"
                      " WHERE " SELECTED_REVIEWS " ORDER BY a.created_at DESC LIMIT ?9",
                 SELECTION(s), V(shadow), V((int64_t)SUPERVISED_MOST)));
    return count_images(r, ret);
}

enum err classified_of(struct sql *db, struct arena *a, const char *deployment, struct value ids, bool shadow,
                       struct classified *ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(begin(db, a, deployment, ret));
    TRY(sql_rows(db, &r,
                 SAID " FROM listed i JOIN predicted_asset a ON a.id = i.value JOIN prediction p ON p.predicted_asset_id = a.id"
                      " AND p.is_shadow = ?2 WHERE i.list = ?1",
                 V(ids), V(shadow)));
    return count_images(r, ret);
}

enum err classified_rows(struct sql *db, const char *deployment, struct value ids, bool shadow, struct rows **ret)
{
    return sql_rows(db, ret,
                    SAID ", a.id FROM listed i JOIN predicted_asset a ON a.id = i.value AND a.deployment_id = ?3 JOIN prediction p"
                         " ON p.predicted_asset_id = a.id AND p.is_shadow = ?2 WHERE i.list = ?1 ORDER BY a.id",
                    V(ids), V(shadow), V(deployment));
}

enum err classified_right(struct sql *db, const char *deployment, struct value ids, bool shadow, double *ret, size_t most,
                          size_t *ret_n)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(classified_rows(db, deployment, ids, shadow, &r));
    *ret_n = 0;
    while (*ret_n < most && rows_next(r))
        if (!rows_null(r, 0))
            ret[(*ret_n)++] = !rows_null(r, 1) && rows_int(r, 0) == rows_int(r, 1);
    return rows_error(r);
}
