/* One test for all operators, and small networks that use them together: the gradients of the plain loops against finite
 * differences, every kernel against the plain loops. */
#include "base/test.h"
#include "nn/graph.h"
#include <math.h>
#include <stdlib.h>

struct sample {
    const char *name;
    int n, h, w, c;                                                                   /* of the input */
    struct tensor *(*build)(struct graph *, struct tensor *x, const struct sample *); /* or NULL, and a layer that takes no more: */
    int out, kernel, stride, groups;
    bool bias, pools;
    int dilation;
    enum padding_kind padding;
    struct tensor *(*layer)(struct graph *, struct tensor *x);
    const char *by; /* the kernel that its first step must have, or NULL */
};

static struct tensor *conv(struct graph *g, struct tensor *x, const struct sample *s)
{
    return nn_conv2d(g, x, "conv", s->out, s->kernel, s->stride, s->groups, s->bias);
}
static struct tensor *conv_with(struct graph *g, struct tensor *x, const struct sample *s)
{
    return nn_conv2d_with(
        g, x, "conv",
        (struct conv_options){ s->out, s->kernel, s->stride, s->dilation, s->groups, s->bias, { s->padding, 2, 0, 1, 3 } });
}
static struct tensor *shifted(struct graph *g, struct tensor *x, const struct sample *s)
{
    return nn_conv2d_with(g, x, "conv",
                          (struct conv_options){ s->out, s->kernel, s->stride, .padding = { PAD_GIVEN, 2, 0, 1, 2 } });
}
static struct tensor *conv_beside(struct graph *g, struct tensor *x, const struct sample *s) /* adds to the gradient of x */
{
    struct tensor *y = conv(g, x, s);
    return nn_add(g, y, nn_sigmoid(g, x));
}
static struct tensor *conv_again(struct graph *g, struct tensor *x, const struct sample *s)
{
    struct tensor *y = conv(g, x, s), *small = nn_conv2d_again(g, nn_max_pool(g, x, 2, 2, 0), y);
    return nn_mul(g, y, nn_sigmoid(g, nn_global_pool(g, small)));
}
static struct tensor *norm(struct graph *g, struct tensor *x, const struct sample *s)
{
    (void)s;
    return nn_batch_norm(g, x, "norm", 1e-3f, 0.03f);
}
static struct tensor *frozen(struct graph *g, struct tensor *x, const struct sample *s)
{
    (void)s;
    return nn_silu(g, nn_batch_norm_frozen(g, nn_batch_norm_frozen(g, x, "frozen", 1e-3f), "next", 1e-3f));
}
static struct tensor *mul(struct graph *g, struct tensor *x, const struct sample *s)
{
    (void)s;
    return nn_mul(g, x, nn_sigmoid(g, nn_mul(g, x, x)));
}
static struct tensor *scale(struct graph *g, struct tensor *x, const struct sample *s)
{
    (void)s;
    return nn_mul(g, x, nn_sigmoid(g, nn_global_pool(g, x)));
}
static struct tensor *slice(struct graph *g, struct tensor *x, const struct sample *s)
{
    return nn_concat(g, (struct tensor *[]){ nn_slice(g, x, 1, s->out), nn_sigmoid(g, nn_slice(g, x, 0, s->out)) }, 2);
}
static struct tensor *weighted_sum(struct graph *g, struct tensor *x, const struct sample *s)
{
    return nn_weighted_sum(g, (struct tensor *[]){ x, nn_sigmoid(g, x), x }, s->out, "fuse", 1e-4f);
}
static struct tensor *excite(struct graph *g, struct tensor *x, const struct sample *s)
{
    return nn_squeeze_excite(g, x, "se", s->out, nn_relu, nn_hard_sigmoid);
}
static struct tensor *dropout(struct graph *g, struct tensor *x, const struct sample *s)
{
    (void)s;
    return nn_dropout(g, x, 0.4f);
}
static struct tensor *drop_path(struct graph *g, struct tensor *x, const struct sample *s)
{
    (void)s;
    return nn_add(g, nn_drop_path(g, x, 0.3f), x);
}
/* Values and gradients that may lie inside a concatenation or where others do. */
static struct tensor *in_place(struct graph *g, struct tensor *x, const struct sample *s)
{
    struct tensor *a = nn_drop_path(g, nn_relu(g, nn_batch_norm(g, x, "norm", 1e-3f, 0.03f)), 0.2f);
    struct tensor *b = nn_mul(g, a, nn_hard_sigmoid(g, nn_global_pool(g, a))), *c = nn_sigmoid(g, nn_slice(g, b, 1, s->c - 1));
    struct tensor *d = nn_resize(g, nn_avg_pool(g, b, 3, 2, (struct padding){ PAD_SAME }), s->h, s->w, true);
    return nn_concat(
        g, (struct tensor *[]){ nn_hard_swish(g, b), c, nn_slice(g, c, 0, 2), d, nn_dropout(g, nn_mul(g, d, b), 0.3f) }, 5);
}
static struct tensor *add(struct graph *g, struct tensor *x, const struct sample *s)
{
    (void)s;
    return nn_add(g, x, nn_sigmoid(g, nn_add(g, x, x)));
}
static struct tensor *pool(struct graph *g, struct tensor *x, const struct sample *s)
{
    return nn_max_pool(g, x, s->kernel, s->stride, s->kernel / 2);
}
static struct tensor *pool_with(struct graph *g, struct tensor *x, const struct sample *s)
{
    return nn_max_pool_with(g, x, s->kernel, s->stride, (struct padding){ s->padding, 2, 0, 1, 2 });
}
static struct tensor *avg_pool(struct graph *g, struct tensor *x, const struct sample *s)
{
    return nn_avg_pool(g, x, s->kernel, s->stride, (struct padding){ s->padding, 2, 0, 1, 2 });
}
static struct tensor *nearest(struct graph *g, struct tensor *x, const struct sample *s)
{
    return nn_resize(g, x, s->kernel, s->out, false);
}
static struct tensor *bilinear(struct graph *g, struct tensor *x, const struct sample *s)
{
    return nn_resize(g, x, s->kernel, s->out, true);
}
static struct tensor *transposed(struct graph *g, struct tensor *x, const struct sample *s)
{
    return nn_conv_transpose(
        g, x, "up", (struct conv_options){ s->out, s->kernel, s->stride, .bias = s->bias, .padding = { s->padding, 1, 0, 0, 1 } });
}
static struct tensor *upsample(struct graph *g, struct tensor *x, const struct sample *s)
{
    return nn_upsample(g, x, s->kernel);
}
static struct tensor *concat(struct graph *g, struct tensor *x, const struct sample *s)
{
    (void)s;
    return nn_concat(g, (struct tensor *[]){ x, nn_sigmoid(g, x), nn_upsample(g, nn_max_pool(g, x, 2, 2, 0), 2), x }, 4);
}
static struct tensor *unit(struct graph *g, struct tensor *x, const char *name, int out, int kernel, int stride, int groups)
{
    char text[64];
    snprintf(text, sizeof text, "%s.conv", name);
    x = nn_conv2d(g, x, text, out, kernel, stride, groups, false);
    snprintf(text, sizeof text, "%s.bn", name);
    return nn_silu(g, nn_batch_norm(g, x, text, 1e-3f, 0.03f));
}
static struct tensor *linear_unit(struct graph *g, struct tensor *x, const struct sample *s)
{
    return nn_batch_norm(g, nn_conv2d(g, x, "conv", s->out, s->kernel, s->stride, s->groups, s->bias), "bn", 1e-3f, 0.03f);
}
static struct tensor *relu_unit(struct graph *g, struct tensor *x, const struct sample *s)
{
    return nn_relu(g, linear_unit(g, x, s));
}
static struct tensor *relu6_unit(struct graph *g, struct tensor *x, const struct sample *s)
{
    x = nn_relu6(g, linear_unit(g, x, s));
    param_fill(graph_param(g, "bn.weight"), 5); /* so that it clips */
    return x;
}
static struct tensor *unit_alone(struct graph *g, struct tensor *x, const struct sample *s)
{
    return unit(g, x, "unit", s->out, s->kernel, s->stride, s->groups);
}
/* What YOLOX is made of: two branches of one value, a shortcut, concatenations that can and cannot be written in place. */
static struct tensor *stage(struct graph *g, struct tensor *x, const struct sample *s)
{
    x = unit(g, x, "stem", s->out, 3, 1, 1);
    struct tensor *a = unit(g, x, "a", s->out, 1, 1, 1), *b = unit(g, x, "b", s->out, 1, 1, 1);
    struct tensor *c = unit(g, unit(g, a, "c1", s->out, s->kernel, 1, s->out), "c2", s->out, 1, 1, 1);
    struct tensor *y = unit(g, nn_concat(g, (struct tensor *[]){ nn_add(g, c, a), b }, 2), "d", s->out, 1, 1, 1);
    struct tensor *down = unit(g, y, "down", 2 * s->out, s->kernel, 2, s->out);
    if (s->pools)
        down = nn_concat(g, (struct tensor *[]){ down, nn_max_pool(g, down, 3, 1, 1), nn_max_pool(g, down, 5, 1, 2) }, 3);
    struct tensor *up = nn_upsample(g, unit(g, down, "lateral", s->out, 1, 1, 1), 2);
    return nn_conv2d(g, nn_concat(g, (struct tensor *[]){ up, y }, 2), "last", 3, 1, 1, 1, true);
}

static const struct sample samples[] = {
    { "conv2d", 2, 5, 6, 3, conv, 4, 3, 1, 1, true },
    { "conv2d", 2, 6, 7, 4, conv, 5, 3, 2, 1, false },
    { "conv2d", 1, 4, 4, 7, conv, 17, 1, 1, 1, true },
    { "conv2d", 2, 7, 5, 5, conv, 5, 3, 1, 5, false },
    { "conv2d", 1, 8, 8, 17, conv, 17, 3, 2, 17, false },
    { "conv2d", 2, 6, 6, 16, conv, 16, 5, 1, 16, false },
    { "conv2d", 1, 9, 8, 3, conv, 3, 5, 2, 3, true },
    { "conv2d", 1, 5, 5, 6, conv, 4, 3, 1, 2, false },
    { "conv2d", 1, 19, 18, 32, conv, 32, 3, 1, 32, false },
    { "conv2d", 2, 8, 8, 24, conv, 40, 1, 1, 1, false },
    { "conv2d", 1, 6, 6, 12, conv, 16, 3, 1, 1, false },
    { "conv2d", 1, 11, 10, 33, conv, 33, 3, 2, 33, false },
    { "conv2d", 2, 7, 6, 3, conv_with, 4, 3, 2, .padding = PAD_SAME },
    { "conv2d", 1, 6, 6, 8, conv_with, 16, 3, 2, .padding = PAD_SAME },
    { "conv2d", 1, 8, 7, 16, conv_with, 16, 3, 2, 16, .padding = PAD_SAME },
    { "conv2d", 1, 8, 8, 16, conv_with, 16, 5, 2, 16, .padding = PAD_SAME },
    { "conv2d", 1, 9, 7, 16, conv_with, 16, 3, 1, 16, .dilation = 2 },
    { "conv2d", 1, 7, 6, 5, conv_with, 4, 3, 2, .dilation = 2, .bias = true },
    { "conv2d", 1, 5, 4, 8, conv_with, 8, 3, 1, .dilation = 6 },
    { "conv2d", 1, 6, 7, 8, conv_with, 8, 4, 1, 2, .padding = PAD_GIVEN },
    { "conv2d", 2, 6, 6, 16, conv, 32, 3, 1, 4, true },
    { "conv2d", 1, 6, 8, 5, conv_again, 7, 3, 1, 1, true },
    { "conv2d", 2, 4, 4, 16, conv_again, 16, 3, 1, 16, false },
    { "conv2d", 2, 13, 12, 16, conv, 32, 3, 1, 1, false, .by = "conv2d winograd" },
    { "conv2d", 3, 11, 10, 32, shifted, 16, 3, 1, .by = "conv2d winograd" },
    { "conv2d", 2, 12, 12, 16, conv_beside, 16, 3, 1, 1, false, .by = "conv2d winograd" },
    { "batch_norm", 3, 4, 5, 3, norm },
    { "batch_norm", 2, 3, 3, 33, norm },
    { "batch_norm", 2, 3, 3, 5, frozen },
    { "silu", 1, 3, 4, 5, .layer = nn_silu },
    { "relu", 1, 3, 4, 5, .layer = nn_relu },
    { "sigmoid", 1, 3, 4, 5, .layer = nn_sigmoid },
    { "relu6", 2, 6, 6, 5, .layer = nn_relu6 },
    { "hard_swish", 2, 6, 6, 5, .layer = nn_hard_swish },
    { "hard_sigmoid", 2, 6, 6, 5, .layer = nn_hard_sigmoid },
    { "softmax", 1, 2, 2, 37, .layer = nn_softmax },
    { "softmax", 2, 2, 3, 7, .layer = nn_softmax },
    { "squeeze and excite", 2, 3, 4, 8, excite, .out = 3 },
    { "dropout", 3, 2, 3, 5, dropout },
    { "drop_path", 7, 2, 2, 3, drop_path },
    { "a mixture", 2, 3, 3, 17, in_place, .pools = true },
    { "a mixture", 1, 5, 5, 7, in_place, .pools = true },
    { "mul", 1, 3, 4, 5, mul },
    { "mul", 2, 9, 9, 5, scale },
    { "global_pool", 2, 9, 9, 17, .layer = nn_global_pool },
    { "mul", 2, 3, 4, 17, scale },
    { "global_pool", 2, 3, 4, 5, .layer = nn_global_pool },
    { "slice", 2, 2, 3, 5, slice, .out = 2 },
    { "weighted_sum", 2, 3, 2, 5, weighted_sum, .out = 2 },
    { "weighted_sum", 1, 3, 4, 17, weighted_sum, .out = 3 },
    { "add", 1, 3, 4, 5, add },
    { "max_pool", 1, 7, 6, 3, pool, .kernel = 3, .stride = 1 },
    { "max_pool", 2, 6, 6, 5, pool, .kernel = 5, .stride = 1 },
    { "max_pool", 1, 7, 8, 17, pool, .kernel = 3, .stride = 2 },
    { "max_pool", 1, 6, 6, 16, pool, .kernel = 13, .stride = 1 },
    { "max_pool", 1, 6, 7, 16, pool_with, .kernel = 3, .stride = 2, .padding = PAD_SAME },
    { "max_pool", 2, 7, 6, 5, pool_with, .kernel = 3, .stride = 2, .padding = PAD_GIVEN },
    { "avg_pool", 2, 7, 6, 5, avg_pool, .kernel = 3, .stride = 2, .padding = PAD_SAME },
    { "avg_pool", 1, 6, 6, 17, avg_pool, .kernel = 3, .stride = 1, .padding = PAD_GIVEN },
    { "resize", 2, 3, 4, 5, nearest, .kernel = 7, .out = 6 },
    { "resize", 1, 8, 6, 17, nearest, .kernel = 3, .out = 9 },
    { "resize", 2, 3, 4, 5, bilinear, .kernel = 7, .out = 6 },
    { "resize", 1, 8, 6, 17, bilinear, .kernel = 3, .out = 12 },
    { "conv_transpose", 2, 3, 4, 5, transposed, 3, 2, 2, .bias = true },
    { "conv_transpose", 1, 4, 4, 16, transposed, 24, 4, 2, .padding = PAD_SAME },
    { "conv_transpose", 2, 5, 3, 3, transposed, 8, 3, 2, .padding = PAD_GIVEN },
    { "conv_transpose", 1, 5, 4, 8, transposed, 8, 3, 1, .bias = true },
    { "upsample", 2, 3, 2, 5, upsample, .kernel = 2 },
    { "upsample", 1, 2, 2, 17, upsample, .kernel = 3 },
    { "space_to_depth", 2, 4, 6, 3, .layer = nn_space_to_depth },
    { "concat", 1, 4, 6, 5, concat },
    { "concat", 1, 4, 4, 17, concat },
    { "a unit", 2, 5, 5, 6, unit_alone, 7, 3, 1, 1 },
    { "a unit", 1, 6, 6, 8, unit_alone, 20, 1, 1, 1 },
    { "a unit", 2, 5, 6, 6, relu_unit, 9, 3, 1, 1, .pools = true },
    { "a unit", 2, 5, 6, 6, relu6_unit, 24, 3, 2, 1, .pools = true },
    { "a unit", 2, 6, 6, 8, linear_unit, 20, 1, 1, 1 },
    { "a stage", 2, 8, 8, 3, stage, 4, 3, 1, 1, .pools = true },
    { "a stage", 1, 8, 4, 5, stage, 7, 5, 1, 1 },
    { "a stage", 2, 8, 8, 3, stage, 16, 3, 1, 1 },
};

struct built {
    struct graph *graph;
    struct tensor *x, *y;
};

static float hash_unit(uint64_t i) /* 0 … 1 */
{
    i = (i + 1) * 0x9e3779b97f4a7c15;
    i = (i ^ (i >> 32)) * 0xd6e8feb86659fd93;
    return (float)(i >> 40) * 0x1p-24f;
}

/* All different by more than any step of ours, so that a maximum or a zero is never crossed. */
static void fill_apart(struct tensor *t)
{
    size_t n = tensor_count(t), step = 1;
    while (step * step < n || n % step == 0)
        step++;
    while (n > 2) { /* a step without a common divisor visits every place */
        size_t a = n, b = step;
        while (b) {
            size_t r = a % b;
            a = b;
            b = r;
        }
        if (a == 1)
            break;
        step++;
    }
    for (size_t i = 0; i < n; i++)
        t->data[i] = ((float)(i * step % n) + 0.5f) * 0.05f - (float)n * 0.025f;
}

static void fill_random(struct tensor *t, uint64_t seed)
{
    for (size_t i = 0; i < tensor_count(t); i++)
        t->data[i] = 4 * hash_unit(seed * 1000003 + i) - 2;
}

static struct tensor *layers(struct graph *g, struct tensor *x, const struct sample *s)
{
    return s->build ? s->build(g, x, s) : s->layer(g, x);
}

static struct built build_with(const struct sample *s, const struct plan_options *o, bool followed)
{
    struct built b = { .graph = graph_new(7) };
    b.x = nn_input(b.graph, "x", s->n, s->h, s->w, s->c);
    b.x->wants_grad = true;
    b.y = layers(b.graph, b.x, s);
    if (followed) /* by what changes nothing, for a network's outputs themselves are made in f32 */
        b.y = nn_max_pool(b.graph, b.y, 1, 1, 0);
    nn_output(b.graph, b.y, "y");
    MUST(graph_plan_with(b.graph, o));
    return b;
}
static struct built build(const struct sample *s, enum graph_use use, bool plain)
{
    return build_with(s, &(struct plan_options){ .use = use, .precision = PRECISION_F32, .plain = plain }, false);
}

static double weight_of(size_t i) /* the loss is the sum of the outputs with these weights */
{
    return hash_unit(i + 99) - 0.3;
}
static double loss(struct built *b)
{
    double sum = 0;
    graph_forward(b->graph);
    for (size_t i = 0; i < tensor_count(b->y); i++)
        sum += b->y->data[i] * weight_of(i);
    return sum;
}
static void go_back(struct built *b)
{
    for (size_t i = 0; i < tensor_count(b->y); i++)
        b->y->grad[i] = (float)weight_of(i);
    graph_zero_grad(b->graph);
    graph_backward(b->graph);
}

static void check_slopes(struct built *b, const struct sample *s, struct tensor *t)
{
    const float h = 4e-3f;
    size_t n = tensor_count(t), every = n > 60 ? n / 60 + 1 : 1;
    for (size_t i = 0; i < n; i += every) {
        float at = t->data[i];
        t->data[i] = at + h;
        double up = loss(b);
        t->data[i] = at - h;
        double down = loss(b), slope = (up - down) / (2 * (double)h);
        t->data[i] = at;
        if (fabs(slope - t->grad[i]) > 4e-3 * (1 + fabs(slope)))
            fail_msg("%s (%dx%dx%dx%d): gradient %zu of %s is %g, the slope %g", s->name, s->n, s->h, s->w, s->c, i, t->name,
                     (double)t->grad[i], slope);
    }
}

TEST(every_operator_has_the_gradient_it_says)
{
    for (size_t k = 0; k < COUNT_OF(samples); k++) {
        const struct sample *s = &samples[k];
        struct built b = build(s, GRAPH_TRAIN, true);
        struct param **params;
        size_t n = s->pools ? 0 : graph_params(b.graph, &params); /* there a step can cross a corner */
        if (strncmp(s->name, "a ", 2) == 0)
            fill_random(b.x, k);
        else
            fill_apart(b.x);
        loss(&b);
        go_back(&b);
        for (size_t i = 0; i < n; i++)
            if (params[i]->trained)
                check_slopes(&b, s, &params[i]->value);
        if (strncmp(s->name, "a ", 2) != 0)
            check_slopes(&b, s, b.x);
        graph_free(b.graph);
    }
}

TEST(every_operator_is_tested)
{
    for (const struct op_kind *const *k = nn_ops; *k; k++) {
        bool found = false;
        for (size_t i = 0; i < COUNT_OF(samples); i++)
            found |= strcmp(samples[i].name, (*k)->name) == 0;
        if (!found)
            fail_msg("no sample for %s", (*k)->name);
    }
}

static void check_close(const struct sample *s, const char *what, const struct tensor *of, const float *got, const float *want)
{
    double scale = 1e-3;
    size_t n = tensor_count(of);
    for (size_t i = 0; i < n; i++)
        scale = fmax(scale, fabs((double)want[i]));
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)got[i] - want[i]) <= 3e-5 * scale))
            fail_msg("%s (%dx%dx%dx%d -> %d, kernel %d, stride %d): %s %zu of %s is %g, the plain loops say %g", s->name, s->n,
                     s->h, s->w, s->c, s->out, s->kernel, s->stride, what, i, of->name, (double)got[i], (double)want[i]);
}

static void check_equal(const struct sample *s, struct built *fast, struct built *plain)
{
    struct param **f, **p;
    size_t n = graph_params(fast->graph, &f);
    CHECK_INT(graph_params(plain->graph, &p), n);
    check_close(s, "value", fast->y, fast->y->data, plain->y->data);
    if (fast->x->grad)
        check_close(s, "gradient", fast->x, fast->x->grad, plain->x->grad);
    for (size_t i = 0; i < n; i++) {
        check_close(s, "value", &f[i]->value, f[i]->value.data, p[i]->value.data);
        if (f[i]->value.grad)
            check_close(s, "gradient", &f[i]->value, f[i]->value.grad, p[i]->value.grad);
    }
}

/* How far a kernel is from the plain loops: the length of the difference over that of what they say. */
static double distance(const struct tensor *of, const float *got, const float *want)
{
    double difference = 0, length = 1e-6;
    for (size_t i = 0; i < tensor_count(of); i++) {
        difference += pow((double)got[i] - (double)want[i], 2);
        length += pow((double)want[i], 2);
    }
    return sqrt(difference / length);
}
static void check_near(const struct sample *s, const struct tensor *of, const float *got, const float *want, double most)
{
    if (got && !(distance(of, got, want) <= most))
        fail_msg("%s (%dx%dx%dx%d -> %d, kernel %d, stride %d): %s is %g from what the plain loops say", s->name, s->n, s->h, s->w,
                 s->c, s->out, s->kernel, s->stride, of->name, distance(of, got, want));
}

/* A value rounded to bf16 is off by 2^-9 at most, 0.001 of it on average; each of x, weights, dy is rounded once for a product, and
 * the errors of a sum are independent: 1 percent is a generous bound for one operator. A stage has ten in a row, and normalises
 * small differences up again. */
TEST(in_bf16_values_and_gradients_are_as_near_as_8_bits_allow)
{
    for (size_t k = 0; k < COUNT_OF(samples); k++) {
        const struct sample *s = &samples[k];
        double most = strcmp(s->name, "a stage") == 0 ? 0.08 : strcmp(s->name, "a unit") == 0 ? 0.02 : 0.01;
        struct built fast = build_with(s, &(struct plan_options){ .precision = PRECISION_BF16 }, true),
                     plain = build_with(s, &(struct plan_options){ .plain = true }, true);
        struct param **f, **p;
        size_t n = graph_params(fast.graph, &f);
        graph_params(plain.graph, &p);
        fill_random(fast.x, 5);
        fill_random(plain.x, 5);
        loss(&fast);
        loss(&plain);
        go_back(&fast);
        go_back(&plain);
        check_near(s, fast.y, fast.y->data, plain.y->data, most);
        if (!s->pools) /* there another value can be the largest */
            check_near(s, fast.x, fast.x->grad, plain.x->grad, most);
        for (size_t i = 0; i < n && !s->pools; i++)
            check_near(s, &f[i]->value, f[i]->value.grad, p[i]->value.grad, most);
        graph_free(fast.graph);
        graph_free(plain.graph);
    }
}

TEST(every_kernel_does_what_the_plain_loops_do)
{
    for (size_t k = 0; k < COUNT_OF(samples); k++) {
        struct built fast = build(&samples[k], GRAPH_TRAIN, false), plain = build(&samples[k], GRAPH_TRAIN, true);
        if (samples[k].by)
            CHECK_TEXT(fast.graph->steps[0].kernel->name, samples[k].by);
        for (uint64_t round = 0; round < 2; round++) {
            fill_random(fast.x, round);
            fill_random(plain.x, round);
            loss(&fast);
            loss(&plain);
            go_back(&fast);
            go_back(&plain);
            check_equal(&samples[k], &fast, &plain);
        }
        struct built eval = build(&samples[k], GRAPH_INFER, false), spec = build(&samples[k], GRAPH_INFER, true);
        graph_free(eval.graph);
        graph_free(spec.graph);
        graph_free(fast.graph);
        graph_free(plain.graph);
    }
}

TEST(inference_uses_the_running_statistics_of_the_graph_it_shares)
{
    for (size_t k = 0; k < COUNT_OF(samples); k++) {
        const struct sample *s = &samples[k];
        struct built train = build(s, GRAPH_TRAIN, false), both[2];
        fill_random(train.x, 3);
        for (int i = 0; i < 3; i++) {
            loss(&train);
            graph_update_statistics(&train.graph, 1);
        }
        for (int plain = 0; plain < 2; plain++) {
            struct graph *g = graph_new(8);
            struct tensor *x = nn_input(g, "x", s->n, s->h, s->w, s->c);
            both[plain] = (struct built){ g, x, layers(g, x, s) };
            nn_output(g, both[plain].y, "y");
            MUST(graph_share(g, train.graph));
            MUST(graph_plan(g, GRAPH_INFER, plain));
            fill_random(x, 4);
            graph_forward(g);
        }
        check_close(s, "value", both[0].y, both[0].y->data, both[1].y->data);
        graph_free(both[0].graph);
        graph_free(both[1].graph);
        graph_free(train.graph);
    }
}
