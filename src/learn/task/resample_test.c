#include "base/test.h"
#include "learn/data/random.h"
#include "learn/task/weigh.h"
#include <math.h>

/* An image of some things of two labels; a detector that finds most, a little off, and says some that are not there. */
static void add_image(struct metrics *m, uint64_t image, double skill)
{
    struct metrics_truth t[8];
    struct metrics_detection d[16];
    struct random r = random_of(7, 1, image);
    size_t n = random_below(&r, 8), k = 0;
    for (size_t i = 0; i < n; i++) {
        int label = (int)random_below(&r, 2);
        double side = i % 3 ? 20 : 40, x = 100 * (double)i, off = (1 - skill) * 0.6 * side * (double)random_unit(&r);
        t[i] = metrics_truth_of(label, x, 0, side, side);
        d[k++] = (struct metrics_detection){ label, skill * (double)random_unit(&r), x + off, 0, side, side };
        if (random_unit(&r) > (float)skill)
            d[k++] = (struct metrics_detection){ label, (double)random_unit(&r), x + 50, 0, side, side };
    }
    metrics_add(m, t, n, d, k);
}

TEST(an_image_of_weight_two_counts_like_two_images)
{
    AUTO(arena) struct arena *a = arena_new();
    const uint32_t weight[6] = { 0, 3, 1, 2, 0, 5 };
    AUTO(metrics) struct metrics *once = metrics_new(2);
    AUTO(metrics) struct metrics *often = metrics_new(2);
    struct detect_metrics r;
    double ap, ap50;
    for (uint64_t i = 0; i < 6; i++) {
        add_image(once, i, 0.6);
        for (uint32_t k = 0; k < weight[i]; k++)
            add_image(often, i, 0.6);
    }
    metrics_compute(once, a, &r);
    metrics_compute(often, a, &r);
    metrics_weighted(once, weight, &ap, &ap50);
    assert_true(fabs(ap - r.ap) < 1e-12 && fabs(ap50 - r.ap50) < 1e-12);
    assert_true(ap > 0.05 && ap < ap50 && ap50 < 1);
}

TEST(without_truths_there_is_no_score_and_no_draw)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(metrics) struct metrics *m = metrics_new(2);
    const struct metrics_detection d = { 0, 0.5, 0, 0, 5, 5 };
    struct detect_metrics r;
    struct draws draws;
    metrics_compute(m, a, &r);
    metrics_resample(m, a, 1, &draws);
    assert_int_equal(draws.n, 0);
    metrics_add(m, NULL, 0, &d, 1);
    metrics_compute(m, a, &r);
    metrics_resample(m, a, 1, &draws);
    assert_int_equal(draws.n, 0);
}

/* Many sets of images of one kind: the interval of each should hold the score of a very large set about as often as it says. */
TEST(an_interval_of_95_percent_holds_the_true_score_about_that_often)
{
    enum { SETS = 200, IMAGES = 60, TRUE_IMAGES = 20000 };
    AUTO(arena) struct arena *a = arena_new();
    AUTO(metrics) struct metrics *all = metrics_new(2);
    struct detect_metrics truth, r;
    int held = 0;
    for (uint64_t i = 0; i < TRUE_IMAGES; i++)
        add_image(all, 1000000 + i, 0.6);
    metrics_compute(all, a, &truth);
    for (uint64_t set = 0; set < SETS; set++) {
        AUTO(metrics) struct metrics *m = metrics_new(2);
        struct draws draws;
        for (uint64_t i = 0; i < IMAGES; i++)
            add_image(m, set * IMAGES + i, 0.6);
        metrics_compute(m, a, &r);
        metrics_resample(m, a, set, &draws);
        assert_int_equal(draws.n, 400);
        struct interval in = interval_of(draws.ap50, draws.n, 0.95);
        assert_true(in.low <= r.ap50 + 0.02 && r.ap50 - 0.02 <= in.high && in.high - in.low < 0.4);
        held += in.low <= truth.ap50 && truth.ap50 <= in.high;
    }
    if (held < SETS * 0.88 || held > SETS * 0.995)
        fail_msg("%d of %d intervals held the true score", held, SETS);
}

TEST(all_figures_of_some_images_have_intervals_that_hold_them)
{
    enum { IMAGES = 60 };
    AUTO(arena) struct arena *a = arena_new();
    AUTO(metrics) struct metrics *m = metrics_new(3);
    struct detect_metrics r;
    struct draws draws;
    struct spread s;
    for (uint64_t i = 0; i < IMAGES; i++)
        add_image(m, i, 0.6);
    metrics_compute(m, a, &r);
    metrics_spread(m, a, 5, r.best_score, &s);
    metrics_resample(m, a, 5, &draws);
    struct interval same = interval_of(draws.ap50, draws.n, 0.95), told = s.all.of[OF_AP50];
    assert_true(s.all.known[OF_AP50] && told.low == same.low && told.high == same.high);
    const struct label_metrics *l = r.labels;
    const struct {
        struct interval in;
        double value;
    } all[] = { { s.all.of[OF_AP], r.ap },
                { s.all.of[OF_AP50], r.ap50 },
                { s.all.of[OF_AP75], r.ap75 },
                { s.all.of[OF_AR], r.ar },
                { s.all.of[OF_PRECISION], r.precision },
                { s.all.of[OF_RECALL], r.recall },
                { s.all.of[OF_F1], r.f1 },
                { s.all.of[OF_AP_SIZE], r.sizes[0].ap },
                { s.all.of[OF_AR_SIZE + 1], r.sizes[1].ar },
                { s.labels[1].of[OF_AP50], l[1].ap50 },
                { s.labels[0].of[OF_AP], l[0].ap },
                { s.labels[0].of[OF_AR], l[0].ar },
                { s.labels[0].of[OF_RECALL], l[0].recall },
                { s.labels[1].of[OF_PRECISION], l[1].precision },
                { s.labels[1].of[OF_AP_SIZE + 1], l[1].sizes[1].ap },
                { s.labels[0].of[OF_AR_SIZE], l[0].sizes[0].ar } };
    for (size_t i = 0; i < COUNT_OF(all); i++)
        if (!(all[i].in.low <= all[i].value && all[i].value <= all[i].in.high && all[i].in.high - all[i].in.low < 0.4))
            fail_msg("figure %zu: %g is not well within %g to %g", i, all[i].value, all[i].in.low, all[i].in.high);
    assert_true(s.labels[0].known[OF_AP] && s.labels[1].known[OF_AR] && !s.labels[2].known[OF_AP]); /* the third is nowhere */
    assert_true(!s.all.known[OF_AP_SIZE + 2] && !s.labels[0].known[OF_AR_SIZE + 2]);                /* nothing is large */
}

/* A draw in which every image is there once is no draw: all of its figures are those that are told. */
TEST(with_every_image_once_the_figures_by_size_are_those_that_are_told)
{
    enum { IMAGES = 40 };
    AUTO(arena) struct arena *a = arena_new();
    AUTO(metrics) struct metrics *m = metrics_new(3);
    struct detect_metrics r;
    uint32_t once[IMAGES];
    for (uint64_t i = 0; i < IMAGES; i++) {
        add_image(m, i, 0.7);
        once[i] = 1;
    }
    metrics_compute(m, a, &r);
    AUTO(weighing) struct weighing *w = weighing_new(m, AREAS);
    for (int k = 0; k < METRICS_SIZES; k++) {
        struct weighed all = weigh_all(w, 1 + k, once, NULL);
        assert_true(fabs(all.ap - r.sizes[k].ap) < 1e-12 && fabs(all.ar - r.sizes[k].ar) < 1e-12);
        struct weighed one = weigh(w, 1, 1 + k, once);
        assert_true(fabs(one.ap - r.labels[1].sizes[k].ap) < 1e-12 && fabs(one.ar - r.labels[1].sizes[k].ar) < 1e-12);
    }
    struct weighed all = weigh_all(w, 0, once, NULL);
    assert_true(fabs(all.ap75 - r.ap75) < 1e-12 && fabs(all.ar - r.ar) < 1e-12);
}

TEST(what_is_told_by_size_adds_up_to_all)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(metrics) struct metrics *m = metrics_new(2);
    const struct metrics_truth t[] = { metrics_truth_of(0, 0, 0, 20, 20), metrics_truth_of(0, 100, 0, 50, 50),
                                       metrics_truth_of(1, 200, 0, 200, 200) };
    const struct metrics_detection d[] = { { 0, 0.9, 0, 0, 20, 20 }, { 1, 0.8, 200, 0, 200, 200 } };
    struct detect_metrics r;
    metrics_add(m, t, 3, d, 2);
    metrics_compute(m, a, &r);
    assert_true(r.sizes[0].truths == 1 && r.sizes[1].truths == 1 && r.sizes[2].truths == 1);
    assert_true(r.sizes[0].images == 1 && r.labels[0].images == 1 && r.labels[0].sizes[2].images == 0);
    assert_true(r.sizes[0].ap > 0.99 && r.sizes[1].ap < 0.01 && r.sizes[2].ar > 0.99);
    assert_true(r.labels[0].sizes[1].truths == 1 && r.labels[0].sizes[1].ar == 0 && r.labels[1].sizes[0].ap == -1);
}

TEST(two_models_on_the_same_images_are_compared_draw_by_draw)
{
    enum { IMAGES = 40, TIMES = 400 };
    AUTO(arena) struct arena *a = arena_new();
    AUTO(metrics) struct metrics *good = metrics_new(2);
    AUTO(metrics) struct metrics *same = metrics_new(2);
    AUTO(metrics) struct metrics *bad = metrics_new(2);
    struct detect_metrics r;
    struct draws g, s, b;
    for (uint64_t i = 0; i < IMAGES; i++) {
        add_image(good, i, 0.8);
        add_image(same, i, 0.8);
        add_image(bad, i, 0.4);
    }
    metrics_compute(good, a, &r);
    metrics_compute(same, a, &r);
    metrics_compute(bad, a, &r);
    metrics_resample(good, a, 3, &g);
    metrics_resample(same, a, 3, &s);
    metrics_resample(bad, a, 3, &b);
    assert_true(share_better(g.ap50, s.ap50, TIMES, 0) == 0);
    assert_true(share_better(g.ap50, b.ap50, TIMES, 0) > 0.99);
    assert_true(share_better(g.ap50, b.ap50, TIMES, 0.9) == 0);
    assert_true(share_better(b.ap50, g.ap50, TIMES, 0) < 0.01);
}

TEST(a_mean_has_the_interval_of_its_standard_error)
{
    AUTO(arena) struct arena *a = arena_new();
    double right[100];
    struct draws d;
    for (int i = 0; i < 100; i++)
        right[i] = i % 5 ? 1 : 0;
    mean_resample(right, 100, a, 3, &d);
    assert_int_equal(d.n, 400);
    struct interval in = interval_of(d.ap, d.n, 0.95); /* 0.8 with a standard error of 0.04 */
    assert_true(fabs(in.low - 0.7216) < 0.025 && fabs(in.high - 0.8784) < 0.025);
    mean_resample(right, 0, a, 3, &d);
    assert_int_equal(d.n, 0);
}
