/* EfficientNet (Tan & Le 2019, arXiv 1905.11946): inverted residual blocks (Sandler et al. 2018) with squeeze-excitation (Hu et al.
 * 2018), one small network found by search and scaled in depth and width together. EfficientNet-Lite (Google, 2020) is the same for
 * processors that are slow at sigmoids: ReLU6 instead of SiLU, no squeeze-excitation, and stem, head and the number of blocks in
 * the first and the last stage as they are, however wide and deep the rest. */
#include "learn/model/efficientnet.h"
#include <math.h>

/* MOMENTUM: trainings here are short; with 0.01, as published, the running statistics lag behind for hundreds of steps. */
static const float EPSILON = 1e-3f, MOMENTUM = 0.1f;
enum { STEM = 32, HEAD = 1280, WHOLE = 8, SQUEEZE = 4 /* squeezed to a quarter of the block's input */ };

static const struct scaling {
    float width, depth;
    float dropout; /* share of the features that the classifier does without in a step (Srivastava et al. 2014) */
} scalings[] = {
    [LITE0] = { 1, 1, 0.2f },       [LITE1] = { 1, 1.1f, 0.2f },    [LITE2] = { 1.1f, 1.2f, 0.3f },
    [LITE3] = { 1.2f, 1.4f, 0.3f }, [LITE4] = { 1.4f, 1.8f, 0.3f }, [B0] = { 1, 1, 0.2f },
    [B1] = { 1, 1.1f, 0.2f },       [B2] = { 1.1f, 1.2f, 0.3f },    [B3] = { 1.2f, 1.4f, 0.3f },
};
static const struct stage {
    int kernel, blocks, stride, expand, channels;
    int level; /* where its features go: 1 + their place in `ret`, or 0 */
} stages[] = {
    { 3, 1, 1, 1, 16, 0 },  { 3, 2, 2, 6, 24, 0 },  { 5, 2, 2, 6, 40, 1 },  { 3, 3, 2, 6, 80, 0 },
    { 5, 3, 1, 6, 112, 2 }, { 5, 4, 2, 6, 192, 0 }, { 3, 1, 1, 6, 320, 3 },
};

/* The nearest multiple of 8, unless that takes more than a tenth away. */
static int scale_width(int variant, int channels)
{
    float wanted = scalings[variant].width * (float)channels;
    int n = (int)(wanted + WHOLE / 2.0f) / WHOLE * WHOLE;
    n = n < WHOLE ? WHOLE : n;
    return (float)n < 0.9f * wanted ? n + WHOLE : n;
}

static int scale_depth(int variant, const struct stage *s)
{
    bool kept = efficientnet_is_lite(variant) && (s == stages || s == &stages[COUNT_OF(stages) - 1]);
    return kept ? s->blocks : (int)ceilf(scalings[variant].depth * (float)s->blocks - 1e-4f);
}

/* One convolution across channels to many, one for each of these, and one back to few. */
static struct tensor *block(const struct layers *l, struct tensor *x, const char *name, const struct stage *s, int stride,
                            int channels, bool squeeze)
{
    struct tensor *y = x;
    int wide = x->c * s->expand;
    if (s->expand > 1)
        y = layer_conv_act(l, y, layer_name(l, name, "expand"), (struct conv_options){ wide, 1 });
    y = layer_conv_act(l, y, layer_name(l, name, "depthwise"), (struct conv_options){ wide, s->kernel, stride, .groups = wide });
    if (squeeze)
        y = nn_squeeze_excite(l->g, y, layer_name(l, name, "squeeze"), x->c / SQUEEZE, nn_silu, nn_sigmoid);
    y = layer_conv(l, y, layer_name(l, name, "project"), (struct conv_options){ channels, 1 });
    return stride == 1 && x->c == channels ? nn_add(l->g, y, x) : y;
}

struct layers efficientnet_layers(struct graph *g, struct arena *names, int variant)
{
    return (struct layers){ g, names, EPSILON, MOMENTUM, efficientnet_is_lite(variant) ? nn_relu6 : nn_silu, PAD_SAME };
}

void efficientnet_backbone(const struct layers *l, int variant, struct tensor *x, struct tensor *ret[3])
{
    bool lite = efficientnet_is_lite(variant);
    int number = 0;
    x = layer_conv_act(l, x, "backbone.stem", (struct conv_options){ lite ? STEM : scale_width(variant, STEM), 3, 2 });
    for (const struct stage *s = stages; s < stages + COUNT_OF(stages); s++) {
        for (int i = 0; i < scale_depth(variant, s); i++, number++)
            x = block(l, x, arena_fmt(l->names, "backbone.block%d", number), s, i ? 1 : s->stride,
                      scale_width(variant, s->channels), !lite);
        if (s->level)
            ret[s->level - 1] = x;
    }
}

void efficientnet_build(struct network *n)
{
    AUTO(arena) struct arena *names = arena_new();
    int variant = n->model->variant;
    struct layers l = efficientnet_layers(n->graph, names, variant);
    struct tensor *f[3];
    n->input = nn_input(n->graph, "images", n->batch, n->frame.height, n->frame.width, 3);
    efficientnet_backbone(&l, variant, n->input, f);
    int wide = efficientnet_is_lite(variant) ? HEAD : scale_width(variant, HEAD);
    layer_classify(&l, layer_conv_act(&l, f[2], "head", (struct conv_options){ wide, 1 }), scalings[variant].dropout, n);
}
