#include "nn/kernels/rows.h"
#include "nn/bf16.h"
#include "nn/vector.h"

static ALWAYS_INLINE float get(const void *p, long i, bool half)
{
    return half ? bf16_to_float(((const uint16_t *)p)[i]) : ((const float *)p)[i];
}

static ALWAYS_INLINE void put(void *p, long i, float value, bool half)
{
    if (half)
        ((uint16_t *)p)[i] = bf16_of(value);
    else
        ((float *)p)[i] = value;
}

static ALWAYS_INLINE float value_of(float z, enum act act)
{
    switch (act) {
    case ACT_RELU: return z > 0 ? z : 0;
    case ACT_RELU6: return z > 0 ? z < 6 ? z : 6 : 0;
    case ACT_SILU: return z * fast_sigmoid(z);
    default: return z;
    }
}

static ALWAYS_INLINE float back_through(float z, float dy, enum act act)
{
    float s = act == ACT_SILU ? fast_sigmoid(z) : 0;
    switch (act) {
    case ACT_RELU: return z > 0 ? dy : 0;
    case ACT_RELU6: return z > 0 && z < 6 ? dy : 0;
    case ACT_SILU: return dy * s * (1 + z * (1 - s));
    default: return dy;
    }
}

static ALWAYS_INLINE void moments(const struct rows *r, bool half, float *restrict a, float *restrict b)
{
    for (long i = 0; i < r->n; i++)
        for (long j = 0; j < r->floats; j++) {
            float x = get(r->x, i * r->floats + j, half);
            a[j] += x;
            b[j] += x * x;
        }
}

static ALWAYS_INLINE void apply(const struct rows *r, struct map m, const struct row_factors *f)
{
    const float *restrict scale = f->scale, *restrict shift = f->shift;
    const void *restrict x = r->x;
    void *restrict y = r->y;
    for (long i = 0; i < r->n; i++)
        for (long j = 0; j < r->floats; j++)
            put(y, i * r->pitch + j, value_of(get(x, i * r->floats + j, m.half_x) * scale[j] + shift[j], m.act), m.half_y);
}

static ALWAYS_INLINE void back_sums(const struct rows *r, struct map m, const struct row_factors *f)
{
    const float *restrict scale = f->scale, *restrict shift = f->shift, *restrict mean = f->mean;
    float *restrict a = f->a, *restrict b = f->b;
    void *restrict dy = r->dy;
    for (long i = 0; i < r->n; i++)
        for (long j = 0; j < r->floats; j++) {
            float x = get(r->x, i * r->floats + j, m.half_x);
            float dz = back_through(x * scale[j] + shift[j], get(dy, i * r->pitch + j, m.half_y), m.act);
            if (m.act != ACT_NONE)
                put(dy, i * r->pitch + j, dz, m.half_y);
            a[j] += dz;
            b[j] += dz * (x - mean[j]);
        }
}

static ALWAYS_INLINE void back_apply(const struct rows *r, struct map m, const struct row_factors *f)
{
    const float *restrict scale = f->scale, *restrict a = f->a, *restrict b = f->b;
    for (long i = 0; i < r->n; i++) {
#pragma GCC ivdep
        for (long j = 0; j < r->floats; j++) { /* dx may lie where dy does */
            float x = get(r->x, i * r->floats + j, m.half_x), dz = get(r->dy, i * r->pitch + j, m.half_y);
            put(r->dx, i * r->floats + j, scale[j] * dz - b[j] * x - a[j], m.half_x);
        }
    }
}

static void each_moments(const struct rows *r, bool half, float *a, float *b)
{
    if (half)
        moments(r, true, a, b);
    else
        moments(r, false, a, b);
}

static void each_apply(const struct rows *r, const struct map *m, const struct row_factors *f)
{
    ROWS_EACH(apply, r, m, f)
}

static void each_back_sums(const struct rows *r, const struct map *m, const struct row_factors *f)
{
    ROWS_EACH(back_sums, r, m, f)
}

static void each_back_apply(const struct rows *r, const struct map *m, const struct row_factors *f)
{
    ROWS_TYPES(back_apply, ACT_NONE, r, m, f);
}

const struct rows_way rows_plain = { each_moments, each_apply, each_back_sums, each_back_apply };
