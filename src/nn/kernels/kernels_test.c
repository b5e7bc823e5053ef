/* The loops for wide registers against those for any processor. */
#include "base/test.h"
#include "nn/bf16.h"
#include "nn/kernels/rows.h"
#include "nn/kernels/taps.h"
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
    for (int k = 0; k < 16 && rows_are_wide(); k++) {
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
    for (size_t k = 0; k < COUNT_OF(shapes) && taps_are_wide(); k++)
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
