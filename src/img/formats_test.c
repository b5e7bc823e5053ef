/* Every format, whole, cut off, damaged, and lying about its size. */
#include "base/test.h"
#include "img/samples_test.h"
#include <spng.h>
#include <stdlib.h>

/* */
#include <jpeglib.h>

TEST(every_format_is_read_as_it_was_written)
{
    AUTO(image) struct image picture = { 0 };
    sample_picture(53, 38, &picture);
    for (size_t i = 0; i < sample_formats_n; i++) {
        AUTO(file) struct file f = { 0 };
        AUTO(image) struct image got = { 0 };
        struct image_info info;
        sample_formats[i].write(&picture, &f);
        MUST(image_probe(f.bytes, f.n, &info));
        CHECK_TEXT(info.type, sample_formats[i].type);
        CHECK_INT(info.width, 53);
        CHECK_INT(info.height, 38);
        CHECK_INT(info.orientation, 1);
        MUST(image_decode(f.bytes, f.n, 0, &got));
        CHECK_INT(got.width, 53);
        CHECK_INT(got.full_height, 38);
        long off = 0;
        for (size_t k = 0; k < 53 * 38 * 3; k++)
            off += abs(got.pixels[k] - picture.pixels[k]);
        CHECK(off <= 53L * 38 * 3 * sample_formats[i].tolerance);
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
    sample_picture(160, 120, &picture);
    for (size_t i = 0; i < sample_formats_n; i++) {
        AUTO(file) struct file f = { 0 };
        sample_formats[i].write(&picture, &f);
        MUST(decode_cut(&f, f.n));
        /* what stands at the very end is not always needed: a GIF's trailer, a TIFF's directory entries of no use */
        for (size_t n = 0; n + 97 < f.n; n += n < 100 ? 1 : 97)
            if (decode_cut(&f, n) != E_INVALID)
                fail_msg("%s of %zu bytes cut to %zu was not refused", sample_formats[i].type, f.n, n);
    }
}

TEST(damaged_files_never_break_the_reader)
{
    AUTO(image) struct image picture = { 0 };
    sample_picture(40, 30, &picture);
    unsigned seed = 1;
    for (size_t i = 0; i < sample_formats_n; i++) {
        AUTO(file) struct file f = { 0 };
        sample_formats[i].write(&picture, &f);
        for (int round = 0; round < 300; round++) {
            AUTO(file) struct file g = { 0 };
            file_put(&g, f.bytes, f.n);
            for (int k = 0; k < 1 + round % 5; k++)
                g.bytes[(size_t)rand_r(&seed) % (round % 2 ? f.n : 64)] = (uint8_t)rand_r(&seed);
            enum err e = decode_cut(&g, g.n);
            CHECK(e == OK || e == E_INVALID || e == E_TOO_BIG);
        }
        for (int round = 0; round < 100; round++) {
            AUTO(file) struct file g = { 0 };
            file_put(&g, f.bytes, f.n < 12 ? f.n : 12);
            for (int k = 0; k < 300; k++)
                file_put(&g, (uint8_t[]){ (uint8_t)rand_r(&seed) }, 1);
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
    sample_picture(16, 16, &picture);
    AUTO(file) struct file jpeg = { 0 }, png = { 0 }, gif = { 0 }, bmp = { 0 };
    sample_formats[0].write(&picture, &jpeg);
    sample_formats[1].write(&picture, &png);
    sample_formats[3].write(&picture, &gif);
    sample_formats[4].write(&picture, &bmp);
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

/* A progressive JPEG whose first scan comes again and again. */
static void write_many_scans(int times, struct file *ret)
{
    AUTO(image) struct image picture = { 0 };
    AUTO(file) struct file one = { 0 };
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr errors;
    unsigned long n = 0;
    sample_picture(16, 16, &picture);
    c.err = jpeg_std_error(&errors);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &one.bytes, &n);
    c.image_width = c.image_height = 16;
    c.input_components = 3;
    c.in_color_space = JCS_RGB;
    jpeg_set_defaults(&c);
    jpeg_simple_progression(&c);
    jpeg_start_compress(&c, TRUE);
    for (size_t y = 0; y < 16; y++) {
        JSAMPROW row = picture.pixels + y * 16 * 3;
        jpeg_write_scanlines(&c, &row, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    const uint8_t *scan = memmem(one.bytes, n, "\xff\xda", 2), *end = scan + 2;
    while (end[0] != 0xff || end[1] == 0)
        end++;
    file_put(ret, one.bytes, (size_t)(scan - one.bytes));
    for (int i = 0; i < times; i++)
        file_put(ret, scan, (size_t)(end - scan));
    file_put(ret, end, n - (size_t)(end - one.bytes));
}

TEST(a_jpeg_of_ten_thousand_scans_is_refused)
{
    AUTO(file) struct file few = { 0 }, many = { 0 };
    AUTO(image) struct image got = { 0 };
    write_many_scans(1, &few);
    MUST(image_decode(few.bytes, few.n, 0, &got));
    write_many_scans(10000, &many);
    struct image none;
    MUST_FAIL(image_decode(many.bytes, many.n, 0, &none), E_TOO_BIG, "scans");
}

TEST(a_tiff_whose_directories_bite_their_tail_is_read_once)
{
    AUTO(image) struct image picture = { 0 }, got = { 0 };
    AUTO(file) struct file tiff = { 0 };
    sample_picture(16, 16, &picture);
    sample_formats[7].write(&picture, &tiff);
    CHECK_TEXT(sample_formats[7].type, "image/tiff");
    uint32_t first = tiff.bytes[4] | (uint32_t)tiff.bytes[5] << 8;
    size_t next = first + 2 + 12 * (size_t)(tiff.bytes[first] | tiff.bytes[first + 1] << 8);
    memcpy(tiff.bytes + next, tiff.bytes + 4, 4);
    MUST(image_decode(tiff.bytes, tiff.n, 0, &got));
    CHECK_INT(got.width, 16);
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
    sample_formats[0].write(&stored, &jpeg);
    for (unsigned o = 1; o <= 8; o++) {
        AUTO(file) struct file f = { 0 };
        AUTO(image) struct image shown = { 0 };
        struct image_info info;
        sample_exif(&jpeg, o, &f);
        MUST(image_probe(f.bytes, f.n, &info));
        CHECK_INT(info.orientation, (int)o);
        MUST(image_decode(f.bytes, f.n, 0, &shown));
        CHECK_INT(shown.width, o < 5 ? 64 : 32);
        CHECK_INT(shown.full_height, o < 5 ? 32 : 64);
        for (int right = 0; right < 2; right++) {
            const uint8_t *p = shown.pixels + ((size_t)shown.width * 3 + (size_t)(right ? shown.width - 4 : 3)) * 3;
            for (int c = 0; c < 3; c++)
                CHECK(abs(p[c] - colour[corner[o][right]][c]) < 40);
        }
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

/* Columns of their own shade, so that a value says which one it came from. */
static void draw_columns(int width, int height, struct image *ret)
{
    MUST(image_new(width, height, ret));
    for (int i = 0; i < width * height * 3; i++)
        ret->pixels[i] = (uint8_t)(i / 3 % width * 10);
}

TEST(covering_takes_the_middle_and_stretching_takes_all)
{
    AUTO(image) struct image image = { 0 };
    AUTO(image) struct image narrow = { 0 };
    struct normalise n = { .scale = 1, .std = { 1, 1, 1 } };
    float x[3][8][8];
    draw_columns(15, 8, &image);
    MUST(image_cover(&image, 8, 8, &n, x[0][0]));
    for (int k = 0; k < 8; k++)
        CHECK_INT((int)x[1][7][k], 10 * (k + 4)); /* 3.5 is rounded to the even 4 */
    draw_columns(13, 8, &narrow);
    MUST(image_cover(&narrow, 8, 8, &n, x[0][0]));
    CHECK_INT((int)x[2][0][0], 20);
    MUST(image_stretch(&image, 8, 8, &n, x[0][0]));
    CHECK(x[0][4][0] < 15 && x[0][4][7] > 125); /* both ends are there */
    CHECK(x[0][0][3] == x[0][7][3]);
}
