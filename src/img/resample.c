/* Pictures made smaller or larger as the common tools do it: the same pixels, weights of the same precision, rounded at the same
 * places. What a network brought along has learnt from is what it must see. */
#include "img/img.h"
#include "img/taps.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the four pixels around: weights of 11 bits, columns before rows, 4 bits dropped between */

enum { FINE = 1 << 11 };

/* Where an output pixel lies between two input pixels, and the weights of both. */
struct between {
    int low, high;
    int32_t weight[2];
};

/* Beyond the edge a column is one pixel; a row is mixed of the same one twice, which rounds otherwise. */
static struct between *between_all(int from, int to, bool rows)
{
    struct between *all = heap_take(sizeof *all * (size_t)to);
    double step = 1 / ((double)to / from);
    for (int i = 0; i < to; i++) {
        float at = (float)((i + 0.5) * step - 0.5), low = floorf(at), part = at - low;
        bool before = low < 0, behind = low >= (float)(from - 1);
        all[i].low = before ? 0 : behind ? from - 1 : (int)low;
        all[i].high = before || behind ? all[i].low : all[i].low + 1;
        part = !rows && (before || behind) ? 0 : part;
        all[i].weight[0] = (int32_t)lrintf((1 - part) * FINE);
        all[i].weight[1] = (int32_t)lrintf(part * FINE);
    }
    return all;
}

static void mix_columns(const uint8_t *from, const struct between *x, int width, int32_t *to)
{
    for (int i = 0; i < width; i++, to += 3) {
        const uint8_t *a = from + (size_t)x[i].low * 3, *b = from + (size_t)x[i].high * 3;
        for (int c = 0; c < 3; c++)
            to[c] = (a[c] * x[i].weight[0] + b[c] * x[i].weight[1]) >> 4;
    }
}

static void mix_rows(const int32_t *a, const int32_t *b, const int32_t weight[2], size_t n, uint8_t *to)
{
    int32_t wa = weight[0], wb = weight[1];
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)(((a[i] * wa >> 16) + (b[i] * wb >> 16) + 2) >> 2);
}

/* Rows are asked for in order, so that two of them are enough. */
static void resample_linear(const struct image *from, struct image *to)
{
    size_t n = (size_t)to->width * 3;
    struct between *x = between_all(from->width, to->width, false), *y = between_all(from->height, to->height, true);
    int32_t *rows = heap_take(2 * n * sizeof *rows);
    int holds[2] = { -1, -1 };
    for (int i = 0; i < to->height; i++) {
        const int wanted[2] = { y[i].low, y[i].high };
        int32_t *row[2];
        for (int k = 0; k < 2; k++) {
            int at = wanted[k] % 2;
            row[k] = rows + (size_t)at * n;
            if (holds[at] != wanted[k])
                mix_columns(from->pixels + (size_t)wanted[k] * (size_t)from->width * 3, x, to->width, row[k]);
            holds[at] = wanted[k];
        }
        mix_rows(row[0], row[1], y[i].weight, n, to->pixels + (size_t)i * n);
    }
    free(rows);
    free(x);
    free(y);
}

/* ---- all pixels under a filter: whole numbers as weights, bytes between columns and rows */

static double cubic(double x)
{
    static const double a = -0.5;
    return x < 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

static const struct kernel kernel_cubic = { 2, cubic };

struct fine_taps {
    int *first, *count, room;
    int bits; /* of the fractions of weights */
    int32_t *weight;
};

/* As many as leave the greatest weight within 15 bits. */
static int bits_of(const double *w, size_t n)
{
    double most = 0;
    int bits = 0;
    for (size_t i = 0; i < n; i++)
        most = w[i] > most ? w[i] : most;
    while (bits < 22 && (int)(0.5 + most * (1 << (bits + 1))) < 1 << 15)
        bits++;
    return bits;
}

/* bits 0: as many as fit. */
static void fine_taps_init(struct fine_taps *t, const struct kernel *k, int from, int to, int bits)
{
    t->room = taps_room(k, from, to);
    t->first = heap_take(sizeof(int) * (size_t)to);
    t->count = heap_take(sizeof(int) * (size_t)to);
    t->weight = heap_take(sizeof(int32_t) * (size_t)to * (size_t)t->room);
    size_t n = (size_t)to * (size_t)t->room;
    double *w = heap_take(sizeof(double) * n);
    for (int i = 0; i < to; i++)
        t->count[i] = taps_at(k, from, to, i, &t->first[i], w + (size_t)i * (size_t)t->room);
    t->bits = bits ? bits : bits_of(w, n);
    for (size_t i = 0; i < n; i++)
        t->weight[i] = (int32_t)lround(w[i] * (1 << t->bits));
    free(w);
}

static void auto_fine_taps(struct fine_taps *t)
{
    free(t->first);
    free(t->count);
    free(t->weight);
}

static uint8_t byte_of(int32_t sum, int bits)
{
    sum >>= bits;
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

static void filter_columns(const struct image *from, const struct fine_taps *t, struct image *to)
{
    uint8_t *out = to->pixels;
    for (int y = 0; y < to->height; y++) {
        const uint8_t *row = from->pixels + (size_t)y * (size_t)from->width * 3;
        for (int x = 0; x < to->width; x++, out += 3) {
            const uint8_t *p = row + (size_t)t->first[x] * 3;
            const int32_t *w = t->weight + (size_t)x * (size_t)t->room;
            int32_t r = 1 << (t->bits - 1), g = r, b = r;
            for (int k = 0; k < t->count[x]; k++, p += 3) {
                r += w[k] * p[0];
                g += w[k] * p[1];
                b += w[k] * p[2];
            }
            out[0] = byte_of(r, t->bits);
            out[1] = byte_of(g, t->bits);
            out[2] = byte_of(b, t->bits);
        }
    }
}

static void filter_rows(const struct image *from, const struct fine_taps *t, struct image *to)
{
    size_t n = (size_t)to->width * 3;
    int32_t *sum = heap_take(n * sizeof *sum);
    for (int y = 0; y < to->height; y++) {
        for (size_t i = 0; i < n; i++)
            sum[i] = 1 << (t->bits - 1);
        for (int k = 0; k < t->count[y]; k++) {
            const uint8_t *p = from->pixels + (size_t)(t->first[y] + k) * n;
            int32_t w = t->weight[(size_t)y * (size_t)t->room + (size_t)k];
            for (size_t i = 0; i < n; i++)
                sum[i] += w * p[i];
        }
        for (size_t i = 0; i < n; i++)
            to->pixels[(size_t)y * n + i] = byte_of(sum[i], t->bits);
    }
    free(sum);
}

/* Which of the two goes first shows in the last bit; this is Pillow's choice. */
static bool rows_first(const struct image *from, const struct image *to)
{
    return to->height < from->height && 2 * (from->width - to->width) < from->height - to->height;
}

static enum err resample_filtered(const struct image *from, const struct kernel *k, bool tensor, struct image *to)
{
    enum { PILLOW_BITS = 22 };
    AUTO(image) struct image middle = { 0 };
    AUTO(fine_taps) struct fine_taps across = { 0 }, down = { 0 };
    bool rows = !tensor && rows_first(from, to);
    TRY(image_new(rows ? from->width : to->width, rows ? to->height : from->height, &middle));
    fine_taps_init(&across, k, from->width, to->width, tensor ? 0 : PILLOW_BITS);
    fine_taps_init(&down, k, from->height, to->height, tensor ? 0 : PILLOW_BITS);
    if (rows) {
        filter_rows(from, &down, &middle);
        filter_columns(&middle, &across, to);
    } else {
        filter_columns(from, &across, &middle);
        filter_rows(&middle, &down, to);
    }
    return OK;
}

/* ---- one pixel */

/* The step is added up, so that what it rounds is the same. */
static int *nearest_all(int from, int to)
{
    int *all = heap_take(sizeof *all * (size_t)to);
    double step = (double)from / to, at = step * 0.5;
    for (int i = 0; i < to; i++, at += step)
        all[i] = at < from - 1 ? (int)at : from - 1;
    return all;
}

static void resample_nearest(const struct image *from, struct image *to)
{
    int *x = nearest_all(from->width, to->width), *y = nearest_all(from->height, to->height);
    uint8_t *out = to->pixels;
    for (int i = 0; i < to->height; i++)
        for (int k = 0; k < to->width; k++, out += 3)
            memcpy(out, from->pixels + ((size_t)y[i] * (size_t)from->width + (size_t)x[k]) * 3, 3);
    free(x);
    free(y);
}

enum err image_resample(const struct image *from, enum image_filter filter, int width, int height, struct image *ret)
{
    AUTO(image) struct image done = { 0 };
    if (width < 1 || height < 1 || width > IMAGE_SIDE || height > IMAGE_SIDE)
        return fail(E_INVALID, "cannot resize to %d×%d pixels", width, height);
    TRY(image_new(width, height, &done));
    switch (filter) {
    case FILTER_LINEAR: resample_linear(from, &done); break;
    case FILTER_TRIANGLE: TRY(resample_filtered(from, &kernel_triangle, false, &done)); break;
    case FILTER_TENSOR: TRY(resample_filtered(from, &kernel_triangle, true, &done)); break;
    case FILTER_CUBIC: TRY(resample_filtered(from, &kernel_cubic, false, &done)); break;
    case FILTER_NEAREST: resample_nearest(from, &done); break;
    }
    done.full_width = from->full_width;
    done.full_height = from->full_height;
    *ret = done;
    done = (struct image){ 0 };
    return OK;
}
