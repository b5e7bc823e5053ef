#include "infer/trial.h"
#include "img/decoder.h"
#include "infer/pool.h"
#include "infer/process.h"
#include <stdlib.h>
#include <string.h>

/* ---- the process */

enum { KEPT_SIDE = 1600 }; /* of a kept picture; no input is usually larger */

static enum err shrink(struct image *i)
{
    struct image small = { 0 };
    int w, h;
    if (i->width <= KEPT_SIDE && i->height <= KEPT_SIDE)
        return OK;
    image_fit(i->width, i->height, KEPT_SIDE, KEPT_SIDE, &w, &h);
    TRY(image_resize(i, w, h, &small));
    small.full_width = i->full_width;
    small.full_height = i->full_height;
    image_done(i);
    *i = small;
    return OK;
}

enum err trials_keep(struct trials *t, int image, int fd, int *ret_width, int *ret_height)
{
    AUTO(mapped_file) struct mapped_file file = { 0 };
    if (image < 0 || image >= TRIAL_IMAGES)
        return fail(E_BROKEN, "a trial has no picture %d", image);
    struct image *to = &t->kept[image];
    image_done(to);
    *to = (struct image){ 0 };
    t->seen_image = -1;
    TRY(mapped_file_open(fd, IMAGE_BYTES, "the image file", &file));
    TRY(image_decode(file.bytes, file.n, KEPT_SIDE, to));
    TRY(shrink(to));
    *ret_width = to->full_width ? to->full_width : to->width;
    *ret_height = to->full_height ? to->full_height : to->height;
    return OK;
}

enum err trials_tell(struct trials *t, struct ort_session *s, const struct graph *graph, int slot, const char *told,
                     const struct reading **ret)
{
    if (slot < 0 || slot >= TRIAL_SLOTS)
        return fail(E_BROKEN, "a trial has no slot %d", slot);
    struct told *to = &t->told[slot];
    arena_free(to->arena);
    *to = (struct told){ .arena = arena_new() };
    t->seen_image = -1;
    TRY(reading_again(s, graph, told, to->arena, &to->reading));
    *ret = &to->reading;
    return OK;
}

static enum err run(struct trials *t, struct ort_session *s, const struct description *d, int image)
{
    if (t->seen_image == image && description_same_picture(&t->seen, d))
        return OK;
    t->seen_image = -1;
    TRY(prepare(d, &t->kept[image], &t->input, &t->at));
    TRY(feeds_fill(s, d, &t->input, &t->at, &t->feeds));
    TRY(ort_run(s, t->feeds.feed, t->feeds.n));
    t->seen = *d;
    t->seen_image = image;
    return OK;
}

enum err trials_see(struct trials *t, struct ort_session *s, const struct model_request *q, struct model_reply *r,
                    struct answered *ret)
{
    if (q->slot < 0 || q->slot >= TRIAL_SLOTS || !t->told[q->slot].arena || q->image < 0 || q->image >= TRIAL_IMAGES ||
        !t->kept[q->image].pixels)
        return fail(E_BROKEN, "a trial has no picture %d or description %d", q->image, q->slot);
    const struct reading *reading = &t->told[q->slot].reading;
    if (reading->problem)
        return fail(E_UNMEANT, "%s", reading->problem);
    TRY(run(t, s, &reading->d, q->image));
    answered_init(ret);
    TRY(reading_decode(reading, s, &t->at, q->min_score, &ret->found));
    answered_told(ret, r);
    r->width = t->at.width;
    r->height = t->at.height;
    return OK;
}

/* ---- who asks */

enum { LOAD_S = 120, SEE_S = 30 };

struct trial {
    struct process process;
    struct answer answer;
};

enum err trial_start(const char *self_path, const struct infer_model *of, int threads, struct trial **ret)
{
    struct trial *t = heap_take(sizeof *t);
    bool late;
    t->process.threads = threads;
    enum err e = process_load(&t->process, self_path, of, LOAD_S, &t->answer, &late);
    if (e == OK)
        *ret = t;
    else
        trial_free(t);
    return e;
}

void trial_free(struct trial *t)
{
    if (!t)
        return;
    process_forget(&t->process);
    free(t);
}

static enum err ask(struct trial *t, struct question q)
{
    bool late;
    q.limit_s = SEE_S;
    return process_ask(&t->process, &q, &t->answer, &late);
}

enum err trial_keep(struct trial *t, int image, int fd, int *ret_width, int *ret_height)
{
    TRY(ask(t, (struct question){ .task = MODEL_KEEP, .fd = fd, .image = image }));
    const struct model_reply *r = &t->answer.reply;
    if (r->width < 1 || r->height < 1 || r->width > IMAGE_SIDE || r->height > IMAGE_SIDE)
        return fail(E_BROKEN, "a model's process gave an answer that makes no sense");
    *ret_width = r->width;
    *ret_height = r->height;
    return OK;
}

enum err trial_tell(struct trial *t, int slot, const char *told, struct arena *a, char **ret_json)
{
    TRY(ask(t, (struct question){ .task = MODEL_TELL, .fd = -1, .text = told, .slot = slot }));
    *ret_json = answer_text(&t->answer, a);
    return OK;
}

enum err trial_see(struct trial *t, int slot, int image, double min_score, struct arena *a, struct detections *ret)
{
    TRY(ask(t, (struct question){ .task = MODEL_SEE, .fd = -1, .image = image, .slot = slot, .min_score = min_score }));
    return answer_detections(&t->answer, a, ret);
}
