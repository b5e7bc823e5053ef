/* The predictions behind what no query can name: of one and the same object its label, confidence and place, and where an image
 * lies along a direction of the embedding. */
#include "app/deployment/deployment.h"
#include "app/monitor/embedding.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum err reply_listed(struct op *op, const char **ids, size_t n)
{
    struct value list;
    TRY(sql_list(op->db, ids, n, &list));
    return reply_page(op, &predicted_asset_resource, "a.deployment_id = ?1 AND a.id IN " LISTED("?2"), V(op->id), V(list));
}

static struct value number_if(struct op *op, const char *name)
{
    return in_has(op, name) ? V(in_number(op, name, 0)) : (struct value){ .kind = VALUE_NULL };
}

static struct value int_if(struct op *op, const char *name)
{
    return in_has(op, name) ? V(in_int(op, name, 0)) : (struct value){ .kind = VALUE_NULL };
}

/* ---- objects */

static enum err objects(struct op *op)
{
    struct filter f;
    struct picked newest;
    TRY(filter_read(op, &f));
    TRY(filter_pick(op, &f, PICK_ALL, in_has(op, "column") || in_has(op, "row") ? HEATMAP_IMAGES : LOOKED_AT_EACH, &newest));
    const char **ids = arena_new_array(op->arena, const char *, LOOKED_AT_EACH);
    size_t n = 0;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r,
                 "SELECT DISTINCT p.predicted_asset_id FROM listed i CROSS JOIN predicted_asset a CROSS JOIN prediction p"
                 " CROSS JOIN data d CROSS JOIN prediction_shape h WHERE i.list = ?1 AND a.id = i.value"
                 " AND p.predicted_asset_id = a.id AND p.is_shadow = ?2 AND d.id = a.data_id AND h.prediction_id = p.id"
                 " AND (h.label_id = ?3 OR ?3 IS NULL) AND (h.score >= ?4 OR ?4 IS NULL) AND (h.score < ?5 OR ?5 IS NULL)"
                 " AND (h.x * ?8 < (?6 + 1) * d.width AND (h.x + h.w) * ?8 > ?6 * d.width OR CAST(?6 AS INTEGER) IS NULL)"
                 " AND (h.y * ?8 < (?7 + 1) * d.height AND (h.y + h.h) * ?8 > ?7 * d.height OR CAST(?7 AS INTEGER) IS NULL)",
                 V(newest.ids), V(f.shadow), V(in_text(op, "label_id")), number_if(op, "score_from"), number_if(op, "score_below"),
                 int_if(op, "column"), int_if(op, "row"), V((int64_t)HEATMAP_SIDE)));
    while (rows_next(r))
        ids[n++] = arena_str(op->arena, rows_text(r, 0));
    TRY(rows_error(r));
    return reply_listed(op, ids, n);
}

/* ---- the embedding */

/* Which number of a place is meant: -1: none of those that are kept. The last one is how far it lies beside all directions. */
static int64_t number_of(const char *feature, const struct fit *f)
{
    const char *of = feature + strlen("embedding:");
    int64_t n = strcmp(of, "beside") == 0 ? f->n + 1 : atoll(of);
    return n >= 1 && n <= f->n + 1 ? n - 1 : -1;
}

static enum err read_fit(struct op *op, struct drift_settings *t, struct fit *ret, int64_t *ret_number)
{
    const char *feature = in_has(op, "feature") ? in_text(op, "feature") : "embedding:1";
    *ret = (struct fit){ 0 };
    enum err e = drift_settings_read(op->db, op->arena, op->id, t);
    if (e == E_NOT_FOUND)
        return fail(E_NOT_FOUND, "the deployment is not watched");
    TRY(e);
    if (t->training_version)
        TRY(fit_read(op->db, op->arena, t->champion, t->training_version, ret));
    if (strncmp(feature, "embedding:", strlen("embedding:")) != 0)
        return fail(E_INVALID, "feature must be \"embedding:1\" and so on, or \"embedding:beside\"");
    *ret_number = number_of(feature, ret);
    return ret->ready && *ret_number < 0 ? fail(E_INVALID, "feature: the embedding has %lld directions", (long long)ret->n) : OK;
}

static enum err placed(struct op *op)
{
    struct drift_settings t;
    struct fit f;
    struct filter filter;
    struct places p = { 0 };
    int64_t number;
    TRY(filter_read(op, &filter));
    TRY(read_fit(op, &t, &f, &number));
    const struct selection s = {
        .deployment_id = op->id, .model_version_id = t.champion, .from_ms = filter.from_ms, .to_ms = filter.to_ms
    };
    if (f.ready)
        TRY(places_of_predictions(op->db, op->arena, &s, &f, false, WINDOW_MOST, (size_t)f.n, &p));
    size_t n = 0;
    double from = in_number(op, "from", -INFINITY), below = in_number(op, "below", INFINITY), to = in_number(op, "to", INFINITY);
    for (size_t i = 0; i < p.n; i++) {
        double v = (double)p.values[i * p.width + (size_t)number];
        if (v >= from && v < below && v <= to)
            p.ids[n++] = p.ids[i];
    }
    return reply_listed(op, p.ids, n);
}

static const struct field objects_in[] = {
    FILTER_IN,
    { "label_id", T_ID },
    { "score_from", T_NUMBER },
    { "score_below", T_NUMBER },
    { "column", T_INT, .max = HEATMAP_SIDE - 1 },
    { "row", T_INT, .max = HEATMAP_SIDE - 1 },
};
static const struct field placed_in[] = {
    { "since", T_TEXT, 0, .max = 40 },
    { "until", T_TEXT, 0, .max = 40 },
    { "feature", T_TEXT, 0, .max = 40 },
    { "from", T_NUMBER },
    { "below", T_NUMBER },
    { "to", T_NUMBER },
};

static const struct route routes[] = {
    { "GET", "/api/deployment/{id}/objects/assets", objects, MAY_READ, WORK_READ,
      "the predictions with an object that has this label, a confidence in this range, and covers this cell of the heatmap",
      FIELDS(objects_in), .on = &deployment_resource, .answers = &predicted_asset_resource, .gives = GIVES_PAGE },
    { "GET", "/api/deployment/{id}/embedding/assets", placed, MAY_READ, WORK_READ,
      "the champion's predictions of a time, the newest 2,000, that lie in this range along a direction of the embedding",
      FIELDS(placed_in), .on = &deployment_resource, .answers = &predicted_asset_resource, .gives = GIVES_PAGE },
};

const struct resource behind_resource = { .name = "behind a figure", .routes = routes, .n_routes = COUNT_OF(routes) };
