/* After a training: what was wrong with it, and which annotations the network does not believe. */
#include "learn/train/run.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EXAMINED_MOST = 500, SIZE_MOST = 1280 };

static void count_things(const struct run *r, const struct gallery *g, int64_t *of_label)
{
    for (size_t i = 0; g && i < gallery_count(g); i++)
        r->task->count(gallery_sample(g, i), of_label);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Images of the evaluation that are the same file as one that is learnt from. */
static size_t count_shared(const struct run *r, struct arena *a)
{
    size_t n = gallery_count(r->train), shared = 0;
    const char **paths = arena_new_array(a, const char *, n + 1);
    for (size_t i = 0; i < n; i++)
        paths[i] = gallery_sample(r->train, i)->path;
    qsort(paths, n, sizeof *paths, by_path);
    for (size_t i = 0; r->eval && i < gallery_count(r->eval); i++)
        shared += bsearch(&gallery_sample(r->eval, i)->path, paths, n, sizeof *paths, by_path) != NULL;
    return shared;
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Sides of boxes as the network gets them; a quarter of them are under ret[n / 4] when sorted. */
static size_t box_sides(const struct gallery *g, struct arena *a, float **ret, float *ret_longest)
{
    size_t n = 0, room = 1;
    float x, y;
    for (size_t i = 0; i < gallery_count(g); i++)
        room += (size_t)gallery_sample(g, i)->n;
    *ret = arena_new_array(a, float, room);
    *ret_longest = 1; /* a pixel of the network's for each of the image's */
    for (size_t i = 0; i < gallery_count(g); i++) {
        const struct sample *s = gallery_sample(g, i);
        gallery_scale(g, i, &x, &y);
        *ret_longest = fminf(*ret_longest, x);
        for (int k = 0; k < s->n; k++)
            if (box_area(&s->boxes[k].box) > 0)
                (*ret)[n++] = sqrtf(box_area(&s->boxes[k].box) * x * y);
    }
    if (n)
        qsort(*ret, n, sizeof **ret, by_value);
    return n;
}

static void look_at_sizes(const struct run *r, struct arena *a, struct facts *f)
{
    float *sides, scale;
    size_t n = box_sides(r->train, a, &sides, &scale), small = 0;
    f->image_size = f->useful_size = (int)r->set->image_size;
    while (small < n && sides[small] < SMALL)
        small++;
    if (!n || !small)
        return;
    double wanted = fmax(1, (double)SMALL / fmax(1, (double)sides[n / 4])), possible = 1 / (double)scale;
    int size = (int)ceil((double)f->image_size * fmin(wanted, possible) / 32) * 32;
    f->small_share = (double)small / (double)n;
    f->useful_size = size < SIZE_MOST ? size : SIZE_MOST;
}

/* How good the network is on images that it was taught, and which of the annotations there look wrong to it. */
static enum err examine_images(struct run *r, struct gallery *g, struct arena *a, struct doubts *doubts, double *ret_score)
{
    AUTO(verdicts) struct verdicts v = { 0 };
    size_t n = gallery_count(g);
    struct scores s = { 0 };
    TRY(run_judge(r, g, n < EXAMINED_MOST ? n : EXAMINED_MOST, &v));
    r->task->score(v.images, v.n, r->job->n_labels, r->set, a, &s);
    *ret_score = s.value[0];
    r->task->doubt(v.images, v.n, r->job->n_labels, doubts);
    return OK;
}

static void tell(struct run *r, const struct finding *found, int n, const struct doubts *d)
{
    AUTO(arena) struct arena *a = arena_new();
    for (int i = 0; i < n; i++)
        SAY(r, "diagnosis: %s: %s", found[i].what, found[i].says);
    for (int i = 0; i < d->n && d->items[i].score > DOUBT_LIKELY; i++)
        SAY(r, "suspicious: %s at %.0f, %.0f, %.0f × %.0f: %s", d->items[i].sample->name, (double)d->items[i].box.x0,
            (double)d->items[i].box.y0, (double)(d->items[i].box.x1 - d->items[i].box.x0),
            (double)(d->items[i].box.y1 - d->items[i].box.y0), doubt_text(&d->items[i], r->job->labels, a));
    if (r->job->watch.examined)
        r->job->watch.examined(r->job->watch.with, found, n, d);
}

enum err run_examine(struct run *r)
{
    AUTO(arena) struct arena *a = arena_new();
    struct finding found[FINDINGS_MOST];
    struct doubts doubts = { 0 };
    int64_t *train = arena_new_array(a, int64_t, r->job->n_labels), *eval = arena_new_array(a, int64_t, r->job->n_labels);
    struct facts f = { .task = r->task,
                       .labels = r->job->labels,
                       .n_labels = r->job->n_labels,
                       .notes = r->notes,
                       .n_notes = r->n_notes,
                       .steps = r->set->steps,
                       .best_step = r->best_step,
                       .train_score = -1,
                       .eval_score = -1,
                       .train_images = gallery_count(r->train),
                       .eval_images = r->eval ? gallery_count(r->eval) : 0,
                       .train_things = train,
                       .eval_things = eval,
                       .doubts = &doubts };
    count_things(r, r->train, train);
    count_things(r, r->eval, eval);
    look_at_sizes(r, a, &f);
    f.shared_images = count_shared(r, a);
    TRY(examine_images(r, r->train, a, &doubts, &f.train_score));
    if (r->eval)
        TRY(examine_images(r, r->eval, a, &doubts, &f.eval_score));
    tell(r, found, diagnose(&f, a, found), &doubts);
    return OK;
}
