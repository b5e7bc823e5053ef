/* How far champion and shadow say the same of the same images. */
#include "app/monitor/monitor.h"
#include "base/clock.h"
#include <math.h>
#include <string.h>

enum { BOXES = 2000 };

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

static enum err boxes_of(struct sql *db, const char *asset, bool shadow, struct box *ret, size_t *ret_n)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r,
                 "SELECT h.label_id, h.x, h.y, h.w, h.h FROM prediction p JOIN prediction_shape h ON h.prediction_id = p.id"
                 " WHERE p.predicted_asset_id = ?1 AND p.is_shadow = ?2 ORDER BY h.score DESC LIMIT ?3",
                 V(asset), V(shadow), V((int64_t)BOXES)));
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

static enum err seen_by_shadow(struct sql *db, const struct selection *s, int64_t most, struct rows **ret)
{
    if (s->picked.kind != VALUE_NULL)
        return sql_rows(db, ret,
                        "SELECT i.value FROM listed i CROSS JOIN prediction p WHERE i.list = ?1 AND p.predicted_asset_id = i.value"
                        " AND p.is_shadow <> 0 AND p.model_version_id = (SELECT shadow_model_version_id FROM deployment"
                        " WHERE id = ?2) ORDER BY i.place LIMIT ?3",
                        V(s->picked), V(s->deployment_id), V(most));
    return sql_rows(
        db, ret,
        "SELECT a.id FROM predicted_asset a JOIN prediction p ON p.predicted_asset_id = a.id AND p.is_shadow <> 0 WHERE " SELECTED
        " AND p.model_version_id = (SELECT shadow_model_version_id FROM deployment WHERE id = ?1)"
        " ORDER BY a.created_at DESC LIMIT ?8",
        SELECTION(s), V(most));
}

enum err agreement_compute(struct sql *db, struct arena *arena, const struct selection *s, int64_t most, struct agreement *ret)
{
    int64_t has_shadow = 0;
    *ret = (struct agreement){ 0 };
    TRY(sql_int(db, &has_shadow, "SELECT count(*) FROM deployment WHERE id = ?1 AND shadow_model_version_id IS NOT NULL",
                V(s->deployment_id)));
    if (!has_shadow) /* all predictions would be looked through for one */
        return OK;
    struct box *champion = arena_new_array(arena, struct box, BOXES), *shadow = arena_new_array(arena, struct box, BOXES);
    AUTO(rows) struct rows *r = NULL;
    TRY(seen_by_shadow(db, s, most, &r));
    for (; rows_next(r); ret->images++) {
        size_t n, m;
        TRY(boxes_of(db, rows_text(r, 0), false, champion, &n));
        TRY(boxes_of(db, rows_text(r, 0), true, shadow, &m));
        ret->both += matches(champion, n, shadow, m);
        ret->champion += n;
        ret->shadow += m;
    }
    return rows_error(r);
}

double agreement_part(const struct agreement *g)
{
    size_t said = g->champion + g->shadow;
    return said ? 2.0 * (double)g->both / (double)said : -1;
}
