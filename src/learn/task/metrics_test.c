#include "base/test.h"
#include "learn/task/metrics.h"
#include <math.h>

static void near(double got, double want)
{
    if (!(fabs(got - want) < 1e-9))
        fail_msg("got %.12f, want %.12f", got, want);
}

TEST(a_perfect_detector_has_all_metrics_at_one)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(metrics) struct metrics *m = metrics_new(2);
    const struct metrics_truth t[] = { { 0, 10, 10, 20, 20, 400 }, { 1, 50, 50, 10, 30, 300 } };
    const struct metrics_detection d[] = { { 0, 0.9, 10, 10, 20, 20 }, { 1, 0.8, 50, 50, 10, 30 } };
    struct detect_metrics r;
    metrics_add(m, t, 2, d, 2);
    metrics_compute(m, a, &r);
    near(r.ap, 1);
    near(r.ap50, 1);
    near(r.ar, 1);
    near(r.precision, 1);
    near(r.recall, 1);
    near(r.best_score, 0.8);
}

/* Two truths; the best detection is right, the second wrong, the third right: precision 1 up to recall 0.5 and 2/3 after it. At 101
 * points of recall, 51 have the first and 50 the second. */
TEST(average_precision_is_the_mean_over_101_points_of_recall)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(metrics) struct metrics *m = metrics_new(1);
    const struct metrics_truth t[] = { { 0, 0, 0, 10, 10, 100 }, { 0, 100, 0, 10, 10, 100 } };
    const struct metrics_detection d[] = { { 0, 0.9, 0, 0, 10, 10 }, { 0, 0.8, 50, 0, 10, 10 }, { 0, 0.7, 100, 0, 10, 10 } };
    struct detect_metrics r;
    metrics_add(m, t, 2, d, 3);
    metrics_compute(m, a, &r);
    near(r.ap50, (51 * 1.0 + 50 * (2.0 / 3)) / 101);
    near(r.ar, 1);
}

/* A box moved by a third of its width has IoU 0.5: right at the first threshold only. */
TEST(a_detection_is_right_up_to_its_iou)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(metrics) struct metrics *m = metrics_new(1);
    const struct metrics_truth t[] = { { 0, 0, 0, 30, 10, 300 } };
    const struct metrics_detection d[] = { { 0, 0.9, 10, 0, 30, 10 } };
    struct detect_metrics r;
    metrics_add(m, t, 1, d, 1);
    metrics_compute(m, a, &r);
    near(r.ap50, 1);
    near(r.ap75, 0);
    near(r.ap, 0.1);
}

TEST(one_truth_counts_once_and_the_second_detection_of_it_is_wrong)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(metrics) struct metrics *m = metrics_new(1);
    const struct metrics_truth t[] = { { 0, 0, 0, 10, 10, 100 } };
    const struct metrics_detection d[] = { { 0, 0.5, 0, 0, 10, 10 }, { 0, 0.9, 0, 0, 10, 9 } };
    struct detect_metrics r;
    metrics_add(m, t, 1, d, 2);
    metrics_compute(m, a, &r);
    near(r.ap50, 1);
    near(r.precision, 1);
    near(r.best_score, 0.9);
}

TEST(labels_without_truth_do_not_count_and_missed_ones_do)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(metrics) struct metrics *m = metrics_new(3);
    const struct metrics_truth t[] = { { 0, 0, 0, 10, 10, 100 }, { 1, 30, 0, 10, 10, 100 } };
    const struct metrics_detection d[] = { { 0, 0.9, 0, 0, 10, 10 }, { 2, 0.9, 0, 0, 10, 10 } };
    struct detect_metrics r;
    metrics_add(m, t, 2, d, 2);
    metrics_add(m, NULL, 0, NULL, 0);
    metrics_compute(m, a, &r);
    near(r.ap50, 0.5);
    near(r.labels[2].ap, -1);
    CHECK_INT(r.images, 2);
}

TEST(nothing_to_find_has_no_average_precision)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(metrics) struct metrics *m = metrics_new(1);
    struct detect_metrics r;
    metrics_compute(m, a, &r);
    near(r.ap, -1);
}

/* One thing, and a crowd that holds one detection; another detection lies half in it. */
TEST(detections_in_a_crowd_are_neither_right_nor_wrong)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(metrics) struct metrics *m = metrics_new(1);
    const struct metrics_truth t[] = { { 0, 100, 0, 60, 60, 3600, true }, { 0, 0, 0, 10, 10, 100 } };
    const struct metrics_detection d[] = { { 0, 0.9, 110, 10, 10, 10 }, { 0, 0.8, 0, 0, 10, 10 }, { 0, 0.7, 97, 0, 10, 10 } };
    struct detect_metrics r;
    metrics_add(m, t, 2, d, 3);
    metrics_compute(m, a, &r);
    CHECK_INT(r.truths, 1);
    near(r.ap50, 1);
    near(r.precision, 1);
    near(r.labels[0].precision, 1);
}

/* 20 × 20 is small, 50 × 50 medium and 100 × 100 large; only the last is found. */
TEST(the_twelve_figures_of_coco_tell_sizes_apart)
{
    static const double want[COCO_FIGURES] = { 34.0 / 101, 34.0 / 101, 34.0 / 101, 0, 0, 1, 1.0 / 3, 1.0 / 3, 1.0 / 3, 0, 0, 1 };
    AUTO(arena) struct arena *a = arena_new();
    AUTO(metrics) struct metrics *m = metrics_new(2);
    const struct metrics_truth t[] = { { 0, 0, 0, 20, 20, 400 }, { 0, 50, 0, 50, 50, 2500 }, { 0, 200, 0, 100, 100, 10000 } };
    const struct metrics_detection d[] = { { 0, 0.9, 200, 0, 100, 100 } };
    struct detect_metrics r;
    metrics_add(m, t, 3, d, 1);
    metrics_compute(m, a, &r);
    for (int i = 0; i < COCO_FIGURES; i++)
        near(r.coco[i], want[i]);
}

TEST(a_detection_of_a_negative_size_is_passed_over)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(metrics) struct metrics *m = metrics_new(1);
    const struct metrics_truth t[] = { { 0, 0, 0, 10, 10, 100 } };
    const struct metrics_detection d[] = { { 0, 0.9, 10, 0, -10, 10 }, { 0, 0.8, 0, 0, 10, 10 } };
    struct detect_metrics r;
    metrics_add(m, t, 1, d, 2);
    metrics_compute(m, a, &r);
    near(r.ap50, 1);
    near(r.precision, 1);
}
