#include "base/test.h"
#include "nn/graph.h"
#include "nn/optim.h"
#include <math.h>

/* One 1 × 1 convolution whose weights and gradients the tests set by hand. */
static struct graph *two_weights(float a, float b)
{
    struct graph *g = graph_new(1);
    struct tensor *x = nn_input(g, "x", 1, 2, 2, 2);
    nn_output(g, nn_batch_norm(g, nn_conv2d(g, x, "c", 1, 1, 1, 1, false), "n", 1e-3f, 0.5f), "y");
    MUST(graph_plan(g, GRAPH_TRAIN, true));
    float *w = graph_param(g, "c.weight")->value.data;
    w[0] = a;
    w[1] = b;
    return g;
}
static void set_grad(struct graph *g, float a, float b)
{
    float *d = graph_param(g, "c.weight")->value.grad;
    graph_zero_grad(g);
    d[0] = a;
    d[1] = b;
}
static float weight(struct graph *g, int i)
{
    return graph_param(g, "c.weight")->value.data[i];
}
static bool near(double got, double want)
{
    return fabs(got - want) <= 2e-6 * (1 + fabs(want));
}

TEST(sgd_with_nesterov_momentum_and_decay_by_hand)
{
    struct graph *g = two_weights(1, -2);
    struct optim *o = optim_new(g, &(struct optim_options){ .kind = OPTIM_SGD, .momentum = 0.9f, .weight_decay = 0.1f });
    set_grad(g, 4, 2);
    CHECK(near(optim_step(o, NULL, &g, 1, 0.5f, 2), sqrt(4 + 1))); /* gradients 2, 1; slopes 2.1, 0.8 */
    CHECK(near(weight(g, 0), 1 - 0.5 * 1.9 * 2.1));
    CHECK(near(weight(g, 1), -2 - 0.5 * 1.9 * 0.8));
    double w = weight(g, 0), slope = 3 + 0.1 * w, v = 0.9 * 2.1 + slope;
    set_grad(g, 3, 0);
    optim_step(o, NULL, &g, 1, 0.5f, 1);
    CHECK(near(weight(g, 0), w - 0.5 * (slope + 0.9 * v)));
    optim_free(o);
    graph_free(g);
}

TEST(adamw_by_hand)
{
    struct graph *g = two_weights(1, 1);
    struct optim_options s = { .kind = OPTIM_ADAMW, .beta1 = 0.9f, .beta2 = 0.99f, .epsilon = 1e-8f, .weight_decay = 0.1f };
    struct optim *o = optim_new(g, &s);
    set_grad(g, 4, -1e-3f);
    optim_step(o, NULL, &g, 1, 0.01f, 1); /* the first step goes by the sign */
    CHECK(near(weight(g, 0), 1 - 0.01 * (1 + 0.1)));
    CHECK(near(weight(g, 1), 1 - 0.01 * (-1 / (1 + 1e-8 / 1e-3) + 0.1)));
    double w = weight(g, 0), m = 0.9 * 0.4 + 0.1 * 2, v = 0.99 * 0.16 + 0.01 * 4;
    set_grad(g, 2, 0);
    optim_step(o, NULL, &g, 1, 0.01f, 1);
    CHECK(near(weight(g, 0), w - 0.01 * (m / (1 - 0.81) / sqrt(v / (1 - 0.9801)) + 0.1 * w)));
    optim_free(o);
    graph_free(g);
}

TEST(gradients_are_clipped_by_their_norm_and_a_broken_one_changes_nothing)
{
    struct graph *g = two_weights(0, 0);
    struct optim *o = optim_new(g, &(struct optim_options){ .clip_norm = 1 });
    set_grad(g, 3, 4);
    CHECK(near(optim_step(o, NULL, &g, 1, 1, 1), 5));
    CHECK(near(weight(g, 0), -0.6) && near(weight(g, 1), -0.8));
    set_grad(g, INFINITY, 1);
    CHECK(!isfinite(optim_step(o, NULL, &g, 1, 1, 1)));
    set_grad(g, NAN, 1);
    CHECK(isnan(optim_step(o, NULL, &g, 1, 1, 1)));
    CHECK(near(weight(g, 0), -0.6) && near(weight(g, 1), -0.8));
    optim_free(o);
    graph_free(g);
}

TEST(replicas_share_weights_add_gradients_and_average_statistics)
{
    struct graph *a = two_weights(1, 2), *b = graph_new(2);
    struct tensor *x = nn_input(b, "x", 1, 2, 2, 2);
    nn_output(b, nn_batch_norm(b, nn_conv2d(b, x, "c", 1, 1, 1, 1, false), "n", 1e-3f, 0.5f), "y");
    MUST(graph_share(b, a));
    MUST(graph_plan(b, GRAPH_TRAIN, true));
    CHECK(weight(b, 1) == 2);
    struct optim *o = optim_new(a, &(struct optim_options){ 0 });
    struct team *team = team_new(2);
    set_grad(a, 1, 2);
    set_grad(b, 3, 4);
    struct tensor *of_a = graph_nodes(a)->in[0];
    for (size_t i = 0; i < tensor_count(x); i++) {
        of_a->data[i] = i % 2 ? 0 : 1; /* of_a: the first channel is 1, so that the convolution gives its first weight */
        x->data[i] = i % 2 ? 1 : 0;
    }
    graph_forward(a);
    graph_forward(b);
    optim_step(o, team, (struct graph *[]){ a, b }, 2, 1, 2);
    team_free(team);
    CHECK(near(weight(a, 0), 1 - 2) && near(weight(b, 1), 2 - 3));
    CHECK(near(graph_param(a, "n.running_mean")->value.data[0], 0.5 * (1 + 2) / 2));
    CHECK(graph_param(b, "n.running_mean")->value.data == graph_param(a, "n.running_mean")->value.data);
    optim_free(o);
    graph_free(b);
    graph_free(a);
}

TEST(averaged_weights_are_swapped_in_and_out)
{
    struct graph *g = two_weights(1, 0);
    struct optim *o = optim_new(g, &(struct optim_options){ .ema_decay = 0.5f });
    set_grad(g, 1, 0);
    optim_step(o, NULL, &g, 1, 1, 1);
    double keep = 2.0 / 11; /* after the first step, less than 0.5 */
    optim_swap_ema(o);
    CHECK(near(weight(g, 0), keep * 1 + (1 - keep) * 0));
    optim_swap_ema(o);
    CHECK(near(weight(g, 0), 0));
    optim_free(o);
    graph_free(g);
}

TEST(both_optimisers_go_downhill)
{
    const struct optim_options all[] = {
        { .kind = OPTIM_SGD, .momentum = 0.9f, .weight_decay = 5e-4f, .clip_norm = 10, .ema_decay = 0.99f },
        { .kind = OPTIM_ADAMW, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-8f, .weight_decay = 0.01f },
    };
    for (size_t k = 0; k < COUNT_OF(all); k++) {
        struct graph *g = graph_new(9);
        struct tensor *x = nn_input(g, "x", 2, 4, 4, 3), *y = nn_conv2d(g, x, "a", 8, 3, 1, 1, false);
        y = nn_conv2d(g, nn_silu(g, nn_batch_norm(g, y, "b", 1e-3f, 0.1f)), "c", 2, 1, 1, 1, true);
        nn_output(g, y, "y");
        MUST(graph_plan(g, GRAPH_TRAIN, false));
        struct optim *o = optim_new(g, &all[k]);
        double first = 0, last = 0;
        for (size_t i = 0; i < tensor_count(x); i++)
            x->data[i] = (float)sin((double)i);
        for (int step = 0; step < 60; step++) { /* the loss is half the sum of the squared outputs */
            graph_zero_grad(g);
            graph_forward(g);
            last = 0;
            for (size_t i = 0; i < tensor_count(y); i++) {
                y->grad[i] = y->data[i];
                last += (double)y->data[i] * (double)y->data[i];
            }
            first = step ? first : last;
            graph_backward(g);
            optim_step(o, NULL, &g, 1, 0.01f, 1);
        }
        CHECK(last < first / 4);
        optim_free(o);
        graph_free(g);
    }
}

TEST(learning_rates_follow_their_schedule)
{
    struct schedule s = { LR_CONSTANT, 0.1, .steps = 100, .warmup_steps = 10, .warmup_lr = 0.01 };
    CHECK(near(schedule_at(&s, 0), 0.019) && near(schedule_at(&s, 4), 0.055) && near(schedule_at(&s, 99), 0.1));
    s = (struct schedule){ LR_EXPONENTIAL, 0.1, .steps = 100, .decay_steps = 10, .decay_factor = 0.5 };
    CHECK(near(schedule_at(&s, 20), 0.025) && near(schedule_at(&s, 25), 0.1 * pow(0.5, 2.5)));
    s.staircase = true;
    CHECK(near(schedule_at(&s, 29), 0.025));
    s = (struct schedule){ LR_COSINE, 0.1, .steps = 110, .warmup_steps = 10, .end_factor = 0.1 };
    CHECK(near(schedule_at(&s, 10), 0.1) && near(schedule_at(&s, 60), 0.055) && near(schedule_at(&s, 110), 0.01) &&
          near(schedule_at(&s, 500), 0.01));
}
