#include "learn/model/yolox.h"
#include <math.h>

enum { LEVELS = 3 }; /* strides 8, 16 and 32 */
/* MOMENTUM: trainings here are short; with 0.03, as published, the running statistics lag behind for hundreds of steps. */
static const float EPSILON = 1e-3f, MOMENTUM = 0.1f, PRIOR = 0.01f;

/* What is the same for all layers of one network. */
struct build {
    struct graph *g;
    struct arena *names;
    bool depthwise;
    int depth; /* blocks in a stage of three */
};

/* Names of layers are made of parts: "head.1" and "stem" make "head.1.stem". */
static const char *join(const struct build *b, const char *a, const char *part)
{
    return arena_fmt(b->names, "%s.%s", a, part);
}

static struct tensor *conv(const struct build *b, struct tensor *x, const char *name, int channels, int kernel, int stride,
                           int groups)
{
    x = nn_conv2d(b->g, x, join(b, name, "conv"), channels, kernel, stride, groups, false);
    x = nn_batch_norm(b->g, x, join(b, name, "bn"), EPSILON, MOMENTUM);
    return nn_silu(b->g, x);
}

/* A 3 × 3 convolution; in the depthwise networks one for each channel and then one across channels. */
static struct tensor *spatial(const struct build *b, struct tensor *x, const char *name, int channels, int stride)
{
    if (!b->depthwise)
        return conv(b, x, name, channels, 3, stride, 1);
    x = conv(b, x, join(b, name, "depth"), x->c, 3, stride, x->c);
    return conv(b, x, join(b, name, "point"), channels, 1, 1, 1);
}

static struct tensor *bottleneck(const struct build *b, struct tensor *x, const char *name, bool shortcut)
{
    struct tensor *y = conv(b, x, join(b, name, "conv1"), x->c, 1, 1, 1);
    y = spatial(b, y, join(b, name, "conv2"), x->c, 1);
    return shortcut ? nn_add(b->g, y, x) : y;
}

/* Cross-stage partial layer (Wang et al. 2020): half of the channels go through the blocks. */
static struct tensor *stage(const struct build *b, struct tensor *x, const char *name, int channels, int blocks, bool shortcut)
{
    struct tensor *through = conv(b, x, join(b, name, "conv1"), channels / 2, 1, 1, 1);
    struct tensor *past = conv(b, x, join(b, name, "conv2"), channels / 2, 1, 1, 1);
    for (int i = 0; i < blocks; i++)
        through = bottleneck(b, through, arena_fmt(b->names, "%s.block%d", name, i), shortcut);
    return conv(b, nn_concat(b->g, (struct tensor *[]){ through, past }, 2), join(b, name, "conv3"), channels, 1, 1, 1);
}

/* Spatial pyramid pooling over 5, 9 and 13 pixels: a pool of 5 once, twice and three times is the same. */
static struct tensor *pyramid(const struct build *b, struct tensor *x, const char *name)
{
    int channels = x->c;
    x = conv(b, x, join(b, name, "conv1"), channels / 2, 1, 1, 1);
    struct tensor *p5 = nn_max_pool(b->g, x, 5, 1, 2), *p9 = nn_max_pool(b->g, p5, 5, 1, 2), *p13 = nn_max_pool(b->g, p9, 5, 1, 2);
    return conv(b, nn_concat(b->g, (struct tensor *[]){ x, p5, p9, p13 }, 4), join(b, name, "conv2"), channels, 1, 1, 1);
}

/* ret: the features at strides 8, 16 and 32. */
static void backbone(const struct build *b, struct tensor *x, int base, struct tensor *ret[LEVELS])
{
    x = conv(b, nn_space_to_depth(b->g, x), "backbone.stem", base, 3, 1, 1);
    x = stage(b, spatial(b, x, "backbone.dark2.down", base * 2, 2), "backbone.dark2.csp", base * 2, b->depth, true);
    x = stage(b, spatial(b, x, "backbone.dark3.down", base * 4, 2), "backbone.dark3.csp", base * 4, b->depth * 3, true);
    ret[0] = x;
    x = stage(b, spatial(b, x, "backbone.dark4.down", base * 8, 2), "backbone.dark4.csp", base * 8, b->depth * 3, true);
    ret[1] = x;
    x = pyramid(b, spatial(b, x, "backbone.dark5.down", base * 16, 2), "backbone.dark5.spp");
    ret[2] = stage(b, x, "backbone.dark5.csp", base * 16, b->depth, false);
}

/* Path aggregation (Liu et al. 2018): down to fine features, then back up to coarse ones. */
static void neck(const struct build *b, struct tensor *f[LEVELS])
{
    int c0 = f[0]->c, c1 = f[1]->c, c2 = f[2]->c;
    struct tensor *lateral2 = conv(b, f[2], "neck.lateral2", c1, 1, 1, 1);
    struct tensor *x = nn_concat(b->g, (struct tensor *[]){ nn_upsample(b->g, lateral2, 2), f[1] }, 2);
    x = stage(b, x, "neck.down1", c1, b->depth, false);
    struct tensor *lateral1 = conv(b, x, "neck.lateral1", c0, 1, 1, 1);
    x = nn_concat(b->g, (struct tensor *[]){ nn_upsample(b->g, lateral1, 2), f[0] }, 2);
    f[0] = stage(b, x, "neck.down0", c0, b->depth, false);
    x = spatial(b, f[0], "neck.shrink0", c0, 2);
    f[1] = stage(b, nn_concat(b->g, (struct tensor *[]){ x, lateral1 }, 2), "neck.up1", c1, b->depth, false);
    x = spatial(b, f[1], "neck.shrink1", c1, 2);
    f[2] = stage(b, nn_concat(b->g, (struct tensor *[]){ x, lateral2 }, 2), "neck.up2", c2, b->depth, false);
}

static void head(const struct build *b, struct tensor *x, int i, int channels, struct network *n)
{
    const char *name = arena_fmt(b->names, "head%d", i);
    struct level *l = &n->levels[i];
    x = conv(b, x, join(b, name, "stem"), channels, 1, 1, 1);
    struct tensor *label = x, *box = x;
    for (int k = 0; k < 2; k++) {
        label = spatial(b, label, arena_fmt(b->names, "%s.label%d", name, k), channels, 1);
        box = spatial(b, box, arena_fmt(b->names, "%s.box%d", name, k), channels, 1);
    }
    l->label = nn_conv2d(b->g, label, join(b, name, "label_out"), n->labels, 1, 1, 1, true);
    l->box = nn_conv2d(b->g, box, join(b, name, "box_out"), 5, 1, 1, 1, true);
    nn_output(b->g, l->label, arena_fmt(b->names, "label%d", i));
    nn_output(b->g, l->box, arena_fmt(b->names, "box%d", i));
    l->stride = 8 << i;
    l->h = x->h;
    l->w = x->w;
}

void yolox_build(struct network *n)
{
    const struct model *m = n->model;
    int base = (int)(m->width * 64), depth = (int)lroundf(m->depth * 3);
    AUTO(arena) struct arena *names = arena_new();
    struct build b = { n->graph, names, m->depthwise, depth < 1 ? 1 : depth };
    struct tensor *f[LEVELS];
    n->input = nn_input(n->graph, "images", n->batch, n->frame.height, n->frame.width, 3);
    n->n_levels = LEVELS;
    backbone(&b, n->input, base, f);
    n->features = f[LEVELS - 1];
    neck(&b, f);
    for (int i = 0; i < LEVELS; i++)
        head(&b, f[i], i, base * 4, n);
}

void yolox_start(struct network *n)
{
    AUTO(arena) struct arena *a = arena_new();
    float bias = -logf((1 - PRIOR) / PRIOR);
    for (int i = 0; i < LEVELS; i++) {
        struct param *label = graph_param(n->graph, arena_fmt(a, "head%d.label_out.bias", i));
        struct param *box = graph_param(n->graph, arena_fmt(a, "head%d.box_out.bias", i));
        for (int c = 0; c < n->labels; c++)
            tensor_put(&label->value, TENSOR_VALUES, (size_t)c, &bias, 1);
        tensor_put(&box->value, TENSOR_VALUES, 4, &bias, 1);
    }
}
