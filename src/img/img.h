/* img.h - image files to RGB pixels and back.
 *
 * A format is one file and one row of formats.c. Everything that reads a file treats it as hostile: sizes are checked against
 * IMAGE_PIXELS before anything is allocated. Still, only sandboxed processes decode files that came from outside: see decoder.h. */
#pragma once
#include "base/arena.h"

enum {
    IMAGE_PIXELS = 100 * 1000 * 1000, /* most pixels of an image; E_TOO_BIG names this */
    IMAGE_SIDE = 65535,               /* most pixels of a side */
    IMAGE_BYTES = 512 << 20           /* most bytes of a file */
};

struct image {
    uint8_t *pixels;             /* height rows of width × (R, G, B), no padding; owned */
    int width, height;           /* of pixels */
    int full_width, full_height; /* of the image as shown, before any scaling down while decoding */
};
void image_done(struct image *); /* frees; a zeroed struct is fine */
static inline void auto_image(struct image *i)
{
    image_done(i);
}
MUST_USE enum err image_new(int width, int height, struct image *ret); /* black */

/* What the first bytes say. */
struct image_info {
    const char *type;  /* "image/jpeg" …, static */
    int width, height; /* as stored */
    int orientation;   /* EXIF tag 0x0112, 1 to 8; 5 to 8 swap width and height when shown */
};
/* Reads headers only, allocates no pixels. E_INVALID: no image of a known format, or a broken header. E_TOO_BIG: over a cap. */
MUST_USE enum err image_probe(const uint8_t *bytes, size_t n, struct image_info *ret);

/* Decodes the whole file, so that a truncated or damaged one is E_INVALID, and turns it as EXIF says. Grey, palette, 16 bit and
 * CMYK become 8-bit RGB; alpha is dropped, as the common training tools do; the first frame of an animation is taken.
 * longest > 0: the longer side is wanted at that many pixels: formats that can (JPEG, by its DCT) decode at a reduced size whose
 * longer side is still >= longest. 0: full size. */
MUST_USE enum err image_decode(const uint8_t *bytes, size_t n, int longest, struct image *ret);

/* Separable triangle filter, widened by the factor when shrinking (area-aware, no aliasing), bilinear when enlarging. */
MUST_USE enum err image_resize(const struct image *, int width, int height, struct image *ret);
/* As other tools make pictures smaller or larger, to the last bit, since networks have learnt from what those made. */
enum image_filter {
    FILTER_LINEAR,   /* the four pixels around, also when shrinking (OpenCV's linear) */
    FILTER_TRIANGLE, /* all pixels that lie under it (Pillow's bilinear) */
    FILTER_TENSOR,   /* the same with shorter weights (torchvision's of bytes, antialiased) */
    FILTER_CUBIC,    /* as FILTER_TRIANGLE with a cubic, a = -0.5 (Pillow's bicubic) */
    FILTER_NEAREST   /* one pixel (Pillow's nearest) */
};
MUST_USE enum err image_resample(const struct image *, enum image_filter, int width, int height, struct image *ret);
/* The whole image, whatever its shape, as side × side pixels: side × side × 3 bytes. */
MUST_USE enum err image_small(const struct image *, int side, uint8_t *ret);
MUST_USE enum err image_turn(struct image *, int orientation); /* as EXIF says; 1 does nothing */
/* The size that fits into max_width × max_height with the aspect kept (rounded, at least 1 pixel). */
void image_fit(int width, int height, int max_width, int max_height, int *ret_width, int *ret_height);

/* Pixels to what a network takes: x = pixel * scale, then (x - mean) / std, for each of R, G, B. */
struct normalise {
    float scale, mean[3], std[3];
    uint8_t pad; /* value of the pixels outside the image, normalised like the others */
};
/* Scaled to fit, aligned top left, padded right and bottom. ret: 3 × height × width (R, G, B planes). *ret_width, *ret_height: the
 * part that the image covers; a point (x, y) of it lies at x * full_width / *ret_width, y * full_height / *ret_height of the image
 * as shown. */
MUST_USE enum err image_letterbox(const struct image *, int width, int height, const struct normalise *, float *ret, int *ret_width,
                                  int *ret_height);
/* The whole image, whatever its shape, as width × height: first scaled to fit, as training images are kept, then stretched. */
MUST_USE enum err image_stretch(const struct image *, int width, int height, const struct normalise *, float *ret);
/* The middle of the image, scaled so that it just covers width × height. */
MUST_USE enum err image_cover(const struct image *, int width, int height, const struct normalise *, float *ret);

/* How an image looks: what docs/monitoring.md defines. The image is first brought to LOOK_SIDE on its longer side (never enlarged),
 * so that figures of images compare; decode with `longest` LOOK_SIDE before, for the same reason. */
enum { LOOK_SIDE = 256 };
struct image_look {
    double brightness, contrast, saturation; /* 0 to 1: mean and standard deviation of the luma, mean saturation (HSV) */
    double sharpness;                        /* variance of the luma's Laplacian, luma from 0 to 255; low: blurred */
};
MUST_USE enum err image_look(const struct image *, struct image_look *ret);

/* ret: heap, for free(). */
MUST_USE enum err image_to_jpeg(const struct image *, int quality, uint8_t **ret, size_t *ret_n); /* quality 1 to 100, 4:2:0 */
MUST_USE enum err image_to_png(const struct image *, uint8_t **ret, size_t *ret_n);
