/* scene_test.h - for tests: a deployment with its pipelines. */
#pragma once
#include "app/deployment/deployment.h"

/* A deployment of a trained version, with all pipelines set up: continuous training after two submitted reviews. */
struct scene {
    struct sql *db;
    struct arena *a;
    const char *org, *user, *lake, *model, *version, *deployment;
};

void scene_open(struct scene *, struct arena *);
const char *scene_text(struct scene *, const char *sql); /* the first value; "NULL" */
/* An image that the champion saw; its bytes are told apart by the hash. */
const char *scene_see(struct scene *, const char *hash, bool once);
void scene_submit(struct scene *, int n);     /* that many new images were reviewed and sent back */
const char *scene_experiment(struct scene *); /* of the last training */
void scene_end(struct scene *, const char *experiment, const char *status, bool model); /* model: it has stored one */
