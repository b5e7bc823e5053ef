#include "app/deployment/deployment.h"
#include "app/account/account.h"
#include "app/datalake/datalake.h"
#include "app/dataset/dataset.h"
#include "app/deployment/served.h"
#include "app/model/model.h"
#include "base/clock.h"
#include "base/unicode.h"
#include <stdlib.h>
#include <string.h>

static const char table[] =
    "CREATE TABLE deployment (id TEXT PRIMARY KEY, org TEXT NOT NULL REFERENCES organization(id), name TEXT NOT NULL,"
    " type TEXT NOT NULL, model_version_id TEXT NOT NULL REFERENCES model_version(id),"
    " shadow_model_version_id TEXT REFERENCES model_version(id), min_threshold REAL NOT NULL,"
    " target_datalake_id TEXT NOT NULL REFERENCES datalake(id), status TEXT NOT NULL CHECK (status IN ('RUNNING', 'PAUSED')),"
    " serving INTEGER NOT NULL, sample_rate REAL NOT NULL DEFAULT 1, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,"
    " deployed_at INTEGER NOT NULL, shadow_at INTEGER, created_by TEXT, n_to_review INTEGER NOT NULL DEFAULT 0,"
    " n_reviewed INTEGER NOT NULL DEFAULT 0, n_submitted INTEGER NOT NULL DEFAULT 0, review_share REAL NOT NULL DEFAULT 0.2,"
    " former_model_version_id TEXT REFERENCES model_version(id) ON DELETE SET NULL, canary_share REAL NOT NULL DEFAULT 0,"
    " own_serving INTEGER NOT NULL DEFAULT 0, reviewed_until INTEGER NOT NULL DEFAULT 0,"
    " UNIQUE (org, name)) STRICT;"
    "CREATE TABLE deployment_label (id TEXT PRIMARY KEY, deployment_id TEXT NOT NULL REFERENCES deployment(id) ON DELETE CASCADE,"
    " position INTEGER NOT NULL, name TEXT NOT NULL, UNIQUE (deployment_id, name)) STRICT;" SERVED_TABLE;

/* Served here; on a server of one's own that follows the champion; or watched only, whatever makes the predictions. */
static const char *const modes[] = { "SERVING", "OWN_SERVING", "MONITORING", NULL };

static const char *const statuses[] = { "RUNNING", "PAUSED", NULL };

static const struct field label_fields[] = { { "id", T_ID, 0, "l.id" },
                                             { "name", T_TEXT, 0, "l.name" },
                                             { "group_id", T_ID, F_NULL, "NULL" } };
static const struct resource label_of_deployment = {
    .name = "label of a deployment",
    .fields = label_fields,
    .n_fields = COUNT_OF(label_fields),
    .from = "deployment_label l",
    .key = "l.id",
    .order = "l.position",
};

static const struct field count_fields[] = {
    { "total", T_INT, 0, "n.n_to_review + n.n_reviewed + n.n_submitted" },
    { "to_review", T_INT, 0, "n.n_to_review" },
    { "reviewed", T_INT, 0, "n.n_reviewed" },
    { "submitted", T_INT, 0, "n.n_submitted" },
};
static const struct resource counts_of = {
    .name = "counts of a deployment",
    .fields = count_fields,
    .n_fields = COUNT_OF(count_fields),
    .from = "deployment n",
    .key = "n.id",
};

static const struct field pipeline_fields[] = {
    { "training_data", T_BOOL, 0, "q.td_version_id IS NOT NULL" },
    { "fl", T_BOOL, 0, "q.fl_active" },
    { "ct", T_BOOL, 0, "q.ct_active" },
    { "cd", T_BOOL, 0, "q.cd_active" },
};
static const struct resource pipelines_of = {
    .name = "pipelines of a deployment",
    .fields = pipeline_fields,
    .n_fields = COUNT_OF(pipeline_fields),
    .from = "pipeline q",
    .key = "q.deployment_id",
};

static const struct field fields[] = {
    { "id", T_ID, F_FILTER, "d.id" },
    { "name", T_TEXT, F_SORT | F_FILTER | F_NEW | F_EDIT, "d.name", .min = 1, .max = 200 },
    { "type", T_TEXT, F_FILTER, "d.type", .words = inference_types },
    { "status", T_TEXT, F_SORT | F_FILTER, "d.status", .words = statuses },
    { "oracle_host", T_HERE, 0, "''" },
    { "mode", T_TEXT, F_FILTER,
      "CASE WHEN d.serving <> 0 THEN 'SERVING' WHEN d.own_serving <> 0 THEN 'OWN_SERVING' ELSE 'MONITORING' END", .words = modes },
    { "serving_host", T_HERE, F_NULL, "CASE WHEN d.serving <> 0 THEN '' END" },
    { "review_campaign_id", T_ID, F_NULL, "NULL" },
    { "model_version_id", T_ID, 0, "d.model_version_id" },
    { "shadow_model_version_id", T_ID, F_NULL | F_NEW, "d.shadow_model_version_id" },
    { "model_version", T_ONE, 0, "d.model_version_id", .of = &model_version_short },
    { "shadow_model_version", T_ONE, F_NULL, "d.shadow_model_version_id", .of = &model_version_short },
    { "min_threshold", T_NUMBER, F_NEW | F_EDIT, "d.min_threshold", .min = 0, .max = 1 },
    { "sample_rate", T_NUMBER, F_EDIT, "d.sample_rate", .min = 0, .max = 1 },
    { "review_share", T_NUMBER, F_EDIT, "d.review_share", .min = 0, .max = 1 },
    { "target_datalake_id", T_ID, F_NEW | F_EDIT, "d.target_datalake_id" },
    { "created_at", T_TIME, F_SORT | F_FILTER, "d.created_at" },
    { "updated_at", T_TIME, F_SORT, "d.updated_at" },
    { "deployed_at", T_TIME, F_SORT, "d.deployed_at" },
    { "shadow_at", T_TIME, F_NULL, "d.shadow_at" },
    { "canary_share", T_NUMBER, F_FILTER, "d.canary_share" }, /* of the requests, that the shadow answers */
    { "former_model_version", T_ONE, F_NULL, "d.former_model_version_id", .of = &model_version_short },
    { "created_by", T_TEXT, F_NULL, USER_NAME("d.created_by") },
    { "labels", T_MANY, F_ONE, "d.id", .of = &label_of_deployment, .by = "l.deployment_id" },
    { "counts", T_ONE, 0, "d.id", .of = &counts_of },
    { "pipelines", T_ONE, 0, "d.id", .of = &pipelines_of },
    TAGS("d.id"),
    { "tags.name", T_TEXT, F_FILTER, "t.name", HAS_TAG("d.id") },
};

/* ---- for the other files */

enum err deployment_tell(struct sql *db, struct arena *a, const char *id, const char *json)
{
    return event_tell(db, &deployment_resource, id, arena_fmt(a, "deployment:%s", id), json);
}

enum err deployment_heard(struct sql *db, struct arena *a, const char *id, const char *predicted_asset_id)
{
    for (deployment_listener *const *l = deployment_listeners; *l; l++)
        TRY((*l)(db, a, id, predicted_asset_id));
    return OK;
}

enum err deployment_label_need(struct sql *db, struct arena *a, const char *id, const char *name, const char **ret_label)
{
    name = unicode_nfc(a, name);
    TRY(sql_run(
        db,
        "INSERT INTO deployment_label (id, deployment_id, position, name) VALUES (?1, ?2,"
        " (SELECT coalesce(max(position) + 1, 0) FROM deployment_label WHERE deployment_id = ?2), ?3) ON CONFLICT DO NOTHING",
        V(id_new(a)), V(id), V(name)));
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(db, &r, "SELECT id FROM deployment_label WHERE deployment_id = ?1 AND name = ?2", V(id), V(name)));
    *ret_label = arena_str(a, rows_text(r, 0));
    return OK;
}

enum err deployment_tell_webhooks(struct sql *db, struct arena *a, const char *id, const char *event, const char *members)
{
    AUTO(out) struct out name;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(db, &r, "SELECT org, name FROM deployment WHERE id = ?1", V(id)));
    out_init(&name, 1 << 14);
    out_text(&name, NULL, rows_text(r, 1));
    const char *data = arena_fmt(a, "{\"deployment_id\":\"%s\",\"deployment\":%s,%s}", id, name.text.bytes, members);
    return webhooks_tell(db, a, arena_str(a, rows_text(r, 0)), event, data);
}

/* What a version must have to be served. */
struct candidate {
    const char *type, *labels;
    bool servable;
};

static enum err candidate_read(struct sql *db, struct arena *a, const char *version, struct candidate *ret)
{
    AUTO(rows) struct rows *r = NULL;
    enum err e = sql_first(db, &r,
                           "SELECT v.type, v.labels, v.framework, (SELECT filename FROM model_file f WHERE"
                           " f.model_version_id = v.id AND f.name = 'model-latest') FROM model_version v WHERE v.id = ?1",
                           V(version));
    if (e == E_NOT_FOUND)
        return fail(E_NOT_FOUND, "there is no model version %s", version);
    TRY(e);
    *ret = (struct candidate){ arena_str(a, rows_text(r, 0)), arena_str(a, rows_text(r, 1)),
                               model_is_servable_file(rows_text(r, 3), rows_text(r, 2)) };
    if (strcmp(ret->type, "NOT_CONFIGURED") == 0)
        return fail(E_UNMEANT, "the model version has no type (OBJECT_DETECTION, …): set it first");
    if (!ret->labels)
        return fail(E_UNMEANT, "the model version has no labels: set them first");
    return OK;
}

static int by_index(const void *a, const void *b)
{
    const struct json_member *x = a, *y = b;
    long i = strtol(x->key, NULL, 10), k = strtol(y->key, NULL, 10);
    return (i > k) - (i < k);
}

/* The labels of the model in the order of their indices. */
static enum err take_labels(struct sql *db, struct arena *a, const char *id, const char *labels)
{
    const struct json *map;
    TRY(json_parse(a, labels, strlen(labels), &map));
    size_t n = json_count(map), k = 0;
    struct json_member *members = arena_new_array(a, struct json_member, n + 1);
    for (struct json_member m = json_first(map); m.key; m = json_next(map, m)) {
        char *end;
        strtol(m.key, &end, 10);
        if (!*m.key || *end || !json_text(m.value))
            return fail(E_UNMEANT, "the model's label \"%.60s\" has no number as its key", m.key);
        members[k++] = m;
    }
    qsort(members, n, sizeof *members, by_index);
    for (size_t i = 0; i < n; i++) {
        const char *label;
        TRY(deployment_label_need(db, a, id, json_text(members[i].value), &label));
    }
    return OK;
}

enum err deployment_set_model(struct sql *db, struct arena *a, const char *id, enum slot slot, const char *version)
{
    struct candidate c = { 0 };
    if (version)
        TRY(candidate_read(db, a, version, &c));
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(db, &r, "SELECT type, serving FROM deployment WHERE id = ?1", V(id)));
    if (version && strcmp(rows_text(r, 0), c.type) != 0)
        return fail(E_UNMEANT, "the deployment is of type %s, the model version of %s", rows_text(r, 0), c.type);
    if (version && rows_int(r, 1) && !c.servable)
        return fail(E_UNMEANT, "the model version has no ONNX file \"model-latest\" (or zip of one): it cannot be served here");
    int64_t now = clock_now_ms();
    if (slot == SLOT_CHAMPION)
        TRY(sql_run(db,
                    "UPDATE deployment SET model_version_id = ?2, deployed_at = ?3, updated_at = ?3, former_model_version_id = CASE"
                    " WHEN model_version_id = ?2 THEN former_model_version_id WHEN former_model_version_id = ?2 THEN NULL"
                    " ELSE model_version_id END WHERE id = ?1",
                    V(id), V(version), V(now)));
    else
        TRY(sql_run(db,
                    "UPDATE deployment SET shadow_model_version_id = ?2, shadow_at = ?4, updated_at = ?3, canary_share = CASE"
                    " WHEN shadow_model_version_id = ?2 THEN canary_share ELSE 0 END WHERE id = ?1",
                    V(id), V(version), V(now), version ? V(now) : V((const char *)NULL)));
    if (version) {
        TRY(take_labels(db, a, id, c.labels));
        TRY(deployment_tell_webhooks(
            db, a, id, "model_deployed",
            arena_fmt(a, "\"model_version_id\":\"%s\",\"is_shadow\":%s", version, slot == SLOT_SHADOW ? "true" : "false")));
    }
    if (slot == SLOT_CHAMPION)
        TRY(deployment_heard(db, a, id, NULL));
    return deployment_tell(db, a, id, slot == SLOT_CHAMPION ? "{\"kind\":\"champion\"}" : "{\"kind\":\"shadow\"}");
}

/* ---- routes */

static enum err list(struct op *op)
{
    return reply_list(op, &deployment_resource, "1 = 1");
}

static enum err find(struct op *op)
{
    if (in_has(op, "id"))
        return reply_one(op, &deployment_resource, in_text(op, "id"));
    const char *name = in_text(op, "name");
    if (!name)
        return fail(E_INVALID, "name or id is missing");
    return reply_find(op, &deployment_resource, arena_fmt(op->arena, "there is no deployment \"%s\"", name), "d.name = ?1",
                      V(name));
}

static enum err get(struct op *op)
{
    return reply_one(op, &deployment_resource, op->id);
}

static enum err default_lake(struct op *op, const char **ret)
{
    if (in_has(op, "target_datalake_id")) {
        *ret = in_text(op, "target_datalake_id");
        return resource_need_to_change(op, &datalake_resource, *ret);
    }
    AUTO(rows) struct rows *r = NULL;
    enum err e = sql_first(op->db, &r, "SELECT id FROM datalake WHERE org = ?1 ORDER BY created_at, id LIMIT 1", V(op->org));
    if (e == E_NOT_FOUND)
        return fail(E_UNMEANT, "there is no datalake for the predictions' images");
    TRY(e);
    *ret = arena_str(op->arena, rows_text(r, 0));
    return OK;
}

/* One that is not named follows from what the caller switches off and from what the version has: without a file that can be run it
 * can still be monitored. */
static enum err read_mode(struct op *op, const struct candidate *c, bool *ret_serving, bool *ret_own)
{
    const char *mode = in_text(op, "mode");
    bool disabled = in_bool(op, "disable_serving", false);
    *ret_serving = mode ? strcmp(mode, "SERVING") == 0 : !disabled && c->servable;
    *ret_own = mode && strcmp(mode, "OWN_SERVING") == 0;
    if (mode && *ret_serving && disabled)
        return fail(E_INVALID, "mode SERVING and disable_serving exclude each other");
    if (*ret_serving && !c->servable)
        return fail(E_UNMEANT, "the model version has no ONNX file \"model-latest\" (or zip of one): it cannot be served here");
    return OK;
}

static enum err make(struct op *op, const char *version)
{
    const char *id = id_new(op->arena), *name = in_text(op, "name"), *lake;
    struct candidate c;
    TRY(model_version_seen(op, version));
    TRY(candidate_read(op->db, op->arena, version, &c));
    TRY(default_lake(op, &lake));
    if (!name)
        TRY(deployment_name_make(op->db, op->arena, op->org, &name));
    bool serving, own;
    TRY(read_mode(op, &c, &serving, &own));
    enum err e = sql_run(op->db,
                         "INSERT INTO deployment (id, org, name, type, model_version_id, min_threshold, target_datalake_id, status,"
                         " serving, created_at, updated_at, deployed_at, created_by, own_serving)"
                         " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'RUNNING', ?8, ?9, ?9, ?9, ?10, ?11)",
                         V(id), V(op->org), V(name), V(c.type), V(version), V(in_number(op, "min_threshold", 0)), V(lake),
                         V(serving), V(clock_now_ms()), V(op->user_id), V(own));
    if (e == E_CONFLICT)
        return fail(E_CONFLICT, "there is a deployment \"%s\" already", name);
    TRY(e);
    TRY(sql_run(op->db, "INSERT INTO pipeline (deployment_id) VALUES (?1)", V(id)));
    TRY(take_labels(op->db, op->arena, id, c.labels));
    if (in_has(op, "shadow_model_version_id")) {
        TRY(model_version_seen(op, in_text(op, "shadow_model_version_id")));
        TRY(deployment_set_model(op->db, op->arena, id, SLOT_SHADOW, in_text(op, "shadow_model_version_id")));
    }
    TRY(deployment_heard(op->db, op->arena, id, NULL));
    op->status = 201;
    TRY(deployment_tell_webhooks(op->db, op->arena, id, "model_deployed",
                                 arena_fmt(op->arena, "\"model_version_id\":\"%s\",\"is_shadow\":false", version)));
    return reply_one(op, &deployment_resource, id);
}

/* The files are asked before the transaction, and what they cannot answer is refused here and not at the first prediction. */
static enum err ask_files(struct op *op, const char *version)
{
    const char *mode = in_text(op, "mode");
    if (in_bool(op, "disable_serving", false) || (mode && strcmp(mode, "SERVING") != 0))
        return OK;
    TRY(model_need_servable(op, version));
    return in_has(op, "shadow_model_version_id") ? model_need_servable(op, in_text(op, "shadow_model_version_id")) : OK;
}

static enum err create_asked(struct op *op)
{
    return make(op, in_text(op, "model_version_id"));
}

static enum err create(struct op *op)
{
    TRY(ask_files(op, in_text(op, "model_version_id")));
    return op_write(op, create_asked);
}

static enum err deploy_asked(struct op *op)
{
    return make(op, op->id);
}

static enum err deploy(struct op *op)
{
    TRY(organization_need_to_change(op));
    TRY(ask_files(op, op->id));
    return op_write(op, deploy_asked);
}

static enum err update(struct op *op)
{
    if (in_has(op, "target_datalake_id"))
        TRY(resource_need_to_change(op, &datalake_resource, in_text(op, "target_datalake_id")));
    enum err e = resource_update(op, &deployment_resource, op->id);
    if (e == E_CONFLICT)
        return fail(E_CONFLICT, "there is a deployment \"%s\" already", in_text(op, "name"));
    TRY(e);
    return reply_one(op, &deployment_resource, op->id);
}

#define ROWS(table) "SELECT id FROM " table " WHERE deployment_id = ?1"
const struct removal deployment_removal = {
    .table = "deployment",
    .named = "name",
    .called = "SELECT name FROM deployment WHERE id = ?1",
    .large = { { "predicted_asset", ROWS("predicted_asset") },
               { "deployment_label", ROWS("deployment_label") },
               { "retraining", ROWS("retraining") },
               { "tag", "SELECT id FROM tag WHERE scope = ?1" } },
};

/* Predictions that were made go with it; the images stay in the datalake. */
static enum err delete (struct op *op) {
    TRY(tag_take_off_all(op->db, op->id)); TRY(access_forget(op->db, op->id)); return thing_remove(op, &deployment_removal, op->id);
}

static enum err labels(struct op *op)
{
    return reply_list(op, &label_of_deployment, "l.deployment_id = ?1", V(op->id));
}

/* Where the images of this deployment are stored: what the client says again when it predicts on one of them. */
PART_OF_ROW(connector_answer, "storage connector of a deployment", "deployment d JOIN datalake l ON l.id = d.target_datalake_id",
            "d.id", { "id", T_ID, 0, "l.connector_id" }, { "client_type", T_TEXT, 0, "'azure'" },
            { "bucket_name", T_TEXT, 0, "l.name" });

static enum err connector(struct op *op)
{
    return reply_one(op, &connector_answer, op->id);
}

static const struct field find_in[] = { { "id", T_ID }, { "name", T_TEXT, .max = 200 } };
/* Besides the members that a deployment has. */
#define SERVING                                                                                                                    \
    { "disable_serving", T_BOOL, F_NULL },                                                                                         \
    {                                                                                                                              \
        "mode", T_TEXT, F_NULL, .words = modes                                                                                     \
    }
static const struct field create_in[] = { { "model_version_id", T_ID, F_NEED }, SERVING };
static const struct field deploy_in[] = { SERVING };

#define ANSWER .answers = &deployment_resource

static const struct route routes[] = {
    { "GET", "/api/organization/{id}/deployments", list, MAY_READ, WORK_READ, "the organization's deployments", ANSWER,
      .on = &organization_resource, .gives = GIVES_PAGE },
    { "POST", "/api/organization/{id}/deployments", create, MAY_WRITE, WORK_FREE, "deploys a model version", FIELDS(create_in),
      MAKES(&deployment_resource), .on = &organization_resource },
    { "GET", "/api/organization/{id}/deployments/find", find, MAY_READ, WORK_READ, "a deployment by name or id", FIELDS(find_in),
      ANSWER, .on = &organization_resource },
    { "POST", "/api/model/version/{id}/deploy", deploy, MAY_WRITE, WORK_FREE, "deploys this model version", FIELDS(deploy_in),
      MAKES(&deployment_resource), .public_too = true, .on = &model_version_resource },
    { "GET", "/api/deployment/{id}", get, MAY_PREDICT, WORK_READ, "a deployment", ANSWER, .on = &deployment_resource },
    { "PATCH", "/api/deployment/{id}", update, MAY_WRITE, WORK_WRITE, "changes name, threshold, datalake or sample rate",
      CHANGES(&deployment_resource), .on = &deployment_resource },
    { "DELETE", "/api/deployment/{id}", delete, MAY_WRITE, WORK_WRITE, "deletes a deployment with its predictions",
      .on = &deployment_resource, .gives = GIVES_NOTHING },
    { "GET", "/api/deployment/{id}/labels", labels, MAY_READ, WORK_READ, "the deployment's labels", .on = &deployment_resource,
      .answers = &label_of_deployment, .gives = GIVES_PAGE },
    ACCESS_ROUTES("deployment", &deployment_resource),
    { "GET", "/api/deployment/{id}/datalake/connector", connector, MAY_READ, WORK_READ, "the storage of the target datalake",
      .on = &deployment_resource, .answers = &connector_answer },
};

const struct resource deployment_resource = {
    .name = "deployment",
    .table = table,
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "deployment d",
    .key = "d.id",
    .removal = &deployment_removal,
    .org = "d.org",
    .root = "d.id",
    .order = "d.created_at DESC, d.id DESC",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
