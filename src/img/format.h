/* format.h - one row for each image format; private to img/. */
#pragma once
#include "img/img.h"

struct image_format {
    const char *type;
    bool (*is)(const uint8_t *bytes, size_t n); /* by its first bytes */
    /* info: type and orientation 1 are filled in already. */
    enum err (*probe)(const uint8_t *bytes, size_t n, struct image_info *info);
    /* As stored, not turned; info is what probe said and its size is within the caps. Sets pixels, width, height. */
    enum err (*decode)(const uint8_t *bytes, size_t n, const struct image_info *info, int longest, struct image *ret);
};
extern const struct image_format jpeg_format, png_format, webp_format, gif_format, bmp_format, tiff_format;

const char *image_type_known(const char *type); /* the static text of that format; NULL: there is no such format */

/* The orientation in an EXIF block (TIFF 6.0 layout, with or without "Exif\0\0" in front); 1 when it says nothing sensible. */
int exif_orientation(const uint8_t *bytes, size_t n);
