#include "base/test.h"
#include "img/img.h"
#include "learn/data/random.h"
#include "learn/data/synth.h"
#include "learn/outlier/outlier.h"
#include <math.h>
#include <string.h>

enum { IMAGES = 40, SHOWN = 640 };

static uint8_t *draw(struct arena *a, int n, uint64_t seed)
{
    uint8_t *pixels = arena_take(a, (size_t)n * AUTOENCODER_VALUES);
    for (int i = 0; i < n; i++) {
        AUTO(image) struct image image = { 0 };
        struct synth_boxes boxes;
        MUST(synth_draw(seed, (uint64_t)i, &image, &boxes));
        MUST(image_small(&image, AUTOENCODER_SIDE, pixels + (size_t)i * AUTOENCODER_VALUES));
    }
    return pixels;
}

static const struct outlier_options quick = { .threads = 2, .seed = 7, .shown = SHOWN };

/* What the score gains when the values of a parameter go so far along its gradient. */
static double gain(struct autoencoder *net, const uint8_t *const *images, struct tensor *t, const float *was, const float *way,
                   float far, float *to)
{
    size_t n = tensor_count(t);
    for (size_t k = 0; k < n; k++)
        to[k] = was[k] + far * way[k];
    tensor_put(t, TENSOR_VALUES, 0, to, n);
    double score = autoencoder_learn(net, images);
    tensor_put(t, TENSOR_VALUES, 0, was, n);
    return score;
}

/* The operators' own gradients are compared value by value in nn/ops_test.c: here it is how they and the score hang together. */
TEST(the_gradient_of_the_autoencoder_is_that_of_its_score)
{
    enum { BATCH = 2 };
    AUTO(arena) struct arena *a = arena_new();
    const uint8_t *pixels = draw(a, BATCH, 5), *images[BATCH] = { pixels, pixels + AUTOENCODER_VALUES };
    const struct plan_options o = { .use = GRAPH_TRAIN, .precision = PRECISION_F32 };
    struct autoencoder net;
    struct param **params;
    MUST(autoencoder_new(BATCH, 1, &o, NULL, &net));
    size_t n_params = graph_params(net.graph, &params);
    for (size_t i = 0; i < n_params; i++) {
        if (!params[i]->trained)
            continue;
        struct tensor *t = &params[i]->value;
        size_t n = tensor_count(t);
        float *was = tensor_copy(t, a), *way = arena_new_array(a, float, n), *to = arena_new_array(a, float, n);
        double length = 0;
        graph_zero_grad(net.graph);
        autoencoder_learn(&net, images);
        tensor_get(t, TENSOR_GRADIENT, 0, way, n);
        for (size_t k = 0; k < n; k++)
            length += (double)way[k] * (double)way[k];
        length = sqrt(length);
        for (size_t k = 0; k < n; k++)
            way[k] /= (float)length;
        const float far = 2e-3f;
        double measured =
            (gain(&net, images, t, was, way, far, to) - gain(&net, images, t, was, way, -far, to)) / (2 * (double)far);
        if (fabs(measured / length - 1) > 0.03)
            fail_msg("%s: the gradient is as long as %g, along it the score gains %g", t->name, length, measured);
    }
    autoencoder_done(&net);
}

TEST(an_image_unlike_those_that_were_fitted_to_has_a_higher_score)
{
    AUTO(arena) struct arena *a = arena_new();
    uint8_t *pixels = draw(a, IMAGES, 11), *like = draw(a, 20, 12), *unlike = draw(a, 20, 12);
    struct outlier_fit fit;
    struct outlier_net net;
    double of_like[20], of_unlike[20], chance, threshold;
    for (int i = 0; i < 20 * AUTOENCODER_VALUES; i++)
        unlike[i] = (uint8_t)(255 - unlike[i]);
    MUST(outlier_fit(pixels, IMAGES, &quick, a, &fit));
    CHECK_INT(fit.n_held, 20);
    CHECK_INT(fit.n_taught, 20);
    CHECK(fit.loss > 0 && fit.held[0] > 0 && fit.held[0] <= fit.held[19]);
    MUST(outlier_net_new(&net));
    MUST(outlier_net_read(&net, fit.file, fit.n_file));
    outlier_net_score(&net, like, 20, of_like);
    outlier_net_score(&net, unlike, 20, of_unlike);
    threshold = outlier_threshold(fit.held, fit.n_held, 0.99, &chance);
    int over = 0;
    for (int i = 0; i < 20; i++) {
        over += of_like[i] > threshold;
        CHECK(of_unlike[i] > threshold);
    }
    CHECK(over <= 4 && fabs(chance - 1.0 / 21) < 1e-12);
    outlier_net_done(&net);
}

TEST(the_same_images_give_the_same_fit_whatever_the_number_of_threads)
{
    AUTO(arena) struct arena *a = arena_new();
    uint8_t *pixels = draw(a, IMAGES, 11);
    struct outlier_fit one, two;
    struct outlier_options o = quick;
    o.shown = 48;
    MUST(outlier_fit(pixels, IMAGES, &o, a, &two));
    o.threads = 1;
    MUST(outlier_fit(pixels, IMAGES, &o, a, &one));
    CHECK_INT(one.n_file, two.n_file);
    CHECK(memcmp(one.file, two.file, one.n_file) == 0);
}

static bool twice(void *with, double part)
{
    int *asked = with;
    CHECK(part >= 0 && part < 1);
    return ++*asked < 3;
}

TEST(a_fit_stops_when_it_is_told_to_and_too_few_images_are_named)
{
    AUTO(arena) struct arena *a = arena_new();
    uint8_t *pixels = draw(a, OUTLIER_LEAST, 11);
    struct outlier_fit fit;
    int asked = 0;
    struct outlier_options o = quick;
    o.go_on = twice;
    o.with = &asked;
    CHECK_INT(outlier_fit(pixels, OUTLIER_LEAST, &o, a, &fit), E_CANCELLED);
    CHECK_INT(asked, 3);
    CHECK_INT(outlier_fit(pixels, OUTLIER_LEAST - 1, &o, a, &fit), E_UNMEANT);
    CHECK(strstr(fail_text(), "29 of 30 training images"));
}

/* Split conformal prediction: of n held out and one more, the one is as likely to be in any place. */
TEST(the_threshold_is_exceeded_as_often_as_is_said)
{
    struct random r = { 1 };
    enum { HELD = 99, TRIES = 4000 };
    double held[HELD], chance = 0;
    int over = 0;
    for (int t = 0; t < TRIES; t++) {
        for (int i = 0; i < HELD; i++) {
            double x = (double)random_unit(&r);
            int k = i;
            for (; k > 0 && held[k - 1] > x; k--)
                held[k] = held[k - 1];
            held[k] = x;
        }
        over += (double)random_unit(&r) > outlier_threshold(held, HELD, 0.95, &chance);
    }
    CHECK(fabs(chance - 0.05) < 1e-12);
    CHECK(fabs((double)over / TRIES - 0.05) < 0.012);
    CHECK(outlier_threshold(held, HELD, 1, &chance) == held[HELD - 1]);
    CHECK(fabs(chance - 0.01) < 1e-12);
    CHECK(outlier_threshold(held, 3, 0.5, &chance) == held[1]);
}

TEST(part_of_the_images_is_held_out)
{
    CHECK_INT(outlier_held_out(30), 15);
    CHECK_INT(outlier_held_out(100), 50);
    CHECK_INT(outlier_held_out(500), 100);
    CHECK_INT(outlier_held_out(2000), 400);
}

TEST(a_file_that_is_no_fit_is_refused)
{
    AUTO(arena) struct arena *a = arena_new();
    const struct plan_options o = { .use = GRAPH_INFER, .precision = PRECISION_F32 };
    struct autoencoder net;
    struct outlier_net read;
    char *file;
    size_t n;
    MUST(autoencoder_new(1, 1, &o, NULL, &net));
    outlier_net_write(&net, a, &file, &n);
    MUST(outlier_net_new(&read));
    MUST(outlier_net_read(&read, file, n));
    CHECK_INT(outlier_net_read(&read, file, n - 1), E_BROKEN);
    file[0] = 'x';
    CHECK_INT(outlier_net_read(&read, file, n), E_BROKEN);
    outlier_net_done(&read);
    autoencoder_done(&net);
}
