/* The gate: a shadow that reviews show to be better takes over by itself, a champion that turns out worse than its predecessor
 * goes. Here are its settings and what was decided; judge.c decides. */
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
    " seen TEXT) STRICT, WITHOUT ROWID;"
    "CREATE TABLE decision (id TEXT PRIMARY KEY, deployment_id TEXT NOT NULL REFERENCES deployment(id) ON DELETE CASCADE,"
    " created_at INTEGER NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('PROMOTED', 'KEPT', 'ROLLED_BACK', 'STAYED')),"
    " model_version_id TEXT NOT NULL, against_id TEXT NOT NULL, images INTEGER NOT NULL, metric TEXT NOT NULL, score REAL NOT NULL,"
    " against REAL NOT NULL, better REAL, confidence REAL NOT NULL, says TEXT NOT NULL) STRICT;"
    "CREATE INDEX decision_of ON decision (deployment_id, id)";

static const char *const kinds[] = { "PROMOTED", "KEPT", "ROLLED_BACK", "STAYED", NULL };

static const struct field fields[] = {
    { "id", T_ID, 0, "g.id" }, /* the deployment's */
    { "promotes", T_BOOL, F_EDIT, "g.promotes" },
    { "rolls_back", T_BOOL, F_EDIT, "g.rolls_back" },
    { "reviews", T_INT, F_EDIT, "g.reviews", .min = 10, .max = 2000 },
    { "margin", T_NUMBER, F_EDIT, "g.margin", .min = 0, .max = 0.5 },
    { "confidence", T_NUMBER, F_EDIT, "g.confidence", .min = 0.5, .max = 0.99 },
};

static const struct field decision_fields[] = {
    { "id", T_ID, F_FILTER, "x.id" },
    { "created_at", T_TIME, F_SORT | F_FILTER, "x.created_at" },
    { "kind", T_TEXT, F_FILTER, "x.kind", .words = kinds },
    { "model_version_id", T_ID, F_FILTER, "x.model_version_id" },
    { "against_id", T_ID, F_FILTER, "x.against_id" },
    { "images", T_INT, 0, "x.images" },
    { "metric", T_TEXT, 0, "x.metric" },
    { "score", T_NUMBER, 0, "x.score" },
    { "against", T_NUMBER, 0, "x.against" },
    { "better", T_NUMBER, F_NULL, "x.better" },
    { "confidence", T_NUMBER, 0, "x.confidence" },
    { "says", T_TEXT, 0, "x.says" },
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

static enum err decisions(struct op *op)
{
    return reply_page(op, &decision_resource, "x.deployment_id = ?1", V(op->id));
}

static const struct route routes[] = {
    { "GET", "/api/deployment/{id}/gate", get, MAY_READ, WORK_READ, "when a shadow takes over by itself, and when a champion goes",
      NULL, 0, &gate_resource, .on = &deployment_resource },
    { "PATCH", "/api/deployment/{id}/gate", change, MAY_WRITE, WORK_WRITE, "changes that", CHANGES(&gate_resource),
      .on = &deployment_resource },
    { "GET", "/api/deployment/{id}/decisions", decisions, MAY_READ, WORK_READ, "what was decided, and by which figures", NULL, 0,
      &decision_resource, .on = &deployment_resource, .gives = GIVES_PAGE },
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

const struct resource decision_resource = {
    .name = "decision",
    .fields = decision_fields,
    .n_fields = COUNT_OF(decision_fields),
    .from = "decision x JOIN deployment d ON d.id = x.deployment_id",
    .key = "x.id",
    .org = "d.org",
    .root = "d.id",
    .order = "x.id DESC",
};
