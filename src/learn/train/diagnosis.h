/* diagnosis.h - what was wrong with a training, in plain words, and what to do about it. */
#pragma once
#include "learn/task/doubt.h"
#include "learn/task/task.h"

/* The training at an evaluation. */
struct note {
    int64_t step;
    double loss;  /* mean since the one before */
    double score; /* the task's first value, of the evaluation images */
};
struct facts {
    const struct task *task;
    const char *const *labels;
    int n_labels;
    const struct note *notes;
    int n_notes;
    int64_t steps, best_step;       /* planned; whose weights are kept */
    double train_score, eval_score; /* of these weights; -1: not known */
    size_t train_images, eval_images;
    size_t shared_images;                      /* of the evaluation, that are learnt from too */
    const int64_t *train_things, *eval_things; /* of each label */
    double small_share;                        /* of boxes that are under SMALL pixels at the network's size */
    int image_size, useful_size;               /* at which those would not be; as large as the images at most */
    const struct doubts *doubts;
};
enum { FINDINGS_MOST = 32, SMALL = 10 };
struct finding {
    const char *what, *says; /* "over-fitted", a sentence or two; the arena's */
};
/* At least one: that nothing stands out. */
int diagnose(const struct facts *, struct arena *, struct finding ret[FINDINGS_MOST]);
