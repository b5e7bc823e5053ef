#include "base/test.h"
#include "learn/augment.h"
#include <math.h>
#include <stdlib.h>

enum { SIZE = 64, ROOM = 8 };

struct scene {
    struct image image;
    struct picture picture;
    struct labelled_box box;
    float pixels[SIZE * SIZE * 3];
    struct labelled_box boxes[ROOM];
    struct example example;
    struct settings settings;
};

/* A black image with a white rectangle, which is its one box. */
static void scene_init(struct scene *s, int width, int height, struct box b)
{
    memset(s, 0, sizeof *s);
    MUST(image_new(width, height, &s->image));
    for (int y = (int)b.y0; y < (int)b.y1; y++)
        memset(s->image.pixels + ((size_t)y * (size_t)width + (size_t)b.x0) * 3, 255, (size_t)(b.x1 - b.x0) * 3);
    s->box = (struct labelled_box){ b, 1 };
    s->picture = (struct picture){ s->image, &s->box, 1 };
    s->example = (struct example){ s->pixels, s->boxes, 0, ROOM };
    settings_defaults(&s->settings);
    s->settings.image_size = SIZE;
    s->settings.saturation = s->settings.hue = s->settings.brightness = 0;
}
static void auto_scene(struct scene *s)
{
    image_done(&s->image);
}

/* The rectangle around all pixels that are nearly white (2 after normalising), as the network sees them. */
static struct box white(const struct scene *s)
{
    struct box b = { SIZE, SIZE, 0, 0 };
    for (int i = 0; i < SIZE * SIZE; i++)
        if (s->pixels[i * 3] > 0.5f) {
            b.x0 = fminf(b.x0, (float)(i % SIZE));
            b.y0 = fminf(b.y0, (float)(i / SIZE));
            b.x1 = fmaxf(b.x1, (float)(i % SIZE + 1));
            b.y1 = fmaxf(b.y1, (float)(i / SIZE + 1));
        }
    return b;
}

static void check_box(const struct scene *s, float slack)
{
    struct box seen = white(s);
    CHECK_INT(s->example.n, 1);
    const struct box *said = &s->example.boxes[0].box;
    if (fabsf(seen.x0 - said->x0) > slack || fabsf(seen.y0 - said->y0) > slack || fabsf(seen.x1 - said->x1) > slack ||
        fabsf(seen.y1 - said->y1) > slack)
        fail_msg("white from %g %g to %g %g, box from %g %g to %g %g", (double)seen.x0, (double)seen.y0, (double)seen.x1,
                 (double)seen.y1, (double)said->x0, (double)said->y0, (double)said->x1, (double)said->y1);
}

TEST(without_change_an_image_lies_top_left_and_the_rest_is_padded)
{
    AUTO(scene) struct scene here;
    scene_init(&here, 64, 48, (struct box){ 10, 8, 30, 20 });
    augment_none(&here.picture, SIZE, &here.example);
    check_box(&here, 0);
    CHECK(fabsf(here.pixels[(50 * SIZE + 5) * 3] - (114 / 255.0f - 0.5f) / 0.25f) < 1e-6f);
    CHECK(here.pixels[0] == -2);
}

TEST(boxes_follow_their_objects_through_every_change)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        AUTO(scene) struct scene s;
        scene_init(&s, 64, 48, (struct box){ 24, 16, 44, 32 });
        s.settings.flip_vertical = 0.5;
        struct random r = { seed };
        const struct picture *p = &s.picture;
        augment(&p, 1, &s.settings, &r, &s.example);
        if (s.example.n)
            check_box(&s, 1.5f);
    }
}

TEST(a_mosaic_shows_four_images_and_their_boxes_stay_in_their_quarters)
{
    AUTO(scene) struct scene s;
    scene_init(&s, 64, 64, (struct box){ 0, 0, 64, 64 });
    struct random r = { 9 };
    const struct picture *p[4] = { &s.picture, &s.picture, &s.picture, &s.picture };
    s.settings.scale = 0;
    int shown = 0;
    for (int i = 0; i < 50; i++) {
        augment(p, 4, &s.settings, &r, &s.example);
        shown += s.example.n;
        for (int k = 0; k < s.example.n; k++)
            for (int j = 0; j < k; j++)
                CHECK(box_common(&s.example.boxes[k].box, &s.example.boxes[j].box) == 0);
    }
    CHECK(shown > 20);
}

TEST(the_same_random_numbers_make_the_same_example)
{
    AUTO(scene) struct scene a;
    AUTO(scene) struct scene b;
    scene_init(&a, 64, 48, (struct box){ 24, 16, 44, 32 });
    scene_init(&b, 64, 48, (struct box){ 24, 16, 44, 32 });
    struct random x = random_of(1, 'a', 5), y = random_of(1, 'a', 5);
    const struct picture *p = &a.picture, *q = &b.picture;
    augment(&p, 1, &a.settings, &x, &a.example);
    augment(&q, 1, &b.settings, &y, &b.example);
    CHECK(memcmp(a.pixels, b.pixels, sizeof a.pixels) == 0);
}
