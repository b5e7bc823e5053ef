#include "learn/train/world_test.h"
#include "base/file.h"
#include "base/test.h"
#include "learn/data/synth.h"
#include "learn/models.h"
#include <stdlib.h>
#include <unistd.h>

static void say(void *with, const char *line)
{
    struct world *w = with;
    text_fmt(&w->said, "%s\n", line);
}
static void tell_chosen(void *with, const struct settings *s)
{
    struct world *w = with;
    w->chosen_at = w->last.step;
    w->chosen = *s;
}
static void tell_step(void *with, const struct learn_step *s)
{
    struct world *w = with;
    w->last = *s;
    if (w->stepped)
        w->stepped(w);
}
static void tell_metrics(void *with, int64_t step, const struct scores *m)
{
    (void)step, (void)m;
    ((struct world *)with)->evaluations++;
}
static void tell_findings(void *with, const struct finding *f, int n, const struct doubts *d)
{
    (void)f;
    struct world *w = with;
    w->findings = n;
    w->doubts = *d;
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

void world_init(struct world *w)
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
                                 .watch = { say, tell_chosen, tell_step, tell_metrics, tell_findings, go_on, w } };
    fill_samples(w, &w->job.train, 0);
    fill_samples(w, &w->job.eval, 2);
}
void auto_world(struct world *w)
{
    decoder_stop(w->decoder);
    text_done(&w->said);
    if (file_remove_tree(w->dir) != OK)
        print_error("%s stays\n", w->dir);
    arena_free(w->arena);
}

void world_in(struct world *w, const char *name)
{
    w->job.dir = arena_fmt(w->arena, "%s/%s", w->dir, name);
    w->last = (struct learn_step){ 0 };
    MUST(file_make_dirs(w->job.dir, 0700));
}

char *world_train(struct world *w, const char *name, int64_t stop_at, size_t *ret_n)
{
    struct scores metrics;
    char *bytes;
    world_in(w, name);
    w->stop_at = stop_at;
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
