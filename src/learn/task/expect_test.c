#include "base/test.h"
#include "learn/data/random.h"
#include "learn/task/expect.h"
#include "learn/task/rising.h"
#include <math.h>

TEST(a_rising_function_pools_what_falls)
{
    struct rising r = rising_new(5);
    rising_begin(&r);
    const double x[] = { 1, 2, 3, 3, 5 }, y[] = { 0, 1, 0, 0.5, 2 };
    for (int i = 0; i < 5; i++)
        rising_add(&r, x[i], y[i], 1);
    assert_int_equal(r.n, 3);
    assert_true(rising_at(&r, 0, 9) == 0 && rising_at(&r, 2.5, 9) == 0.5 && rising_at(&r, 4, 9) == 0.5 && rising_at(&r, 7, 9) == 2);
    rising_begin(&r);
    assert_true(rising_at(&r, 1, 9) == 9);
    rising_done(&r);
}

/* A detector that is right as often as its score says, of two labels; sharp: how high its scores are, and how much it finds. */
static void add_image(struct metrics *known, struct metrics *truth, struct metrics *seen, uint64_t image, double sharp)
{
    struct random r = random_of(11, 1, image);
    struct metrics_truth t[12];
    struct metrics_detection d[24];
    size_t n = 0, k = 0;
    for (size_t i = 0; i < 8; i++) {
        int label = (int)random_below(&r, 2);
        double x = 100 * (double)i, score = pow((double)random_unit(&r), 1.5 - sharp);
        if (random_unit(&r) < (float)score)
            t[n++] = metrics_truth_of(label, x, 0, 20, 20);
        if (score >= 0.1) /* the others it does not say */
            d[k++] = (struct metrics_detection){ label, score, x, 0, 20, 20 };
    }
    if (known)
        metrics_add(known, t, n, d, k);
    if (truth)
        metrics_add(truth, t, n, d, k);
    if (seen)
        metrics_add(seen, NULL, 0, d, k);
}

static void estimate(struct arena *a, uint64_t set, size_t n_known, size_t n_seen, double sharp, struct expected *ret,
                     double *ret_truth)
{
    AUTO(metrics) struct metrics *known = metrics_new(2);
    AUTO(metrics) struct metrics *truth = metrics_new(2);
    AUTO(metrics) struct metrics *seen = metrics_new(2);
    struct detect_metrics m;
    for (uint64_t i = 0; i < n_known; i++)
        add_image(known, NULL, NULL, set * 10000 + i, 1);
    for (uint64_t i = 0; i < n_seen; i++)
        add_image(NULL, truth, seen, set * 10000 + 5000 + i, sharp);
    metrics_compute(known, a, &m);
    metrics_compute(seen, a, &m);
    metrics_compute(truth, a, &m);
    metrics_expect(known, seen, a, set, 100, ret);
    *ret_truth = m.ap50;
}

TEST(the_expected_quality_is_near_the_true_one_when_scores_fall)
{
    AUTO(arena) struct arena *a = arena_new();
    const double sharp[] = { 1, 0.7, 0.4, 0 };
    double before = 1;
    for (size_t i = 0; i < COUNT_OF(sharp); i++) {
        struct expected e;
        double truth;
        estimate(a, 1 + i, 400, 400, sharp[i], &e, &truth);
        if (!e.known || fabs(e.value - truth) > 0.05)
            fail_msg("sharp %g: %g expected, %g true", sharp[i], e.value, truth);
        assert_true(e.value < before && e.in.low < e.value && e.value < e.in.high && e.in.high - e.in.low < 0.2);
        assert_true(fabs((e.labels[0] + e.labels[1]) / 2 - e.value) < 1e-9);
        before = e.value;
    }
}

TEST(an_interval_of_95_percent_holds_the_quality_of_unseen_images_about_that_often)
{
    enum { SETS = 60 };
    int held = 0;
    for (uint64_t set = 0; set < SETS; set++) {
        AUTO(arena) struct arena *a = arena_new();
        struct expected e;
        double truth;
        estimate(a, 100 + set, 60, 60, 0.8, &e, &truth);
        held += e.in.low <= truth && truth <= e.in.high;
    }
    if (held < SETS * 0.85)
        fail_msg("%d of %d intervals held the true score", held, SETS);
}

TEST(without_images_nothing_is_expected)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(metrics) struct metrics *none = metrics_new(2);
    AUTO(metrics) struct metrics *some = metrics_new(2);
    struct detect_metrics m;
    struct expected e;
    for (uint64_t i = 0; i < 5; i++)
        add_image(some, NULL, NULL, i, 1);
    metrics_compute(none, a, &m);
    metrics_compute(some, a, &m);
    metrics_expect(none, some, a, 1, 10, &e);
    assert_false(e.known);
    metrics_expect(some, none, a, 1, 10, &e);
    assert_false(e.known);
    share_expect(NULL, 0, NULL, 0, a, 1, 10, &e);
    assert_false(e.known);
}

TEST(the_expected_accuracy_follows_how_sure_the_model_is)
{
    AUTO(arena) struct arena *a = arena_new();
    struct said known[500];
    double seen[500], truth = 0;
    struct random r = random_of(1, 2, 3);
    for (int i = 0; i < 500; i++) {
        double s = random_in(&r, 0.3F, 1);
        known[i] = (struct said){ s, random_unit(&r) < (float)(s * s) }; /* surer than it should be */
        seen[i] = random_in(&r, 0.3F, 0.8F);
        truth += seen[i] * seen[i] / 500;
    }
    struct expected e;
    share_expect(known, 500, seen, 500, a, 1, 100, &e);
    assert_true(e.known && fabs(e.value - truth) < 0.04 && e.in.low < truth && truth < e.in.high);
}
