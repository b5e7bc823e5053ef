#include "learn/task/detections.h"
#include "learn/task/loss.h"
#include <math.h>
#include <stdlib.h>

static float sigmoid(float x)
{
    return 1 / (1 + expf(-x));
}

static int by_score(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    if (x->box.y0 != y->box.y0) /* a fixed order, whatever qsort() does */
        return x->box.y0 < y->box.y0 ? -1 : 1;
    return x->box.x0 < y->box.x0 ? -1 : x->box.x0 > y->box.x0;
}

int detect_suppress(struct found *f, int n, float nms_iou, int most)
{
    int kept = 0;
    qsort(f, (size_t)n, sizeof *f, by_score);
    for (int i = 0; i < n && kept < most; i++) {
        bool good = true;
        for (int k = 0; k < kept && good; k++)
            good = f[k].label != f[i].label || box_iou(&f[k].box, &f[i].box) <= nms_iou;
        if (good)
            f[kept++] = f[i];
    }
    return kept;
}

void detect_read(const struct network *net, int i, float min_score, float nms_iou, int most, struct arena *a, struct found **ret,
                 int *ret_n)
{
    size_t cells = 0;
    int n = 0;
    for (int k = 0; k < net->n_levels; k++)
        cells += (size_t)net->levels[k].h * (size_t)net->levels[k].w;
    struct found *f = arena_new_array(a, struct found, cells);
    AUTO(arena) struct arena *own = arena_new();
    struct level_values said[LEVELS_MOST];
    network_get(net, i, own, said);
    for (int k = 0; k < net->n_levels; k++) {
        const struct level *l = &net->levels[k];
        for (int cell = 0; cell < l->h * l->w; cell++) {
            const float *t = said[k].box + (size_t)cell * 5;
            const float *label = said[k].label + (size_t)cell * (size_t)net->labels;
            float object = sigmoid(t[4]);
            int best = 0;
            if (object < min_score)
                continue;
            for (int j = 1; j < net->labels; j++)
                best = label[j] > label[best] ? j : best;
            float score = object * sigmoid(label[best]);
            if (score >= min_score)
                f[n++] = (struct found){ level_box(l, cell, t), best, score };
        }
    }
    *ret_n = detect_suppress(f, n, nms_iou, most);
    *ret = f;
}
