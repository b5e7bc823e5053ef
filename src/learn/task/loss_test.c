#include "base/test.h"
#include "learn/data/random.h"
#include "learn/task/loss.h"
#include <math.h>
#include <stdlib.h>

enum { SIZE = 64, LABELS = 3, BATCH = 2, LEVELS = 3 };

/* A network that is nothing but its outputs. */
struct outputs {
    struct network net;
    struct tensor box[LEVELS], label[LEVELS];
};

static void fill(struct tensor *t, int side, int channels, struct random *r, float low, float high)
{
    *t = (struct tensor){ .n = BATCH, .h = side, .w = side, .c = channels };
    t->data = heap_take(tensor_count(t) * sizeof(float));
    t->grad = heap_take(tensor_count(t) * sizeof(float));
    for (size_t i = 0; i < tensor_count(t); i++)
        t->data[i] = random_in(r, low, high);
}

static void outputs_init(struct outputs *o, uint64_t seed)
{
    struct random r = { seed };
    *o = (struct outputs){ .net = { .batch = BATCH, .frame = { SIZE, SIZE }, .labels = LABELS, .n_levels = LEVELS } };
    for (int k = 0; k < LEVELS; k++) {
        struct level *l = &o->net.levels[k];
        l->stride = 8 << k;
        l->h = l->w = SIZE / l->stride;
        fill(&o->box[k], l->h, 5, &r, -0.5f, 1.0f);
        fill(&o->label[k], l->h, LABELS, &r, -3, 3);
        l->box = &o->box[k];
        l->label = &o->label[k];
    }
}

static void auto_outputs(struct outputs *o)
{
    for (int k = 0; k < LEVELS; k++) {
        free(o->box[k].data);
        free(o->box[k].grad);
        free(o->label[k].data);
        free(o->label[k].grad);
    }
}

static const struct labelled_box truth[] = { { { 5, 6, 22, 30 }, 0 }, { { 30, 8, 60, 33 }, 1 }, { { 12, 34, 40, 62 }, 2 } };

static void check_gradient(struct outputs *o, struct tensor *t, size_t at, const struct match *m, int n)
{
    const float step = 1e-3f;
    struct loss up = { 0 }, down = { 0 }, there = { 0 };
    float was = t->data[at];
    t->data[at] = was + step;
    loss_add(&o->net, 1, truth, m, n, &up);
    t->data[at] = was - step;
    loss_add(&o->net, 1, truth, m, n, &down);
    t->data[at] = was;
    loss_add(&o->net, 1, truth, m, n, &there);
    double slope = (loss_total(&up) - loss_total(&down)) / (2 * (double)step), said = (double)t->grad[at];
    if (fabs(slope - said) > 2e-2 * fmax(1, fabs(slope)))
        fail_msg("value %zu of %d channels: slope %g, gradient %g", at, t->c, slope, said);
}

TEST(the_gradient_of_the_detection_loss_is_its_slope)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        AUTO(outputs) struct outputs o;
        AUTO(arena) struct arena *a = arena_new();
        struct match *m;
        int n;
        outputs_init(&o, seed);
        loss_match(&o.net, 1, truth, COUNT_OF(truth), a, &m, &n);
        CHECK(n >= (int)COUNT_OF(truth));
        for (int k = 0; k < LEVELS; k++) {
            struct tensor *box = &o.box[k], *label = &o.label[k];
            for (size_t i = tensor_count(box) / 2; i < tensor_count(box); i += k ? 1 : 3)
                check_gradient(&o, box, i, m, n);
            for (size_t i = tensor_count(label) / 2; i < tensor_count(label); i += k ? 1 : 2)
                check_gradient(&o, label, i, m, n);
        }
    }
}

TEST(the_loss_writes_the_gradients_of_its_own_image_only)
{
    AUTO(outputs) struct outputs o;
    AUTO(arena) struct arena *a = arena_new();
    struct loss loss = { 0 };
    struct match *m;
    int n;
    outputs_init(&o, 4);
    for (size_t i = 0; i < tensor_count(&o.box[0]); i++)
        o.box[0].grad[i] = 7;
    loss_match(&o.net, 1, truth, COUNT_OF(truth), a, &m, &n);
    loss_add(&o.net, 1, truth, m, n, &loss);
    CHECK(o.box[0].grad[0] == 7 && o.box[0].grad[tensor_count(&o.box[0]) - 1] != 7);
    CHECK_INT(loss.positives, n);
}

/* A cell whose box fits and which is sure of the label answers for the object, and only cells near its centre can. */
TEST(cells_that_predict_an_object_well_are_matched_to_it)
{
    AUTO(outputs) struct outputs o;
    AUTO(arena) struct arena *a = arena_new();
    const struct labelled_box one = { { 16, 16, 32, 32 }, 1 };
    struct match *m;
    int n, cell = 2 * 8 + 2; /* of stride 8: its centre is at (20, 20), the object's at (24, 24) */
    outputs_init(&o, 5);
    for (int k = 0; k < LEVELS; k++)
        for (size_t i = 0; i < tensor_count(&o.box[k]); i++)
            o.box[k].data[i] = i % 5 == 4 ? -2 : -1;
    float *t = o.box[0].data + (64 + cell) * 5, *label = o.label[0].data + (64 + cell) * LABELS;
    t[0] = t[1] = 1;
    t[2] = t[3] = logf(2);
    t[4] = 4;
    label[0] = label[2] = -4;
    label[1] = 4;
    loss_match(&o.net, 1, &one, 1, a, &m, &n);
    bool found = false;
    for (int i = 0; i < n; i++) {
        found |= m[i].level == 0 && m[i].cell == cell && m[i].iou > 0.999f;
        int x = m[i].cell % o.net.levels[m[i].level].w, stride = o.net.levels[m[i].level].stride;
        CHECK(fabsf(((float)x + 0.5f) * (float)stride - 24) < 1.5f * (float)stride);
    }
    CHECK(found);
}

TEST(an_image_without_objects_teaches_that_there_are_none)
{
    AUTO(outputs) struct outputs o;
    AUTO(arena) struct arena *a = arena_new();
    struct loss loss = { 0 };
    struct match *m;
    int n;
    outputs_init(&o, 6);
    loss_match(&o.net, 0, NULL, 0, a, &m, &n);
    loss_add(&o.net, 0, NULL, m, n, &loss);
    CHECK_INT(n, 0);
    CHECK(loss.objectness > 0 && loss.box == 0 && loss.label == 0);
    CHECK(o.box[0].grad[4] > 0 && o.box[0].grad[0] == 0);
}
