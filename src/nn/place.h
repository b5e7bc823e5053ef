/* place.h - places in memory by lifetime. Only inside nn/. */
#pragma once
#include <stddef.h>

struct place {
    size_t bytes, offset;        /* offset: the answer, a multiple of 64 */
    int first, last;             /* in use from step to step, both included */
    int again_first, again_last; /* and once more; again_last -1: never */
};
/* Places the largest first, each at the lowest offset that no other in use at the same time has. Returns the bytes of all. */
size_t places_pack(struct place **, size_t n);
/* The most bytes that are in use at one time up to `end`: no layout can be smaller. */
size_t places_ideal(struct place *const *, size_t n, int end);
