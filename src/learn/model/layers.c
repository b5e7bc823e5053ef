#include "learn/model/layers.h"

const char *layer_name(const struct layers *l, const char *a, const char *part)
{
    return arena_fmt(l->names, "%s.%s", a, part);
}

struct tensor *layer_conv(const struct layers *l, struct tensor *x, const char *name, struct conv_options o)
{
    o.padding.kind = l->padding;
    x = nn_conv2d_with(l->g, x, layer_name(l, name, "conv"), o);
    return nn_batch_norm(l->g, x, layer_name(l, name, "bn"), l->epsilon, l->momentum);
}

struct tensor *layer_conv_act(const struct layers *l, struct tensor *x, const char *name, struct conv_options o)
{
    return l->act(l->g, layer_conv(l, x, name, o));
}

void layer_classify(const struct layers *l, struct tensor *x, float dropout, struct network *n)
{
    n->features = x;
    x = nn_global_pool(l->g, x);
    if (dropout > 0)
        x = nn_dropout(l->g, x, dropout);
    n->logits = nn_linear(l->g, x, "head.label_out", n->labels, true);
    nn_output(l->g, n->logits, "logits");
}
