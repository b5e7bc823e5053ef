#include "learn/data/augment.h"
#include "learn/data/effects.h"
#include "learn/data/warp.h"
#include <math.h>
#include <string.h>

static const float VISIBLE = 0.3f, SIDE_LEAST = 3; /* share of a box, and pixels of its sides, that must remain to be learnt */
static const float GREY = 128;                     /* which a change of contrast leaves as it is */

static struct colouring draw_colouring(const struct settings *s, struct random *r)
{
    float turn = 6.2831853f * (float)s->hue * random_in(r, -1, 1), co = cosf(turn), si = sinf(turn);
    float colour = 1 + (float)s->saturation * random_in(r, -1, 1), bright = 1 + (float)s->brightness * random_in(r, -1, 1);
    float contrast = s->contrast > 0 ? 1 + (float)s->contrast * random_in(r, -1, 1) : 1;
    /* Turned about the grey axis (1, 1, 1) (Rodrigues), then towards or away from its own grey. */
    float same = co + (1 - co) / 3, next = (1 - co) / 3 - si * 0.57735027f, after = (1 - co) / 3 + si * 0.57735027f;
    float turned[3][3] = { { same, next, after }, { after, same, next }, { next, after, same } };
    static const float luma[3] = { 0.299f, 0.587f, 0.114f };
    struct colouring c = { .shift = (1 - contrast) * GREY };
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++)
            c.weight[i][k] = contrast * bright * (colour * turned[i][k] + (1 - colour) * luma[k]);
    return c;
}

static void padding(const struct normalise *n, float ret[3])
{
    for (int k = 0; k < 3; k++)
        ret[k] = (n->pad * n->scale - n->mean[k]) / n->std[k];
}

static void empty(const struct picture *p, struct example *e)
{
    float pad[3];
    size_t row = (size_t)e->frame.width * 3, height = (size_t)e->frame.height;
    padding(e->normalise, pad);
    for (size_t i = 0; i < row; i++)
        e->pixels[i] = pad[i % 3];
    for (size_t y = 1; y < height; y++)
        memcpy(e->pixels + y * row, e->pixels, row * sizeof *e->pixels);
    if (e->mask)
        memset(e->mask, 0, row / 3 * height);
    e->n = e->n_points = 0;
    e->label = p->label;
    e->other = -1;
    e->share = 1;
}

/* ---- what is annotated */

static bool in_window(const struct window *w, const struct point *p)
{
    return p->x >= (float)w->x0 && p->x < (float)w->x1 && p->y >= (float)w->y0 && p->y < (float)w->y1;
}

/* Into the example's own points. *ret_left: the share of a polygon's area that is in view. */
static struct outline place_outline(const struct outline *o, const struct affine *at, const struct window *win, struct example *e,
                                    float *ret_left)
{
    struct outline to = { e->points + e->n_points, 0, o->closed };
    struct point moved[CORNERS_MOST], cut[CORNERS_MOST];
    int n = o->n < CORNERS_MOST ? o->n : CORNERS_MOST, step = o->closed ? o->n / (CORNERS_MOST + 1) + 1 : 1;
    for (n = 0; n * step < o->n && n < CORNERS_MOST; n++)
        moved[n] = affine_point(at, o->points[n * step].x, o->points[n * step].y);
    if (o->closed) {
        float whole = polygon_area(moved, n);
        to.n = window_cut_polygon(win, moved, n, cut);
        *ret_left = whole > 0 ? polygon_area(cut, to.n) / whole : 0;
    } else {
        for (to.n = 0; to.n < n; to.n++)
            cut[to.n] = in_window(win, &moved[to.n]) ? moved[to.n] : (struct point){ NAN, NAN };
    }
    to.n = to.n <= e->room_points - e->n_points ? to.n : 0;
    memcpy(to.points, cut, sizeof *cut * (size_t)to.n);
    return to;
}

static void place_box(const struct picture *p, int i, const struct affine *at, const struct window *win, struct example *e)
{
    struct box whole = affine_box(at, &p->boxes[i].box), seen = window_cut(win, &whole);
    float left = fmaxf(0, seen.x1 - seen.x0) * fmaxf(0, seen.y1 - seen.y0) / box_area(&whole);
    struct outline outline = { 0 };
    if (e->outlines && p->outlines && p->outlines[i].n) {
        outline = place_outline(&p->outlines[i], at, win, e, &left);
        if (outline.closed && outline.n)
            seen = points_box(outline.points, outline.n);
    }
    if (!(seen.x1 - seen.x0 >= SIDE_LEAST) || !(seen.y1 - seen.y0 >= SIDE_LEAST) || !(left >= VISIBLE))
        return;
    if (e->outlines)
        e->outlines[e->n] = outline;
    e->n_points += outline.n;
    e->boxes[e->n++] = (struct labelled_box){ seen, p->boxes[i].label };
}

static void put(const struct picture *p, const struct affine *at, const struct window *win, const struct colouring *c,
                struct example *e)
{
    warp_image(&p->image, at, win, c, e->normalise, e->frame.width, e->pixels);
    if (e->mask && p->mask)
        warp_mask(p->mask, p->image.width, p->image.height, at, win, e->frame.width, e->mask);
    for (int i = 0; i < p->n && e->n < e->room; i++)
        place_box(p, i, at, win, e);
}

/* Small objects may be under SIDE_LEAST here too: they are kept, since they count in an evaluation. */
static struct window whole_frame(const struct example *e)
{
    return (struct window){ 0, 0, e->frame.width, e->frame.height };
}

void augment_none(const struct picture *p, struct example *e)
{
    struct affine at = affine_none();
    struct window all = whole_frame(e);
    struct colouring plain = colouring_none();
    empty(p, e);
    warp_image(&p->image, &at, &all, &plain, e->normalise, e->frame.width, e->pixels);
    for (e->n = 0; e->n < p->n && e->n < e->room; e->n++)
        e->boxes[e->n] = p->boxes[e->n];
    e->own = e->n;
}

/* ---- by chance */

/* Turned and sheared about its middle. */
static struct affine draw_turn(const struct picture *p, const struct settings *s, struct random *r)
{
    if (s->rotate <= 0 && s->shear <= 0)
        return affine_none();
    float degrees = (float)s->rotate * random_in(r, -1, 1), shear = (float)s->shear * random_in(r, -1, 1);
    return affine_turn(degrees, shear, (float)p->image.width / 2, (float)p->image.height / 2);
}

/* A window of the output that the picture, scaled, covers as far as it can; where in it, by chance. */
static void place(const struct picture *p, struct window win, float slack, const struct settings *s, struct random *r,
                  struct example *e)
{
    float scale = random_in(r, 1 - (float)s->scale, 1 + (float)s->scale);
    float w = (float)p->image.width * scale, h = (float)p->image.height * scale;
    float free_x = (float)(win.x1 - win.x0) - w, free_y = (float)(win.y1 - win.y0) - h, reach_x = slack * (float)e->frame.width,
          reach_y = slack * (float)e->frame.height;
    struct affine at = { .xx = scale, .yy = scale };
    at.x0 = (float)win.x0 + random_in(r, fminf(0, free_x) - reach_x, fmaxf(0, free_x) + reach_x);
    at.y0 = (float)win.y0 + random_in(r, fminf(0, free_y) - reach_y, fmaxf(0, free_y) + reach_y);
    if (random_chance(r, (float)s->flip_horizontal)) {
        at.x0 += w;
        at.xx = -scale;
    }
    if (random_chance(r, (float)s->flip_vertical)) {
        at.y0 += h;
        at.yy = -scale;
    }
    struct colouring c = draw_colouring(s, r);
    struct affine turn = draw_turn(p, s, r);
    at = affine_then(&turn, &at);
    put(p, &at, &win, &c, e);
}

/* Boxes that are hidden for the most part leave. */
static void erase(struct example *e, struct random *r)
{
    float area = random_in(r, 0.02f, 0.15f), aspect = expf(random_in(r, -1, 1)), pad[3];
    int w = (int)(sqrtf(area * aspect) * (float)e->frame.width), h = (int)(sqrtf(area / aspect) * (float)e->frame.height), kept = 0;
    int x = (int)(random_unit(r) * (float)(e->frame.width - w)), y = (int)(random_unit(r) * (float)(e->frame.height - h));
    struct box hidden = { (float)x, (float)y, (float)(x + w), (float)(y + h) };
    padding(e->normalise, pad);
    effect_erase(e->pixels, e->frame, &(struct window){ x, y, x + w, y + h }, pad);
    for (int i = 0; i < e->n; i++) {
        if (box_common(&e->boxes[i].box, &hidden) > (1 - VISIBLE) * box_area(&e->boxes[i].box))
            continue;
        if (e->outlines)
            e->outlines[kept] = e->outlines[i];
        e->boxes[kept++] = e->boxes[i];
    }
    e->n = kept;
    for (int i = y; e->mask && i < y + h; i++)
        memset(e->mask + (size_t)i * (size_t)e->frame.width + (size_t)x, 0, (size_t)w);
}

static void draw_effects(const struct settings *s, struct random *r, struct example *e)
{
    if (s->blur > 0)
        effect_blur(e->pixels, e->frame, (float)s->blur * random_unit(r));
    if (s->noise > 0)
        effect_noise(e->pixels, e->frame, (float)s->noise * random_unit(r) * 255 * e->normalise->scale / e->normalise->std[0], r);
    if (s->erase > 0 && random_chance(r, (float)s->erase))
        erase(e, r);
    e->own = e->n;
}

void augment(const struct picture *const *p, int n, const struct settings *s, struct random *r, struct example *e)
{
    empty(p[0], e);
    if (n == 1) {
        place(p[0], whole_frame(e), (float)s->translate, s, r, e);
    } else {
        int w = e->frame.width, h = e->frame.height;
        int x = (int)(random_in(r, 0.3f, 0.7f) * (float)w), y = (int)(random_in(r, 0.3f, 0.7f) * (float)h);
        place(p[0], (struct window){ 0, 0, x, y }, 0, s, r, e);
        place(p[1], (struct window){ x, 0, w, y }, 0, s, r, e);
        place(p[2], (struct window){ 0, y, x, h }, 0, s, r, e);
        place(p[3], (struct window){ x, y, w, h }, 0, s, r, e);
    }
    draw_effects(s, r, e);
}

void augment_crop(const struct picture *p, const struct settings *s, struct random *r, struct example *e)
{
    float fw = (float)e->frame.width, fh = (float)e->frame.height;
    float w = (float)p->image.width, h = (float)p->image.height;
    float area = random_in(r, (float)s->crop, 1) * w * h, aspect = expf(random_in(r, -0.2877f, 0.2877f)); /* 3/4 to 4/3 */
    float width = fminf(w, sqrtf(area * aspect)), height = fminf(h, sqrtf(area / aspect));
    float x = random_unit(r) * (w - width), y = random_unit(r) * (h - height);
    struct affine at = affine_scale(fw / width, fh / height, -x * fw / width, -y * fh / height);
    if (random_chance(r, (float)s->flip_horizontal))
        at = affine_then(&at, &(struct affine){ -1, 0, fw, 0, 1, 0 });
    if (random_chance(r, (float)s->flip_vertical))
        at = affine_then(&at, &(struct affine){ 1, 0, 0, 0, -1, fh });
    struct colouring c = draw_colouring(s, r);
    struct affine turn = draw_turn(p, s, r);
    at = affine_then(&turn, &at);
    empty(p, e);
    struct window win = whole_frame(e);
    put(p, &at, &win, &c, e);
    draw_effects(s, r, e);
}

void augment_mix(struct example *e, const struct example *other, struct random *r)
{
    e->share = random_in(r, 0.5f, 0.7f);
    e->own = e->n;
    e->other = other->label;
    effect_mix(e->pixels, other->pixels, e->frame, e->share);
    for (int i = 0; i < other->n && e->n < e->room; i++)
        e->boxes[e->n++] = other->boxes[i];
}
