#include "base/test.h"
#include "stats/mmd.h"
#include <math.h>

static double uniform(uint64_t *state)
{
    *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (double)(*state >> 11) / 9007199254740992.0;
}

static void fill(float *x, size_t n, double shift, uint64_t *state)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(uniform(state) + shift);
}

TEST(two_points_each_have_the_discrepancy_by_hand)
{
    const float x[] = { 0, 1 }, y[] = { 3, 5 };
    struct mmd m; /* distances 1 3 5 2 4 2, the median 2.5 */
    MUST(mmd_test(x, 2, y, 2, 1, &m));
    CHECK(fabs(m.sigma - 2.5) < 1e-6);
    double s = 2 * 2.5 * 2.5, within = exp(-1 / s) + exp(-4 / s),
           across = (exp(-9 / s) + exp(-25 / s) + exp(-4 / s) + exp(-16 / s)) / 4;
    CHECK(fabs(m.mmd2 - (within - 2 * across)) < 1e-6);
}

TEST(the_distance_that_would_count_belongs_to_its_chance)
{
    enum { N = 60, M = 40, WIDTH = 2 };
    float x[N * WIDTH], y[M * WIDTH];
    uint64_t seed = 3;
    int counted = 0, told = 0;
    for (int i = 0; i < 60; i++) {
        struct mmd m;
        fill(x, N * WIDTH, 0, &seed);
        fill(y, M * WIDTH, i % 4 * 0.05, &seed);
        MUST(mmd_test(x, N, y, M, WIDTH, &m));
        told += m.p <= 0.02;
        counted += (m.p <= 0.02) == (m.mmd2 >= mmd_critical(&m, 0.02));
    }
    CHECK(told > 5 && told < 40);
    CHECK(counted >= 55);
}

TEST(whether_samples_differ_is_told_sooner_and_alike)
{
    float x[40 * 2], y[40 * 2];
    uint64_t seed = 5;
    int told = 0;
    for (int i = 0; i < 24; i++) {
        struct mmd m;
        bool differs;
        fill(x, COUNT_OF(x), 0, &seed);
        fill(y, COUNT_OF(y), i % 6 * 0.07, &seed);
        MUST(mmd_test(x, 40, y, 40, 2, &m));
        MUST(mmd_differs(x, 40, y, 40, 2, 0.0002, &differs));
        CHECK_INT(differs, m.p <= 0.0002);
        told += differs;
    }
    CHECK(told > 3 && told < 20);
}

TEST(the_same_points_always_get_the_same_answer_whichever_sample_is_named_first)
{
    float x[35 * 2], y[50 * 2];
    uint64_t seed = 9;
    struct mmd a, b, c;
    fill(x, COUNT_OF(x), 0, &seed);
    fill(y, COUNT_OF(y), 0.1, &seed);
    MUST(mmd_test(x, 35, y, 50, 2, &a));
    MUST(mmd_test(x, 35, y, 50, 2, &b));
    MUST(mmd_test(y, 50, x, 35, 2, &c));
    CHECK(fabs(a.p - b.p) <= 0 && fabs(a.p - c.p) <= 0 && fabs(a.mmd2 - c.mmd2) < 1e-12);
}
