#include "nn/kernels/columns.h"
#include "nn/vector.h"
#include <string.h>

enum { SUMMED = 64 }; /* rows summed in float, the rest in double */

WIDEST static void add_rows(const float *restrict x, long pitch, long rows, long n, float *restrict sum)
{
    for (long r = 0; r < rows; r++, x += pitch)
        for (long j = 0; j < n; j++)
            sum[j] += x[j];
}

WIDEST static void add_products(const float *restrict x, long x_pitch, const float *restrict times, long times_pitch, long rows,
                                long n, float *restrict sum)
{
    for (long r = 0; r < rows; r++, x += x_pitch, times += times_pitch)
        for (long j = 0; j < n; j++)
            sum[j] += x[j] * times[j];
}

void columns_sum(const float *x, long x_pitch, const float *times, long times_pitch, long rows, long n, float *floats, double *sum)
{
    for (long r = 0; r < rows; r += SUMMED) {
        long some = rows - r < SUMMED ? rows - r : SUMMED;
        memset(floats, 0, sizeof(float) * (size_t)n);
        if (times)
            add_products(x + r * x_pitch, x_pitch, times + r * times_pitch, times_pitch, some, n, floats);
        else
            add_rows(x + r * x_pitch, x_pitch, some, n, floats);
        for (long j = 0; j < n; j++)
            sum[j] += (double)floats[j];
    }
}

WIDEST static void give(const float *restrict from, long from_pitch, const float *restrict by, float *restrict to, long to_pitch,
                        long rows, long n)
{
    for (long r = 0; r < rows; r++, from += from_pitch, to += to_pitch)
        for (long j = 0; j < n; j++)
            to[j] = from[j] * by[j];
}
WIDEST static void add(const float *restrict from, long from_pitch, const float *restrict by, float *restrict to, long to_pitch,
                       long rows, long n)
{
    for (long r = 0; r < rows; r++, from += from_pitch, to += to_pitch)
        for (long j = 0; j < n; j++)
            to[j] += from[j] * by[j];
}
void columns_scale(const float *from, long from_pitch, const float *by, float *to, long to_pitch, long rows, long n, bool adds)
{
    (adds ? add : give)(from, from_pitch, by, to, to_pitch, rows, n);
}
