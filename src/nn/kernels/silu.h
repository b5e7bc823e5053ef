/* silu.h - batch norm's affine map with SiLU behind it, over rows of floats: the arithmetic that a training step does most of
 * besides convolutions. Only inside kernels/. */
#pragma once
#include <stdbool.h>

struct row_factors {
    float *scale, *shift, *mean; /* z = x * scale + shift, over one row */
    float *a, *b;                /* sums over rows, or what backward subtracts */
};
/* y = silu(z); rows of y are `pitch` apart, those of x lie side by side. */
void silu_apply(const float *x, float *y, long rows, long floats, long pitch, const struct row_factors *);
/* dz = dy * silu'(z), which may lie where dy does; a += dz, b += dz * (x - mean). Rows of dy are `pitch` apart. */
void silu_back(const float *x, const float *dy, float *dz, long rows, long floats, long pitch, const struct row_factors *);

/* The same for processors with AVX-512. */
bool silu_is_wide(void);
void silu_apply_wide(const float *x, float *y, long rows, long floats, long pitch, const struct row_factors *);
void silu_back_wide(const float *x, const float *dy, float *dz, long rows, long floats, long pitch, const struct row_factors *);
