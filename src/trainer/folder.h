/* folder.h - a training from a folder; private to trainer/folder*.c. */
#pragma once
#include "img/decoder.h"
#include "learn/models.h"
#include "trainer/files.h"
#include "trainer/trainer.h"

struct folder {
    const struct train_options *options;
    struct arena *arena;
    struct decoder *decoder;
    const struct model *model;
    struct settings settings;
    const char **labels;
    int n_labels;
    struct samples train, eval;
    struct train_log *log;
};

/* Labels, and images with what is annotated in them: those to learn from, and those of an evaluation if the folder or the options
 * set any apart. What is left out is told. E_UNMEANT: nothing can be learnt from there, and why. */
MUST_USE enum err folder_read(struct folder *);
