#include "base/clock.h"
#include "base/file.h"
#include "base/test.h"
#include "img/decoder.h"
#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>

static struct image filled(int width, int height, uint8_t r, uint8_t g, uint8_t b)
{
    struct image image;
    MUST(image_new(width, height, &image));
    for (size_t i = 0; i < (size_t)width * (size_t)height; i++) {
        image.pixels[3 * i] = r;
        image.pixels[3 * i + 1] = g;
        image.pixels[3 * i + 2] = b;
    }
    return image;
}

/* Squares of `side` pixels, grey 55 and 200. */
static struct image board(int width, int height, int side)
{
    struct image image = filled(width, height, 55, 55, 55);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            if ((x / side + y / side) % 2)
                for (int c = 0; c < 3; c++)
                    image.pixels[((size_t)y * (size_t)width + (size_t)x) * 3 + (size_t)c] = 200;
    return image;
}

static struct image_look look(const struct image *image)
{
    struct image_look l;
    MUST(image_look(image, &l));
    return l;
}

static bool near(double x, double y, double within)
{
    return fabs(x - y) <= within;
}

TEST(a_flat_image_has_its_luma_and_saturation_and_neither_contrast_nor_sharpness)
{
    AUTO(image) struct image image = filled(100, 60, 200, 100, 50);
    struct image_look l = look(&image);
    CHECK(near(l.brightness, (0.299 * 200 + 0.587 * 100 + 0.114 * 50) / 255, 1e-6));
    CHECK(near(l.saturation, 0.75, 1e-12));
    CHECK(near(l.contrast, 0, 1e-4));
    CHECK(near(l.sharpness, 0, 1e-6));
}

TEST(a_board_of_two_greys_has_their_mean_and_half_their_distance)
{
    AUTO(image) struct image image = board(128, 128, 16);
    struct image_look l = look(&image);
    CHECK(near(l.brightness, 127.5 / 255, 1e-6));
    CHECK(near(l.contrast, 72.5 / 255, 1e-6));
    CHECK(near(l.saturation, 0, 1e-12));
}

/* One bright pixel on black: the Laplacian is -4v once and v four times, over n pixels. */
TEST(sharpness_is_the_variance_of_the_laplacian)
{
    AUTO(image) struct image image = filled(12, 10, 0, 0, 0);
    for (size_t c = 0; c < 3; c++)
        image.pixels[(5 * 12 + 6) * 3 + c] = 100;
    double n = 10 * 8;
    CHECK(near(look(&image).sharpness, (16 + 4) * 100.0 * 100.0 / n, 0.01));
}

TEST(blurring_lowers_the_sharpness_and_darkening_the_brightness)
{
    AUTO(image) struct image sharp = board(240, 240, 8), small = { 0 }, blurred = { 0 };
    MUST(image_resize(&sharp, 60, 60, &small));
    MUST(image_resize(&small, 240, 240, &blurred));
    struct image_look a = look(&sharp), b = look(&blurred);
    CHECK(b.sharpness < a.sharpness / 2);
    CHECK(near(a.brightness, b.brightness, 0.02));
    for (size_t i = 0; i < (size_t)sharp.width * (size_t)sharp.height * 3; i++)
        sharp.pixels[i] = (uint8_t)(sharp.pixels[i] / 2);
    CHECK(near(look(&sharp).brightness, a.brightness / 2, 0.01));
}

TEST(an_image_looks_the_same_in_other_sizes_above_the_one_that_is_looked_at)
{
    AUTO(image) struct image big = board(1024, 768, 64), half = board(512, 384, 32);
    struct image_look a = look(&big), b = look(&half);
    CHECK(near(a.brightness, b.brightness, 0.005));
    CHECK(near(a.contrast, b.contrast, 0.005));
    CHECK(near(a.sharpness / b.sharpness, 1, 0.1));
}

TEST(images_of_one_pixel_have_a_look_too)
{
    AUTO(image) struct image dot = filled(1, 1, 255, 255, 255), line = filled(1, 5000, 0, 0, 0);
    CHECK(near(look(&dot).brightness, 1, 1e-6));
    CHECK(near(look(&line).brightness, 0, 1e-12));
    CHECK(near(look(&line).sharpness, 0, 1e-12));
}

TEST(a_decoder_child_tells_the_look_of_a_file)
{
    AUTO(decoder) struct decoder *d = NULL;
    AUTO(image) struct image image = filled(640, 480, 90, 90, 90);
    MUST(decoder_start(NULL, 1, &d));
    uint8_t *bytes;
    size_t n;
    MUST(image_to_jpeg(&image, 90, &bytes, &n));
    AUTO(fd) int fd = memfd_create("test", MFD_CLOEXEC), bad = memfd_create("bad", MFD_CLOEXEC);
    MUST(file_write_all(fd, bytes, n));
    MUST(file_write_all(bad, bytes, n / 2));
    struct image_look l;
    MUST(decoder_look(d, fd, &l));
    CHECK(near(l.brightness, 90.0 / 255, 0.005));
    CHECK_INT(decoder_look(d, bad, &l), E_INVALID);
    free(bytes);
}
