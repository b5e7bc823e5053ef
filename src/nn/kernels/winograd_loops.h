/* The loops of winograd.h, for as many channels at a time as a register holds. Who includes this has defined LANES, TOGETHER (rows
 * of a product whose sums registers hold), the attribute LOOPS of every function, and
 *     lanes                                      a vector of LANES floats
 *     lanes lanes_load(const void *, long i, bool half), void lanes_store(void *, long i, lanes, bool half)
 */
#include "nn/kernels/winograd.h"

#define LOOP LOOPS static inline __attribute__((always_inline))
enum { PLACES = WINOGRAD_PLACES, VECTORS = 3 };

/* The pixels of a window of a tile, `side` × `side`. */
struct window {
    const void *pixel[PLACES];
};

static const float zeros[WINOGRAD_CHANNELS_MOST];

/* outside: what stands for pixels outside the image, and for those of a tile that is none. */
LOOP struct window window_of(const struct winograd_pixels *p, const struct winograd_span *s, long i, int side, const void *outside)
{
    struct window w;
    long tile = s->first + i, image = tile / (p->rows * p->columns);
    int y0 = (int)(tile / p->columns % p->rows) * 2 - p->top, x0 = (int)(tile % p->columns) * 2 - p->left;
    long each = (p->half ? 2 : 4) * p->c;
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            bool inside = i < s->count && y0 + y >= 0 && y0 + y < p->h && x0 + x >= 0 && x0 + x < p->w;
            long at = ((image * p->h + y0 + y) * p->w + x0 + x) * each;
            w.pixel[y * side + x] = inside ? (const char *)p->values + at : outside;
        }
    return w;
}

struct tile {
    lanes v[PLACES];
};

/* Bᵀ d B of the 4 × 4 pixels d. */
LOOP struct tile of_pixels(const struct window *w, long c, bool half)
{
    struct tile d, t;
#pragma GCC unroll 4
    for (int x = 0; x < 4; x++) {
        lanes p[4];
#pragma GCC unroll 4
        for (int y = 0; y < 4; y++)
            p[y] = lanes_load(w->pixel[y * 4 + x], c, half);
        d.v[x] = p[0] - p[2];
        d.v[4 + x] = p[1] + p[2];
        d.v[8 + x] = p[2] - p[1];
        d.v[12 + x] = p[1] - p[3];
    }
#pragma GCC unroll 4
    for (int y = 0; y < PLACES; y += 4) {
        t.v[y] = d.v[y] - d.v[y + 2];
        t.v[y + 1] = d.v[y + 1] + d.v[y + 2];
        t.v[y + 2] = d.v[y + 2] - d.v[y + 1];
        t.v[y + 3] = d.v[y + 1] - d.v[y + 3];
    }
    return t;
}

/* A d Aᵀ of the 2 × 2 pixels d. */
LOOP struct tile of_grad(const struct window *w, long c, bool half)
{
    struct tile d, t;
#pragma GCC unroll 2
    for (int x = 0; x < 2; x++) {
        lanes upper = lanes_load(w->pixel[x], c, half), lower = lanes_load(w->pixel[2 + x], c, half);
        d.v[x] = upper;
        d.v[4 + x] = upper + lower;
        d.v[8 + x] = upper - lower;
        d.v[12 + x] = -lower;
    }
#pragma GCC unroll 4
    for (int y = 0; y < PLACES; y += 4) {
        t.v[y] = d.v[y];
        t.v[y + 1] = d.v[y] + d.v[y + 1];
        t.v[y + 2] = d.v[y] - d.v[y + 1];
        t.v[y + 3] = -d.v[y + 1];
    }
    return t;
}

/* Aᵀ m A of the 4 × 4 results m: 2 × 2 pixels. */
LOOP void give_any(const struct winograd_pixels *p, const struct winograd_span *s, const float *from, bool adds, bool half)
{
    for (long i = 0; i < s->count; i++) {
        struct window w = window_of(p, s, i, 2, NULL);
        for (long c = 0; c < p->c; c += LANES) {
            lanes r[2][4];
#pragma GCC unroll 4
            for (int x = 0; x < 4; x++) {
                lanes m[4];
#pragma GCC unroll 4
                for (int y = 0; y < 4; y++)
                    m[y] = lanes_load(from, ((y * 4 + x) * s->room + i) * p->c + c, false);
                r[0][x] = m[0] + m[1] + m[2];
                r[1][x] = m[1] - m[2] - m[3];
            }
#pragma GCC unroll 4
            for (int k = 0; k < 4; k++) {
                const lanes *a = r[k / 2];
                lanes out = k % 2 ? a[1] - a[2] - a[3] : a[0] + a[1] + a[2];
                void *to = (void *)(uintptr_t)w.pixel[k];
                if (to && adds)
                    out += lanes_load(to, c, half);
                if (to)
                    lanes_store(to, c, out, half);
            }
        }
    }
}

/* G g Gᵀ of the 3 × 3 weights g of one channel with LANES others; step: floats from a weight to the next. */
LOOP struct tile of_weights(const float *w, long step)
{
    lanes h[4][3];
    struct tile t;
#pragma GCC unroll 3
    for (int x = 0; x < 3; x++) {
        lanes g[3];
#pragma GCC unroll 3
        for (int y = 0; y < 3; y++)
            g[y] = lanes_load(w, (y * 3 + x) * step, false);
        h[0][x] = g[0];
        h[1][x] = (g[0] + g[1] + g[2]) * 0.5f;
        h[2][x] = (g[0] - g[1] + g[2]) * 0.5f;
        h[3][x] = g[2];
    }
#pragma GCC unroll 4
    for (int y = 0; y < 4; y++) {
        t.v[y * 4] = h[y][0];
        t.v[y * 4 + 1] = (h[y][0] + h[y][1] + h[y][2]) * 0.5f;
        t.v[y * 4 + 2] = (h[y][0] - h[y][1] + h[y][2]) * 0.5f;
        t.v[y * 4 + 3] = h[y][2];
    }
    return t;
}

/* Gᵀ m G of the 4 × 4 sums m: 3 × 3 weights. */
LOOP void give_weights_any(const float *from, int out, int in, float *grad)
{
    for (long o = 0; o < out; o++)
        for (long c = 0; c < in; c += LANES) {
            lanes r[3][4];
#pragma GCC unroll 4
            for (int x = 0; x < 4; x++) {
                lanes m[4];
#pragma GCC unroll 4
                for (int y = 0; y < 4; y++)
                    m[y] = lanes_load(from, ((y * 4 + x) * (long)out + o) * in + c, false);
                r[0][x] = m[0] + (m[1] + m[2]) * 0.5f;
                r[1][x] = (m[1] - m[2]) * 0.5f;
                r[2][x] = m[3] + (m[1] + m[2]) * 0.5f;
            }
#pragma GCC unroll 3
            for (int y = 0; y < 3; y++) {
                lanes w[3] = { r[y][0] + (r[y][1] + r[y][2]) * 0.5f, (r[y][1] - r[y][2]) * 0.5f,
                               r[y][3] + (r[y][1] + r[y][2]) * 0.5f };
#pragma GCC unroll 3
                for (int x = 0; x < 3; x++) {
                    long at = (o * 9 + y * 3 + x) * in + c;
                    lanes_store(grad, at, lanes_load(grad, at, false) + w[x], false);
                }
            }
        }
}

/* Units that stand in rows of 16 channels of I, one below the other for 16 of O, to rows of O. */
LOOP void turn_units(const uint32_t *from, int units, uint32_t *to, long pitch)
{
    for (int u = 0; u < units; u++)
        for (int o = 0; o < WINOGRAD_CHANNELS; o++)
            to[u * pitch + o] = from[o * units + u];
}

typedef lanes multiply_add(lanes sum, uint32_t a, lanes b); /* a: the same for all lanes */

/* TOGETHER × `vectors` sums stay in registers. */
LOOP void product_block(const struct winograd_product *p, long i, long j, int vectors, multiply_add *add)
{
    lanes sum[TOGETHER][VECTORS];
    const uint32_t *a = p->a + i * p->a_row, *b = p->b + j;
    float *c = p->c + i * p->columns + j;
#pragma GCC unroll 8
    for (int r = 0; r < TOGETHER; r++)
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++)
            sum[r][v] = p->adds ? lanes_load(c, r * p->columns + v * LANES, false) : (lanes){ 0 };
    for (long k = 0; k < p->units; k++, a += p->a_unit, b += p->columns) {
        lanes y[VECTORS];
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++)
            y[v] = lanes_load(b, v * LANES, false);
#pragma GCC unroll 8
        for (int r = 0; r < TOGETHER; r++)
#pragma GCC unroll 3
            for (int v = 0; v < vectors; v++)
                sum[r][v] = add(sum[r][v], a[r * p->a_row], y[v]);
    }
#pragma GCC unroll 8
    for (int r = 0; r < TOGETHER; r++)
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++)
            lanes_store(c, r * p->columns + v * LANES, sum[r][v], false);
}

LOOP void product_any(const struct winograd_product *p, multiply_add *add)
{
    for (long j = 0; j < p->columns;) {
        long left = (p->columns - j) / LANES;
        int vectors = left == 1 ? 1 : left == 2 || left == 4 ? 2 : 3;
        for (long i = 0; i < p->rows; i += TOGETHER)
            switch (vectors) {
            case 1: product_block(p, i, j, 1, add); break;
            case 2: product_block(p, i, j, 2, add); break;
            default: product_block(p, i, j, 3, add); break;
            }
        j += LANES * vectors;
    }
}

typedef void store_lanes(void *to, long i, lanes); /* as numbers that are multiplied, from number i on */

LOOP void store_f32(void *to, long i, lanes v)
{
    lanes_store(to, i, v, false);
}

/* Each number by itself: all of f32, and what is not paired of bf16. */
LOOP void take_any(const struct winograd_pixels *p, const struct winograd_span *s, void *to, bool grad, bool half,
                   store_lanes *store)
{
    for (long i = 0; i < s->room; i++) {
        struct window w = window_of(p, s, i, grad ? 2 : 4, zeros);
        for (long c = 0; c < p->c; c += LANES) {
            struct tile t = grad ? of_grad(&w, c, half) : of_pixels(&w, c, half);
#pragma GCC unroll 16
            for (int k = 0; k < PLACES; k++)
                store(to, (k * s->room + i) * p->c + c, t.v[k]);
        }
    }
}

LOOP void take_weights_any(const float *w, int out, int in, bool turned, float *to)
{
    enum { SIDE = WINOGRAD_CHANNELS };
    float block[PLACES][SIDE * SIDE];
    for (long o = 0; o < out; o++)
        for (long c = 0; c < in && turned; c += LANES) {
            struct tile t = of_weights(w + (o * 9 + 8) * in + c, -in);
            for (int k = 0; k < PLACES; k++)
                lanes_store(to, ((long)k * out + o) * in + c, t.v[k], false);
        }
    for (long o = 0; o < out && !turned; o += SIDE)
        for (long c = 0; c < in; c += SIDE) {
            for (long i = 0; i < SIDE * SIDE; i += LANES) {
                struct tile t = of_weights(w + (o + i / SIDE) * 9 * in + c + i % SIDE, in);
                for (int k = 0; k < PLACES; k++)
                    lanes_store(block[k], i, t.v[k], false);
            }
            for (int k = 0; k < PLACES; k++)
                turn_units((const uint32_t *)(const void *)block[k], SIDE, (uint32_t *)(void *)(to + ((long)k * in + c) * out + o),
                           out);
        }
}
