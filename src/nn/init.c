#include "nn/graph.h"
#include <math.h>

void param_fill(struct param *p, float value)
{
    for (size_t i = 0; i < tensor_count(&p->value); i++)
        p->value.data[i] = value;
}

static uint64_t next_bits(uint64_t *state) /* splitmix64, Steele et al. 2014 */
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

void param_init_uniform(struct param *p, uint64_t seed, int fan_in)
{
    uint64_t state = seed;
    for (const char *s = p->value.name; *s; s++) {
        state ^= (unsigned char)*s;
        state = next_bits(&state);
    }
    float bound = 1 / sqrtf((float)fan_in);
    for (size_t i = 0; i < tensor_count(&p->value); i++)
        p->value.data[i] = bound * (2 * (float)(next_bits(&state) >> 40) * 0x1p-24f - 1);
}
