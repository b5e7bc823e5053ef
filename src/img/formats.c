#include "img/format.h"
#include <stdlib.h>
#include <string.h>

static const struct image_format *const formats[] = {
    &jpeg_format, &png_format, &webp_format, &gif_format, &bmp_format, &tiff_format,
};

const char *image_type_known(const char *type)
{
    for (size_t i = 0; i < COUNT_OF(formats); i++)
        if (strcmp(formats[i]->type, type) == 0)
            return formats[i]->type;
    return NULL;
}

static enum err find(const uint8_t *bytes, size_t n, const struct image_format **ret_format, struct image_info *ret)
{
    if (n > IMAGE_BYTES)
        return fail(E_TOO_BIG, "the image file has %zu bytes; at most %d are read", n, IMAGE_BYTES);
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        if (!formats[i]->is(bytes, n))
            continue;
        struct image_info info = { .type = formats[i]->type, .orientation = 1 };
        TRY(formats[i]->probe(bytes, n, &info));
        if (info.width < 1 || info.height < 1)
            return fail(E_INVALID, "the image says it is %d×%d pixels", info.width, info.height);
        if (info.width > IMAGE_SIDE || info.height > IMAGE_SIDE || (int64_t)info.width * info.height > IMAGE_PIXELS)
            return fail(E_TOO_BIG, "the image has %d×%d pixels; at most %d million are read", info.width, info.height,
                        IMAGE_PIXELS / 1000000);
        *ret_format = formats[i];
        *ret = info;
        return OK;
    }
    return fail(E_INVALID, "not an image of a known format (JPEG, PNG, WebP, GIF, BMP, TIFF)");
}

enum err image_probe(const uint8_t *bytes, size_t n, struct image_info *ret)
{
    const struct image_format *format;
    return find(bytes, n, &format, ret);
}

enum err image_decode(const uint8_t *bytes, size_t n, int longest, struct image *ret)
{
    const struct image_format *format;
    struct image_info info;
    TRY(find(bytes, n, &format, &info));
    AUTO(image) struct image image = { 0 };
    TRY(format->decode(bytes, n, &info, longest, &image));
    TRY(image_turn(&image, info.orientation));
    bool swap = info.orientation >= 5;
    image.full_width = swap ? info.height : info.width;
    image.full_height = swap ? info.width : info.height;
    *ret = image;
    image = (struct image){ 0 };
    return OK;
}

enum err image_new(int width, int height, struct image *ret)
{
    void *pixels;
    if (width < 1 || height < 1)
        return fail(E_INVALID, "an image of %d×%d pixels", width, height);
    TRY(big_take((size_t)width * (size_t)height * 3, (size_t)IMAGE_PIXELS * 3, "the pixels of an image", &pixels));
    *ret = (struct image){ pixels, width, height, width, height };
    return OK;
}

void image_done(struct image *i)
{
    free(i->pixels);
    *i = (struct image){ 0 };
}
