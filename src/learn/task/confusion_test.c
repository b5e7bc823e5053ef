#include "base/test.h"
#include "learn/task/confusion.h"
#include <math.h>

TEST(the_interval_of_an_accuracy_is_that_of_its_standard_error)
{
    const int64_t counts[9] = { 40, 5, 5, 0, 30, 0, 10, 0, 10 };
    AUTO(arena) struct arena *a = arena_new();
    struct confusion_spread s;
    confusion_spread(counts, 3, a, 1, &s);
    double half = 1.96 * sqrt(0.8 * 0.2 / 100);
    assert_true(s.known && fabs(s.accuracy.low - (0.8 - half)) < 0.03 && fabs(s.accuracy.high - (0.8 + half)) < 0.03);
    struct label_figures mean = confusion_mean(counts, 3);
    assert_true(s.recall.low < mean.recall && mean.recall < s.recall.high && s.f1.low < mean.f1 && mean.f1 < s.f1.high);
    half = 1.96 * sqrt(0.8 * 0.2 / 50); /* of the fifty of the first label 40 are found */
    assert_true(s.labels[0].known && fabs(s.labels[0].recall.low - (0.8 - half)) < 0.03);
    assert_true(fabs(s.labels[0].recall.high - (0.8 + half)) < 0.03 && s.labels[1].recall.low == 1);
    assert_true(s.labels[2].precision.low < 10 / 15.0 && 10 / 15.0 < s.labels[2].precision.high);
}

TEST(a_label_that_is_nowhere_has_no_interval)
{
    const int64_t counts[4] = { 9, 1, 0, 0 };
    AUTO(arena) struct arena *a = arena_new();
    struct confusion_spread s;
    confusion_spread(counts, 2, a, 1, &s);
    assert_true(s.known && s.labels[0].known && !s.labels[1].known);
}

TEST(one_image_has_no_interval)
{
    const int64_t counts[4] = { 1, 0, 0, 0 }, none[4] = { 0 };
    AUTO(arena) struct arena *a = arena_new();
    struct confusion_spread s;
    confusion_spread(counts, 2, a, 1, &s);
    assert_false(s.known);
    confusion_spread(none, 2, a, 1, &s);
    assert_false(s.known);
}
