/* train.h - the parts of `saccade train`; private to cli/train*.c. */
#pragma once
#include "http/client.h"
#include "learn/learn.h"

struct train_options {
    const char *host, *token, *experiment, *work;                      /* an experiment on a server */
    const char *images, *annotations, *eval_list, *out, *model, *from; /* or a folder */
    const char *log;                                                   /* a file for JSON lines, or NULL */
    const char *set;                                                   /* "steps=400 batch_size=8" */
    int threads;
    size_t memory; /* bytes for decoded images */
};
MUST_USE enum err train_experiment(const struct train_options *);
MUST_USE enum err train_folder(const struct train_options *);

bool train_interrupted(void); /* SIGINT or SIGTERM came */
/* This program's own file. */
MUST_USE enum err train_self(struct arena *, const char **ret);
/* Takes out of samples (in place, order kept) a fifth for evaluation, by chance from the seed; where images have a label as a
 * whole, of each label. */
void train_split(struct arena *, struct samples *all, bool whole, uint64_t seed, struct samples *ret_eval);
struct classes {
    const char **labels;
    int n_labels;
    struct samples train, eval;
};
/* The images in the folders of a folder, each folder a label; sorted by label and name. Where it holds folders called train and val
 * (or as common) instead, these have the folders of labels. */
MUST_USE enum err train_classes(struct arena *, const char *dir, struct classes *ret);
void train_sort(struct samples *); /* by name, so that the order of pages or folders does not matter */
/* "mAP50 0.812, mAP50-95 0.455 …" */
const char *train_scores_text(struct arena *, const struct task *, const struct scores *);
/* Of sums and how many are summed: "box 1.402, objectness 0.871, class 0.512" */
const char *train_losses_text(struct arena *, const struct task *, const double *parts, double share);
/* Of a label: "boxes 120, AP50 0.812, AP50-95 0.455 …" */
const char *train_label_text(struct arena *, const struct task *, const double *row);

/* What a training from a folder tells, as JSON lines for programs. seconds and cpu_seconds (of all threads) count from the
 * beginning; seconds_evaluating is what the evaluations so far have taken of them. Without a path nothing is written. */
struct train_log;
MUST_USE enum err train_log_open(const char *path, struct train_log **ret);
void train_log_stepped(struct train_log *);                                              /* at every step */
void train_log_step(struct train_log *, const struct task *, const struct learn_step *); /* at those that are told */
void train_log_scores(struct train_log *, const struct task *, int64_t step, const char *const *labels, const struct scores *);
MUST_USE enum err train_log_close(struct train_log *); /* frees it */

/* Live logs of an experiment: gathered here, sent every second or so by a thread of its own, which also asks whether the experiment
 * was cancelled. A server that cannot be reached for a while costs nothing but delay. */
struct report;
MUST_USE enum err report_start(const char *host, const char *token, const char *experiment, struct report **ret);
void report_line(struct report *, const char *text);                             /* for the console; also to standard output */
void report_point(struct report *, const char *log, int64_t step, double value); /* of a LINE */
void report_log(struct report *, const char *name, const char *type, const char *data); /* replaces; data: JSON text */
bool report_cancelled(const struct report *);
/* Sends what is left, trying for up to two minutes, and ends the thread. Frees. */
MUST_USE enum err report_end(struct report *);
