/* network.h - a network that is to be taught: built in the words of nn/; what it was asked for and where its answers are. */
#pragma once
#include "img/img.h"
#include "learn/data/box.h"
#include "learn/data/settings.h"
#include "nn/nn.h"

enum { LEVELS_MOST = 5, LABELS_MOST = 1000 };

/* Anchor-free detection at several strides (YOLOX, Ge et al. 2021, arXiv 2107.08430). For the cell (x, y) of a level the box has
 * its centre at ((x + tx), (y + ty)) * stride and the size (exp(tw), exp(th)) * stride, in pixels of the input. */
struct level {
    int stride, h, w;
    struct tensor *box;   /* N, h, w, 5: tx, ty, tw, th, logit of "an object" */
    struct tensor *label; /* N, h, w, labels: logits */
};
/* What a level says of one image, or the gradient of that, in the host's memory: h × w cells, 5 and `labels` values each. */
struct level_values {
    float *box, *label;
};
struct network {
    const struct model *model;
    struct graph *graph;
    struct tensor *input; /* N, height, width, 3 */
    int batch, labels;
    struct frame frame;
    int n_levels; /* detection; fine to coarse */
    struct level levels[LEVELS_MOST];
    struct tensor *logits;         /* classification: N, 1, 1, labels */
    const struct tensor *features; /* the deepest map of the trunk: what the network sees of an image, averaged over the places */
};

struct task; /* learn/task/task.h */
struct model {
    const char *name; /* "yolox-nano" */
    const struct task *task;
    const char *says;
    float depth, width; /* scaling of the number of blocks and of channels */
    bool depthwise;
    void (*build)(struct network *); /* graph is made; fills input, and levels or logits */
    void (*start)(struct network *); /* initial values that are not the layers' own, once parameters have memory; or NULL */
    const struct normalise *input;   /* what pixels become */
    int variant;                     /* row of its family's table of scaling */
    const char *weights;             /* ImageNet weights to start from (start.h), or NULL */
    int size, batch; /* of the input, where nobody asks for another, and images in a step; 0, here and below: as for all */
    double learning_rate;
};

/* shared: use the parameters of this network (of the same model and labels), or NULL. E_UNMEANT: the frame or the labels make no
 * sense. */
MUST_USE enum err network_new(const struct model *, int batch, struct frame, int labels, uint64_t seed, enum graph_use,
                              struct network *shared, struct network *ret);
MUST_USE enum err network_new_with(const struct model *, int batch, struct frame, int labels, uint64_t seed,
                                   const struct plan_options *, struct network *shared, struct network *ret);
void network_done(struct network *);

/* Of image i of the batch, for each level. */
void network_get(const struct network *, int i, struct arena *, struct level_values ret[LEVELS_MOST]);
void network_put_gradient(const struct network *, int i, const struct level_values gradient[LEVELS_MOST]);
