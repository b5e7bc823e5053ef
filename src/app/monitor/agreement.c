/* How far champion and shadow say the same of the same images. */
#include "app/deployment/deployment.h"
#include "app/monitor/monitor.h"

enum { BOXES = 2000 };

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

enum err agreement_compute(struct sql *db, const struct selection *s, int64_t most, struct agreement *ret)
{
    int64_t has_shadow = 0;
    *ret = (struct agreement){ 0 };
    TRY(sql_int(db, &has_shadow, "SELECT count(*) FROM deployment WHERE id = ?1 AND shadow_model_version_id IS NOT NULL",
                V(s->deployment_id)));
    if (!has_shadow) /* all predictions would be looked through for one */
        return OK;
    AUTO(rows) struct rows *r = NULL;
    TRY(seen_by_shadow(db, s, most, &r));
    for (; rows_next(r); ret->images++) {
        struct alike of_one = { .most = BOXES };
        TRY(alike_read(db, rows_text(r, 0), &of_one));
        ret->both += of_one.both;
        ret->champion += of_one.champion;
        ret->shadow += of_one.shadow;
    }
    return rows_error(r);
}

double agreement_part(const struct agreement *g)
{
    size_t said = g->champion + g->shadow;
    return said ? 2.0 * (double)g->both / (double)said : -1;
}
