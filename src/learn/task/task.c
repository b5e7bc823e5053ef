#include "learn/task/task.h"
#include <string.h>

struct scores scores_copy(const struct scores *s, struct arena *a)
{
    struct scores r = *s;
    size_t rows = (size_t)(s->n_labels + 1) * sizeof *s->of_label;
    size_t cells = (size_t)s->n_labels * (size_t)s->n_labels * sizeof *s->confusion;
    r.of_label = s->of_label ? memcpy(arena_take(a, rows), s->of_label, rows) : NULL;
    r.confusion = s->confusion ? memcpy(arena_take(a, cells), s->confusion, cells) : NULL;
    return r;
}
