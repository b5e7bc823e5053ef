/* What the averaged weights say about images, and how good that is. */
#include "base/file.h"
#include "learn/train/run.h"
#include "nn/checkpoint.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct judging {
    struct run *run;
    struct gallery *gallery;
    size_t n;
    struct verdicts *to;
    atomic_bool stop;
};

static void judge_one(void *with, int i, int thread)
{
    struct judging *j = with;
    struct judged *image = &j->to->images[i];
    struct network *net = &j->run->judge[thread];
    size_t index = (size_t)i * gallery_count(j->gallery) / j->n;
    struct picture p;
    if (j->stop)
        return;
    if (gallery_take(j->gallery, index, &p) != OK)
        return;
    AUTO(arena) struct arena *own = arena_new();
    float *pixels = arena_new_array(own, float, tensor_count(net->input));
    enum err e = j->run->task->show(net, &p, pixels);
    gallery_return(j->gallery, index, &p);
    if (e != OK)
        return;
    tensor_put(net->input, TENSOR_VALUES, 0, pixels, tensor_count(net->input));
    graph_forward(net->graph);
    image->sample = gallery_sample(j->gallery, index);
    gallery_scale(j->gallery, index, &image->scale_x, &image->scale_y);
    image->answer = j->run->task->read(net, 0, j->to->arena[i]);
    if (thread == 0 && !run_goes_on(j->run))
        j->stop = true;
}

enum err run_judge(struct run *r, struct gallery *g, size_t n, struct verdicts *ret)
{
    struct judging j = { .run = r, .gallery = g, .n = n, .to = ret };
    *ret = (struct verdicts){ heap_take((n + 1) * sizeof *ret->images), 0, heap_take((n + 1) * sizeof *ret->arena), n };
    memset(ret->images, 0, (n + 1) * sizeof *ret->images);
    for (size_t i = 0; i < n; i++)
        ret->arena[i] = arena_new();
    optim_swap_ema(r->optim);
    team_run(r->team, (int)n, judge_one, &j);
    optim_swap_ema(r->optim);
    for (size_t i = 0; i < n; i++)
        if (ret->images[i].answer)
            ret->images[ret->n++] = ret->images[i];
    return j.stop ? fail(E_CANCELLED, "stopped during an evaluation") : OK;
}

void auto_verdicts(struct verdicts *v)
{
    for (size_t i = 0; i < v->n_arenas; i++)
        arena_free(v->arena[i]);
    free(v->arena);
    free(v->images);
}

/* For the diagnosis. When there is no more room every second one is left out. */
static void note(struct run *r)
{
    if (r->n_notes == NOTES_MOST) {
        for (int i = 0; i < NOTES_MOST / 2; i++)
            r->notes[i] = r->notes[2 * i + 1];
        r->n_notes = NOTES_MOST / 2;
    }
    r->notes[r->n_notes++] = (struct note){ r->step, r->loss_n ? r->loss_sum / (double)r->loss_n : 0, r->scores.value[0] };
    r->loss_sum = 0;
    r->loss_n = 0;
}

static enum err score(struct run *r)
{
    AUTO(verdicts) struct verdicts v = { 0 };
    TRY(run_judge(r, r->eval, gallery_count(r->eval), &v));
    arena_free(r->scored);
    r->scored = arena_new();
    r->scores = (struct scores){ 0 };
    r->task->score(v.images, v.n, r->job->n_labels, r->set, r->scored, &r->scores);
    return OK;
}

/* What cannot be written cannot be gone back to: then the one before stays the best. */
static void remember(struct run *r)
{
    double best = r->best;
    int64_t step = r->best_step;
    r->best = r->scores.value[0];
    r->best_step = r->step;
    r->not_better = 0;
    if (!run_save_best(r)) {
        r->best = best;
        r->best_step = step;
    }
}

enum err run_evaluate(struct run *r)
{
    TRY(score(r));
    r->job->watch.evaluated(r->job->watch.with, r->step, &r->scores);
    note(r);
    r->not_better++;
    if (r->scores.value[0] > r->best)
        remember(r);
    return OK;
}

enum err run_keep_best(struct run *r)
{
    AUTO(arena) struct arena *a = arena_new();
    if (!r->eval || r->best_step == r->step || r->scores.value[0] > r->best || !file_exists(r->best_path))
        return OK;
    SAY(r, "the weights of step %lld are kept: %s was %.3f there, and is %.3f now", (long long)r->best_step, r->task->values[0],
        r->best, r->scores.value[0]);
    TRY(checkpoint_load(r->best_path, r->part[0].net.graph, r->optim, a, NULL));
    return score(r);
}
