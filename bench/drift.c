/* Streams of images at rest and shifted, watched as a deployment is, for bench/drift.
 *
 *     drift rest N SEED     N deployments at rest for 30 days, checked as often as is allowed: alarms of each
 *     drift shifts N DIR    N streams a shift: 400 images at rest, then shifted ones; delays, and DIR/SHIFT.csv for others to watch
 *
 * The rule is that of src/app/monitor/drift_measure.c: image figures against training images, what is said and what the network
 * sees against the first predictions, exact tests at alpha over the number of features. The network is an EfficientNet-Lite0 with
 * ImageNet weights, which has seen none of these images; its directions are found on each stream's training images. */
#include "base/file.h"
#include "img/img.h"
#include "infer/features.h"
#include "infer/ort.h"
#include "learn/data/synth.h"
#include "learn/models.h"
#include "learn/train/onnx_write.h"
#include "learn/train/start.h"
#include "nn/checkpoint.h"
#include "stats/ks.h"
#include "stats/mmd.h"
#include "stats/principal.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RATIO,
    AREA,
    BRIGHTNESS,
    CONTRAST,
    SHARPNESS,
    SATURATION,
    OBJECTS,
    SCORE,
    BEST,
    LABELS,
    EMBEDDED = LABELS + SYNTH_LABELS,
    DIRECTIONS = 8,
    PLACE = DIRECTIONS + 1, /* and how far beside the directions */
    FEATURES = EMBEDDED + PLACE,
    TESTS = FEATURES + 1 /* and the embedding as a whole */
};
enum {
    WINDOW = 100,
    FIRST = 200,
    TRAINING = 200,
    LEAST = 30,
    STEP = 10,
    CHECKS = 976,
    REST = 400,
    STREAM = 800,
    POOL = TRAINING + STREAM
};
static const char *const names[FEATURES] = { "ratio",       "area",        "brightness",  "contrast",        "sharpness",
                                             "saturation",  "objects",     "confidence",  "best_confidence", "label_0",
                                             "label_1",     "label_2",     "direction_1", "direction_2",     "direction_3",
                                             "direction_4", "direction_5", "direction_6", "direction_7",     "direction_8",
                                             "beside" };
static const double ALPHA = 0.001;

struct row {
    double of[FEATURES];
};

static uint64_t state = 1;

static double uniform(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (double)(state >> 11) / 9007199254740992.0;
}

static double normal(void)
{
    return sqrt(-2 * log(1 - uniform())) * cos(6.283185307179586 * uniform());
}

static int poisson(double mean)
{
    int n = -1;
    for (double p = 1, limit = exp(-mean); p > limit; n++)
        p *= uniform();
    return n < 0 ? 0 : n;
}

/* ---- the rule */

/* The critical distances that were asked for before. */
static double critical(size_t n, size_t m, int features)
{
    static struct {
        size_t n, m;
        int features;
        double d;
    } known[4096];
    size_t at = (n * 131 + m * 31 + (size_t)features) % 4096;
    if (known[at].n != n || known[at].m != m || known[at].features != features) {
        known[at].n = n;
        known[at].m = m;
        known[at].features = features;
        known[at].d = ks_critical(n, m, ALPHA / features);
    }
    return known[at].d;
}

static void column(const struct row *rows, size_t n, int f, double *ret)
{
    for (size_t i = 0; i < n; i++)
        ret[i] = rows[i].of[f];
    sample_sort(ret, n);
}

static bool differs(const double *before, size_t m, const struct row *now, size_t n, int f, int features)
{
    double window[WINDOW];
    struct ks k;
    column(now, n, f, window);
    ks_distance(before, m, window, n, &k);
    return k.d >= critical(m, n, features);
}

static void points(const struct row *rows, size_t n, float *ret)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < PLACE; k++)
            ret[i * PLACE + k] = (float)rows[i].of[EMBEDDED + k];
}

static bool differs_as_a_whole(const struct row *first, size_t m, const struct row *now, size_t n)
{
    static float x[FIRST * PLACE], y[WINDOW * PLACE];
    bool ret;
    points(first, m, x);
    points(now, n, y);
    if (mmd_differs(x, m, y, n, PLACE, ALPHA / TESTS, &ret) != OK)
        abort();
    return ret;
}

/* training: FEATURES columns of TRAINING sorted values. n: the predictions so far. */
static bool drifts(double training[][TRAINING], const struct row *rows, size_t n)
{
    double first[FIRST];
    size_t now = n / 2 < WINDOW ? n / 2 : WINDOW, before = n - now < FIRST ? n - now : FIRST, seen = n < WINDOW ? n : WINDOW;
    int features = now >= LEAST ? FEATURES : OBJECTS, tests = now >= LEAST ? TESTS : OBJECTS;
    for (int f = 0; f < OBJECTS; f++)
        if (differs(training[f], TRAINING, rows + n - seen, seen, f, tests))
            return true;
    for (int f = OBJECTS; f < features; f++) {
        column(rows, before, f, first);
        if (differs(first, before, rows + n - now, now, f, tests))
            return true;
    }
    return now >= LEAST && differs_as_a_whole(rows, before, rows + n - now, now);
}

/* ---- 30 days at rest */

/* Figures that hang together, counts with ties, sizes that are always the same. */
static struct row at_rest(void)
{
    double light = normal();
    struct row r = { .of = { 4.0 / 3, 640 * 480, light, 0.6 * light + 0.8 * normal(), exp(0.5 * normal()), normal() } };
    for (int i = 0; i < SYNTH_LABELS; i++)
        r.of[OBJECTS] += r.of[LABELS + i] = poisson(i == 0 ? 12 : 1.5);
    r.of[SCORE] = 0.8 + 0.05 * normal();
    r.of[BEST] = 1 - 0.1 * uniform() * uniform();
    for (int i = 0; i < DIRECTIONS; i++)
        r.of[EMBEDDED + i] = 0.5 * light + normal() * exp(0.3 * normal());
    r.of[EMBEDDED + DIRECTIONS] = exp(0.2 * normal());
    return r;
}

struct alarms {
    int checks, episodes; /* that called it drifted; how often that began */
};

static struct alarms month_at_rest(void)
{
    static double training[FEATURES][TRAINING];
    enum { MONTH = LEAST + STEP * CHECKS };
    static struct row rows[MONTH];
    struct alarms a = { 0 };
    bool last = false;
    for (int i = 0; i < TRAINING; i++)
        rows[i] = at_rest();
    for (int f = 0; f < FEATURES; f++)
        column(rows, TRAINING, f, training[f]);
    for (int i = 0; i < MONTH; i++)
        rows[i] = at_rest();
    for (size_t n = LEAST; n < MONTH; n += STEP) {
        bool now = drifts(training, rows, n);
        a.checks += now;
        a.episodes += now && !last;
        last = now;
    }
    return a;
}

static int rest(int deployments)
{
    int checks = 0, episodes = 0, some = 0, many = 0;
    for (int i = 0; i < deployments; i++) {
        struct alarms a = month_at_rest();
        checks += a.checks;
        episodes += a.episodes;
        some += a.episodes > 0;
        many += a.episodes > 1;
    }
    printf("{\"deployments\": %d, \"checks\": %d, \"drifted_checks\": %g, \"alarms\": %g, \"with_alarm\": %g, \"with_more\": %g}\n",
           deployments, CHECKS, (double)checks / deployments, (double)episodes / deployments, (double)some / deployments,
           (double)many / deployments);
    return 0;
}

/* ---- images that shift */

/* A blur of the 3 × 3 neighbours, `times` over. */
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

/* Noise comes from a table, in an order that does not repeat within an image. */
static void scale(struct image *image, double by, double noise)
{
    enum { TABLE = 1 << 16 };
    static float table[TABLE];
    size_t n = (size_t)image->width * (size_t)image->height * 3, at = (size_t)(uniform() * TABLE);
    for (size_t i = 0; i < TABLE && table[0] == 0; i++)
        table[TABLE - 1 - i] = (float)normal();
    for (size_t i = 0; i < n; i++) {
        at = at * 5 + 12345 + i / TABLE;
        double x = image->pixels[i] * by + noise * (double)table[at % TABLE];
        image->pixels[i] = (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x);
    }
}

/* The camera looks at the lower right nine tenths, from nearer. */
static void move(struct image *image)
{
    size_t row = (size_t)image->width * 3, n = row * (size_t)image->height;
    uint8_t *from = malloc(n);
    if (!from)
        abort();
    memcpy(from, image->pixels, n);
    for (int y = 0; y < image->height; y++)
        for (int x = 0; x < image->width; x++) {
            size_t sx = (size_t)(image->width / 10 + x * 9 / 10), sy = (size_t)(image->height / 10 + y * 9 / 10);
            memcpy(image->pixels + (size_t)y * row + (size_t)x * 3, from + sy * row + sx * 3, 3);
        }
    free(from);
}

/* A thing that the model does not know: two dark green rods, of which it says nothing. */
static void add_rods(struct image *image)
{
    for (int k = 0; k < 2; k++) {
        double cx = uniform() * image->width, cy = uniform() * image->height, turn = uniform() * 3.14159265, c = cos(turn),
               s = sin(turn);
        for (int y = 0; y < image->height; y++)
            for (int x = 0; x < image->width; x++) {
                double along = (x - cx) * c + (y - cy) * s, across = (y - cy) * c - (x - cx) * s;
                uint8_t *p = image->pixels + ((size_t)y * (size_t)image->width + (size_t)x) * 3;
                if (fabs(along) < 45 && fabs(across) < 6) {
                    p[0] = (uint8_t)(p[0] * 0.3);
                    p[1] = (uint8_t)(p[1] * 0.6);
                    p[2] = (uint8_t)(p[2] * 0.3);
                }
            }
    }
}

enum shift {
    NONE,
    BLUR,
    DARKER,
    NOISE,
    MOVED,
    NEW_CLASS,
    DRAWN,
    NEW_SHARE = DRAWN,
    MISSING,
    SHIFTS
}; /* DRAWN: those before it change pixels */
static const char *const shift_names[SHIFTS] = { "none",         "blur",      "brightness",  "noise",
                                                 "camera_moved", "new_class", "class_share", "missing_class" };

static void look(const struct image *image, struct row *r)
{
    struct image_look l;
    if (image_look(image, &l) != OK)
        abort();
    r->of[RATIO] = (double)image->width / image->height;
    r->of[AREA] = (double)image->width * image->height;
    r->of[BRIGHTNESS] = l.brightness;
    r->of[CONTRAST] = l.contrast;
    r->of[SHARPNESS] = l.sharpness;
    r->of[SATURATION] = l.saturation;
}

static void change(struct image *image, enum shift s)
{
    if (s == BLUR)
        blur(image, 2);
    else if (s == DARKER)
        scale(image, 0.95, 0);
    else if (s == NOISE)
        scale(image, 1, 12);
    else if (s == MOVED)
        move(image);
    else if (s == NEW_CLASS)
        add_rods(image);
}

static void change_said(struct row *r, enum shift s)
{
    double *rare = &r->of[LABELS + 1], gone = s == MISSING ? *rare : 0, more = s == NEW_SHARE ? poisson(1) : 0;
    *rare += more - gone;
    r->of[OBJECTS] += more - gone;
}

/* Every image as it is and under each shift that changes pixels, and what the network sees of it. */
static struct row pool[SHIFTS][POOL];
static float *seen[DRAWN][POOL];
enum { SIDE = 128 };
static struct {
    struct ort_session *session;
    const struct model *model;
    size_t width;
} network;

/* As it is deployed: written as an ONNX file, and asked for its features beside its answers. */
static void open_network(const char *dir)
{
    AUTO(arena) struct arena *a = arena_new();
    static const char *const labels[] = { "one", "other" };
    const char *path = arena_fmt(a, "%s/network.onnx", dir);
    struct network n;
    struct start start;
    size_t taken, size;
    char *bytes;
    network.model = model_find("efficientnet-lite0");
    if (!network.model || start_find(network.model, a, &start) != OK || !start.path ||
        network_new(network.model, 1, (struct frame){ SIDE, SIDE }, 2, 1, GRAPH_INFER, NULL, &n) != OK ||
        checkpoint_start_from(start.path, n.graph, &taken) != OK || onnx_write(&n, labels, path) != OK ||
        file_read(a, path, 1 << 30, &bytes, &size) != OK || ort_start(1) != OK ||
        ort_load_seeing((const uint8_t *)bytes, size, &network.session) != OK) {
        fprintf(stderr, "no network with ImageNet weights: %s\n", fail_text());
        exit(1);
    }
    network_done(&n);
}

static float *features_of(const struct image *image)
{
    static float input[3 * SIDE * SIDE];
    const float *features;
    const struct ort_feed feed = { .data = input, .rank = 4, .shape = { 1, 3, SIDE, SIDE } };
    if (image_stretch(image, SIDE, SIDE, network.model->input, input) != OK || ort_run(network.session, &feed, 1) != OK)
        abort();
    network.width = ort_features(network.session, &features);
    float *ret = malloc(network.width * sizeof *ret);
    if (!ret || !network.width)
        abort();
    return memcpy(ret, features, network.width * sizeof *ret);
}

static void say(struct row *r, const struct synth_boxes *boxes)
{
    for (int k = 0; k < boxes->n; k++)
        r->of[LABELS + boxes->items[k].label]++;
    r->of[OBJECTS] = boxes->n;
    r->of[SCORE] = 0.8 + 0.05 * normal();
    r->of[BEST] = 1 - 0.1 * uniform();
}

static void draw_one(int i, struct image *image, struct image *changed)
{
    struct synth_boxes boxes;
    if (synth_draw(11, (uint64_t)i, image, &boxes) != OK || image_new(image->width, image->height, changed) != OK)
        abort();
    say(&pool[NONE][i], &boxes);
    look(image, &pool[NONE][i]);
    seen[NONE][i] = features_of(image);
    for (int s = BLUR; s < SHIFTS; s++) {
        pool[s][i] = pool[NONE][i];
        if (s >= DRAWN) /* the pixels are those of rest */
            continue;
        memcpy(changed->pixels, image->pixels, (size_t)image->width * (size_t)image->height * 3);
        change(changed, (enum shift)s);
        look(changed, &pool[s][i]);
        seen[s][i] = features_of(changed);
    }
}

static void draw_pool(void)
{
    for (int i = 0; i < POOL; i++) {
        AUTO(image) struct image image = { 0 }, changed = { 0 };
        draw_one(i, &image, &changed);
    }
}

/* Some of the pool are trained on, the others are seen, each once, in an order of its own for each stream. */
static void deal(int order[POOL])
{
    for (int i = 0; i < POOL; i++)
        order[i] = i;
    for (int i = POOL - 1; i > 0; i--) {
        int k = (int)(uniform() * (i + 1)), x = order[i];
        order[i] = order[k];
        order[k] = x;
    }
}

static void write_row(FILE *f, int run, const char *what, const struct row *r)
{
    fprintf(f, "%d,%s", run, what);
    for (int i = 0; i < FEATURES; i++)
        fprintf(f, ",%.9g", r->of[i]);
    fputc('\n', f);
}

static void find_directions(struct arena *a, const int *order, struct principal *ret)
{
    float *rows = malloc(TRAINING * network.width * sizeof *rows);
    if (!rows)
        abort();
    for (size_t i = 0; i < TRAINING; i++)
        memcpy(rows + i * network.width, seen[NONE][order[i]], network.width * sizeof *rows);
    if (principal_fit(a, rows, TRAINING, network.width, PRINCIPAL_MOST, ret) != OK)
        abort();
    free(rows);
}

static void place(const struct principal *p, enum shift s, int image, struct row *r)
{
    float at[PRINCIPAL_MOST + 1];
    principal_place(p, seen[s < DRAWN ? s : NONE][image], at);
    for (int k = 0; k < DIRECTIONS; k++)
        r->of[EMBEDDED + k] = (double)at[k];
    r->of[EMBEDDED + DIRECTIONS] = (double)at[p->n];
}

/* Images from the shift on until it is told; -1: never. *ret_early: alarms before it. */
static int watch(enum shift s, int run, FILE *f, int *ret_early)
{
    static struct row rows[STREAM];
    static double training[FEATURES][TRAINING];
    int order[POOL];
    struct row trained[TRAINING];
    deal(order);
    AUTO(arena) struct arena *a = arena_new();
    struct principal directions;
    find_directions(a, order, &directions);
    for (int i = 0; i < TRAINING; i++) {
        trained[i] = pool[NONE][order[i]];
        place(&directions, NONE, order[i], &trained[i]);
        write_row(f, run, "training", &trained[i]);
    }
    for (int k = 0; k < FEATURES; k++)
        column(trained, TRAINING, k, training[k]);
    for (int i = 0; i < STREAM; i++) {
        rows[i] = pool[i < REST ? NONE : s][order[TRAINING + i]];
        place(&directions, i < REST ? NONE : s, order[TRAINING + i], &rows[i]);
        if (i >= REST)
            change_said(&rows[i], s);
        write_row(f, run, i < REST ? "rest" : "shifted", &rows[i]);
    }
    for (size_t n = LEAST; n <= STREAM; n += STEP) {
        if (!drifts(training, rows, n))
            continue;
        if (n > REST)
            return (int)n - REST;
        ++*ret_early;
    }
    return -1;
}

static int shifts(int runs, const char *dir)
{
    open_network(dir);
    draw_pool();
    for (int s = 0; s < SHIFTS; s++) {
        char path[1000];
        int early = 0;
        snprintf(path, sizeof path, "%s/%s.csv", dir, shift_names[s]);
        FILE *f = fopen(path, "w");
        if (!f)
            return 1;
        fputs("run,part", f);
        for (int i = 0; i < FEATURES; i++)
            fprintf(f, ",%s", names[i]);
        fputc('\n', f);
        printf("{\"shift\": \"%s\", \"delays\": [", shift_names[s]);
        for (int i = 0; i < runs; i++)
            printf("%s%d", i ? ", " : "", watch((enum shift)s, i, f, &early));
        printf("], \"early\": %d}\n", early);
        fclose(f);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "rest") == 0) {
        state = strtoull(argv[3], NULL, 10) * 2654435761ULL + 1;
        return rest(atoi(argv[2]));
    }
    if (argc == 4 && strcmp(argv[1], "shifts") == 0)
        return shifts(atoi(argv[2]), argv[3]);
    fputs("drift rest N SEED | drift shifts N DIR\n", stderr);
    return 64;
}
