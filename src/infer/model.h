/* model.h - what the pool and a model's process say to each other; private to infer/. */
#pragma once
#include "base/child.h"
#include "blob/blob.h"
#include "infer/boxes.h"
#include "infer/infer.h"

enum { WHY_SIZE = 1500, TOLD_MOST = 100 << 10, SPOTS_MOST = 60000 };
extern const char *const model_kinds[4]; /* FOUND_BOXES … */
/* A model is loaded by OPEN (its file), which answers the names of the files in which its tensors lie, BESIDE for each of them that
 * is there, and LOAD. */
enum model_task {
    MODEL_OPEN = 1,
    MODEL_BESIDE,
    MODEL_LOAD,
    MODEL_DESCRIBE,
    MODEL_PREDICT,
    MODEL_SIGNATURE,
    MODEL_RUN,
    MODEL_KEEP,
    MODEL_TELL,
    MODEL_SEE
};
struct model_request {
    enum model_task task; /* OPEN, BESIDE, PREDICT, RUN and KEEP come with a descriptor */
    double min_score, limit_s;
    char hash[HASH_SIZE]; /* of the file to OPEN or that is BESIDE */
    int image, slot;      /* of KEEP, TELL and SEE (trial.h) */
    size_t n_told;        /* bytes that follow: the name of what is BESIDE; what is told about the model to LOAD or TELL */
};
/* Followed by n_bytes: names, each ended by a NUL; n_items detections, n_spots points and n_features numbers; JSON, or a signature.
 * What does not fit into a message goes on in the next ones. */
struct model_reply {
    enum err e;
    char why[WHY_SIZE];
    int width, height;
    int kind; /* index of model_kinds[] */
    double decode_s, run_s, post_s;
    double cpu_s; /* of the processors, within run_s */
    size_t n_bytes, n_items, n_spots, n_features;
};
enum { ANSWER_SIZE = 1 << 20, MODEL_PAYLOAD = ANSWER_SIZE - (int)sizeof(struct model_reply), MODEL_BYTES = 1 << 30 };

/* What was found, on its way into a reply. */
struct answered {
    struct detection items[DETECTIONS_MOST];
    struct spot spots[SPOTS_MOST];
    struct found found;
    const float *features;
};
void answered_init(struct answered *);
void answered_told(const struct answered *, struct model_reply *); /* how much there is */

/* The role of the process. threads: of a run; more than one of them spin while they wait for each other. */
_Noreturn void model_child(int threads);
