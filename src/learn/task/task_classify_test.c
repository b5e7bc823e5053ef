#include "base/file.h"
#include "base/test.h"
#include "img/img.h"
#include "learn/models.h"
#include "learn/onnx/onnx_run_test.h"
#include "learn/train/learn.h"
#include "learn/train/onnx_write.h"
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum { LABELS = 3, IMAGES = 9, SIZE = 64 };

/* ---- the loss */

/* A network that is nothing but the logits of two images. */
struct outputs {
    struct network net;
    struct tensor logits;
    float data[2 * LABELS], grad[2 * LABELS];
};
static void outputs_init(struct outputs *o)
{
    *o = (struct outputs){ .net = { .batch = 2, .labels = LABELS }, .data = { 9, 9, 9, 0.3f, -1.2f, 2.0f } };
    o->logits = (struct tensor){ .n = 2, .h = 1, .w = 1, .c = LABELS, .data = o->data, .grad = o->grad };
    o->net.logits = &o->logits;
}
static double loss_of(struct outputs *o, const struct example *e, const struct settings *s)
{
    struct task_loss sum = { 0 };
    task_classify.learn(&o->net, 1, e, s, &sum);
    CHECK_INT(sum.share, 1);
    return sum.part[0];
}

TEST(the_classification_loss_is_the_cross_entropy_and_its_gradient_is_its_slope)
{
    const struct settings smooth = { .label_smoothing = 0.1 }, plain = { 0 };
    const struct example one = { .label = 1, .other = -1, .share = 1 }, mixed = { .label = 1, .other = 2, .share = 0.6f };
    struct outputs o;
    outputs_init(&o);
    CHECK(fabs(loss_of(&o, &one, &plain) - (log(exp(0.3) + exp(-1.2) + exp(2)) + 1.2)) < 1e-5);
    for (int k = 0; k < LABELS; k++)
        for (int m = 0; m < 2; m++) {
            const float step = 1e-2f;
            float *x = &o.data[LABELS + k], was = *x;
            *x = was + step;
            double up = loss_of(&o, m ? &mixed : &one, &smooth);
            *x = was - step;
            double down = loss_of(&o, m ? &mixed : &one, &smooth);
            *x = was;
            loss_of(&o, m ? &mixed : &one, &smooth);
            CHECK(fabs((up - down) / (2 * (double)step) - (double)o.grad[LABELS + k]) < 1e-3);
        }
    CHECK(o.grad[0] == 0 && o.grad[1] == 0 && o.grad[2] == 0); /* of the other image */
}

TEST(an_image_without_a_label_teaches_nothing)
{
    const struct settings s = { .label_smoothing = 0.1 };
    const struct example none = { .label = -1, .other = -1, .share = 1 };
    struct outputs o;
    struct task_loss sum = { 0 };
    outputs_init(&o);
    o.grad[LABELS] = 7;
    task_classify.learn(&o.net, 1, &none, &s, &sum);
    CHECK(sum.share == 0 && sum.part[0] == 0 && o.grad[LABELS] == 0);
}

/* ---- the scores */

/* Answers that are sure of one label, then of the next higher ones. */
static const float *sure_of(struct arena *a, int labels, int label)
{
    float *p = arena_new_array(a, float, labels);
    for (int k = 0; k < labels; k++)
        p[(label + k) % labels] = -0.5f * (float)(k + 1);
    return p;
}

TEST(classifications_are_scored_as_by_hand)
{
    static const int pairs[][2] = { { 0, 0 }, { 0, 0 }, { 0, 1 }, { 1, 1 }, { 1, 0 }, { 1, 1 } }; /* true, said; label 2: none */
    AUTO(arena) struct arena *a = arena_new();
    const struct settings set = { 0 };
    struct sample samples[COUNT_OF(pairs)] = { { 0 } };
    struct judged images[COUNT_OF(pairs)] = { { 0 } };
    struct scores s;
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        samples[i].label = pairs[i][0];
        images[i] = (struct judged){ &samples[i], 1, 1, sure_of(a, LABELS, pairs[i][1]) };
    }
    task_classify.score(images, COUNT_OF(pairs), LABELS, &set, a, &s);
    CHECK_INT(s.images, 6);
    CHECK(fabs(s.value[0] - 4.0 / 6) < 1e-9 && s.value[2] == -1); /* accuracy; the best five of three labels say nothing */
    CHECK(fabs(s.value[1] - (4 * 0.5 + 1.5 + 1) / 6) < 1e-6);
    static const int64_t confusion[] = { 2, 1, 0, 1, 2, 0, 0, 0, 0 };
    for (int i = 0; i < LABELS * LABELS; i++)
        CHECK_INT(s.confusion[i], confusion[i]);
    for (int i = 0; i < 2; i++)
        for (int k = 1; k < 4; k++)
            CHECK(fabs(s.of_label[i][k] - 2.0 / 3) < 1e-9);
    CHECK(s.of_label[2][0] == 0 && s.of_label[2][1] == 0 && s.of_label[2][2] == -1 && s.of_label[2][3] == -1);
    CHECK(s.of_label[LABELS][0] == 6 && fabs(s.of_label[LABELS][3] - 2.0 / 3) < 1e-9); /* label 2 does not count */
}

TEST(the_true_label_among_the_best_five_counts_for_top5)
{
    AUTO(arena) struct arena *a = arena_new();
    const struct settings set = { 0 };
    struct sample first = { .label = 4 }, second = { .label = 5 };
    struct judged images[] = { { &first, 1, 1, sure_of(a, 10, 0) }, { &second, 1, 1, sure_of(a, 10, 0) } };
    struct scores s;
    task_classify.score(images, 2, 10, &set, a, &s);
    CHECK(s.value[0] == 0 && s.value[2] == 0.5);
}

/* ---- a training */

static void tiny_build(struct network *n)
{
    n->input = nn_input(n->graph, "images", n->batch, n->frame.height, n->frame.width, 3);
    struct tensor *x = n->input;
    static const char *const names[][2] = { { "conv1", "bn1" }, { "conv2", "bn2" }, { "conv3", "bn3" } };
    for (int i = 0; i < 3; i++) {
        x = nn_conv2d(n->graph, x, names[i][0], 8 << i, 3, 2, 1, false);
        x = nn_relu(n->graph, nn_batch_norm(n->graph, x, names[i][1], 1e-3f, 0.1f));
    }
    n->logits = nn_linear(n->graph, nn_global_pool(n->graph, x), "out", n->labels, true);
    nn_output(n->graph, n->logits, "logits");
}
static const struct normalise centred = { 1 / 255.0f, { 0.5f, 0.5f, 0.5f }, { 0.25f, 0.25f, 0.25f }, 114 };
static const struct model tiny = { .name = "tiny", .task = &task_classify, .says = "", .build = tiny_build, .input = &centred };

static double compare(const void *with, const struct ort_session *session)
{
    const struct network *net = with;
    const struct ort_value *scores = ort_output(session, 0);
    double worst = 0, sum = 0;
    if (strcmp(scores->name, "scores") != 0 || scores->rank != 2 || scores->shape[1] != LABELS)
        return 1e9;
    for (int k = 0; k < LABELS; k++)
        sum += exp((double)net->logits->data[k]);
    for (int k = 0; k < LABELS; k++)
        worst = fmax(worst, fabs(exp((double)net->logits->data[k]) / sum - (double)scores->data[k]));
    return worst;
}

TEST(the_onnx_file_of_a_classifier_gives_the_probabilities)
{
    AUTO(arena) struct arena *a = arena_new();
    static const char *const names[LABELS] = { "one", "two", "three" };
    struct network net;
    struct random r = { 5 };
    char path[] = "/tmp/saccade_onnx_XXXXXX", *bytes;
    size_t n;
    close(mkstemp(path));
    MUST(network_new(&tiny, 1, (struct frame){ SIZE, SIZE }, LABELS, 1, GRAPH_INFER, NULL, &net));
    float *image = arena_new_array(a, float, 3 * SIZE * SIZE);
    for (int i = 0; i < SIZE * SIZE * 3; i++) { /* the same pixels, channels last here and first there */
        net.input->data[i] = random_in(&r, -2, 2);
        image[i % 3 * SIZE * SIZE + i / 3] = net.input->data[i];
    }
    MUST(onnx_write(&net, names, path));
    graph_forward(net.graph);
    MUST(file_read(a, path, 64 << 20, &bytes, &n));
    unlink(path);
    double worst = onnx_run_apart(bytes, n, image, (int64_t[]){ 1, 3, SIZE, SIZE }, compare, &net);
    network_done(&net);
    CHECK(worst < 1e-5);
}

TEST(an_evaluation_shows_an_image_to_the_network_just_as_it_is_served)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(image) struct image image = { 0 };
    AUTO(image) struct image kept = { 0 };
    const struct network net = { .model = &tiny, .frame = { SIZE, SIZE } };
    float *shown = arena_new_array(a, float, 3 * SIZE * SIZE), *served = arena_new_array(a, float, 3 * SIZE * SIZE);
    struct random r = { 6 };
    int w, h;
    MUST(image_new(150, 90, &image));
    for (int i = 0; i < 150 * 90 * 3; i++)
        image.pixels[i] = (uint8_t)random_below(&r, 256);
    image_fit(150, 90, SIZE, SIZE, &w, &h);
    MUST(image_resize(&image, w, h, &kept)); /* as galleries keep it */
    MUST(task_classify.show(&net, &(struct picture){ .image = kept }, shown));
    MUST(image_stretch(&image, SIZE, SIZE, &centred, served));
    for (int i = 0; i < 3 * SIZE * SIZE; i++)
        CHECK(fabsf(shown[i] - served[i % 3 * SIZE * SIZE + i / 3]) < 1e-5f);
}

struct world {
    struct arena *arena;
    char dir[64];
    struct decoder *decoder;
    struct settings settings;
    struct learn_job job;
    int64_t step, stop_at;
    struct text said;
};
static void say(void *with, const char *line)
{
    text_fmt(&((struct world *)with)->said, "%s\n", line);
}
static void tell_step(void *with, const struct learn_step *s)
{
    ((struct world *)with)->step = s->step;
}
static void tell_scores(void *with, int64_t step, const struct scores *s)
{
    (void)with, (void)step;
    CHECK(s->images == IMAGES && s->n_labels == LABELS);
}
static bool go_on(void *with)
{
    const struct world *w = with;
    return w->step < w->stop_at;
}

/* Stripes across, stripes down, and none, each in shades of its own, on images of several shapes. */
static void draw(struct arena *a, const char *path, int label, int i)
{
    AUTO(image) struct image im = { 0 };
    MUST(image_new(60 + 7 * i, 80, &im));
    for (int y = 0; y < im.height; y++)
        for (int x = 0; x < im.width; x++) {
            uint8_t *p = im.pixels + ((size_t)y * (size_t)im.width + (size_t)x) * 3;
            int at = label == 0 ? x : label == 1 ? y : 0;
            p[0] = (uint8_t)(at / 6 % 2 ? 200 : 40 + 10 * i);
            p[1] = (uint8_t)(60 + 20 * label);
            p[2] = (uint8_t)(100 + 5 * i);
        }
    uint8_t *bytes;
    size_t n;
    MUST(image_to_png(&im, &bytes, &n));
    MUST(file_write(arena_str(a, path), bytes, n, 0644));
    free(bytes);
}

static void world_init(struct world *w)
{
    static const char *const labels[LABELS] = { "across", "down", "plain" };
    *w = (struct world){ .arena = arena_new(), .stop_at = INT64_MAX };
    text_init(&w->said, 1 << 20);
    snprintf(w->dir, sizeof w->dir, "/tmp/saccade_classify_XXXXXX");
    CHECK(mkdtemp(w->dir));
    MUST(decoder_start(NULL, 2, &w->decoder));
    model_settings(&tiny, &w->settings);
    w->settings.image_size = SIZE;
    w->settings.steps = 6;
    w->job = (struct learn_job){ .model = &tiny,
                                 .settings = &w->settings,
                                 .labels = labels,
                                 .n_labels = LABELS,
                                 .threads = 2,
                                 .memory = 64 << 20,
                                 .decoder = w->decoder,
                                 .watch = { say, NULL, tell_step, tell_scores, NULL, go_on, w } };
    struct sample *items = arena_new_array(w->arena, struct sample, IMAGES);
    for (int i = 0; i < IMAGES; i++) {
        items[i] = (struct sample){ .name = arena_fmt(w->arena, "%d.png", i), .label = i % LABELS };
        items[i].path = arena_fmt(w->arena, "%s/%s", w->dir, items[i].name);
        draw(w->arena, items[i].path, items[i].label, i);
    }
    w->job.train = w->job.eval = (struct samples){ items, IMAGES };
}
static void auto_world(struct world *w)
{
    decoder_stop(w->decoder);
    text_done(&w->said);
    if (file_remove_tree(w->dir) != OK)
        print_error("%s stays\n", w->dir);
    arena_free(w->arena);
}

static char *trained(struct world *w, const char *name, int64_t stop_at, struct scores *ret, size_t *ret_n)
{
    char *bytes;
    w->job.dir = arena_fmt(w->arena, "%s/%s", w->dir, name);
    w->step = 0;
    w->stop_at = stop_at;
    MUST(file_make_dirs(w->job.dir, 0700));
    if (stop_at < INT64_MAX)
        MUST_FAIL(learn_train(&w->job, w->arena, ret), E_CANCELLED, "stopped at step");
    w->stop_at = INT64_MAX;
    MUST(learn_train(&w->job, w->arena, ret));
    MUST(file_read(w->arena, arena_fmt(w->arena, "%s/model.onnx", w->job.dir), 64 << 20, &bytes, ret_n));
    return bytes;
}

TEST(an_interrupted_classification_training_ends_bit_for_bit_like_a_whole_one)
{
    AUTO(world) struct world w;
    struct scores s;
    size_t n_whole, n_resumed, n_one;
    world_init(&w);
    w.settings.mixup = 0.5;
    char *whole = trained(&w, "whole", INT64_MAX, &s, &n_whole);
    char *resumed = trained(&w, "resumed", 3, &s, &n_resumed);
    CHECK(strstr(w.said.bytes, "goes on from step 3 of 6"));
    CHECK(n_whole == n_resumed && memcmp(whole, resumed, n_whole) == 0);
    w.job.threads = 1;
    char *one = trained(&w, "one", INT64_MAX, &s, &n_one);
    CHECK(n_whole == n_one && memcmp(whole, one, n_whole) == 0);
}

TEST(a_small_classifier_learns_what_tells_three_patterns_apart)
{
    AUTO(world) struct world w;
    struct scores s;
    size_t n;
    world_init(&w);
    w.settings.steps = 150;
    w.settings.learning_rate = 0.01;
    w.settings.crop = 0.6;
    w.settings.ema_decay = 0.9;
    trained(&w, "learnt", INT64_MAX, &s, &n);
    if (!(s.value[0] == 1 && s.value[1] < 0.7))
        fail_msg("accuracy %g, loss %g\n%s", s.value[0], s.value[1], w.said.bytes);
}

TEST(a_label_without_images_is_named_and_images_without_labels_are_refused)
{
    AUTO(world) struct world w;
    struct scores s;
    size_t n;
    world_init(&w);
    w.settings.steps = 1;
    for (int i = 0; i < IMAGES; i++)
        w.job.train.items[i].label = i % 2;
    trained(&w, "two", INT64_MAX, &s, &n);
    CHECK(strstr(w.said.bytes, "plain                no image in the training images: it cannot be learnt"));
    CHECK(s.of_label[2][2] == -1);
    for (int i = 0; i < IMAGES; i++)
        w.job.train.items[i].label = -1;
    w.job.dir = w.dir;
    MUST_FAIL(learn_train(&w.job, w.arena, &s), E_UNMEANT, "none of the 9 training images is annotated");
}
