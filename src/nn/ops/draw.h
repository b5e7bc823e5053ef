/* draw.h - numbers drawn for one sample of one step, by hashing where they are used: the same however a batch is split over
 * replicas, in backward as in forward, and after a training went on. Only inside nn/. */
#pragma once
#include "nn/graph.h"

static inline uint64_t draw_mix(uint64_t z) /* the finaliser of splitmix64 (Steele et al. 2014) */
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

/* For sample i of this graph's part of the batch. */
static inline uint64_t draw_key(const struct node *n, int i)
{
    const struct draw *d = n->draw;
    uint64_t key = draw_mix(d->seed + 0x9e3779b97f4a7c15 * (uint64_t)(n->out.id + 1));
    key = draw_mix(key ^ (uint64_t)d->step);
    return draw_mix(key ^ (uint64_t)(d->first_sample + i));
}

/* Is value i dropped, with a chance of `rate` / 2^24? Made of 32-bit multiplications and shifts, which work on whole registers
 * (a hash as in Wellons 2018, "Prospecting for Hash Functions"). */
static inline bool draw_drops(uint64_t key, uint32_t i, uint32_t rate)
{
    uint32_t x = i ^ (uint32_t)key;
    x = (x ^ (x >> 16)) * 0x7feb352d;
    x += (uint32_t)(key >> 32);
    x = (x ^ (x >> 15)) * 0x846ca68b;
    return (x ^ (x >> 16)) >> 8 < rate;
}
static inline uint32_t draw_rate(float rate)
{
    return (uint32_t)(rate * 0x1p24f);
}
