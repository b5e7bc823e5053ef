#include "learn/data/affine.h"
#include <math.h>
#include <string.h>

struct affine affine_then(const struct affine *a, const struct affine *b)
{
    struct point at = affine_point(b, a->x0, a->y0);
    return (struct affine){ b->xx * a->xx + b->xy * a->yx, b->xx * a->xy + b->xy * a->yy, at.x,
                            b->yx * a->xx + b->yy * a->yx, b->yx * a->xy + b->yy * a->yy, at.y };
}

struct affine affine_inverse(const struct affine *a)
{
    float d = a->xx * a->yy - a->xy * a->yx;
    struct affine r = { a->yy / d, -a->xy / d, 0, -a->yx / d, a->xx / d, 0 };
    r.x0 = -(r.xx * a->x0 + r.xy * a->y0);
    r.y0 = -(r.yx * a->x0 + r.yy * a->y0);
    return r;
}

struct affine affine_turn(float degrees, float shear_degrees, float x, float y)
{
    float angle = degrees * 0.017453293f, slope = tanf(shear_degrees * 0.017453293f), co = cosf(angle), si = sinf(angle);
    struct affine r = { co, co * slope - si, 0, si, si * slope + co, 0 };
    r.x0 = x - r.xx * x - r.xy * y;
    r.y0 = y - r.yx * x - r.yy * y;
    return r;
}

struct affine affine_scale(float scale_x, float scale_y, float to_x, float to_y)
{
    return (struct affine){ scale_x, 0, to_x, 0, scale_y, to_y };
}

float affine_shrinks(const struct affine *a)
{
    return sqrtf(fabsf(a->xx * a->yy - a->xy * a->yx));
}

struct box affine_box(const struct affine *a, const struct box *b)
{
    float w = (b->x1 - b->x0) / 2, h = (b->y1 - b->y0) / 2;
    struct point centre = affine_point(a, b->x0 + w, b->y0 + h);
    float x = sqrtf(a->xx * a->xx * w * w + a->xy * a->xy * h * h), y = sqrtf(a->yx * a->yx * w * w + a->yy * a->yy * h * h);
    return (struct box){ centre.x - x, centre.y - y, centre.x + x, centre.y + y };
}

struct box window_cut(const struct window *w, const struct box *b)
{
    return (struct box){ fmaxf(b->x0, (float)w->x0), fmaxf(b->y0, (float)w->y0), fminf(b->x1, (float)w->x1),
                         fminf(b->y1, (float)w->y1) };
}

/* How far a point is inside one of the window's four edges. */
static float inside(const struct window *w, int edge, const struct point *p)
{
    switch (edge) {
    case 0: return p->x - (float)w->x0;
    case 1: return (float)w->x1 - p->x;
    case 2: return p->y - (float)w->y0;
    default: return (float)w->y1 - p->y;
    }
}

/* Where the outline leaves the window and comes back, a corner each takes the place of those outside. */
static int cut_edge(const struct window *w, int edge, const struct point *from, int n, struct point *to)
{
    int kept = 0;
    for (int i = 0; i < n; i++) {
        const struct point *a = &from[i], *b = &from[(i + 1) % n];
        float da = inside(w, edge, a), db = inside(w, edge, b), part = da / (da - db);
        if (da >= 0 && kept < CORNERS_MOST)
            to[kept++] = *a;
        if ((da >= 0) != (db >= 0) && kept < CORNERS_MOST)
            to[kept++] = (struct point){ a->x + part * (b->x - a->x), a->y + part * (b->y - a->y) };
    }
    return kept;
}

int window_cut_polygon(const struct window *w, const struct point *points, int n, struct point *ret)
{
    struct point middle[CORNERS_MOST];
    int step = n / CORNERS_MOST + 1, left = 0;
    for (int i = 0; i < n; i += step)
        ret[left++] = points[i];
    for (int edge = 0; edge < 4; edge++) {
        left = cut_edge(w, edge, ret, left, middle);
        memcpy(ret, middle, sizeof *middle * (size_t)left);
    }
    return left < 3 ? 0 : left;
}

struct box points_box(const struct point *p, int n)
{
    struct box b = { INFINITY, INFINITY, -INFINITY, -INFINITY };
    for (int i = 0; i < n; i++)
        b = (struct box){ fminf(b.x0, p[i].x), fminf(b.y0, p[i].y), fmaxf(b.x1, p[i].x), fmaxf(b.y1, p[i].y) };
    return b;
}

float polygon_area(const struct point *p, int n)
{
    float twice = 0;
    for (int i = 0; i < n; i++)
        twice += p[i].x * p[(i + 1) % n].y - p[(i + 1) % n].x * p[i].y;
    return fabsf(twice) / 2;
}
