/* Sixteen channels at a time, f32 or bf16. */
#include "nn/kernels/wide.h"

#define LOOPS AVX512
enum { LANES = 16, TOGETHER = 8 };
typedef __m512 lanes;

WIDE lanes lanes_load(const void *p, long i, bool half)
{
    return wide_load(p, i, 0xffff, half);
}
WIDE void lanes_store(void *p, long i, lanes v, bool half)
{
    wide_store(p, i, 0xffff, v, half);
}
#include "nn/kernels/winograd_loops.h"

bool winograd_is_wide(bool half)
{
    return wide_is_possible(half);
}

/* ---- f32 */

LOOP lanes add_f32(lanes sum, uint32_t a, lanes b)
{
    return _mm512_fmadd_ps(_mm512_castsi512_ps(_mm512_set1_epi32((int)a)), b, sum);
}

LOOPS static void take_f32(const struct winograd_pixels *p, const struct winograd_span *s, bool paired, void *to)
{
    (void)paired;
    take_any(p, s, to, false, false, store_f32);
}
LOOPS static void take_grad_f32(const struct winograd_pixels *p, const struct winograd_span *s, void *to)
{
    take_any(p, s, to, true, false, store_f32);
}
LOOPS static void give(const struct winograd_pixels *p, const struct winograd_span *s, const float *from, bool adds)
{
    if (p->half)
        give_any(p, s, from, adds, true);
    else
        give_any(p, s, from, adds, false);
}
LOOPS static void take_weights_f32(const float *w, int out, int in, bool turned, void *to)
{
    take_weights_any(w, out, in, turned, to);
}
LOOPS static void give_weights(const float *from, int out, int in, float *grad)
{
    give_weights_any(from, out, in, grad);
}
LOOPS static void product_f32(const struct winograd_product *p)
{
    product_any(p, add_f32);
}
const struct winograd_way winograd_wide_f32 = { false, take_f32, take_grad_f32, give, take_weights_f32, give_weights, product_f32 };

/* ---- bf16 */

LOOP lanes add_bf16(lanes sum, uint32_t a, lanes b)
{
    return _mm512_dpbf16_ps(sum, (__m512bh)_mm512_set1_epi32((int)a), (__m512bh)b);
}

/* Units of two bf16, `first` in the lower half. */
LOOP void store_pairs(uint32_t *to, lanes first, lanes second)
{
    static const uint16_t order[32] = { 0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                        8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31 };
    __m512i both = (__m512i)_mm512_cvtne2ps_pbh(second, first);
    _mm512_storeu_si512(to, _mm512_permutexvar_epi16(_mm512_loadu_si512(order), both));
}
LOOP void store_half(void *to, long i, lanes v)
{
    _mm256_storeu_si256((__m256i *)(void *)((uint16_t *)to + i), (__m256i)_mm512_cvtneps_pbh(v));
}

LOOP void take_paired(const struct winograd_pixels *p, const struct winograd_span *s, uint32_t *to, bool grad, bool half)
{
    for (long i = 0; i < s->room; i += 2) {
        int side = grad ? 2 : 4;
        struct window a = window_of(p, s, i, side, zeros), b = window_of(p, s, i + 1, side, zeros);
        for (long c = 0; c < p->c; c += LANES) {
            struct tile first = grad ? of_grad(&a, c, half) : of_pixels(&a, c, half);
            struct tile second = grad ? of_grad(&b, c, half) : of_pixels(&b, c, half);
#pragma GCC unroll 16
            for (int k = 0; k < PLACES; k++)
                store_pairs(to + (k * s->room + i) / 2 * p->c + c, first.v[k], second.v[k]);
        }
    }
}

LOOPS static void take_bf16(const struct winograd_pixels *p, const struct winograd_span *s, bool paired, void *to)
{
    if (paired && p->half)
        take_paired(p, s, to, false, true);
    else if (paired)
        take_paired(p, s, to, false, false);
    else if (p->half)
        take_any(p, s, to, false, true, store_half);
    else
        take_any(p, s, to, false, false, store_half);
}
LOOPS static void take_grad_bf16(const struct winograd_pixels *p, const struct winograd_span *s, void *to)
{
    if (p->half)
        take_paired(p, s, to, true, true);
    else
        take_paired(p, s, to, true, false);
}

LOOPS static void take_weights_bf16(const float *w, int out, int in, bool turned, void *to)
{
    enum { SIDE = WINOGRAD_CHANNELS };
    uint16_t block[PLACES][SIDE * SIDE];
    for (long o = 0; o < out && turned; o += 2)
        for (long c = 0; c < in; c += LANES) {
            struct tile first = of_weights(w + (o * 9 + 8) * in + c, -in), second = of_weights(w + (o * 9 + 17) * in + c, -in);
            for (int k = 0; k < PLACES; k++)
                store_pairs((uint32_t *)to + ((long)k * out + o) / 2 * in + c, first.v[k], second.v[k]);
        }
    for (long o = 0; o < out && !turned; o += SIDE)
        for (long c = 0; c < in; c += SIDE) {
            for (long i = 0; i < SIDE; i++) {
                struct tile t = of_weights(w + (o + i) * 9 * in + c, in);
                for (int k = 0; k < PLACES; k++)
                    store_half(block[k], i * SIDE, t.v[k]);
            }
            for (int k = 0; k < PLACES; k++)
                turn_units((const uint32_t *)(const void *)block[k], SIDE / 2, (uint32_t *)to + ((long)k * in + c) / 2 * out + o,
                           out);
        }
}
LOOPS static void product_bf16(const struct winograd_product *p)
{
    product_any(p, add_bf16);
}
const struct winograd_way winograd_wide_bf16 = { true,         take_bf16,   take_grad_bf16, give, take_weights_bf16,
                                                 give_weights, product_bf16 };
