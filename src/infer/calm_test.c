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

/* A machine of two processors, on which one model runs. */
struct machine {
    struct calm calm;
    struct paces paces;
};

static void ran(struct machine *m, int threads, double run_s, double cpu_s, double now)
{
    calm_ran(&m->calm, &(struct paced){ threads, run_s, cpu_s }, &m->paces, now);
    double *pace = threads == 1 ? &m->paces.one_s : &m->paces.all_s;
    *pace = pace_after(*pace, run_s);
}

static int threads_after(struct machine *m, int runs, double run_s, double cpu_s)
{
    for (int i = 0; i < runs; i++)
        ran(m, 2, run_s, cpu_s, 50);
    return calm_threads(&m->calm, 50);
}

static double spell(struct machine *m, double from)
{
    for (int i = 0; i < 30 && calm_threads(&m->calm, from) == 2; i++)
        ran(m, 2, 0.0077, 0.0077, from);
    CHECK_INT(calm_threads(&m->calm, from), 1);
    double until = from;
    while (calm_threads(&m->calm, until) == 1)
        until += 0.5;
    return until - from;
}

TEST(runs_that_had_to_share_the_processors_take_one_thread_for_longer_and_longer)
{
    struct machine m = { 0 };
    calm_init(&m.calm, 2);
    CHECK_INT(threads_after(&m, 100, 0.0018, 0.0036), 2);
    double at = 100, last = 0;
    for (int i = 0; i < 12; i++) {
        double took = spell(&m, at);
        CHECK(took >= last && took <= 60);
        at += took;
        last = took;
    }
    CHECK(last == 60);
    ran(&m, 1, 0.0077, 0.0077, at); /* says nothing of the others */
    CHECK_INT(calm_threads(&m.calm, at), 2);
    ran(&m, 2, 0.0018, 0.0036, at + 100); /* long left alone: the next spell is short again */
    CHECK(spell(&m, at + 101) < 2);
}

/* The kernel told of the other thread's time only where a tick fell into the run. */
TEST(short_runs_of_which_the_processors_time_tells_half_are_not_taken_for_disturbed_ones)
{
    struct machine m = { 0 };
    calm_init(&m.calm, 2);
    CHECK_INT(threads_after(&m, 1000, 0.0018, 0.0018), 2);
}

TEST(long_runs_that_did_not_get_their_processors_are_disturbed_from_the_first)
{
    struct machine m = { 0 };
    calm_init(&m.calm, 2);
    CHECK_INT(threads_after(&m, 1000, 0.200, 0.390), 2);
    m = (struct machine){ 0 };
    calm_init(&m.calm, 2);
    CHECK_INT(threads_after(&m, 4, 0.400, 0.410), 1);
}

TEST(threads_that_are_no_quicker_than_one_give_way_to_it)
{
    struct machine m = { 0 };
    calm_init(&m.calm, 2);
    ran(&m, 1, 0.0034, 0.0034, 40);
    CHECK_INT(threads_after(&m, 3, 0.0032, 0.0064), 2);
    CHECK_INT(threads_after(&m, 100, 0.0036, 0.0072), 1);
}

TEST(a_quick_run_that_never_comes_again_is_forgotten)
{
    struct machine m = { 0 };
    calm_init(&m.calm, 2);
    ran(&m, 2, 0.0010, 0.0010, 40);
    for (int i = 0; i < 300; i++)
        ran(&m, 2, 0.0018, 0.0018, 40 + i);
    m.calm.crowded_until = 0;
    CHECK_INT(threads_after(&m, 100, 0.0018, 0.0018), 2);
}

TEST(a_spell_is_not_prolonged_by_what_runs_until_a_process_of_one_thread_is_there)
{
    struct machine m = { 0 };
    calm_init(&m.calm, 2);
    threads_after(&m, 10, 0.0018, 0.0018);
    CHECK_INT(threads_after(&m, 100, 0.0077, 0.0077), 1);
    CHECK_INT(calm_threads(&m.calm, 51.1), 2);
}

/* A burst of somebody's, not worth another process. */
TEST(some_short_runs_that_were_disturbed_change_nothing)
{
    struct machine m = { 0 };
    calm_init(&m.calm, 2);
    for (int i = 0; i < 100; i++) {
        CHECK_INT(threads_after(&m, 8, 0.0077, 0.0077), 2);
        CHECK_INT(threads_after(&m, 20, 0.0018, 0.0018), 2);
    }
}
