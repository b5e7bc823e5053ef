/* Every format, whole, cut off, damaged, and lying about its size. */
#include "base/test.h"
#include "img/img.h"
#include <gif_lib.h>
#include <spng.h>
#include <stdlib.h>
#include <tiffio.h>

/* */
#include <jpeglib.h>
#include <unistd.h>
#include <webp/encode.h>

struct file {
    uint8_t *bytes;
    size_t n;
};

static void auto_file(struct file *f)
{
    free(f->bytes);
}

static void put(struct file *f, const void *bytes, size_t n)
{
    f->bytes = heap_grow(f->bytes, f->n + n);
    memcpy(f->bytes + f->n, bytes, n);
    f->n += n;
}

static void put16(struct file *f, unsigned x)
{
    put(f, (uint8_t[]){ (uint8_t)x, (uint8_t)(x >> 8) }, 2);
}

static void put32(struct file *f, uint32_t x)
{
    put16(f, x & 0xffff);
    put16(f, x >> 16);
}

/* Only colours of a 6×6×6 cube, so that a palette holds them; no two neighbours alike. */
static void make_picture(int width, int height, struct image *ret)
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
    put(ret, bytes, n);
    WebPFree(bytes);
}

static int gif_out(GifFileType *g, const GifByteType *bytes, int n)
{
    put(g->UserData, bytes, (size_t)n);
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
    put(f, "BM", 2);
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
        put(f, (uint8_t[]){ rgb[2], rgb[1], rgb[0], 0 }, 4);
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
            put(ret, (uint8_t[]){ p[2], p[1], p[0] }, 3);
        }
        put(ret, "\0\0\0", (size_t)(-i->width * 3) & 3);
    }
}

static void write_bmp32(const struct image *i, struct file *ret) /* rows from the top */
{
    bmp_header(ret, i->width, -i->height, 32, 0, 0);
    for (int y = 0; y < i->height; y++)
        for (int x = 0; x < i->width; x++) {
            const uint8_t *p = pixel(i, x, y);
            put(ret, (uint8_t[]){ p[2], p[1], p[0], 0 }, 4);
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
                put(ret, "\0\4", 2);
                put(ret, index, 4);
                x += 4;
            } else {
                put(ret, (uint8_t[]){ 1, index[0] }, 2);
                x++;
            }
        }
        put(ret, "\0\0", 2);
    }
    put(ret, "\0\1", 2);
}

static void write_tiff(const struct image *i, struct file *ret)
{
    char name[] = "/tmp/saccade-test-XXXXXX";
    int fd = mkstemp(name);
    CHECK(fd >= 0);
    TIFF *t = TIFFFdOpen(dup(fd), name, "w");
    TIFFSetField(t, TIFFTAG_IMAGEWIDTH, (uint32_t)i->width);
    TIFFSetField(t, TIFFTAG_IMAGELENGTH, (uint32_t)i->height);
    TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, 3);
    TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, 8);
    TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_RGB);
    TIFFSetField(t, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(t, TIFFTAG_COMPRESSION, COMPRESSION_LZW);
    TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, 16);
    for (int y = 0; y < i->height; y++)
        CHECK(TIFFWriteScanline(t, (void *)(uintptr_t)pixel(i, 0, y), (uint32_t)y, 0) == 1);
    TIFFClose(t);
    uint8_t part[4096];
    lseek(fd, 0, SEEK_SET);
    for (ssize_t got; (got = read(fd, part, sizeof part)) > 0;)
        put(ret, part, (size_t)got);
    close(fd);
    unlink(name);
}

static const struct format {
    const char *type;
    void (*write)(const struct image *, struct file *ret);
    int tolerance; /* most that a value may be off on average */
} formats[] = {
    { "image/jpeg", write_jpeg, 50 },  { "image/png", write_png, 0 },   { "image/webp", write_webp, 0 },
    { "image/gif", write_gif, 0 },     { "image/bmp", write_bmp24, 0 }, { "image/bmp", write_bmp32, 0 },
    { "image/bmp", write_bmp_rle, 0 }, { "image/tiff", write_tiff, 0 },
};

TEST(every_format_is_read_as_it_was_written)
{
    AUTO(image) struct image picture = { 0 };
    make_picture(53, 38, &picture);
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        AUTO(file) struct file f = { 0 };
        AUTO(image) struct image got = { 0 };
        struct image_info info;
        formats[i].write(&picture, &f);
        MUST(image_probe(f.bytes, f.n, &info));
        CHECK_TEXT(info.type, formats[i].type);
        CHECK_INT(info.width, 53);
        CHECK_INT(info.height, 38);
        CHECK_INT(info.orientation, 1);
        MUST(image_decode(f.bytes, f.n, 0, &got));
        CHECK_INT(got.width, 53);
        CHECK_INT(got.full_height, 38);
        long off = 0;
        for (size_t k = 0; k < 53 * 38 * 3; k++)
            off += abs(got.pixels[k] - picture.pixels[k]);
        CHECK(off <= 53L * 38 * 3 * formats[i].tolerance);
    }
}

/* A copy of exactly that size on the heap, so that the sanitizer sees a read past its end. */
static enum err decode_cut(const struct file *f, size_t n)
{
    uint8_t *bytes = heap_take(n ? n : 1);
    memcpy(bytes, f->bytes, n);
    struct image got = { 0 };
    enum err e = image_decode(n ? bytes : NULL, n, 0, &got);
    image_done(&got);
    free(bytes);
    return e;
}

TEST(a_file_that_is_cut_off_anywhere_is_refused)
{
    AUTO(image) struct image picture = { 0 };
    make_picture(160, 120, &picture);
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        AUTO(file) struct file f = { 0 };
        formats[i].write(&picture, &f);
        MUST(decode_cut(&f, f.n));
        /* what stands at the very end is not always needed: a GIF's trailer, a TIFF's directory entries of no use */
        for (size_t n = 0; n + 97 < f.n; n += n < 100 ? 1 : 97)
            if (decode_cut(&f, n) != E_INVALID)
                fail_msg("%s of %zu bytes cut to %zu was not refused", formats[i].type, f.n, n);
    }
}

TEST(damaged_files_never_break_the_reader)
{
    AUTO(image) struct image picture = { 0 };
    make_picture(40, 30, &picture);
    unsigned seed = 1;
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        AUTO(file) struct file f = { 0 };
        formats[i].write(&picture, &f);
        for (int round = 0; round < 300; round++) {
            AUTO(file) struct file g = { 0 };
            put(&g, f.bytes, f.n);
            for (int k = 0; k < 1 + round % 5; k++)
                g.bytes[(size_t)rand_r(&seed) % (round % 2 ? f.n : 64)] = (uint8_t)rand_r(&seed);
            enum err e = decode_cut(&g, g.n);
            CHECK(e == OK || e == E_INVALID || e == E_TOO_BIG);
        }
        for (int round = 0; round < 100; round++) {
            AUTO(file) struct file g = { 0 };
            put(&g, f.bytes, f.n < 12 ? f.n : 12);
            for (int k = 0; k < 300; k++)
                put(&g, (uint8_t[]){ (uint8_t)rand_r(&seed) }, 1);
            enum err e = decode_cut(&g, g.n);
            CHECK(e == OK || e == E_INVALID || e == E_TOO_BIG);
        }
    }
}

static void set_size(struct file *f, size_t at, int bytes, bool big_end, uint32_t width, uint32_t height)
{
    for (int k = 0; k < 2 * bytes; k++) {
        int byte = k % bytes, shift = 8 * (big_end ? bytes - 1 - byte : byte);
        f->bytes[at + (size_t)k] = (uint8_t)((k < bytes ? width : height) >> shift);
    }
}

TEST(a_small_file_that_claims_a_huge_picture_is_refused_before_memory_is_taken)
{
    AUTO(image) struct image picture = { 0 };
    make_picture(16, 16, &picture);
    AUTO(file) struct file jpeg = { 0 }, png = { 0 }, gif = { 0 }, bmp = { 0 };
    write_jpeg(&picture, &jpeg);
    write_png(&picture, &png);
    write_gif(&picture, &gif);
    write_bmp24(&picture, &bmp);
    uint8_t *frame = memmem(jpeg.bytes, jpeg.n, "\xff\xc0", 2);
    CHECK(frame != NULL);
    set_size(&jpeg, (size_t)(frame - jpeg.bytes) + 5, 2, true, 65500, 65500);
    set_size(&png, 16, 4, true, 65535, 65535);
    set_size(&gif, 6, 2, false, 65535, 65535);
    set_size(&bmp, 18, 4, false, 65535, 65535);
    struct image_info info;
    struct image got;
    const struct file *all[] = { &jpeg, &png, &gif, &bmp };
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        MUST_FAIL(image_probe(all[i]->bytes, all[i]->n, &info), E_TOO_BIG, "100 million");
        MUST_FAIL(image_decode(all[i]->bytes, all[i]->n, 0, &got), E_TOO_BIG, "100 million");
    }
    set_size(&png, 16, 4, true, 0x80000000U, 1);
    MUST_FAIL(image_probe(png.bytes, png.n, &info), E_TOO_BIG, "100 million");
    set_size(&bmp, 18, 4, false, 0x7fffffffU, 0x80000000U);
    MUST_FAIL(image_probe(bmp.bytes, bmp.n, &info), E_TOO_BIG, "100 million");
    set_size(&png, 16, 4, true, 0, 16);
    MUST_FAIL(image_probe(png.bytes, png.n, &info), E_INVALID, "0×16");
}

/* A JPEG with an EXIF block in front that says how to turn it. */
static void put_exif(const struct file *jpeg, unsigned orientation, struct file *ret)
{
    static const uint8_t exif[] = "Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\0\0\0\0\0\0\0\0";
    size_t n = sizeof exif - 1;
    put(ret, jpeg->bytes, 2);
    put(ret, (uint8_t[]){ 0xff, 0xe1, 0, (uint8_t)(n + 2) }, 4);
    put(ret, exif, n);
    ret->bytes[2 + 4 + 6 + 8 + 2 + 8] = (uint8_t)orientation;
    put(ret, jpeg->bytes + 2, jpeg->n - 2);
}

TEST(a_photo_is_turned_as_its_camera_says)
{
    /* Which corner of the stored picture (0 top left, 1 top right, 2 bottom right, 3 bottom left) is shown top left, top right. */
    static const int corner[9][2] = { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 2, 3 }, { 3, 2 }, { 0, 3 }, { 3, 0 }, { 2, 1 }, { 1, 2 } };
    static const uint8_t colour[4][3] = { { 250, 0, 0 }, { 0, 250, 0 }, { 0, 0, 250 }, { 250, 250, 250 } };
    AUTO(image) struct image stored = { 0 };
    AUTO(file) struct file jpeg = { 0 };
    MUST(image_new(64, 32, &stored));
    for (int y = 0; y < 32; y++)
        for (int x = 0; x < 64; x++)
            memcpy(stored.pixels + ((size_t)y * 64 + (size_t)x) * 3, colour[y < 16 ? x / 32 : 3 - x / 32], 3);
    write_jpeg(&stored, &jpeg);
    for (unsigned o = 1; o <= 8; o++) {
        AUTO(file) struct file f = { 0 };
        AUTO(image) struct image shown = { 0 };
        struct image_info info;
        put_exif(&jpeg, o, &f);
        MUST(image_probe(f.bytes, f.n, &info));
        CHECK_INT(info.orientation, (int)o);
        MUST(image_decode(f.bytes, f.n, 0, &shown));
        CHECK_INT(shown.width, o < 5 ? 64 : 32);
        CHECK_INT(shown.full_height, o < 5 ? 32 : 64);
        for (int right = 0; right < 2; right++)
            for (int c = 0; c < 3; c++)
                CHECK(abs(pixel(&shown, right ? shown.width - 4 : 3, 3)[c] - colour[corner[o][right]][c]) < 40);
    }
}

static void write_grey16(const uint8_t *big_endian, uint32_t width, struct file *ret)
{
    spng_ctx *c = spng_ctx_new(SPNG_CTX_ENCODER);
    struct spng_ihdr header = { .width = width, .height = 1, .bit_depth = 16, .color_type = SPNG_COLOR_TYPE_GRAYSCALE };
    uint16_t row[8];
    int code = 0;
    for (uint32_t i = 0; i < width; i++)
        row[i] = (uint16_t)(big_endian[2 * i] << 8 | big_endian[2 * i + 1]);
    CHECK(!spng_set_option(c, SPNG_ENCODE_TO_BUFFER, 1) && !spng_set_ihdr(c, &header));
    CHECK(!spng_encode_image(c, row, width * 2, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE));
    ret->bytes = spng_get_png_buffer(c, &ret->n, &code);
    spng_ctx_free(c);
}

TEST(a_grey_png_of_16_bits_becomes_8_bit_rgb)
{
    AUTO(file) struct file f = { 0 };
    AUTO(image) struct image got = { 0 };
    write_grey16((const uint8_t *)"\x00\x00\x80\x40\xff\xff", 3, &f);
    MUST(image_decode(f.bytes, f.n, 0, &got));
    CHECK_INT(got.width, 3);
    CHECK(memcmp(got.pixels, "\x00\x00\x00\x80\x80\x80\xff\xff\xff", 9) == 0);
}

/* One colour, ink inverted as Adobe does when marked so. */
static void write_cmyk(const uint8_t *ink, bool adobe, struct file *ret)
{
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr errors;
    unsigned char *bytes = NULL;
    unsigned long n = 0;
    uint8_t row[16 * 4];
    JSAMPROW rows[1] = { row };
    for (size_t i = 0; i < sizeof row; i++)
        row[i] = adobe ? (uint8_t)(255 - ink[i % 4]) : ink[i % 4];
    c.err = jpeg_std_error(&errors);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &bytes, &n);
    c.image_width = c.image_height = 16;
    c.input_components = 4;
    c.in_color_space = JCS_CMYK;
    jpeg_set_defaults(&c);
    c.write_Adobe_marker = adobe;
    jpeg_start_compress(&c, TRUE);
    for (int y = 0; y < 16; y++)
        jpeg_write_scanlines(&c, rows, 1);
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    *ret = (struct file){ bytes, n };
}

TEST(a_jpeg_of_printing_inks_becomes_rgb)
{
    for (int adobe = 0; adobe < 2; adobe++) {
        AUTO(file) struct file f = { 0 };
        AUTO(image) struct image got = { 0 };
        write_cmyk((const uint8_t[]){ 255, 0, 51, 0 }, adobe, &f);
        MUST(image_decode(f.bytes, f.n, 0, &got));
        CHECK(got.pixels[0] < 5 && got.pixels[1] > 250 && abs(got.pixels[2] - 204) < 5);
    }
}

TEST(what_is_no_image_is_refused)
{
    static const char *const texts[] = {
        "", "<svg xmlns='http://www.w3.org/2000/svg'/>", "<html>", "%PDF-1.7", "GIF89", "BM", "II*"
    };
    struct image got;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        MUST_FAIL(image_decode((const uint8_t *)texts[i], strlen(texts[i]), 0, &got), E_INVALID, "known format");
}

TEST(resizing_keeps_flat_areas_flat_and_the_mean_of_the_rest)
{
    AUTO(image) struct image flat = { 0 }, checker = { 0 };
    MUST(image_new(100, 80, &flat));
    MUST(image_new(128, 128, &checker));
    memset(flat.pixels, 137, 100 * 80 * 3);
    for (size_t i = 0; i < 128 * 128; i++)
        memset(checker.pixels + i * 3, (i + i / 128) % 2 ? 255 : 0, 3);
    static const int sizes[][2] = { { 37, 91 }, { 1, 1 }, { 300, 7 }, { 100, 80 }, { 99, 79 } };
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        AUTO(image) struct image got = { 0 };
        MUST(image_resize(&flat, sizes[i][0], sizes[i][1], &got));
        for (size_t k = 0; k < (size_t)sizes[i][0] * (size_t)sizes[i][1] * 3; k++)
            CHECK_INT(got.pixels[k], 137);
    }
    AUTO(image) struct image small = { 0 };
    MUST(image_resize(&checker, 32, 32, &small));
    for (size_t k = 0; k < 32 * 32 * 3; k++)
        CHECK(abs(small.pixels[k] - 127) <= 8); /* no aliasing */
}

TEST(a_letterbox_scales_normalises_and_pads)
{
    AUTO(image) struct image image = { 0 };
    MUST(image_new(200, 100, &image));
    for (size_t i = 0; i < 200 * 100; i++)
        memcpy(image.pixels + i * 3, (uint8_t[]){ 255, 51, 0 }, 3);
    struct normalise n = { .scale = 1.0F / 255, .mean = { 0.5F, 0, 0 }, .std = { 0.5F, 1, 2 }, .pad = 102 };
    float x[3][8][8];
    int w, h;
    MUST(image_letterbox(&image, 8, 8, &n, x[0][0], &w, &h));
    CHECK_INT(w, 8);
    CHECK_INT(h, 4);
    static const double inside[3] = { 1, 0.2, 0 }, outside[3] = { -0.2, 0.4, 0.2 };
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < 8; y++)
            for (int k = 0; k < 8; k++)
                CHECK(labs((long)(1e5 * ((double)x[c][y][k] - (y < 4 ? inside[c] : outside[c])))) <= 1);
}
