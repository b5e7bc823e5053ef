#include "nn/kernels/silu.h"
#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f")))

bool silu_is_wide(void)
{
    return __builtin_cpu_supports("avx512f");
}

/* 1 / (1 + 2^t), t = -x · log2 e; 2^t as a polynomial (Cephes' exp2f) times a power of two, the quotient by one step of Newton's
 * from 14 bits on. Relative error under 1e-6. */
AVX512 static inline __m512 sigmoid(__m512 x)
{
    __m512 t = _mm512_min_ps(_mm512_mul_ps(x, _mm512_set1_ps(-1.44269504f)), _mm512_set1_ps(126));
    __m512 whole = _mm512_roundscale_ps(t, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC), f = _mm512_sub_ps(t, whole);
    __m512 p = _mm512_fmadd_ps(_mm512_set1_ps(1.535336188e-4f), f, _mm512_set1_ps(1.339887440e-3f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(9.618437357e-3f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(5.550332471e-2f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(2.402264791e-1f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(6.931472028e-1f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1));
    __m512 d = _mm512_add_ps(_mm512_scalef_ps(p, whole), _mm512_set1_ps(1)), r = _mm512_rcp14_ps(d);
    return _mm512_fmadd_ps(r, _mm512_fnmadd_ps(d, r, _mm512_set1_ps(1)), r);
}

static __mmask16 lanes(long left)
{
    return (__mmask16)(0xffffu >> (left >= 16 ? 0 : 16 - left));
}

AVX512 void silu_apply_wide(const float *x, float *y, long rows, long floats, long pitch, const struct row_factors *f)
{
    for (long r = 0; r < rows; r++, x += floats, y += pitch)
        for (long j = 0; j < floats; j += 16) {
            __mmask16 m = lanes(floats - j);
            __m512 z = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(m, x + j), _mm512_maskz_loadu_ps(m, f->scale + j),
                                       _mm512_maskz_loadu_ps(m, f->shift + j));
            _mm512_mask_storeu_ps(y + j, m, _mm512_mul_ps(z, sigmoid(z)));
        }
}

AVX512 void silu_back_wide(const float *x, const float *dy, float *dz, long rows, long floats, long pitch,
                           const struct row_factors *f)
{
    for (long r = 0; r < rows; r++, x += floats, dy += pitch, dz += floats)
        for (long j = 0; j < floats; j += 16) {
            __mmask16 m = lanes(floats - j);
            __m512 v = _mm512_maskz_loadu_ps(m, x + j);
            __m512 z = _mm512_fmadd_ps(v, _mm512_maskz_loadu_ps(m, f->scale + j), _mm512_maskz_loadu_ps(m, f->shift + j)),
                   s = sigmoid(z), ds = _mm512_mul_ps(_mm512_maskz_loadu_ps(m, dy + j), s);
            __m512 d = _mm512_fmadd_ps(ds, _mm512_fnmadd_ps(z, s, z), ds),
                   far = _mm512_sub_ps(v, _mm512_maskz_loadu_ps(m, f->mean + j));
            _mm512_mask_storeu_ps(dz + j, m, d);
            _mm512_mask_storeu_ps(f->a + j, m, _mm512_add_ps(_mm512_maskz_loadu_ps(m, f->a + j), d));
            _mm512_mask_storeu_ps(f->b + j, m, _mm512_fmadd_ps(d, far, _mm512_maskz_loadu_ps(m, f->b + j)));
        }
}
