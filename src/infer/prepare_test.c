#include "base/test.h"
#include "infer/prepare.h"
#include <math.h>
#include <stdlib.h>

enum { W = 40, H = 20 };

/* Red at the left, green at the right. */
static void picture(struct image *ret)
{
    MUST(image_new(W, H, ret));
    ret->full_width = W;
    ret->full_height = H;
    for (int i = 0; i < W * H; i++)
        ret->pixels[i * 3 + (i % W >= W / 2)] = 255;
}

static void describe(struct description *d, enum resize resize, int width, int height)
{
    description_init(d);
    d->type = ELEMENT_F32;
    d->resize = resize;
    d->width = width;
    d->height = height;
    d->pad = 51; /* a fifth */
}

static float at(const struct input *in, const struct placed *p, int colour, int x, int y)
{
    return ((const float *)in->values)[(colour * p->in_height + y) * p->in_width + x];
}

struct case_of {
    enum resize resize;
    int width, height;
    float left, top, right, bottom; /* where the picture lies in the input */
    float dx, dy, per_x;
};

TEST(a_margin_leaves_room_on_both_sides_of_a_letterbox)
{
    AUTO(image) struct image im = { 0 };
    struct description d;
    struct input in = { 0 };
    struct placed p;
    picture(&im);
    describe(&d, RESIZE_LETTERBOX, 44, 44);
    d.margin = 4;
    MUST(prepare(&d, &im, &in, &p));
    CHECK(fabsf(p.dx - 2) < 0.01F && fabsf(p.dy - 12) < 0.01F && fabsf(p.per_x - 1) < 0.01F);
    CHECK(fabsf(at(&in, &p, 0, 1, 20) - 0.2F) < 0.01F && fabsf(at(&in, &p, 0, 2, 20) - 1) < 0.01F);
    CHECK(fabsf(at(&in, &p, 1, 41, 20) - 1) < 0.01F && fabsf(at(&in, &p, 1, 42, 20) - 0.2F) < 0.01F);
    free(in.values);
}

TEST(each_rule_puts_the_picture_where_it_says)
{
    static const struct case_of cases[] = {
        { RESIZE_LETTERBOX, 40, 40, 0, 10, 40, 30, 0, 10, 1 },
        { RESIZE_LETTERBOX_TOP_LEFT, 40, 40, 0, 0, 40, 20, 0, 0, 1 },
        { RESIZE_OUR_LETTERBOX, 40, 40, 0, 0, 40, 20, 0, 0, 1 },
        { RESIZE_STRETCH, 40, 40, 0, 0, 40, 40, 0, 0, 1 },
        { RESIZE_OUR_STRETCH, 40, 40, 0, 0, 40, 40, 0, 0, 1 },
        { RESIZE_COVER, 40, 40, 0, 0, 40, 40, -20, 0, 0.5F },
        { RESIZE_NONE, 0, 0, 0, 0, 40, 20, 0, 0, 1 },
        { RESIZE_LETTERBOX, 80, 41, 0, 1, 80, 41, 0, 0, 0.5F }, /* the odd line lies below */
    };
    AUTO(image) struct image im = { 0 };
    picture(&im);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct case_of *c = &cases[i];
        struct description d;
        struct input in = { 0 };
        struct placed p;
        describe(&d, c->resize, c->width, c->height);
        MUST(prepare(&d, &im, &in, &p));
        CHECK(p.width == W && p.height == H);
        CHECK(fabsf(p.dx - c->dx) < 0.01F && fabsf(p.dy - c->dy) < 0.01F && fabsf(p.per_x - c->per_x) < 0.01F);
        for (int y = 0; y < p.in_height; y++)
            for (int x = 0; x < p.in_width; x++) {
                bool inside = (float)x >= c->left && (float)y >= c->top && (float)x < c->right && (float)y < c->bottom;
                float sum = at(&in, &p, 0, x, y) + at(&in, &p, 1, x, y) + at(&in, &p, 2, x, y);
                if (c->height == 41 && (y == 0 || y == 40))
                    continue;
                CHECK(fabsf(sum - (inside ? 1 : 0.6F)) < 0.01F);
            }
        CHECK(fabsf(at(&in, &p, 0, 2, (int)c->top + 2) - 1) < 0.01F);
        free(in.values);
    }
}

TEST(values_go_through_range_mean_and_deviation_in_the_order_of_the_model)
{
    AUTO(image) struct image im = { 0 };
    struct description d;
    struct input in = { 0 };
    struct placed p;
    picture(&im);
    describe(&d, RESIZE_NONE, 0, 0);
    d.bgr = true;
    d.low = -1;
    d.scale = 2.0F / 255;
    d.mean[2] = 0.5F;
    d.std[2] = 0.25F;
    MUST(prepare(&d, &im, &in, &p));
    CHECK(fabsf(at(&in, &p, 0, 0, 0) + 1) < 1e-5F);                  /* blue, which there is none of */
    CHECK(fabsf(at(&in, &p, 2, 0, 0) - (1 - 0.5F) / 0.25F) < 1e-5F); /* red */
    CHECK(fabsf(at(&in, &p, 2, 39, 0) - (-1 - 0.5F) / 0.25F) < 1e-5F);
    free(in.values);
}

TEST(layouts_and_types_hold_the_same_picture)
{
    AUTO(image) struct image im = { 0 };
    struct description d;
    struct input in = { 0 };
    struct placed p;
    picture(&im);
    describe(&d, RESIZE_LETTERBOX, 40, 40);
    d.layout = LAYOUT_NHWC;
    d.type = ELEMENT_U8;
    d.scale = 1;
    MUST(prepare(&d, &im, &in, &p));
    const uint8_t *bytes = in.values;
    CHECK(bytes[0] == 51 && bytes[(10 * 40) * 3] == 255 && bytes[(10 * 40) * 3 + 1] == 0 && bytes[(10 * 40 + 39) * 3 + 1] == 255);
    d.layout = LAYOUT_CHW;
    d.type = ELEMENT_F16;
    d.scale = 1.0F / 255;
    MUST(prepare(&d, &im, &in, &p));
    const uint16_t *halves = in.values;
    CHECK(halves[10 * 40] == 0x3c00 && halves[1600 + 10 * 40] == 0 && halves[0] == 0x3266); /* 1, 0, 0.2 */
    free(in.values);
}

TEST(any_size_of_picture_fits_any_size_of_input)
{
    static const int sizes[] = { 1, 2, 7, 64, 333 };
    static const enum resize rules[] = { RESIZE_LETTERBOX, RESIZE_LETTERBOX_TOP_LEFT, RESIZE_STRETCH,
                                         RESIZE_COVER,     RESIZE_OUR_LETTERBOX,      RESIZE_OUR_STRETCH };
    for (size_t i = 0; i < COUNT_OF(sizes) * COUNT_OF(sizes); i++)
        for (size_t r = 0; r < COUNT_OF(rules); r++) {
            AUTO(image) struct image im = { 0 };
            struct description d;
            struct input in = { 0 };
            struct placed p;
            MUST(image_new(sizes[i % 5], sizes[i / 5], &im));
            im.full_width = im.width;
            im.full_height = im.height;
            describe(&d, rules[r], 32, 48);
            d.crop = r == 3 ? 0.875 : 1;
            MUST(prepare(&d, &im, &in, &p));
            CHECK(p.per_x > 0 && p.per_y > 0);
            free(in.values);
        }
}
