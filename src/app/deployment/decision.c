#include "app/deployment/decision.h"
#include "app/account/account.h"
#include "app/deployment/deployment.h"
#include "base/clock.h"

static const char table[] =
    "CREATE TABLE decision (id TEXT PRIMARY KEY, deployment_id TEXT NOT NULL REFERENCES deployment(id) ON DELETE CASCADE,"
    " created_at INTEGER NOT NULL, kind TEXT NOT NULL CHECK (kind IN (" DECISION_KINDS ")),"
    " model_version_id TEXT NOT NULL, against_id TEXT, images INTEGER NOT NULL, metric TEXT, score REAL,"
    " against REAL, better REAL, confidence REAL, says TEXT NOT NULL, created_by TEXT) STRICT;"
    "CREATE INDEX decision_of ON decision (deployment_id, id)";

static const char *const kinds[] = { "TRAINING", "PASSED", "REFUSED", "PROMOTED", "KEPT",    "ROLLED_BACK", "STAYED",
                                     "CHAMPION", "SHADOW", "CANARY",  "PAUSED",   "RESUMED", NULL };

static const struct field fields[] = {
    { "id", T_ID, F_FILTER, "x.id" },
    { "created_at", T_TIME, F_SORT | F_FILTER, "x.created_at" },
    { "kind", T_TEXT, F_FILTER, "x.kind", .words = kinds },
    { "model_version_id", T_ID, F_FILTER, "x.model_version_id" },
    { "against_id", T_ID, F_FILTER | F_NULL, "x.against_id" },
    { "images", T_INT, 0, "x.images" },
    { "metric", T_TEXT, F_NULL, "x.metric" },
    { "score", T_NUMBER, F_NULL, "x.score" },
    { "against", T_NUMBER, F_NULL, "x.against" },
    { "better", T_NUMBER, F_NULL, "x.better" },
    { "confidence", T_NUMBER, F_NULL, "x.confidence" },
    { "says", T_TEXT, 0, "x.says" },
    { "created_by", T_TEXT, F_NULL, USER_NAME("x.created_by") },
};

static struct value figure(const struct decision *d, double v)
{
    return d->metric ? V(v) : V((const char *)NULL);
}

enum err decision_add(struct sql *db, struct arena *a, const struct decision *d)
{
    TRY(sql_run(
        db,
        "INSERT INTO decision (id, deployment_id, created_at, kind, model_version_id, against_id, images, metric, score,"
        " against, better, confidence, says, created_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        V(id_new(a)), V(d->deployment), V(clock_now_ms()), V(d->kind), V(d->model), V(d->against), V(d->images), V(d->metric),
        figure(d, d->score), figure(d, d->against_score), d->better < 0 ? V((const char *)NULL) : figure(d, d->better),
        figure(d, d->confidence), V(d->says), V(d->by)));
    return deployment_tell(db, a, d->deployment, arena_fmt(a, "{\"kind\":\"decision\",\"decision\":\"%s\"}", d->kind));
}

const char *model_version_called(struct sql *db, struct arena *a, const char *version)
{
    AUTO(rows) struct rows *r = NULL;
    if (sql_rows(db, &r,
                 "SELECT m.name || ' / ' || v.version FROM model_version v JOIN model m ON m.id = v.model_id WHERE v.id = ?1",
                 V(version)) != OK ||
        !rows_next(r))
        return "a version that was deleted";
    return arena_str(a, rows_text(r, 0));
}

static enum err decisions(struct op *op)
{
    return reply_page(op, &decision_resource, "x.deployment_id = ?1", V(op->id));
}

static const struct route routes[] = {
    { "GET", "/api/deployment/{id}/decisions", decisions, MAY_READ, WORK_READ, "what was decided, and by which figures", NULL, 0,
      &decision_resource, .on = &deployment_resource, .gives = GIVES_PAGE },
};

const struct resource decision_resource = {
    .name = "decision",
    .table = table,
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "decision x JOIN deployment d ON d.id = x.deployment_id",
    .key = "x.id",
    .org = "d.org",
    .root = "d.id",
    .order = "x.id DESC",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
