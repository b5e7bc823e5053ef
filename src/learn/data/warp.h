/* warp.h - the pixels of an image, through an affine map and a change of colours, into a network's input.
 *
 * Shrinking averages (a triangle as wide as the step, like image_resize()), enlarging is bilinear. Pixels whose place is outside
 * the image are left as they are. */
#pragma once
#include "img/img.h"
#include "learn/data/affine.h"

/* Colours: three weighted sums of red, green and blue and a constant, cut to what an image can hold, then normalised. */
struct colouring {
    float weight[3][3], shift;
};
static inline struct colouring colouring_none(void)
{
    return (struct colouring){ { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } }, 0 };
}

/* at: from the image's pixels to those of the output; out: rows of row_pixels × 3 values, only the window is written. */
void warp_image(const struct image *, const struct affine *at, const struct window *, const struct colouring *,
                const struct normalise *, int row_pixels, float *out);
/* A value for each pixel, width × height of them, taken from the nearest one. out: rows of row_pixels. */
void warp_mask(const uint8_t *values, int width, int height, const struct affine *at, const struct window *, int row_pixels,
               uint8_t *out);
