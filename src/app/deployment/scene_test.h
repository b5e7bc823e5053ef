/* scene_test.h - for tests: a deployment, of a trained version. */
#pragma once
#include "app/deployment/deployment.h"

struct scene {
    struct sql *db;
    struct arena *a;
    const char *org, *user, *lake, *model, *version, *deployment;
};

void scene_begin(struct scene *, struct arena *); /* a deployment without a pipeline, which nobody has heard of yet */
/* One with all pipelines set up: continuous training after two submitted reviews. */
void scene_open(struct scene *, struct arena *);
const char *scene_text(struct scene *, const char *sql); /* the first value; "NULL" */
int64_t scene_number(struct scene *, const char *sql);
/* An image that the champion saw; its bytes are told apart by the hash. */
const char *scene_see(struct scene *, const char *hash, bool once);
const char *scene_see_at(struct scene *, int64_t at_ms); /* one of its own, at that time */
/* What the champion said of it. */
void scene_predict(struct scene *, const char *predicted_asset_id, double latency, const struct predicted_shapes *);
double scene_chance(int i, int salt);         /* from 0 to 1, without an order, the same for the same numbers */
void scene_submit(struct scene *, int n);     /* that many new images were reviewed and sent back */
const char *scene_experiment(struct scene *); /* of the last training */
void scene_end(struct scene *, const char *experiment, const char *status, bool model); /* model: it has stored one */
