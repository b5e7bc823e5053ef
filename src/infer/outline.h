/* outline.h - the outlines of what is over 0 in a map, by marching squares (Lorensen and Cline, SIGGRAPH 1987, in the plane). */
#pragma once
#include "infer/infer.h"

struct map {
    float *value; /* width × height, of the centres of cells */
    int width, height;
};
struct ring {
    size_t first, n; /* of rings.spots */
    double area;     /* in cells; < 0: a hole */
};
struct rings {
    struct spot *spots; /* in cells: (0, 0) is the corner of the map, (0.5, 0.5) the centre of its first cell */
    size_t n_spots, room_spots;
    struct ring *items;
    size_t n, room;
};
void rings_done(struct rings *);
static inline void auto_rings(struct rings *r)
{
    rings_done(r);
}
/* All rings of the map, closed at its edges; points less than `tolerance` cells off a line between others are left out (Douglas and
 * Peucker 1973). */
void outline_trace(const struct map *, double tolerance, struct rings *ret);
void outline_sort(struct rings *);                                            /* the largest first, holes among them */
const struct ring *outline_largest(const struct rings *);                     /* NULL: none */
void outline_add(struct rings *, const struct spot *, size_t n, double area); /* one more ring */

/* Without the points that are less than `tolerance` off a line between others, in place. Returns how many stay. */
size_t outline_thin(struct spot *, size_t n, double tolerance);

/* outline_join.c. Rings as one, joined by lines that are gone over forth and back. The first is a part. ret: room for all points
 * and two for each ring. Returns how many. */
size_t outline_join(const struct rings *, const struct ring *const *which, size_t n, struct spot *ret);
bool outline_is_hole_of(const struct rings *, const struct ring *hole, const struct ring *part);

/* The part of a polygon that lies in a rectangle (Sutherland and Hodgman 1974). ret: room for 6 * n + 8. Returns how many. */
size_t outline_clip(const struct spot *, size_t n, float x1, float y1, float x2, float y2, struct spot *ret);
