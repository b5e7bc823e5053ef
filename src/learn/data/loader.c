#include "learn/data/loader.h"
#include "base/clock.h"
#include "base/machine.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { AHEAD = 4, MOST_THREADS = 8, MOSAIC = 4, LOOK_EVERY = 8 };
static const double WAITING_MOST = 0.02; /* share of the time; above it one more thread is started */

struct slot {
    struct batch batch;
    int64_t holds; /* the step whose batch is ready in it, or -1 */
    enum err failed;
    char why[256];
};
/* What each thread has of its own: the order of the epoch that it last needed, and the example that is mixed into another. */
struct maker {
    int64_t epoch;
    uint32_t *items;
    struct example second;
};
struct loader {
    struct gallery *gallery;
    struct wanted wanted;
    const struct settings *settings;
    struct slot slot[AHEAD];
    pthread_t thread[MOST_THREADS];
    int threads;
    pthread_mutex_t lock;
    pthread_cond_t ready, free;
    int64_t next_made, next_taken; /* steps: to be begun by a thread, to be handed out */
    bool stop;
    double waited, looked_at, waited_before; /* seconds; what it was when the number of threads was last looked at */
};

static uint32_t image_of(struct loader *l, struct maker *m, int64_t count)
{
    size_t n = gallery_count(l->gallery);
    int64_t epoch = count / (int64_t)n;
    if (m->epoch != epoch) {
        struct random r = random_of((uint64_t)l->settings->seed, 'o', (uint64_t)epoch);
        for (size_t i = 0; i < n; i++)
            m->items[i] = (uint32_t)i;
        random_shuffle(&r, m->items, n);
        m->epoch = epoch;
    }
    return m->items[count % (int64_t)n];
}

/* Picture *index, or the next one that can be read. */
static enum err take_readable(struct loader *l, size_t *index, struct picture *ret)
{
    size_t n = gallery_count(l->gallery);
    for (size_t tried = 0; tried < n; tried++, *index = (*index + 1) % n) {
        enum err e = gallery_take(l->gallery, *index, ret);
        if (e != E_INVALID)
            return e;
    }
    return fail(E_UNMEANT, "none of the %zu training images can be read any more", n);
}

/* In the last steps images are seen whole and alone, as they will be later. */
static bool at_the_end(const struct settings *s, int64_t count)
{
    return (double)(count / s->batch_size) >= (double)(s->steps * s->accumulate) * (1 - s->mosaic_end);
}

/* first: the picture that this example is for. */
static enum err draw_example(struct loader *l, size_t first, float mosaic, struct random *r, struct example *e)
{
    int n = !l->wanted.whole && random_chance(r, mosaic) ? MOSAIC : 1, taken = 0;
    size_t index[MOSAIC] = { first };
    struct picture picture[MOSAIC];
    const struct picture *p[MOSAIC];
    enum err err = OK;
    for (int i = 1; i < n; i++)
        index[i] = random_below(r, gallery_count(l->gallery));
    for (; taken < n && err == OK; taken++) {
        p[taken] = &picture[taken];
        err = take_readable(l, &index[taken], &picture[taken]);
    }
    if (err == OK && l->wanted.whole)
        augment_crop(p[0], l->settings, r, e);
    else if (err == OK)
        augment(p, n, l->settings, r, e);
    for (int i = 0; i < taken - (err != OK); i++)
        gallery_return(l->gallery, index[i], &picture[i]);
    return err;
}

/* The count-th example of the training. */
static enum err make_example(struct loader *l, struct maker *m, int64_t count, struct example *e)
{
    struct random r = random_of((uint64_t)l->settings->seed, 'a', (uint64_t)count);
    struct random mixing = random_of((uint64_t)l->settings->seed, 'm', (uint64_t)count);
    bool end = at_the_end(l->settings, count);
    float mosaic = end ? 0 : (float)l->settings->mosaic, mixup = end ? 0 : (float)l->settings->mixup;
    TRY(draw_example(l, image_of(l, m, count), mosaic, &r, e));
    if (!random_chance(&mixing, mixup))
        return OK;
    TRY(draw_example(l, random_below(&mixing, gallery_count(l->gallery)), mosaic, &mixing, &m->second));
    augment_mix(e, &m->second, &mixing);
    return OK;
}

static void make_batch(struct loader *l, struct maker *m, int64_t step, struct slot *s)
{
    s->failed = OK;
    s->batch.step = step;
    for (int i = 0; i < l->settings->batch_size && s->failed == OK; i++) {
        s->failed = make_example(l, m, step * l->settings->batch_size + i, &s->batch.examples[i]);
        if (s->failed != OK)
            strncpy(s->why, fail_text(), sizeof s->why - 1);
    }
}

static size_t values_of(struct frame f)
{
    return (size_t)f.width * (size_t)f.height * 3;
}

static void example_init(struct example *e, float *pixels, const struct loader *l)
{
    *e = (struct example){ pixels, l->wanted.frame, l->wanted.input, heap_take(TRUTHS_MOST * sizeof(struct labelled_box)),
                           .room = TRUTHS_MOST };
}

static void *work(void *with)
{
    struct loader *l = with;
    struct maker m = { -1, heap_take(sizeof(uint32_t) * gallery_count(l->gallery)), { 0 } };
    if (l->settings->mixup > 0)
        example_init(&m.second, heap_take(values_of(l->wanted.frame) * sizeof(float)), l);
    pthread_mutex_lock(&l->lock);
    for (;;) {
        /* The batch handed out last is still in use: its slot counts as taken. */
        while (!l->stop && l->next_made >= l->next_taken - 1 + AHEAD)
            pthread_cond_wait(&l->free, &l->lock);
        if (l->stop)
            break;
        int64_t step = l->next_made++;
        struct slot *s = &l->slot[step % AHEAD];
        pthread_mutex_unlock(&l->lock);
        make_batch(l, &m, step, s);
        pthread_mutex_lock(&l->lock);
        s->holds = step;
        pthread_cond_broadcast(&l->ready);
    }
    pthread_mutex_unlock(&l->lock);
    free(m.items);
    free(m.second.pixels);
    free(m.second.boxes);
    return NULL;
}

static void slot_init(struct slot *s, const struct loader *l)
{
    size_t batch = (size_t)l->settings->batch_size, each = values_of(l->wanted.frame);
    s->holds = -1;
    s->batch.pixels = heap_take(batch * each * sizeof(float));
    s->batch.examples = heap_take(batch * sizeof *s->batch.examples);
    for (size_t i = 0; i < batch; i++)
        example_init(&s->batch.examples[i], s->batch.pixels + i * each, l);
}

static void add_thread(struct loader *l)
{
    int most = machine_look("").processors;
    most = most < 2 ? 2 : most > MOST_THREADS ? MOST_THREADS : most;
    if (l->threads < most && pthread_create(&l->thread[l->threads], NULL, work, l) == 0)
        l->threads++;
}

struct loader *loader_start(struct gallery *g, const struct wanted *wanted, const struct settings *settings, int64_t first,
                            int threads)
{
    struct loader *l = heap_take(sizeof *l);
    *l = (struct loader){ .gallery = g, .wanted = *wanted, .settings = settings, .next_made = first, .next_taken = first };
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->ready, NULL);
    pthread_cond_init(&l->free, NULL);
    for (int i = 0; i < AHEAD; i++)
        slot_init(&l->slot[i], l);
    for (int i = 0; i < threads; i++)
        add_thread(l);
    return l;
}

void loader_stop(struct loader *l)
{
    if (!l)
        return;
    pthread_mutex_lock(&l->lock);
    l->stop = true;
    pthread_cond_broadcast(&l->free);
    pthread_mutex_unlock(&l->lock);
    for (int i = 0; i < l->threads; i++)
        pthread_join(l->thread[i], NULL);
    for (int i = 0; i < AHEAD; i++) {
        for (int k = 0; k < l->settings->batch_size; k++)
            free(l->slot[i].batch.examples[k].boxes);
        free(l->slot[i].batch.examples);
        free(l->slot[i].batch.pixels);
    }
    pthread_mutex_destroy(&l->lock);
    pthread_cond_destroy(&l->ready);
    pthread_cond_destroy(&l->free);
    free(l);
}

/* Called by the one who takes batches, as is loader_next(). */
static void look_at_waiting(struct loader *l)
{
    double now = clock_seconds();
    if (l->next_taken % LOOK_EVERY)
        return;
    if (l->looked_at > 0 && l->waited - l->waited_before > WAITING_MOST * (now - l->looked_at))
        add_thread(l);
    l->looked_at = now;
    l->waited_before = l->waited;
}

enum err loader_next(struct loader *l, const struct batch **ret)
{
    double begun = clock_seconds();
    if (!l->threads)
        return fail(E_BROKEN, "no thread for loading images could be started");
    pthread_mutex_lock(&l->lock);
    struct slot *s = &l->slot[l->next_taken % AHEAD];
    while (s->holds != l->next_taken)
        pthread_cond_wait(&l->ready, &l->lock);
    l->next_taken++;
    pthread_cond_broadcast(&l->free);
    pthread_mutex_unlock(&l->lock);
    if (s->failed != OK)
        return fail(s->failed, "%s", s->why);
    l->waited += clock_seconds() - begun;
    look_at_waiting(l);
    *ret = &s->batch;
    return OK;
}

double loader_waited(const struct loader *l)
{
    return l->waited;
}
int loader_threads(const struct loader *l)
{
    return l->threads;
}
