/* lite0_fpn.h - a detector that is built for the comparison with PyTorch only: EfficientNet-Lite 0 without its classifier, a
 * feature pyramid of 64 channels (Lin et al. 2017) at strides 8, 16 and 32, and on each level a 3 × 3 convolution for the labels
 * and one for the boxes. training_peer.py has the same. */
#pragma once
#include "learn/model/efficientnet.h"
#include "learn/models.h"
#include <string.h>

enum { FPN_CHANNELS = 64, FPN_LEVELS = 3 };

static void lite0_fpn_head(const struct layers *l, struct tensor *x, int i, struct network *n)
{
    struct conv_options spatial = { FPN_CHANNELS, 3 };
    struct tensor *label = layer_conv_act(l, x, arena_fmt(l->names, "head%d.label", i), spatial);
    struct tensor *box = layer_conv_act(l, x, arena_fmt(l->names, "head%d.box", i), spatial);
    label = nn_conv2d(l->g, label, arena_fmt(l->names, "head%d.label_out", i), n->labels, 1, 1, 1, true);
    box = nn_conv2d(l->g, box, arena_fmt(l->names, "head%d.box_out", i), 5, 1, 1, 1, true);
    n->levels[i] = (struct level){ .stride = 8 << i, .h = x->h, .w = x->w, .box = box, .label = label };
    nn_output(l->g, label, arena_fmt(l->names, "label%d", i));
    nn_output(l->g, box, arena_fmt(l->names, "box%d", i));
}

static void lite0_fpn_build(struct network *n)
{
    AUTO(arena) struct arena *names = arena_new();
    struct layers l = efficientnet_layers(n->graph, names, LITE0);
    struct tensor *f[FPN_LEVELS];
    l.padding = PAD_HALF;
    n->input = nn_input(n->graph, "images", n->batch, n->frame.height, n->frame.width, 3);
    efficientnet_backbone(&l, LITE0, n->input, f);
    for (int i = FPN_LEVELS; i-- > 0;) {
        f[i] = layer_conv(&l, f[i], arena_fmt(names, "lateral%d", i), (struct conv_options){ FPN_CHANNELS, 1 });
        if (i + 1 < FPN_LEVELS)
            f[i] = nn_add(n->graph, f[i], nn_upsample(n->graph, f[i + 1], 2));
    }
    n->n_levels = FPN_LEVELS;
    for (int i = 0; i < FPN_LEVELS; i++)
        lite0_fpn_head(&l, f[i], i, n);
}

static const struct model lite0_fpn = { .name = "lite0-fpn", .build = lite0_fpn_build };

static inline const struct model *bench_model(const char *name)
{
    return strcmp(name, lite0_fpn.name) == 0 ? &lite0_fpn : model_find(name);
}
