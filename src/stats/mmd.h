/* mmd.h - whether two samples of points come from one distribution: the maximum mean discrepancy, MMD² without bias (equation 3 of
 * Gretton, Borgwardt, Rasch, Schölkopf, Smola, "A kernel two-sample test", JMLR 13, 2012), with the kernel
 * exp(-|x - y|² / 2 σ²), where σ is the median distance of two points of both samples together.
 *
 * p: the share of permutations of all points with an MMD² at least as large. Up to MMD_PERMUTATIONS are tried; fewer when
 * MMD_ENOUGH of them were at least as large (Besag & Clifford, "Sequential Monte Carlo p-values", Biometrika 78, 1991), which
 * leaves the chance of a p at most alpha at most alpha. The smallest p is 1 / (MMD_PERMUTATIONS + 1). The same samples always get
 * the same answer. */
#pragma once
#include "base/arena.h"

enum { MMD_MOST = 500, MMD_PERMUTATIONS = 100000, MMD_LEAST = 1000, MMD_ENOUGH = 50, MMD_TAIL = 50 };

struct mmd {
    double mmd2, p, sigma;
    int64_t permutations;
    double tail_from, tail_mean, tail_share; /* of the permutations' values the largest: from where, how far on average, how many */
};
/* x: n × width, y: m × width; 2 to MMD_MOST points each. */
MUST_USE enum err mmd_test(const float *x, size_t n, const float *y, size_t m, size_t width, struct mmd *ret);
/* Whether mmd_test()'s p is at most alpha, which has to be below MMD_ENOUGH / MMD_PERMUTATIONS: much sooner where it is not. */
MUST_USE enum err mmd_differs(const float *x, size_t n, const float *y, size_t m, size_t width, double alpha, bool *ret);
/* The MMD² whose p is about alpha: the tail falls off as exp(-x), being one of sums of squares. For showing only. */
double mmd_critical(const struct mmd *, double alpha);
