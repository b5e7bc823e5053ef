#include "infer/outline.h"
#include "base/arena.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

void rings_done(struct rings *r)
{
    free(r->spots);
    free(r->items);
}

/* Outside of the map everything is the other way round, so that rings close on its edge. */
static float value_at(const struct map *m, int x, int y)
{
    int cx = x < 0 ? 0 : x >= m->width ? m->width - 1 : x, cy = y < 0 ? 0 : y >= m->height ? m->height - 1 : y;
    float v = m->value[(size_t)cy * (size_t)m->width + (size_t)cx];
    return cx == x && cy == y ? v : -fabsf(v);
}

static bool is_in(float v)
{
    return v > 0; /* what is no number is out */
}

/* A square lies between four centres. Its corners and edges clockwise: corner i and edge i from corner i to corner i + 1. */
static const int corner_x[4] = { 0, 1, 1, 0 }, corner_y[4] = { 0, 0, 1, 1 };

struct square {
    int x, y; /* of its first corner, from -1 */
    float v[4];
};

static struct square square_at(const struct map *m, int x, int y)
{
    struct square s = { .x = x, .y = y };
    for (int i = 0; i < 4; i++)
        s.v[i] = value_at(m, x + corner_x[i], y + corner_y[i]);
    return s;
}

/* A line comes in over an edge from out to in, and leaves over one from in to out: what is in lies on its left. */
static bool comes_in(const struct square *s, int edge)
{
    return !is_in(s->v[edge]) && is_in(s->v[(edge + 1) % 4]);
}

static bool leaves(const struct square *s, int edge)
{
    return is_in(s->v[edge]) && !is_in(s->v[(edge + 1) % 4]);
}

/* Where two lines cross a square, its middle says which corners hang together. */
static int way_out(const struct square *s, int in)
{
    bool back = leaves(s, (in + 3) % 4), on = leaves(s, (in + 1) % 4);
    if (back && on)
        return s->v[0] + s->v[1] + s->v[2] + s->v[3] > 0 ? (in + 3) % 4 : (in + 1) % 4;
    return back ? (in + 3) % 4 : on ? (in + 1) % 4 : (in + 2) % 4;
}

static struct spot crossing(const struct square *s, int edge)
{
    int to = (edge + 1) % 4;
    float a = s->v[edge], b = s->v[to], part = a / (a - b);
    part = isfinite(part) ? fminf(fmaxf(part, 0), 1) : 0.5F;
    float x = (float)corner_x[edge] + part * (float)(corner_x[to] - corner_x[edge]);
    float y = (float)corner_y[edge] + part * (float)(corner_y[to] - corner_y[edge]);
    return (struct spot){ (float)s->x + x + 0.5F, (float)s->y + y + 0.5F, 0 };
}

static void add_spot(struct rings *r, struct spot s)
{
    if (r->n_spots == r->room_spots) {
        r->room_spots = r->room_spots ? r->room_spots * 2 : 256;
        r->spots = heap_grow(r->spots, r->room_spots * sizeof *r->spots);
    }
    r->spots[r->n_spots++] = s;
}

/* Follows a line from square to square until it is back. */
static void follow(const struct map *m, int x, int y, int in, uint8_t *seen, struct rings *r)
{
    static const int step_x[4] = { 0, 1, 0, -1 }, step_y[4] = { -1, 0, 1, 0 };
    for (;;) {
        uint8_t *mark = &seen[(size_t)(y + 1) * (size_t)(m->width + 1) + (size_t)(x + 1)];
        if (*mark & 1U << in)
            return;
        *mark |= (uint8_t)(1U << in);
        struct square s = square_at(m, x, y);
        add_spot(r, crossing(&s, in));
        int out = way_out(&s, in);
        x += step_x[out];
        y += step_y[out];
        in = (out + 2) % 4;
    }
}

static double area_of(const struct spot *s, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        const struct spot *a = &s[i], *b = &s[(i + 1) % n];
        sum += (double)b->x * (double)a->y - (double)a->x * (double)b->y;
    }
    return sum / 2; /* y points down: what goes round to the left is more than 0 */
}

static double off_line(const struct spot *p, const struct spot *a, const struct spot *b)
{
    double dx = (double)b->x - (double)a->x, dy = (double)b->y - (double)a->y, l = hypot(dx, dy);
    double px = (double)p->x - (double)a->x, py = (double)p->y - (double)a->y;
    return l > 0 ? fabs(dx * py - dy * px) / l : hypot(px, py);
}

/* Marks what must stay between two points that do; a stack instead of calls, since rings are as long as files make them. */
static void mark(const struct spot *s, size_t from, size_t to, double tolerance, uint8_t *stays, size_t *stack)
{
    size_t top = 0;
    stack[top++] = from;
    stack[top++] = to;
    while (top) {
        size_t b = stack[--top], a = stack[--top], far = a;
        double most = tolerance;
        for (size_t i = a + 1; i < b; i++) {
            double off = off_line(&s[i], &s[a], &s[b]);
            if (off > most) {
                most = off;
                far = i;
            }
        }
        if (far == a)
            continue;
        stays[far] = 1;
        stack[top++] = a;
        stack[top++] = far;
        stack[top++] = far;
        stack[top++] = b;
    }
}

/* A ring is cut at its first point and at the one farthest from it. */
size_t outline_thin(struct spot *s, size_t n, double tolerance)
{
    size_t far = 0, kept = 0;
    double most = 0;
    if (n < 4)
        return n;
    for (size_t i = 1; i < n; i++) {
        double away = hypot((double)s[i].x - (double)s[0].x, (double)s[i].y - (double)s[0].y);
        far = away > most ? i : far;
        most = away > most ? away : most;
    }
    uint8_t *stays = heap_take(n + 1);
    size_t *stack = heap_take(sizeof *stack * (2 * n + 8));
    struct spot *closed = heap_take(sizeof *s * (n + 1));
    memcpy(closed, s, n * sizeof *s);
    closed[n] = s[0];
    stays[0] = stays[far] = 1;
    mark(closed, 0, far, tolerance, stays, stack);
    mark(closed, far, n, tolerance, stays, stack);
    for (size_t i = 0; i < n; i++)
        if (stays[i])
            s[kept++] = closed[i];
    free(stays);
    free(stack);
    free(closed);
    return kept;
}

/* What has no area is none. */
static void keep_ring(struct rings *r, size_t first, double area)
{
    if (r->n_spots - first < 3) {
        r->n_spots = first;
        return;
    }
    if (r->n == r->room) {
        r->room = r->room ? r->room * 2 : 16;
        r->items = heap_grow(r->items, r->room * sizeof *r->items);
    }
    r->items[r->n++] = (struct ring){ first, r->n_spots - first, area };
}

static void end_ring(struct rings *r, size_t first, double tolerance)
{
    double area = area_of(r->spots + first, r->n_spots - first);
    r->n_spots = first + outline_thin(r->spots + first, r->n_spots - first, tolerance);
    keep_ring(r, first, area);
}

void outline_add(struct rings *r, const struct spot *s, size_t n, double area)
{
    size_t first = r->n_spots;
    for (size_t i = 0; i < n; i++)
        add_spot(r, s[i]);
    keep_ring(r, first, area);
}

static int larger_first(const void *a, const void *b)
{
    double x = fabs(((const struct ring *)a)->area), y = fabs(((const struct ring *)b)->area);
    return (x < y) - (x > y);
}

void outline_sort(struct rings *r)
{
    if (r->n)
        qsort(r->items, r->n, sizeof *r->items, larger_first);
}

void outline_trace(const struct map *m, double tolerance, struct rings *ret)
{
    uint8_t *seen = heap_take((size_t)(m->width + 1) * (size_t)(m->height + 1));
    for (int y = -1; y < m->height; y++)
        for (int x = -1; x < m->width; x++) {
            struct square s = square_at(m, x, y);
            for (int edge = 0; edge < 4; edge++) {
                if (!comes_in(&s, edge) || seen[(size_t)(y + 1) * (size_t)(m->width + 1) + (size_t)(x + 1)] & 1U << edge)
                    continue;
                size_t first = ret->n_spots;
                follow(m, x, y, edge, seen, ret);
                end_ring(ret, first, tolerance);
            }
        }
    free(seen);
}

const struct ring *outline_largest(const struct rings *r)
{
    const struct ring *best = NULL;
    for (size_t i = 0; i < r->n; i++)
        if (r->items[i].area > 0 && (!best || r->items[i].area > best->area))
            best = &r->items[i];
    return best;
}

/* One side of the rectangle: what lies beyond it is replaced by where lines cross it. */
static size_t clip_side(const struct spot *s, size_t n, bool across, float at, bool less, struct spot *ret)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        struct spot a = s[i], b = s[(i + 1) % n];
        float va = across ? a.x : a.y, vb = across ? b.x : b.y;
        bool in_a = less ? va <= at : va >= at, in_b = less ? vb <= at : vb >= at;
        if (in_a)
            ret[kept++] = a;
        if (in_a != in_b) {
            float part = (at - va) / (vb - va);
            ret[kept++] = (struct spot){ a.x + part * (b.x - a.x), a.y + part * (b.y - a.y), 0 };
        }
    }
    return kept;
}

size_t outline_clip(const struct spot *s, size_t n, float x1, float y1, float x2, float y2, struct spot *ret)
{
    struct spot *a = heap_take(sizeof *a * (6 * n + 8)), *b = heap_take(sizeof *b * (6 * n + 8));
    n = clip_side(s, n, true, x1, false, a);
    n = clip_side(a, n, true, x2, true, b);
    n = clip_side(b, n, false, y1, false, a);
    n = clip_side(a, n, false, y2, true, b);
    memcpy(ret, b, n * sizeof *b);
    free(a);
    free(b);
    return n;
}
