/* The gate: a shadow that reviews show to be better takes over by itself, a champion that turns out worse than its predecessor
 * goes. Here are its settings; judge.c decides. */
#include "app/monitor/gate.h"
#include "app/account/account.h"
#include "app/deployment/deployment.h"
#include "app/model/model.h"

/* champion_id, shadow_id: those of the last look, by which a change is noticed. former_low: the lower end of the interval of the
 * former champion's score. looks: how often each was judged; the next look needs twice as many reviews. */
static const char table[] =
    "CREATE TABLE gate (id TEXT PRIMARY KEY REFERENCES deployment(id) ON DELETE CASCADE, promotes INTEGER NOT NULL DEFAULT 0,"
    " rolls_back INTEGER NOT NULL DEFAULT 0, reviews INTEGER NOT NULL DEFAULT 50, margin REAL NOT NULL DEFAULT 0,"
    " confidence REAL NOT NULL DEFAULT 0.95, champion_id TEXT, shadow_id TEXT, shadow_looks INTEGER NOT NULL DEFAULT 0,"
    " former_id TEXT, former_low REAL, champion_since INTEGER NOT NULL DEFAULT 0, champion_looks INTEGER NOT NULL DEFAULT 0,"
    " seen TEXT) STRICT, WITHOUT ROWID";

static const struct field fields[] = {
    { "id", T_ID, 0, "g.id" }, /* the deployment's */
    { "promotes", T_BOOL, F_EDIT, "g.promotes" },
    { "rolls_back", T_BOOL, F_EDIT, "g.rolls_back" },
    { "reviews", T_INT, F_EDIT, "g.reviews", .min = 10, .max = 2000 },
    { "margin", T_NUMBER, F_EDIT, "g.margin", .min = 0, .max = 0.5 },
    { "confidence", T_NUMBER, F_EDIT, "g.confidence", .min = 0.5, .max = 0.99 },
};

static enum err get(struct op *op)
{
    return reply_one(op, &gate_resource, op->id);
}

enum err gate_heard(struct sql *db, struct arena *a, const char *deployment_id, const char *predicted_asset_id)
{
    (void)a;
    if (predicted_asset_id)
        return OK;
    return sql_run(db,
                   "INSERT INTO gate (id, champion_id) SELECT d.id, d.model_version_id FROM deployment d WHERE d.id = ?1"
                   " ON CONFLICT (id) DO NOTHING",
                   V(deployment_id));
}

/* Nobody looked while it was off: today's champion is where it begins, not one that was replaced long ago. */
static enum err begin_with_today(struct op *op)
{
    return sql_run(op->db,
                   "UPDATE gate SET champion_id = (SELECT d.model_version_id FROM deployment d WHERE d.id = gate.id), former_id ="
                   " NULL, former_low = NULL WHERE id = ?1 AND promotes = 0 AND rolls_back = 0",
                   V(op->id));
}

static enum err change(struct op *op)
{
    TRY(begin_with_today(op));
    TRY(resource_update(op, &gate_resource, op->id));
    TRY(sql_run(op->db, "UPDATE gate SET shadow_looks = 0, champion_looks = 0, seen = NULL WHERE id = ?1", V(op->id)));
    TRY(deployment_tell(op->db, op->arena, op->id, "{\"kind\":\"pipeline\"}"));
    return reply_one(op, &gate_resource, op->id);
}

static const struct route routes[] = {
    { "GET", "/api/deployment/{id}/gate", get, MAY_READ, WORK_READ, "when a shadow takes over by itself, and when a champion goes",
      NULL, 0, &gate_resource, .on = &deployment_resource },
    { "PATCH", "/api/deployment/{id}/gate", change, MAY_WRITE, WORK_WRITE, "changes that", CHANGES(&gate_resource),
      .on = &deployment_resource },
};

const struct resource gate_resource = {
    .name = "gate",
    .table = table,
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "gate g JOIN deployment d ON d.id = g.id",
    .key = "g.id",
    .org = "d.org",
    .root = "d.id",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
