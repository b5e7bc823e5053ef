#include "base/test.h"
#include "learn/task/pairs.h"

TEST(a_wrong_label_takes_no_thing_from_a_right_one)
{
    const struct metrics_truth t[] = { metrics_truth_of(0, 0, 0, 10, 10), metrics_truth_of(1, 50, 0, 10, 10) };
    const struct metrics_detection d[] = {
        { 1, 0.9, 0, 0, 10, 10 }, { 0, 0.8, 1, 0, 10, 10 }, { 0, 0.7, 50, 1, 10, 10 }, { 0, 0.6, 90, 0, 10, 10 }
    };
    int of[4];
    pair_boxes(t, 2, d, 4, of);
    assert_true(of[0] == -1 && of[1] == 0 && of[2] == 1 && of[3] == -1);
}

TEST(each_thing_is_stood_for_once_by_the_surest_that_overlaps_it_by_half)
{
    const struct metrics_truth t[] = { metrics_truth_of(0, 0, 0, 10, 10), metrics_truth_of(0, 4, 0, 10, 10) };
    const struct metrics_detection d[] = {
        { 0, 0.9, 1, 0, 10, 10 }, { 0, 0.8, 0, 0, 10, 10 }, { 0, 0.7, 3, 0, 10, 10 }, { 0, 0.6, 0, 7, 10, 10 }
    };
    int of[4];
    pair_boxes(t, 2, d, 4, of);
    assert_true(of[0] == 0 && of[1] == -1 && of[2] == 1 && of[3] == -1);
    pair_boxes(t, 0, d, 4, of);
    assert_true(of[0] == -1 && of[3] == -1);
}
