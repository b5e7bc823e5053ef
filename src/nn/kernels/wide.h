/* wide.h - sixteen numbers at a time, for processors with AVX-512; f32 in the register whatever memory holds. Only for the files
 * that say so in their names. */
#pragma once
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma")))
#define WIDE AVX512 static inline __attribute__((always_inline))

static inline bool wide_is_possible(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq");
}

static inline __mmask16 wide_lanes(long left)
{
    return (__mmask16)(0xffffu >> (left >= 16 ? 0 : 16 - left));
}

WIDE __m512 wide_load(const void *p, long i, __mmask16 m, bool half)
{
    if (half)
        return _mm512_castsi512_ps(
            _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(m, (const uint16_t *)p + i)), 16));
    return _mm512_maskz_loadu_ps(m, (const float *)p + i);
}

WIDE void wide_store(void *p, long i, __mmask16 m, __m512 v, bool half)
{
    if (!half) {
        _mm512_mask_storeu_ps((float *)p + i, m, v);
        return;
    }
    __m512i bits = _mm512_castps_si512(v);
    __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    __m512i rounded = _mm512_srli_epi32(_mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff))), 16);
    rounded = _mm512_mask_mov_epi32(rounded, _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q), _mm512_set1_epi32(0x7fc0));
    _mm256_mask_storeu_epi16((uint16_t *)p + i, m, _mm512_cvtepi32_epi16(rounded));
}
