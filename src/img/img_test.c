#include "base/file.h"
#include "base/test.h"
#include "img/img.h"
#include <math.h>
#include <stdlib.h>

/* A smooth picture in which every place has its own colour. */
static void make_picture(int width, int height, struct image *ret)
{
    MUST(image_new(width, height, ret));
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            uint8_t *p = ret->pixels + ((size_t)y * (size_t)width + (size_t)x) * 3;
            p[0] = (uint8_t)(x * 255 / width);
            p[1] = (uint8_t)(y * 255 / height);
            p[2] = (uint8_t)(128 + 60 * sin(x * 0.05) * cos(y * 0.07));
        }
}

static double mean_difference(const struct image *a, const struct image *b)
{
    CHECK_INT(a->width, b->width);
    CHECK_INT(a->height, b->height);
    size_t n = (size_t)a->width * (size_t)a->height * 3;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += abs(a->pixels[i] - b->pixels[i]);
    return sum / (double)n;
}

TEST(a_jpeg_comes_back_nearly_as_it_was)
{
    AUTO(image) struct image a = { 0 }, b = { 0 };
    make_picture(321, 203, &a);
    uint8_t *bytes;
    size_t n;
    MUST(image_to_jpeg(&a, 90, &bytes, &n));
    MUST(image_decode(bytes, n, 0, &b));
    CHECK(mean_difference(&a, &b) < 2);
    struct image_info info;
    MUST(image_probe(bytes, n, &info));
    CHECK_TEXT(info.type, "image/jpeg");
    CHECK_INT(info.width, 321);
    CHECK_INT(info.height, 203);
    CHECK_INT(info.orientation, 1);
    free(bytes);
}

TEST(a_jpeg_is_scaled_down_while_decoding_but_never_below_what_is_wanted)
{
    AUTO(image) struct image a = { 0 };
    make_picture(640, 480, &a);
    uint8_t *bytes;
    size_t n;
    MUST(image_to_jpeg(&a, 90, &bytes, &n));
    static const int wanted[][2] = { { 320, 320 }, { 321, 400 }, { 80, 80 }, { 1, 80 }, { 640, 640 }, { 2000, 640 } };
    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        AUTO(image) struct image b = { 0 }, same = { 0 };
        MUST(image_decode(bytes, n, wanted[i][0], &b));
        CHECK_INT(b.width, wanted[i][1]);
        CHECK_INT(b.full_width, 640);
        CHECK_INT(b.full_height, 480);
        MUST(image_resize(&a, b.width, b.height, &same));
        CHECK(mean_difference(&b, &same) < 3);
    }
    free(bytes);
}

TEST(a_png_comes_back_exactly)
{
    AUTO(image) struct image a = { 0 }, b = { 0 };
    make_picture(97, 61, &a);
    uint8_t *bytes;
    size_t n;
    MUST(image_to_png(&a, &bytes, &n));
    MUST(image_decode(bytes, n, 0, &b));
    CHECK(mean_difference(&a, &b) == 0);
    struct image_info info;
    MUST(image_probe(bytes, n, &info));
    CHECK_TEXT(info.type, "image/png");
    free(bytes);
}
