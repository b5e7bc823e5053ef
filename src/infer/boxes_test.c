#include "base/test.h"
#include "infer/boxes.h"
#include "infer/outline.h"
#include <math.h>

static uint32_t drawn = 7;

static float draw(float least, float most)
{
    drawn = drawn * 1664525 + 1013904223;
    return least + (most - least) * (float)(drawn >> 8) / (float)(1 << 24);
}

static const struct placed as_it_is = { 1000, 1000, 1000, 1000, 1, 1, 0, 0 };

static void draw_boxes(struct boxes *b, size_t n, int labels)
{
    struct description d;
    description_init(&d);
    d.boxes = BOX_CXCYWH;
    for (size_t i = 0; i < n; i++) {
        float box[4] = { draw(0, 1000), draw(0, 1000), draw(20, 200), draw(20, 200) };
        boxes_add(b, &d, &as_it_is, box, draw(0, 1), (int)draw(0, (float)labels), (uint32_t)i);
    }
}

/* What the fast one is compared with: again and again the best that is left, against all that stay. */
static float overlap(const struct box *a, const struct box *b)
{
    float w = fminf(a->x2, b->x2) - fmaxf(a->x1, b->x1), h = fminf(a->y2, b->y2) - fmaxf(a->y1, b->y1);
    if (w <= 0 || h <= 0)
        return 0;
    float both = w * h, sum = (a->x2 - a->x1) * (a->y2 - a->y1) + (b->x2 - b->x1) * (b->y2 - b->y1);
    return both / (sum - both);
}

static size_t suppress_plainly(const struct boxes *b, float iou, bool across, uint32_t *ret)
{
    size_t n = 0;
    bool *gone = heap_take(b->n + 1);
    for (;;) {
        const struct box *best = NULL;
        for (size_t i = 0; i < b->n; i++)
            if (!gone[i] && (!best || b->items[i].score > best->score))
                best = &b->items[i];
        if (!best)
            break;
        ret[n++] = best->row;
        for (size_t i = 0; i < b->n; i++)
            if (&b->items[i] == best || ((across || b->items[i].label == best->label) && overlap(best, &b->items[i]) > iou))
                gone[i] = true;
    }
    free(gone);
    return n;
}

TEST(suppression_keeps_what_the_plain_way_keeps)
{
    static const float ious[] = { 0.2F, 0.5F, 0.7F };
    for (int round = 0; round < 12; round++) {
        AUTO(boxes) struct boxes b = { 0 };
        uint32_t kept[600];
        draw_boxes(&b, 600, 1 + round % 4 * 3);
        size_t n = suppress_plainly(&b, ious[round % 3], round % 2, kept);
        boxes_suppress(&b, (double)ious[round % 3], round % 2, DETECTIONS_MOST);
        CHECK_INT(b.n, n);
        for (size_t i = 0; i < n; i++)
            CHECK_INT(b.items[i].row, kept[i]);
    }
}

TEST(boxes_of_one_score_keep_their_order_and_no_more_are_left_than_wanted)
{
    struct description d;
    AUTO(boxes) struct boxes b = { 0 };
    description_init(&d);
    d.boxes = BOX_XYXY;
    for (uint32_t i = 0; i < 50; i++)
        boxes_add(&b, &d, &as_it_is, (float[]){ (float)i * 10, 0, (float)i * 10 + 9, 9 }, 0.5F, 0, i);
    boxes_suppress(&b, 0.5, false, 20);
    CHECK_INT(b.n, 20);
    for (uint32_t i = 0; i < 20; i++)
        CHECK_INT(b.items[i].row, i);
}

TEST(what_is_no_box_is_left_out)
{
    struct description d;
    AUTO(boxes) struct boxes b = { 0 };
    description_init(&d);
    d.boxes = BOX_XYXY;
    boxes_add(&b, &d, &as_it_is, (float[]){ 0, 0, NAN, 9 }, 0.5F, 0, 0);
    boxes_add(&b, &d, &as_it_is, (float[]){ 0, 0, INFINITY, 9 }, 0.5F, 0, 0);
    boxes_add(&b, &d, &as_it_is, (float[]){ 9, 0, 0, 9 }, 0.5F, 0, 0);
    boxes_add(&b, &d, &as_it_is, (float[]){ 0, 0, 9, 9 }, NAN, 0, 0);
    boxes_add(&b, &d, &as_it_is, (float[]){ 0, 0, 9, 9 }, 0.5F, -1, 0);
    CHECK_INT(b.n, 0);
    boxes_suppress(&b, 0.5, false, 20);
    CHECK_INT(b.n, 0);
}

static struct map map_of(int width, int height, const char *cells)
{
    struct map m = { heap_take(sizeof(float) * (size_t)width * (size_t)height), width, height };
    for (int i = 0; i < width * height; i++)
        m.value[i] = cells[i] == '#' ? 1 : -1;
    return m;
}

TEST(an_outline_goes_round_what_is_in_and_holes_are_told_apart)
{
    AUTO(rings) struct rings r = { 0 };
    struct map m = map_of(6, 6,
                          "......"
                          ".####."
                          ".#..#."
                          ".#..#."
                          ".####."
                          "......");
    outline_trace(&m, 0, &r);
    CHECK_INT(r.n, 2);
    const struct ring *outer = outline_largest(&r);
    CHECK(outer && outer->area > 14 && outer->area < 16); /* 4 × 4 without its corners */
    CHECK(r.items[0].area * r.items[1].area < 0);
    free(m.value);
}

TEST(outlines_close_on_the_edge_of_the_map)
{
    AUTO(rings) struct rings r = { 0 };
    struct map m = map_of(3, 2, "######");
    outline_trace(&m, 0.01, &r);
    const struct ring *all = outline_largest(&r);
    float right = 0, bottom = 0;
    CHECK(r.n == 1 && all);
    for (size_t i = 0; i < all->n; i++) {
        right = fmaxf(right, r.spots[all->first + i].x);
        bottom = fmaxf(bottom, r.spots[all->first + i].y);
    }
    CHECK(fabsf(right - 3) < 0.01F && fabsf(bottom - 2) < 0.01F);
    free(m.value);
}

/* Each in cell lies in the rings, an odd number of them, and no other does. */
static bool is_within(const struct rings *r, float x, float y)
{
    bool within = false;
    for (size_t k = 0; k < r->n; k++)
        for (size_t i = 0; i < r->items[k].n; i++) {
            struct spot a = r->spots[r->items[k].first + i], b = r->spots[r->items[k].first + (i + 1) % r->items[k].n];
            if ((a.y > y) != (b.y > y) && x < (b.x - a.x) * (y - a.y) / (b.y - a.y) + a.x)
                within = !within;
        }
    return within;
}

TEST(outlines_of_any_map_hold_its_cells_and_no_others)
{
    for (int round = 0; round < 40; round++) {
        enum { W = 23, H = 17 };
        AUTO(rings) struct rings r = { 0 };
        struct map m = { heap_take(sizeof(float) * W * H), W, H };
        for (int i = 0; i < W * H; i++)
            m.value[i] = draw(-1, 1);
        outline_trace(&m, 0, &r);
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++)
                CHECK(is_within(&r, (float)x + 0.5F, (float)y + 0.5F) == (m.value[y * W + x] > 0));
        free(m.value);
    }
}

static double area_of(const struct spot *s, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        const struct spot *a = &s[i], *b = &s[(i + 1) % n];
        sum += ((double)b->x * (double)a->y - (double)a->x * (double)b->y) / 2;
    }
    return sum;
}

TEST(parts_and_holes_are_one_ring_that_holds_the_same_cells)
{
    for (int round = 0; round < 40; round++) {
        enum { W = 23, H = 17, MOST = W * H };
        AUTO(rings) struct rings r = { 0 }, one = { 0 };
        struct map m = { heap_take(sizeof(float) * W * H), W, H };
        const struct ring *which[MOST];
        double area = 0;
        for (int i = 0; i < W * H; i++)
            m.value[i] = draw(-1, 1);
        outline_trace(&m, 0, &r);
        outline_sort(&r);
        CHECK(r.n && r.n <= MOST && r.items[0].area > 0);
        for (size_t i = 0; i < r.n; i++) {
            which[i] = &r.items[i];
            area += area_of(r.spots + r.items[i].first, r.items[i].n);
        }
        struct spot *room = heap_take(sizeof *room * (r.n_spots + 2 * r.n));
        size_t n = outline_join(&r, which, r.n, room);
        CHECK_INT(n, r.n_spots + 2 * (r.n - 1));
        CHECK(fabs(area_of(room, n) - area) < 0.01);
        outline_add(&one, room, n, area);
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++)
                CHECK(is_within(&one, (float)x + 0.5F, (float)y + 0.5F) == (m.value[y * W + x] > 0));
        free(room);
        free(m.value);
    }
}

TEST(a_polygon_is_cut_to_its_box)
{
    const struct spot square[] = { { 0, 0, 0 }, { 10, 0, 0 }, { 10, 10, 0 }, { 0, 10, 0 } };
    struct spot cut[6 * 4 + 8];
    size_t n = outline_clip(square, 4, 2, 3, 8, 20, cut);
    float least = 100, most = 0;
    for (size_t i = 0; i < n; i++) {
        least = fminf(least, cut[i].y);
        most = fmaxf(most, cut[i].y);
        CHECK(cut[i].x >= 2 && cut[i].x <= 8);
    }
    CHECK(n == 4 && least == 3 && most == 10);
    CHECK_INT(outline_clip(square, 4, 20, 20, 30, 30, cut), 0);
}

static const struct turned *drawn_turned;

static struct turned turned_of_row(const void *with, uint32_t row)
{
    (void)with;
    return drawn_turned[row];
}

/* Boxes of these rows, each worse than the one before. */
static void add_turned(struct boxes *b, const struct turned *all, size_t n, int labels)
{
    struct description d;
    description_init(&d);
    drawn_turned = all;
    for (size_t i = 0; i < n; i++) {
        float side = all[i].width > all[i].height ? all[i].width : all[i].height;
        float box[4] = { all[i].x, all[i].y, side, side };
        boxes_add(b, &d, &as_it_is, box, 0.9F - 0.1F * (float)i, (int)i % labels, (uint32_t)i);
    }
}

TEST(turned_boxes_that_cross_both_stay_though_the_boxes_around_them_are_the_same)
{
    static const struct turned all[] = { { 500, 500, 300, 40, 0.8F }, { 500, 500, 300, 40, -0.8F }, { 502, 499, 300, 42, 0.81F } };
    AUTO(boxes) struct boxes b = { 0 };
    add_turned(&b, all, COUNT_OF(all), 1);
    boxes_suppress_turned(&b, turned_of_row, NULL, 0.7, false, 300);
    CHECK_INT(b.n, 2);
    CHECK_INT(b.items[0].row, 0);
    CHECK_INT(b.items[1].row, 1);
}

TEST(a_turned_box_goes_for_a_better_one_that_went_itself_and_not_for_one_of_another_label)
{
    static const struct turned all[] = { { 500, 500, 100, 50, 0.3F }, { 516, 500, 100, 50, 0.3F }, { 532, 500, 100, 50, 0.3F } };
    for (int labels = 1; labels < 3; labels++) {
        AUTO(boxes) struct boxes b = { 0 };
        add_turned(&b, all, COUNT_OF(all), labels);
        boxes_suppress_turned(&b, turned_of_row, NULL, 0.7, false, 300);
        CHECK_INT(b.n, labels == 1 ? 1 : 3);
    }
    AUTO(boxes) struct boxes far = { 0 }, few = { 0 };
    static const struct turned apart[] = { { 500, 500, 100, 50, 0.3F }, { 530, 500, 100, 50, 0.3F }, { 560, 500, 100, 50, 0.3F } };
    add_turned(&far, apart, COUNT_OF(apart), 1);
    boxes_suppress_turned(&far, turned_of_row, NULL, 0.7, false, 300);
    CHECK_INT(far.n, 3);
    add_turned(&few, apart, COUNT_OF(apart), 1);
    boxes_suppress_turned(&few, turned_of_row, NULL, 0.7, false, 2);
    CHECK_INT(few.n, 2);
}

TEST(keypoints_are_told_whole_or_not_at_all)
{
    enum { POINTS = 10, ROOM = 25 };
    struct spot points[POINTS] = { { 0 } }, room[ROOM];
    struct detection items[DETECTIONS_MOST];
    struct found f = { .items = items, .spots = room, .room_spots = ROOM, .kind = FOUND_KEYPOINTS };
    const struct box box = { 10, 10, 50, 50, 0.9F, 0, 0 };
    for (int i = 0; i < 3; i++)
        found_shape(&f, &as_it_is, &box, points, POINTS);
    CHECK_INT(f.n, 2);
    CHECK(f.items[0].n_spots == POINTS && f.items[1].n_spots == POINTS);
}
