/* Trainings that meet what can go wrong: each goes on, or ends with a reason, and loses nothing. */
#include "base/file.h"
#include "base/test.h"
#include "learn/data/synth.h"
#include "learn/models.h"
#include "learn/train/world_test.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static bool was_said(const struct world *w, const char *words)
{
    return strstr(w->said.bytes, words) != NULL;
}
static void must_say(const struct world *w, const char *words)
{
    if (!was_said(w, words))
        fail_msg("\"%s\" was not said in:\n%s", words, w->said.bytes);
}
static int times_said(const struct world *w, const char *words)
{
    int n = 0;
    for (const char *p = w->said.bytes; (p = strstr(p, words)); p++)
        n++;
    return n;
}

TEST(one_image_can_be_learnt_from)
{
    AUTO(world) struct world w;
    struct scores scores;
    world_init(&w);
    world_in(&w, "one");
    w.settings.steps = 2;
    w.job.train.n = 1;
    w.job.eval.n = 0;
    MUST(learn_train(&w.job, w.arena, &scores));
    CHECK_INT(scores.images, 0);
    must_say(&w, "1 training and 0 evaluation images");
    must_say(&w, "diagnosis: not evaluated");
    CHECK(w.findings > 1);
}

TEST(a_label_without_examples_and_images_without_boxes_are_told_and_learnt_around)
{
    AUTO(world) struct world w;
    struct scores scores;
    world_init(&w);
    world_in(&w, "gaps");
    w.settings.steps = 2;
    w.job.train.items[0].n = w.job.train.items[3].n = 0;
    for (int i = 0; i < IMAGES; i++)
        for (int k = 0; k < w.job.train.items[i].n; k++)
            w.job.train.items[i].boxes[k].label %= 2;
    MUST(learn_train(&w.job, w.arena, &scores));
    must_say(&w, "no box in the training images: it cannot be learnt");
    must_say(&w, "2 training images without a box are taken as background");
}

TEST(boxes_that_all_lie_outside_their_images_are_refused)
{
    AUTO(world) struct world w;
    struct scores scores;
    world_init(&w);
    world_in(&w, "outside");
    for (int i = 0; i < IMAGES; i++)
        for (int k = 0; k < w.job.train.items[i].n; k++)
            w.job.train.items[i].boxes[k].box = (struct box){ 5000, 10, 5050, 60 };
    MUST_FAIL(learn_train(&w.job, w.arena, &scores), E_UNMEANT, "lies inside its image");
}

static void spoil_an_image(struct world *w)
{
    if (w->last.step == 2)
        MUST(file_write(w->job.train.items[1].path, "\xff\xd8\xff no picture", 14, 0644));
}

TEST(an_image_that_breaks_during_a_training_is_told_once_and_skipped)
{
    AUTO(world) struct world w;
    struct scores scores;
    world_init(&w);
    world_in(&w, "spoilt");
    w.job.memory = 0; /* each image is decoded again whenever it is needed */
    w.job.eval.n = 0;
    w.settings.steps = 12;
    w.stepped = spoil_an_image;
    MUST(learn_train(&w.job, w.arena, &scores));
    CHECK_INT(w.last.step, 12);
    CHECK_INT(times_said(&w, "skipped cells_00001.jpg"), 1);
}

TEST(a_loss_that_is_no_number_is_gone_back_from_with_a_lower_rate)
{
    AUTO(world) struct world w;
    struct scores scores;
    world_init(&w);
    world_in(&w, "wild");
    w.settings.learning_rate = 10;
    w.settings.warmup_steps = 0;
    w.settings.clip_norm = 0;
    w.settings.weight_decay = 100; /* each step takes the weights times -999: no network survives that for long */
    w.settings.optimizer = "sgd";
    w.settings.steps = 20;
    w.job.eval.n = 0;
    enum err e = learn_train(&w.job, w.arena, &scores);
    must_say(&w, "is no number: back to step 0 with 0.5 of the learning rate");
    if (e != OK)
        CHECK(strstr(fail_text(), "try a smaller learning_rate than 10"));
}

/* ---- no room on the disk: files over a limit cannot be written */

static void limit_files(rlim_t bytes)
{
    struct rlimit l;
    CHECK_INT(getrlimit(RLIMIT_FSIZE, &l), 0);
    l.rlim_cur = bytes < l.rlim_max ? bytes : l.rlim_max;
    CHECK_INT(setrlimit(RLIMIT_FSIZE, &l), 0);
}
static void fill_disk(struct world *w)
{
    if (w->last.step == 2)
        limit_files(100 << 10);
}
static void fill_disk_for_a_while(struct world *w)
{
    fill_disk(w);
    if (w->last.step == 5) /* after the evaluation at step 4, whose weights cannot be kept */
        limit_files(RLIM_INFINITY);
}

TEST(a_training_goes_on_when_there_is_no_room_for_a_checkpoint)
{
    AUTO(world) struct world w;
    struct scores scores;
    world_init(&w);
    world_in(&w, "full");
    signal(SIGXFSZ, SIG_IGN);
    w.job.checkpoint_seconds = 1e-9; /* after every step */
    w.stepped = fill_disk_for_a_while;
    MUST(learn_train(&w.job, w.arena, &scores));
    must_say(&w,
             "a checkpoint could not be written: writing failed: File too large. The training goes on and tries again; the last "
             "good one is of step 1");
    must_say(&w, "checkpoints can be written again");
    CHECK_INT(times_said(&w, "are kept"), 0);
    CHECK_INT(times_said(&w, "could not be written"), 1);
}

TEST(a_model_that_cannot_be_written_fails_clearly_and_the_same_command_goes_on_when_there_is_room)
{
    AUTO(world) struct world w;
    struct scores scores;
    world_init(&w);
    world_in(&w, "full");
    signal(SIGXFSZ, SIG_IGN);
    w.job.checkpoint_seconds = 1e-9;
    w.stepped = fill_disk;
    MUST_FAIL(learn_train(&w.job, w.arena, &scores), E_FULL, "the trained model cannot be written; once it can, the same command");
    limit_files(RLIM_INFINITY);
    w.stepped = NULL;
    MUST(learn_train(&w.job, w.arena, &scores));
    must_say(&w, "goes on from step 1 of 6");
    CHECK(file_exists(arena_fmt(w.arena, "%s/model.onnx", w.job.dir)));
}

/* ---- checkpoints that do not fit */

static void train_halfway(struct world *w, const char *name)
{
    struct scores scores;
    world_in(w, name);
    w->stop_at = 3;
    MUST_FAIL(learn_train(&w->job, w->arena, &scores), E_CANCELLED, "stopped at step 3 of 6");
    w->stop_at = INT64_MAX;
}

TEST(a_checkpoint_of_another_network_of_other_labels_or_cut_off_is_refused)
{
    AUTO(world) struct world w;
    struct scores scores;
    char *bytes;
    size_t n;
    world_init(&w);
    train_halfway(&w, "half");
    const char *checkpoint = arena_fmt(w.arena, "%s/checkpoint.safetensors", w.job.dir);
    w.job.n_labels = 2;
    for (int i = 0; i < IMAGES; i++) {
        for (int k = 0; k < w.job.train.items[i].n; k++)
            w.job.train.items[i].boxes[k].label %= 2;
        w.job.eval.items[i].n = 0;
    }
    MUST_FAIL(learn_train(&w.job, w.arena, &scores), E_UNMEANT, "is of a training with other labels: remove it to begin anew");
    w.job.n_labels = SYNTH_LABELS;
    w.job.model = model_find("yolox-tiny");
    MUST_FAIL(learn_train(&w.job, w.arena, &scores), E_UNMEANT, "is of yolox-nano, not of yolox-tiny: remove it");
    w.job.model = model_find("yolox-nano");
    MUST(file_read(w.arena, checkpoint, 64 << 20, &bytes, &n));
    CHECK_INT(truncate(checkpoint, (off_t)n - 1000), 0);
    MUST_FAIL(learn_train(&w.job, w.arena, &scores), E_UNMEANT, "is cut off");
    MUST(file_write(checkpoint, bytes, n, 0600));
    MUST(learn_train(&w.job, w.arena, &scores));
}

/* ---- what is chosen by itself */

TEST(sizes_left_open_are_chosen_told_and_stay_when_a_training_is_gone_on_with)
{
    AUTO(world) struct world w;
    struct scores scores;
    world_init(&w);
    w.settings.image_size = w.settings.batch_size = 0;
    w.settings.steps = 6;
    train_halfway(&w, "open");
    must_say(&w, "image_size ");
    must_say(&w, "batch_size 4: each image takes about ");
    MUST(learn_train(&w.job, w.arena, &scores));
    CHECK_INT(times_said(&w, "batch_size 4: "), 1);
    must_say(&w, "batches of 4");
}

TEST(a_training_stops_when_it_gets_no_better_and_keeps_its_best_weights)
{
    AUTO(world) struct world w;
    struct scores scores;
    size_t n, n_resumed;
    world_init(&w);
    w.settings.learning_rate = 1e-12;
    w.settings.steps = 40;
    w.settings.eval_every = 2;
    w.settings.patience = 2;
    world_in(&w, "still");
    MUST(learn_train(&w.job, w.arena, &scores));
    CHECK_INT(w.last.step, 15);
    must_say(&w, "stopped early at step 15 of 40: no better for");
    must_say(&w, "the weights of step 2 are kept");
    char *whole = NULL, *resumed = NULL;
    MUST(file_read(w.arena, arena_fmt(w.arena, "%s/model.onnx", w.job.dir), 64 << 20, &whole, &n));
    world_in(&w, "still-resumed");
    w.stop_at = 3;
    MUST_FAIL(learn_train(&w.job, w.arena, &scores), E_CANCELLED, "stopped at step 3");
    w.stop_at = INT64_MAX;
    MUST(learn_train(&w.job, w.arena, &scores));
    CHECK_INT(w.last.step, 15);
    MUST(file_read(w.arena, arena_fmt(w.arena, "%s/model.onnx", w.job.dir), 64 << 20, &resumed, &n_resumed));
    CHECK(n == n_resumed && memcmp(whole, resumed, n) == 0);
}
