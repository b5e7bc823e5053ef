/* log.h - the log of a training for programs. */
#pragma once
#include "learn/train/learn.h"

/* What a training from a folder tells, as JSON lines for programs. seconds and cpu_seconds (of all threads) count from the
 * beginning; seconds_evaluating is what the evaluations so far have taken of them. Without a path nothing is written. */
struct train_log;
MUST_USE enum err train_log_open(const char *path, struct train_log **ret);
void train_log_stepped(struct train_log *);                                              /* at every step */
void train_log_step(struct train_log *, const struct task *, const struct learn_step *); /* at those that are told */
void train_log_scores(struct train_log *, const struct task *, int64_t step, const char *const *labels, const struct scores *);
MUST_USE enum err train_log_close(struct train_log *); /* frees it */
