/* rows.h - batch norm's affine map with the activation behind it, over rows of numbers: the arithmetic that a training step does
 * most of besides convolutions. x and what is like it lie side by side; rows of y and dy are `pitch` apart. Only inside kernels/.
 */
#pragma once
#include "nn/ops/ops.h"

struct map { /* z = x * scale + shift, y = act(z) */
    enum act act;
    bool half_x, half_y; /* bf16: x and dx, y and dy */
};
struct row_factors { /* one row each, with room for whole registers */
    float *scale, *shift, *mean;
    float *a, *b; /* sums over rows, or what backward subtracts */
};
struct rows {
    const void *x;
    void *y, *dy, *dx;
    long n, floats, pitch;
};

struct rows_way {
    void (*moments)(const struct rows *, bool half, float *a, float *b);                /* a += x, b += x² */
    void (*apply)(const struct rows *, const struct map *, const struct row_factors *); /* y = act(z) */
    /* a += dz, b += dz * (x - mean); leaves dz in the place of dy: the activation costs more than to write it. */
    void (*back_sums)(const struct rows *, const struct map *, const struct row_factors *);
    /* dx = scale * dz - b * x - a, after back_sums */
    void (*back_apply)(const struct rows *, const struct map *, const struct row_factors *);
};
extern const struct rows_way rows_plain, rows_wide; /* wide: for processors with AVX-512, and its bf16 */
bool rows_are_wide(bool half);

/* `call` once for each way that a map can be, so that the compiler makes a loop of its own for each. */
#define ROWS_TYPES(call, activation, r, m, f)                                                                                      \
    do {                                                                                                                           \
        if ((m)->half_x && (m)->half_y)                                                                                            \
            call(r, (struct map){ activation, true, true }, f);                                                                    \
        else if ((m)->half_x)                                                                                                      \
            call(r, (struct map){ activation, true, false }, f);                                                                   \
        else if ((m)->half_y)                                                                                                      \
            call(r, (struct map){ activation, false, true }, f);                                                                   \
        else                                                                                                                       \
            call(r, (struct map){ activation, false, false }, f);                                                                  \
    } while (0)
#define ROWS_EACH(call, r, m, f)                                                                                                   \
    switch ((m)->act) {                                                                                                            \
    case ACT_NONE: ROWS_TYPES(call, ACT_NONE, r, m, f); break;                                                                     \
    case ACT_RELU: ROWS_TYPES(call, ACT_RELU, r, m, f); break;                                                                     \
    case ACT_RELU6: ROWS_TYPES(call, ACT_RELU6, r, m, f); break;                                                                   \
    case ACT_SILU: ROWS_TYPES(call, ACT_SILU, r, m, f); break;                                                                     \
    }
#define ALWAYS_INLINE inline __attribute__((always_inline))
