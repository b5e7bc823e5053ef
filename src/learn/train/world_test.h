/* world_test.h - a small training for tests: a few made-up images, the smallest network, and everything that it says. */
#pragma once
#include "learn/train/learn.h"

enum { IMAGES = 6 };

struct world {
    struct arena *arena;
    struct decoder *decoder;
    char dir[64];
    struct settings settings, chosen; /* chosen: told before the first step */
    struct learn_job job;
    struct learn_step last;
    int64_t stop_at, chosen_at;
    int evaluations, findings;
    struct doubts doubts;
    void (*stepped)(struct world *); /* after each step; or NULL */
    struct text said;
};
void world_init(struct world *);
void auto_world(struct world *);
/* Trains in dir/name and answers the bytes of the ONNX file; stop_at: interrupted there once, and gone on with. */
char *world_train(struct world *, const char *name, int64_t stop_at, size_t *ret_n);
void world_in(struct world *, const char *name); /* the next training is in that folder */
