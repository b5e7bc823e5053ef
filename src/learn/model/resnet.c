/* ResNet (He et al. 2016, arXiv 1512.03385) with 18 layers: pairs of 3 × 3 convolutions whose input is added to their output. */
#include "learn/model/resnet.h"
#include "learn/model/layers.h"

static const float EPSILON = 1e-5f, MOMENTUM = 0.1f;
enum { STEM = 64, STAGES = 4, BLOCKS = 2 };

/* Where the size changes, the input is brought to it by a 1 × 1 convolution. */
static struct tensor *block(const struct layers *l, struct tensor *x, const char *name, int channels, int stride)
{
    struct tensor *y = layer_conv_act(l, x, layer_name(l, name, "conv1"), (struct conv_options){ channels, 3, stride });
    y = layer_conv(l, y, layer_name(l, name, "conv2"), (struct conv_options){ channels, 3 });
    if (stride != 1 || x->c != channels)
        x = layer_conv(l, x, layer_name(l, name, "shortcut"), (struct conv_options){ channels, 1, stride });
    return l->act(l->g, nn_add(l->g, y, x));
}

void resnet18_build(struct network *n)
{
    AUTO(arena) struct arena *names = arena_new();
    struct layers l = { n->graph, names, EPSILON, MOMENTUM, nn_relu, PAD_HALF };
    n->input = nn_input(n->graph, "images", n->batch, n->frame.height, n->frame.width, 3);
    struct tensor *x = layer_conv_act(&l, n->input, "backbone.stem", (struct conv_options){ STEM, 7, 2 });
    x = nn_max_pool(n->graph, x, 3, 2, 1);
    for (int i = 0; i < STAGES * BLOCKS; i++) {
        int stage = i / BLOCKS, k = i % BLOCKS;
        x = block(&l, x, arena_fmt(names, "backbone.stage%d.block%d", stage, k), STEM << stage, stage && !k ? 2 : 1);
    }
    layer_classify(&l, x, 0, n);
}
