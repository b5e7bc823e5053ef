/* How far champion and shadow say the same of one image; and what is kept of it, so that the images on which they differ most are
 * found by an index. */
#include "app/deployment/deployment.h"
#include "base/clock.h"
#include <math.h>
#include <string.h>

/* Of the surest boxes: what is kept is computed while others wait to write. */
enum { KEPT_OF = 300 };

struct box {
    char label[ID_SIZE];
    double x, y, w, h;
    bool taken;
};

static double iou(const struct box *a, const struct box *b)
{
    if (a->w == 0 && a->h == 0 && b->w == 0 && b->h == 0) /* labels of the whole image */
        return 1;
    double w = fmin(a->x + a->w, b->x + b->w) - fmax(a->x, b->x), h = fmin(a->y + a->h, b->y + b->h) - fmax(a->y, b->y);
    if (w <= 0 || h <= 0)
        return 0;
    return w * h / (a->w * a->h + b->w * b->h - w * h);
}

static enum err boxes_of(struct sql *db, const char *asset, bool shadow, size_t most, struct box *ret, size_t *ret_n)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r,
                 "SELECT h.label_id, h.x, h.y, h.w, h.h FROM prediction p JOIN prediction_shape h ON h.prediction_id = p.id"
                 " WHERE p.predicted_asset_id = ?1 AND p.is_shadow = ?2 ORDER BY h.score DESC LIMIT ?3",
                 V(asset), V(shadow), V((int64_t)most)));
    for (*ret_n = 0; rows_next(r); (*ret_n)++) {
        struct box *b = &ret[*ret_n];
        *b = (struct box){ .x = rows_real(r, 1), .y = rows_real(r, 2), .w = rows_real(r, 3), .h = rows_real(r, 4) };
        id_parse(rows_text(r, 0), b->label);
    }
    return rows_error(r);
}

/* Boxes of the same label that overlap by half, one to one, the champion's best first. */
static size_t matches(struct box *a, size_t n, struct box *b, size_t m)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        struct box *best = NULL;
        double most = 0.5;
        for (size_t k = 0; k < m; k++)
            if (!b[k].taken && strcmp(a[i].label, b[k].label) == 0 && iou(&a[i], &b[k]) >= most) {
                most = iou(&a[i], &b[k]);
                best = &b[k];
            }
        if (best) {
            best->taken = true;
            found++;
        }
    }
    return found;
}

enum err alike_read(struct sql *db, const char *predicted_asset_id, struct alike *ret)
{
    AUTO(arena) struct arena *a = arena_new();
    struct box *champion = arena_new_array(a, struct box, ret->most), *shadow = arena_new_array(a, struct box, ret->most);
    TRY(boxes_of(db, predicted_asset_id, false, ret->most, champion, &ret->champion));
    TRY(boxes_of(db, predicted_asset_id, true, ret->most, shadow, &ret->shadow));
    ret->both = matches(champion, ret->champion, shadow, ret->shadow);
    return OK;
}

/* 1 - Dice; of two that say nothing 0. */
static enum err disagreement_of(struct sql *db, const char *predicted_asset_id, double *ret)
{
    struct alike s = { .most = KEPT_OF };
    TRY(alike_read(db, predicted_asset_id, &s));
    size_t said = s.champion + s.shadow;
    *ret = said ? 1 - 2.0 * (double)s.both / (double)said : 0;
    return OK;
}

#define HAS_BOTH                                                                                                                   \
    "EXISTS (SELECT 1 FROM prediction p WHERE p.predicted_asset_id = a.id AND p.is_shadow = 0) AND EXISTS (SELECT 1 FROM "         \
    "prediction p WHERE p.predicted_asset_id = a.id AND p.is_shadow = 1)"

enum err disagreement_keep(struct sql *db, const char *predicted_asset_id)
{
    double d;
    TRY(disagreement_of(db, predicted_asset_id, &d));
    return sql_run(db, "UPDATE predicted_asset AS a SET disagreement = ?2 WHERE a.id = ?1 AND " HAS_BOTH, V(predicted_asset_id),
                   V(d));
}

enum err disagreements_keep(struct sql *db, struct arena *unused)
{
    (void)unused;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r, "SELECT p.predicted_asset_id FROM prediction p WHERE p.is_shadow = 1"));
    while (rows_next(r))
        TRY(disagreement_keep(db, rows_text(r, 0)));
    return rows_error(r);
}

enum err disagreements_check(struct sql *db, int64_t *ret_wrong)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_int(db, ret_wrong, "SELECT count(*) FROM predicted_asset a WHERE a.disagreement IS NOT NULL AND NOT (" HAS_BOTH ")"));
    TRY(sql_rows(db, &r, "SELECT a.id, a.disagreement FROM predicted_asset a WHERE " HAS_BOTH));
    while (rows_next(r)) {
        double d;
        TRY(disagreement_of(db, rows_text(r, 0), &d));
        *ret_wrong += rows_null(r, 1) || fabs(rows_real(r, 1) - d) > 1e-9;
    }
    return rows_error(r);
}
