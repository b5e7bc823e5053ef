/* principal.h - the directions along which many values of a sample vary most: principal component analysis (Pearson, Phil. Mag. 2,
 * 1901; Hotelling, J. Educ. Psych. 24, 1933), and where a further row lies along them.
 *
 * The directions are the first eigenvectors of the covariance, or, of fewer rows than values, made of those of the rows' products.
 * They are found by simultaneous iteration with Rayleigh-Ritz steps (Rutishauser, Numer. Math. 16, 1970), whose small problems are
 * solved by Jacobi's rotations (1846). Always the same for the same rows; each points to where its largest component is positive.
 */
#pragma once
#include "base/arena.h"

enum { PRINCIPAL_MOST = 32, PRINCIPAL_ROWS = 1000, PRINCIPAL_WIDTH = 4096 };

struct principal {
    size_t width, n;    /* n: directions; fewer than asked for if the rows vary in fewer */
    double *mean;       /* width */
    double *directions; /* n × width, of length one and at right angles, most varying first */
    double *scales;     /* n: standard deviations along them */
    double spread;      /* root of the mean squared distance from the mean */
};
/* rows: n × width, 2 to PRINCIPAL_ROWS of at most PRINCIPAL_WIDTH values. most: at most PRINCIPAL_MOST. ret: the arena's. */
MUST_USE enum err principal_fit(struct arena *, const float *rows, size_t n, size_t width, size_t most, struct principal *ret);
/* Along each direction, in units of its standard deviation; and, last, how far the row lies beside all of them, in units of the
 * spread (the root of the statistic Q of Jackson & Mudholkar, Technometrics 21, 1979): what is like none of the rows may lie along
 * their directions as they do. ret has room for n + 1. */
void principal_place(const struct principal *, const float *row, float *ret);

/* Eigenvalues, largest first, and -vectors (rows of `vectors`) of the symmetric n × n matrix, which is overwritten. */
void jacobi(double *matrix, size_t n, double *values, double *vectors);
