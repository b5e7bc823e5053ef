#include "nn/place.h"
#include "base/arena.h"
#include <stdbool.h>
#include <stdlib.h>

static int by_size(const void *a, const void *b)
{
    const struct place *x = *(struct place *const *)a, *y = *(struct place *const *)b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return x->first != y->first ? (x->first > y->first) - (x->first < y->first) : (x < y ? -1 : x > y);
}

static bool spans_meet(int first, int last, int first_other, int last_other)
{
    return first <= last_other && first_other <= last;
}

static bool together(const struct place *a, const struct place *b)
{
    return spans_meet(a->first, a->last, b->first, b->last) || spans_meet(a->again_first, a->again_last, b->first, b->last) ||
           spans_meet(a->first, a->last, b->again_first, b->again_last) ||
           spans_meet(a->again_first, a->again_last, b->again_first, b->again_last);
}

static size_t lowest(struct place **placed, size_t n, const struct place *p)
{
    size_t at = 0, before;
    do {
        before = at;
        for (size_t i = 0; i < n; i++) {
            const struct place *o = placed[i];
            if (together(o, p) && o->offset < at + p->bytes && at < o->offset + o->bytes)
                at = o->offset + o->bytes;
        }
    } while (at != before);
    return at;
}

size_t places_pack(struct place **all, size_t n)
{
    size_t end = 0;
    qsort(all, n, sizeof(struct place *), by_size);
    for (size_t i = 0; i < n; i++) {
        all[i]->bytes = (all[i]->bytes + 63) & ~(size_t)63;
        all[i]->offset = lowest(all, i, all[i]);
        if (all[i]->offset + all[i]->bytes > end)
            end = all[i]->offset + all[i]->bytes;
    }
    return end;
}

size_t places_ideal(struct place *const *all, size_t n, int end)
{
    long long *change = heap_take(sizeof *change * ((size_t)end + 2)), live = 0,
              most = 0; /* of the bytes in use, from each time on */
    for (size_t i = 0; i < n; i++) {
        long long bytes = (long long)((all[i]->bytes + 63) & ~(size_t)63);
        for (int again = 0; again < 2; again++) {
            int first = again ? all[i]->again_first : all[i]->first, last = again ? all[i]->again_last : all[i]->last;
            if (first > last)
                continue;
            change[first] += bytes;
            change[last + 1] -= bytes;
        }
    }
    for (int time = 0; time <= end; time++) {
        live += change[time];
        most = live > most ? live : most;
    }
    free(change);
    return (size_t)most;
}
