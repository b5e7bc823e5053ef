#include "img/samples_test.h"
#include "base/test.h"
#include <gif_lib.h>
#include <stdlib.h>
#include <tiffio.h>
#include <unistd.h>
#include <webp/encode.h>

void auto_file(struct file *f)
{
    free(f->bytes);
}

void file_put(struct file *f, const void *bytes, size_t n)
{
    f->bytes = heap_grow(f->bytes, f->n + n);
    memcpy(f->bytes + f->n, bytes, n);
    f->n += n;
}

static void put16(struct file *f, unsigned x)
{
    file_put(f, (uint8_t[]){ (uint8_t)x, (uint8_t)(x >> 8) }, 2);
}

static void put32(struct file *f, uint32_t x)
{
    put16(f, x & 0xffff);
    put16(f, x >> 16);
}

void sample_picture(int width, int height, struct image *ret)
{
    MUST(image_new(width, height, ret));
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            uint8_t *p = ret->pixels + ((size_t)y * (size_t)width + (size_t)x) * 3;
            p[0] = (uint8_t)(51 * (x % 6));
            p[1] = (uint8_t)(51 * (y % 6));
            p[2] = (uint8_t)(51 * ((x / 6 + y) % 6));
        }
}

static unsigned cube_index(const uint8_t *p)
{
    return p[0] / 51U * 36 + p[1] / 51U * 6 + p[2] / 51U;
}

static void cube_colour(unsigned index, uint8_t ret[3])
{
    ret[0] = (uint8_t)(index / 36 % 6 * 51);
    ret[1] = (uint8_t)(index / 6 % 6 * 51);
    ret[2] = (uint8_t)(index % 6 * 51);
}

static void write_jpeg(const struct image *i, struct file *ret)
{
    MUST(image_to_jpeg(i, 95, &ret->bytes, &ret->n));
}

static void write_png(const struct image *i, struct file *ret)
{
    MUST(image_to_png(i, &ret->bytes, &ret->n));
}

static void write_webp(const struct image *i, struct file *ret)
{
    uint8_t *bytes;
    size_t n = WebPEncodeLosslessRGB(i->pixels, i->width, i->height, i->width * 3, &bytes);
    file_put(ret, bytes, n);
    WebPFree(bytes);
}

static int gif_out(GifFileType *g, const GifByteType *bytes, int n)
{
    file_put(g->UserData, bytes, (size_t)n);
    return n;
}

static void write_gif(const struct image *i, struct file *ret)
{
    GifColorType colours[256] = { 0 };
    for (unsigned c = 0; c < 216; c++) {
        uint8_t rgb[3];
        cube_colour(c, rgb);
        colours[c] = (GifColorType){ rgb[0], rgb[1], rgb[2] };
    }
    ColorMapObject *map = GifMakeMapObject(256, colours);
    GifFileType *g = EGifOpen(ret, gif_out, NULL);
    CHECK(EGifPutScreenDesc(g, i->width, i->height, 8, 0, map) == GIF_OK);
    CHECK(EGifPutImageDesc(g, 0, 0, i->width, i->height, false, NULL) == GIF_OK);
    for (size_t at = 0; at < (size_t)i->width * (size_t)i->height; at++)
        CHECK(EGifPutPixel(g, (GifPixelType)cube_index(i->pixels + at * 3)) == GIF_OK);
    CHECK(EGifCloseFile(g, NULL) == GIF_OK);
    GifFreeMapObject(map);
}

static void bmp_header(struct file *f, int width, int height, unsigned bits, unsigned compression, unsigned colours)
{
    file_put(f, "BM", 2);
    put32(f, 0);
    put32(f, 0);
    put32(f, 14 + 40 + 4 * colours);
    put32(f, 40);
    put32(f, (uint32_t)width);
    put32(f, (uint32_t)height);
    put16(f, 1);
    put16(f, bits);
    put32(f, compression);
    for (int k = 0; k < 3; k++)
        put32(f, 0);
    put32(f, colours);
    put32(f, 0);
    for (unsigned c = 0; c < colours; c++) {
        uint8_t rgb[3];
        cube_colour(c, rgb);
        file_put(f, (uint8_t[]){ rgb[2], rgb[1], rgb[0], 0 }, 4);
    }
}

static const uint8_t *pixel(const struct image *i, int x, int y)
{
    return i->pixels + ((size_t)y * (size_t)i->width + (size_t)x) * 3;
}

static void write_bmp24(const struct image *i, struct file *ret)
{
    bmp_header(ret, i->width, i->height, 24, 0, 0);
    for (int y = i->height - 1; y >= 0; y--) {
        for (int x = 0; x < i->width; x++) {
            const uint8_t *p = pixel(i, x, y);
            file_put(ret, (uint8_t[]){ p[2], p[1], p[0] }, 3);
        }
        file_put(ret, "\0\0\0", (size_t)(-i->width * 3) & 3);
    }
}

static void write_bmp32(const struct image *i, struct file *ret) /* rows from the top */
{
    bmp_header(ret, i->width, -i->height, 32, 0, 0);
    for (int y = 0; y < i->height; y++)
        for (int x = 0; x < i->width; x++) {
            const uint8_t *p = pixel(i, x, y);
            file_put(ret, (uint8_t[]){ p[2], p[1], p[0], 0 }, 4);
        }
}

/* Every second row as runs of one, the others as literal pieces. */
static void write_bmp_rle(const struct image *i, struct file *ret)
{
    bmp_header(ret, i->width, i->height, 8, 1, 216);
    for (int y = i->height - 1; y >= 0; y--) {
        for (int x = 0; x < i->width;) {
            uint8_t index[4];
            for (int k = 0; k < 4 && x + k < i->width; k++)
                index[k] = (uint8_t)cube_index(pixel(i, x + k, y));
            if (y % 2 && x + 4 <= i->width) {
                file_put(ret, "\0\4", 2);
                file_put(ret, index, 4);
                x += 4;
            } else {
                file_put(ret, (uint8_t[]){ 1, index[0] }, 2);
                x++;
            }
        }
        file_put(ret, "\0\0", 2);
    }
    file_put(ret, "\0\1", 2);
}

/* A row with an alpha of half or so, if any, in the colours too if they are to be over black. */
static uint8_t *with_alpha(const struct image *i, int y, uint16_t alpha)
{
    static uint8_t row[4 * 4096];
    int n = alpha ? 4 : 3;
    CHECK(i->width <= 4096);
    for (int x = 0; x < i->width; x++) {
        uint8_t a = (uint8_t)(100 + (x * 7 + y) % 156);
        for (int k = 0; k < 3; k++) {
            int c = pixel(i, x, y)[k];
            row[x * n + k] = (uint8_t)(alpha == EXTRASAMPLE_ASSOCALPHA ? (c * a + 127) / 255 : c);
        }
        if (alpha)
            row[x * n + 3] = a;
    }
    return row;
}

/* alpha: EXTRASAMPLE_…, or 0 for none */
static void write_tiff_of(const struct image *i, uint16_t alpha, struct file *ret)
{
    char name[] = "/tmp/saccade-test-XXXXXX";
    int fd = mkstemp(name);
    CHECK(fd >= 0);
    TIFF *t = TIFFFdOpen(dup(fd), name, "w");
    TIFFSetField(t, TIFFTAG_IMAGEWIDTH, (uint32_t)i->width);
    TIFFSetField(t, TIFFTAG_IMAGELENGTH, (uint32_t)i->height);
    TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, alpha ? 4 : 3);
    if (alpha)
        TIFFSetField(t, TIFFTAG_EXTRASAMPLES, 1, &alpha);
    TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, 8);
    TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_RGB);
    TIFFSetField(t, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(t, TIFFTAG_COMPRESSION, COMPRESSION_LZW);
    TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, 16);
    for (int y = 0; y < i->height; y++)
        CHECK(TIFFWriteScanline(t, with_alpha(i, y, alpha), (uint32_t)y, 0) == 1);
    TIFFClose(t);
    uint8_t part[4096];
    lseek(fd, 0, SEEK_SET);
    for (ssize_t got; (got = read(fd, part, sizeof part)) > 0;)
        file_put(ret, part, (size_t)got);
    close(fd);
    unlink(name);
}

static void write_tiff(const struct image *i, struct file *ret)
{
    write_tiff_of(i, 0, ret);
}

static void write_tiff_alpha(const struct image *i, struct file *ret)
{
    write_tiff_of(i, EXTRASAMPLE_UNASSALPHA, ret);
}

static void write_tiff_over_black(const struct image *i, struct file *ret)
{
    write_tiff_of(i, EXTRASAMPLE_ASSOCALPHA, ret);
}

const struct sample_format sample_formats[] = {
    { "image/jpeg", write_jpeg, 50 },      { "image/png", write_png, 0 },
    { "image/webp", write_webp, 0 },       { "image/gif", write_gif, 0 },
    { "image/bmp", write_bmp24, 0 },       { "image/bmp", write_bmp32, 0 },
    { "image/bmp", write_bmp_rle, 0 },     { "image/tiff", write_tiff, 0 },
    { "image/tiff", write_tiff_alpha, 0 }, { "image/tiff", write_tiff_over_black, 2 },
};
const size_t sample_formats_n = COUNT_OF(sample_formats);

void sample_exif(const struct file *jpeg, unsigned orientation, struct file *ret)
{
    static const uint8_t exif[] = "Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\0\0\0\0\0\0\0\0";
    size_t n = sizeof exif - 1;
    file_put(ret, jpeg->bytes, 2);
    file_put(ret, (uint8_t[]){ 0xff, 0xe1, 0, (uint8_t)(n + 2) }, 4);
    file_put(ret, exif, n);
    ret->bytes[2 + 4 + 6 + 8 + 2 + 8] = (uint8_t)orientation;
    file_put(ret, jpeg->bytes + 2, jpeg->n - 2);
}
