#include "base/test.h"
#include "img/img.h"

static void picture(int width, int height, struct image *ret)
{
    MUST(image_new(width, height, ret));
    for (int i = 0; i < width * height * 3; i++) {
        int c = i % 3, x = i / 3 % width, y = i / 3 / width;
        ret->pixels[i] = (uint8_t)(x * 37 + y * 59 + c * 101 + x * y * 7);
    }
}

/* All bytes in order, so that one that differs by 1 shows. */
static uint32_t mark_of(const struct image *im)
{
    uint32_t mark = 0;
    for (int i = 0; i < im->width * im->height * 3; i++)
        mark = mark * 31 + im->pixels[i];
    return mark;
}

/* The marks are those of what OpenCV 4.12 (linear), Pillow 13.0 (bilinear, bicubic, nearest) and torchvision 0.25 (bilinear of
 * bytes, antialiased) made of the same picture. */
TEST(pictures_become_smaller_and_larger_to_the_last_bit_as_the_common_tools_make_them)
{
    static const struct {
        int width, height, to_width, to_height;
        uint32_t linear, triangle, tensor, cubic, nearest;
    } cases[] = {
        { 7, 5, 4, 3, 642790720U, 3866628554U, 3866628554U, 2832914122U, 117383844U },
        { 7, 5, 12, 9, 3790184250U, 1527978997U, 1527978997U, 694092908U, 1334968812U },
        { 60, 40, 13, 11, 4214066481U, 4011494021U, 482636293U, 1012670731U, 1973438920U },
        { 13, 60, 9, 20, 3343133097U, 202793040U, 3910858093U, 123813948U, 2389220758U },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const uint32_t want[] = { [FILTER_LINEAR] = cases[i].linear,
                                  [FILTER_TRIANGLE] = cases[i].triangle,
                                  [FILTER_TENSOR] = cases[i].tensor,
                                  [FILTER_CUBIC] = cases[i].cubic,
                                  [FILTER_NEAREST] = cases[i].nearest };
        for (size_t f = 0; f < COUNT_OF(want); f++) {
            AUTO(image) struct image from = { 0 }, to = { 0 };
            picture(cases[i].width, cases[i].height, &from);
            MUST(image_resample(&from, (enum image_filter)f, cases[i].to_width, cases[i].to_height, &to));
            CHECK_INT(mark_of(&to), want[f]);
        }
    }
}

TEST(a_picture_resampled_to_its_own_size_stays_as_it_is)
{
    for (int f = FILTER_LINEAR; f <= FILTER_NEAREST; f++) {
        AUTO(image) struct image from = { 0 }, to = { 0 };
        picture(31, 17, &from);
        MUST(image_resample(&from, (enum image_filter)f, 31, 17, &to));
        CHECK_INT(mark_of(&to), mark_of(&from));
    }
}

TEST(a_resampled_picture_has_no_side_of_nothing_and_none_beyond_the_cap)
{
    AUTO(image) struct image from = { 0 }, to = { 0 };
    picture(2, 2, &from);
    MUST_FAIL(image_resample(&from, FILTER_LINEAR, 0, 5, &to), E_INVALID, "0×5");
    MUST_FAIL(image_resample(&from, FILTER_CUBIC, 5, IMAGE_SIDE + 1, &to), E_INVALID, "pixels");
}
