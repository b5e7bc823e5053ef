#include "nn/vector.h"
#include "nn/bf16.h"
#include <string.h>

enum { LANES = 16, BLOCK = 4096 };

WIDEST void vector_add(float *restrict to, const float *restrict from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] += from[i];
}

WIDEST double vector_scale(float *x, float by, size_t n)
{
    double sum = 0;
    for (size_t at = 0; at < n; at += BLOCK) { /* in blocks, so that a long sum of floats loses nothing */
        float part[LANES] = { 0 };
        size_t end = at + BLOCK < n ? at + BLOCK : n, i = at;
        for (; i + LANES <= end; i += LANES)
            for (size_t k = 0; k < LANES; k++) {
                x[i + k] *= by;
                part[k] += x[i + k] * x[i + k];
            }
        for (; i < end; i++) {
            x[i] *= by;
            part[0] += x[i] * x[i];
        }
        for (size_t k = 0; k < LANES; k++)
            sum += part[k];
    }
    return sum;
}

WIDEST void vector_approach(float *restrict to, const float *restrict from, float part, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] += part * (from[i] - to[i]);
}

WIDEST void vector_sum(float *restrict to, const float *restrict a, const float *restrict b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = a[i] + b[i];
}

WIDEST void vector_to_bf16(uint16_t *restrict to, const float *restrict from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = bf16_of(from[i]);
}

WIDEST void vector_from_bf16(float *restrict to, const uint16_t *restrict from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = bf16_to_float(from[i]);
}

WIDEST void vector_add_bf16(uint16_t *restrict to, const uint16_t *restrict from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = bf16_of(bf16_to_float(to[i]) + bf16_to_float(from[i]));
}

WIDEST void vector_sum_bf16(uint16_t *restrict to, const uint16_t *restrict a, const uint16_t *restrict b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = bf16_of(bf16_to_float(a[i]) + bf16_to_float(b[i]));
}

WIDEST static void add_rows(float *restrict to, long to_pitch, const float *restrict from, long from_pitch, long rows, long n)
{
    for (long r = 0; r < rows; r++, to += to_pitch, from += from_pitch)
        for (long i = 0; i < n; i++)
            to[i] += from[i];
}

void vector_give_rows(float *to, long to_pitch, const float *from, long from_pitch, long rows, long n, bool adds)
{
    if (to_pitch == n && from_pitch == n) {
        n *= rows;
        rows = 1;
    }
    if (adds)
        add_rows(to, to_pitch, from, from_pitch, rows, n);
    for (long r = 0; !adds && r < rows; r++)
        memcpy(to + r * to_pitch, from + r * from_pitch, sizeof(float) * (size_t)n);
}
