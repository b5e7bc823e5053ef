/* Figures of an image's look. */
#include "img/img.h"
#include <math.h>
#include <stdlib.h>

/* Sums over pixels while they are passed. */
struct sums {
    double luma, luma2, saturation;
};

/* A row's luma (ITU-R BT.601, 0 to 255) into `ret`. */
static void add_row(const uint8_t *p, int width, float *ret, struct sums *s)
{
    double luma = 0, luma2 = 0, saturation = 0;
    for (int x = 0; x < width; x++, p += 3) {
        int most = p[0] > p[1] ? p[0] : p[1], least = p[0] < p[1] ? p[0] : p[1];
        most = p[2] > most ? p[2] : most;
        least = p[2] < least ? p[2] : least;
        float y = 0.299F * (float)p[0] + 0.587F * (float)p[1] + 0.114F * (float)p[2];
        ret[x] = y;
        luma += (double)y;
        luma2 += (double)y * (double)y;
        saturation += most ? (double)(most - least) / most : 0;
    }
    s->luma += luma;
    s->luma2 += luma2;
    s->saturation += saturation;
}

/* Variance of the Laplacian (four neighbours) over all pixels that have them. */
static double laplacian_variance(const float *luma, int width, int height)
{
    double sum = 0, sum2 = 0, n = (double)(width - 2) * (height - 2);
    if (width < 3 || height < 3)
        return 0;
    for (int y = 1; y < height - 1; y++) {
        const float *p = luma + (size_t)y * (size_t)width;
        for (int x = 1; x < width - 1; x++) {
            double l = (double)(p[x - 1] + p[x + 1] + p[x - width] + p[x + width] - 4 * p[x]);
            sum += l;
            sum2 += l * l;
        }
    }
    double mean = sum / n, variance = sum2 / n - mean * mean;
    return variance > 0 ? variance : 0;
}

static void look_at(const struct image *image, struct image_look *ret)
{
    struct sums s = { 0 };
    size_t width = (size_t)image->width, n = width * (size_t)image->height;
    float *luma = heap_take(n * sizeof *luma);
    for (int y = 0; y < image->height; y++)
        add_row(image->pixels + (size_t)y * width * 3, image->width, luma + (size_t)y * width, &s);
    double mean = s.luma / (double)n, variance = s.luma2 / (double)n - mean * mean;
    *ret = (struct image_look){ .brightness = mean / 255,
                                .contrast = variance > 0 ? sqrt(variance) / 255 : 0,
                                .sharpness = laplacian_variance(luma, image->width, image->height),
                                .saturation = s.saturation / (double)n };
    free(luma);
}

enum err image_look(const struct image *image, struct image_look *ret)
{
    AUTO(image) struct image small = { 0 };
    if (image->width > LOOK_SIDE || image->height > LOOK_SIDE) {
        int width, height;
        image_fit(image->width, image->height, LOOK_SIDE, LOOK_SIDE, &width, &height);
        TRY(image_resize(image, width, height, &small));
        image = &small;
    }
    look_at(image, ret);
    return OK;
}
