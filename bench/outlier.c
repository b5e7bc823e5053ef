/* How well scores tell shifted copies of images from the images themselves, for bench/outlier.
 *
 *     outlier SACCADE MODEL DIR OTHER N SEED     N images of each folder, "-": drawn ones in other colours; a model file that was
 * trained on DIR
 *
 * Of the images of DIR 7 of 10 are what is fitted to; the others, as they are and changed, are scored: by the autoencoder, and by
 * distances of what the model saw of them (the averages that its file names) from what it saw of the former. */
#include "learn/outlier/outlier.h"
#include "base/clock.h"
#include "base/file.h"
#include "blob/blob.h"
#include "blob/sign.h"
#include "img/decoder.h"
#include "infer/infer.h"
#include "learn/data/random.h"
#include "learn/data/synth.h"
#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MOST = 2000, FEATURES_MOST = 2048, NEIGHBOURS = 5 };
struct set {
    struct image *images;
    int n;
};

static void must(enum err e)
{
    if (e == OK)
        return;
    fprintf(stderr, "%s\n", fail_text());
    exit(1);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Green, blue, red: drawn images of another kind than those that are drawn elsewhere. */
static void stain(struct image *image)
{
    for (uint8_t *p = image->pixels, *end = p + (size_t)image->width * (size_t)image->height * 3; p < end; p += 3) {
        uint8_t red = p[0];
        p[0] = p[1];
        p[1] = p[2];
        p[2] = red;
    }
}

static struct set read_set(struct decoder *d, const char *dir, int most, uint64_t seed)
{
    struct set s = { calloc(MOST, sizeof(struct image)), 0 };
    struct synth_boxes boxes;
    if (strcmp(dir, "-") == 0) {
        for (; s.n < most; s.n++) {
            must(synth_draw(seed, (uint64_t)s.n, &s.images[s.n], &boxes));
            stain(&s.images[s.n]);
        }
        return s;
    }
    char *names[20000];
    size_t n = 0;
    DIR *folder = opendir(dir);
    for (struct dirent *e; folder && (e = readdir(folder));)
        if (e->d_name[0] != '.' && n < 20000)
            names[n++] = strdup(e->d_name);
    qsort(names, n, sizeof *names, by_name);
    for (size_t i = 0; i < n && s.n < most; i++) {
        char path[4000];
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
        must(decoder_decode(d, fd, 0, &s.images[s.n++]));
    }
    return s;
}

static void blur(struct image *image, int times)
{
    size_t row = (size_t)image->width * 3, n = row * (size_t)image->height;
    uint8_t *from = malloc(n);
    while (from && times--) {
        memcpy(from, image->pixels, n);
        for (size_t i = row + 3; i < n - row - 3; i++) {
            int sum = 4;
            for (int dy = -1; dy <= 1; dy++)
                for (int dx = -1; dx <= 1; dx++)
                    sum += from[(size_t)((int64_t)i + dy * (int64_t)row + dx * 3)];
            image->pixels[i] = (uint8_t)(sum / 9);
        }
    }
    free(from);
}

static void scale(struct image *image, double by, double noise, struct random *r)
{
    size_t n = (size_t)image->width * (size_t)image->height * 3;
    for (size_t i = 0; i < n; i++) {
        double x = image->pixels[i] * by + (noise > 0 ? noise * (double)random_normal(r) : 0);
        image->pixels[i] = (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x);
    }
}

enum shift { SAME, BLUR, MUCH_BLUR, NOISE, MUCH_NOISE, DARKER, MUCH_DARKER, BRIGHTER, OTHER, SHIFTS };
static const char *const shift_names[SHIFTS] = { "same",   "blur",        "much_blur", "noise",     "much_noise",
                                                 "darker", "much_darker", "brighter",  "other_data" };

static void change(struct image *image, enum shift s, struct random *r)
{
    switch (s) {
    case BLUR: blur(image, 2); break;
    case MUCH_BLUR: blur(image, 16); break;
    case NOISE: scale(image, 1, 12, r); break;
    case MUCH_NOISE: scale(image, 1, 40, r); break;
    case DARKER: scale(image, 0.9, 0, r); break;
    case MUCH_DARKER: scale(image, 0.6, 0, r); break;
    case BRIGHTER: scale(image, 1.1, 0, r); break;
    default: break;
    }
}

/* The chance that one of the latter is above one of the former; ties count half. */
static double auroc(const double *inside, int n, const double *outside, int m)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < m; k++)
            sum += outside[k] > inside[i] ? 1 : outside[k] == inside[i] ? 0.5 : 0;
    return sum / n / m;
}

/* ---- what the model saw */

struct model {
    struct infer_pool *pool;
    const char *path;
    char hash[HASH_SIZE];
};

static void open_model(struct model *m, struct arena *a, const char *saccade, const char *path)
{
    char *bytes;
    size_t n;
    must(file_read(a, path, (size_t)1 << 30, &bytes, &n));
    sha256_hex(bytes, n, m->hash);
    m->path = path;
    must(infer_start(saccade, 2, 1, &m->pool));
}

struct seen { /* of each image what is measured: a picture, and n features */
    uint8_t *pictures;
    double *features;
    int n, n_features;
};

static void see(const struct model *m, const struct image *im, struct seen *s)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(fd) int image = memfd_create("image", MFD_CLOEXEC), file = open(m->path, O_RDONLY | O_CLOEXEC);
    struct detections d;
    uint8_t *png;
    size_t n;
    must(image_small(im, AUTOENCODER_SIDE, s->pictures + (size_t)s->n * AUTOENCODER_VALUES));
    must(image_to_png(im, &png, &n));
    must(file_write_all(image, png, n));
    free(png);
    must(infer_predict(m->pool, "bench", &(struct infer_model){ .hash = m->hash, .fd = file }, image, 0.3, a, &d));
    s->n_features = d.n_features < FEATURES_MOST ? (int)d.n_features : FEATURES_MOST;
    for (int k = 0; k < s->n_features; k++)
        s->features[(size_t)s->n * FEATURES_MOST + (size_t)k] = (double)d.features[k];
    s->n++;
}

static struct seen see_all(const struct model *m, const struct set *set, const uint32_t *order, int from, int n, enum shift shift,
                           struct random *r)
{
    struct seen s = { malloc((size_t)(n + 1) * AUTOENCODER_VALUES), malloc((size_t)(n + 1) * FEATURES_MOST * sizeof(double)), 0,
                      0 };
    for (int i = 0; i < n; i++) {
        const struct image *im = &set->images[order ? (int)order[from + i] : i];
        AUTO(image) struct image copy = { 0 };
        must(image_new(im->width, im->height, &copy));
        memcpy(copy.pixels, im->pixels, (size_t)im->width * (size_t)im->height * 3);
        change(&copy, shift, r);
        see(m, &copy, &s);
    }
    return s;
}

static const double *row(const struct seen *s, int i)
{
    return s->features + (size_t)i * FEATURES_MOST;
}

/* ---- distances */

/* Mean, and the lower triangle L of S = L L', S being the covariance shrunk towards a multiple of the identity (Ledoit & Wolf
 * 2004). */
struct normal {
    int d;
    double *mean, *l, shrinkage;
};

static void covariance(const struct seen *s, struct normal *g, double *c)
{
    int d = g->d;
    for (int i = 0; i < s->n; i++)
        for (int k = 0; k < d; k++)
            g->mean[k] += row(s, i)[k] / s->n;
    for (int i = 0; i < s->n; i++)
        for (int k = 0; k < d; k++)
            for (int q = 0; q <= k; q++)
                c[k * d + q] += (row(s, i)[k] - g->mean[k]) * (row(s, i)[q] - g->mean[q]) / s->n;
}

static double square_norm(const double *c, int d) /* of a symmetric matrix, by its lower triangle */
{
    double sum = 0;
    for (int k = 0; k < d; k++)
        for (int q = 0; q <= k; q++)
            sum += (q < k ? 2 : 1) * c[k * d + q] * c[k * d + q];
    return sum;
}

/* b2: mean squared distance of the single images' x x' from the covariance, over n; d2: of the covariance from its target. */
static double shrinkage(const struct seen *s, const struct normal *g, const double *c, double level)
{
    int d = g->d;
    double d2 = square_norm(c, d) - level * level * d, b2 = 0;
    for (int i = 0; i < s->n; i++) {
        double length = 0, with = 0;
        for (int k = 0; k < d; k++) {
            double x = row(s, i)[k] - g->mean[k];
            length += x * x;
            for (int q = 0; q <= k; q++)
                with += (q < k ? 2 : 1) * x * (row(s, i)[q] - g->mean[q]) * c[k * d + q];
        }
        b2 += length * length - 2 * with + square_norm(c, d);
    }
    b2 /= (double)s->n * s->n;
    return d2 <= 0 || b2 > d2 ? 1 : b2 / d2;
}

static void cholesky(double *c, int d)
{
    for (int k = 0; k < d; k++)
        for (int q = 0; q <= k; q++) {
            double sum = c[k * d + q];
            for (int j = 0; j < q; j++)
                sum -= c[k * d + j] * c[q * d + j];
            c[k * d + q] = q == k ? sqrt(sum > 1e-12 ? sum : 1e-12) : sum / c[q * d + q];
        }
}

static struct normal fit_normal(const struct seen *s)
{
    int d = s->n_features;
    struct normal g = { d, calloc((size_t)d, sizeof(double)), calloc((size_t)d * (size_t)d, sizeof(double)), 0 };
    double level = 0;
    covariance(s, &g, g.l);
    for (int k = 0; k < d; k++)
        level += g.l[k * d + k] / d;
    g.shrinkage = shrinkage(s, &g, g.l, level);
    for (int k = 0; k < d; k++)
        for (int q = 0; q <= k; q++)
            g.l[k * d + q] = (1 - g.shrinkage) * g.l[k * d + q] + (q == k ? g.shrinkage * level : 0);
    cholesky(g.l, d);
    return g;
}

static double mahalanobis(const struct normal *g, const double *x)
{
    double y[FEATURES_MOST], sum = 0;
    for (int k = 0; k < g->d; k++) {
        y[k] = x[k] - g->mean[k];
        for (int q = 0; q < k; q++)
            y[k] -= g->l[k * g->d + q] * y[q];
        y[k] /= g->l[k * g->d + k];
        sum += y[k] * y[k];
    }
    return sqrt(sum);
}

/* The distance of the NEIGHBOURS-th nearest of those that were fitted to (Ramaswamy et al. 2000), each feature over its deviation.
 */
static double neighbour(const struct seen *s, const double *deviation, const double *x)
{
    double nearest[NEIGHBOURS];
    for (int k = 0; k < NEIGHBOURS; k++)
        nearest[k] = INFINITY;
    for (int i = 0; i < s->n; i++) {
        double sum = 0;
        for (int k = 0; k < s->n_features; k++) {
            double y = (x[k] - row(s, i)[k]) / deviation[k];
            sum += y * y;
        }
        for (int k = 0; k < NEIGHBOURS; k++)
            if (sum < nearest[k]) {
                double was = nearest[k];
                nearest[k] = sum;
                sum = was;
            }
    }
    return sqrt(nearest[NEIGHBOURS - 1]);
}

static double *deviations(const struct seen *s)
{
    double *ret = calloc((size_t)s->n_features, sizeof *ret);
    for (int k = 0; k < s->n_features; k++) {
        double mean = 0, sum = 0;
        for (int i = 0; i < s->n; i++)
            mean += row(s, i)[k] / s->n;
        for (int i = 0; i < s->n; i++)
            sum += (row(s, i)[k] - mean) * (row(s, i)[k] - mean) / s->n;
        ret[k] = sqrt(sum) + 1e-9;
    }
    return ret;
}

/* ---- all together */

enum method { AUTOENCODER, MAHALANOBIS, NEIGHBOUR, CHANCE, METHODS };
static const char *const method_names[METHODS] = { "autoencoder", "mahalanobis", "knn", "chance" };

int main(int argc, char **argv)
{
    AUTO(arena) struct arena *a = arena_new();
    struct decoder *d;
    if (argc != 7)
        return 64;
    must(decoder_start(NULL, 1, &d));
    int most = atoi(argv[5]);
    struct set set = read_set(d, argv[3], most, 1), other = read_set(d, argv[4], most / 3, 2);
    decoder_stop(d);
    struct model model;
    open_model(&model, a, argv[1], argv[2]);
    struct random random = random_of((uint64_t)atoi(argv[6]), 0, 0);
    uint32_t order[MOST];
    for (int i = 0; i < set.n; i++)
        order[i] = (uint32_t)i;
    random_shuffle(&random, order, (size_t)set.n);
    int n_train = set.n * 7 / 10, n_test = set.n - n_train;
    struct seen train = see_all(&model, &set, order, 0, n_train, SAME, &random);
    double begun = clock_seconds(), chance;
    struct outlier_fit fit;
    must(outlier_fit(train.pictures, n_train, &(struct outlier_options){ .threads = 2, .seed = 1 }, a, &fit));
    double seconds = clock_seconds() - begun, threshold = outlier_threshold(fit.held, fit.n_held, 0.99, &chance);
    struct normal normal = fit_normal(&train);
    double *deviation = deviations(&train);
    printf("{\"fit_seconds\": %.3g, \"images\": %d, \"held_out\": %d, \"features\": %d, \"shrinkage\": %.3g, \"chance\": %.3g}\n",
           seconds, n_train, fit.n_held, train.n_features, normal.shrinkage, chance);
    struct outlier_net net;
    must(outlier_net_new(&net));
    must(outlier_net_read(&net, fit.file, fit.n_file));
    static double scores[METHODS][MOST], inside[METHODS][MOST];
    for (int s = SAME; s < SHIFTS; s++) {
        struct seen seen = s == OTHER ? see_all(&model, &other, NULL, 0, other.n, SAME, &random)
                                      : see_all(&model, &set, order, n_train, n_test, (enum shift)s, &random);
        begun = clock_seconds();
        outlier_net_score(&net, seen.pictures, seen.n, scores[AUTOENCODER]);
        double each_ms = (clock_seconds() - begun) / seen.n * 1000;
        int over = 0;
        for (int i = 0; i < seen.n; i++) {
            scores[MAHALANOBIS][i] = mahalanobis(&normal, row(&seen, i));
            scores[NEIGHBOUR][i] = neighbour(&train, deviation, row(&seen, i));
            scores[CHANCE][i] = (double)random_unit(&random);
            over += scores[AUTOENCODER][i] > threshold;
        }
        if (s == SAME)
            memcpy(inside, scores, sizeof inside);
        for (int k = 0; k < METHODS; k++)
            printf("{\"shift\": \"%s\", \"method\": \"%s\", \"auroc\": %.4f, \"images\": %d, \"over\": %.4f, \"ms\": %.3g}\n",
                   shift_names[s], method_names[k], auroc(inside[k], n_test, scores[k], seen.n), seen.n, (double)over / seen.n,
                   each_ms);
        fflush(stdout);
        free(seen.pictures);
        free(seen.features);
    }
    infer_stop(model.pool);
    return 0;
}
