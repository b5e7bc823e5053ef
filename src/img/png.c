#include "img/format.h"
#include <spng.h>
#include <stdlib.h>
#include <string.h>

static void auto_spng(spng_ctx **c)
{
    spng_ctx_free(*c);
}

static enum err damaged(int code)
{
    return fail(code == SPNG_EMEM ? E_BROKEN : E_INVALID, "damaged PNG: %s", spng_strerror(code));
}

#define SPNG(call)                                                                                                                 \
    do {                                                                                                                           \
        int code_ = (call);                                                                                                        \
        if (code_)                                                                                                                 \
            return damaged(code_);                                                                                                 \
    } while (0)

/* Text, profiles and other side chunks are limited: only pixels and EXIF are wanted. */
static enum err open_png(const uint8_t *bytes, size_t n, spng_ctx **ret)
{
    spng_ctx *c = spng_ctx_new(0);
    *ret = c;
    if (!c)
        return fail(E_BROKEN, "out of memory");
    SPNG(spng_set_chunk_limits(c, 4 << 20, 16 << 20));
    SPNG(spng_set_png_buffer(c, bytes, n));
    return OK;
}

static bool is(const uint8_t *bytes, size_t n)
{
    return n >= 8 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0;
}

static uint32_t big32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The sizes of the first chunk, IHDR; the EXIF chunk is looked for among those in front of the pixels. */
static enum err probe(const uint8_t *bytes, size_t n, struct image_info *info)
{
    enum { HEAD = 8 + 8 + 13 + 4 };
    if (n < HEAD || memcmp(bytes + 12, "IHDR", 4) != 0)
        return fail(E_INVALID, "damaged PNG: no header");
    uint32_t width = big32(bytes + 16), height = big32(bytes + 20);
    info->width = width > INT32_MAX ? INT32_MAX : (int)width;
    info->height = height > INT32_MAX ? INT32_MAX : (int)height;
    for (size_t at = HEAD; n - at >= 12;) {
        size_t size = big32(bytes + at);
        if (memcmp(bytes + at + 4, "IDAT", 4) == 0 || size > n - at - 12)
            break;
        if (memcmp(bytes + at + 4, "eXIf", 4) == 0)
            info->orientation = exif_orientation(bytes + at + 8, size);
        at += 12 + size;
    }
    return OK;
}

static enum err decode(const uint8_t *bytes, size_t n, const struct image_info *info, int longest, struct image *ret)
{
    (void)longest;
    AUTO(spng) spng_ctx *c = NULL;
    TRY(open_png(bytes, n, &c));
    size_t size;
    SPNG(spng_decoded_image_size(c, SPNG_FMT_RGB8, &size));
    if (size != (size_t)info->width * (size_t)info->height * 3)
        return fail(E_INVALID, "damaged PNG: two headers that differ");
    AUTO(image) struct image image = { 0 };
    TRY(image_new(info->width, info->height, &image));
    SPNG(spng_decode_image(c, image.pixels, size, SPNG_FMT_RGB8, 0));
    SPNG(spng_decode_chunks(c)); /* a file that ends before IEND was cut off */
    *ret = image;
    image = (struct image){ 0 };
    return OK;
}

const struct image_format png_format = { "image/png", is, probe, decode };

enum err image_to_png(const struct image *image, uint8_t **ret, size_t *ret_n)
{
    AUTO(spng) spng_ctx *c = spng_ctx_new(SPNG_CTX_ENCODER);
    if (!c)
        return fail(E_BROKEN, "out of memory");
    struct spng_ihdr header = {
        .width = (uint32_t)image->width, .height = (uint32_t)image->height, .bit_depth = 8, .color_type = SPNG_COLOR_TYPE_TRUECOLOR
    };
    SPNG(spng_set_option(c, SPNG_ENCODE_TO_BUFFER, 1));
    SPNG(spng_set_ihdr(c, &header));
    SPNG(spng_encode_image(c, image->pixels, (size_t)image->width * (size_t)image->height * 3, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE));
    int code = 0;
    void *bytes = spng_get_png_buffer(c, ret_n, &code);
    SPNG(code);
    *ret = bytes;
    return OK;
}
