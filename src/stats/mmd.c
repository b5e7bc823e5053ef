#include "stats/mmd.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* All points, those of the smaller sample last; a permutation says which others are taken for it. */
struct points {
    float *kernel; /* all × all, zero on the diagonal */
    double *sums;  /* of each row */
    double sum;
    size_t all, few;
    uint32_t *order;
    uint64_t state;
};

static void points_free(struct points *p)
{
    free(p->kernel);
    free(p->sums);
    free(p->order);
}

/* ---- the median distance */

static void swap(float *a, float *b)
{
    float x = *a;
    *a = *b;
    *b = x;
}

/* Moves the k-th smallest to its place (Hoare, "Find", CACM 4, 1961). */
static float find(float *v, size_t n, size_t k)
{
    size_t low = 0, high = n - 1;
    while (low < high) {
        float pivot = v[low + (high - low) / 2];
        size_t i = low, j = high;
        for (;; i++, j--) {
            while (v[i] < pivot)
                i++;
            while (v[j] > pivot)
                j--;
            if (i >= j)
                break;
            swap(&v[i], &v[j]);
        }
        if (k <= j)
            high = j;
        else
            low = j + 1;
    }
    return v[k];
}

static double median(float *v, size_t n)
{
    float upper = find(v, n, n / 2), lower = upper;
    for (size_t i = 0; n % 2 == 0 && i < n / 2; i++)
        lower = i == 0 || v[i] > lower ? v[i] : lower;
    return ((double)lower + (double)upper) / 2;
}

/* ---- the kernel */

static float squared_distance(const float *a, const float *b, size_t width)
{
    float sum = 0;
    for (size_t i = 0; i < width; i++)
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
}

/* Squared distances into the matrix; their roots' median. */
static double measure(struct points *p, const float *const *at, size_t width, float *roots)
{
    size_t n = 0;
    for (size_t i = 0; i < p->all; i++)
        for (size_t k = 0; k < i; k++) {
            float d = squared_distance(at[i], at[k], width);
            p->kernel[i * p->all + k] = d;
            roots[n++] = sqrtf(d);
        }
    return median(roots, n);
}

static void make_kernel(struct points *p, double sigma)
{
    for (size_t i = 0; i < p->all; i++)
        for (size_t k = 0; k < i; k++) {
            float v = sigma > 0 ? expf((float)((double)p->kernel[i * p->all + k] / (-2 * sigma * sigma))) : 1;
            p->kernel[i * p->all + k] = p->kernel[k * p->all + i] = v;
            p->sums[i] += (double)v;
            p->sums[k] += (double)v;
            p->sum += 2 * (double)v;
        }
}

/* ---- permutations */

/* Of the points that the order names last as one sample, and the others. */
static double mmd2(const struct points *p)
{
    const uint32_t *few = p->order + p->all - p->few;
    double within = 0, of_few = 0;
    for (size_t i = 0; i < p->few; i++) {
        const float *row = p->kernel + (size_t)few[i] * p->all;
        float sum = 0;
        for (size_t k = 0; k < i; k++)
            sum += row[few[k]];
        within += 2 * (double)sum;
        of_few += p->sums[few[i]];
    }
    double m = (double)p->few, n = (double)(p->all - p->few), between = of_few - within;
    return (p->sum - 2 * of_few + within) / (n * (n - 1)) + within / (m * (m - 1)) - 2 * between / (n * m);
}

static size_t draw(struct points *p, size_t below)
{
    p->state ^= p->state << 13;
    p->state ^= p->state >> 7;
    p->state ^= p->state << 17;
    return (size_t)(((p->state >> 32) * below) >> 32);
}

static void permute(struct points *p)
{
    for (size_t i = p->all - 1; i >= p->all - p->few; i--) {
        size_t k = draw(p, i + 1);
        uint32_t x = p->order[i];
        p->order[i] = p->order[k];
        p->order[k] = x;
    }
}

/* The largest values, the least of them first. */
struct tail {
    double values[MMD_TAIL];
    size_t n;
};

static void keep_largest(struct tail *t, double x)
{
    size_t i = 0;
    if (t->n == MMD_TAIL && x <= t->values[0])
        return;
    if (t->n < MMD_TAIL)
        memmove(t->values + 1, t->values, t->n++ * sizeof *t->values);
    for (; i + 1 < t->n && t->values[i + 1] < x; i++)
        t->values[i] = t->values[i + 1];
    t->values[i] = x;
}

static void tell_tail(const struct tail *t, struct mmd *ret)
{
    for (size_t i = 0; i < t->n; i++)
        ret->tail_mean += (t->values[i] - t->values[0]) / (double)t->n;
    ret->tail_from = t->values[0];
    ret->tail_share = (double)t->n / (double)ret->permutations;
}

/* Until `enough` of at least `least` permutations were as far apart. */
static void try_permutations(struct points *p, int64_t enough, int64_t least, struct mmd *ret)
{
    struct tail tail = { .n = 0 };
    int64_t beyond = 0;
    double from = ret->mmd2 - 1e-9; /* sums of the same numbers in another order */
    for (; ret->permutations < MMD_PERMUTATIONS && (beyond < enough || ret->permutations < least); ret->permutations++) {
        permute(p);
        double x = mmd2(p);
        beyond += x >= from;
        keep_largest(&tail, x);
    }
    ret->p = (double)(beyond + 1) / (double)(ret->permutations + 1);
    tell_tail(&tail, ret);
}

static enum err points_take(struct points *p, size_t all, size_t few, float **ret_roots)
{
    void *kernel = NULL, *roots = NULL;
    *p = (struct points){ .all = all, .few = few, .state = 88172645463325252ULL };
    TRY(big_take(all * all * sizeof(float), SIZE_MAX, "a kernel", &kernel));
    p->kernel = kernel;
    TRY(big_take(all * all / 2 * sizeof(float), SIZE_MAX, "distances", &roots));
    *ret_roots = roots;
    p->sums = heap_take(all * sizeof *p->sums);
    p->order = heap_take(all * sizeof *p->order);
    for (size_t i = 0; i < all; i++)
        p->order[i] = (uint32_t)i;
    return OK;
}

static enum err test(const float *x, size_t n, const float *y, size_t m, size_t width, int64_t enough, int64_t least,
                     struct mmd *ret)
{
    struct points p;
    float *roots = NULL;
    bool swapped = n < m;
    const float *many = swapped ? y : x, *few = swapped ? x : y;
    size_t n_many = swapped ? m : n, n_few = swapped ? n : m;
    *ret = (struct mmd){ .p = 1 };
    enum err e = points_take(&p, n + m, n_few, &roots);
    if (e == OK) {
        const float **at = heap_take((n + m) * sizeof *at);
        for (size_t i = 0; i < n + m; i++)
            at[i] = i < n_many ? many + i * width : few + (i - n_many) * width;
        ret->sigma = measure(&p, at, width, roots);
        make_kernel(&p, ret->sigma);
        ret->mmd2 = mmd2(&p);
        try_permutations(&p, enough, least, ret);
        free(at);
    }
    free(roots);
    points_free(&p);
    return e;
}

enum err mmd_test(const float *x, size_t n, const float *y, size_t m, size_t width, struct mmd *ret)
{
    return test(x, n, y, m, width, MMD_ENOUGH, MMD_LEAST, ret);
}

enum err mmd_differs(const float *x, size_t n, const float *y, size_t m, size_t width, double alpha, bool *ret)
{
    struct mmd r;
    int64_t too_many = (int64_t)(alpha * (MMD_PERMUTATIONS + 1)); /* one more than these as far apart, and p is above alpha */
    TRY(test(x, n, y, m, width, too_many < 1 ? 1 : too_many, 1, &r));
    *ret = r.permutations == MMD_PERMUTATIONS && r.p <= alpha;
    return OK;
}

double mmd_critical(const struct mmd *m, double alpha)
{
    return m->tail_from + m->tail_mean * log(m->tail_share / alpha);
}
