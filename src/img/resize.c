#include "img/img.h"
#include "img/taps.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static double triangle(double away)
{
    return away < 1 ? 1 - away : 0;
}

const struct kernel kernel_triangle = { 1, triangle };

/* Shrinking widens the filter, so that every pixel counts. */
static double stretch_of(int from, int to)
{
    return from > to ? (double)from / to : 1;
}

int taps_room(const struct kernel *k, int from, int to)
{
    return (int)ceil(k->reach * stretch_of(from, to)) * 2 + 1;
}

int taps_at(const struct kernel *k, int from, int to, int i, int *ret_first, double *ret_weight)
{
    double centre = (i + 0.5) * (double)from / to, wide = stretch_of(from, to), reach = k->reach * wide, sum = 0;
    int room = taps_room(k, from, to), low = (int)(centre - reach + 0.5), high = (int)(centre + reach + 0.5);
    low = low < 0 ? 0 : low;
    high = high > from ? from : high;
    if (high - low > room)
        high = low + room;
    for (int x = low; x < high; x++)
        sum += ret_weight[x - low] = k->weight(fabs(x + 0.5 - centre) / wide);
    for (int x = low; x < high; x++)
        ret_weight[x - low] /= sum;
    *ret_first = low;
    return high - low;
}

/* Whole numbers alone, so that the result is the same whichever registers the processor has. */
#define WIDE __attribute__((target_clones("avx2", "default")))

/* One axis of the resampling: output i is the sum over k of weight[i * room + k] * input[first[i] + k]. Weights are in 1/ONE and
 * sum to ONE exactly, so that a flat area stays flat. */
enum { ONE = 1 << 14 };
struct taps {
    int *first, *count;
    int16_t *weight;
    int room;
};

static void taps_init(struct taps *t, int from, int to)
{
    t->room = taps_room(&kernel_triangle, from, to);
    t->first = heap_take(sizeof(int) * (size_t)to);
    t->count = heap_take(sizeof(int) * (size_t)to);
    t->weight = heap_take(sizeof(int16_t) * (size_t)to * (size_t)t->room);
    double *w = heap_take(sizeof(double) * (size_t)t->room);
    for (int i = 0; i < to; i++) {
        int16_t *out = t->weight + (size_t)i * (size_t)t->room;
        int left = ONE, best = 0;
        t->count[i] = taps_at(&kernel_triangle, from, to, i, &t->first[i], w);
        for (int k = 0; k < t->count[i]; k++) {
            out[k] = (int16_t)lround(w[k] * ONE);
            left -= out[k];
            best = out[k] > out[best] ? k : best;
        }
        out[best] = (int16_t)(out[best] + left);
    }
    free(w);
}

static void auto_taps(struct taps *t)
{
    free(t->first);
    free(t->count);
    free(t->weight);
}

/* Rows are summed as wholes, so this is the axis that the compiler makes fast; it goes first when it makes the image smaller. */
WIDE static void resize_rows(const uint8_t *from, uint8_t *to, size_t row, int height, const struct taps *t)
{
    enum { STRIP = 1024 };
    int32_t sum[STRIP];
    for (int y = 0; y < height; y++, to += row)
        for (size_t at = 0; at < row; at += STRIP) {
            size_t n = row - at < STRIP ? row - at : STRIP;
            for (size_t i = 0; i < n; i++)
                sum[i] = ONE / 2;
            for (int k = 0; k < t->count[y]; k++) {
                const uint8_t *p = from + (size_t)(t->first[y] + k) * row + at;
                int32_t w = t->weight[(size_t)y * (size_t)t->room + (size_t)k];
                for (size_t i = 0; i < n; i++)
                    sum[i] += w * p[i];
            }
            for (size_t i = 0; i < n; i++)
                to[at + i] = (uint8_t)(sum[i] / ONE);
        }
}

WIDE static void resize_columns(const uint8_t *from, uint8_t *to, int from_width, int width, int height, const struct taps *t)
{
    for (int y = 0; y < height; y++, from += (size_t)from_width * 3)
        for (int x = 0; x < width; x++, to += 3) {
            const uint8_t *p = from + (size_t)t->first[x] * 3;
            const int16_t *w = t->weight + (size_t)x * (size_t)t->room;
            int32_t r = ONE / 2, g = ONE / 2, b = ONE / 2;
            for (int k = 0; k < t->count[x]; k++, p += 3) {
                r += w[k] * p[0];
                g += w[k] * p[1];
                b += w[k] * p[2];
            }
            to[0] = (uint8_t)(r / ONE);
            to[1] = (uint8_t)(g / ONE);
            to[2] = (uint8_t)(b / ONE);
        }
}

static enum err resize_height(const struct image *from, int height, struct image *ret)
{
    AUTO(taps) struct taps t = { 0 };
    taps_init(&t, from->height, height);
    TRY(image_new(from->width, height, ret));
    resize_rows(from->pixels, ret->pixels, (size_t)from->width * 3, height, &t);
    return OK;
}

static enum err resize_width(const struct image *from, int width, struct image *ret)
{
    AUTO(taps) struct taps t = { 0 };
    taps_init(&t, from->width, width);
    TRY(image_new(width, from->height, ret));
    resize_columns(from->pixels, ret->pixels, from->width, width, from->height, &t);
    return OK;
}

enum err image_resize(const struct image *from, int width, int height, struct image *ret)
{
    if (width < 1 || height < 1 || width > IMAGE_SIDE || height > IMAGE_SIDE)
        return fail(E_INVALID, "cannot resize to %d×%d pixels", width, height);
    AUTO(image) struct image middle = { 0 };
    struct image done = { 0 };
    bool rows_first = height <= from->height;
    TRY(rows_first ? resize_height(from, height, &middle) : resize_width(from, width, &middle));
    TRY(rows_first ? resize_width(&middle, width, &done) : resize_height(&middle, height, &done));
    done.full_width = from->full_width;
    done.full_height = from->full_height;
    *ret = done;
    return OK;
}

void image_fit(int width, int height, int max_width, int max_height, int *ret_width, int *ret_height)
{
    double x = (double)max_width / width, y = (double)max_height / height, scale = x < y ? x : y;
    int w = (int)lround(width * scale), h = (int)lround(height * scale);
    *ret_width = w < 1 ? 1 : w > max_width ? max_width : w;
    *ret_height = h < 1 ? 1 : h > max_height ? max_height : h;
}

enum err image_turn(struct image *image, int orientation)
{
    /* Where the pixel shown at (x, y) is stored: column and row as a sign and an axis each (Exif 2.32, tag 0x0112). */
    static const struct {
        bool swap, right, bottom; /* axes swapped; stored column, row counted from the far side */
    } turns[9] = {
        [2] = { .right = true },
        [3] = { .right = true, .bottom = true },
        [4] = { .bottom = true },
        [5] = { .swap = true },
        [6] = { .swap = true, .bottom = true },
        [7] = { .swap = true, .right = true, .bottom = true },
        [8] = { .swap = true, .right = true },
    };
    if (orientation < 2 || orientation > 8)
        return OK;
    bool swap = turns[orientation].swap;
    AUTO(image) struct image shown = { 0 };
    TRY(image_new(swap ? image->height : image->width, swap ? image->width : image->height, &shown));
    ptrdiff_t pixel = 3, row = (ptrdiff_t)image->width * 3;
    const uint8_t *start = image->pixels;
    if (turns[orientation].right) {
        start += row - 3;
        pixel = -pixel;
    }
    if (turns[orientation].bottom) {
        start += (ptrdiff_t)(image->height - 1) * row;
        row = -row;
    }
    ptrdiff_t along_x = swap ? row : pixel, along_y = swap ? pixel : row;
    uint8_t *to = shown.pixels;
    for (int y = 0; y < shown.height; y++) {
        const uint8_t *p = start + y * along_y;
        for (int x = 0; x < shown.width; x++, to += 3) {
            memcpy(to, p, 3);
            p = x + 1 < shown.width ? p + along_x : p;
        }
    }
    shown.full_width = swap ? image->full_height : image->full_width;
    shown.full_height = swap ? image->full_width : image->full_height;
    struct image old = *image;
    *image = shown;
    shown = old;
    return OK;
}

static void to_planes(const struct image *image, int width, int height, float value[3][256], float *ret)
{
    size_t plane = (size_t)width * (size_t)height;
    for (int y = 0; y < image->height; y++) {
        const uint8_t *p = image->pixels + (size_t)y * (size_t)image->width * 3;
        float *to = ret + (size_t)y * (size_t)width;
        for (int x = 0; x < image->width; x++, p += 3) {
            to[x] = value[0][p[0]];
            to[plane + (size_t)x] = value[1][p[1]];
            to[2 * plane + (size_t)x] = value[2][p[2]];
        }
    }
}

typedef float value_table[3][256];

static void fill_values(const struct normalise *n, value_table ret)
{
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < 256; i++)
            ret[c][i] = ((float)i * n->scale - n->mean[c]) / n->std[c];
}

static int full_width(const struct image *i)
{
    return i->full_width > 0 ? i->full_width : i->width;
}
static int full_height(const struct image *i)
{
    return i->full_height > 0 ? i->full_height : i->height;
}

enum err image_letterbox(const struct image *image, int width, int height, const struct normalise *normalise, float *ret,
                         int *ret_width, int *ret_height)
{
    int w, h;
    image_fit(full_width(image), full_height(image), width, height, &w, &h);
    AUTO(image) struct image resized = { 0 };
    const struct image *from = image;
    if (w != image->width || h != image->height) {
        TRY(image_resize(image, w, h, &resized));
        from = &resized;
    }
    value_table value;
    fill_values(normalise, value);
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < height; y++) {
            float *row = ret + ((size_t)c * (size_t)height + (size_t)y) * (size_t)width;
            for (int x = y < h ? w : 0; x < width; x++)
                row[x] = value[c][normalise->pad];
        }
    to_planes(from, width, height, value, ret);
    *ret_width = w;
    *ret_height = h;
    return OK;
}

enum err image_small(const struct image *image, int side, uint8_t *ret)
{
    AUTO(image) struct image small = { 0 };
    TRY(image_resize(image, side, side, &small));
    memcpy(ret, small.pixels, (size_t)side * (size_t)side * 3);
    return OK;
}

enum err image_stretch(const struct image *image, int width, int height, const struct normalise *normalise, float *ret)
{
    int w, h;
    AUTO(image) struct image fitted = { 0 };
    AUTO(image) struct image stretched = { 0 };
    value_table value;
    fill_values(normalise, value);
    image_fit(full_width(image), full_height(image), width, height, &w, &h);
    TRY(image_resize(image, w, h, &fitted));
    TRY(image_resize(&fitted, width, height, &stretched));
    to_planes(&stretched, width, height, value, ret);
    return OK;
}

/* The part of the image in pixels of it, moved together without gaps. */
static void cut(struct image *im, int x, int y, int width, int height)
{
    for (int row = 0; row < height; row++)
        memmove(im->pixels + (size_t)row * (size_t)width * 3, im->pixels + ((size_t)(y + row) * (size_t)im->width + (size_t)x) * 3,
                (size_t)width * 3);
    im->width = width;
    im->height = height;
}

/* Half of n, rounded to even, which is where torchvision's centre crop begins. */
static int half(int n)
{
    return n / 2 + (n % 2 && n / 2 % 2);
}

enum err image_cover(const struct image *image, int width, int height, const struct normalise *normalise, float *ret)
{
    double across = (double)width / full_width(image), down = (double)height / full_height(image);
    double scale = across > down ? across : down;
    int w = (int)(full_width(image) * scale + 1e-6), h = (int)(full_height(image) * scale + 1e-6);
    AUTO(image) struct image covering = { 0 };
    value_table value;
    fill_values(normalise, value);
    w = w < width ? width : w;
    h = h < height ? height : h;
    TRY(image_resize(image, w, h, &covering));
    cut(&covering, half(w - width), half(h - height), width, height);
    to_planes(&covering, width, height, value, ret);
    return OK;
}
