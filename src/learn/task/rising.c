#include "learn/task/rising.h"
#include "base/arena.h"
#include <stdlib.h>

struct rising rising_new(size_t most)
{
    return (struct rising){ heap_take((most + 1) * sizeof(double)), heap_take((most + 1) * sizeof(double)),
                            heap_take((most + 1) * sizeof(double)), 0 };
}

void rising_done(struct rising *r)
{
    free(r->from);
    free(r->value);
    free(r->weight);
}

void rising_begin(struct rising *r)
{
    r->n = 0;
}

static void pool_last_two(struct rising *r)
{
    size_t a = r->n - 2, b = r->n - 1;
    double weight = r->weight[a] + r->weight[b];
    r->value[a] = (r->value[a] * r->weight[a] + r->value[b] * r->weight[b]) / weight;
    r->weight[a] = weight;
    r->n--;
}

void rising_add(struct rising *r, double x, double value, double weight)
{
    if (weight <= 0)
        return;
    r->from[r->n] = x;
    r->value[r->n] = value;
    r->weight[r->n++] = weight;
    while (r->n > 1 && (r->value[r->n - 2] >= r->value[r->n - 1] || r->from[r->n - 2] == r->from[r->n - 1]))
        pool_last_two(r);
}

double rising_at(const struct rising *r, double x, double missing)
{
    size_t low = 0, high = r->n;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (r->from[middle] <= x)
            low = middle;
        else
            high = middle;
    }
    return r->n ? r->value[low] : missing;
}
