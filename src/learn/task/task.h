/* task.h - what a network can be taught to do: one row each. The trainer and its logs know a task by its row only. */
#pragma once
#include "learn/data/augment.h"
#include "learn/model/network.h"
#include "learn/onnx/onnx_ops.h"

enum { LOSS_PARTS = 4, SCORES_MOST = 8, COLUMNS_MOST = 8, BARS_MOST = 2 };

/* Sums over images, so that the parts of a batch can be added; divided by `share` they are what people are told. */
struct task_loss {
    double part[LOSS_PARTS];
    int64_t share; /* what the gradient is divided by too: matched cells, or images */
};

/* An image of an evaluation and what a network said about it. */
struct judged {
    const struct sample *sample;
    float scale_x, scale_y; /* pixels of the network's input for a pixel of the image */
    const void *answer;     /* of read() */
};
/* What an evaluation found. -1: there was nothing to find it from. */
struct scores {
    int64_t images;                   /* 0: there was no evaluation */
    double value[SCORES_MOST];        /* as the task's `values` */
    double (*of_label)[COLUMNS_MOST]; /* as the task's `columns`; a row for each label and one for all of them; the arena's */
    int n_labels;
    int64_t *confusion; /* labels × labels: how many images of label [row] were said to be of label [column]; NULL: no such thing */
};
struct scores scores_copy(const struct scores *, struct arena *);

struct doubts;
struct task {
    const char *name;           /* as in ONNX files: "detect" */
    const char *type;           /* of a model version that does it: "OBJECT_DETECTION" */
    int64_t shown;              /* images, in a training whose length nobody states */
    bool whole;                 /* an image is annotated as a whole: crops of it keep their label, mosaics make no sense */
    const char *resize;         /* how an image becomes the input, as in ONNX files: "letterbox", "stretch" */
    const char *thing, *things; /* what an image is annotated with */
    const char *losses[LOSS_PARTS];
    const char *values[SCORES_MOST];   /* the first is the one that counts; the higher, the better */
    int curves;                        /* how many of the values are followed through a training; the others are told at its end */
    const char *columns[COLUMNS_MOST]; /* the first counts things */
    struct {
        const char *name;
        int column;
    } bars[BARS_MOST]; /* columns that are drawn as well */

    void (*defaults)(struct settings *); /* where they differ from the table's; or NULL */
    /* Adds the things of each label. */
    void (*count)(const struct sample *, int64_t *of_label);
    /* Adds the loss of image i of the network's batch to sum and writes the gradient of its part of the outputs. */
    void (*learn)(const struct network *, int i, const struct example *, const struct settings *, struct task_loss *sum);
    /* An image as it is served, as the network's input; it has been scaled to fit. */
    enum err (*show)(const struct network *, const struct picture *, float *pixels);
    /* What the network says about image i of its batch, from the arena. */
    void *(*read)(const struct network *, int i, struct arena *);
    void (*score)(const struct judged *, size_t n, int labels, const struct settings *, struct arena *, struct scores *ret);
    /* Adds the annotations of these images that do not look right. */
    void (*doubt)(const struct judged *, size_t n, int labels, struct doubts *);
    /* What follows the network's outputs in an ONNX file, to the outputs of the file, and the members that say how to read them. */
    void (*write)(struct onnx *, const struct onnx_names *, const struct network *);
    void (*describe)(struct out *);
};
extern const struct task task_detect, task_classify;
