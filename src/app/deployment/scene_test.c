#include "app/deployment/scene_test.h"
#include "app/account/account.h"
#include "app/datalake/datalake.h"
#include "app/experiment/experiment.h"
#include "app/model/model.h"
#include "base/clock.h"
#include "base/test.h"

const char *scene_text(struct scene *s, const char *sql)
{
    struct rows *r = NULL;
    MUST(sql_first_text(s->db, &r, sql, NULL, 0));
    const char *t = arena_str(s->a, rows_text(r, 0));
    rows_done(r);
    return t ? t : "NULL";
}

int64_t scene_number(struct scene *s, const char *sql)
{
    int64_t n = 0;
    MUST(sql_int_text(s->db, &n, sql, NULL, 0));
    return n;
}

void scene_begin(struct scene *s, struct arena *a)
{
    struct first_start first;
    *s = (struct scene){ .a = a };
    MUST(sql_open(":memory:", &s->db));
    MUST(api_make_schema(s->db));
    MUST(account_first_start(s->db, a, &first));
    MUST(account_default_org(s->db, a, &s->org));
    s->user = scene_text(s, "SELECT id FROM person");
    s->lake = scene_text(s, "SELECT id FROM datalake");
    const struct model_new m = { s->org, s->user, "m", NULL, NULL, NULL };
    MUST(model_add(s->db, a, &m, &s->model));
    const struct model_version_new v = { .model_id = s->model,
                                         .type = "OBJECT_DETECTION",
                                         .framework = "ONNX",
                                         .architecture = "yolox-nano",
                                         .labels = "{\"1\":\"cell\",\"0\":\"platelet\"}" };
    MUST(model_version_add(s->db, a, &v, &s->version));
    MUST(object_add(s->db, s->org, "model.onnx", "h", 1, "application/octet-stream"));
    MUST(model_file_add(s->db, s->version, "model-latest", "model.onnx", "model.onnx", false));
    s->deployment = id_new(a);
    MUST(
        sql_run(s->db,
                "INSERT INTO deployment (id, org, name, type, model_version_id, min_threshold, target_datalake_id, status, serving,"
                " created_at, updated_at, deployed_at) VALUES (?1, ?2, 'd', 'OBJECT_DETECTION', ?3, 0, ?4, 'RUNNING', 1, 0, 0, 0)",
                V(s->deployment), V(s->org), V(s->version), V(s->lake)));
}

void scene_open(struct scene *s, struct arena *a)
{
    scene_begin(s, a);
    MUST(sql_run(s->db, "INSERT INTO project (id, org, name, description, created_at, updated_at) VALUES ('p', ?1, 'p', '', 0, 0)",
                 V(s->org)));
    MUST(sql_run(s->db, "INSERT INTO dataset (id, org, name, description, created_at, updated_at) VALUES ('s', ?1, 's', '', 0, 0)",
                 V(s->org)));
    MUST(sql_run(s->db,
                 "INSERT INTO dataset_version (id, dataset_id, org, version, description, type, created_at, updated_at)"
                 " VALUES ('v', 's', ?1, 'one', '', 'OBJECT_DETECTION', 0, 0)",
                 V(s->org)));
    MUST(sql_run(s->db,
                 "INSERT INTO pipeline (deployment_id, ct_set, ct_active, ct_project_id, ct_trigger, ct_threshold, ct_parameters,"
                 " cd_set, cd_active, cd_policy, ct_user_id) VALUES (?1, 1, 1, 'p', 'FEEDBACK_LOOP', 2, '{\"steps\":5}', 1, 1,"
                 " 'DEPLOY_SHADOW', ?2)",
                 V(s->deployment), V(s->user)));
    MUST(sql_run(
        s->db,
        "INSERT INTO label (id, org, dataset_version_id, name, position, created_at, n_shapes) VALUES ('l', ?1, 'v', 'cell', 0,"
        " 0, 30)",
        V(s->org)));
    MUST(sql_run(s->db, "INSERT INTO ct_dataset VALUES (?1, 'train', 'v', 0)", V(s->deployment)));
}

static const char *see(struct scene *s, const char *hash, bool once, int64_t at_ms)
{
    const struct sighting sighting = { .deployment_id = s->deployment,
                                       .org = s->org,
                                       .datalake_id = s->lake,
                                       .hash = hash,
                                       .filename = "a.jpg",
                                       .content_type = "image/jpeg",
                                       .size = 1,
                                       .width = 64,
                                       .height = 48,
                                       .orientation = 1,
                                       .once = once,
                                       .at_ms = at_ms };
    const char *id;
    MUST(predicted_asset_add(s->db, s->a, &sighting, &id));
    return id;
}

const char *scene_see(struct scene *s, const char *hash, bool once)
{
    return see(s, hash, once, 0);
}

const char *scene_see_at(struct scene *s, int64_t at_ms)
{
    return see(s, id_new(s->a), false, at_ms);
}

void scene_predict(struct scene *s, const char *predicted_asset_id, double latency, const struct predicted_shapes *shapes)
{
    const struct prediction_new n = { predicted_asset_id, s->version, false, latency, shapes };
    const char *id;
    MUST(prediction_add(s->db, s->a, s->deployment, &n, &id));
}

double scene_chance(int i, int salt)
{
    uint32_t x = (uint32_t)i * 2654435761U ^ (uint32_t)salt * 40503U;
    x ^= x >> 15;
    x *= 2246822519U;
    x ^= x >> 13;
    return x / 4294967296.0;
}

void scene_submit(struct scene *s, int n)
{
    for (int i = 0; i < n; i++)
        MUST(sql_run(s->db, "UPDATE predicted_asset SET status = 'SUBMITTED' WHERE id = ?1", V(scene_see(s, id_new(s->a), false))));
    MUST(retraining_consider(s->db, s->a, s->deployment, s->user));
}

const char *scene_experiment(struct scene *s)
{
    return scene_text(s, "SELECT experiment_id FROM retraining ORDER BY created_at DESC, id DESC LIMIT 1");
}

void scene_end(struct scene *s, const char *experiment, const char *status, bool model)
{
    if (model)
        MUST(sql_run(s->db,
                     "INSERT INTO artifact (id, experiment_id, name, filename, object_name, large, created_at)"
                     " VALUES (?1, ?2, 'model-latest', 'model.onnx', 'model.onnx', 0, 0)",
                     V(id_new(s->a)), V(experiment)));
    MUST(experiment_set_status(s->db, s->a, experiment, status, NULL));
}
