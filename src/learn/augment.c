#include "learn/augment.h"
#include <math.h>
#include <string.h>

const struct normalise learn_normalise = { 1 / 255.0f, { 0.5f, 0.5f, 0.5f }, { 0.25f, 0.25f, 0.25f }, 114 };

static const float VISIBLE = 0.3f, SIDE_LEAST = 3; /* share of a box, and pixels of its sides, that must remain to be learnt */

/* Where a picture goes: u = (x - shift_x) / scale_x is its column at the output's column x (scale_x < 0: mirrored), within the
 * window of the output. */
struct placing {
    float scale_x, scale_y, shift_x, shift_y;
    int x0, y0, x1, y1;
};
/* Colours: three weighted sums of red, green and blue, cut to what an image can hold, then normalised. */
struct colouring {
    float weight[3][3];
};

static struct colouring draw_colouring(const struct settings *s, struct random *r)
{
    float turn = 6.2831853f * (float)s->hue * random_in(r, -1, 1), co = cosf(turn), si = sinf(turn);
    float colour = 1 + (float)s->saturation * random_in(r, -1, 1), bright = 1 + (float)s->brightness * random_in(r, -1, 1);
    /* Turned about the grey axis (1, 1, 1) (Rodrigues), then towards or away from its own grey. */
    float same = co + (1 - co) / 3, next = (1 - co) / 3 - si * 0.57735027f, after = (1 - co) / 3 + si * 0.57735027f;
    float turned[3][3] = { { same, next, after }, { after, same, next }, { next, after, same } };
    static const float luma[3] = { 0.299f, 0.587f, 0.114f };
    struct colouring c;
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++)
            c.weight[i][k] = bright * (colour * turned[i][k] + (1 - colour) * luma[k]);
    return c;
}
static const struct colouring plain = { { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } } };

static float normalised(float v, int channel)
{
    const struct normalise *n = &learn_normalise;
    return (v * n->scale - n->mean[channel]) / n->std[channel];
}

static void fill(float *pixels, int size)
{
    for (int i = 0; i < size * size * 3; i++)
        pixels[i] = normalised(learn_normalise.pad, i % 3);
}

/* Between the four pixels around (u, v); the centre of the first pixel is (0.5, 0.5). */
static void sample_pixel(const struct image *im, float u, float v, float ret[3])
{
    u = fminf((float)im->width - 1.001f, fmaxf(0, u - 0.5f));
    v = fminf((float)im->height - 1.001f, fmaxf(0, v - 0.5f));
    int x = (int)u, y = (int)v;
    float fx = u - (float)x, fy = v - (float)y;
    size_t right = im->width > 1 ? 3 : 0, down = im->height > 1 ? (size_t)im->width * 3 : 0;
    const uint8_t *p = im->pixels + ((size_t)y * (size_t)im->width + (size_t)x) * 3;
    float a = (1 - fx) * (1 - fy), b = fx * (1 - fy), c = (1 - fx) * fy, d = fx * fy;
    for (int k = 0; k < 3; k++)
        ret[k] = a * p[k] + b * p[right + (size_t)k] + c * p[down + (size_t)k] + d * p[down + right + (size_t)k];
}

static void place_pixels(const struct image *im, const struct placing *at, const struct colouring *c, int size, float *pixels)
{
    float scale[3], bias[3];
    for (int k = 0; k < 3; k++) {
        scale[k] = learn_normalise.scale / learn_normalise.std[k];
        bias[k] = -learn_normalise.mean[k] / learn_normalise.std[k];
    }
    for (int y = at->y0; y < at->y1; y++) {
        float v = ((float)y + 0.5f - at->shift_y) / at->scale_y;
        if (v < 0 || v >= (float)im->height)
            continue;
        float step = 1 / at->scale_x, u = ((float)at->x0 + 0.5f - at->shift_x) / at->scale_x;
        float *out = pixels + ((size_t)y * (size_t)size + (size_t)at->x0) * 3;
        for (int x = at->x0; x < at->x1; x++, u += step, out += 3) {
            if (u < 0 || u >= (float)im->width)
                continue;
            float p[3];
            sample_pixel(im, u, v, p);
            for (int k = 0; k < 3; k++) {
                float w = c->weight[k][0] * p[0] + c->weight[k][1] * p[1] + c->weight[k][2] * p[2];
                out[k] = fminf(255, fmaxf(0, w)) * scale[k] + bias[k];
            }
        }
    }
}

static void place_boxes(const struct picture *p, const struct placing *at, struct example *e)
{
    for (int i = 0; i < p->n && e->n < e->room; i++) {
        const struct box *b = &p->boxes[i].box;
        float xa = b->x0 * at->scale_x + at->shift_x, xb = b->x1 * at->scale_x + at->shift_x;
        float ya = b->y0 * at->scale_y + at->shift_y, yb = b->y1 * at->scale_y + at->shift_y;
        struct box whole = { fminf(xa, xb), fminf(ya, yb), fmaxf(xa, xb), fmaxf(ya, yb) };
        struct box seen = { fmaxf(whole.x0, (float)at->x0), fmaxf(whole.y0, (float)at->y0), fminf(whole.x1, (float)at->x1),
                            fminf(whole.y1, (float)at->y1) };
        float w = seen.x1 - seen.x0, h = seen.y1 - seen.y0;
        if (w >= SIDE_LEAST && h >= SIDE_LEAST && w * h >= VISIBLE * box_area(&whole))
            e->boxes[e->n++] = (struct labelled_box){ seen, p->boxes[i].label };
    }
}

/* Small objects may be under SIDE_LEAST here too: they are kept, since they count in an evaluation. */
void augment_none(const struct picture *p, int size, struct example *e)
{
    struct placing at = { 1, 1, 0, 0, 0, 0, size, size };
    fill(e->pixels, size);
    e->label = p->label;
    at.x1 = p->image.width < size ? p->image.width : size;
    at.y1 = p->image.height < size ? p->image.height : size;
    place_pixels(&p->image, &at, &plain, size, e->pixels);
    for (e->n = 0; e->n < p->n && e->n < e->room; e->n++)
        e->boxes[e->n] = p->boxes[e->n];
}

/* A window of the output that the picture, scaled, covers as far as it can; where in it, by chance. */
static void place(const struct picture *p, int x0, int y0, int x1, int y1, float slack, const struct settings *s, struct random *r,
                  int size, struct example *e)
{
    float scale = random_in(r, 1 - (float)s->scale, 1 + (float)s->scale);
    float w = (float)p->image.width * scale, h = (float)p->image.height * scale;
    float free_x = (float)(x1 - x0) - w, free_y = (float)(y1 - y0) - h, reach = slack * (float)size;
    struct placing at = { scale, scale, 0, 0, x0, y0, x1, y1 };
    at.shift_x = (float)x0 + random_in(r, fminf(0, free_x) - reach, fmaxf(0, free_x) + reach);
    at.shift_y = (float)y0 + random_in(r, fminf(0, free_y) - reach, fmaxf(0, free_y) + reach);
    if (random_chance(r, (float)s->flip_horizontal)) {
        at.shift_x += w;
        at.scale_x = -scale;
    }
    if (random_chance(r, (float)s->flip_vertical)) {
        at.shift_y += h;
        at.scale_y = -scale;
    }
    struct colouring c = draw_colouring(s, r);
    place_pixels(&p->image, &at, &c, size, e->pixels);
    place_boxes(p, &at, e);
}

void augment(const struct picture *const *p, int n, const struct settings *s, struct random *r, struct example *e)
{
    int size = (int)s->image_size;
    fill(e->pixels, size);
    e->n = 0;
    e->label = p[0]->label;
    if (n == 1) {
        place(p[0], 0, 0, size, size, (float)s->translate, s, r, size, e);
        return;
    }
    int x = (int)(random_in(r, 0.3f, 0.7f) * (float)size), y = (int)(random_in(r, 0.3f, 0.7f) * (float)size);
    place(p[0], 0, 0, x, y, 0, s, r, size, e);
    place(p[1], x, 0, size, y, 0, s, r, size, e);
    place(p[2], 0, y, x, size, 0, s, r, size, e);
    place(p[3], x, y, size, size, 0, s, r, size, e);
}
