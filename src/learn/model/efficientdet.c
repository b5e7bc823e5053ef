/* EfficientDet (Tan et al. 2020, arXiv 1911.09070): an EfficientNet's features at strides 8 to 32 and two coarser ones, mixed up
 * and down the levels several times (BiFPN), then one head for all levels, whose batch norms alone each level has of its own. The
 * lite networks stand on an EfficientNet-Lite, with ReLU6, and add features as they are, where the others weight them by learned
 * numbers.
 *
 * What differs from the paper is what is asked of the head: a box, whether there is an object, and its label for each cell, as
 * YOLOX does (models.h), instead of nine anchors a cell with focal and Huber losses. Cells are matched to objects by what the
 * network says of them (SimOTA), so nobody has to choose anchors for his images, and a cell has a ninth of the answers to be
 * computed. */
#include "learn/model/efficientdet.h"
#include "learn/model/efficientnet.h"
#include <math.h>

static const float FUSION_EPSILON = 1e-4f, PRIOR = 0.01f;
enum { PYRAMID = 5, HEAD_MOST = 4 };

static const struct scaling {
    int channels, cells; /* of the BiFPN */
    int head;            /* convolutions before the last one */
} scalings[] = {
    [LITE0] = { 64, 3, 3 }, [LITE1] = { 88, 4, 3 }, [LITE2] = { 112, 5, 3 }, [LITE3] = { 160, 6, 4 }, [LITE4] = { 224, 7, 4 },
    [B0] = { 64, 3, 3 },    [B1] = { 88, 4, 3 },    [B2] = { 112, 5, 3 },    [B3] = { 160, 6, 4 },
};

struct build {
    struct layers l;
    const struct scaling *scaling;
    bool weighted;
};

/* To the channels of the BiFPN. */
static struct tensor *lateral(const struct build *b, struct tensor *x, const char *name)
{
    return layer_conv(&b->l, x, name, (struct conv_options){ b->scaling->channels, 1 });
}

static struct tensor *shrink(const struct build *b, struct tensor *x)
{
    return nn_max_pool_with(b->l.g, x, 3, 2, (struct padding){ PAD_SAME });
}

static struct tensor *grow(const struct build *b, struct tensor *x, const struct tensor *like)
{
    return nn_resize(b->l.g, x, like->h, like->w, false);
}

/* Features of one level to one: summed, activated, and a 3 × 3 convolution for each channel with a 1 × 1 across them. */
static struct tensor *fuse(const struct build *b, struct tensor *const *x, int n, const char *name)
{
    const struct layers *l = &b->l;
    struct tensor *y = x[0];
    if (b->weighted)
        y = nn_weighted_sum(l->g, x, n, layer_name(l, name, "fusion"), FUSION_EPSILON);
    for (int i = 1; i < n && !b->weighted; i++)
        y = nn_add(l->g, y, x[i]);
    int c = b->scaling->channels;
    y = nn_conv2d(l->g, l->act(l->g, y), layer_name(l, name, "depthwise.conv"), c, 3, 1, c, false);
    return layer_conv(l, y, layer_name(l, name, "point"), (struct conv_options){ c, 1 });
}

/* Down from coarse to fine, then up again, where each level also gets what it began with. fine, coarse: what the levels give on the
 * way down and on the way up; they differ in the first cell alone, where each comes from the backbone by a convolution of its own.
 */
static void cell(const struct build *b, struct tensor *const down[PYRAMID], struct tensor *const up[PYRAMID], int number,
                 struct tensor *ret[PYRAMID])
{
    struct tensor *middle[PYRAMID];
    middle[PYRAMID - 1] = down[PYRAMID - 1];
    for (int i = PYRAMID - 2; i >= 0; i--)
        middle[i] = fuse(b, (struct tensor *[]){ down[i], grow(b, middle[i + 1], down[i]) }, 2,
                         arena_fmt(b->l.names, "neck.cell%d.down%d", number, i));
    ret[0] = middle[0];
    for (int i = 1; i < PYRAMID; i++) {
        bool top = i == PYRAMID - 1;
        struct tensor *x[3] = { up[i], top ? shrink(b, ret[i - 1]) : middle[i], top ? NULL : shrink(b, ret[i - 1]) };
        ret[i] = fuse(b, x, top ? 2 : 3, arena_fmt(b->l.names, "neck.cell%d.up%d", number, i));
    }
}

static void neck(const struct build *b, struct tensor *const f[3], struct tensor *p[PYRAMID])
{
    struct tensor *up[PYRAMID] = { 0 }, *next[PYRAMID];
    for (int i = 0; i < 3; i++) {
        p[i] = lateral(b, f[i], arena_fmt(b->l.names, "neck.lateral%d", i));
        up[i] = i ? lateral(b, f[i], arena_fmt(b->l.names, "neck.lateral%d.up", i)) : NULL;
    }
    up[3] = p[3] = shrink(b, lateral(b, f[2], "neck.lateral3"));
    up[4] = p[4] = shrink(b, p[3]);
    for (int k = 0; k < b->scaling->cells; k++) {
        cell(b, p, k ? p : up, k, next);
        for (int i = 0; i < PYRAMID; i++)
            p[i] = next[i];
    }
}

/* A depthwise and a 1 × 1 convolution: new ones at the first level, with the same weights at the others. */
struct separable {
    struct tensor *depth, *point;
};
static struct tensor *separable(const struct build *b, struct tensor *x, const char *name, int channels, bool bias,
                                struct separable *s)
{
    struct graph *g = b->l.g;
    if (!s->point) {
        s->depth = nn_conv2d(g, x, layer_name(&b->l, name, "depthwise.conv"), x->c, 3, 1, x->c, false);
        return s->point = nn_conv2d(g, s->depth, layer_name(&b->l, name, "point.conv"), channels, 1, 1, 1, bias);
    }
    return nn_conv2d_again(g, nn_conv2d_again(g, x, s->depth), s->point);
}

/* What one level says through the head called name. */
static struct tensor *head(const struct build *b, struct tensor *x, const char *name, int level, int channels,
                           struct separable *shared)
{
    const struct layers *l = &b->l;
    for (int i = 0; i < b->scaling->head; i++) {
        const char *part = arena_fmt(l->names, "head.%s%d", name, i);
        x = separable(b, x, part, x->c, false, &shared[i]);
        x = nn_batch_norm(l->g, x, arena_fmt(l->names, "%s.level%d.bn", part, level), l->epsilon, l->momentum);
        x = l->act(l->g, x);
    }
    x = separable(b, x, arena_fmt(l->names, "head.%s_out", name), channels, true, &shared[HEAD_MOST]);
    nn_output(l->g, x, arena_fmt(l->names, "%s%d", name, level));
    return x;
}

void efficientdet_build(struct network *n)
{
    AUTO(arena) struct arena *names = arena_new();
    int variant = n->model->variant;
    struct build b = { efficientnet_layers(n->graph, names, variant), &scalings[variant], !efficientnet_is_lite(variant) };
    struct tensor *f[3], *p[PYRAMID];
    struct separable box[HEAD_MOST + 1] = { 0 }, label[HEAD_MOST + 1] = { 0 };
    n->input = nn_input(n->graph, "images", n->batch, n->frame.height, n->frame.width, 3);
    efficientnet_backbone(&b.l, variant, n->input, f);
    n->features = f[2];
    neck(&b, f, p);
    n->n_levels = PYRAMID;
    for (int i = 0; i < PYRAMID; i++) {
        struct level *level = &n->levels[i];
        level->label = head(&b, p[i], "label", i, n->labels, label);
        level->box = head(&b, p[i], "box", i, 5, box);
        level->stride = 8 << i;
        level->h = p[i]->h;
        level->w = p[i]->w;
    }
}

void efficientdet_start(struct network *n)
{
    float bias = -logf((1 - PRIOR) / PRIOR);
    struct param *label = graph_param(n->graph, "head.label_out.point.conv.bias");
    for (int c = 0; c < n->labels; c++)
        tensor_put(&label->value, TENSOR_VALUES, (size_t)c, &bias, 1);
    tensor_put(&graph_param(n->graph, "head.box_out.point.conv.bias")->value, TENSOR_VALUES, 4, &bias, 1);
}
