/* Which of turned boxes stay. */
#include "infer/boxes.h"
#include <math.h>
#include <stdlib.h>

/* The moments of an even area: its middle and covariance. */
struct moments {
    double x, y, xx, yy, xy;
};

static struct moments moments_of(const struct turned *t)
{
    double c = cos((double)t->angle), s = sin((double)t->angle);
    double along = (double)t->width * (double)t->width / 12, across = (double)t->height * (double)t->height / 12;
    return (struct moments){ .x = (double)t->x,
                             .y = (double)t->y,
                             .xx = along * c * c + across * s * s,
                             .yy = along * s * s + across * c * c,
                             .xy = (along - across) * c * s };
}

static double determinant(const struct moments *m)
{
    return m->xx * m->yy - m->xy * m->xy;
}

/* Whether the Bhattacharyya distance of both is below the limit: its part of the middles first, which is enough for most. */
static bool is_near(const struct moments *a, const struct moments *b, double limit)
{
    const struct moments both = { .xx = a->xx + b->xx, .yy = a->yy + b->yy, .xy = a->xy + b->xy };
    double x = a->x - b->x, y = a->y - b->y, det = determinant(&both);
    if (!(det > 0))
        return false;
    double middles = (both.xx * y * y + both.yy * x * x - 2 * both.xy * x * y) / (4 * det);
    if (middles >= limit)
        return false;
    return middles + log(det / (4 * sqrt(determinant(a) * determinant(b)))) / 2 < limit;
}

void boxes_suppress_turned(struct boxes *b, turned_of *of, const void *with, double iou, bool across, size_t most)
{
    double apart = 1 - iou, limit = -log(1 - apart * apart); /* overlap = 1 - sqrt(1 - exp(-distance)) */
    boxes_sort(b, b->n);
    struct moments *all = heap_take((b->n + 1) * sizeof *all);
    int *label = heap_take((b->n + 1) * sizeof *label);
    size_t n = 0;
    for (size_t i = 0; i < b->n && n < most; i++) {
        struct turned t = of(with, b->items[i].row);
        bool stays = true;
        all[i] = moments_of(&t);
        label[i] = b->items[i].label;
        for (size_t k = 0; k < i && stays; k++)
            stays = !((across || label[k] == label[i]) && is_near(&all[k], &all[i], limit));
        if (stays)
            b->items[n++] = b->items[i];
    }
    b->n = n;
    free(all);
    free(label);
}
