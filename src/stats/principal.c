#include "stats/principal.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SWEEPS = 60, TURNS = 200, GUARD = 8 }; /* GUARD: more directions than asked for are followed, so that these settle sooner */
/* Variances that are none: beside the largest one, and beside the values themselves, which are in single precision. */
static const double SETTLED = 1e-9, NOTHING = 1e-10, ROUNDING = 1e-14;

/* ---- all of a small matrix */

/* Turns the rows and columns p and q so that their common element becomes zero. */
static void rotate(double *m, double *v, size_t n, size_t p, size_t q)
{
    double theta = (m[q * n + q] - m[p * n + p]) / (2 * m[p * n + q]);
    double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1)), c = 1 / sqrt(t * t + 1), s = t * c;
    for (size_t k = 0; k < n; k++) {
        double a = m[k * n + p], b = m[k * n + q];
        m[k * n + p] = c * a - s * b;
        m[k * n + q] = s * a + c * b;
    }
    for (size_t k = 0; k < n; k++) {
        double a = m[p * n + k], b = m[q * n + k], x = v[p * n + k], y = v[q * n + k];
        m[p * n + k] = c * a - s * b;
        m[q * n + k] = s * a + c * b;
        v[p * n + k] = c * x - s * y;
        v[q * n + k] = s * x + c * y;
    }
}

static bool sweep(double *m, double *v, size_t n)
{
    double off = 0, all = 0;
    for (size_t p = 0; p < n; p++)
        for (size_t q = 0; q < n; q++) {
            all += m[p * n + q] * m[p * n + q];
            off += p == q ? 0 : m[p * n + q] * m[p * n + q];
        }
    if (off <= 1e-30 * all)
        return false;
    for (size_t p = 0; p < n; p++)
        for (size_t q = p + 1; q < n; q++)
            if (fabs(m[p * n + q]) > 0)
                rotate(m, v, n, p, q);
    return true;
}

static void swap(double *a, double *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double x = a[i];
        a[i] = b[i];
        b[i] = x;
    }
}

void jacobi(double *m, size_t n, double *values, double *vectors)
{
    memset(vectors, 0, n * n * sizeof *vectors);
    for (size_t i = 0; i < n; i++)
        vectors[i * n + i] = 1;
    for (int i = 0; i < SWEEPS && sweep(m, vectors, n); i++)
        continue;
    for (size_t i = 0; i < n; i++)
        values[i] = m[i * n + i];
    for (size_t i = 0; i < n; i++) { /* the largest of the rest comes next */
        size_t best = i;
        for (size_t k = i + 1; k < n; k++)
            best = values[k] > values[best] ? k : best;
        swap(&values[i], &values[best], 1);
        if (best != i)
            swap(vectors + i * n, vectors + best * n, n);
    }
}

/* ---- the first ones of a large matrix */

struct iteration {
    const double *matrix;
    size_t n, m;                         /* rows of the matrix; vectors that are followed */
    double *v, *w;                       /* m × n: vectors, and what the matrix makes of them */
    double *small, *values, *turn, *row; /* m × m, m, m × m; m of one place */
};

static double product(const double *a, const double *b, size_t n)
{
    double sum[4] = { 0 }; /* that wait for each other less */
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (size_t k = 0; k < 4; k++)
            sum[k] += a[i + k] * b[i + k];
    for (; i < n; i++)
        sum[0] += a[i] * b[i];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* At right angles and of length one (Gram-Schmidt, twice since rounding spoils the first time); what vanishes becomes zero. */
static void straighten(double *v, size_t m, size_t n)
{
    for (size_t k = 0; k < m; k++) {
        double *x = v + k * n, before = sqrt(product(x, x, n));
        for (int again = 0; again < 2; again++)
            for (size_t i = 0; i < k; i++) {
                double along = product(x, v + i * n, n);
                for (size_t j = 0; j < n; j++)
                    x[j] -= along * v[i * n + j];
            }
        double length = sqrt(product(x, x, n));
        for (size_t j = 0; j < n; j++)
            x[j] = length > 1e-12 * before ? x[j] / length : 0;
    }
}

static void multiply(const struct iteration *t)
{
    for (size_t k = 0; k < t->m; k++)
        for (size_t i = 0; i < t->n; i++)
            t->w[k * t->n + i] = product(t->matrix + i * t->n, t->v + k * t->n, t->n);
}

/* The vectors in the directions of the small problem's answers. */
static void turn(const struct iteration *t, double *x)
{
    for (size_t j = 0; j < t->n; j++) {
        for (size_t k = 0; k < t->m; k++)
            t->row[k] = x[k * t->n + j];
        for (size_t k = 0; k < t->m; k++)
            x[k * t->n + j] = product(t->turn + k * t->m, t->row, t->m);
    }
}

/* How far the first `most` are from being eigenvectors, beside the largest value. */
static double unsettled(const struct iteration *t, size_t most)
{
    double worst = 0;
    for (size_t k = 0; k < most; k++) {
        double sum = 0;
        for (size_t j = 0; j < t->n; j++) {
            double off = t->w[k * t->n + j] - t->values[k] * t->v[k * t->n + j];
            sum += off * off;
        }
        worst = fmax(worst, sqrt(sum));
    }
    return t->values[0] > 0 ? worst / t->values[0] : 0;
}

static void iterate(struct iteration *t, size_t most)
{
    uint64_t state = 1;
    for (size_t i = 0; i < t->m * t->n; i++) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        t->v[i] = (double)(state >> 11) / 9007199254740992.0 - 0.5;
    }
    straighten(t->v, t->m, t->n);
    for (int i = 0; i < TURNS; i++) {
        multiply(t);
        for (size_t k = 0; k < t->m; k++)
            for (size_t l = 0; l < t->m; l++)
                t->small[k * t->m + l] = product(t->v + (k < l ? k : l) * t->n, t->w + (k < l ? l : k) * t->n, t->n);
        jacobi(t->small, t->m, t->values, t->turn);
        turn(t, t->v);
        turn(t, t->w);
        if (unsettled(t, most) < SETTLED)
            return;
        if (i + 1 < TURNS) {
            memcpy(t->v, t->w, t->m * t->n * sizeof *t->v);
            straighten(t->v, t->m, t->n);
        }
    }
}

/* ---- rows */

struct rows {
    double *x; /* n × width, without their mean */
    size_t n, width;
};

/* x′x or x x′, whichever is smaller, over n - 1. */
static void square(const struct rows *r, bool by_rows, double *ret)
{
    size_t d = by_rows ? r->n : r->width;
    memset(ret, 0, d * d * sizeof *ret);
    for (size_t i = 0; i < r->n; i++) {
        const double *x = r->x + i * r->width;
        for (size_t k = 0; by_rows && k <= i; k++)
            ret[i * d + k] = product(x, r->x + k * r->width, r->width);
        for (size_t j = 0; !by_rows && j < r->width; j++)
            for (size_t k = 0; k <= j; k++)
                ret[j * d + k] += x[j] * x[k];
    }
    for (size_t j = 0; j < d; j++)
        for (size_t k = 0; k <= j; k++)
            ret[k * d + j] = ret[j * d + k] /= (double)(r->n - 1);
}

/* What an eigenvector says of the values: itself, or the rows summed up by it. */
static void direction(const struct rows *r, bool by_rows, const double *vector, double *ret)
{
    if (!by_rows)
        memcpy(ret, vector, r->width * sizeof *ret);
    for (size_t i = 0; by_rows && i < r->n; i++)
        for (size_t j = 0; j < r->width; j++)
            ret[j] += vector[i] * r->x[i * r->width + j];
    double length = sqrt(product(ret, ret, r->width));
    size_t largest = 0;
    for (size_t j = 0; j < r->width; j++)
        largest = fabs(ret[j]) > fabs(ret[largest]) * (1 + 1e-9) ? j : largest;
    length = ret[largest] < 0 ? -length : length;
    for (size_t j = 0; j < r->width && fabs(length) > 0; j++)
        ret[j] /= length;
}

static void centre(struct rows *r, const float *rows, double *mean)
{
    for (size_t j = 0; j < r->width; j++) {
        for (size_t i = 0; i < r->n; i++)
            mean[j] += (double)rows[i * r->width + j] / (double)r->n;
        for (size_t i = 0; i < r->n; i++)
            r->x[i * r->width + j] = (double)rows[i * r->width + j] - mean[j];
    }
}

static void find(const struct rows *r, double *memory, size_t most, struct principal *ret)
{
    bool by_rows = r->n < r->width;
    size_t d = by_rows ? r->n : r->width, m = most + GUARD < d ? most + GUARD : d;
    double *at = memory + d * d;
    struct iteration t = { memory, d, m, at, at + m * d, at + 2 * m * d, at + 2 * m * d + m * m, NULL, NULL };
    t.turn = t.values + m;
    t.row = t.turn + m * m;
    square(r, by_rows, memory);
    for (size_t i = 0; i < d; i++)
        ret->spread += memory[i * d + i];
    ret->spread = sqrt(ret->spread);
    most = most < m ? most : m;
    iterate(&t, most);
    double least = fmax(NOTHING * t.values[0], ROUNDING * product(ret->mean, ret->mean, r->width));
    for (ret->n = 0; ret->n < most && t.values[ret->n] > least; ret->n++) {
        ret->scales[ret->n] = sqrt(t.values[ret->n]);
        direction(r, by_rows, t.v + ret->n * d, ret->directions + ret->n * r->width);
    }
}

enum err principal_fit(struct arena *a, const float *rows, size_t n, size_t width, size_t most, struct principal *ret)
{
    size_t d = n < width ? n : width, m = most + GUARD < d ? most + GUARD : d;
    struct rows r = { .n = n, .width = width };
    void *centred = NULL, *memory = NULL;
    *ret = (struct principal){ width,
                               0,
                               arena_new_array(a, double, width),
                               arena_new_array(a, double, width *most + 1),
                               arena_new_array(a, double, most + 1),
                               0 };
    TRY(big_take(n * width * sizeof(double), (size_t)PRINCIPAL_ROWS * PRINCIPAL_WIDTH * sizeof(double), "rows", &centred));
    enum err e = big_take((d * d + 2 * m * d + 2 * m * m + 2 * m) * sizeof(double), SIZE_MAX, "their products", &memory);
    if (e == OK) {
        r.x = centred;
        centre(&r, rows, ret->mean);
        find(&r, memory, most, ret);
    }
    free(centred);
    free(memory);
    return e;
}

void principal_place(const struct principal *p, const float *row, float *ret)
{
    double beside = 0;
    for (size_t j = 0; j < p->width; j++)
        beside += ((double)row[j] - p->mean[j]) * ((double)row[j] - p->mean[j]);
    for (size_t k = 0; k < p->n; k++) {
        double sum = 0;
        for (size_t j = 0; j < p->width; j++)
            sum += ((double)row[j] - p->mean[j]) * p->directions[k * p->width + j];
        ret[k] = (float)(sum / p->scales[k]);
        beside -= sum * sum;
    }
    ret[p->n] = beside > 0 && p->spread > 0 ? (float)(sqrt(beside) / p->spread) : 0;
}
