#include "learn/data/warp.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef float four __attribute__((vector_size(16))); /* red, green, blue, and what comes after */
typedef int32_t four_ints __attribute__((vector_size(16)));

struct tint {
    four column[3], shift, scale, bias;
};

static struct tint tint_of(const struct colouring *c, const struct normalise *n)
{
    struct tint t;
    for (int k = 0; k < 4; k++) {
        int channel = k < 3 ? k : 2;
        for (int j = 0; j < 3; j++)
            t.column[j][k] = c->weight[channel][j];
        t.shift[k] = c->shift;
        t.scale[k] = n->scale / n->std[channel];
        t.bias[k] = -n->mean[channel] / n->std[channel];
    }
    return t;
}

static inline four all(float x)
{
    return (four){ x, x, x, x };
}
static inline four load(const float *p)
{
    four v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Vectors have no ?: in C. */
static inline four either(four_ints which, four a, four b)
{
    return (four)((which & (four_ints)a) | (~which & (four_ints)b));
}

static inline four tinted(const struct tint *t, four p)
{
    const four low = all(0), high = all(255);
    four v = t->column[0] * all(p[0]) + t->column[1] * all(p[1]) + t->column[2] * all(p[2]) + t->shift;
    v = either(v > low, v, low);
    v = either(v < high, v, high);
    return v * t->scale + t->bias;
}

/* A pixel is stored with one value too many, which the next one overwrites: not so the last of a row. */
static inline void store(float *out, four v, bool last)
{
    memcpy(out, &v, last ? 3 * sizeof(float) : sizeof v);
}

/* ---- rows stay rows: sums over a column's and then over a row's neighbours */

/* One axis: output i of from … to - 1 is the sum over k of weight[(i - from) * room + k] * input[first[i - from] + k]. */
struct axis {
    int from, to, room, *first;
    float *weight;
};

static bool shows(float scale, float shift, int i, int inputs)
{
    float u = ((float)i + 0.5f - shift) / scale;
    return u >= 0 && u < (float)inputs;
}

static void axis_init(struct axis *a, float scale, float shift, int low, int high, int inputs)
{
    float step = 1 / scale, reach = fmaxf(1, fabsf(step));
    while (low < high && !shows(scale, shift, low, inputs))
        low++;
    while (low < high && !shows(scale, shift, high - 1, inputs))
        high--;
    *a = (struct axis){ .from = low, .to = high, .room = (int)ceilf(2 * reach) };
    a->room = a->room < inputs ? a->room : inputs;
    a->first = heap_take(sizeof(int) * (size_t)(high - low + 1));
    a->weight = heap_take(sizeof(float) * (size_t)(high - low + 1) * (size_t)a->room);
    for (int i = low; i < high; i++) {
        float centre = ((float)i + 0.5f - shift) * step, sum = 0, *w = a->weight + (size_t)(i - low) * (size_t)a->room;
        int first = (int)floorf(centre - reach + 0.5f);
        first = first > inputs - a->room ? inputs - a->room : first;
        first = first < 0 ? 0 : first;
        for (int k = 0; k < a->room; k++) {
            float away = fabsf((float)(first + k) + 0.5f - centre) / reach;
            sum += w[k] = away < 1 ? 1 - away : 0;
        }
        for (int k = 0; k < a->room; k++)
            w[k] /= sum;
        a->first[i - low] = first;
    }
}
static void auto_axis(struct axis *a)
{
    free(a->first);
    free(a->weight);
}

static void sum_rows(const uint8_t *from, size_t row, const float *weight, int taps, size_t n, float *restrict sum)
{
    for (size_t i = 0; i < n; i++)
        sum[i] = weight[0] * (float)from[i];
    for (int k = 1; k < taps; k++) {
        const uint8_t *p = from + (size_t)k * row;
        float w = weight[k];
        for (size_t i = 0; i < n; i++)
            sum[i] += w * (float)p[i];
    }
}

static void sum_columns(const float *row, const struct axis *x, const struct tint *t, float *out)
{
    const float *w = x->weight;
    for (int i = 0; i < x->to - x->from; i++, w += x->room, out += 3) {
        const float *p = row + (size_t)x->first[i] * 3;
        four v = all(w[0]) * load(p);
        for (int k = 1; k < x->room; k++)
            v += all(w[k]) * load(p + (size_t)k * 3);
        store(out, tinted(t, v), i + 1 == x->to - x->from);
    }
}

static void warp_straight(const struct image *im, const struct affine *at, const struct window *win, const struct tint *t,
                          int row_pixels, float *out)
{
    AUTO(axis) struct axis x;
    AUTO(axis) struct axis y;
    axis_init(&x, at->xx, at->x0, win->x0, win->x1, im->width);
    axis_init(&y, at->yy, at->y0, win->y0, win->y1, im->height);
    size_t row = (size_t)im->width * 3;
    float *sum = heap_take((row + 4) * sizeof *sum);
    memset(sum + row, 0, 4 * sizeof *sum);
    for (int i = y.from; i < y.to && x.to > x.from; i++) {
        const uint8_t *from = im->pixels + (size_t)y.first[i - y.from] * row;
        sum_rows(from, row, y.weight + (size_t)(i - y.from) * (size_t)y.room, y.room, row, sum);
        sum_columns(sum, &x, t, out + ((size_t)i * (size_t)row_pixels + (size_t)x.from) * 3);
    }
    free(sum);
}

/* ---- any map: between the four pixels around the place, which moves by a fixed step along a row */

/* The image with a border of one pixel, four values each, so that no place of the image needs a check. */
static float *bordered(const struct image *im)
{
    size_t w = (size_t)im->width, h = (size_t)im->height, row = (w + 2) * 4;
    float *all_rows = heap_take(row * (h + 2) * sizeof(float)), *to = all_rows;
    for (size_t y = 0; y < h + 2; y++) {
        const uint8_t *from = im->pixels + (y < 1 ? 0 : y > h ? h - 1 : y - 1) * w * 3;
        for (size_t x = 0; x < w + 2; x++, to += 4) {
            const uint8_t *p = from + (x < 1 ? 0 : x > w ? w - 1 : x - 1) * 3;
            four v = { p[0], p[1], p[2], 0 };
            memcpy(to, &v, sizeof v);
        }
    }
    return all_rows;
}

/* Cuts low … high to the columns at which 0 <= start + step * x < most. */
static void cut_range(float start, float step, float most, int *low, int *high)
{
    while (*low < *high && !(start + step * (float)*low >= 0 && start + step * (float)*low < most))
        ++*low;
    while (*low < *high && !(start + step * (float)(*high - 1) >= 0 && start + step * (float)(*high - 1) < most))
        --*high;
}

static void warp_row(const float *bordered, size_t row, struct point from, const struct affine *back, int n, const struct tint *t,
                     float *out)
{
    for (int x = 0; x < n; x++, out += 3) {
        float u = from.x + back->xx * (float)x + 0.5f,
              v = from.y + back->yx * (float)x + 0.5f; /* of the bordered image's centres */
        int column = (int)u, line = (int)v;
        float fx = u - (float)column, fy = v - (float)line;
        const float *p = bordered + (size_t)line * row + (size_t)column * 4;
        four above = load(p) * all(1 - fx) + load(p + 4) * all(fx);
        four below = load(p + row) * all(1 - fx) + load(p + row + 4) * all(fx);
        store(out, tinted(t, above * all(1 - fy) + below * all(fy)), x + 1 == n);
    }
}

static void warp_any(const struct image *im, const struct affine *at, const struct window *win, const struct tint *t,
                     int row_pixels, float *out)
{
    struct affine back = affine_inverse(at);
    size_t row = ((size_t)im->width + 2) * 4;
    float *from = bordered(im);
    for (int y = win->y0; y < win->y1; y++) {
        struct point start = affine_point(&back, 0.5f, (float)y + 0.5f);
        int low = win->x0, high = win->x1;
        cut_range(start.x, back.xx, (float)im->width, &low, &high);
        cut_range(start.y, back.yx, (float)im->height, &low, &high);
        struct point first = { start.x + back.xx * (float)low, start.y + back.yx * (float)low };
        warp_row(from, row, first, &back, high - low, t, out + ((size_t)y * (size_t)row_pixels + (size_t)low) * 3);
    }
    free(from);
}

/* Shrunk before, with averaging, to about the size that it will have: what is left to do is bilinear. */
static void warp_turned(const struct image *im, const struct affine *at, const struct window *win, const struct tint *t,
                        int row_pixels, float *out)
{
    static const float ENOUGH = 0.7f;
    float shrinks = affine_shrinks(at);
    int w = (int)lroundf((float)im->width * shrinks), h = (int)lroundf((float)im->height * shrinks);
    AUTO(image) struct image small = { 0 };
    if (shrinks > ENOUGH || w < 1 || h < 1 || image_resize(im, w, h, &small) != OK) {
        warp_any(im, at, win, t, row_pixels, out);
        return;
    }
    struct affine grown = affine_scale((float)im->width / (float)w, (float)im->height / (float)h, 0, 0);
    struct affine all_of_it = affine_then(&grown, at);
    warp_any(&small, &all_of_it, win, t, row_pixels, out);
}

void warp_image(const struct image *im, const struct affine *at, const struct window *win, const struct colouring *c,
                const struct normalise *n, int row_pixels, float *out)
{
    struct tint t = tint_of(c, n);
    if (affine_is_straight(at))
        warp_straight(im, at, win, &t, row_pixels, out);
    else
        warp_turned(im, at, win, &t, row_pixels, out);
}

void warp_mask(const uint8_t *values, int width, int height, const struct affine *at, const struct window *win, int row_pixels,
               uint8_t *out)
{
    struct affine back = affine_inverse(at);
    for (int y = win->y0; y < win->y1; y++) {
        struct point start = affine_point(&back, 0.5f, (float)y + 0.5f);
        for (int x = win->x0; x < win->x1; x++) {
            float u = start.x + back.xx * (float)x, v = start.y + back.yx * (float)x;
            if (u >= 0 && u < (float)width && v >= 0 && v < (float)height)
                out[(size_t)y * (size_t)row_pixels + (size_t)x] = values[(size_t)(int)v * (size_t)width + (size_t)(int)u];
        }
    }
}
