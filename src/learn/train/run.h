/* run.h - a training while it runs, as its parts see it; private to train.c, judge.c, keep.c and examine.c. */
#pragma once
#include "base/team.h"
#include "learn/train/diagnosis.h"
#include "learn/train/learn.h"
#include "nn/optim.h"

enum { PARTS_MOST = 16, THREADS_MOST = 64, NOTES_MOST = 200 };

/* A replica of the network with its share of the batch. */
struct part {
    struct network net;
    struct task_loss loss;
};
struct run {
    const struct learn_job *job;
    const struct task *task;
    struct settings *set; /* what was to be chosen is chosen */
    struct arena *arena;
    struct team *team;
    struct gallery *train, *eval;
    struct frame frame; /* of the network's input */
    struct loader *loader;
    struct part part[PARTS_MOST];
    int parts, part_size;
    struct network judge[THREADS_MOST]; /* for evaluation: one image, one for each thread */
    struct optim *optim;
    struct schedule schedule;
    int64_t step;
    double rate; /* of the learning rate; halved after a loss that was no number */
    int retreats;
    int64_t went_back_to; /* the step to which it was gone back the last time; -1: never */
    const struct batch *batch;
    double saved_at, stepping, waited; /* seconds; all that steps took, and waiting for images in loaders that ended */
    int64_t saved_step;                /* of the checkpoint */
    bool save_failed;
    struct scores scores; /* of the last evaluation */
    struct arena *scored; /* where they are */
    const char *checkpoint, *best_path;
    /* How it went, for the diagnosis; kept in checkpoints. */
    struct note notes[NOTES_MOST];
    int n_notes;
    double loss_sum; /* since the last note */
    int64_t loss_n, best_step;
    double best;    /* the best score so far, at best_step; -1: none */
    int not_better; /* evaluations since then */
};

#define SAY(r, ...)                                                                                                                \
    do {                                                                                                                           \
        AUTO(arena) struct arena *say_ = arena_new();                                                                              \
        (r)->job->watch.say((r)->job->watch.with, arena_fmt(say_, __VA_ARGS__));                                                   \
    } while (0)

static inline bool run_goes_on(const struct run *r)
{
    return r->job->watch.go_on(r->job->watch.with);
}

/* ---- keep.c: checkpoints, and what is made in the end */

/* Goes on from an interrupted training, or starts from another model's weights, or from ImageNet's, or from nothing. */
MUST_USE enum err run_begin(struct run *);
/* batch_size and image_size of the training that is gone on with, where the settings leave them open. */
MUST_USE enum err run_recall_sizes(struct run *, struct settings *);
/* What cannot be written is told, and tried again the next time: the training goes on. */
void run_save(struct run *);
MUST_USE enum err run_save_now(struct run *); /* the same, but a failure counts */
/* The state of that checkpoint, all of it. E_UNMEANT: there is none, or it is of something else; nothing has changed then. */
MUST_USE enum err run_load(struct run *, const char *path);
bool run_save_best(struct run *); /* false: it could not be written, which was told */
/* model.onnx, weights.safetensors and config.json, of the averaged weights. */
MUST_USE enum err run_export(struct run *);

/* ---- judge.c: what the averaged weights say about images */

struct verdicts {
    struct judged *images; /* those that could be read */
    size_t n;
    struct arena **arena; /* what was found in each lies there */
    size_t n_arenas;
};
void auto_verdicts(struct verdicts *);
/* Of n images of the gallery, evenly taken. E_CANCELLED: stopped. */
MUST_USE enum err run_judge(struct run *, struct gallery *, size_t n, struct verdicts *ret);
/* On all images of the evaluation version, into r->scores. */
MUST_USE enum err run_evaluate(struct run *);
/* In the end: back to the weights of the best evaluation, with its scores. */
MUST_USE enum err run_keep_best(struct run *);

/* ---- examine.c: the diagnosis and the suspicious annotations */
MUST_USE enum err run_examine(struct run *);
