/* Run lengths of masks: background and object in turns, down the columns (cocoapi, maskApi.c). */
#include "foreign/reader.h"
#include <string.h>

void rle_put(struct text *t, int64_t run, int64_t before, size_t i)
{
    int64_t x = i > 2 ? run - before : run;
    for (bool more = true; more;) {
        char c = (char)(x & 31);
        x >>= 5;
        more = c & 16 ? x != -1 : x != 0;
        c = (char)((more ? c | 32 : c) + 48);
        text_bytes(t, &c, 1);
    }
}

/* The next number of the text; false when it is none. */
static bool number(const char **p, int64_t *ret)
{
    int64_t x = 0;
    int shift = 0, c;
    do {
        c = **p ? *(*p)++ - 48 : -1;
        if (c < 0 || c > 63 || shift > 50)
            return false;
        x |= (int64_t)(c & 31) << shift;
        shift += 5;
    } while (c & 32);
    *ret = c & 16 ? x | -((int64_t)1 << shift) : x;
    return true;
}

struct bounds {
    int64_t x0, y0, x1, y1; /* x1, y1: the last ones inside */
};

static void widen(struct bounds *b, int64_t from, int64_t to, int64_t height)
{
    int64_t first = from / height, last = to / height;
    b->x0 = b->x0 < first ? b->x0 : first;
    b->x1 = b->x1 > last ? b->x1 : last;
    int64_t y0 = first < last ? 0 : from % height, y1 = first < last ? height - 1 : to % height;
    b->y0 = b->y0 < y0 ? b->y0 : y0;
    b->y1 = b->y1 > y1 ? b->y1 : y1;
}

static enum err measure(const char *mask, int width, int height, double ret[4], double *ret_area)
{
    int64_t all = (int64_t)width * height, sum = 0, before[2] = { 0, 0 };
    struct bounds b = { width, height, -1, -1 };
    size_t i = 0;
    *ret_area = 0;
    for (const char *p = mask; *p; i++) {
        int64_t run;
        if (!number(&p, &run))
            return fail(E_INVALID, "character %zu of the mask is no run length", (size_t)(p - mask));
        run += i > 2 ? before[i % 2] : 0;
        before[i % 2] = run;
        if (run < 0 || run > all - sum)
            return fail(E_INVALID, "the mask does not fit an image of %d x %d", width, height);
        if (i % 2 && run) {
            widen(&b, sum, sum + run - 1, height);
            *ret_area += (double)run;
        }
        sum += run;
    }
    if (sum != all || b.x1 < 0)
        return fail(E_INVALID, b.x1 < 0 ? "the mask is empty" : "the mask does not cover an image of %d x %d", width, height);
    ret[0] = (double)b.x0;
    ret[1] = (double)b.y0;
    ret[2] = (double)(b.x1 - b.x0 + 1);
    ret[3] = (double)(b.y1 - b.y0 + 1);
    return OK;
}

enum err rle_box(const char *mask, int width, int height, double ret[4])
{
    double area;
    return measure(mask, width, height, ret, &area);
}

enum err foreign_mask_box(const struct foreign_shape *s, double ret[4])
{
    return rle_box(s->mask, s->mask_width, s->mask_height, ret);
}

double foreign_mask_area(const struct foreign_shape *s)
{
    double box[4], area;
    return measure(s->mask, s->mask_width, s->mask_height, box, &area) == OK ? area : 0;
}
