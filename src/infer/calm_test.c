#include "base/test.h"
#include "infer/calm.h"

TEST(a_run_takes_all_processors_until_somebody_else_asks)
{
    struct calm c;
    calm_init(&c, 4);
    CHECK_INT(calm_threads(&c, 100), 4);
    calm_company(&c, 100);
    CHECK_INT(calm_threads(&c, 101), 1);
    CHECK_INT(calm_threads(&c, 103), 4);
    calm_init(&c, 64);
    CHECK_INT(calm_threads(&c, 1), 8);
    calm_init(&c, 1);
    CHECK_INT(calm_threads(&c, 1), 1);
}

static double spell(struct calm *c, double from)
{
    for (int i = 0; i < 3; i++) {
        CHECK_INT(calm_threads(c, from), 2);
        calm_ran(c, 2, 0.010, 0.011, from);
    }
    double until = from;
    while (calm_threads(c, until) == 1)
        until += 0.5;
    return until - from;
}

TEST(runs_that_had_to_share_the_processors_take_one_thread_for_longer_and_longer)
{
    struct calm c;
    calm_init(&c, 2);
    for (int i = 0; i < 100; i++)
        calm_ran(&c, 2, 0.010, 0.0195, 50);
    CHECK_INT(calm_threads(&c, 50), 2);
    double at = 100, last = 0;
    for (int i = 0; i < 8; i++) {
        double took = spell(&c, at);
        CHECK(took >= last && took <= 60);
        at += took;
        last = took;
    }
    CHECK(last == 60);
    calm_ran(&c, 1, 0.010, 0.010, at); /* says nothing of the others */
    CHECK_INT(calm_threads(&c, at), 2);
    calm_ran(&c, 2, 0.010, 0.0195, at + 100); /* long left alone: the next spell is short again */
    CHECK(spell(&c, at + 101) < 3);
}
