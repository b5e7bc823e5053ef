/* How long suppressing candidates takes: N boxes around as many things as a crowd has, of 80 labels, at most 300 left. */
#include "base/clock.h"
#include "infer/boxes.h"
#include <stdio.h>

static uint32_t drawn = 1;

static float draw(float least, float most)
{
    drawn = drawn * 1664525 + 1013904223;
    return least + (most - least) * (float)(drawn >> 8) / (float)(1 << 24);
}

static void fill(struct boxes *b, size_t n, size_t things, int labels)
{
    static const struct placed at = { 1280, 1280, 1280, 1280, 1, 1, 0, 0 };
    struct description d;
    description_init(&d);
    d.boxes = BOX_CXCYWH;
    for (size_t i = 0; i < n; i++) {
        drawn = (uint32_t)(i % things) * 7919 + 1;
        float x = draw(0, 1280), y = draw(0, 1280), w = draw(10, 200), h = draw(10, 200);
        drawn = (uint32_t)i * 2654435761U + 3;
        float box[4] = { x + draw(-4, 4), y + draw(-4, 4), w, h };
        boxes_add(b, &d, &at, box, draw(0.001F, 1), (int)(i % things) % labels, (uint32_t)i);
    }
}

#define BAR_MS 5.0

int main(void)
{
    enum { N = 30000, ROUNDS = 20 };
    static const struct {
        const char *name;
        size_t things;
        int labels;
        bool across;
    } cases[] = { { "by class, 80 labels, 200 things", 200, 80, false },
                  { "across classes, 200 things", 200, 80, true },
                  { "one label, 1000 things", 1000, 1, false } };
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        double best = 1e9;
        size_t left = 0;
        for (int i = 0; i < ROUNDS; i++) {
            AUTO(boxes) struct boxes b = { 0 };
            fill(&b, N, cases[c].things, cases[c].labels);
            double start = clock_seconds();
            boxes_suppress(&b, 0.7, cases[c].across, 300);
            double took = clock_seconds() - start;
            best = took < best ? took : best;
            left = b.n;
        }
        printf("suppression %s: ours %.2f ms of %d candidates, %zu left, bar %.0f ms%s\n", cases[c].name, best * 1e3, N, left,
               BAR_MS, best * 1e3 < BAR_MS ? "" : ", MISSED");
    }
    return 0;
}
