/* What models were trained on, and what they are measured on: a feedback loop that put images of the latter into what is learnt
 * from would make every later score a lie. */
#include "app/deployment/candidate.h"

#define MEASURES "(lower(d.name) IN " MEASURING_NAMES ")"

enum err measured_on(struct sql *db, const char *deployment_id, const char *predicted_asset_id, bool *ret)
{
    int64_t n = 0;
    TRY(sql_int(
        db, &n,
        "SELECT count(*) FROM predicted_asset p JOIN data x ON x.id = p.data_id JOIN data y ON y.hash = x.hash JOIN asset a ON"
        " a.data_id = y.id WHERE p.id = ?2 AND a.dataset_version_id IN (SELECT d.dataset_version_id FROM deployment o JOIN"
        " model_context c ON c.model_version_id = o.model_version_id JOIN experiment_dataset d ON d.experiment_id = c.experiment_id"
        " WHERE o.id = ?1 AND " MEASURES " UNION SELECT d.dataset_version_id FROM ct_dataset d WHERE d.deployment_id = ?1"
        " AND " MEASURES " UNION SELECT q.cd_test_version_id FROM pipeline q WHERE q.deployment_id = ?1 AND q.cd_test_version_id IS"
        " NOT NULL) AND a.dataset_version_id NOT IN (SELECT f.dataset_version_id FROM fl_dataset f WHERE"
        " f.deployment_id = ?1)",
        V(deployment_id), V(predicted_asset_id)));
    *ret = n > 0;
    return OK;
}

enum err trained_on(struct sql *db, struct arena *a, const char *deployment_id, const char **ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(
        db, &r,
        "SELECT q.td_version_id, (SELECT d.dataset_version_id FROM deployment o JOIN model_context c ON c.model_version_id ="
        " o.model_version_id JOIN experiment_dataset d ON d.experiment_id = c.experiment_id WHERE o.id = ?1 AND NOT " MEASURES
        " ORDER BY CASE WHEN lower(d.name) = 'train' THEN 0 ELSE 1 END, d.name LIMIT 1) FROM pipeline q"
        " WHERE q.deployment_id = ?1",
        V(deployment_id)));
    *ret = NULL;
    if (rows_next(r))
        *ret = arena_str(a, rows_text(r, rows_null(r, 0) ? 1 : 0));
    return rows_error(r);
}

enum err tested_with(struct sql *db, struct arena *a, const char *deployment_id, const char **ret)
{
    AUTO(rows) struct rows *r = NULL;
    *ret = NULL;
    TRY(sql_rows(db, &r, "SELECT " TESTED_ON " FROM pipeline q WHERE q.deployment_id = ?1 AND q.cd_tests <> 0", V(deployment_id)));
    if (rows_next(r) && !rows_null(r, 0))
        *ret = arena_str(a, rows_text(r, 0));
    return rows_error(r);
}
