/* bf16.h - bfloat16: the upper half of a float, rounded to nearest, ties to even. In bf16 a network's values and their gradients
 * may be kept like that (struct tensor, half); weights, their gradients and all sums stay f32. */
#pragma once
#include <stdint.h>

static inline float bf16_to_float(uint16_t half)
{
    union {
        uint32_t bits;
        float value;
    } u = { .bits = (uint32_t)half << 16 };
    return u.value;
}

static inline uint16_t bf16_of(float value)
{
    union {
        float value;
        uint32_t bits;
    } u = { .value = value };
    uint32_t rounded = (u.bits + 0x7fff + (u.bits >> 16 & 1)) >> 16;
    return (uint16_t)((u.bits & 0x7fffffff) > 0x7f800000 ? 0x7fc0 : rounded); /* what is no number stays none */
}
