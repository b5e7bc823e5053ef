/* columns.h - what happens to the channels of many pixels. Rows of n floats, a pitch apart. Only inside kernels/. */
#pragma once
#include <stdbool.h>

/* sum[j] += Σ x[j] over the rows, or of x[j] * times[j] where times is not NULL. floats: room for n. */
void columns_sum(const float *x, long x_pitch, const float *times, long times_pitch, long rows, long n, float *floats, double *sum);
/* to = from * by (one row), or to += that */
void columns_scale(const float *from, long from_pitch, const float *by, float *to, long to_pitch, long rows, long n, bool adds);
