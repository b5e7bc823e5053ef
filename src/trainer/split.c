/* Which images are kept for evaluation. */
#include "trainer/split.h"
#include "learn/data/random.h"
#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;
    int c = strcmp(x->name, y->name);
    return c ? c : strcmp(x->path, y->path);
}
void train_sort(struct samples *s)
{
    if (s->n)
        qsort(s->items, s->n, sizeof *s->items, by_name);
}

/* Of each label the 2nd, 7th, 12th … in that order: one image stays, two are shared. */
static void split_labels(struct arena *a, const struct samples *all, const uint32_t *order, bool *ret_out)
{
    int most = 0;
    for (size_t i = 0; i < all->n; i++)
        most = all->items[i].label > most ? all->items[i].label : most;
    size_t *seen = arena_new_array(a, size_t, most + 1);
    for (size_t i = 0; i < all->n; i++)
        ret_out[order[i]] = seen[all->items[order[i]].label]++ % 5 == 1;
}

void train_split(struct arena *a, struct samples *all, bool whole, uint64_t seed, struct samples *ret_eval)
{
    size_t n = all->n, taken = n >= 2 ? (n + 4) / 5 : 0, left = 0;
    uint32_t *order = arena_new_array(a, uint32_t, n + 1);
    bool *out = arena_new_array(a, bool, n + 1);
    struct random r = random_of(seed, 's', 0);
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    random_shuffle(&r, order, n);
    if (whole)
        split_labels(a, all, order, out);
    for (size_t i = 0; i < taken && !whole; i++)
        out[order[i]] = true;
    *ret_eval = (struct samples){ arena_new_array(a, struct sample, n + 1), 0 };
    for (size_t i = 0; i < n; i++)
        if (out[i])
            ret_eval->items[ret_eval->n++] = all->items[i];
        else
            all->items[left++] = all->items[i];
    all->n = left;
}
