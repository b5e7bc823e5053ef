#include "app/model/hub.h"
#include "base/clock.h"

struct hub_model {
    const char *id, *version_id, *context_id; /* fixed for all time, so that experiments keep their base model */
    const char *name, *says, *type, *framework;
    const char *parameters; /* typed defaults, as JSON */
};

static const struct hub_model hub[] = {
    { "019b0000-0000-7000-8000-000000000001", "019b0000-0000-7000-8000-000000000101", "019b0000-0000-7000-8000-000000000201",
      "yolox-nano", "Anchor-free object detection (Ge et al. 2021), 0.9 million weights: quick to train on a CPU.",
      "OBJECT_DETECTION", "ONNX",
      "{\"steps\":1500,\"batch_size\":8,\"learning_rate\":0.01,\"lr_type\":\"cosine\",\"decay_steps\":500,\"decay_factor\":0.9,"
      "\"staircase\":false,\"warmup_steps\":50,\"warmup_lr\":0.0,\"annotation_type\":\"rectangle\",\"image_size\":320,\"seed\":0,"
      "\"optimizer\":\"sgd\",\"momentum\":0.9,\"weight_decay\":0.0005,\"ema_decay\":0.998,\"eval_every\":0}" },
};

static enum err refresh(struct sql *db, const struct hub_model *h)
{
    int64_t now = clock_now_ms();
    TRY(sql_run(db,
                "INSERT INTO model (id, org, name, description, created_at, updated_at) VALUES (?1, NULL, ?2, ?3, ?4, ?4)"
                " ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description",
                V(h->id), V(h->name), V(h->says), V(now)));
    TRY(sql_run(db,
                "INSERT INTO model_version (id, model_id, version, name, description, type, framework, architecture, parameters, "
                "created_at, updated_at)"
                " VALUES (?1, ?2, 0, ?3, ?4, ?5, ?6, ?3, ?7, ?8, ?8) ON CONFLICT (id) DO UPDATE SET name = excluded.name,"
                " description = excluded.description, parameters = excluded.parameters",
                V(h->version_id), V(h->id), V(h->name), V(h->says), V(h->type), V(h->framework), V(h->parameters), V(now)));
    return sql_run(db,
                   "INSERT INTO model_context (id, model_version_id, datas, parameters) VALUES (?1, ?2, '[]', ?3)"
                   " ON CONFLICT (id) DO UPDATE SET parameters = excluded.parameters",
                   V(h->context_id), V(h->version_id), V(h->parameters));
}

enum err hub_first(struct sql *db)
{
    for (size_t i = 0; i < COUNT_OF(hub); i++)
        TRY(refresh(db, &hub[i]));
    return OK;
}
