/* box.h - axis-aligned boxes. */
#pragma once

/* The sides of a network's input, in pixels. */
struct frame {
    int width, height;
};

struct box {
    float x0, y0, x1, y1;
};
struct labelled_box {
    struct box box;
    int label;
};

static inline float box_area(const struct box *b)
{
    return (b->x1 - b->x0) * (b->y1 - b->y0);
}
static inline float box_common(const struct box *a, const struct box *b) /* area of the intersection */
{
    float w = (a->x1 < b->x1 ? a->x1 : b->x1) - (a->x0 > b->x0 ? a->x0 : b->x0);
    float h = (a->y1 < b->y1 ? a->y1 : b->y1) - (a->y0 > b->y0 ? a->y0 : b->y0);
    return w > 0 && h > 0 ? w * h : 0;
}
/* Intersection over union. */
static inline float box_iou(const struct box *a, const struct box *b)
{
    float common = box_common(a, b), all = box_area(a) + box_area(b) - common;
    return all > 0 ? common / all : 0;
}
