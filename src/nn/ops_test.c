#include "base/test.h"
#include "nn/checkpoint.h"
#include "nn/ops.h"
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

/* One small network for each operator, and some that mix them. `out` is the output; sizes are odd on purpose. */
typedef struct tensor *builder(struct graph *, struct tensor *x);

static struct tensor *conv3(struct graph *g, struct tensor *x)
{
    return nn_conv2d(g, x, "a", 5, 3, 1, 1, true);
}
static struct tensor *conv_stride(struct graph *g, struct tensor *x)
{
    return nn_conv2d(g, x, "a", 6, 3, 2, 1, false);
}
static struct tensor *conv_point(struct graph *g, struct tensor *x)
{
    return nn_conv2d(g, x, "a", 7, 1, 1, 1, true);
}
static struct tensor *conv_depthwise(struct graph *g, struct tensor *x)
{
    return nn_conv2d(g, x, "a", 4, 3, 1, 4, false);
}
static struct tensor *conv_depthwise_stride(struct graph *g, struct tensor *x)
{
    return nn_conv2d(g, x, "a", 4, 5, 2, 4, true);
}
static struct tensor *conv_groups(struct graph *g, struct tensor *x)
{
    return nn_conv2d(g, x, "a", 6, 3, 1, 2, true);
}
static struct tensor *norm(struct graph *g, struct tensor *x)
{
    return nn_batch_norm(g, x, "a", 1e-3f, 0.03f);
}
static struct tensor *norm_silu(struct graph *g, struct tensor *x)
{
    return nn_silu(g, nn_batch_norm(g, nn_conv2d(g, x, "c", 5, 1, 1, 1, false), "a", 1e-3f, 0.03f));
}
static struct tensor *silu(struct graph *g, struct tensor *x)
{
    return nn_silu(g, x);
}
static struct tensor *relu(struct graph *g, struct tensor *x)
{
    return nn_relu(g, x);
}
static struct tensor *squash(struct graph *g, struct tensor *x)
{
    return nn_sigmoid(g, x);
}
static struct tensor *twice(struct graph *g, struct tensor *x)
{
    struct tensor *y = nn_conv2d(g, x, "a", 4, 1, 1, 1, true);
    return nn_add(g, y, nn_add(g, y, x));
}
static struct tensor *concat(struct graph *g, struct tensor *x)
{
    struct tensor *y = nn_conv2d(g, x, "a", 3, 1, 1, 1, true);
    return nn_concat(g, (struct tensor *[]){ y, x, y }, 3);
}
static struct tensor *pool(struct graph *g, struct tensor *x)
{
    return nn_max_pool(g, x, 3, 1, 1);
}
static struct tensor *upsample(struct graph *g, struct tensor *x)
{
    return nn_upsample(g, x, 2);
}
static struct tensor *focus(struct graph *g, struct tensor *x)
{
    return nn_space_to_depth(g, x);
}

static const struct {
    const char *name;
    builder *build;
} nets[] = {
    { "conv2d 3x3", conv3 },
    { "conv2d 3x3 stride 2", conv_stride },
    { "conv2d 1x1", conv_point },
    { "conv2d depthwise 3x3", conv_depthwise },
    { "conv2d depthwise 5x5 stride 2", conv_depthwise_stride },
    { "conv2d 2 groups", conv_groups },
    { "batch_norm", norm },
    { "batch_norm silu", norm_silu },
    { "silu", silu },
    { "relu", relu },
    { "sigmoid", squash },
    { "add", twice },
    { "concat", concat },
    { "max_pool", pool },
    { "upsample", upsample },
    { "space_to_depth", focus },
};

/* The input runs through an own 1x1 convolution first, so that gradients by data are asked for too. */
static struct graph *make(builder *build, bool plain, struct tensor **ret_in, struct tensor **ret_out)
{
    struct graph *g = graph_new(3);
    *ret_in = nn_input(g, "x", 2, 6, 8, 4);
    *ret_out = build(g, nn_conv2d(g, *ret_in, "before", 4, 1, 1, 1, true));
    nn_output(g, *ret_out, "y");
    MUST(graph_plan(g, GRAPH_TRAIN, plain));
    uint64_t seed = 1;
    for (size_t i = 0; i < tensor_count(*ret_in); i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        (*ret_in)->data[i] = (float)(seed >> 40) / (float)(1 << 23) - 1;
    }
    return g;
}

/* The loss is the sum of the outputs, each with a weight of its own. */
static double loss(struct graph *g, const struct tensor *y)
{
    graph_forward(g);
    double sum = 0;
    for (size_t i = 0, n = tensor_count(y); i < n; i++)
        sum += (double)y->data[i] * sin((double)i);
    return sum;
}

static void gradients(struct graph *g, struct tensor *y)
{
    loss(g, y);
    for (size_t i = 0, n = tensor_count(y); i < n; i++)
        y->grad[i] = (float)sin((double)i);
    graph_zero_grad(g);
    graph_backward(g);
}

TEST(every_op_has_the_gradient_that_finite_differences_give)
{
    for (size_t k = 0; k < COUNT_OF(nets); k++) {
        struct tensor *x, *y;
        struct graph *g = make(nets[k].build, true, &x, &y);
        struct param **params;
        size_t n = graph_params(g, &params);
        gradients(g, y);
        double middle = loss(g, y);
        int checked = 0, kinks = 0;
        for (size_t p = 0; p < n; p++) {
            struct tensor *t = &params[p]->value;
            for (size_t i = 0; t->grad && i < tensor_count(t); i += 1 + tensor_count(t) / 7) {
                float keep = t->data[i], h = 2e-3f;
                t->data[i] = keep + h;
                double up = loss(g, y);
                t->data[i] = keep - h;
                double down = loss(g, y);
                t->data[i] = keep;
                double want = (up - down) / (2 * (double)h), got = (double)t->grad[i];
                if (fabs(up - 2 * middle + down) > 0.02 * (double)h) { /* another winner of a maximum, or another side of zero */
                    kinks++;
                    continue;
                }
                checked++;
                if (fabs(want - got) > 2e-2 + 2e-2 * fabs(want))
                    fail_msg("%s: d/d %s[%zu] is %g, finite differences say %g", nets[k].name, t->name, i, got, want);
            }
        }
        CHECK(checked > kinks);
        graph_free(g);
    }
}

TEST(fast_kernels_give_what_the_plain_loops_give)
{
    for (size_t k = 0; k < COUNT_OF(nets); k++) {
        struct tensor *x[2], *y[2];
        struct graph *g[2] = { make(nets[k].build, true, &x[0], &y[0]), make(nets[k].build, false, &x[1], &y[1]) };
        struct param **p[2];
        size_t n = graph_params(g[0], &p[0]);
        graph_params(g[1], &p[1]);
        for (int round = 0; round < 2; round++) /* the second time on used memory */
            for (int i = 0; i < 2; i++)
                gradients(g[i], y[i]);
        for (size_t i = 0; i < tensor_count(y[0]); i++)
            if (fabsf(y[0]->data[i] - y[1]->data[i]) > 1e-5f)
                fail_msg("%s: output %zu is %g, plain %g", nets[k].name, i, (double)y[1]->data[i], (double)y[0]->data[i]);
        for (size_t q = 0; q < n; q++)
            for (size_t i = 0; p[0][q]->value.grad && i < tensor_count(&p[0][q]->value); i++) {
                float want = p[0][q]->value.grad[i], got = p[1][q]->value.grad[i];
                if (fabsf(want - got) > 1e-4f + 1e-4f * fabsf(want))
                    fail_msg("%s: gradient of %s[%zu] is %g, plain %g", nets[k].name, p[0][q]->value.name, i, (double)got,
                             (double)want);
            }
        graph_free(g[0]);
        graph_free(g[1]);
    }
}

static struct graph *small(struct graph *share, int batch)
{
    struct graph *g = graph_new(9);
    struct tensor *x = nn_input(g, "x", batch, 4, 4, 3);
    nn_output(g,
              nn_conv2d(g, nn_silu(g, nn_batch_norm(g, nn_conv2d(g, x, "a", 8, 3, 1, 1, false), "b", 1e-3f, 0.1f)), "c", 2, 1, 1, 1,
                        true),
              "y");
    if (share)
        MUST(graph_share(g, share));
    MUST(graph_plan(g, GRAPH_TRAIN, false));
    for (size_t i = 0; i < tensor_count(x); i++)
        x->data[i] = (float)sin((double)i);
    return g;
}

/* Draws the outputs to zero. */
static void descend(struct graph *const *g, size_t n, struct optim *o, int steps)
{
    for (int s = 0; s < steps; s++) {
        for (size_t r = 0; r < n; r++) {
            struct tensor *y = graph_output(g[r], "y");
            graph_zero_grad(g[r]);
            graph_forward(g[r]);
            for (size_t i = 0; i < tensor_count(y); i++)
                y->grad[i] = y->data[i];
            graph_backward(g[r]);
        }
        optim_step(o, g, n, 0.01f, 1);
    }
}

static double size_of_output(struct graph *g)
{
    double sum = 0;
    struct tensor *y = graph_output(g, "y");
    graph_forward(g);
    for (size_t i = 0; i < tensor_count(y); i++)
        sum += (double)y->data[i] * (double)y->data[i];
    return sum;
}

static const struct optim_options sgd = {
    .kind = OPTIM_SGD, .momentum = 0.9f, .weight_decay = 5e-4f, .clip_norm = 10, .ema_decay = 0.99f
};
static const struct optim_options adamw = {
    .kind = OPTIM_ADAMW, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-8f, .weight_decay = 0.01f
};

TEST(both_optimisers_go_downhill)
{
    const struct optim_options *const all[] = { &sgd, &adamw };
    for (size_t i = 0; i < 2; i++) {
        struct graph *g = small(NULL, 2);
        struct optim *o = optim_new(g, all[i]);
        double before = size_of_output(g);
        descend(&g, 1, o, 60);
        CHECK(size_of_output(g) < before / 4);
        optim_free(o);
        graph_free(g);
    }
}

TEST(a_run_that_resumes_ends_with_the_same_bits)
{
    AUTO(arena) struct arena *a = arena_new();
    char path[] = "/tmp/saccade_checkpoint_XXXXXX";
    close(mkstemp(path));
    struct graph *whole = small(NULL, 2), *half = small(NULL, 2), *rest = small(NULL, 2);
    struct optim *ow = optim_new(whole, &sgd), *oh = optim_new(half, &sgd), * or = optim_new(rest, &sgd);
    descend(&whole, 1, ow, 20);
    descend(&half, 1, oh, 10);
    MUST(checkpoint_save(path, half, oh, "{\"step\":10}"));
    char *kept = NULL;
    MUST(checkpoint_load(path, rest, or, a, &kept));
    CHECK_TEXT(kept, "{\"step\":10}");
    descend(&rest, 1, or, 10);
    struct param **pw, **pr;
    size_t n = graph_params(whole, &pw);
    graph_params(rest, &pr);
    for (size_t i = 0; i < n; i++)
        CHECK(memcmp(pw[i]->value.data, pr[i]->value.data, tensor_count(&pw[i]->value) * sizeof(float)) == 0);
    struct graph *other = graph_new(1);
    nn_output(other, nn_conv2d(other, nn_input(other, "x", 1, 4, 4, 3), "a", 9, 3, 1, 1, false), "y");
    MUST(graph_plan(other, GRAPH_TRAIN, true));
    MUST_FAIL(checkpoint_load(path, other, NULL, a, &kept), E_UNMEANT, "another network: a.weight");
    optim_swap_ema(ow);
    optim_swap_ema(ow);
    CHECK(memcmp(pw[0]->value.data, pr[0]->value.data, tensor_count(&pw[0]->value) * sizeof(float)) == 0);
    size_t taken = 0;
    MUST(checkpoint_start_from(path, rest, &taken));
    CHECK_INT(taken, n);
    optim_swap_ema(oh); /* a start takes the averaged weights */
    struct param **ph;
    graph_params(half, &ph);
    for (size_t i = 0; i < n; i++)
        CHECK(memcmp(ph[i]->value.data, pr[i]->value.data, tensor_count(&ph[i]->value) * sizeof(float)) == 0);
    optim_free(ow);
    optim_free(oh);
    optim_free(or);
    graph_free(whole);
    graph_free(half);
    graph_free(rest);
    graph_free(other);
    unlink(path);
}

TEST(two_replicas_share_weights_and_add_their_gradients)
{
    struct graph *a = small(NULL, 1), *b = small(a, 1);
    CHECK(graph_param(a, "a.weight")->value.data == graph_param(b, "a.weight")->value.data);
    CHECK(graph_param(a, "a.weight")->value.grad != graph_param(b, "a.weight")->value.grad);
    struct graph *const both[] = { a, b };
    struct optim *o = optim_new(a, &sgd);
    double before = size_of_output(b);
    descend(both, 2, o, 40);
    CHECK(size_of_output(b) < before / 4);
    optim_free(o);
    graph_free(b);
    graph_free(a);
}

TEST(rates_follow_their_schedule)
{
    struct schedule s = { LR_EXPONENTIAL, .learning_rate = 1, .decay_steps = 10, .decay_factor = 0.5, .warmup_steps = 4 };
    CHECK(schedule_at(&s, 0) == 0.25 && schedule_at(&s, 3) == 1);
    CHECK(fabs(schedule_at(&s, 20) - 0.25) < 1e-12);
    s.staircase = true;
    CHECK(fabs(schedule_at(&s, 19) - 0.5) < 1e-12);
    s = (struct schedule){ LR_COSINE, .learning_rate = 2, .steps = 100, .end_factor = 0.1 };
    CHECK(fabs(schedule_at(&s, 0) - 2) < 1e-12 && fabs(schedule_at(&s, 50) - 1.1) < 1e-9 &&
          fabs(schedule_at(&s, 100) - 0.2) < 1e-12);
}
