#include "base/test.h"
#include "learn/data/synth.h"

TEST(made_up_images_are_the_same_for_the_same_seed_and_differ_for_another)
{
    AUTO(image) struct image a = { 0 }, b = { 0 }, c = { 0 };
    struct synth_boxes boxes_a, boxes_b, boxes_c;
    MUST(synth_draw(5, 3, &a, &boxes_a));
    MUST(synth_draw(5, 3, &b, &boxes_b));
    MUST(synth_draw(6, 3, &c, &boxes_c));
    size_t n = (size_t)SYNTH_WIDTH * SYNTH_HEIGHT * 3;
    CHECK(memcmp(a.pixels, b.pixels, n) == 0);
    CHECK(memcmp(a.pixels, c.pixels, n) != 0);
    CHECK_INT(boxes_a.n, boxes_b.n);
    for (int i = 0; i < boxes_a.n; i++) {
        const struct synth_box *box = &boxes_a.items[i];
        CHECK(box->label == boxes_b.items[i].label && box->x0 == boxes_b.items[i].x0);
        CHECK(0 <= box->x0 && box->x0 < box->x1 && box->x1 <= SYNTH_WIDTH);
        CHECK(0 <= box->y0 && box->y0 < box->y1 && box->y1 <= SYNTH_HEIGHT);
    }
}

/* A red cell is darker in green than what surrounds its box, on each side: the box lies where the cell is. */
TEST(boxes_of_made_up_images_hold_what_was_drawn)
{
    int found = 0;
    for (uint64_t index = 0; index < 4; index++) {
        AUTO(image) struct image image = { 0 };
        struct synth_boxes boxes;
        MUST(synth_draw(1, index, &image, &boxes));
        for (int i = 0; i < boxes.n; i++) {
            const struct synth_box *b = &boxes.items[i];
            int least = 255, row = 0, cy = (b->y0 + b->y1) / 2;
            for (int x = b->x0; x < b->x1; x++) {
                int green = image.pixels[3 * (cy * SYNTH_WIDTH + x) + 1];
                least = green < least ? green : least;
            }
            for (int x = b->x1 + 4; x < b->x1 + 8 && x < SYNTH_WIDTH; x++)
                row = image.pixels[3 * (cy * SYNTH_WIDTH + x) + 1] > row ? image.pixels[3 * (cy * SYNTH_WIDTH + x) + 1] : row;
            found += row > least + 15;
        }
    }
    CHECK(found > 30);
}
