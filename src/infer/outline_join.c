/* Several rings as one: parts and holes of a mask, joined by bridges that are gone over forth and back, so that they have no area.
 * Holes run the other way round than parts, so that what is in is the same by either rule of filling, and by the area of the ring.
 */
#include "infer/outline.h"
#include <string.h>

/* The two points that are nearest to each other, one of each. */
struct nearest {
    size_t of_joined, of_ring;
};

static struct nearest nearest(const struct spot *joined, size_t n, const struct spot *ring, size_t m)
{
    struct nearest best = { 0 };
    float least = -1;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < m; k++) {
            float dx = joined[i].x - ring[k].x, dy = joined[i].y - ring[k].y, far = dx * dx + dy * dy;
            if (least < 0 || far < least) {
                least = far;
                best = (struct nearest){ i, k };
            }
        }
    return best;
}

/* From its nearest point to the ring, all around it, and back. */
static size_t splice(struct spot *joined, size_t n, const struct spot *ring, size_t m)
{
    struct nearest at = nearest(joined, n, ring, m);
    struct spot *behind = joined + at.of_joined + 1;
    memmove(behind + m + 2, behind, (n - at.of_joined - 1) * sizeof *joined);
    for (size_t k = 0; k <= m; k++)
        behind[k] = ring[(at.of_ring + k) % m];
    behind[m + 1] = joined[at.of_joined];
    return n + m + 2;
}

static bool contains(const struct spot *s, size_t n, struct spot p)
{
    bool in = false;
    for (size_t i = 0; i < n; i++) {
        const struct spot *a = &s[i], *b = &s[(i + 1) % n];
        if ((a->y > p.y) != (b->y > p.y) && p.x < (b->x - a->x) * (p.y - a->y) / (b->y - a->y) + a->x)
            in = !in;
    }
    return in;
}

bool outline_is_hole_of(const struct rings *r, const struct ring *hole, const struct ring *part)
{
    return hole->area < 0 && part->area > -hole->area && contains(r->spots + part->first, part->n, r->spots[hole->first]);
}

size_t outline_join(const struct rings *r, const struct ring *const *which, size_t n, struct spot *ret)
{
    size_t joined = 0;
    for (size_t i = 0; i < n; i++) {
        const struct spot *ring = r->spots + which[i]->first;
        if (joined) {
            joined = splice(ret, joined, ring, which[i]->n);
            continue;
        }
        memcpy(ret, ring, which[i]->n * sizeof *ret);
        joined = which[i]->n;
    }
    return joined;
}
