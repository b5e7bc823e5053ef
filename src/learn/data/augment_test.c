#include "base/test.h"
#include "learn/data/augment.h"
#include "learn/data/effects.h"
#include "learn/models.h"
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
    s->picture = (struct picture){ .image = s->image, .boxes = &s->box, .n = 1 };
    s->example = (struct example){
        .pixels = s->pixels, .frame = { SIZE, SIZE }, .normalise = model_find("yolox-nano")->input, .boxes = s->boxes, .room = ROOM
    };
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
    augment_none(&here.picture, &here.example);
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

/* ---- everything that is annotated follows the pixels */

enum { CORNERS = 24, POINTS = 512 };

/* A white ellipse with its box, its outline, its mask, and its middle as a point. */
struct marked {
    struct scene scene;
    struct point corners[CORNERS], middle, points[POINTS];
    struct labelled_box box[2];
    struct outline outline[2], outlines[ROOM];
    uint8_t mask[SIZE * SIZE], mask_seen[SIZE * SIZE];
};

static void marked_init(struct marked *m, float x, float y, float a, float b)
{
    scene_init(&m->scene, SIZE, 48, (struct box){ 0, 0, 0, 0 });
    struct scene *s = &m->scene;
    memset(m->mask, 0, sizeof m->mask);
    for (int i = 0; i < SIZE * 48; i++) {
        float dx = ((float)(i % SIZE) + 0.5f - x) / a, dy = ((float)(i / SIZE) + 0.5f - y) / b;
        bool in = dx * dx + dy * dy <= 1;
        memset(s->image.pixels + i * 3, in ? 255 : 0, 3);
        m->mask[i] = in ? 9 : 1;
    }
    for (int i = 0; i < CORNERS; i++)
        m->corners[i] =
            (struct point){ x + a * cosf(6.2831853f * (float)i / CORNERS), y + b * sinf(6.2831853f * (float)i / CORNERS) };
    m->middle = (struct point){ x, y };
    m->box[0] = m->box[1] = (struct labelled_box){ { x - a, y - b, x + a, y + b }, 1 };
    m->outline[0] = (struct outline){ m->corners, CORNERS, true };
    m->outline[1] = (struct outline){ &m->middle, 1, false };
    s->picture.boxes = m->box;
    s->picture.n = 2;
    s->picture.outlines = m->outline;
    s->picture.mask = m->mask;
    s->example.outlines = m->outlines;
    s->example.points = m->points;
    s->example.room_points = POINTS;
    s->example.mask = m->mask_seen;
}
static void auto_marked(struct marked *m)
{
    image_done(&m->scene.image);
}

/* Any change at all, by the seed. */
static void any_settings(struct settings *s, struct random *r)
{
    s->flip_horizontal = s->flip_vertical = 0.5;
    s->rotate = random_chance(r, 0.7f) ? random_in(r, 0, 180) : 0;
    s->shear = random_chance(r, 0.5f) ? random_in(r, 0, 30) : 0;
    s->scale = random_in(r, 0, 0.5f);
    s->translate = random_in(r, 0, 0.5f);
    s->crop = random_in(r, 0.2f, 1);
}

static void check_marked(const struct marked *m, float slack)
{
    const struct scene *s = &m->scene;
    struct box seen = white(s);
    for (int i = 0; i < SIZE * SIZE; i++) /* white is the object, black the rest of the image, grey is outside */
        if (fabsf(s->pixels[i * 3]) > 1.9f)
            CHECK(m->mask_seen[i] == (s->pixels[i * 3] > 0 ? 9 : 1));
    for (int i = 0; i < s->example.n; i++) {
        const struct box *said = &s->example.boxes[i].box;
        const struct outline *o = &s->example.outlines[i];
        float far = fmaxf(fmaxf(fabsf(seen.x0 - said->x0), fabsf(seen.y0 - said->y0)),
                          fmaxf(fabsf(seen.x1 - said->x1), fabsf(seen.y1 - said->y1)));
        if (far > slack)
            fail_msg("white from %g %g to %g %g, box %g %g to %g %g", (double)seen.x0, (double)seen.y0, (double)seen.x1,
                     (double)seen.y1, (double)said->x0, (double)said->y0, (double)said->x1, (double)said->y1);
        for (int k = 0; k < o->n; k++) {
            const struct point *p = &o->points[k];
            CHECK(o->closed || isnan(p->x) || s->pixels[((int)p->y * SIZE + (int)p->x) * 3] > 0.5f);
            CHECK(!o->closed || (p->x >= said->x0 && p->x <= said->x1 && p->y >= said->y0 && p->y <= said->y1));
        }
    }
}

TEST(boxes_polygons_points_and_masks_follow_the_pixels_through_any_change)
{
    int shown = 0, gone = 0;
    for (uint64_t seed = 0; seed < 600; seed++) {
        AUTO(marked) struct marked m;
        struct random r = { seed };
        marked_init(&m, random_in(&r, 16, 48), random_in(&r, 14, 34), random_in(&r, 5, 12), random_in(&r, 5, 12));
        any_settings(&m.scene.settings, &r);
        const struct picture *p = &m.scene.picture;
        bool crop = seed % 3 == 0;
        if (crop)
            augment_crop(p, &m.scene.settings, &r, &m.scene.example);
        else
            augment(&p, 1, &m.scene.settings, &r, &m.scene.example);
        shown += m.scene.example.n;
        gone += !m.scene.example.n;
        /* The ellipse's corners cut off by the edge are no part of what is seen, but of its box. */
        check_marked(&m, crop ? 6 : 4);
    }
    CHECK(shown > 600 && gone > 10);
}

TEST(what_is_out_of_view_leaves)
{
    AUTO(marked) struct marked m;
    marked_init(&m, 10, 24, 8, 8);
    struct settings *s = &m.scene.settings;
    const struct picture *p = &m.scene.picture;
    s->crop = 0.05;
    int gone = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct random r = { seed };
        augment_crop(p, s, &r, &m.scene.example);
        struct box seen = white(&m.scene);
        gone += seen.x1 <= seen.x0;
        if (seen.x1 <= seen.x0)
            CHECK_INT(m.scene.example.n, 0);
    }
    CHECK(gone > 20);
}

TEST(a_covered_object_leaves_and_one_in_view_stays)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        AUTO(marked) struct marked m;
        marked_init(&m, 32, 24, 4, 4);
        struct settings *s = &m.scene.settings;
        s->scale = s->translate = s->flip_horizontal = 0;
        s->erase = 1;
        struct random r = { seed };
        const struct picture *p = &m.scene.picture;
        augment(&p, 1, s, &r, &m.scene.example);
        int left = 0;
        for (int i = 0; i < SIZE * SIZE; i++)
            left += m.mask_seen[i] == 9;
        CHECK(left > 3 || m.scene.example.n == 0); /* of about 50 */
        CHECK(left < 25 || m.scene.example.n > 0);
    }
}

TEST(mixup_shows_two_images_and_the_boxes_of_both)
{
    AUTO(scene) struct scene a;
    AUTO(scene) struct scene b;
    scene_init(&a, 64, 64, (struct box){ 0, 0, 20, 20 });
    scene_init(&b, 64, 64, (struct box){ 40, 40, 60, 60 });
    struct random r = { 3 };
    augment_none(&a.picture, &a.example);
    augment_none(&b.picture, &b.example);
    augment_mix(&a.example, &b.example, &r);
    float first = a.pixels[(10 * SIZE + 10) * 3], second = a.pixels[(50 * SIZE + 50) * 3], ground = a.pixels[(5 * SIZE + 50) * 3];
    CHECK(a.example.n == 2 && a.example.own == 1);
    CHECK(fabsf((first - ground) / 4 - a.example.share) < 1e-5f);
    CHECK(fabsf((second - ground) / 4 - (1 - a.example.share)) < 1e-5f);
}

TEST(blur_and_noise_keep_the_mean_and_noise_has_the_strength_that_was_asked_for)
{
    AUTO(scene) struct scene s;
    scene_init(&s, 64, 64, (struct box){ 20, 20, 44, 44 });
    augment_none(&s.picture, &s.example);
    float *was = malloc(sizeof s.pixels), change = 0;
    struct random r = { 5 };
    memcpy(was, s.pixels, sizeof s.pixels);
    effect_blur(s.pixels, s.example.frame, 1.5f);
    double sum = 0, sum_was = 0, squares = 0;
    for (int i = 0; i < SIZE * SIZE * 3; i++) {
        sum += s.pixels[i];
        sum_was += was[i];
        change = fmaxf(change, fabsf(s.pixels[i] - was[i]));
    }
    CHECK(change > 0.5f && fabs(sum - sum_was) < 1);
    memcpy(was, s.pixels, sizeof s.pixels);
    effect_noise(s.pixels, s.example.frame, 0.2f, &r);
    for (int i = 0; i < SIZE * SIZE * 3; i++)
        squares += pow((double)(s.pixels[i] - was[i]), 2);
    CHECK(fabs(sqrt(squares / (SIZE * SIZE * 3)) - 0.2) < 0.01);
    free(was);
}
