#include "nn/graph.h"
#include "nn/vector.h"
#include <string.h>

void tensor_give(const struct tensor *t, void *to, const void *from)
{
    if (t->half)
        vector_add_bf16(to, from, tensor_count(t));
    else
        vector_add(to, from, tensor_count(t));
}

void tensor_give_rows(const struct tensor *t, void *to, long to_pitch, const void *from, long from_pitch, long rows, long n,
                      bool adds)
{
    if (!t->half) {
        vector_give_rows(to, to_pitch, from, from_pitch, rows, n, adds);
        return;
    }
    uint16_t *a = to;
    const uint16_t *b = from;
    for (long r = 0; r < rows; r++, a += to_pitch, b += from_pitch)
        if (adds)
            vector_add_bf16(a, b, (size_t)n);
        else
            memcpy(a, b, sizeof *a * (size_t)n);
}
