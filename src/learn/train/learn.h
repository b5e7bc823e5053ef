/* learn.h - images in, trained model out. */
#pragma once
#include "learn/data/data.h"
#include "learn/data/loader.h"
#include "learn/task/task.h"
#include "learn/train/diagnosis.h"

struct learn_step {
    int64_t step, steps;           /* steps done, steps in all */
    double loss, part[LOSS_PARTS]; /* all of it, and the parts that the task names */
    double learning_rate, images_per_second;
    double gradient; /* its length, before clipping */
    double waited;   /* share of the time since the training began that went by waiting for images */
};
/* How a training tells what it does. One at a time; say() and go_on() also from threads that read images. */
struct learn_watch {
    void (*say)(void *with, const char *line);
    void (*chosen)(void *with, const struct settings *); /* before the first step: with what nobody had set; or NULL */
    void (*step)(void *with, const struct learn_step *);
    void (*evaluated)(void *with, int64_t step, const struct scores *);
    void (*examined)(void *with, const struct finding *, int n, const struct doubts *); /* at the end; or NULL */
    bool (*go_on)(void *with); /* asked at every step and image; false: stop with E_CANCELLED, after a checkpoint */
    void *with;
};
struct learn_job {
    const struct model *model;
    const struct settings *settings;
    const char *const *labels;
    int n_labels;
    struct samples train, eval; /* eval.n may be 0 */
    const char *dir; /* checkpoint.safetensors, model.onnx and config.json go here; a checkpoint that is there is gone on from */
    const char *start_from; /* a checkpoint whose weights are taken where they fit, or NULL */
    int threads;
    size_t memory;             /* bytes for decoded images */
    double checkpoint_seconds; /* 0: at the end only */
    struct decoder *decoder;
    struct learn_watch watch;
};

/* scores: of the last evaluation, in memory of the arena; images is 0 without one. E_UNMEANT: the data cannot be trained on, and
 * why. E_CANCELLED: stopped by go_on(); the same call goes on from there. */
MUST_USE enum err learn_train(const struct learn_job *, struct arena *, struct scores *ret);
