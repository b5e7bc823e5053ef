#include "base/test.h"
#include "learn/data/random.h"
#include "learn/data/warp.h"
#include <math.h>
#include <stdlib.h>

enum { SIZE = 48 };
static const struct normalise none = { 1, { 0, 0, 0 }, { 1, 1, 1 }, 0 };
static const struct window whole = { 0, 0, SIZE, SIZE };

/* What the fast ones must equal: for each pixel of the output, the sum over the image under a triangle around its place. */
static void plain_warp(const struct image *im, const struct affine *at, float *out)
{
    struct affine back = affine_inverse(at);
    float reach_x = fmaxf(1, fabsf(back.xx)), reach_y = fmaxf(1, fabsf(back.yy));
    for (int y = 0; y < SIZE; y++)
        for (int x = 0; x < SIZE; x++) {
            struct point p = affine_point(&back, (float)x + 0.5f, (float)y + 0.5f);
            double sum[3] = { 0 }, weights = 0;
            if (p.x < 0 || p.x >= (float)im->width || p.y < 0 || p.y >= (float)im->height)
                continue;
            for (int v = 0; v < im->height; v++)
                for (int u = 0; u < im->width; u++) {
                    float w =
                        fmaxf(0, 1 - fabsf((float)u + 0.5f - p.x) / reach_x) * fmaxf(0, 1 - fabsf((float)v + 0.5f - p.y) / reach_y);
                    weights += w;
                    for (int k = 0; k < 3; k++)
                        sum[k] += w * im->pixels[(v * im->width + u) * 3 + k];
                }
            for (int k = 0; k < 3; k++)
                out[(y * SIZE + x) * 3 + k] = (float)(sum[k] / weights);
        }
}

static void speckled(int width, int height, struct random *r, struct image *ret)
{
    MUST(image_new(width, height, ret));
    for (int i = 0; i < width * height * 3; i++)
        ret->pixels[i] = (uint8_t)random_below(r, 256);
}

static double largest_difference(const float *a, const float *b)
{
    double most = 0;
    for (int i = 0; i < SIZE * SIZE * 3; i++)
        most = fmax(most, fabs((double)a[i] - (double)b[i]));
    return most;
}

static void compare(const struct image *im, const struct affine *at, double slack)
{
    static float fast[SIZE * SIZE * 3 + 3], plain[SIZE * SIZE * 3];
    struct colouring same = colouring_none();
    memset(fast, 0, sizeof fast);
    memset(plain, 0, sizeof plain);
    warp_image(im, at, &whole, &same, &none, SIZE, fast);
    plain_warp(im, at, plain);
    CHECK(largest_difference(fast, plain) < slack);
    for (int i = 0; i < 3; i++) /* nothing is written behind the end */
        CHECK(fast[SIZE * SIZE * 3 + i] == 0);
}

TEST(a_scaled_or_mirrored_image_is_the_plain_sum_over_its_pixels)
{
    for (uint64_t seed = 0; seed < 60; seed++) {
        AUTO(image) struct image im = { 0 };
        struct random r = { seed };
        speckled(1 + (int)random_below(&r, 60), 1 + (int)random_below(&r, 60), &r, &im);
        float x = random_in(&r, 0.3f, 2), y = random_in(&r, 0.3f, 2);
        struct affine at = affine_scale(random_chance(&r, 0.5f) ? x : -x, random_chance(&r, 0.5f) ? y : -y, random_in(&r, -9, 60),
                                        random_in(&r, -9, 60));
        compare(&im, &at, 0.05);
    }
}

TEST(a_turned_image_that_grows_is_the_plain_sum_over_its_pixels)
{
    for (uint64_t seed = 0; seed < 60; seed++) {
        AUTO(image) struct image im = { 0 };
        struct random r = { seed };
        speckled(1 + (int)random_below(&r, 40), 1 + (int)random_below(&r, 40), &r, &im);
        struct affine grow = affine_scale(random_in(&r, 1, 2), random_in(&r, 1, 2), random_in(&r, -9, 20), random_in(&r, -9, 20));
        struct affine turn = affine_turn(random_in(&r, 1, 359), random_in(&r, -20, 20), 10, 10);
        grow.xx = grow.yy; /* so that the triangle is one pixel wide in every direction */
        struct affine at = affine_then(&turn, &grow);
        static float fast[SIZE * SIZE * 3], plain[SIZE * SIZE * 3];
        struct colouring same = colouring_none();
        memset(fast, 0, sizeof fast);
        memset(plain, 0, sizeof plain);
        warp_image(&im, &at, &whole, &same, &none, SIZE, fast);
        plain_warp(&im, &at, plain);
        int differ = 0; /* at the image's edge a place may be inside for one of them and outside for the other */
        for (int i = 0; i < SIZE * SIZE; i++)
            differ += fabsf(fast[i * 3] - plain[i * 3]) > 0.1f;
        CHECK(differ <= 2);
    }
}

TEST(fine_stripes_turn_grey_when_an_image_is_shrunk_straight_or_turned)
{
    AUTO(image) struct image im = { 0 };
    MUST(image_new(96, 96, &im));
    for (int i = 0; i < 96 * 96; i++)
        memset(im.pixels + i * 3, i % 2 ? 255 : 0, 3);
    for (float degrees = 0; degrees < 40; degrees += 30) {
        float out[SIZE * SIZE * 3];
        struct affine turn = affine_turn(degrees, 0, 48, 48), half = affine_scale(0.5f, 0.5f, 0, 0), at = affine_then(&turn, &half);
        struct colouring same = colouring_none();
        for (int i = 0; i < SIZE * SIZE * 3; i++)
            out[i] = 127;
        warp_image(&im, &at, &whole, &same, &none, SIZE, out);
        for (int y = 12; y < 36; y++)
            for (int x = 12; x < 36; x++)
                CHECK(fabsf(out[(y * SIZE + x) * 3] - 127.5f) < 20);
    }
}

TEST(only_the_window_is_written)
{
    AUTO(image) struct image im = { 0 };
    struct random r = { 1 };
    speckled(50, 50, &r, &im);
    struct window w = { 5, 7, 20, 30 };
    struct colouring same = colouring_none();
    for (float degrees = 0; degrees < 40; degrees += 30) {
        static float out[SIZE * SIZE * 3];
        struct affine at = affine_turn(degrees, 0, 20, 20);
        for (int i = 0; i < SIZE * SIZE * 3; i++)
            out[i] = -7;
        warp_image(&im, &at, &w, &same, &none, SIZE, out);
        for (int i = 0; i < SIZE * SIZE; i++)
            CHECK((out[i * 3] == -7 && out[i * 3 + 2] == -7) || (i % SIZE >= 5 && i % SIZE < 20 && i / SIZE >= 7 && i / SIZE < 30));
    }
}
