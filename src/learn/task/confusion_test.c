#include "base/test.h"
#include "learn/task/confusion.h"
#include <math.h>

TEST(the_interval_of_an_accuracy_is_that_of_its_standard_error)
{
    const int64_t counts[9] = { 40, 5, 5, 0, 30, 0, 10, 0, 10 };
    struct confusion_spread s;
    confusion_spread(counts, 3, 1, &s);
    double half = 1.96 * sqrt(0.8 * 0.2 / 100);
    assert_true(s.known && fabs(s.accuracy.low - (0.8 - half)) < 0.03 && fabs(s.accuracy.high - (0.8 + half)) < 0.03);
    struct label_figures mean = confusion_mean(counts, 3);
    assert_true(s.recall.low < mean.recall && mean.recall < s.recall.high && s.f1.low < mean.f1 && mean.f1 < s.f1.high);
}

TEST(one_image_has_no_interval)
{
    const int64_t counts[4] = { 1, 0, 0, 0 }, none[4] = { 0 };
    struct confusion_spread s;
    confusion_spread(counts, 2, 1, &s);
    assert_false(s.known);
    confusion_spread(none, 2, 1, &s);
    assert_false(s.known);
}
