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
