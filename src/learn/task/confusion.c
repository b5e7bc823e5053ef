#include "learn/task/confusion.h"
#include "learn/data/random.h"
#include <stdlib.h>
#include <string.h>

static double share_of(int64_t n, int64_t of)
{
    return of ? (double)n / (double)of : 0;
}

struct label_figures confusion_label(const int64_t *counts, int labels, int label)
{
    int64_t right = counts[label * labels + label], truths = 0, said = 0;
    for (int k = 0; k < labels; k++) {
        truths += counts[label * labels + k];
        said += counts[k * labels + label];
    }
    return (struct label_figures){ truths, share_of(right, said), truths ? share_of(right, truths) : -1,
                                   truths ? share_of(2 * right, truths + said) : -1 };
}

struct label_figures confusion_mean(const int64_t *counts, int labels)
{
    struct label_figures all = { 0 };
    int with = 0;
    for (int i = 0; i < labels; i++) {
        struct label_figures l = confusion_label(counts, labels, i);
        if (!l.truths)
            continue;
        with++;
        all.truths += l.truths;
        all.precision += l.precision;
        all.recall += l.recall;
        all.f1 += l.f1;
    }
    return with ? (struct label_figures){ all.truths, all.precision / with, all.recall / with, all.f1 / with }
                : (struct label_figures){ 0, -1, -1, -1 };
}

double confusion_accuracy(const int64_t *counts, int labels)
{
    int64_t right = 0, all = 0;
    for (int i = 0; i < labels * labels; i++) {
        all += counts[i];
        right += i % (labels + 1) == 0 ? counts[i] : 0;
    }
    return all ? (double)right / (double)all : -1;
}

/* An image is drawn by its place among all of them, cell after cell. */
static void draw_counts(const int64_t *below, int cells, int64_t images, struct random *r, int64_t *ret)
{
    memset(ret, 0, (size_t)cells * sizeof *ret);
    for (int64_t i = 0; i < images; i++) {
        int64_t at = (int64_t)random_below(r, (size_t)images);
        int low = 0, high = cells - 1;
        while (low < high) {
            int middle = (low + high) / 2;
            if (below[middle] > at)
                high = middle;
            else
                low = middle + 1;
        }
        ret[low]++;
    }
}

enum { DRAWS = 200 };

/* The draws of one figure; what is -1 in a draw is left out. */
static bool conclude(const double *values, int apart, struct interval *ret)
{
    double room[DRAWS];
    int n = 0;
    for (int i = 0; i < DRAWS; i++)
        if (values[i * apart] >= 0)
            room[n++] = values[i * apart];
    if (n)
        *ret = interval_of(room, n, 0.95);
    return n > 0;
}

/* Of a draw: accuracy and a mean of each, then of each label precision, recall and F1. */
enum { WHOLE = 4, EACH = 3 };
static void put_draw(const int64_t *counts, int labels, double *row)
{
    struct label_figures mean = confusion_mean(counts, labels);
    memcpy(row, (const double[WHOLE]){ confusion_accuracy(counts, labels), mean.precision, mean.recall, mean.f1 },
           WHOLE * sizeof *row);
    for (int k = 0; k < labels; k++) {
        struct label_figures l = confusion_label(counts, labels, k);
        memcpy(row + WHOLE + EACH * k, (const double[EACH]){ l.truths ? l.precision : -1, l.recall, l.f1 }, EACH * sizeof *row);
    }
}

static void conclude_all(const double *values, int labels, struct arena *a, struct confusion_spread *ret)
{
    int apart = WHOLE + EACH * labels;
    struct interval *whole[WHOLE] = { &ret->accuracy, &ret->precision, &ret->recall, &ret->f1 };
    for (int f = 0; f < WHOLE; f++)
        conclude(values + f, apart, whole[f]);
    ret->labels = arena_new_array(a, struct label_intervals, labels);
    for (int k = 0; k < labels; k++) {
        struct label_intervals *l = &ret->labels[k];
        struct interval *each[EACH] = { &l->precision, &l->recall, &l->f1 };
        for (int f = 0; f < EACH; f++)
            l->known = conclude(values + WHOLE + EACH * k + f, apart, each[f]);
    }
}

void confusion_spread(const int64_t *counts, int labels, struct arena *a, uint64_t seed, struct confusion_spread *ret)
{
    int cells = labels * labels, apart = WHOLE + EACH * labels;
    int64_t images = 0, *below = heap_take((size_t)cells * sizeof *below), *drawn = heap_take((size_t)cells * sizeof *drawn);
    double *values = heap_take((size_t)DRAWS * (size_t)apart * sizeof *values);
    for (int i = 0; i < cells; i++)
        below[i] = images += counts[i];
    *ret = (struct confusion_spread){ .known = images > 1 };
    for (int i = 0; i < DRAWS && ret->known; i++) {
        struct random r = random_of(seed, 0x636f6e66, (uint64_t)i);
        draw_counts(below, cells, images, &r, drawn);
        put_draw(drawn, labels, values + (size_t)i * (size_t)apart);
    }
    if (ret->known)
        conclude_all(values, labels, a, ret);
    free(below);
    free(drawn);
    free(values);
}
