#include "base/test.h"
#include "nn/graph.h"
#include "nn/optim.h"
#include <string.h>

static struct graph *small(const struct plan_options *o)
{
    struct graph *g = graph_new(3);
    struct tensor *x = nn_input(g, "x", 2, 8, 8, 3);
    x = nn_relu6(g, nn_batch_norm(g, nn_conv2d(g, x, "backbone.a", 8, 3, 2, 1, false), "backbone.a.bn", 1e-3f, 0.1f));
    x = nn_relu6(g, nn_batch_norm(g, nn_conv2d(g, x, "backbone.b", 8, 3, 1, 8, false), "backbone.b.bn", 1e-3f, 0.1f));
    x = nn_silu(g, nn_batch_norm(g, nn_conv2d(g, x, "head.a", 16, 1, 1, 1, false), "head.a.bn", 1e-3f, 0.1f));
    nn_output(g, nn_conv2d(g, x, "head.out", 2, 1, 1, 1, true), "y");
    MUST(graph_plan_with(g, o));
    return g;
}

/* Residual blocks, branches that are put side by side, a pyramid's sum, chance: whatever reads values again. */
static struct graph *deep(const struct plan_options *o)
{
    struct graph *g = graph_new(5);
    struct tensor *x = nn_input(g, "x", 2, 32, 32, 3), *early = NULL;
    x = nn_silu(g, nn_batch_norm(g, nn_conv2d(g, x, "stem", 16, 3, 1, 1, false), "stem.bn", 1e-3f, 0.1f));
    for (int i = 0; i < 12; i++) {
        char name[4][20];
        for (int k = 0; k < 4; k++)
            snprintf(name[k], sizeof name[k], "block%d.%d", i, k);
        struct tensor *a = nn_relu6(g, nn_batch_norm(g, nn_conv2d(g, x, name[0], 8, 1, 1, 1, false), name[1], 1e-3f, 0.1f));
        struct tensor *b = nn_max_pool(g, nn_silu(g, nn_conv2d(g, x, name[2], 8, 3, 1, 8, false)), 3, 1, 1);
        struct tensor *y = nn_drop_path(g, nn_concat(g, (struct tensor *[]){ a, b }, 2), 0.2f);
        x = i % 3 ? nn_add(g, x, y) : nn_dropout(g, nn_hard_swish(g, y), 0.1f);
        if (i == 2)
            early = x;
    }
    x = nn_weighted_sum(g, (struct tensor *[]){ x, early }, 2, "fuse", 1e-4f);
    nn_output(g, nn_conv2d(g, x, "head", 2, 1, 1, 1, true), "y");
    MUST(graph_plan_with(g, o));
    graph_set_step(g, 3, 0);
    return g;
}

static void learn_once(struct graph *g, float first, bool clear)
{
    struct tensor *y = graph_output(g, "y"), *x = g->tensors[0];
    for (size_t i = 0; i < tensor_count(x); i++)
        x->data[i] = first + (float)(i * 7919 % 101) / 50 - 1;
    if (clear)
        graph_zero_grad(g);
    graph_forward(g);
    for (size_t i = 0; i < tensor_count(y); i++)
        y->grad[i] = y->data[i] - 1;
    graph_backward(g);
}

TEST(what_is_frozen_stays_as_it_is_and_nothing_goes_back_through_it)
{
    struct graph *g = small(&(struct plan_options){ .frozen = "backbone." });
    AUTO(arena) struct arena *a = arena_new();
    struct optim *o = optim_new(g, &(struct optim_options){ .kind = OPTIM_SGD, .momentum = 0.9f, .weight_decay = 0.1f });
    struct param **params;
    size_t n = graph_params(g, &params);
    float **before = arena_new_array(a, float *, n);
    for (size_t i = 0; i < n; i++) {
        before[i] = arena_new_array(a, float, tensor_count(&params[i]->value));
        memcpy(before[i], params[i]->value.data, sizeof(float) * tensor_count(&params[i]->value));
    }
    learn_once(g, 0.3f, true);
    optim_step(o, NULL, &g, 1, 0.1f, 1);
    for (size_t i = 0; i < n; i++) {
        bool frozen = strncmp(params[i]->value.name, "backbone.", 9) == 0,
             same = memcmp(before[i], params[i]->value.data, sizeof(float) * tensor_count(&params[i]->value)) == 0;
        if (frozen != same)
            fail_msg("%s %s", params[i]->value.name, same ? "did not learn" : "is frozen and has changed");
    }
    for (int i = 0; i < g->n_steps; i++)
        CHECK(g->steps[i].out->wants_grad == (strncmp(g->steps[i].node->params[0]->value.name, "head.", 5) == 0));
    optim_free(o);
    graph_free(g);
}

TEST(gradients_of_several_batches_add_up)
{
    struct graph *g = small(&(struct plan_options){ .precision = PRECISION_F32 });
    struct param *w = graph_param(g, "backbone.a.weight");
    float first[8 * 3 * 3 * 3], second[8 * 3 * 3 * 3];
    CHECK_INT(tensor_count(&w->value), COUNT_OF(first));
    learn_once(g, 0.3f, true);
    memcpy(first, w->value.grad, sizeof first);
    learn_once(g, -0.2f, true);
    memcpy(second, w->value.grad, sizeof second);
    learn_once(g, 0.3f, true);
    learn_once(g, -0.2f, false);
    for (size_t i = 0; i < COUNT_OF(first); i++)
        CHECK(first[i] + second[i] == w->value.grad[i]);
    graph_free(g);
}

TEST(gradients_are_the_same_to_the_bit_if_values_are_forgotten_and_computed_again)
{
    static const struct plan_options kinds[] = { { .precision = PRECISION_F32 },
                                                 { .precision = PRECISION_BF16 },
                                                 { .plain = true } };
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        struct plan_options forgetful = kinds[k];
        forgetful.values_most = 1;
        struct graph *g = deep(&kinds[k]), *f = deep(&forgetful);
        struct param **params, **same;
        size_t n = graph_params(g, &params);
        double over;
        graph_params(f, &same);
        learn_once(g, 0.3f, true);
        learn_once(f, 0.3f, true);
        for (size_t i = 0; i < n; i++)
            if (params[i]->trained &&
                memcmp(params[i]->value.grad, same[i]->value.grad, sizeof(float) * tensor_count(&params[i]->value)) != 0)
                fail_msg("case %zu: the gradient of %s differs", k, params[i]->value.name);
        CHECK(graph_recomputes(f) && !graph_recomputes(g));
        size_t all = graph_value_bytes(g, &over), less = graph_value_bytes(f, &over);
        if (less * 10 > all * 6 || over > 1.1)
            fail_msg("case %zu: %zu bytes of %zu, %.2f times what is in use at one time", k, less, all, over);
        graph_free(g);
        graph_free(f);
    }
}

TEST(values_are_kept_where_they_fit)
{
    struct graph *g = deep(&(struct plan_options){ .values_most = (size_t)1 << 40 });
    CHECK(!graph_recomputes(g));
    for (int i = 0; i < g->n_steps; i++)
        CHECK(!g->steps[i].again);
    graph_free(g);
}
