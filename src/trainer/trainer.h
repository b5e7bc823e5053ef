/* trainer.h - trainings as a program of its own: an experiment of a server, over HTTP only, or a folder of images. */
#pragma once
#include "base/fail.h"
#include <stddef.h>

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

/* From now on SIGINT and SIGTERM end a training in order. */
void train_listen(void);
