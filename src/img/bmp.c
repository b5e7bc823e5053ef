#include "img/format.h"
#include <stdlib.h>
#include <string.h>

/* Windows bitmaps: BITMAPFILEHEADER (14 bytes), then an info header of 12 (core), 40, 52, 56, 64, 108 or 124 bytes. */
enum { FILE_HEADER = 14, CORE_HEADER = 12, INFO_HEADER = 40 };
enum compression { PLAIN = 0, RLE8 = 1, RLE4 = 2, BIT_FIELDS = 3, ALPHA_BIT_FIELDS = 6 };

struct bmp {
    int width, height;
    bool top_down;
    unsigned bits, compression;
    size_t palette_at, pixels_at;
    unsigned palette_entry; /* bytes: 3 in core headers, else 4 */
    unsigned palette_count;
    uint32_t mask[3];
};

static unsigned get16(const uint8_t *p)
{
    return (unsigned)p[0] | (unsigned)p[1] << 8;
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)get16(p) | (uint32_t)get16(p + 2) << 16;
}

static bool is(const uint8_t *bytes, size_t n)
{
    if (n < FILE_HEADER + 4 || bytes[0] != 'B' || bytes[1] != 'M')
        return false;
    uint32_t size = get32(bytes + FILE_HEADER);
    return size == CORE_HEADER || (size >= INFO_HEADER && size <= 124);
}

static enum err read_sizes(const uint8_t *header, uint32_t header_size, struct bmp *b)
{
    int64_t width, height;
    if (header_size == CORE_HEADER) {
        width = get16(header + 4);
        height = get16(header + 6);
        b->bits = get16(header + 10);
    } else {
        width = (int32_t)get32(header + 4);
        height = (int32_t)get32(header + 8);
        b->bits = get16(header + 14);
        b->compression = get32(header + 16);
    }
    b->top_down = height < 0;
    height = height < 0 ? -height : height;
    if (width < 1 || height < 1)
        return fail(E_INVALID, "damaged BMP: a size of %lld×%lld", (long long)width, (long long)height);
    b->width = (int)width;
    b->height = height > INT32_MAX ? INT32_MAX : (int)height;
    return OK;
}

static enum err read_header(const uint8_t *bytes, size_t n, struct bmp *b)
{
    const uint8_t *header = bytes + FILE_HEADER;
    uint32_t header_size = get32(header);
    if (n < FILE_HEADER + (size_t)header_size)
        return fail(E_INVALID, "damaged BMP: the header is cut off");
    *b = (struct bmp){ .pixels_at = get32(bytes + 10), .palette_entry = header_size == CORE_HEADER ? 3 : 4 };
    TRY(read_sizes(header, header_size, b));
    b->palette_at = FILE_HEADER + header_size;
    if (b->compression == BIT_FIELDS || b->compression == ALPHA_BIT_FIELDS) {
        size_t masks = FILE_HEADER + INFO_HEADER;
        if (n < masks + 12)
            return fail(E_INVALID, "damaged BMP: the header is cut off");
        for (size_t i = 0; i < 3; i++)
            b->mask[i] = get32(bytes + masks + 4 * i);
        if (header_size == INFO_HEADER)
            b->palette_at += b->compression == BIT_FIELDS ? 12 : 16;
    } else if (b->bits == 16) {
        b->mask[0] = 0x7c00;
        b->mask[1] = 0x03e0;
        b->mask[2] = 0x001f;
    } else if (b->bits == 32) {
        b->mask[0] = 0xff0000;
        b->mask[1] = 0x00ff00;
        b->mask[2] = 0x0000ff;
    }
    if (b->bits <= 8) {
        uint32_t used = header_size == CORE_HEADER ? 0 : get32(header + 32), all = 1U << b->bits;
        b->palette_count = used && used < all ? used : all;
    }
    return OK;
}

static bool is_supported(const struct bmp *b)
{
    switch (b->compression) {
    case PLAIN: return b->bits == 1 || b->bits == 4 || b->bits == 8 || b->bits == 16 || b->bits == 24 || b->bits == 32;
    case RLE8: return b->bits == 8 && !b->top_down;
    case RLE4: return b->bits == 4 && !b->top_down;
    case BIT_FIELDS:
    case ALPHA_BIT_FIELDS: return b->bits == 16 || b->bits == 32;
    default: return false;
    }
}

static enum err probe(const uint8_t *bytes, size_t n, struct image_info *info)
{
    struct bmp b;
    TRY(read_header(bytes, n, &b));
    info->width = b.width;
    info->height = b.height;
    return OK;
}

/* Blue, green, red; a pixel whose index is past the palette is black, as elsewhere. */
static void read_palette(const uint8_t *bytes, size_t n, const struct bmp *b, uint8_t ret[256][3])
{
    memset(ret, 0, 256 * 3);
    for (size_t i = 0; i < b->palette_count; i++) {
        size_t at = b->palette_at + i * b->palette_entry;
        if (at + 3 > n)
            return;
        for (size_t c = 0; c < 3; c++)
            ret[i][c] = bytes[at + 2 - c];
    }
}

static uint8_t *row_of(const struct bmp *b, const struct image *image, int y)
{
    int row = b->top_down ? y : b->height - 1 - y;
    return image->pixels + (size_t)row * (size_t)b->width * 3;
}

static uint8_t field(uint32_t pixel, uint32_t mask)
{
    if (!mask)
        return 0;
    unsigned shift = (unsigned)__builtin_ctz(mask);
    uint64_t most = mask >> shift, value = (pixel & mask) >> shift;
    return (uint8_t)((value * 255 + most / 2) / most);
}

static void read_row(const struct bmp *b, const uint8_t *p, uint8_t palette[256][3], uint8_t *to)
{
    for (int x = 0; x < b->width; x++, to += 3) {
        if (b->bits <= 8) {
            unsigned per = 8 / b->bits, at = (unsigned)x % per;
            unsigned index = (unsigned)p[(unsigned)x / per] >> (8 - b->bits * (at + 1)) & ((1U << b->bits) - 1);
            memcpy(to, palette[index], 3);
        } else if (b->bits == 24) {
            to[0] = p[x * 3 + 2];
            to[1] = p[x * 3 + 1];
            to[2] = p[x * 3];
        } else {
            uint32_t pixel = b->bits == 16 ? get16(p + x * 2) : get32(p + (size_t)x * 4);
            for (size_t c = 0; c < 3; c++)
                to[c] = field(pixel, b->mask[c]);
        }
    }
}

static enum err cut_off(void)
{
    return fail(E_INVALID, "damaged BMP: the pixels are cut off");
}

static enum err read_plain(const uint8_t *bytes, size_t n, const struct bmp *b, uint8_t palette[256][3], struct image *image)
{
    size_t row = ((size_t)b->width * b->bits + 31) / 32 * 4;
    if (b->pixels_at > n || (n - b->pixels_at) / row < (size_t)b->height) {
        /* some writers leave out the padding of the last row */
        size_t least = row * (size_t)(b->height - 1) + ((size_t)b->width * b->bits + 7) / 8;
        if (b->pixels_at > n || n - b->pixels_at < least)
            return cut_off();
    }
    for (int y = 0; y < b->height; y++)
        read_row(b, bytes + b->pixels_at + row * (size_t)y, palette, row_of(b, image, y));
    return OK;
}

/* A pair (count, value) repeats; (0, 0) ends the row, (0, 1) the image, (0, 2) moves, (0, n) gives n values, padded to 16 bits. */
struct rle {
    const struct bmp *b;
    struct image *image;
    uint8_t (*palette)[3];
    int x, y;
};

static void put(struct rle *r, unsigned index)
{
    if (r->x < r->b->width && r->y < r->b->height)
        memcpy(row_of(r->b, r->image, r->y) + (size_t)r->x * 3, r->palette[index], 3);
    r->x += r->x < r->b->width;
}

static void put_run(struct rle *r, const uint8_t *p, unsigned count, bool literal)
{
    for (unsigned i = 0; i < count; i++) {
        if (r->b->bits == 8)
            put(r, p[literal ? i : 0]);
        else
            put(r, i % 2 ? p[literal ? i / 2 : 0] & 15U : (unsigned)p[literal ? i / 2 : 0] >> 4);
    }
}

static enum err read_rle(const uint8_t *bytes, size_t n, const struct bmp *b, uint8_t palette[256][3], struct image *image)
{
    struct rle r = { b, image, palette, 0, 0 };
    size_t at = b->pixels_at;
    for (;;) {
        if (at > n || n - at < 2)
            return cut_off();
        unsigned count = bytes[at], value = bytes[at + 1];
        at += 2;
        if (count) {
            put_run(&r, bytes + at - 1, count, false);
        } else if (value == 0) {
            r.x = 0;
            r.y += r.y < b->height;
        } else if (value == 1) {
            return OK;
        } else if (value == 2) {
            if (n - at < 2)
                return cut_off();
            r.x = r.x + bytes[at] < b->width ? r.x + bytes[at] : b->width;
            r.y = r.y + bytes[at + 1] < b->height ? r.y + bytes[at + 1] : b->height;
            at += 2;
        } else {
            size_t size = b->bits == 8 ? value : (value + 1) / 2;
            if (n - at < size)
                return cut_off();
            put_run(&r, bytes + at, value, true);
            at += (size + 1) / 2 * 2;
        }
    }
}

static enum err decode(const uint8_t *bytes, size_t n, const struct image_info *info, int longest, struct image *ret)
{
    (void)info, (void)longest;
    struct bmp b;
    TRY(read_header(bytes, n, &b));
    if (!is_supported(&b))
        return fail(E_INVALID, "a BMP with %u bits and compression %u is not read", b.bits, b.compression);
    uint8_t palette[256][3];
    read_palette(bytes, n, &b, palette);
    AUTO(image) struct image image = { 0 };
    TRY(image_new(b.width, b.height, &image));
    bool runs = b.compression == RLE8 || b.compression == RLE4;
    TRY(runs ? read_rle(bytes, n, &b, palette, &image) : read_plain(bytes, n, &b, palette, &image));
    *ret = image;
    image = (struct image){ 0 };
    return OK;
}

const struct image_format bmp_format = { "image/bmp", is, probe, decode };
