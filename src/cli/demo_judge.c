#include "cli/demo.h"
#include <math.h>
#include <string.h>

bool demo_box(const struct demo *d, const struct picture *p, size_t i, struct demo_box *ret)
{
    const struct foreign_shape *s = &p->truth->shapes[i];
    bool fractions = p->truth->image.fractions;
    double w = fractions ? p->width : 1, h = fractions ? p->height : 1;
    if (!s->has_box)
        return false;
    struct demo_box b = { d->truth->labels[s->label], (int)fmax(0, s->box[0] * w), (int)fmax(0, s->box[1] * h),
                          (int)fmin(p->width, (s->box[0] + s->box[2]) * w), (int)fmin(p->height, (s->box[1] + s->box[3]) * h) };
    if (b.x1 <= b.x0 || b.y1 <= b.y0)
        return false;
    *ret = b;
    return true;
}

static double overlap(const struct demo_box *a, const struct demo_box *b)
{
    double w = fmin(a->x1, b->x1) - fmax(a->x0, b->x0), h = fmin(a->y1, b->y1) - fmax(a->y0, b->y0);
    double both = w > 0 && h > 0 ? w * h : 0;
    double all = (double)(a->x1 - a->x0) * (a->y1 - a->y0) + (double)(b->x1 - b->x0) * (b->y1 - b->y0) - both;
    return both > 0 ? both / all : 0;
}

/* The k-th box of an answer, [top, left, bottom, right] on the wire. */
static struct demo_box answered_box(struct demo *d, const struct json *answer, size_t k)
{
    const struct json *found = json_get(answer, "predictions");
    int64_t v[4] = { 0 }, class = -1;
    for (size_t c = 0; c < COUNT_OF(v); c++)
        json_int(json_at(json_at(json_get(found, "detection_boxes"), k), c), &v[c]);
    json_int(json_at(json_get(found, "detection_classes"), k), &class);
    const char *label = demo_text(json_get(answer, "labels"), demo_fmt(d, "%lld", (long long)class));
    return (struct demo_box){ label, (int)v[1], (int)v[0], (int)v[3], (int)v[2] };
}

void demo_judge(struct demo *d, const struct picture *p, const struct json *answer, struct demo_score *s)
{
    size_t n = json_count(json_get(json_get(answer, "predictions"), "detection_boxes"));
    bool *taken = arena_new_array(d->arena, bool, n + 1);
    s->answered += n;
    for (size_t i = 0; i < p->truth->n_shapes; i++) {
        struct demo_box t;
        if (!demo_box(d, p, i, &t))
            continue;
        s->truth++;
        for (size_t k = 0; k < n; k++) {
            struct demo_box b = answered_box(d, answer, k);
            if (taken[k] || strcmp(b.label, t.label) != 0 || overlap(&t, &b) < 0.5)
                continue;
            taken[k] = true;
            s->right++;
            break;
        }
    }
}
