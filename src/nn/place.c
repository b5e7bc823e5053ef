#include "nn/place.h"
#include <stdbool.h>
#include <stdlib.h>

static int by_size(const void *a, const void *b)
{
    const struct place *x = *(struct place *const *)a, *y = *(struct place *const *)b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return x->first != y->first ? (x->first > y->first) - (x->first < y->first) : (x < y ? -1 : x > y);
}

static size_t lowest(struct place **placed, size_t n, const struct place *p)
{
    size_t at = 0, before;
    do {
        before = at;
        for (size_t i = 0; i < n; i++) {
            const struct place *o = placed[i];
            bool together = o->first <= p->last && p->first <= o->last;
            if (together && o->offset < at + p->bytes && at < o->offset + o->bytes)
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
