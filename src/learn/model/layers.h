/* layers.h - what several families of networks are put together from, and what is the same for all such layers of one network. */
#pragma once
#include "learn/model/network.h"

struct layers {
    struct graph *g;
    struct arena *names;
    float epsilon, momentum; /* of batch norms */
    struct tensor *(*act)(struct graph *, struct tensor *);
    enum padding_kind padding;
};

/* Names of layers are made of parts: "head.1" and "stem" make "head.1.stem". */
const char *layer_name(const struct layers *, const char *a, const char *part);
/* A convolution without bias and its batch norm: the parameters are name.conv.* and name.bn.*. */
struct tensor *layer_conv(const struct layers *, struct tensor *x, const char *name, struct conv_options);
struct tensor *layer_conv_act(const struct layers *, struct tensor *x, const char *name, struct conv_options);
/* The features of an image to a logit for each label: n->logits. Parameters: head.label_out.*. */
void layer_classify(const struct layers *, struct tensor *x, float dropout, struct network *);
