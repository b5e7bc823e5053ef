#include "nn/kernels/rows.h"
#include "nn/kernels/wide.h"

bool rows_are_wide(bool half)
{
    return wide_is_possible(half);
}

/* 1 / (1 + 2^t), t = -x · log2 e; 2^t as a polynomial (Cephes' exp2f) times a power of two, the quotient by one step of Newton's
 * from 14 bits on. Relative error under 1e-6; `rough`, for what is rounded to 8 bits anyway: a shorter polynomial (of least
 * relative error), without the step; under 2e-4. */
WIDE __m512 sigmoid(__m512 x, bool rough)
{
    __m512 t = _mm512_min_ps(_mm512_mul_ps(x, _mm512_set1_ps(-1.44269504f)), _mm512_set1_ps(126));
    __m512 whole = _mm512_roundscale_ps(t, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC), f = _mm512_sub_ps(t, whole), p;
    if (rough) {
        p = _mm512_fmadd_ps(_mm512_set1_ps(5.517118076e-02f), f, _mm512_set1_ps(2.426109419e-01f));
    } else {
        p = _mm512_fmadd_ps(_mm512_set1_ps(1.535336188e-4f), f, _mm512_set1_ps(1.339887440e-3f));
        p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(9.618437357e-3f));
        p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(5.550332471e-2f));
        p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(2.402264791e-1f));
    }
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(rough ? 6.932610353e-01f : 6.931472028e-1f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(rough ? 9.999280863e-01f : 1));
    __m512 d = _mm512_add_ps(_mm512_scalef_ps(p, whole), _mm512_set1_ps(1)), r = _mm512_rcp14_ps(d);
    return rough ? r : _mm512_fmadd_ps(r, _mm512_fnmadd_ps(d, r, _mm512_set1_ps(1)), r);
}

WIDE __m512 value_of(__m512 z, enum act act, bool rough)
{
    __m512 zero = _mm512_setzero_ps();
    switch (act) {
    case ACT_RELU: return _mm512_max_ps(z, zero);
    case ACT_RELU6: return _mm512_min_ps(_mm512_max_ps(z, zero), _mm512_set1_ps(6));
    case ACT_SILU: return _mm512_mul_ps(z, sigmoid(z, rough));
    default: return z;
    }
}

WIDE __m512 back_through(__m512 z, __m512 dy, enum act act, bool rough)
{
    if (act == ACT_NONE)
        return dy;
    if (act == ACT_SILU) {
        __m512 s = sigmoid(z, rough), ds = _mm512_mul_ps(dy, s);
        return _mm512_fmadd_ps(ds, _mm512_fnmadd_ps(z, s, z), ds);
    }
    __mmask16 on = _mm512_cmp_ps_mask(z, _mm512_setzero_ps(), _CMP_GT_OQ);
    if (act == ACT_RELU6)
        on = _mm512_mask_cmp_ps_mask(on, z, _mm512_set1_ps(6), _CMP_LT_OQ);
    return _mm512_maskz_mov_ps(on, dy);
}

/* Sixteen values of a row, or those of `m`, which is a constant but for the last ones: masked stores are slow, and what they wrote
 * is slow to be read again. The factors' rows have room for whole registers, and what lies outside a row counts as 0. */

/* Four rows in one go: their sums pass through memory once. */
WIDE void moments_16(const struct rows *r, long i, long j, __mmask16 m, bool half, float *a, float *b)
{
    __m512 sum = _mm512_loadu_ps(a + j), squares = _mm512_loadu_ps(b + j);
    for (long k = i; k < i + 4 && k < r->n; k++) {
        __m512 x = wide_load(r->x, k * r->floats + j, m, half);
        sum = _mm512_add_ps(sum, x);
        squares = _mm512_fmadd_ps(x, x, squares);
    }
    _mm512_storeu_ps(a + j, sum);
    _mm512_storeu_ps(b + j, squares);
}

WIDE void apply_16(const struct rows *r, long i, long j, __mmask16 m, struct map t, const struct row_factors *f)
{
    __m512 z = _mm512_fmadd_ps(wide_load(r->x, i * r->floats + j, m, t.half_x), _mm512_loadu_ps(f->scale + j),
                               _mm512_loadu_ps(f->shift + j));
    wide_store(r->y, i * r->pitch + j, m, value_of(z, t.act, t.half_y), t.half_y);
}

WIDE void back_sums_16(const struct rows *r, long i, long j, __mmask16 m, struct map t, const struct row_factors *f)
{
    __m512 x = wide_load(r->x, i * r->floats + j, m, t.half_x);
    __m512 z = _mm512_fmadd_ps(x, _mm512_loadu_ps(f->scale + j), _mm512_loadu_ps(f->shift + j));
    __m512 dz = back_through(z, wide_load(r->dy, i * r->pitch + j, m, t.half_y), t.act, t.half_x);
    if (t.act != ACT_NONE)
        wide_store(r->dy, i * r->pitch + j, m, dz, t.half_y);
    __m512 far = _mm512_sub_ps(x, _mm512_loadu_ps(f->mean + j));
    _mm512_storeu_ps(f->a + j, _mm512_add_ps(_mm512_loadu_ps(f->a + j), dz));
    _mm512_storeu_ps(f->b + j, _mm512_fmadd_ps(dz, far, _mm512_loadu_ps(f->b + j)));
}

WIDE void back_apply_16(const struct rows *r, long i, long j, __mmask16 m, struct map t, const struct row_factors *f)
{
    __m512 x = wide_load(r->x, i * r->floats + j, m, t.half_x), scale = _mm512_loadu_ps(f->scale + j);
    __m512 dz = wide_load(r->dy, i * r->pitch + j, m, t.half_y);
    __m512 less = _mm512_fmadd_ps(x, _mm512_loadu_ps(f->b + j), _mm512_loadu_ps(f->a + j));
    wide_store(r->dx, i * r->floats + j, m, _mm512_fmsub_ps(scale, dz, less), t.half_x);
}

#define EACH_16(r, step, call, ...)                                                                                                \
    long whole = (r)->floats & ~15L, left = (r)->floats - whole;                                                                   \
    for (long i = 0; i < (r)->n; i += step) {                                                                                      \
        for (long j = 0; j < whole; j += 16)                                                                                       \
            call(r, i, j, 0xffff, __VA_ARGS__);                                                                                    \
        if (left)                                                                                                                  \
            call(r, i, whole, wide_lanes(left), __VA_ARGS__);                                                                      \
    }
WIDE void moments(const struct rows *r, bool half, float *a, float *b){ EACH_16(r, 4, moments_16, half, a, b) } WIDE
    void apply(const struct rows *r, struct map t, const struct row_factors *f){ EACH_16(r, 1, apply_16, t, f) } WIDE
    void back_sums(const struct rows *r, struct map t, const struct row_factors *f){ EACH_16(r, 1, back_sums_16, t, f) } WIDE
    void back_apply(const struct rows *r, struct map t, const struct row_factors *f){ EACH_16(r, 1, back_apply_16, t, f) }

AVX512 static void each_moments(const struct rows *r, bool half, float *a, float *b)
{
    if (half)
        moments(r, true, a, b);
    else
        moments(r, false, a, b);
}

AVX512 static void each_apply(const struct rows *r, const struct map *m, const struct row_factors *f){ ROWS_EACH(apply, r, m, f) }

AVX512 static void each_back_sums(const struct rows *r, const struct map *m,
                                  const struct row_factors *f){ ROWS_EACH(back_sums, r, m, f) }

AVX512 static void each_back_apply(const struct rows *r, const struct map *m, const struct row_factors *f)
{
    ROWS_TYPES(back_apply, ACT_NONE, r, m, f);
}

const struct rows_way rows_wide = { each_moments, each_apply, each_back_sums, each_back_apply };
