#include "base/backoff.h"
#include "base/clock.h"
#include "base/test.h"

TEST(pauses_double_from_half_a_second_to_half_a_minute_and_differ)
{
    static const double most[] = { 0.5, 1, 2, 4, 8, 16, 30, 30, 30 };
    double other = 0;
    struct backoff b = { 0 }, c = { 0 };
    for (size_t i = 0; i < COUNT_OF(most); i++) {
        double s = backoff_next(&b), t = backoff_next(&c);
        CHECK(s >= most[i] / 2 && s <= most[i]);
        other += s != t;
    }
    CHECK(other > 0);
    b = (struct backoff){ 0 };
    CHECK(backoff_next(&b) <= 0.5);
}

static bool at_once(void)
{
    return true;
}

TEST(a_pause_ends_when_it_is_enough)
{
    double begun = clock_seconds();
    CHECK(!backoff_sleep(20, at_once));
    CHECK(clock_seconds() - begun < 5);
    CHECK(backoff_sleep(0.01, NULL));
}
