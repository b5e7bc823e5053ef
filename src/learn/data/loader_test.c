#include "base/file.h"
#include "base/test.h"
#include "learn/data/loader.h"
#include "learn/data/synth.h"
#include "learn/models.h"
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum { IMAGES = 5, BATCHES = 6 };

struct stock {
    struct arena *arena;
    struct decoder *decoder;
    char dir[64];
    struct samples samples;
    struct settings settings;
    struct text said;
};

static void unreadable(void *with, const char *name, const char *why)
{
    text_fmt(&((struct stock *)with)->said, "skipped %s: %s\n", name, why);
}
static bool go_on(void *with, size_t done, size_t of)
{
    (void)with, (void)done, (void)of;
    return true;
}

static void stock_init(struct stock *s)
{
    *s = (struct stock){ .arena = arena_new() };
    text_init(&s->said, 1 << 16);
    snprintf(s->dir, sizeof s->dir, "/tmp/saccade_loader_XXXXXX");
    CHECK(mkdtemp(s->dir));
    MUST(synth_write(s->dir, IMAGES, 3));
    MUST(decoder_start(NULL, 2, &s->decoder));
    settings_defaults(&s->settings);
    s->settings.image_size = 96;
    s->settings.batch_size = 4;
    s->samples = (struct samples){ arena_new_array(s->arena, struct sample, IMAGES), IMAGES };
    for (int i = 0; i < IMAGES; i++) {
        struct labelled_box *box = arena_new_array(s->arena, struct labelled_box, 1);
        box[0] = (struct labelled_box){ { 100, 100, 300, 300 }, i };
        const char *name = arena_fmt(s->arena, "cells_%05d.jpg", i);
        s->samples.items[i] =
            (struct sample){ .path = arena_fmt(s->arena, "%s/JPEGImages/%s", s->dir, name), .name = name, .boxes = box, .n = 1 };
    }
}
static void auto_stock(struct stock *s)
{
    decoder_stop(s->decoder);
    text_done(&s->said);
    if (file_remove_tree(s->dir) != OK)
        print_error("%s stays\n", s->dir);
    arena_free(s->arena);
}

static void open_gallery(struct stock *s, size_t room, struct gallery **ret)
{
    struct gallery_says says = { unreadable, go_on, s };
    MUST(gallery_open(s->decoder, &s->samples, (int)s->settings.image_size, room, 2, &says, ret));
}

static struct loader *start(const struct stock *s, struct gallery *g, int64_t first, int threads)
{
    int side = (int)s->settings.image_size;
    const struct wanted wanted = { { side, side }, model_find("yolox-nano")->input, false };
    return loader_start(g, &wanted, &s->settings, first, threads);
}

/* All bytes of the batches first … BATCHES - 1, one after the other. */
static float *batches(struct stock *s, size_t room, int threads, int64_t first)
{
    AUTO(gallery) struct gallery *g = NULL;
    const struct batch *b;
    size_t n = (size_t)(s->settings.batch_size * s->settings.image_size * s->settings.image_size * 3);
    float *all = arena_new_array(s->arena, float, n *BATCHES);
    open_gallery(s, room, &g);
    struct loader *l = start(s, g, first, threads);
    for (int64_t i = first; i < BATCHES; i++) {
        MUST(loader_next(l, &b));
        CHECK_INT(b->step, i);
        memcpy(all + (size_t)i * n, b->pixels, n * sizeof *all);
    }
    loader_stop(l);
    return all;
}

TEST(batches_depend_on_the_seed_alone_not_on_memory_threads_or_where_one_begins)
{
    AUTO(stock) struct stock s;
    stock_init(&s);
    s.settings.mixup = s.settings.mosaic = 0.5;
    s.settings.rotate = 30;
    s.settings.noise = 0.1;
    s.settings.blur = 1;
    size_t n = (size_t)(s.settings.batch_size * s.settings.image_size * s.settings.image_size * 3);
    const float *whole = batches(&s, 64 << 20, 2, 0);
    CHECK(memcmp(whole, batches(&s, 0, 2, 0), BATCHES * n * sizeof *whole) ==
          0); /* each image decoded again whenever it is needed */
    CHECK(memcmp(whole, batches(&s, 20000, 1, 0), BATCHES * n * sizeof *whole) == 0);
    CHECK(memcmp(whole + 3 * n, batches(&s, 64 << 20, 2, 3) + 3 * n, (BATCHES - 3) * n * sizeof *whole) == 0);
    s.settings.seed = 1;
    CHECK(memcmp(whole, batches(&s, 64 << 20, 2, 0), n * sizeof *whole) != 0);
}

TEST(a_picture_that_cannot_be_read_any_more_is_told_once_and_the_next_one_takes_its_place)
{
    AUTO(stock) struct stock s;
    AUTO(gallery) struct gallery *g = NULL;
    const struct batch *b;
    stock_init(&s);
    s.settings.mosaic = 0;
    open_gallery(&s, 0, &g);
    MUST(file_write(s.samples.items[2].path, "\xff\xd8\xff no picture", 14, 0644));
    CHECK_INT(unlink(s.samples.items[4].path), 0);
    struct loader *l = start(&s, g, 0, 2);
    for (int step = 0; step < 12; step++) {
        MUST(loader_next(l, &b));
        for (int i = 0; i < s.settings.batch_size; i++)
            for (int k = 0; k < b->examples[i].n; k++)
                CHECK(b->examples[i].boxes[k].label != 2 && b->examples[i].boxes[k].label != 4);
    }
    loader_stop(l);
    CHECK(strstr(s.said.bytes, "skipped cells_00002.jpg") && strstr(s.said.bytes, "skipped cells_00004.jpg: cannot open"));
    CHECK(!strstr(strstr(s.said.bytes, "cells_00002") + 1, "cells_00002"));
}

TEST(a_loader_without_a_readable_picture_says_so)
{
    AUTO(stock) struct stock s;
    AUTO(gallery) struct gallery *g = NULL;
    const struct batch *b;
    stock_init(&s);
    open_gallery(&s, 0, &g);
    for (int i = 0; i < IMAGES; i++)
        CHECK_INT(unlink(s.samples.items[i].path), 0);
    struct loader *l = start(&s, g, 0, 2);
    MUST_FAIL(loader_next(l, &b), E_UNMEANT, "none of the 5 training images can be read any more");
    loader_stop(l);
}

TEST(a_loader_that_is_waited_for_starts_more_threads)
{
    AUTO(stock) struct stock s;
    AUTO(gallery) struct gallery *g = NULL;
    const struct batch *b;
    stock_init(&s);
    open_gallery(&s, 0, &g);
    struct loader *l = start(&s, g, 0, 1);
    for (int step = 0; step < 40; step++) /* nothing is done with them, so this is all waiting */
        MUST(loader_next(l, &b));
    CHECK(loader_threads(l) > 1);
    CHECK(loader_waited(l) > 0);
    loader_stop(l);
}

TEST(images_of_one_shape_give_the_input_theirs)
{
    AUTO(stock) struct stock s;
    AUTO(gallery) struct gallery *g = NULL;
    struct picture p;
    float x, y;
    stock_init(&s);
    s.settings.image_size = 128;
    open_gallery(&s, 64 << 20, &g); /* 640 × 480 */
    struct frame f = gallery_frame(g, 32);
    CHECK(f.width == 128 && f.height == 96);
    MUST(gallery_fit(g, f));
    MUST(gallery_take(g, 0, &p));
    CHECK(p.image.width == 128 && p.image.height == 96);
    float was = p.boxes[0].box.x1;
    gallery_return(g, 0, &p);
    MUST(gallery_fit(g, (struct frame){ 64, 96 })); /* one that it does not fit into */
    MUST(gallery_take(g, 0, &p));
    gallery_scale(g, 0, &x, &y);
    CHECK(p.image.width == 64 && p.image.height == 48);
    CHECK(fabsf(p.boxes[0].box.x1 - was / 2) < 1e-3f && fabsf(x - 0.1f) < 1e-6f && fabsf(y - 0.1f) < 1e-6f);
    gallery_return(g, 0, &p);
}
