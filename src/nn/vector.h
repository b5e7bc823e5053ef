/* vector.h - arithmetic on runs of floats, compiled for the widest registers that the processor turns out to have. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIDEST __attribute__((target_clones("avx512f", "default")))

void vector_add(float *to, const float *from, size_t n);                  /* to += from */
double vector_scale(float *x, float by, size_t n);                        /* x *= by; returns the sum of the squares after it */
void vector_approach(float *to, const float *from, float part, size_t n); /* to += part * (from - to) */
void vector_sum(float *to, const float *a, const float *b, size_t n);     /* to = a + b */
void vector_to_bf16(uint16_t *to, const float *from, size_t n);
void vector_from_bf16(float *to, const uint16_t *from, size_t n);
void vector_add_bf16(uint16_t *to, const uint16_t *from, size_t n); /* to += from */
void vector_sum_bf16(uint16_t *to, const uint16_t *a, const uint16_t *b, size_t n);
/* rows of n floats, a pitch apart: to = from, or to += from */
void vector_give_rows(float *to, long to_pitch, const float *from, long from_pitch, long rows, long n, bool adds);

/* exp(x), relative error under 3e-7 between -87 and 88, beyond which it stays the same; without branches, so that compilers make it
 * work on whole registers. 2^n in the exponent's bits times a polynomial for what is left (as Cephes does). */
static inline float fast_exp(float x)
{
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    float shifted = x * 1.44269504f + 12582912.0f, n = shifted - 12582912.0f; /* 1.5 · 2^23: rounds to a whole number */
    float r = x - n * 0.693359375f + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    union {
        float value;
        int32_t bits;
    } two = { .bits = ((int32_t)n + 127) << 23 };
    return p * two.value;
}
static inline float fast_sigmoid(float x)
{
    return 1.0f / (1.0f + fast_exp(-x));
}
