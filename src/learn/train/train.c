#include "base/clock.h"
#include "base/file.h"
#include "base/machine.h"
#include "learn/data/fit.h"
#include "learn/train/run.h"
#include <math.h>
#include <string.h>

enum {
    PART_LEAST = 4,
    RETREATS_MOST = 6,
    EVALUATIONS = 10,
    IMPATIENT = 3, /* a rate that falls to the end often gains most there */
    SIDE_MULTIPLE = 32,
    LOADERS = 1,
    BATCHES_READY = 4,
    NAMED = 5,
    SIZE_USUAL = 320
};

/* ---- images */

static void unreadable(void *with, const char *name, const char *why)
{
    SAY((struct run *)with, "skipped %s: %s", name, why);
}

/* Called by the threads that decode, one at a time. */
static bool reading(void *with, size_t done, size_t of)
{
    (void)done, (void)of;
    return run_goes_on(with);
}

/* The same as before when an interrupted training is gone on with. */
static enum err choose_image_size(struct run *r)
{
    const struct learn_job *j = r->job;
    TRY(run_recall_sizes(r, r->set));
    if (r->set->image_size)
        return OK;
    struct extent e = fit_measure(j->decoder, &j->train);
    r->set->image_size = fit_image_size(&e, j->model->size ? j->model->size : SIZE_USUAL, SIDE_MULTIPLE, r->task->whole);
    SAY(r, "image_size %lld: images have %.0f pixels, small objects %.0f of them", (long long)r->set->image_size, (double)e.longer,
        (double)(e.longer * e.small));
    return OK;
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

static int64_t background(const struct run *r)
{
    int64_t without = 0;
    for (size_t i = 0; i < gallery_count(r->train); i++)
        without += gallery_sample(r->train, i)->n == 0;
    return without;
}

/* How often each label occurs; labels without an example are named. */
static enum err count_labels(struct run *r)
{
    const struct learn_job *j = r->job;
    const char *thing = r->task->thing, *things = r->task->things;
    int64_t *n = arena_new_array(r->arena, int64_t, j->n_labels), all = 0;
    for (size_t i = 0; i < gallery_count(r->train); i++)
        r->task->count(gallery_sample(r->train, i), n);
    for (int i = 0; i < j->n_labels; i++)
        all += n[i];
    if (!all)
        return fail(E_UNMEANT, "none of the %zu training images is annotated: annotate them first", gallery_count(r->train));
    if (all <= (int64_t)gallery_bad_boxes(r->train))
        return fail(E_UNMEANT, "none of the %lld %s of the training images lies inside its image", (long long)all, things);
    int without = 0;
    for (int i = 0; i < j->n_labels; i++)
        if (n[i])
            SAY(r, "  %-20s %lld %s", j->labels[i], (long long)n[i], n[i] == 1 ? thing : things);
        else if (without++ < NAMED)
            SAY(r, "  %-20s no %s in the training images: it cannot be learnt", j->labels[i], thing);
    if (without > NAMED)
        SAY(r, "%d labels in all have no %s in the training images", without, thing);
    if (!r->task->whole && background(r))
        SAY(r, "%lld training images without a %s are taken as background", (long long)background(r), thing);
    return OK;
}

/* ---- the network */

static struct plan_options plan_of(const struct run *r, size_t room, int parts)
{
    return (struct plan_options){ .use = GRAPH_TRAIN,
                                  .precision = settings_precision(r->set),
                                  .frozen = strcmp(r->set->freeze, "backbone") == 0 ? "backbone." : NULL,
                                  .values_most = settings_values_most(r->set, room, parts) };
}

/* What a batch takes for each of its images: the network's part, and the loader's batches that lie ready. */
static enum err image_bytes(const struct run *r, size_t room, size_t *ret)
{
    struct network one = { 0 };
    size_t pixels = (size_t)r->frame.width * (size_t)r->frame.height * 3 * sizeof(float);
    struct plan_options plan = plan_of(r, room, 1);
    TRY(network_new_with(r->job->model, 1, r->frame, r->job->n_labels, 0, &plan, NULL, &one));
    *ret = graph_peak_bytes(one.graph) + BATCHES_READY * pixels;
    network_done(&one);
    return OK;
}

static enum err choose_batch_size(struct run *r)
{
    size_t bytes, room = machine_look("").memory_free;
    if (r->set->batch_size)
        return OK;
    TRY(image_bytes(r, room, &bytes));
    r->set->batch_size = fit_batch_size(bytes, room, r->job->train.n, r->task->whole);
    SAY(r, "batch_size %lld: each image takes about %zu MiB, and %zu MiB are free", (long long)r->set->batch_size, bytes >> 20,
        room >> 20);
    return OK;
}

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
    struct plan_options plan = plan_of(r, machine_look("").memory_free, r->parts);
    for (int i = 0; i < r->parts; i++)
        TRY(network_new_with(j->model, r->part_size, r->frame, j->n_labels, (uint64_t)r->set->seed, &plan,
                             i ? &r->part[0].net : NULL, &r->part[i].net));
    for (int i = 0; i < team_size(r->team); i++)
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
    SAY(r, "convolutions in %s; values and gradients take %.0f MB for each part, %.2f times what is in use at one time%s",
        precision_here(plan.precision) == PRECISION_BF16 ? "bf16" : "f32", (double)bytes / 1e6, over,
        graph_recomputes(r->part[0].net.graph) ? "; some values are computed twice to save memory" : "");
    return OK;
}

/* ---- a step */

static void learn_part(void *with, int i, int thread)
{
    (void)thread;
    struct run *r = with;
    struct part *p = &r->part[i];
    const struct example *e = &r->batch->examples[i * r->part_size];
    tensor_put(p->net.input, TENSOR_VALUES, 0, e[0].pixels, tensor_count(p->net.input));
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
    double begun = clock_seconds(), seconds, rate = schedule_at(&r->schedule, r->step) * r->rate;
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
        norm = optim_step(r->optim, r->team, replicas, (size_t)r->parts, (float)rate, (float)share);
    *ret_good = *ret_good && isfinite(norm);
    if (!*ret_good)
        return OK;
    r->step++;
    r->loss_sum += all / share;
    r->loss_n++;
    seconds = clock_seconds() - begun;
    r->stepping += seconds;
    struct learn_step told = { .step = r->step,
                               .steps = r->set->steps,
                               .loss = all / share,
                               .learning_rate = rate,
                               .images_per_second = (double)(r->set->batch_size * r->set->accumulate) / seconds,
                               .gradient = norm,
                               .waited = (r->waited + loader_waited(r->loader)) / r->stepping };
    for (int k = 0; k < LOSS_PARTS; k++)
        told.part[k] = loss.part[k] / share;
    r->job->watch.step(r->job->watch.with, &told);
    return OK;
}

static void start_loader(struct run *r)
{
    r->waited += r->loader ? loader_waited(r->loader) : 0;
    loader_stop(r->loader);
    const struct wanted wanted = { r->frame, r->job->model->input, r->task->whole };
    r->loader = loader_start(r->train, &wanted, r->set, r->step * r->set->accumulate, LOADERS);
}

/* Back to the last checkpoint with half the learning rate from there; if that was of no use before, to the best evaluation's. */
static enum err retreat(struct run *r)
{
    int64_t at = r->step;
    int retreats = r->retreats + 1;
    double rate = r->rate / 2;
    if (retreats > RETREATS_MOST)
        return fail(E_UNMEANT, "the loss was no number for the %dth time, at step %lld: try a smaller learning_rate than %g",
                    retreats, (long long)at, r->set->learning_rate);
    bool again = r->went_back_to == at && file_exists(r->best_path);
    TRY(run_load(r, again ? r->best_path : r->checkpoint));
    r->rate = rate;
    r->retreats = retreats;
    r->went_back_to = r->step;
    SAY(r, "the loss at step %lld is no number: back to step %lld with %g of the learning rate", (long long)at + 1,
        (long long)r->step, r->rate);
    start_loader(r);
    run_save(r);
    return OK;
}

/* ---- the whole */

/* Once an epoch, but not much more often than ten times in all, since a small set makes short epochs. */
static int64_t eval_every(const struct run *r)
{
    int64_t epoch = (int64_t)(gallery_count(r->train) / (size_t)(r->set->batch_size * r->set->accumulate)) + 1,
            tenth = r->set->steps / EVALUATIONS;
    int64_t by_itself = epoch > tenth ? epoch : tenth;
    return r->set->eval_every ? r->set->eval_every : by_itself < 1 ? 1 : by_itself;
}

/* Whoever evaluates every few steps does not want to stop after a few steps. */
static bool is_patient(const struct run *r)
{
    return !r->set->patience || r->not_better < r->set->patience || r->step - r->best_step < r->set->steps / IMPATIENT;
}

static bool is_time_to_evaluate(const struct run *r)
{
    int64_t every = eval_every(r), left = r->set->steps - r->step;
    return r->eval && r->step % every == 0 && left > (r->set->eval_every ? 0 : every / 2);
}

/* All steps that are left, or until there is no hope. */
static enum err go_through(struct run *r)
{
    while (r->step < r->set->steps && is_patient(r)) {
        bool good = true;
        if (!run_goes_on(r)) {
            TRY(fail_within(run_save_now(r), "stopped at step %lld, and the last checkpoint is of step %lld: ", (long long)r->step,
                            (long long)r->saved_step));
            return fail(E_CANCELLED, "stopped at step %lld of %lld", (long long)r->step, (long long)r->set->steps);
        }
        TRY(step(r, &good));
        if (!good) {
            TRY(retreat(r));
            continue;
        }
        if (is_time_to_evaluate(r))
            TRY(run_evaluate(r));
        if (r->job->checkpoint_seconds > 0 && clock_seconds() - r->saved_at > r->job->checkpoint_seconds)
            run_save(r);
    }
    return OK;
}

static void tell_end(struct run *r)
{
    double waited = r->waited + loader_waited(r->loader);
    if (!is_patient(r))
        SAY(r, "stopped early at step %lld of %lld: no better for %d evaluations (patience)", (long long)r->step,
            (long long)r->set->steps, r->not_better);
    if (r->stepping > 0)
        SAY(r, "waited for images for %.1f %% of the time (%d thread%s load them)", 100 * waited / r->stepping,
            loader_threads(r->loader), loader_threads(r->loader) == 1 ? "" : "s");
}

static enum err learn(struct run *r)
{
    if (!r->job->train.n)
        return fail(E_UNMEANT, "there are no training images");
    TRY(choose_image_size(r));
    TRY(open_images(r));
    TRY(count_labels(r));
    TRY(choose_batch_size(r));
    r->set->steps = settings_steps(r->set, r->task->shown, r->job->train.n);
    TRY(build(r));
    TRY(run_begin(r));
    if (r->job->watch.chosen)
        r->job->watch.chosen(r->job->watch.with, r->set);
    start_loader(r);
    TRY(go_through(r));
    tell_end(r);
    if (r->eval && (r->n_notes == 0 || r->notes[r->n_notes - 1].step != r->step))
        TRY(run_evaluate(r));
    run_save(r);
    if (r->set->patience)
        TRY(run_keep_best(r));
    TRY(run_export(r));
    return run_examine(r);
}

enum err learn_train(const struct learn_job *job, struct arena *a, struct scores *ret)
{
    struct run *r = arena_take(a, sizeof *r);
    struct settings set = *job->settings;
    *r = (struct run){ .job = job, .task = job->model->task, .set = &set, .arena = a, .rate = 1, .best = -1, .went_back_to = -1 };
    r->checkpoint = arena_fmt(a, "%s/checkpoint.safetensors", job->dir);
    r->best_path = arena_fmt(a, "%s/best.safetensors", job->dir);
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
