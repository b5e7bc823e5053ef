#include "base/test.h"
#include "stats/ks.h"
#include <math.h>
#include <stdlib.h>

static bool near(double x, double y, double within)
{
    return fabs(x - y) <= within;
}

static double uniform(uint64_t *state)
{
    *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (double)(*state >> 11) / 9007199254740992.0;
}

TEST(samples_that_do_not_overlap_have_distance_one_and_the_chance_of_two_orders)
{
    const double a[] = { 1, 2, 3 }, b[] = { 4, 5, 6, 7 };
    struct ks k;
    ks_test(a, 3, b, 4, &k);
    CHECK(near(k.d, 1, 0));
    CHECK(near(k.p, 2.0 / 35, 1e-15)); /* of 7! / (3! 4!) orders, two are as far apart */
    CHECK(near(k.at, 3, 0));
}

TEST(equal_samples_have_distance_zero_and_p_one)
{
    const double a[] = { 1, 2, 2, 5 };
    struct ks k;
    ks_test(a, 4, a, 4, &k);
    CHECK(near(k.d, 0, 0));
    CHECK(near(k.p, 1, 0));
}

/* Values of scipy 1.16's ks_2samp, which tests/client compares with on many more. */
TEST(known_samples_have_the_published_values)
{
    const double a[] = { 0.1, 0.4, 0.4, 0.7, 1.5, 2 }, b[] = { 0.4, 0.9, 1.5, 1.6, 2.5, 3, 3.1, 4 };
    struct ks k;
    ks_test(a, 6, b, 8, &k);
    CHECK(near(k.d, 0.5416666666666666, 1e-15));
    CHECK(near(k.p, 0.19247419247419248, 1e-12));
}

/* The plain specification: all ways to mix n and m values, by counting. */
static void mixings(int n, int m, int i, int k, int64_t far, int64_t worst, int64_t *all, int64_t *beyond)
{
    int64_t here = llabs((int64_t)i * m - (int64_t)k * n);
    worst = here > worst ? here : worst;
    if (i == n && k == m) {
        ++*all;
        *beyond += worst >= far;
        return;
    }
    if (i < n)
        mixings(n, m, i + 1, k, far, worst, all, beyond);
    if (k < m)
        mixings(n, m, i, k + 1, far, worst, all, beyond);
}

static bool divides(int c, int n, int m)
{
    return n % c == 0 && m % c == 0;
}

TEST(p_is_the_share_of_all_mixings_of_the_samples)
{
    for (int n = 1; n <= 7; n++)
        for (int m = 1; m <= 7; m++)
            for (int steps = 1; steps <= n * m; steps++) {
                int64_t all = 0, beyond = 0;
                bool occurs = true; /* distances are multiples of the greatest divisor */
                for (int c = 2; c <= n; c++)
                    occurs = occurs && (!divides(c, n, m) || steps % c == 0);
                if (!occurs)
                    continue;
                mixings(n, m, 0, 0, steps, 0, &all, &beyond);
                CHECK(near(ks_p((size_t)n, (size_t)m, (double)steps / (n * m)), (double)beyond / (double)all, 1e-14));
            }
}

TEST(small_chances_keep_their_digits)
{
    double p = ks_p(60, 60, 1), chance = 2;
    for (int i = 1; i <= 60; i++)
        chance *= (double)i / (60 + i); /* 2 / (120 over 60) */
    CHECK(p > 0 && near(p / chance, 1, 1e-12));
}

TEST(the_critical_distance_is_the_smallest_that_alpha_allows)
{
    double d = ks_critical(50, 80, 0.01);
    CHECK(ks_p(50, 80, d) <= 0.01);
    CHECK(ks_p(50, 80, d - 10.0 / (50 * 80)) > 0.01);
    CHECK(near(ks_critical(2, 2, 0.001), 2, 0));
}

/* At most alpha of the pairs from one distribution may be called different. */
TEST(pairs_from_one_distribution_are_seldom_called_different)
{
    enum { N = 40, M = 70, PAIRS = 2000 };
    double a[N], b[M], limit = ks_critical(N, M, 0.05);
    uint64_t seed = 7;
    int called = 0;
    for (int t = 0; t < PAIRS; t++) {
        struct ks k;
        for (int i = 0; i < N; i++)
            a[i] = uniform(&seed);
        for (int i = 0; i < M; i++)
            b[i] = uniform(&seed);
        sample_sort(a, N);
        sample_sort(b, M);
        ks_distance(a, N, b, M, &k);
        called += k.d >= limit;
    }
    CHECK(called > PAIRS * 0.02 && called < PAIRS * 0.065);
}

TEST(curves_are_drawn_at_few_different_places_that_begin_and_end_with_the_values)
{
    enum { N = 1000, M = 37 };
    double a[N], b[M], places[200];
    uint64_t seed = 3;
    for (int i = 0; i < N; i++)
        a[i] = floor(uniform(&seed) * 400);
    for (int i = 0; i < M; i++)
        b[i] = 500 + i;
    sample_sort(a, N);
    size_t n = ks_places(a, N, b, M, 200, places);
    CHECK(n > 50 && n <= 200);
    CHECK(near(places[0], a[0], 0));
    CHECK(near(places[n - 1], 536, 0));
    for (size_t i = 1; i < n; i++)
        CHECK(places[i] > places[i - 1]);
    const double one[] = { 5 };
    CHECK_INT(ks_places(one, 1, one, 1, 200, places), 1);
    CHECK(near(sample_share(one, 1, 5), 1, 0));
    CHECK(near(sample_share(one, 1, 4.9), 0, 0));
}

TEST(total_variation_is_the_share_that_would_have_to_move)
{
    const double a[] = { 10, 10, 0 }, b[] = { 1, 2, 1 }, none[] = { 0, 0, 0 };
    CHECK(near(total_variation(a, b, 3), 0.25, 1e-15));
    CHECK(near(total_variation(a, a, 3), 0, 0));
    CHECK(near(total_variation(a, none, 3), 0, 0));
}
