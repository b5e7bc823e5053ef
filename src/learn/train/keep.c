/* What a training keeps on disk: checkpoints to go on from, the best weights so far, and what is made in the end. */
#include "base/clock.h"
#include "base/file.h"
#include "learn/train/onnx_write.h"
#include "learn/train/run.h"
#include "learn/train/start.h"
#include "nn/checkpoint.h"
#include <string.h>

/* ---- the trainer's own part of a checkpoint */

static void write_labels(const struct learn_job *j, struct out *o)
{
    out_array(o, "labels");
    for (int i = 0; i < j->n_labels; i++)
        out_text(o, NULL, j->labels[i]);
    out_end_array(o);
}

static void write_notes(const struct run *r, struct out *o)
{
    out_array(o, "notes");
    for (int i = 0; i < r->n_notes; i++) {
        out_array(o, NULL);
        out_int(o, NULL, r->notes[i].step);
        out_number(o, NULL, r->notes[i].loss);
        out_number(o, NULL, r->notes[i].score);
        out_end_array(o);
    }
    out_end_array(o);
}

static void write_state(const struct run *r, struct out *o)
{
    out_object(o, NULL);
    out_text(o, "model", r->job->model->name);
    out_int(o, "image_size", r->set->image_size);
    out_int(o, "batch_size", r->set->batch_size);
    write_labels(r->job, o);
    out_int(o, "step", r->step);
    out_number(o, "rate", r->rate);
    out_int(o, "retreats", r->retreats);
    out_number(o, "best", r->best);
    out_int(o, "best_step", r->best_step);
    out_int(o, "not_better", r->not_better);
    out_number(o, "loss_sum", r->loss_sum);
    out_int(o, "loss_n", r->loss_n);
    write_notes(r, o);
    out_end_object(o);
}

static enum err read_state(struct run *r, const char *path, struct arena *a, const struct json **ret)
{
    char *text = NULL;
    enum err e = checkpoint_state(path, a, &text);
    if (e == OK)
        e = json_parse(a, text, strlen(text), ret);
    return fail_within(e, "the checkpoint of %s cannot be gone on from; remove it to begin anew: ", r->job->dir);
}

static bool same_labels(const struct run *r, const struct json *labels)
{
    bool same = json_count(labels) == (size_t)r->job->n_labels;
    for (int i = 0; same && i < r->job->n_labels; i++)
        same = json_text(json_at(labels, (size_t)i)) && strcmp(json_text(json_at(labels, (size_t)i)), r->job->labels[i]) == 0;
    return same;
}

static enum err check_state(const struct run *r, const struct json *state)
{
    const char *model = json_text(json_get(state, "model"));
    if (!model || strcmp(model, r->job->model->name) != 0)
        return fail(E_UNMEANT, "the checkpoint in %s is of %s, not of %s: remove it to begin anew, or choose another folder",
                    r->job->dir, model ? model : "something else", r->job->model->name);
    if (!same_labels(r, json_get(state, "labels")))
        return fail(E_UNMEANT,
                    "the checkpoint in %s is of a training with other labels: remove it to begin anew, or choose another folder",
                    r->job->dir);
    return OK;
}

static void take_notes(struct run *r, const struct json *notes)
{
    r->n_notes = 0;
    for (size_t i = 0; i < json_count(notes) && i < NOTES_MOST; i++) {
        struct note *n = &r->notes[r->n_notes++];
        json_int(json_at(json_at(notes, i), 0), &n->step);
        json_number(json_at(json_at(notes, i), 1), &n->loss);
        json_number(json_at(json_at(notes, i), 2), &n->score);
    }
}

static void take_state(struct run *r, const struct json *state)
{
    int64_t retreats = 0, not_better = 0;
    json_int(json_get(state, "step"), &r->step);
    json_number(json_get(state, "rate"), &r->rate);
    json_int(json_get(state, "retreats"), &retreats);
    json_number(json_get(state, "best"), &r->best);
    json_int(json_get(state, "best_step"), &r->best_step);
    json_int(json_get(state, "not_better"), &not_better);
    json_number(json_get(state, "loss_sum"), &r->loss_sum);
    json_int(json_get(state, "loss_n"), &r->loss_n);
    r->retreats = (int)retreats;
    r->not_better = (int)not_better;
    take_notes(r, json_get(state, "notes"));
}

/* ---- checkpoints */

static enum err save_as(struct run *r, const char *path)
{
    AUTO(out) struct out o = { 0 };
    out_init(&o, 1 << 20);
    write_state(r, &o);
    r->saved_at = clock_seconds();
    return checkpoint_save(path, r->part[0].net.graph, r->optim, o.text.bytes);
}

enum err run_save_now(struct run *r)
{
    TRY(save_as(r, r->checkpoint));
    r->saved_step = r->step;
    return OK;
}

static void told(struct run *r, enum err e)
{
    if (e != OK && !r->save_failed)
        SAY(r, "a checkpoint could not be written: %s. The training goes on and tries again; the last good one is of step %lld",
            fail_text(), (long long)r->saved_step);
    else if (e == OK && r->save_failed)
        SAY(r, "checkpoints can be written again");
    r->save_failed = e != OK;
}

void run_save(struct run *r)
{
    told(r, run_save_now(r));
}

bool run_save_best(struct run *r)
{
    enum err e = save_as(r, r->best_path);
    told(r, e);
    return e == OK;
}

enum err run_load(struct run *r, const char *path)
{
    AUTO(arena) struct arena *a = arena_new();
    const struct json *state;
    if (!file_exists(path))
        return fail(E_UNMEANT, "there is no checkpoint to go back to");
    TRY(read_state(r, path, a, &state));
    TRY(check_state(r, state));
    TRY(checkpoint_load(path, r->part[0].net.graph, r->optim, a, NULL));
    take_state(r, state);
    if (path == r->checkpoint)
        r->saved_step = r->step;
    return OK;
}

enum err run_recall_sizes(struct run *r, struct settings *s)
{
    AUTO(arena) struct arena *a = arena_new();
    const struct json *state;
    int64_t size = 0, batch = 0;
    if (!file_exists(r->checkpoint))
        return OK;
    TRY(read_state(r, r->checkpoint, a, &state));
    TRY(check_state(r, state));
    json_int(json_get(state, "image_size"), &size);
    json_int(json_get(state, "batch_size"), &batch);
    s->image_size = s->image_size ? s->image_size : size;
    s->batch_size = s->batch_size ? s->batch_size : batch;
    return OK;
}

enum err run_begin(struct run *r)
{
    struct graph *g = r->part[0].net.graph;
    struct start start = { .path = r->job->start_from, .says = "trained weights" };
    if (!start.path && r->set->pretrained)
        TRY(start_find(r->job->model, r->arena, &start));
    r->set->pretrained = start.path && !r->job->start_from; /* what config.json then says is true */
    if (file_exists(r->checkpoint)) {
        TRY(run_load(r, r->checkpoint));
        SAY(r, "goes on from step %lld of %lld", (long long)r->step, (long long)r->set->steps);
        return OK;
    }
    if (!start.path) {
        SAY(r, "starts from random weights (seed %lld)%s", (long long)r->set->seed, start.missing ? start.missing : "");
        run_save(r);
        return OK;
    }
    struct param **params;
    size_t taken, n = graph_params(g, &params);
    TRY(fail_within(checkpoint_start_from(start.path, g, &taken), "the weights to start from: "));
    optim_reset_ema(r->optim);
    SAY(r, "starts from %s: %zu of %zu tensors fit", start.says, taken, n);
    run_save(r);
    return OK;
}

/* ---- the end */

static enum err write_config(const struct run *r)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(out) struct out o = { 0 };
    out_init(&o, 4 << 20);
    out_object(&o, NULL);
    out_text(&o, "model", r->job->model->name);
    write_labels(r->job, &o);
    out_object(&o, "parameters");
    settings_write(r->set, &o);
    out_end_object(&o);
    out_int(&o, "training_images", (int64_t)gallery_count(r->train));
    out_int(&o, "evaluation_images", r->eval ? (int64_t)gallery_count(r->eval) : 0);
    out_end_object(&o);
    return file_write(arena_fmt(a, "%s/config.json", r->job->dir), o.text.bytes, o.text.n, 0644);
}

/* The averaged weights are what is served and what another training starts from. */
static enum err write_weights(struct run *r)
{
    AUTO(arena) struct arena *a = arena_new();
    optim_swap_ema(r->optim);
    enum err e = onnx_write(&r->judge[0], r->job->labels, arena_fmt(a, "%s/model.onnx", r->job->dir));
    if (e == OK)
        e = checkpoint_save(arena_fmt(a, "%s/weights.safetensors", r->job->dir), r->part[0].net.graph, NULL, "{}");
    optim_swap_ema(r->optim);
    return e;
}

enum err run_export(struct run *r)
{
    enum err e = write_weights(r);
    if (e == OK)
        e = write_config(r);
    return fail_within(
        e, "the trained model cannot be written; once it can, the same command goes on from step %lld: ", (long long)r->saved_step);
}
