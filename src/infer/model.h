/* model.h - what the pool and a model's process say to each other; private to infer/. */
#pragma once
#include "base/child.h"
#include "blob/blob.h"
#include "infer/infer.h"

enum model_task { MODEL_LOAD = 1, MODEL_DESCRIBE, MODEL_PREDICT, MODEL_SIGNATURE, MODEL_RUN };
struct model_request {
    enum model_task task; /* LOAD, PREDICT and RUN come with a descriptor */
    double min_score, limit_s;
    char hash[HASH_SIZE]; /* of the model to load */
};
/* Followed by n_bytes: detections and then n_features numbers, JSON, or a signature. */
struct model_reply {
    enum err e;
    char why[500];
    int width, height;
    bool whole; /* a classifier's */
    double decode_s, run_s, post_s;
    size_t n_bytes, n_features;
};
enum { MODEL_PAYLOAD = MESSAGE_SIZE - (int)sizeof(struct model_reply), MODEL_BYTES = 1 << 30 };

/* The role of the process. */
_Noreturn void model_child(void);
