/* winograd.h - the parts of a 3 × 3 convolution by Winograd's minimal filtering F(2×2, 3×3) (Lavin & Gray 2016): tiles of 4 × 4
 * pixels of the input, two pixels apart, become 16 numbers for each channel; so do the weights; the products of the two, summed
 * over channels, are 16 matrix products; from their 16 results for a tile come 2 × 2 pixels of the output. That takes 16
 * multiplications where the sum over the window takes 36. The gradients are the same maps transposed. Only inside kernels/.
 *
 * In bf16 the numbers that are multiplied are rounded after they were summed in f32, two to a unit of 4 bytes. */
#pragma once
#include "nn/graph.h"

enum {
    WINOGRAD_PLACES = 16,   /* numbers of a tile, and matrix products */
    WINOGRAD_ROWS = 8,      /* of a matrix product, taken at a time */
    WINOGRAD_CHANNELS = 16, /* of which there must be a multiple */
    WINOGRAD_CHANNELS_MOST = 1024,
};

/* Pixels that tiles are read from or written to. */
struct winograd_pixels {
    void *values; /* f32 or bf16, n × h × w × c */
    bool half;
    int h, w, c;
    int top, left;     /* of the first tile: how far it reaches over the edge */
    int rows, columns; /* tiles of an image */
};
struct winograd_span {       /* of tiles, in order of image, row and column */
    long first, count, room; /* those from count to room count as zeros */
};

/* c[i][j] = Σ a[i][k] b[k][j], or c += that; units of 4 bytes: an f32, or two bf16 of which each is multiplied with the other's. */
struct winograd_product {
    const uint32_t *a, *b;
    float *c;
    long rows, columns, units;
    long a_row, a_unit; /* units from a row of a to the next, and from a unit to the next */
    bool adds;
};

/* For one kind of processor and type. Weights are O × 3 × 3 × I. */
struct winograd_way {
    bool half;
    /* to[place][tile][channel]; paired: in bf16 two tiles share a unit, else two channels do. */
    void (*take)(const struct winograd_pixels *, const struct winograd_span *, bool paired, void *to);
    /* The same of the gradient of 2 × 2 pixels, paired. */
    void (*take_grad)(const struct winograd_pixels *, const struct winograd_span *, void *to);
    /* from[place][tile][channel], f32; writes 2 × 2 pixels of each tile, or adds to them. */
    void (*give)(const struct winograd_pixels *, const struct winograd_span *, const float *from, bool adds);
    /* to[place][i][o], or [place][o][i] with the window turned by 180 degrees: what dx is made with. Two of the middle in a unit.
     */
    void (*take_weights)(const float *weights, int out, int in, bool turned, void *to);
    void (*give_weights)(const float *from, int out, int in, float *grad); /* from[place][o][i]; adds */
    void (*product)(const struct winograd_product *);
};
extern const struct winograd_way winograd_plain, winograd_wide_f32, winograd_wide_bf16; /* wide: with AVX-512, and its bf16 */
bool winograd_is_wide(bool half);
