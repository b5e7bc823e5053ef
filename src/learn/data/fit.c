#include "learn/data/fit.h"
#include "base/file.h"
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOKED_AT = 48, SIZE_LEAST = 64, SIZE_MOST = 640 };
static const float WANTED = 16; /* pixels of a small object's side: two cells of the finest level */

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}
static float at_share(float *values, size_t n, double share)
{
    if (!n)
        return 0;
    qsort(values, n, sizeof *values, by_value);
    return values[(size_t)((double)(n - 1) * share)];
}

static float longer_side(struct decoder *decoder, const struct sample *s)
{
    struct image_info info;
    AUTO(fd) int fd = open(s->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || decoder_probe(decoder, fd, &info) != OK)
        return 0;
    return (float)(info.width > info.height ? info.width : info.height);
}

static size_t add_boxes(const struct sample *s, float longer, float *ret)
{
    size_t n = 0;
    for (int i = 0; i < s->n; i++) {
        float area = box_area(&s->boxes[i].box);
        if (area > 0)
            ret[n++] = sqrtf(area) / longer;
    }
    return n;
}

struct extent fit_measure(struct decoder *decoder, const struct samples *s)
{
    AUTO(arena) struct arena *a = arena_new();
    size_t looked = s->n < LOOKED_AT ? s->n : LOOKED_AT, n = 0, n_boxes = 0, room = 0;
    float *longer = arena_new_array(a, float, looked + 1);
    for (size_t i = 0; i < looked; i++)
        room += (size_t)s->items[i * s->n / looked].n;
    float *small = arena_new_array(a, float, room + 1);
    for (size_t i = 0; i < looked; i++) {
        const struct sample *one = &s->items[i * s->n / looked];
        float side = longer_side(decoder, one);
        if (side <= 0)
            continue;
        longer[n++] = side;
        n_boxes += add_boxes(one, side, small + n_boxes);
    }
    return (struct extent){ at_share(longer, n, 0.5), at_share(small, n_boxes, 0.1) };
}

static int64_t up_to(double size, int64_t step)
{
    return (int64_t)ceil(size / (double)step) * step;
}

/* Large enough for small objects; not larger than the images, since enlarging them shows nothing more. */
int64_t fit_image_size(const struct extent *e, int64_t usual, int64_t step, bool whole)
{
    int64_t size = usual, most = e->longer > 0 ? up_to((double)e->longer, step) : size;
    if (!whole && e->small > 0 && WANTED / e->small > (float)size)
        size = WANTED / e->small < SIZE_MOST ? up_to((double)(WANTED / e->small), step) : SIZE_MOST / step * step;
    size = size < most ? size : most;
    return size > SIZE_LEAST ? size : up_to(SIZE_LEAST, step);
}

int64_t fit_batch_size(size_t bytes, size_t room, size_t images, bool whole)
{
    int64_t n = whole ? 16 : 8;
    while (n > 4 && (size_t)n > images)
        n /= 2;
    while (n > 1 && (size_t)n * bytes > room / 2)
        n /= 2;
    return n;
}
