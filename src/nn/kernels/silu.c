#include "nn/kernels/silu.h"
#include "nn/vector.h"

void silu_apply(const float *restrict x, float *restrict y, long rows, long floats, long pitch, const struct row_factors *f)
{
    if (silu_is_wide()) {
        silu_apply_wide(x, y, rows, floats, pitch, f);
        return;
    }
    const float *restrict scale = f->scale, *restrict shift = f->shift;
    for (long r = 0; r < rows; r++, x += floats, y += pitch)
        for (long j = 0; j < floats; j++) {
            float z = x[j] * scale[j] + shift[j];
            y[j] = z * fast_sigmoid(z);
        }
}

void silu_back(const float *restrict x, const float *dy, float *dz, long rows, long floats, long pitch, const struct row_factors *f)
{
    if (silu_is_wide()) {
        silu_back_wide(x, dy, dz, rows, floats, pitch, f);
        return;
    }
    const float *restrict scale = f->scale, *restrict shift = f->shift, *restrict mean = f->mean;
    float *restrict a = f->a, *restrict b = f->b;
    for (long r = 0; r < rows; r++, x += floats, dy += pitch, dz += floats) {
#pragma GCC ivdep
        for (long j = 0; j < floats; j++) {
            float z = x[j] * scale[j] + shift[j], s = fast_sigmoid(z), d = dy[j] * s * (1 + z * (1 - s));
            dz[j] = d;
            a[j] += d;
            b[j] += d * (x[j] - mean[j]);
        }
    }
}
