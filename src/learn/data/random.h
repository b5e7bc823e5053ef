/* random.h - numbers that are the same everywhere for the same seed (splitmix64, Steele et al. 2014).
 * A stream is a value: whoever needs one of its own derives it from a seed and what it is for, so that no order of threads and no
 * stop and resume changes what is drawn. */
#pragma once
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct random {
    uint64_t state;
};

static inline uint64_t random_bits(struct random *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}
static inline struct random random_of(uint64_t seed, uint64_t purpose, uint64_t index)
{
    struct random r = { seed };
    r.state = random_bits(&r) ^ purpose;
    r.state = random_bits(&r) ^ index;
    random_bits(&r);
    return r;
}
static inline float random_unit(struct random *r) /* [0, 1) */
{
    return (float)(random_bits(r) >> 40) * 0x1p-24f;
}
static inline float random_in(struct random *r, float low, float high)
{
    return low + (high - low) * random_unit(r);
}
static inline size_t random_below(struct random *r, size_t n) /* n > 0; the bias is under n / 2^64 */
{
    return (size_t)(random_bits(r) % n);
}
static inline bool random_chance(struct random *r, float p)
{
    return random_unit(r) < p;
}
static inline float random_normal(struct random *r) /* mean 0, deviation 1 (Box & Muller 1958) */
{
    float u = 1 - random_unit(r), v = random_unit(r);
    return sqrtf(-2 * logf(u)) * cosf(6.2831853f * v);
}
static inline void random_shuffle(struct random *r, uint32_t *items, size_t n) /* Fisher-Yates */
{
    for (size_t i = n; i > 1; i--) {
        size_t j = random_below(r, i);
        uint32_t t = items[i - 1];
        items[i - 1] = items[j];
        items[j] = t;
    }
}
