/* affine.h - where things go when an image is flipped, turned, sheared, scaled, moved and cropped: one map for its pixels, boxes,
 * outlines and points. Coordinates are in pixels, the centre of the first one is (0.5, 0.5). */
#pragma once
#include "learn/data/box.h"
#include <stdbool.h>

/* x' = xx * x + xy * y + x0, y' = yx * x + yy * y + y0 */
struct affine {
    float xx, xy, x0, yx, yy, y0;
};
struct point {
    float x, y;
};
/* The part of the output that is drawn to: columns x0 … x1 - 1, rows y0 … y1 - 1. */
struct window {
    int x0, y0, x1, y1;
};

static inline struct affine affine_none(void)
{
    return (struct affine){ .xx = 1, .yy = 1 };
}
static inline struct point affine_point(const struct affine *a, float x, float y)
{
    return (struct point){ a->xx * x + a->xy * y + a->x0, a->yx * x + a->yy * y + a->y0 };
}
struct affine affine_then(const struct affine *first, const struct affine *then);
struct affine affine_inverse(const struct affine *);                              /* the determinant must not be 0 */
struct affine affine_turn(float degrees, float shear_degrees, float x, float y);  /* clockwise as seen, about (x, y) */
struct affine affine_scale(float scale_x, float scale_y, float to_x, float to_y); /* and then moved */
float affine_shrinks(const struct affine *);                                      /* sides by this: root of |determinant| */
static inline bool affine_is_straight(const struct affine *a)                     /* rows stay rows */
{
    return a->xy == 0 && a->yx == 0;
}

/* The box around the ellipse inside the box (Kalra et al. 2021): for objects that are not rectangles it is nearer than the box
 * around the turned corners; the same if nothing is turned. */
struct box affine_box(const struct affine *, const struct box *);
struct box window_cut(const struct window *, const struct box *); /* may come out without an area */
enum { CORNERS_MOST = 512 }; /* of a polygon; of one with more, every second, third … is taken */
/* A polygon's part inside the window (Sutherland & Hodgman 1974). ret: room for CORNERS_MOST. Answers how many; 0: none of it. */
int window_cut_polygon(const struct window *, const struct point *, int n, struct point *ret);
struct box points_box(const struct point *, int n);
float polygon_area(const struct point *, int n);
