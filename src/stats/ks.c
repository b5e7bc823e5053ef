#include "stats/ks.h"
#include <math.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void sample_sort(double *values, size_t n)
{
    qsort(values, n, sizeof *values, ascending);
}

double sample_share(const double *values, size_t n, double x)
{
    size_t low = 0, high = n; /* of the first one above x */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (values[middle] <= x)
            low = middle + 1;
        else
            high = middle;
    }
    return n ? (double)low / (double)n : 0;
}

static size_t greatest_divisor(size_t a, size_t b)
{
    while (b) {
        size_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* |i/n - k/m| is counted in whole steps of 1 / (n m), so that equal distances are equal. */
static int64_t gap(size_t i, size_t n, size_t k, size_t m)
{
    int64_t d = (int64_t)(i * m) - (int64_t)(k * n);
    return d < 0 ? -d : d;
}

void ks_distance(const double *a, size_t n, const double *b, size_t m, struct ks *ret)
{
    int64_t most = 0;
    size_t i = 0, k = 0, g = greatest_divisor(n, m);
    *ret = (struct ks){ .p = 1, .at = a[0] < b[0] ? a[0] : b[0] };
    while (i < n && k < m) {
        double x = a[i] < b[k] ? a[i] : b[k];
        while (i < n && a[i] <= x)
            i++;
        while (k < m && b[k] <= x)
            k++;
        if (gap(i, n, k, m) > most) {
            most = gap(i, n, k, m);
            ret->at = x;
        }
    }
    ret->d = (double)(most / (int64_t)g) / ((double)(n / g) * (double)m);
}

/* touched[k]: the chance that a path of i steps up and k to the right, drawn evenly, has been at least `far` from the diagonal. It
 * came from below with chance i / (i + k), from the left with k / (i + k). */
static double touching(size_t n, size_t m, int64_t far)
{
    double *touched = heap_take((m + 1) * sizeof *touched), *part = heap_take((n + m + 1) * sizeof *part);
    for (size_t i = 1; i <= n + m; i++)
        part[i] = 1 / (double)i;
    for (size_t i = 0; i <= n; i++) {
        double left = 0;
        for (size_t k = 0; k <= m; k++) {
            if (gap(i, n, k, m) >= far)
                left = 1;
            else if (i + k)
                left = ((double)i * (i ? touched[k] : 0) + (double)k * left) * part[i + k];
            touched[k] = left;
        }
    }
    double p = touched[m];
    free(touched);
    free(part);
    return p;
}

double ks_p(size_t n, size_t m, double d)
{
    size_t g = greatest_divisor(n, m);
    int64_t steps = llround(d * (double)(n / g) * (double)m);
    if (steps <= 0)
        return 1;
    return n < m ? touching(m, n, steps * (int64_t)g) : touching(n, m, steps * (int64_t)g);
}

void ks_test(const double *a, size_t n, const double *b, size_t m, struct ks *ret)
{
    ks_distance(a, n, b, m, ret);
    ret->p = ks_p(n, m, ret->d);
}

double ks_critical(size_t n, size_t m, double alpha)
{
    size_t g = greatest_divisor(n, m);
    double all = (double)(n / g) * (double)m; /* D is a multiple of 1 / all */
    int64_t low = 0, high = (int64_t)all + 1;
    while (high - low > 1) {
        int64_t middle = (low + high) / 2;
        if (ks_p(n, m, (double)middle / all) <= alpha)
            high = middle;
        else
            low = middle;
    }
    return high > (int64_t)all ? 2 : (double)high / all;
}

size_t ks_places(const double *a, size_t n, const double *b, size_t m, size_t most, double *ret)
{
    size_t all = n + m, i = 0, k = 0, found = 0, step = (all + most - 1) / most, seen = 0;
    double last = a[n - 1] > b[m - 1] ? a[n - 1] : b[m - 1];
    for (; i < n || k < m; seen++) {
        double x = k == m || (i < n && a[i] <= b[k]) ? a[i++] : b[k++];
        if (seen % step == 0 && found < most - 1 && x < last && (!found || x > ret[found - 1]))
            ret[found++] = x;
    }
    ret[found++] = last;
    return found;
}

double total_variation(const double *a, const double *b, size_t k)
{
    double sum_a = 0, sum_b = 0, distance = 0;
    for (size_t i = 0; i < k; i++) {
        sum_a += a[i];
        sum_b += b[i];
    }
    for (size_t i = 0; i < k && sum_a > 0 && sum_b > 0; i++)
        distance += fabs(a[i] / sum_a - b[i] / sum_b) / 2;
    return distance;
}
