#include "learn/data/effects.h"
#include "base/arena.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { REACH_MOST = 12 };

/* weight[0] is that of the middle; returns how far it reaches. */
static int bell(float deviation, float weight[REACH_MOST + 1])
{
    int reach = (int)ceilf(3 * deviation);
    float sum = 0;
    reach = reach < 1 ? 1 : reach > REACH_MOST ? REACH_MOST : reach;
    for (int k = 0; k <= reach; k++) {
        weight[k] = expf(-(float)(k * k) / (2 * deviation * deviation));
        sum += k ? 2 * weight[k] : weight[k];
    }
    for (int k = 0; k <= reach; k++)
        weight[k] /= sum;
    return reach;
}

/* from has reach pixels more on both sides. */
static void blur_row(const float *restrict from, int width, int reach, const float *weight, float *restrict to)
{
    size_t n = (size_t)width * 3;
    for (size_t i = 0; i < n; i++)
        to[i] = weight[0] * from[i];
    for (int k = 1; k <= reach; k++) {
        const float *left = from - 3 * k, *right = from + 3 * k;
        for (size_t i = 0; i < n; i++)
            to[i] += weight[k] * (left[i] + right[i]);
    }
}

static void blur_along(float *pixels, struct frame f, int reach, const float *weight)
{
    size_t n = (size_t)f.width * 3, edge = (size_t)reach * 3;
    float *row = heap_take((n + 2 * edge) * sizeof *row);
    for (int y = 0; y < f.height; y++, pixels += n) {
        for (size_t i = 0; i < edge; i++) {
            row[i] = pixels[i % 3];
            row[edge + n + i] = pixels[n - 3 + i % 3];
        }
        memcpy(row + edge, pixels, n * sizeof *row);
        blur_row(row + edge, f.width, reach, weight, pixels);
    }
    free(row);
}

static void blur_across(float *pixels, struct frame f, int reach, const float *weight)
{
    size_t n = (size_t)f.width * 3;
    float *was = heap_take(n * (size_t)f.height * sizeof *was);
    memcpy(was, pixels, n * (size_t)f.height * sizeof *was);
    for (int y = 0; y < f.height; y++, pixels += n) {
        const float *middle = was + (size_t)y * n;
        for (size_t i = 0; i < n; i++)
            pixels[i] = weight[0] * middle[i];
        for (int k = 1; k <= reach; k++) {
            const float *above = was + (size_t)(y < k ? 0 : y - k) * n,
                        *below = was + (size_t)(y + k < f.height ? y + k : f.height - 1) * n;
            for (size_t i = 0; i < n; i++)
                pixels[i] += weight[k] * (above[i] + below[i]);
        }
    }
    free(was);
}

void effect_blur(float *pixels, struct frame frame, float deviation)
{
    float weight[REACH_MOST + 1];
    if (deviation < 0.1f)
        return;
    int reach = bell(fminf(deviation, 4), weight);
    blur_along(pixels, frame, reach, weight);
    blur_across(pixels, frame, reach, weight);
}

/* Eight bits make a number each; the sum of four is nearly normal (Irwin-Hall), with the variance (256² - 1) / 3. */
void effect_noise(float *pixels, struct frame f, float deviation, struct random *r)
{
    const float by = deviation / sqrtf(65535 / 3.0f), middle = 4 * 127.5f;
    size_t n = (size_t)f.width * (size_t)f.height * 3;
    for (size_t i = 0; i < n; i += 2) {
        uint64_t b = random_bits(r);
        b = (b & 0x00ff00ff00ff00ff) + ((b >> 8) & 0x00ff00ff00ff00ff); /* four sums of two */
        b += b >> 32;                                                   /* two sums of four */
        pixels[i] += ((float)(b & 0xffff) - middle) * by;
        if (i + 1 < n)
            pixels[i + 1] += ((float)((b >> 16) & 0xffff) - middle) * by;
    }
}

void effect_erase(float *pixels, struct frame f, const struct window *w, const float colour[3])
{
    for (int y = w->y0; y < w->y1; y++) {
        float *p = pixels + ((size_t)y * (size_t)f.width + (size_t)w->x0) * 3;
        for (int x = w->x0; x < w->x1; x++, p += 3)
            memcpy(p, colour, 3 * sizeof *p);
    }
}

void effect_mix(float *pixels, const float *other, struct frame f, float share)
{
    size_t n = (size_t)f.width * (size_t)f.height * 3;
    for (size_t i = 0; i < n; i++)
        pixels[i] = share * pixels[i] + (1 - share) * other[i];
}
