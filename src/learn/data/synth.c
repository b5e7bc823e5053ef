#include "learn/data/synth.h"
#include "base/file.h"
#include "base/text.h"
#include "learn/data/random.h"
#include <stdlib.h>
#include <string.h>

const char *const synth_labels[SYNTH_LABELS] = { "red_cell", "white_cell", "platelet" };

enum { W = SYNTH_WIDTH, H = SYNTH_HEIGHT, WAVES = 3, MOST_LOBES = 4 };

struct cell {
    int kind;
    float x, y, radius_x, radius_y, turn; /* an ellipse in pixels, turned by radians */
    float wave[WAVES], phase[WAVES];      /* its outline: 1 + sum of wave[k] * cos((k + 2) * angle + phase[k]) */
    float density;
    float lobe_x[MOST_LOBES], lobe_y[MOST_LOBES], lobe_r[MOST_LOBES]; /* of a white cell's nucleus, in units of the ellipse */
    int lobes;
    uint32_t grain; /* seed of the texture inside */
};

static const struct kind {
    float radius_low, radius_high, stretch, wobble;
    float absorbs[3]; /* per unit of density, of red, green and blue light */
} kinds[SYNTH_LABELS] = {
    { 30, 42, 0.16f, 0.02f, { 0.10f, 0.50f, 0.40f } },
    { 50, 72, 0.12f, 0.04f, { 0.28f, 0.36f, 0.12f } },
    { 9, 15, 0.25f, 0.10f, { 0.75f, 1.05f, 0.35f } },
};

static float outline(const struct cell *c, float angle)
{
    float r = 1;
    for (int k = 0; k < WAVES; k++)
        r += c->wave[k] * cosf((float)(k + 2) * angle + c->phase[k]);
    return r;
}

/* Not clipped to the image. */
static void extent(const struct cell *c, float ret[4])
{
    float co = cosf(c->turn), si = sinf(c->turn);
    ret[0] = ret[1] = 1e9f;
    ret[2] = ret[3] = -1e9f;
    for (int i = 0; i < 360; i++) {
        float angle = (float)i * 0.017453293f, r = outline(c, angle);
        float u = r * cosf(angle) * c->radius_x, v = r * sinf(angle) * c->radius_y;
        float x = c->x + u * co - v * si, y = c->y + u * si + v * co;
        ret[0] = fminf(ret[0], x);
        ret[1] = fminf(ret[1], y);
        ret[2] = fmaxf(ret[2], x);
        ret[3] = fmaxf(ret[3], y);
    }
}

static float smooth(float low, float high, float x)
{
    float t = fminf(1, fmaxf(0, (x - low) / (high - low)));
    return t * t * (3 - 2 * t);
}

/* A fixed noise in [0, 1) on a grid of `size` pixels, blended between the grid's points. */
static float texture(uint32_t seed, float x, float y, float size)
{
    x /= size;
    y /= size;
    int32_t xi = (int32_t)floorf(x), yi = (int32_t)floorf(y);
    float fx = smooth(0, 1, x - (float)xi), fy = smooth(0, 1, y - (float)yi), at[4];
    for (int k = 0; k < 4; k++) {
        struct random r = { ((uint64_t)(uint32_t)(xi + (k & 1)) << 32 | (uint32_t)(yi + (k >> 1))) ^ (uint64_t)seed * 0x9e3779b9 };
        at[k] = random_unit(&r);
    }
    return (at[0] * (1 - fx) + at[1] * fx) * (1 - fy) + (at[2] * (1 - fx) + at[3] * fx) * fy;
}

/* How much of each colour one point of the cell absorbs. u, v: units of the ellipse; edge: 0 outside to 1 inside; rim: distance
 * from the centre as a share of the outline. */
static void absorb(const struct cell *c, float u, float v, float px, float py, float edge, float rim, float ret[3])
{
    const struct kind *k = &kinds[c->kind];
    float d = c->density * edge;
    if (c->kind == 0) /* biconcave: pale in the middle */
        d *= 0.5f + 0.5f * smooth(0.05f, 0.7f, rim);
    else
        d *= 0.75f + 0.5f * texture(c->grain, px, py, c->kind == 1 ? 5 : 3);
    for (int i = 0; i < 3; i++)
        ret[i] = d * k->absorbs[i];
    float in = 0;
    for (int i = 0; i < c->lobes; i++)
        in = fmaxf(in, 1 - smooth(0.85f, 1.05f, hypotf(u - c->lobe_x[i], v - c->lobe_y[i]) / c->lobe_r[i]));
    in *= edge * c->density * (0.8f + 0.4f * texture(c->grain + 1, px, py, 7));
    ret[0] += in * 0.85f;
    ret[1] += in * 1.15f;
    ret[2] += in * 0.35f;
}

static void draw_cell(const struct cell *c, float *light)
{
    float box[4], co = cosf(c->turn), si = sinf(c->turn), least = fminf(c->radius_x, c->radius_y);
    extent(c, box);
    int y0 = (int)fmaxf(0, box[1] - 2), y1 = (int)fminf(H - 1, box[3] + 2), x0 = (int)fmaxf(0, box[0] - 2),
        x1 = (int)fminf(W - 1, box[2] + 2);
    for (int y = y0; y <= y1; y++)
        for (int x = x0; x <= x1; x++) {
            float dx = (float)x + 0.5f - c->x, dy = (float)y + 0.5f - c->y;
            float u = (dx * co + dy * si) / c->radius_x, v = (dy * co - dx * si) / c->radius_y;
            float r = sqrtf(u * u + v * v);
            if (r > 1.5f)
                continue;
            float out = outline(c, atan2f(v, u)), a[3];
            float edge = 1 - smooth(-0.8f, 0.8f, (r - out) * least);
            if (edge <= 0)
                continue;
            absorb(c, u, v, dx, dy, edge, r / out, a);
            float *p = light + 3 * (y * W + x);
            for (int i = 0; i < 3; i++)
                p[i] *= expf(-a[i]);
        }
}

static struct cell make_cell(struct random *r, int kind)
{
    const struct kind *k = &kinds[kind];
    float radius = random_in(r, k->radius_low, k->radius_high), stretch = random_in(r, -k->stretch, k->stretch);
    struct cell c = { .kind = kind,
                      .x = random_in(r, -10, W + 10),
                      .y = random_in(r, -10, H + 10),
                      .radius_x = radius * (1 + stretch),
                      .radius_y = radius * (1 - stretch),
                      .turn = random_in(r, 0, 6.2831853f),
                      .density = random_in(r, 0.75f, 1.25f),
                      .grain = (uint32_t)random_bits(r) };
    for (int i = 0; i < WAVES; i++) {
        c.wave[i] = random_in(r, 0, k->wobble);
        c.phase[i] = random_in(r, 0, 6.2831853f);
    }
    if (kind == 1) {
        c.lobes = 1 + (int)random_below(r, MOST_LOBES);
        float first = random_in(r, 0, 6.2831853f);
        for (int i = 0; i < c.lobes; i++) {
            float angle = first + (float)i * random_in(r, 1.3f, 1.8f), far = c.lobes == 1 ? 0.1f : 0.38f;
            c.lobe_x[i] = far * cosf(angle);
            c.lobe_y[i] = far * sinf(angle);
            c.lobe_r[i] = c.lobes == 1 ? random_in(r, 0.6f, 0.72f) : random_in(r, 0.3f, 0.42f);
        }
    }
    return c;
}

/* The box of what is visible; false when less than 40 % of it lies in the image, or it is nothing to look at. */
static bool visible_box(const struct cell *c, struct synth_box *ret)
{
    float e[4];
    extent(c, e);
    float x0 = fmaxf(0, e[0]), y0 = fmaxf(0, e[1]), x1 = fminf(W, e[2]), y1 = fminf(H, e[3]);
    if (x1 <= x0 || y1 <= y0 || (x1 - x0) * (y1 - y0) < 0.4f * (e[2] - e[0]) * (e[3] - e[1]))
        return false;
    *ret = (struct synth_box){ c->kind, (int)floorf(x0), (int)floorf(y0), (int)ceilf(x1), (int)ceilf(y1) };
    return true;
}

/* The share of the smaller box that lies in the other. */
static float overlap(const struct synth_box *a, const struct synth_box *b)
{
    int w = (a->x1 < b->x1 ? a->x1 : b->x1) - (a->x0 > b->x0 ? a->x0 : b->x0);
    int h = (a->y1 < b->y1 ? a->y1 : b->y1) - (a->y0 > b->y0 ? a->y0 : b->y0);
    if (w <= 0 || h <= 0)
        return 0;
    float area_a = (float)((a->x1 - a->x0) * (a->y1 - a->y0)), area_b = (float)((b->x1 - b->x0) * (b->y1 - b->y0));
    return (float)(w * h) / fminf(area_a, area_b);
}

static int place_cells(struct random *r, struct cell *cells, struct synth_boxes *boxes)
{
    int want[SYNTH_LABELS] = { 7 + (int)random_below(r, 9), 1 + (int)random_below(r, 3), 2 + (int)random_below(r, 5) };
    static const int order[SYNTH_LABELS] = { 1, 0, 2 }; /* large ones first, while there is room */
    boxes->n = 0;
    for (int k = 0; k < SYNTH_LABELS; k++)
        for (int tries = 0, done = 0; done < want[order[k]] && tries < 200 && boxes->n < SYNTH_MOST; tries++) {
            struct cell c = make_cell(r, order[k]);
            struct synth_box b;
            bool free = visible_box(&c, &b);
            for (int i = 0; free && i < boxes->n; i++)
                free = overlap(&b, &boxes->items[i]) < 0.3f;
            if (free) {
                cells[boxes->n] = c;
                boxes->items[boxes->n++] = b;
                done++;
            }
        }
    return boxes->n;
}

static void draw_background(struct random *r, float *light)
{
    float warm = random_in(r, -0.05f, 0.05f), bright = random_in(r, 0.82f, 0.97f), dim = random_in(r, 0.05f, 0.22f);
    float base[3] = { bright * (1 + warm), bright * random_in(r, 0.96f, 1), bright * (0.97f - warm) };
    float cx = random_in(r, 0.35f, 0.65f) * W, cy = random_in(r, 0.35f, 0.65f) * H;
    uint32_t grain = (uint32_t)random_bits(r);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            float dx = ((float)x - cx) / W, dy = ((float)y - cy) / H, spot = texture(grain, (float)x, (float)y, 90);
            float k = (1 - dim * 2 * (dx * dx + dy * dy)) * (0.97f + 0.06f * spot);
            for (int i = 0; i < 3; i++)
                light[3 * (y * W + x) + i] = base[i] * k;
        }
}

/* Dust and stain: small, pale, and not labelled. */
static void draw_specks(struct random *r, float *light)
{
    for (int n = (int)random_below(r, 8); n > 0; n--) {
        struct cell c = { .kind = 0,
                          .x = random_in(r, 0, W),
                          .y = random_in(r, 0, H),
                          .radius_x = random_in(r, 1.5f, 4),
                          .radius_y = random_in(r, 1.5f, 4),
                          .density = random_in(r, 0.2f, 0.5f) };
        draw_cell(&c, light);
    }
}

/* One pass of a Gaussian blur: along rows if step is 3, along columns if it is 3 * W. */
static void blur_pass(const float *from, float *to, float sigma, int step, int length, int lines, int line_step)
{
    float weight[5], sum = 0;
    for (int i = -2; i <= 2; i++)
        sum += weight[i + 2] = expf(-(float)(i * i) / (2 * sigma * sigma));
    for (int line = 0; line < lines; line++)
        for (int at = 0; at < length; at++)
            for (int c = 0; c < 3; c++) {
                float v = 0;
                for (int i = -2; i <= 2; i++) {
                    int k = at + i < 0 ? 0 : at + i >= length ? length - 1 : at + i;
                    v += weight[i + 2] * from[line * line_step + k * step + c];
                }
                to[line * line_step + at * step + c] = v / sum;
            }
}

enum err synth_draw(uint64_t seed, uint64_t index, struct image *ret, struct synth_boxes *ret_boxes)
{
    struct random r = random_of(seed, 'c', index);
    struct cell cells[SYNTH_MOST];
    TRY(image_new(W, H, ret));
    float *light = heap_take(sizeof(float) * W * H * 3 * 2), *other = light + W * H * 3;
    draw_background(&r, light);
    int n = place_cells(&r, cells, ret_boxes);
    draw_specks(&r, light);
    for (int i = 0; i < n; i++)
        draw_cell(&cells[i], light);
    float sigma = random_in(&r, 0.4f, 1.1f), noise = random_in(&r, 0.005f, 0.02f);
    blur_pass(light, other, sigma, 3, W, H, 3 * W);
    blur_pass(other, light, sigma, 3 * W, H, W, 3);
    for (int i = 0; i < W * H * 3; i++) {
        float v = light[i] + noise * 1.7f * (random_unit(&r) + random_unit(&r) - 1) * sqrtf(light[i] + 0.1f);
        ret->pixels[i] = (uint8_t)fminf(255, fmaxf(0, v * 255 + 0.5f));
    }
    free(light);
    return OK;
}

static void write_voc(struct text *t, const char *filename, const struct synth_boxes *boxes)
{
    text_fmt(t, "<annotation>\n  <folder>JPEGImages</folder>\n  <filename>%s</filename>\n", filename);
    text_fmt(t, "  <size><width>%d</width><height>%d</height><depth>3</depth></size>\n", W, H);
    for (const struct synth_box *b = boxes->items; b < boxes->items + boxes->n; b++)
        text_fmt(
            t,
            "  <object>\n    <name>%s</name>\n    <bndbox><xmin>%d</xmin><ymin>%d</ymin><xmax>%d</xmax><ymax>%d</ymax></bndbox>\n"
            "  </object>\n",
            synth_labels[b->label], b->x0, b->y0, b->x1, b->y1);
    text_add(t, "</annotation>\n");
}

static enum err write_one(struct arena *a, const char *dir, int index, uint64_t seed)
{
    AUTO(image) struct image image = { 0 };
    struct synth_boxes boxes;
    TRY(synth_draw(seed, (uint64_t)index, &image, &boxes));
    uint8_t *jpeg = NULL;
    size_t n = 0;
    TRY(image_to_jpeg(&image, 90, &jpeg, &n));
    enum err e = file_write(arena_fmt(a, "%s/JPEGImages/cells_%05d.jpg", dir, index), jpeg, n, 0644);
    free(jpeg);
    TRY(e);
    AUTO(text) struct text xml;
    text_init(&xml, 1 << 20);
    write_voc(&xml, arena_fmt(a, "cells_%05d.jpg", index), &boxes);
    return file_write(arena_fmt(a, "%s/Annotations/cells_%05d.xml", dir, index), xml.bytes, xml.n, 0644);
}

enum err synth_write(const char *dir, int count, uint64_t seed)
{
    AUTO(arena) struct arena *a = arena_new();
    TRY(file_make_dirs(arena_fmt(a, "%s/JPEGImages", dir), 0755));
    TRY(file_make_dirs(arena_fmt(a, "%s/Annotations", dir), 0755));
    for (int i = 0; i < count; i++)
        TRY(write_one(a, dir, i, seed));
    return OK;
}
