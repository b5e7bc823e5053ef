/* What other tables keep of annotations: an asset how many shapes its shown annotation has and its status, which lists are sorted
 * by and searched for; a version how many annotations it has. When a batch is shown the version is right at once, by what the batch
 * has counted; its assets follow in slices, and until then lists look at the annotations (.behind in asset.c). */
#include "app/annotation/annotation.h"
#include "query/query.h"

static const char triggers[] =
    "CREATE TRIGGER annotation_made AFTER INSERT ON annotation_row WHEN new.batch = 0 BEGIN UPDATE asset SET n_shapes = "
    "new.n_shapes, status = new.status WHERE id = new.asset_id AND (n_shapes <> new.n_shapes OR "
    "coalesce(status, '') <> new.status); UPDATE dataset_version SET n_annotated = n_annotated + 1 WHERE id = "
    "new.dataset_version_id; END;"
    "CREATE TRIGGER annotation_made_hidden AFTER INSERT ON annotation_row WHEN new.batch > 0 BEGIN UPDATE batch SET n_new = n_new "
    "+ 1 "
    "WHERE id = new.batch; END;"
    "CREATE TRIGGER annotation_changed AFTER UPDATE OF status, n_shapes, batch ON annotation_row WHEN new.batch = 0 OR new.batch "
    "IN "
    "(SELECT batch FROM batch_shown) BEGIN UPDATE asset SET n_shapes = new.n_shapes, status = new.status WHERE id = new.asset_id "
    "AND (n_shapes <> new.n_shapes OR "
    "coalesce(status, '') <> new.status); END;"
    "CREATE TRIGGER annotation_replaced AFTER UPDATE OF batch ON annotation_row WHEN new.batch < 0 BEGIN UPDATE batch SET n_old = "
    "n_old + 1 WHERE id = -new.batch; END;"
    "CREATE TRIGGER annotation_back AFTER UPDATE OF batch ON annotation_row WHEN old.batch < 0 BEGIN UPDATE batch SET n_old = "
    "n_old - "
    "1 WHERE id = -old.batch; END;"
    "CREATE TRIGGER annotation_gone AFTER DELETE ON annotation_row BEGIN " KEPT_GOES
    " UPDATE batch SET n_new = n_new - 1 WHERE id = old.batch; UPDATE batch SET n_old = n_old - 1 WHERE id = -old.batch; END;"
    "CREATE TRIGGER annotation_gone_shown AFTER DELETE ON annotation_row WHEN old.batch = 0 OR old.batch IN (SELECT batch FROM "
    "batch_shown) BEGIN UPDATE asset SET n_shapes = 0, status = NULL WHERE id = old.asset_id; UPDATE dataset_version SET "
    "n_annotated = "
    "n_annotated - 1 WHERE id = old.dataset_version_id; END";

const struct resource annotation_kept_resource = { .name = "what is kept of annotations", .table = triggers };
