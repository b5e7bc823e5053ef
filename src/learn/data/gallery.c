#include "learn/data/gallery.h"
#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct entry {
    const struct sample *sample;
    struct image kept; /* pixels NULL: not in memory */
    struct labelled_box *boxes;
    int n, width, height; /* of the picture */
    float scale_x, scale_y;
    bool bad;
};
struct gallery {
    struct decoder *decoder;
    struct entry *items;
    size_t n;
    struct frame frame; /* that pictures fit into */
    size_t bad_boxes, clipped_boxes;
    /* Shared by the threads of gallery_open(): */
    pthread_mutex_t lock;
    size_t next, done, room, used;
    struct gallery_says says;
    bool stop;
};

static enum err decode(struct gallery *g, const struct sample *s, struct image *ret)
{
    AUTO(fd) int fd = open(s->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail(E_NOT_FOUND, "cannot open %s: %s", s->path, strerror(errno));
    AUTO(image) struct image full = { 0 };
    TRY(decoder_decode(g->decoder, fd, g->frame.width > g->frame.height ? g->frame.width : g->frame.height, &full));
    int w, h;
    image_fit(full.full_width, full.full_height, g->frame.width, g->frame.height, &w, &h);
    return image_resize(&full, w, h, ret);
}

static bool clip(float *low, float *high, float most)
{
    float a = *low, b = *high;
    *low = fminf(most, fmaxf(0, a));
    *high = fminf(most, fmaxf(0, b));
    return *low != a || *high != b;
}

/* Boxes in pixels of the picture; what lies outside the image by more than half a pixel is clipped and counted. */
static void scale_boxes(struct gallery *g, struct entry *e, const struct image *im)
{
    size_t bad = 0, clipped = 0;
    e->width = im->width;
    e->height = im->height;
    e->scale_x = (float)im->width / (float)im->full_width;
    e->scale_y = (float)im->height / (float)im->full_height;
    e->boxes = heap_take(sizeof *e->boxes * (size_t)(e->sample->n + 1));
    for (int i = 0; i < e->sample->n; i++) {
        struct labelled_box b = e->sample->boxes[i];
        struct box was = b.box;
        bool cut = clip(&b.box.x0, &b.box.x1, (float)im->full_width);
        cut |= clip(&b.box.y0, &b.box.y1, (float)im->full_height);
        if (!(b.box.x1 - b.box.x0 >= 1) || !(b.box.y1 - b.box.y0 >= 1)) {
            bad++;
            continue;
        }
        clipped += cut && (was.x0 < -0.5f || was.y0 < -0.5f || was.x1 > (float)im->full_width + 0.5f ||
                           was.y1 > (float)im->full_height + 0.5f);
        b.box = (struct box){ b.box.x0 * e->scale_x, b.box.y0 * e->scale_y, b.box.x1 * e->scale_x, b.box.y1 * e->scale_y };
        e->boxes[e->n++] = b;
    }
    pthread_mutex_lock(&g->lock);
    g->bad_boxes += bad;
    g->clipped_boxes += clipped;
    pthread_mutex_unlock(&g->lock);
}

static void open_one(struct gallery *g, struct entry *e)
{
    struct image im = { 0 };
    if (decode(g, e->sample, &im) != OK) {
        e->bad = true;
        pthread_mutex_lock(&g->lock);
        g->says.unreadable(g->says.with, e->sample->name, fail_text());
        pthread_mutex_unlock(&g->lock);
        return;
    }
    scale_boxes(g, e, &im);
    size_t bytes = (size_t)im.width * (size_t)im.height * 3;
    pthread_mutex_lock(&g->lock);
    bool keep = g->used + bytes <= g->room;
    g->used += keep ? bytes : 0;
    pthread_mutex_unlock(&g->lock);
    if (keep)
        e->kept = im;
    else
        image_done(&im);
}

static void *open_some(void *with)
{
    struct gallery *g = with;
    for (;;) {
        pthread_mutex_lock(&g->lock);
        bool more = !g->stop && g->next < g->n;
        size_t i = more ? g->next++ : 0;
        pthread_mutex_unlock(&g->lock);
        if (!more)
            return NULL;
        open_one(g, &g->items[i]);
        pthread_mutex_lock(&g->lock);
        g->done++;
        g->stop |= !g->says.go_on(g->says.with, g->done, g->n);
        pthread_mutex_unlock(&g->lock);
    }
}

static void leave_out_bad(struct gallery *g)
{
    size_t kept = 0;
    for (size_t i = 0; i < g->n; i++)
        if (!g->items[i].bad)
            g->items[kept++] = g->items[i];
    g->n = kept;
}

enum err gallery_open(struct decoder *decoder, const struct samples *samples, int size, size_t room, int threads,
                      const struct gallery_says *says, struct gallery **ret)
{
    enum { MOST_THREADS = 16 };
    pthread_t thread[MOST_THREADS];
    int started = 0;
    AUTO(gallery) struct gallery *g = heap_take(sizeof *g);
    *g = (struct gallery){ .decoder = decoder, .n = samples->n, .frame = { size, size }, .room = room, .says = *says };
    pthread_mutex_init(&g->lock, NULL);
    g->items = heap_take(sizeof *g->items * (samples->n + 1));
    for (size_t i = 0; i < samples->n; i++)
        g->items[i].sample = &samples->items[i];
    while (started < threads && started < MOST_THREADS && pthread_create(&thread[started], NULL, open_some, g) == 0)
        started++;
    if (!started)
        open_some(g);
    for (int i = 0; i < started; i++)
        pthread_join(thread[i], NULL);
    if (g->stop)
        return fail(E_CANCELLED, "stopped while images were being read");
    leave_out_bad(g);
    if (!g->n)
        return fail(E_UNMEANT, "none of the %zu images can be read", samples->n);
    *ret = g;
    g = NULL;
    return OK;
}

static int by_size(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* A multiple, two at least, that is enough for all but one in fifty of the sizes, which are sorted by this. */
static int enough(int *sizes, size_t n, int multiple)
{
    qsort(sizes, n, sizeof *sizes, by_size);
    int largest = sizes[n - 1 - n / 50];
    return largest <= multiple ? 2 * multiple : (largest + multiple - 1) / multiple * multiple;
}

struct frame gallery_frame(const struct gallery *g, int multiple)
{
    AUTO(arena) struct arena *a = arena_new();
    int *widths = arena_new_array(a, int, g->n), *heights = arena_new_array(a, int, g->n);
    for (size_t i = 0; i < g->n; i++) {
        widths[i] = g->items[i].width;
        heights[i] = g->items[i].height;
    }
    return (struct frame){ enough(widths, g->n, multiple), enough(heights, g->n, multiple) };
}

static enum err shrink(struct entry *e, int width, int height)
{
    float x = (float)width / (float)e->width, y = (float)height / (float)e->height;
    if (e->kept.pixels) {
        struct image small = { 0 };
        TRY(image_resize(&e->kept, width, height, &small));
        image_done(&e->kept);
        e->kept = small;
    }
    for (int i = 0; i < e->n; i++) {
        struct box *b = &e->boxes[i].box;
        *b = (struct box){ b->x0 * x, b->y0 * y, b->x1 * x, b->y1 * y };
    }
    e->width = width;
    e->height = height;
    e->scale_x *= x;
    e->scale_y *= y;
    return OK;
}

enum err gallery_fit(struct gallery *g, struct frame frame)
{
    g->frame = frame;
    for (struct entry *e = g->items; e < g->items + g->n; e++) {
        int w, h;
        image_fit(e->width, e->height, frame.width, frame.height, &w, &h);
        if (w < e->width || h < e->height)
            TRY(shrink(e, w, h));
    }
    return OK;
}

void gallery_close(struct gallery *g)
{
    if (!g)
        return;
    for (size_t i = 0; i < g->n; i++) {
        image_done(&g->items[i].kept);
        free(g->items[i].boxes);
    }
    free(g->items);
    pthread_mutex_destroy(&g->lock);
    free(g);
}

size_t gallery_count(const struct gallery *g)
{
    return g->n;
}
const struct sample *gallery_sample(const struct gallery *g, size_t i)
{
    return g->items[i].sample;
}
size_t gallery_bad_boxes(const struct gallery *g)
{
    return g->bad_boxes;
}
size_t gallery_clipped_boxes(const struct gallery *g)
{
    return g->clipped_boxes;
}
void gallery_scale(const struct gallery *g, size_t i, float *ret_x, float *ret_y)
{
    *ret_x = g->items[i].scale_x;
    *ret_y = g->items[i].scale_y;
}

/* Told once; from then on the picture counts as unreadable at once. */
static void give_up(struct gallery *g, struct entry *e)
{
    pthread_mutex_lock(&g->lock);
    if (!e->bad)
        g->says.unreadable(g->says.with, e->sample->name, fail_text());
    e->bad = true;
    pthread_mutex_unlock(&g->lock);
}
static bool given_up(struct gallery *g, const struct entry *e)
{
    pthread_mutex_lock(&g->lock);
    bool bad = e->bad;
    pthread_mutex_unlock(&g->lock);
    return bad;
}

static enum err take_again(struct gallery *g, struct entry *e, struct image *ret)
{
    if (given_up(g, e))
        return fail(E_INVALID, "%s could not be read before", e->sample->name);
    enum err err = decode(g, e->sample, ret);
    if (err == E_INVALID || err == E_NOT_FOUND || err == E_TOO_BIG) { /* it is the file, not the machine */
        give_up(g, e);
        return fail_within(E_INVALID, "%s: ", e->sample->name);
    }
    return err;
}

enum err gallery_take(struct gallery *g, size_t i, struct picture *ret)
{
    struct entry *e = &g->items[i];
    struct picture p = { .image = e->kept, .boxes = e->boxes, .n = e->n, .label = e->sample->label };
    if (!e->kept.pixels)
        TRY(take_again(g, e, &p.image));
    *ret = p;
    return OK;
}

void gallery_return(struct gallery *g, size_t i, struct picture *p)
{
    if (!g->items[i].kept.pixels)
        image_done(&p->image);
    p->image.pixels = NULL;
}
