/* wide.h - sixteen numbers at a time, for processors with AVX-512; f32 in the register whatever memory holds. Only for the files
 * that say so in their names. */
#pragma once
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

/* What is only done in bf16 uses AVX512_BF16; loops in f32 use nothing of it, though they are compiled with it, so that all can be
 * inlined into each other. */
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,fma")))
#define WIDE AVX512 static inline __attribute__((always_inline))

static inline bool wide_is_possible(bool half)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && (!half || __builtin_cpu_supports("avx512bf16"));
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
    if (half)
        _mm256_mask_storeu_epi16((uint16_t *)p + i, m, (__m256i)_mm512_cvtneps_pbh(v));
    else
        _mm512_mask_storeu_ps((float *)p + i, m, v);
}
