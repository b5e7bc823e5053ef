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

static int by_path(const void *a, const void *b)
{
    const struct sample *const *x = a, *const *y = b;
    int c = strcmp((*x)->path, (*y)->path);
    return c ? c : (*x > *y) - (*x < *y); /* where they lie is the order in which they came */
}

size_t train_drop_twins(struct arena *a, struct samples *s)
{
    size_t n = s->n, left = 0;
    const struct sample **order = arena_new_array(a, const struct sample *, n + 1);
    bool *drop = arena_new_array(a, bool, n + 1);
    for (size_t i = 0; i < n; i++)
        order[i] = &s->items[i];
    if (n)
        qsort(order, n, sizeof *order, by_path);
    for (size_t i = 0; i + 1 < n; i++)
        drop[order[i] - s->items] = strcmp(order[i]->path, order[i + 1]->path) == 0;
    for (size_t i = 0; i < n; i++)
        if (!drop[i])
            s->items[left++] = s->items[i];
    s->n = left;
    return n - left;
}

struct split {
    struct arena *arena;
    const struct samples *all;
    const uint32_t *order; /* by chance */
    bool *out;
};

static int count_labels(const struct samples *all)
{
    int most = 0;
    for (size_t i = 0; i < all->n; i++) {
        most = all->items[i].label > most ? all->items[i].label : most;
        for (int k = 0; k < all->items[i].n; k++)
            most = all->items[i].boxes[k].label > most ? all->items[i].boxes[k].label : most;
    }
    return most + 1;
}

/* Of each label the 2nd, 7th, 12th … in that order: one image stays, two are shared. */
static void split_labels(struct split *s)
{
    size_t *seen = arena_new_array(s->arena, size_t, count_labels(s->all));
    for (size_t i = 0; i < s->all->n; i++) {
        int label = s->all->items[s->order[i]].label;
        s->out[s->order[i]] = label >= 0 && seen[label]++ % 5 == 1;
    }
}

/* The boxes of the image, each label once, are taken from how many images left have the label; false if it is the last of one. */
static bool may_leave(const struct sample *s, size_t *left, int64_t *seen_in, int64_t image)
{
    for (int k = 0; k < s->n; k++)
        if (left[s->boxes[k].label] <= 1)
            return false;
    for (int k = 0; k < s->n; k++) {
        int label = s->boxes[k].label;
        left[label] -= seen_in[label] != image;
        seen_in[label] = image;
    }
    return true;
}

/* A fifth, but no image that is the last with one of its labels: what is nowhere else is to be learnt, not asked for. */
static void split_boxes(struct split *s)
{
    size_t n = s->all->n, labels = (size_t)count_labels(s->all), taken = n >= 2 ? (n + 4) / 5 : 0;
    size_t *left = arena_new_array(s->arena, size_t, labels);
    int64_t *seen_in = arena_new_array(s->arena, int64_t, labels);
    bool any = false;
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < s->all->items[i].n; k++) {
            int label = s->all->items[i].boxes[k].label;
            left[label] += seen_in[label] != (int64_t)i + 1;
            seen_in[label] = (int64_t)i + 1;
        }
    for (size_t i = 0; i < n && taken; i++) {
        const struct sample *image = &s->all->items[s->order[i]];
        if (!may_leave(image, left, seen_in, (int64_t)(n + i + 1)))
            continue;
        s->out[s->order[i]] = true;
        any |= image->n > 0;
        taken--;
    }
    for (size_t i = 0; i < n && !any; i++) /* without anything to find there is nothing to evaluate */
        s->out[i] = false;
}

void train_split(struct arena *a, struct samples *all, bool whole, uint64_t seed, struct samples *ret_eval)
{
    size_t n = all->n, left = 0;
    uint32_t *order = arena_new_array(a, uint32_t, n + 1);
    bool *out = arena_new_array(a, bool, n + 1);
    struct random r = random_of(seed, 's', 0);
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    random_shuffle(&r, order, n);
    (whole ? split_labels : split_boxes)(&(struct split){ a, all, order, out });
    *ret_eval = (struct samples){ arena_new_array(a, struct sample, n + 1), 0 };
    for (size_t i = 0; i < n; i++)
        if (out[i])
            ret_eval->items[ret_eval->n++] = all->items[i];
        else
            all->items[left++] = all->items[i];
    all->n = left;
}
