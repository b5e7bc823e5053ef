/* ks.h - whether two samples come from one distribution: the two-sample Kolmogorov-Smirnov test, and distances of counts.
 *
 * D = sup |F1(x) - F2(x)| of the empirical distribution functions. p: the chance of a D at least as large when both samples come
 * from one continuous distribution; where values tie, p is at most too large. Exact, by counting lattice paths: the recurrence of
 * Hodges, "The significance probability of the Smirnov two-sample test", Arkiv för Matematik 3 (1958), with the probability that a
 * path touches the boundary carried along, so that small p keep their digits. */
#pragma once
#include "base/arena.h"

enum { KS_MOST = 10000 }; /* values of a sample */

struct ks {
    double d, p, at; /* at: the value after which the two differ by d */
};
/* Sorted, ascending; 1 to KS_MOST values each. */
void ks_test(const double *a, size_t n, const double *b, size_t m, struct ks *ret);
/* The same without p, which takes n × m steps. */
void ks_distance(const double *a, size_t n, const double *b, size_t m, struct ks *ret);
double ks_p(size_t n, size_t m, double d);
/* The smallest D of samples of these sizes whose p is at most alpha; 2 if there is none. */
double ks_critical(size_t n, size_t m, double alpha);

void sample_sort(double *, size_t n);
/* The share of values that are at most x. Sorted. */
double sample_share(const double *, size_t n, double x);

/* Places at which both distribution functions are drawn: the smallest and largest value, and of those between every so many-th of
 * both samples together, at most `most` in all, ascending and different. ret: room for most. */
size_t ks_places(const double *a, size_t n, const double *b, size_t m, size_t most, double *ret);

/* Total variation distance of two counts of the same k kinds, as shares: half the sum of |difference|, 0 to 1. 0 if one is empty.
 */
double total_variation(const double *a, const double *b, size_t k);
