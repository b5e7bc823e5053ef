/* The loops for wide registers against those for any processor. */
#include "base/test.h"
#include "nn/bf16.h"
#include "nn/kernels/rows.h"
#include "nn/kernels/taps.h"
#include "nn/kernels/winograd.h"
#include <math.h>
#include <string.h>

enum { FLOATS = 3 * 24, ROWS = 5, PITCH = FLOATS + 7, ROOM = ROWS * PITCH + 64, FACTORS = 96 };

static float some(size_t i, float reach)
{
    return reach * ((float)((i + 1) * 7919 % 1009) / 1009 - 0.5f);
}

static void fill(void *to, bool half, size_t n, size_t first)
{
    for (size_t i = 0; i < n; i++)
        if (half)
            ((uint16_t *)to)[i] = bf16_of(some(first + i, 4));
        else
            ((float *)to)[i] = some(first + i, 4);
}

static float read(const void *from, bool half, size_t i)
{
    return half ? bf16_to_float(((const uint16_t *)from)[i]) : ((const float *)from)[i];
}

static void check_same(const char *what, const struct map *m, const void *a, const void *b, bool half, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float x = read(a, half, i), y = read(b, half, i);
        if (!(fabsf(x - y) <= (m->half_x || m->half_y ? 8e-3f : 2e-5f) * (1 + fabsf(x))))
            fail_msg("%s, activation %d, bf16 %d %d: %zu is %g and %g", what, (int)m->act, m->half_x, m->half_y, i, (double)x,
                     (double)y);
    }
}

/* What both ways make of the same rows; a way's values stay in its own places. */
struct tried {
    float x[ROOM], y[ROOM], dy[ROOM], dx[ROOM], a[FACTORS], b[FACTORS];
};
static void try_rows(const struct rows_way *way, const struct map *m, struct tried *t)
{
    float scale[FACTORS], shift[FACTORS], mean[FACTORS];
    struct row_factors f = { scale, shift, mean, t->a, t->b };
    struct rows r = { t->x, t->dy, t->y, t->dx, ROWS, FLOATS, PITCH };
    memset(t, 0, sizeof *t);
    for (size_t i = 0; i < FACTORS; i++) {
        scale[i] = 1 + some(i, 1);
        shift[i] = some(i + 5, 2);
        mean[i] = some(i + 9, 1);
    }
    fill(t->x, m->half_x, ROWS * FLOATS, 1);
    fill(t->dy, m->half_y, ROWS * PITCH, 500);
    way->moments(&r, m->half_x, t->a, t->b);
    way->apply(&r, m, &f);
    way->back_sums(&r, m, &f);
    way->back_apply(&r, m, &f);
}

TEST(norms_and_activations_are_the_same_on_wide_registers)
{
    static struct tried plain, wide;
    for (int k = 0; k < 16 && rows_are_wide(k & 3); k++) {
        struct map m = { (enum act)(k / 4), k & 1, k & 2 };
        try_rows(&rows_plain, &m, &plain);
        try_rows(&rows_wide, &m, &wide);
        check_same("values", &m, plain.y, wide.y, m.half_y, ROWS * PITCH);
        check_same("gradients", &m, plain.dx, wide.dx, m.half_x, ROWS * FLOATS);
        check_same("sums", &m, plain.a, wide.a, false, FLOATS);
        check_same("products", &m, plain.b, wide.b, false, FLOATS);
    }
}

TEST(depthwise_rows_are_the_same_on_wide_registers)
{
    static const int shapes[][2] = { { 1, 1 }, { 2, 1 }, { 3, 1 }, { 3, 2 }, { 5, 1 }, { 5, 2 } };
    enum { WIDTH = 13, CHANNELS = 21, WHOLE = 32 };
    static float in[WIDTH * CHANNELS], grad[WIDTH * CHANNELS], out[2][WIDTH * CHANNELS], w[TAPS_MOST][WHOLE],
        sums[2][TAPS_MOST][WHOLE];
    struct map f32 = { ACT_NONE, false, false };
    fill(in, false, WIDTH * CHANNELS, 3);
    fill(grad, false, WIDTH * CHANNELS, 77);
    for (int t = 0; t < TAPS_MOST; t++)
        fill(w[t], false, CHANNELS, (size_t)t * 31);
    for (size_t k = 0; k < COUNT_OF(shapes) && taps_are_wide(false); k++)
        for (int adds = 0; adds < 2; adds++) {
            int taps = shapes[k][0], stride = shapes[k][1], width = (WIDTH - 1) / stride + 1;
            for (int i = 0; i < 2; i++) {
                struct taps_row r = { .n_lines = 1,
                                      .taps = taps,
                                      .stride = stride,
                                      .first = -(taps / 2),
                                      .in_width = WIDTH,
                                      .out_width = width,
                                      .channels = CHANNELS,
                                      .out = out[i],
                                      .out_step = 1,
                                      .adds = adds };
                struct taps_sums s = { in, grad, taps, stride, -(taps / 2), WIDTH, width, CHANNELS, false, false, { NULL } };
                r.lines[0].in = in;
                for (int t = 0; t < taps; t++) {
                    r.lines[0].w[t] = w[t];
                    s.sum[t] = sums[i][t];
                }
                (i ? taps_row_wide : taps_row)(&r);
                (i ? taps_sums_wide : taps_sums)(&s);
            }
            check_same("outputs", &f32, out[0], out[1], false, (size_t)(width * CHANNELS));
            check_same("sums", &f32, sums[0], sums[1], false, (size_t)((taps - 1) * WHOLE + CHANNELS));
        }
}

/* What a way makes of 3 images of 5 × 7 pixels, for `IN` and `OUT` channels. */
enum { HIGH = 5, BROAD = 7, IN = 32, OUT = 80, TILES = 3 * 3 * 4, SPAN = 40, PIXELS = 3 * HIGH * BROAD };
struct filtered {
    uint32_t pixels[16 * SPAN * IN], pairs[16 * SPAN * IN], grads[16 * SPAN * OUT], weights[16 * IN * OUT], turned[16 * IN * OUT];
    float results[16 * SPAN * OUT], sums[16 * OUT * IN], y[PIXELS * OUT], dw[OUT * 9 * IN];
};
static void filter(const struct winograd_way *way, struct filtered *f)
{
    static float x[PIXELS * IN], dy[PIXELS * OUT], w[OUT * 9 * IN];
    long units = way->half ? 2 : 1;
    fill(x, false, PIXELS * IN, 1);
    fill(dy, false, PIXELS * OUT, 500);
    fill(w, false, OUT * 9 * IN, 900);
    fill(f->y, false, PIXELS * OUT, 70);
    fill(f->dw, false, OUT * 9 * IN, 50);
    struct winograd_span span = { 0, TILES, SPAN };
    struct winograd_pixels in = { x, false, HIGH, BROAD, IN, 1, 1, 3, 4 }, out = { dy, false, HIGH, BROAD, OUT, 0, 0, 3, 4 },
                           to = out;
    to.values = f->y;
    way->take(&in, &span, false, f->pixels);
    way->take(&in, &span, true, f->pairs);
    way->take_grad(&out, &span, f->grads);
    way->take_weights(w, OUT, IN, false, f->weights);
    way->take_weights(w, OUT, IN, true, f->turned);
    for (long k = 0; k < WINOGRAD_PLACES; k++) {
        way->product(&(struct winograd_product){ f->pixels + k * SPAN * IN / units, f->weights + k * IN / units * OUT,
                                                 f->results + k * SPAN * OUT, SPAN, OUT, IN / units, IN / units, 1, false });
        for (int half = 0; half < 2; half++) /* the second adds to the first */
            way->product(&(struct winograd_product){ f->grads + (2 * k + half) * SPAN / 2 / units * OUT,
                                                     f->pairs + (2 * k + half) * SPAN / 2 / units * IN, f->sums + k * OUT * IN, OUT,
                                                     IN, SPAN / 2 / units, 1, OUT, half });
    }
    way->give(&to, &span, f->results, true);
    way->give_weights(f->sums, OUT, IN, f->dw);
}

/* Numbers that are multiplied, [middle or tile][column] in f32; in bf16 two of the first index share a unit, or (by_column) of the
 * second. */
static void check_multiplied(const char *what, const uint32_t *plain, const struct winograd_way *way, const uint32_t *other,
                             long rows, long columns, bool by_column)
{
    for (long i = 0; i < rows * columns; i++) {
        long row = i / columns, column = i % columns;
        long at = !way->half || by_column ? i : (row / 2 * columns + column) * 2 + row % 2;
        float x = read(plain, false, (size_t)i), y = read(other, way->half, (size_t)at);
        if (!(fabsf(x - y) <= (way->half ? 8e-3f : 2e-5f) * (1 + fabsf(x))))
            fail_msg("%s, bf16 %d: row %ld, column %ld is %g and %g", what, way->half, row, column, (double)x, (double)y);
    }
}

static void check_results(const char *what, const struct winograd_way *way, const float *plain, const float *other, size_t n)
{
    double difference = 0, length = 0;
    for (size_t i = 0; i < n; i++) {
        difference += pow((double)plain[i] - (double)other[i], 2);
        length += pow((double)plain[i], 2);
    }
    if (!(sqrt(difference / length) <= (way->half ? 1e-2 : 1e-6)))
        fail_msg("%s, bf16 %d: %g of their length apart", what, way->half, sqrt(difference / length));
}

TEST(minimal_filtering_is_the_same_on_wide_registers)
{
    static struct filtered plain, other;
    const struct winograd_way *const ways[] = { &winograd_wide_f32, &winograd_wide_bf16 };
    filter(&winograd_plain, &plain);
    for (size_t k = 0; k < COUNT_OF(ways) && winograd_is_wide(ways[k]->half); k++) {
        filter(ways[k], &other);
        check_multiplied("pixels", plain.pixels, ways[k], other.pixels, 16 * SPAN, IN, true);
        check_multiplied("pairs of tiles", plain.pairs, ways[k], other.pairs, 16 * SPAN, IN, false);
        check_multiplied("gradients", plain.grads, ways[k], other.grads, 16 * SPAN, OUT, false);
        check_multiplied("weights", plain.weights, ways[k], other.weights, 16 * IN, OUT, false);
        check_multiplied("turned weights", plain.turned, ways[k], other.turned, 16 * OUT, IN, false);
        check_results("values", ways[k], plain.y, other.y, PIXELS * OUT);
        check_results("gradients of weights", ways[k], plain.dw, other.dw, OUT * 9 * IN);
    }
}

TEST(minimal_filtering_is_the_sum_over_the_window)
{
    static struct filtered f;
    static float x[PIXELS * IN], w[OUT * 9 * IN], y[PIXELS * OUT];
    filter(&winograd_plain, &f);
    fill(x, false, PIXELS * IN, 1);
    fill(w, false, OUT * 9 * IN, 900);
    fill(y, false, PIXELS * OUT, 70);
    for (long i = 0; i < PIXELS * OUT; i++)
        for (int k = 0; k < 9; k++) {
            long pixel = i / OUT, row = pixel / BROAD % HIGH + k / 3 - 1, column = pixel % BROAD + k % 3 - 1;
            const float *from = x + (pixel / BROAD / HIGH * HIGH * BROAD + row * BROAD + column) * IN;
            for (int c = 0; c < IN && row >= 0 && row < HIGH && column >= 0 && column < BROAD; c++)
                y[i] += from[c] * w[(i % OUT * 9 + k) * IN + c];
        }
    check_results("values", &winograd_plain, y, f.y, PIXELS * OUT);
}
