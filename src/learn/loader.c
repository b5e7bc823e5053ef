#include "learn/loader.h"
#include "learn/loss.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { AHEAD = 4, MOST_THREADS = 8, MOSAIC = 4 };

struct slot {
    struct batch batch;
    int64_t holds; /* the step whose batch is ready in it, or -1 */
    enum err failed;
    char why[256];
};
/* The order of an epoch, as one thread last needed it. */
struct order {
    int64_t epoch;
    uint32_t *items;
};
struct loader {
    struct gallery *gallery;
    const struct settings *settings;
    struct slot slot[AHEAD];
    pthread_t thread[MOST_THREADS];
    int threads;
    pthread_mutex_t lock;
    pthread_cond_t ready, free;
    int64_t next_made, next_taken; /* steps: to be begun by a thread, to be handed out */
    bool stop;
};

static uint32_t image_of(struct loader *l, struct order *o, int64_t count)
{
    size_t n = gallery_count(l->gallery);
    int64_t epoch = count / (int64_t)n;
    if (o->epoch != epoch) {
        struct random r = random_of((uint64_t)l->settings->seed, 'o', (uint64_t)epoch);
        for (size_t i = 0; i < n; i++)
            o->items[i] = (uint32_t)i;
        random_shuffle(&r, o->items, n);
        o->epoch = epoch;
    }
    return o->items[count % (int64_t)n];
}

/* The count-th example of the training. */
static enum err make_example(struct loader *l, struct order *o, int64_t count, struct example *e)
{
    struct random r = random_of((uint64_t)l->settings->seed, 'a', (uint64_t)count);
    int n = random_chance(&r, (float)l->settings->mosaic) ? MOSAIC : 1, taken = 0;
    size_t index[MOSAIC] = { image_of(l, o, count) };
    struct picture picture[MOSAIC];
    const struct picture *p[MOSAIC];
    enum err err = OK;
    for (int i = 1; i < n; i++)
        index[i] = random_below(&r, gallery_count(l->gallery));
    for (; taken < n && err == OK; taken++) {
        p[taken] = &picture[taken];
        err = gallery_take(l->gallery, index[taken], &picture[taken]);
    }
    if (err == OK)
        augment(p, n, l->settings, &r, e);
    for (int i = 0; i < taken - (err != OK); i++)
        gallery_return(l->gallery, index[i], &picture[i]);
    return err;
}

static void make_batch(struct loader *l, struct order *o, int64_t step, struct slot *s)
{
    s->failed = OK;
    s->batch.step = step;
    for (int i = 0; i < l->settings->batch_size && s->failed == OK; i++) {
        s->failed = make_example(l, o, step * l->settings->batch_size + i, &s->batch.examples[i]);
        if (s->failed != OK)
            strncpy(s->why, fail_text(), sizeof s->why - 1);
    }
}

static void *work(void *with)
{
    struct loader *l = with;
    struct order order = { -1, heap_take(sizeof(uint32_t) * gallery_count(l->gallery)) };
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
        make_batch(l, &order, step, s);
        pthread_mutex_lock(&l->lock);
        s->holds = step;
        pthread_cond_broadcast(&l->ready);
    }
    pthread_mutex_unlock(&l->lock);
    free(order.items);
    return NULL;
}

static void slot_init(struct slot *s, size_t batch, size_t size)
{
    s->holds = -1;
    s->batch.pixels = heap_take(batch * size * size * 3 * sizeof(float));
    s->batch.examples = heap_take(batch * sizeof *s->batch.examples);
    for (size_t i = 0; i < batch; i++)
        s->batch.examples[i] = (struct example){ s->batch.pixels + i * size * size * 3,
                                                 heap_take(TRUTHS_MOST * sizeof(struct labelled_box)), 0, TRUTHS_MOST };
}

struct loader *loader_start(struct gallery *g, const struct settings *settings, int64_t first, int threads)
{
    struct loader *l = heap_take(sizeof *l);
    *l = (struct loader){ .gallery = g, .settings = settings, .next_made = first, .next_taken = first };
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->ready, NULL);
    pthread_cond_init(&l->free, NULL);
    for (int i = 0; i < AHEAD; i++)
        slot_init(&l->slot[i], (size_t)settings->batch_size, (size_t)settings->image_size);
    while (l->threads < threads && l->threads < MOST_THREADS && pthread_create(&l->thread[l->threads], NULL, work, l) == 0)
        l->threads++;
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

enum err loader_next(struct loader *l, const struct batch **ret)
{
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
    *ret = &s->batch;
    return OK;
}
