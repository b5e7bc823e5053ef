#include "base/clock.h"
#include "base/file.h"
#include "learn/learn.h"
#include "learn/onnx_write.h"
#include "learn/start.h"
#include "learn/team.h"
#include "nn/checkpoint.h"
#include <math.h>
#include <stdatomic.h>
#include <string.h>

enum { PARTS_MOST = 16, PART_LEAST = 4, THREADS_MOST = 64, RETREATS_MOST = 6, EVALUATIONS = 10, SIDE_MULTIPLE = 32, LOADERS = 2 };

/* A replica of the network with its share of the batch. */
struct part {
    struct network net;
    struct task_loss loss;
};
struct run {
    const struct learn_job *job;
    const struct task *task;
    const struct settings *set;
    struct arena *arena;
    struct team *team;
    struct gallery *train, *eval;
    struct frame frame; /* of the network's input */
    struct loader *loader;
    struct part part[PARTS_MOST];
    int parts, part_size;
    struct network judge[THREADS_MOST]; /* for evaluation: one image, one for each thread */
    struct optim *optim;
    struct schedule schedule;
    int64_t step;
    double rate; /* of the learning rate; halved after a loss that was no number */
    int retreats;
    const struct batch *batch;
    double saved_at;
    struct scores scores; /* of the last evaluation */
    struct arena *scored; /* where they are */
    const char *checkpoint;
};

#define SAY(r, ...)                                                                                                                \
    do {                                                                                                                           \
        AUTO(arena) struct arena *say_ = arena_new();                                                                              \
        (r)->job->watch.say((r)->job->watch.with, arena_fmt(say_, __VA_ARGS__));                                                   \
    } while (0)

static bool go_on(const struct run *r)
{
    return r->job->watch.go_on(r->job->watch.with);
}

/* ---- images */

static void unreadable(void *with, const char *name, const char *why)
{
    SAY((struct run *)with, "skipped %s: %s", name, why);
}

/* Called by the threads that decode, one at a time. */
static bool reading(void *with, size_t done, size_t of)
{
    (void)done, (void)of;
    return go_on(with);
}

/* Images with things in them give the input their shape; those that are one thing as a whole are stretched to a square. */
static enum err choose_frame(struct run *r)
{
    int size = (int)r->set->image_size;
    r->frame = r->task->whole ? (struct frame){ size, size } : gallery_frame(r->train, SIDE_MULTIPLE);
    if (r->task->whole)
        return OK;
    TRY(gallery_fit(r->train, r->frame));
    return r->eval ? gallery_fit(r->eval, r->frame) : OK;
}

static enum err open_images(struct run *r)
{
    const struct learn_job *j = r->job;
    struct gallery_says says = { unreadable, reading, r };
    int size = (int)r->set->image_size, threads = team_size(r->team);
    double begun = clock_seconds();
    if (!j->train.n)
        return fail(E_UNMEANT, "there are no training images");
    int detail = r->task->whole ? size * 3 / 2 : size; /* crops are then as sharp as what is served */
    TRY(fail_within(gallery_open(j->decoder, &j->train, detail, j->memory, threads, &says, &r->train), "training images: "));
    if (j->eval.n)
        TRY(fail_within(gallery_open(j->decoder, &j->eval, size, j->memory / 4, threads, &says, &r->eval), "evaluation images: "));
    size_t bad = gallery_bad_boxes(r->train) + (r->eval ? gallery_bad_boxes(r->eval) : 0);
    size_t clipped = gallery_clipped_boxes(r->train) + (r->eval ? gallery_clipped_boxes(r->eval) : 0);
    if (clipped)
        SAY(r, "%zu boxes reached over the edge of their image and were clipped", clipped);
    if (bad)
        SAY(r, "%zu boxes without an area inside their image were left out", bad);
    SAY(r, "%zu training and %zu evaluation images read in %.1f s", gallery_count(r->train), r->eval ? gallery_count(r->eval) : 0,
        clock_seconds() - begun);
    return choose_frame(r);
}

/* How often each label occurs; labels without an example are named. */
static enum err count_labels(struct run *r)
{
    const struct learn_job *j = r->job;
    int64_t *n = arena_new_array(r->arena, int64_t, j->n_labels), all = 0;
    for (size_t i = 0; i < gallery_count(r->train); i++)
        r->task->count(gallery_sample(r->train, i), n);
    for (int i = 0; i < j->n_labels; i++)
        all += n[i];
    if (!all)
        return fail(E_UNMEANT, "none of the %zu training images is annotated: annotate them first", gallery_count(r->train));
    for (int i = 0; i < j->n_labels; i++)
        if (n[i])
            SAY(r, "  %-20s %lld %s", j->labels[i], (long long)n[i], r->task->things);
        else
            SAY(r, "  %-20s no %s in the training images: it cannot be learnt", j->labels[i], r->task->thing);
    return OK;
}

/* ---- the network */

/* The batch is split the same way whatever the number of threads, so that the result is the same. */
static int split(int batch)
{
    int parts = batch / PART_LEAST < PARTS_MOST ? batch / PART_LEAST : PARTS_MOST;
    while (parts > 1 && batch % parts)
        parts--;
    return parts < 1 ? 1 : parts;
}

static enum err build(struct run *r)
{
    const struct learn_job *j = r->job;
    r->parts = split((int)r->set->batch_size);
    r->part_size = (int)r->set->batch_size / r->parts;
    struct plan_options plan = { .use = GRAPH_TRAIN, .precision = settings_precision(r->set) };
    plan.frozen = strcmp(r->set->freeze, "backbone") == 0 ? "backbone." : NULL;
    for (int i = 0; i < r->parts; i++)
        TRY(network_new_with(j->model, r->part_size, r->frame, j->n_labels, (uint64_t)r->set->seed, &plan,
                             i ? &r->part[0].net : NULL, &r->part[i].net));
    for (int i = 0; i < (r->eval ? team_size(r->team) : 1); i++)
        TRY(network_new(j->model, 1, r->frame, j->n_labels, (uint64_t)r->set->seed, GRAPH_INFER, &r->part[0].net, &r->judge[i]));
    struct optim_options o = settings_optim(r->set);
    r->optim = optim_new(r->part[0].net.graph, &o);
    r->schedule = settings_schedule(r->set);
    struct param **params;
    size_t n = graph_params(r->part[0].net.graph, &params), weights = 0;
    for (size_t i = 0; i < n; i++)
        weights += params[i]->trained ? tensor_count(&params[i]->value) : 0;
    SAY(r, "%s for %d labels at %d × %d pixels: %.2f million weights, batches of %d in %d part%s on %d thread%s", j->model->name,
        j->n_labels, r->frame.width, r->frame.height, (double)weights / 1e6, (int)r->set->batch_size, r->parts,
        r->parts == 1 ? "" : "s", team_size(r->team), team_size(r->team) == 1 ? "" : "s");
    double over;
    size_t bytes = graph_value_bytes(r->part[0].net.graph, &over);
    SAY(r, "convolutions in %s; values and gradients take %.0f MB for each part, %.2f times what is in use at one time",
        precision_here(plan.precision) == PRECISION_BF16 ? "bf16" : "f32", (double)bytes / 1e6, over);
    return OK;
}

/* ---- checkpoints */

static void write_labels(const struct learn_job *j, struct out *o)
{
    out_array(o, "labels");
    for (int i = 0; i < j->n_labels; i++)
        out_text(o, NULL, j->labels[i]);
    out_end_array(o);
}

static enum err save(struct run *r)
{
    AUTO(out) struct out o = { 0 };
    out_init(&o, 1 << 20);
    out_object(&o, NULL);
    out_text(&o, "model", r->job->model->name);
    out_int(&o, "image_size", r->set->image_size);
    write_labels(r->job, &o);
    out_int(&o, "step", r->step);
    out_number(&o, "rate", r->rate);
    out_int(&o, "retreats", r->retreats);
    out_end_object(&o);
    r->saved_at = clock_seconds();
    return checkpoint_save(r->checkpoint, r->part[0].net.graph, r->optim, o.text.bytes);
}

static enum err load(struct run *r)
{
    AUTO(arena) struct arena *a = arena_new();
    char *text = NULL;
    const struct json *state;
    TRY(checkpoint_load(r->checkpoint, r->part[0].net.graph, r->optim, a, &text));
    TRY(json_parse(a, text, strlen(text), &state));
    int64_t step = 0, retreats = 0;
    double rate = 1;
    const struct json *labels = json_get(state, "labels");
    bool same = json_count(labels) == (size_t)r->job->n_labels && json_int(json_get(state, "step"), &step);
    for (int i = 0; same && i < r->job->n_labels; i++)
        same = json_text(json_at(labels, (size_t)i)) && strcmp(json_text(json_at(labels, (size_t)i)), r->job->labels[i]) == 0;
    if (!same)
        return fail(E_UNMEANT, "the checkpoint in %s is of a training with other labels", r->job->dir);
    json_int(json_get(state, "retreats"), &retreats);
    json_number(json_get(state, "rate"), &rate);
    r->step = step;
    r->rate = rate;
    r->retreats = (int)retreats;
    return OK;
}

/* Goes on from an interrupted training, or starts from another model's weights, or from ImageNet's, or from nothing. */
static enum err begin(struct run *r)
{
    struct graph *g = r->part[0].net.graph;
    if (file_exists(r->checkpoint)) {
        TRY(load(r));
        SAY(r, "goes on from step %lld of %lld", (long long)r->step, (long long)r->set->steps);
        return OK;
    }
    struct start start = { .path = r->job->start_from, .says = "trained weights" };
    if (!start.path && r->set->pretrained)
        TRY(start_find(r->job->model, r->arena, &start));
    if (!start.path) {
        SAY(r, "starts from random weights (seed %lld)%s", (long long)r->set->seed, start.missing ? start.missing : "");
        return save(r);
    }
    struct param **params;
    size_t taken, n = graph_params(g, &params);
    TRY(fail_within(checkpoint_start_from(start.path, g, &taken), "the weights to start from: "));
    optim_reset_ema(r->optim);
    SAY(r, "starts from %s: %zu of %zu tensors fit", start.says, taken, n);
    return save(r);
}

/* ---- a step */

static void learn_part(void *with, int i, int thread)
{
    (void)thread;
    struct run *r = with;
    struct part *p = &r->part[i];
    const struct example *e = &r->batch->examples[i * r->part_size];
    memcpy(p->net.input->data, e[0].pixels, tensor_count(p->net.input) * sizeof(float));
    graph_set_step(p->net.graph, r->batch->step, (int64_t)i * r->part_size);
    graph_forward(p->net.graph);
    for (int k = 0; k < r->part_size; k++)
        r->task->learn(&p->net, k, &e[k], r->set, &p->loss);
    graph_backward(p->net.graph);
}

static struct task_loss sum_losses(const struct run *r)
{
    struct task_loss sum = { 0 };
    for (int i = 0; i < r->parts; i++) {
        for (int k = 0; k < LOSS_PARTS; k++)
            sum.part[k] += r->part[i].loss.part[k];
        sum.share += r->part[i].loss.share;
    }
    return sum;
}

/* The batches of a step, whose gradients and losses add up. */
static enum err learn_batches(struct run *r)
{
    for (int i = 0; i < r->parts; i++) {
        r->part[i].loss = (struct task_loss){ 0 };
        graph_zero_grad(r->part[i].net.graph);
    }
    for (int64_t k = 0; k < r->set->accumulate; k++) {
        TRY(loader_next(r->loader, &r->batch));
        team_run(r->team, r->parts, learn_part, r);
    }
    return OK;
}

/* One step; *ret_good is false when the loss or its gradient is no number, and then nothing has changed. */
static enum err step(struct run *r, bool *ret_good)
{
    double begun = clock_seconds(), rate = schedule_at(&r->schedule, r->step) * r->rate;
    struct graph *replicas[PARTS_MOST];
    TRY(learn_batches(r));
    struct task_loss loss = sum_losses(r);
    double share = loss.share > 0 ? (double)loss.share : 1, norm = 0, all = 0;
    for (int k = 0; k < LOSS_PARTS; k++)
        all += loss.part[k];
    for (int i = 0; i < r->parts; i++)
        replicas[i] = r->part[i].net.graph;
    *ret_good = isfinite(all);
    if (*ret_good)
        norm = optim_step(r->optim, replicas, (size_t)r->parts, (float)rate, (float)share);
    *ret_good = *ret_good && isfinite(norm);
    if (!*ret_good)
        return OK;
    r->step++;
    struct learn_step told = { .step = r->step,
                               .steps = r->set->steps,
                               .loss = all / share,
                               .learning_rate = rate,
                               .images_per_second = (double)(r->set->batch_size * r->set->accumulate) / (clock_seconds() - begun),
                               .gradient = norm };
    for (int k = 0; k < LOSS_PARTS; k++)
        told.part[k] = loss.part[k] / share;
    r->job->watch.step(r->job->watch.with, &told);
    return OK;
}

static void start_loader(struct run *r)
{
    loader_stop(r->loader);
    r->loader = loader_start(r->train, r->job->model, r->set, r->frame, r->step * r->set->accumulate, LOADERS);
}

/* Back to the last checkpoint, with half the learning rate from there. */
static enum err retreat(struct run *r)
{
    int64_t at = r->step;
    int retreats = r->retreats + 1;
    if (retreats > RETREATS_MOST)
        return fail(E_UNMEANT, "the loss was no number for the %dth time, at step %lld: try a smaller learning_rate than %g",
                    retreats, (long long)at, r->set->learning_rate);
    double rate = r->rate / 2;
    TRY(load(r));
    r->rate = rate;
    r->retreats = retreats;
    SAY(r, "the loss at step %lld is no number: back to step %lld with %g of the learning rate", (long long)at, (long long)r->step,
        r->rate);
    start_loader(r);
    return save(r);
}

/* ---- evaluation */

struct judging {
    struct run *run;
    struct arena **arena; /* one for each image: what was found lies there */
    struct judged *images;
    atomic_bool stop;
};

static void judge_one(void *with, int i, int thread)
{
    struct judging *j = with;
    struct judged *image = &j->images[i];
    struct network *net = &j->run->judge[thread];
    struct picture p;
    if (j->stop)
        return;
    if (gallery_take(j->run->eval, (size_t)i, &p) != OK)
        return;
    enum err e = j->run->task->show(net, &p, net->input->data);
    gallery_return(j->run->eval, (size_t)i, &p);
    if (e != OK)
        return;
    graph_forward(net->graph);
    image->sample = gallery_sample(j->run->eval, (size_t)i);
    gallery_scale(j->run->eval, (size_t)i, &image->scale_x, &image->scale_y);
    image->answer = j->run->task->read(net, 0, j->arena[i]);
    if (thread == 0 && !go_on(j->run))
        j->stop = true;
}

/* With the averaged weights, on all images of the evaluation version. */
static enum err evaluate(struct run *r)
{
    AUTO(arena) struct arena *a = arena_new();
    size_t n = gallery_count(r->eval), read = 0;
    struct judging j = { .run = r };
    j.arena = arena_new_array(a, struct arena *, n);
    j.images = arena_new_array(a, struct judged, n);
    for (size_t i = 0; i < n; i++)
        j.arena[i] = arena_new();
    optim_swap_ema(r->optim);
    team_run(r->team, (int)n, judge_one, &j);
    optim_swap_ema(r->optim);
    for (size_t i = 0; i < n; i++)
        if (j.images[i].answer)
            j.images[read++] = j.images[i];
    arena_free(r->scored);
    r->scored = arena_new();
    r->scores = (struct scores){ 0 };
    if (!j.stop)
        r->task->score(j.images, read, r->job->n_labels, r->set, r->scored, &r->scores);
    for (size_t i = 0; i < n; i++)
        arena_free(j.arena[i]);
    if (j.stop)
        return fail(E_CANCELLED, "stopped during an evaluation");
    r->job->watch.evaluated(r->job->watch.with, r->step, &r->scores);
    return OK;
}

/* Once an epoch, but not much more often than ten times in all, since a small set makes short epochs. */
static int64_t eval_every(const struct run *r)
{
    int64_t epoch = (int64_t)(gallery_count(r->train) / (size_t)(r->set->batch_size * r->set->accumulate)) + 1,
            tenth = r->set->steps / EVALUATIONS;
    int64_t by_itself = epoch > tenth ? epoch : tenth;
    return r->set->eval_every ? r->set->eval_every : by_itself < 1 ? 1 : by_itself;
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
static enum err export(struct run *r) {
    AUTO(arena) struct arena *a = arena_new(); TRY(save(r)); optim_swap_ema(r->optim);
    enum err e = onnx_write(&r->judge[0], r->job->labels, arena_fmt(a, "%s/model.onnx", r->job->dir));
    if (e == OK) e = checkpoint_save(arena_fmt(a, "%s/weights.safetensors", r->job->dir), r->part[0].net.graph, NULL, "{}");
    optim_swap_ema(r->optim);
    TRY(e);
    return write_config(r);
}

static enum err learn(struct run *r)
{
    TRY(open_images(r));
    TRY(count_labels(r));
    TRY(build(r));
    TRY(begin(r));
    start_loader(r);
    int64_t every = eval_every(r);
    while (r->step < r->set->steps) {
        bool good = true;
        if (!go_on(r)) {
            TRY(save(r));
            return fail(E_CANCELLED, "stopped at step %lld of %lld", (long long)r->step, (long long)r->set->steps);
        }
        TRY(step(r, &good));
        if (!good) {
            TRY(retreat(r));
            continue;
        }
        if (r->eval && r->step % every == 0 && r->step + (r->set->eval_every ? 0 : every / 2) < r->set->steps)
            TRY(evaluate(r));
        if (r->job->checkpoint_seconds > 0 && clock_seconds() - r->saved_at > r->job->checkpoint_seconds)
            TRY(save(r));
    }
    if (r->eval)
        TRY(evaluate(r));
    return export(r);
}

enum err learn_train(const struct learn_job *job, struct arena *a, struct scores *ret)
{
    struct run *r = arena_take(a, sizeof *r);
    struct settings set = *job->settings;
    set.steps = settings_steps(&set, job->train.n);
    *r = (struct run){ .job = job, .task = job->model->task, .set = &set, .arena = a, .rate = 1 };
    r->checkpoint = arena_fmt(a, "%s/checkpoint.safetensors", job->dir);
    r->team = team_new(job->threads);
    enum err e = learn(r);
    loader_stop(r->loader);
    optim_free(r->optim);
    for (int i = 0; i < THREADS_MOST; i++)
        network_done(&r->judge[i]);
    for (int i = r->parts; i > 0; i--)
        network_done(&r->part[i - 1].net);
    gallery_close(r->train);
    gallery_close(r->eval);
    team_free(r->team);
    if (e == OK)
        *ret = scores_copy(&r->scores, a);
    arena_free(r->scored);
    return e;
}
