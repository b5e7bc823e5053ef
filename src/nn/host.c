/* The border between a network's memory and the host's. Here both are one; for a device these are its copies. */
#include "nn/nn.h"
#include <assert.h>
#include <string.h>

static float *part(const struct tensor *t, enum tensor_part of, size_t first, size_t n)
{
    float *all = of == TENSOR_VALUES ? t->data : t->grad;
    assert(all && !t->half && first + n <= tensor_count(t));
    return all + first;
}

void tensor_put(struct tensor *t, enum tensor_part of, size_t first, const float *from, size_t n)
{
    memcpy(part(t, of, first, n), from, n * sizeof *from);
}

void tensor_get(const struct tensor *t, enum tensor_part of, size_t first, float *to, size_t n)
{
    memcpy(to, part(t, of, first, n), n * sizeof *to);
}

float *tensor_copy(const struct tensor *t, struct arena *a)
{
    float *all = arena_new_array(a, float, tensor_count(t));
    tensor_get(t, TENSOR_VALUES, 0, all, tensor_count(t));
    return all;
}
