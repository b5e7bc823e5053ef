/* An autoencoder fitted to images: the batch split over replicas of one thread each, as trainings do. */
#include "base/team.h"
#include "learn/data/random.h"
#include "learn/outlier/outlier.h"
#include "nn/optim.h"
#include <math.h>
#include <stdlib.h>

enum { PARTS = 2, PART_SIZE = 8, BATCH = PARTS * PART_SIZE, SHOWN_LEAST = 1600, SHOWN_MOST = 24000, PASSES = 100, FEW_HELD = 50 };
static const struct optim_options optimiser = { .kind = OPTIM_ADAMW,
                                                .beta1 = 0.9f,
                                                .beta2 = 0.999f,
                                                .epsilon = 1e-8f,
                                                .weight_decay = 1e-4f,
                                                .clip_norm = 1,
                                                .ema_decay = 0.999f };
static const struct schedule rates = { LR_COSINE, .learning_rate = 3e-3, .warmup_steps = 20, .end_factor = 0.02 };

struct fitting {
    struct autoencoder part[PARTS];
    struct team *team;
    struct optim *optim;
    const uint8_t *images[BATCH];
    double loss[PARTS];
};

int outlier_held_out(int n)
{
    int held = n / 5;
    held = held < FEW_HELD ? FEW_HELD : held;
    return held > n / 2 ? n / 2 : held;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double outlier_threshold(const double *held, int n, double part, double *ret_chance)
{
    int rank = (int)ceil((n + 1) * part - 1e-9);
    rank = rank < 1 ? 1 : rank > n ? n : rank;
    *ret_chance = (double)(n + 1 - rank) / (n + 1);
    return held[rank - 1];
}

static void learn_part(void *with, int i, int thread)
{
    (void)thread;
    struct fitting *f = with;
    f->loss[i] = autoencoder_learn(&f->part[i], f->images + (size_t)i * PART_SIZE);
}

/* So often each, unless there are very few images or very many. */
static int64_t images_to_show(int n)
{
    int64_t shown = (int64_t)n * PASSES;
    return shown < SHOWN_LEAST ? SHOWN_LEAST : shown > SHOWN_MOST ? SHOWN_MOST : shown;
}

static double step(struct fitting *f, double rate)
{
    struct graph *replicas[PARTS];
    double loss = 0;
    for (int i = 0; i < PARTS; i++) {
        replicas[i] = f->part[i].graph;
        graph_zero_grad(replicas[i]);
    }
    team_run(f->team, PARTS, learn_part, f);
    optim_step(f->optim, f->team, replicas, PARTS, (float)rate, BATCH);
    for (int i = 0; i < PARTS; i++)
        loss += f->loss[i];
    return loss / BATCH;
}

/* Each pass shows all of the images once, in an order of its own. */
static enum err teach(struct fitting *f, const uint8_t *pixels, uint32_t *order, int n, const struct outlier_options *o,
                      double *ret_loss)
{
    struct random random = random_of(o->seed, 1, 0);
    struct schedule at = rates;
    int64_t per_pass = n < BATCH ? n : n - n % BATCH, next = per_pass;
    double sum = 0;
    int64_t steps = 0;
    at.steps = (o->shown ? o->shown : images_to_show(n)) / BATCH;
    for (int64_t i = 0; i < at.steps; i++) {
        if (next >= per_pass) {
            random_shuffle(&random, order, (size_t)n);
            *ret_loss = steps ? sum / (double)steps : 0;
            sum = 0;
            next = steps = 0;
        }
        for (int k = 0; k < BATCH; k++)
            f->images[k] = pixels + (size_t)order[(next + k) % n] * AUTOENCODER_VALUES;
        next += BATCH;
        sum += step(f, schedule_at(&at, i));
        steps++;
        if (o->go_on && !o->go_on(o->with, (double)i / (double)at.steps))
            return fail(E_CANCELLED, "the fit was stopped");
    }
    *ret_loss = *ret_loss > 0 ? *ret_loss : sum / (double)(steps ? steps : 1);
    return isfinite(*ret_loss) ? OK
                               : fail(E_UNMEANT, "the fit to the training images did not come to an end: its loss is no number");
}

static enum err start(struct fitting *f, const struct outlier_options *o)
{
    const struct plan_options plan = { .use = GRAPH_TRAIN, .precision = PRECISION_F32 };
    for (int i = 0; i < PARTS; i++)
        TRY(autoencoder_new(PART_SIZE, o->seed, &plan, i ? &f->part[0] : NULL, &f->part[i]));
    f->team = team_new(o->threads);
    f->optim = optim_new(f->part[0].graph, &optimiser);
    return OK;
}

static void auto_fitting(struct fitting *f)
{
    optim_free(f->optim);
    team_free(f->team);
    for (int i = PARTS - 1; i >= 0; i--)
        autoencoder_done(&f->part[i]);
}

static enum err score_held(const struct outlier_fit *fit, const uint8_t *pixels, const uint32_t *held)
{
    struct outlier_net net;
    TRY(outlier_net_new(&net));
    enum err e = outlier_net_read(&net, fit->file, fit->n_file);
    for (int i = 0; e == OK && i < fit->n_held; i++)
        outlier_net_score(&net, pixels + (size_t)held[i] * AUTOENCODER_VALUES, 1, &fit->held[i]);
    outlier_net_done(&net);
    if (e == OK)
        qsort(fit->held, (size_t)fit->n_held, sizeof *fit->held, by_size);
    return e;
}

enum err outlier_fit(const uint8_t *pixels, int n, const struct outlier_options *o, struct arena *a, struct outlier_fit *ret)
{
    if (n < OUTLIER_LEAST)
        return fail(E_UNMEANT, "%d of %d training images", n, OUTLIER_LEAST);
    AUTO(fitting) struct fitting f = { 0 };
    struct outlier_fit fit = { .n_held = outlier_held_out(n) };
    struct random random = random_of(o->seed, 0, 0);
    uint32_t *order = arena_new_array(a, uint32_t, n);
    for (int i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    random_shuffle(&random, order, (size_t)n);
    fit.n_taught = n - fit.n_held;
    fit.held = arena_new_array(a, double, fit.n_held);
    TRY(start(&f, o));
    TRY(teach(&f, pixels, order + fit.n_held, fit.n_taught, o, &fit.loss));
    optim_swap_ema(f.optim);
    outlier_net_write(&f.part[0], a, &fit.file, &fit.n_file);
    TRY(score_held(&fit, pixels, order));
    *ret = fit;
    return OK;
}
