/* What dropout and stochastic depth draw. */
#include "base/test.h"
#include "nn/nn.h"
#include <math.h>

enum { SAMPLES = 64, SIDE = 3, CHANNELS = 20, EACH = SIDE * SIDE * CHANNELS };
static const float RATE = 0.3f;

struct dropped {
    struct graph *graph;
    struct tensor *x, *values, *paths;
};

static struct dropped build(int samples, enum graph_use use)
{
    struct dropped d = { .graph = graph_new(5) };
    d.x = nn_input(d.graph, "x", samples, SIDE, SIDE, CHANNELS);
    d.values = nn_dropout(d.graph, d.x, RATE);
    d.paths = nn_drop_path(d.graph, d.x, RATE);
    nn_output(d.graph, d.values, "values");
    nn_output(d.graph, d.paths, "paths");
    MUST(graph_plan(d.graph, use, false));
    for (size_t i = 0; i < tensor_count(d.x); i++)
        d.x->data[i] = 1;
    return d;
}

static void draw(struct dropped *d, int64_t step, int64_t first_sample)
{
    graph_set_step(d->graph, step, first_sample);
    graph_forward(d->graph);
}

static size_t count_dropped(const struct tensor *t)
{
    size_t n = 0;
    for (size_t i = 0; i < tensor_count(t); i++)
        n += t->data[i] == 0;
    return n;
}

TEST(dropout_leaves_out_the_share_that_it_was_told_and_keeps_the_mean)
{
    struct dropped d = build(SAMPLES, GRAPH_TRAIN);
    double paths = 0, values = 0;
    for (int step = 0; step < 40; step++) {
        draw(&d, step, 0);
        values += (double)count_dropped(d.values) / (double)tensor_count(d.values) / 40;
        paths += (double)count_dropped(d.paths) / (double)tensor_count(d.paths) / 40;
        for (int i = 0; i < SAMPLES; i++) /* a sample as a whole */
            for (int k = 1; k < EACH; k++)
                CHECK(d.paths->data[i * EACH + k] == d.paths->data[i * EACH]);
    }
    CHECK(fabs(values - (double)RATE) < 0.005); /* of 460800 */
    CHECK(fabs(paths - (double)RATE) < 0.04);   /* of 2560 */
    for (size_t i = 0; i < tensor_count(d.values); i++)
        CHECK(d.values->data[i] == 0 || fabsf(d.values->data[i] - 1 / (1 - RATE)) < 1e-6f);
    graph_free(d.graph);
}

TEST(dropout_draws_the_same_however_a_batch_is_split)
{
    struct dropped whole = build(SAMPLES, GRAPH_TRAIN), part = build(SAMPLES / 4, GRAPH_TRAIN);
    draw(&whole, 17, 0);
    for (int i = 0; i < 4; i++) {
        draw(&part, 17, i * (SAMPLES / 4));
        size_t bytes = sizeof(float) * tensor_count(part.values), at = (size_t)i * tensor_count(part.values);
        CHECK(memcmp(part.values->data, whole.values->data + at, bytes) == 0);
        CHECK(memcmp(part.paths->data, whole.paths->data + at, bytes) == 0);
    }
    graph_free(whole.graph);
    graph_free(part.graph);
}

TEST(dropout_draws_anew_at_each_step_and_each_layer)
{
    struct dropped a = build(SAMPLES, GRAPH_TRAIN), b = build(SAMPLES, GRAPH_TRAIN);
    size_t bytes = sizeof(float) * tensor_count(a.values), same = 0;
    draw(&a, 1, 0);
    draw(&b, 2, 0);
    CHECK(memcmp(a.values->data, b.values->data, bytes) != 0);
    CHECK(memcmp(a.paths->data, b.paths->data, bytes) != 0);
    draw(&b, 1, 0);
    CHECK(memcmp(a.values->data, b.values->data, bytes) == 0);
    for (int i = 0; i < SAMPLES; i++) /* of two layers: both drop or keep a sample in 0.58 of the cases */
        same += (a.values->data[(size_t)i * EACH] == 0) == (a.paths->data[(size_t)i * EACH] == 0);
    CHECK(same < SAMPLES * 8 / 10);
    graph_free(a.graph);
    graph_free(b.graph);
}

TEST(nothing_is_dropped_in_inference)
{
    struct dropped d = build(2, GRAPH_INFER);
    draw(&d, 1, 0);
    CHECK(memcmp(d.values->data, d.x->data, sizeof(float) * tensor_count(d.x)) == 0);
    CHECK(memcmp(d.paths->data, d.x->data, sizeof(float) * tensor_count(d.x)) == 0);
    graph_free(d.graph);
}
