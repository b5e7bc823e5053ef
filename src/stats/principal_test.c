#include "base/test.h"
#include "stats/principal.h"
#include <math.h>

TEST(rows_lie_along_their_directions_in_units_of_their_spread)
{
    enum { N = 400 };
    AUTO(arena) struct arena *a = arena_new();
    float *rows = arena_new_array(a, float, N * 3), at[4];
    for (int i = 0; i < N; i++) { /* wide along (1, 1, 0), narrow along (0, 0, 1), around (5, -3, 2) */
        double far = 10 * sin(i * 0.7), near = cos(i * 1.3);
        rows[i * 3] = (float)(5 + far);
        rows[i * 3 + 1] = (float)(-3 + far);
        rows[i * 3 + 2] = (float)(2 + near);
    }
    struct principal p;
    MUST(principal_fit(a, rows, N, 3, 3, &p));
    CHECK_INT(p.n, 2);
    CHECK(fabs(p.directions[0] - sqrt(0.5)) < 1e-3 && fabs(p.directions[1] - sqrt(0.5)) < 1e-3 && fabs(p.directions[2]) < 2e-3);
    principal_place(&p, (const float[]){ 15, 7, 2 }, at);
    CHECK(fabs((double)at[0] - sqrt(2) * 10 / p.scales[0]) < 0.02);
    double sum = 0, squares = 0;
    for (int i = 0; i < N; i++) {
        principal_place(&p, rows + i * 3, at);
        sum += (double)at[1];
        squares += (double)(at[1] * at[1]);
    }
    CHECK(at[2] < 1e-3F); /* nothing of these lies beside the two directions */
    principal_place(&p, (const float[]){ 6, -4, 2 }, at);
    CHECK(fabs((double)at[2] - sqrt(2) / p.spread) < 1e-3 && fabs((double)at[0]) < 0.01);
    CHECK(fabs(p.spread - sqrt(p.scales[0] * p.scales[0] + p.scales[1] * p.scales[1])) < 1e-6);
    CHECK(fabs(sum / N) < 1e-3 && fabs(squares / (N - 1) - 1) < 1e-3);
}

TEST(the_rotations_of_jacobi_find_all_eigenvectors)
{
    double m[9] = { 2, 1, 0, 1, 2, 0, 0, 0, 5 }, values[3], vectors[9];
    jacobi(m, 3, values, vectors);
    CHECK(fabs(values[0] - 5) < 1e-12 && fabs(values[1] - 3) < 1e-12 && fabs(values[2] - 1) < 1e-12);
    CHECK(fabs(fabs(vectors[2]) - 1) < 1e-12);
    CHECK(fabs(vectors[3] - vectors[4]) < 1e-12 && fabs(vectors[6] + vectors[7]) < 1e-12);
}
