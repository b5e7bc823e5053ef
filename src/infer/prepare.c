#include "infer/prepare.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where the resized picture lies in the input; of RESIZE_COVER x and y are negative. */
struct place {
    int in_width, in_height, width, height, x, y;
};

static int full_width(const struct image *i)
{
    return i->full_width > 0 ? i->full_width : i->width;
}

static int full_height(const struct image *i)
{
    return i->full_height > 0 ? i->full_height : i->height;
}

static int at_least_one(double x)
{
    return x < 1 ? 1 : (int)x;
}

/* Half of n, rounded to even, which is where torchvision's centre crop begins. */
static int half(int n)
{
    return n / 2 + (n % 2 && n / 2 % 2);
}

/* How a picture is scaled to fit. */
static double fitting(const struct description *d, int w, int h)
{
    return fmin((double)at_least_one(d->width - d->margin) / w, (double)at_least_one(d->height - d->margin) / h);
}

static void place_letterbox(const struct description *d, struct place *p, int w, int h)
{
    double k = fitting(d, w, h);
    p->width = at_least_one(rint(w * k)); /* halves go to the even number, as in Python */
    p->height = at_least_one(rint(h * k));
    p->x = (int)lround((p->in_width - p->width) / 2.0 - 0.1);
    p->y = (int)lround((p->in_height - p->height) / 2.0 - 0.1);
}

static void place_top_left(const struct description *d, struct place *p, int w, int h)
{
    double k = fitting(d, w, h);
    p->width = at_least_one(w * k);
    p->height = at_least_one(h * k);
}

static void place_covering(const struct description *d, struct place *p, int w, int h)
{
    double k = fmax((double)p->in_width / w, (double)p->in_height / h) / d->crop;
    p->width = (int)(w * k + 1e-6);
    p->height = (int)(h * k + 1e-6);
    p->width = p->width < p->in_width ? p->in_width : p->width;
    p->height = p->height < p->in_height ? p->in_height : p->height;
    p->x = -half(p->width - p->in_width);
    p->y = -half(p->height - p->in_height);
}

/* As it is, but for pictures that are larger than any input may be. */
static void place_as_it_is(struct place *p, int w, int h)
{
    if (w <= INPUT_SIDE_MOST && h <= INPUT_SIDE_MOST) {
        p->width = w;
        p->height = h;
    } else {
        image_fit(w, h, INPUT_SIDE_MOST, INPUT_SIDE_MOST, &p->width, &p->height);
    }
    p->in_width = p->width;
    p->in_height = p->height;
}

static struct place place(const struct description *d, int w, int h)
{
    struct place p = { .in_width = d->width, .in_height = d->height, .width = d->width, .height = d->height };
    if (!d->width || !d->height) {
        place_as_it_is(&p, w, h);
        return p;
    }
    switch (d->resize) {
    case RESIZE_LETTERBOX: place_letterbox(d, &p, w, h); break;
    case RESIZE_LETTERBOX_TOP_LEFT: place_top_left(d, &p, w, h); break;
    case RESIZE_COVER: place_covering(d, &p, w, h); break;
    case RESIZE_OUR_LETTERBOX: image_fit(w, h, d->width, d->height, &p.width, &p.height); break;
    case RESIZE_STRETCH:
    case RESIZE_OUR_STRETCH:
    case RESIZE_NONE: break;
    }
    return p;
}

static bool is_ours(const struct description *d)
{
    return d->resize == RESIZE_OUR_LETTERBOX || d->resize == RESIZE_OUR_STRETCH;
}

/* Ours have learnt from pictures decoded so; what others made smaller was decoded whole. */
int prepare_side(const struct description *d, int width, int height)
{
    struct place p = place(d, width < 1 ? 1 : width, height < 1 ? 1 : height);
    if (!is_ours(d) || !d->width || !d->height)
        return 0;
    if (d->resize == RESIZE_OUR_LETTERBOX)
        return p.in_width > p.in_height ? p.in_width : p.in_height;
    return p.width > p.height ? p.width : p.height;
}

/* IEEE 754 binary16, halves to even; too large ones become infinite. */
static uint16_t to_half(float value)
{
    union {
        float value;
        uint32_t bits;
    } u = { fabsf(value) };
    uint16_t sign = signbit(value) ? 0x8000 : 0;
    if (!(u.value < 65520))
        return (uint16_t)(sign | 0x7c00);
    if (u.value < 0x1p-14F)
        return (uint16_t)(sign | (uint16_t)lrintf(u.value * 0x1p24F));
    uint32_t odd = u.bits >> 13 & 1;
    return (uint16_t)(sign | (uint16_t)((u.bits - (112U << 23) + 0xfff + odd) >> 13));
}

/* What a channel of a pixel becomes, in the order of the model's colours. */
struct values {
    float f32[3][256];
    uint16_t f16[3][256];
    uint8_t u8[3][256];
};

static void values_fill(const struct description *d, struct values *v)
{
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < 256; i++) {
            float x = ((float)i * d->scale - (d->mean[c] - d->low)) / d->std[c];
            v->f32[c][i] = x;
            if (d->type == ELEMENT_F16)
                v->f16[c][i] = to_half(x);
            if (d->type == ELEMENT_U8)
                v->u8[c][i] = (uint8_t)(x <= 0 ? 0 : x >= 255 ? 255 : lrintf(x));
        }
}

static bool is_planar(enum layout l)
{
    return l == LAYOUT_NCHW || l == LAYOUT_CHW;
}

/* The window of `from` that lies in the input, and the pad around it. */
#define WRITER(name, type)                                                                                                         \
    static void write_##name##_planes(const struct description *d, const struct place *p, const struct image *from,                \
                                      type table[3][256], type *to)                                                                \
    {                                                                                                                              \
        int left = p->x > 0 ? p->x : 0, top = p->y > 0 ? p->y : 0;                                                                 \
        int right = p->x + p->width < p->in_width ? p->x + p->width : p->in_width;                                                 \
        int bottom = p->y + p->height < p->in_height ? p->y + p->height : p->in_height;                                            \
        size_t plane = (size_t)p->in_width * (size_t)p->in_height;                                                                 \
        int r = d->bgr ? 2 : 0, b = 2 - r;                                                                                         \
        for (int c = 0; c < 3; c++)                                                                                                \
            for (int y = 0; y < p->in_height; y++) {                                                                               \
                type *row = to + (size_t)c * plane + (size_t)y * (size_t)p->in_width;                                              \
                bool outside = y < top || y >= bottom;                                                                             \
                for (int x = 0; x < (outside ? p->in_width : left); x++)                                                           \
                    row[x] = table[c][d->pad];                                                                                     \
                for (int x = right; x < p->in_width && !outside; x++)                                                              \
                    row[x] = table[c][d->pad];                                                                                     \
            }                                                                                                                      \
        for (int y = top; y < bottom; y++) {                                                                                       \
            const uint8_t *px = from->pixels + ((size_t)(y - p->y) * (size_t)from->width + (size_t)(left - p->x)) * 3;             \
            type *row = to + (size_t)y * (size_t)p->in_width;                                                                      \
            for (int x = left; x < right; x++, px += 3) {                                                                          \
                row[x] = table[0][px[r]];                                                                                          \
                row[plane + (size_t)x] = table[1][px[1]];                                                                          \
                row[2 * plane + (size_t)x] = table[2][px[b]];                                                                      \
            }                                                                                                                      \
        }                                                                                                                          \
    }                                                                                                                              \
    static void write_##name##_pixels(const struct description *d, const struct place *p, const struct image *from,                \
                                      type table[3][256], type *to)                                                                \
    {                                                                                                                              \
        int r = d->bgr ? 2 : 0;                                                                                                    \
        for (int y = 0; y < p->in_height; y++)                                                                                     \
            for (int x = 0; x < p->in_width; x++, to += 3) {                                                                       \
                int fx = x - p->x, fy = y - p->y;                                                                                  \
                bool inside = fx >= 0 && fy >= 0 && fx < p->width && fy < p->height;                                               \
                const uint8_t *px = inside ? from->pixels + ((size_t)fy * (size_t)from->width + (size_t)fx) * 3 : NULL;            \
                to[0] = table[0][px ? px[r] : d->pad];                                                                             \
                to[1] = table[1][px ? px[1] : d->pad];                                                                             \
                to[2] = table[2][px ? px[2 - r] : d->pad];                                                                         \
            }                                                                                                                      \
    }                                                                                                                              \
    static void write_##name(const struct description *d, const struct place *p, const struct image *from, struct values *v,       \
                             void *to)                                                                                             \
    {                                                                                                                              \
        (is_planar(d->layout) ? write_##name##_planes : write_##name##_pixels)(d, p, from, v->name, to);                           \
    }

WRITER(f32, float)
WRITER(f16, uint16_t)
WRITER(u8, uint8_t)

static enum err resize(const struct description *d, const struct place *p, const struct image *image, struct image *ret)
{
    if (!is_ours(d))
        return image_resample(image, d->filter, p->width, p->height, ret);
    if (d->resize == RESIZE_OUR_LETTERBOX)
        return image_resize(image, p->width, p->height, ret);
    int w, h;
    AUTO(image) struct image fitted = { 0 };
    image_fit(full_width(image), full_height(image), p->width, p->height, &w, &h);
    TRY(image_resize(image, w, h, &fitted));
    return image_resize(&fitted, p->width, p->height, ret);
}

static void grow(struct input *in, size_t bytes)
{
    if (in->room >= bytes)
        return;
    in->values = heap_grow(in->values, bytes);
    in->room = bytes;
}

enum err prepare(const struct description *d, const struct image *image, struct input *ret, struct placed *ret_at)
{
    int w = full_width(image), h = full_height(image);
    struct place p = place(d, w, h);
    AUTO(image) struct image resized = { 0 };
    bool as_it_is = image->width == p.width && image->height == p.height;
    if (!as_it_is)
        TRY(resize(d, &p, image, &resized));
    const struct image *from = as_it_is ? image : &resized;
    struct values values;
    values_fill(d, &values);
    grow(ret, (size_t)p.in_width * (size_t)p.in_height * 3 * element_size(d->type));
    (d->type == ELEMENT_U8 ? write_u8 : d->type == ELEMENT_F16 ? write_f16 : write_f32)(d, &p, from, &values, ret->values);
    *ret_at = (struct placed){ .width = w,
                               .height = h,
                               .in_width = p.in_width,
                               .in_height = p.in_height,
                               .per_x = (float)w / (float)p.width,
                               .per_y = (float)h / (float)p.height,
                               .dx = (float)p.x,
                               .dy = (float)p.y };
    return OK;
}

/* ---- inputs that are no picture */

static void put(enum element type, void *to, size_t i, double value)
{
    switch (type) {
    case ELEMENT_F32: ((float *)to)[i] = (float)value; break;
    case ELEMENT_F64: ((double *)to)[i] = value; break;
    case ELEMENT_I32: ((int32_t *)to)[i] = (int32_t)value; break;
    case ELEMENT_I64: ((int64_t *)to)[i] = (int64_t)value; break;
    case ELEMENT_BOOL:
    case ELEMENT_U8: ((uint8_t *)to)[i] = (uint8_t)value; break;
    default: break;
    }
}

/* All of the input is picture. */
static void fill_mask(const struct placed *at, enum element type, struct input *in, struct ort_feed *f)
{
    size_t n = (size_t)at->in_width * (size_t)at->in_height;
    grow(in, n * element_size(type));
    for (size_t i = 0; i < n; i++)
        put(type, in->values, i, 1);
    *f = (struct ort_feed){ in->values, 3, { 1, at->in_height, at->in_width } };
}

static void fill_pair(enum element type, double first, double second, struct input *in, struct ort_feed *f)
{
    grow(in, 2 * element_size(type));
    put(type, in->values, 0, first);
    put(type, in->values, 1, second);
    *f = (struct ort_feed){ in->values, 2, { 1, 2 } };
}

static void fill_original(const struct placed *at, enum element type, struct input *in, struct ort_feed *f)
{
    fill_pair(type, at->width, at->height, in, f);
}

static void fill_scale(const struct placed *at, enum element type, struct input *in, struct ort_feed *f)
{
    fill_pair(type, 1 / (double)at->per_y, 1 / (double)at->per_x, in, f);
}

static void fill_shape(const struct placed *at, enum element type, struct input *in, struct ort_feed *f)
{
    fill_pair(type, at->in_height, at->in_width, in, f);
}

static const struct {
    const char *name;
    void (*fill)(const struct placed *, enum element, struct input *, struct ort_feed *);
} extras[] = {
    { "pixel_mask", fill_mask },    { "orig_target_sizes", fill_original },
    { "orig_size", fill_original }, { "scale_factor", fill_scale },
    { "im_shape", fill_shape },
};

static enum err fill_extra(const struct ort_value *v, const struct placed *at, struct input *in, struct ort_feed *f)
{
    for (size_t i = 0; i < COUNT_OF(extras); i++)
        if (strcmp(extras[i].name, v->name) == 0 && element_size(v->type)) {
            extras[i].fill(at, v->type, in, f);
            return OK;
        }
    return fail(E_UNMEANT,
                "the model has a further input '%s', and nobody knows what it wants there; export it with the picture as "
                "its only input",
                v->name);
}

enum err feeds_fill(const struct ort_session *s, const struct description *d, const struct input *picture, const struct placed *at,
                    struct feeds *ret)
{
    static const int64_t three = 3;
    int64_t h = at->in_height, w = at->in_width;
    struct ort_feed *f = &ret->feed[d->picture];
    f->data = picture->values;
    f->rank = d->layout == LAYOUT_NCHW || d->layout == LAYOUT_NHWC ? 4 : 3;
    const int64_t planar[] = { 1, three, h, w }, pixels[] = { 1, h, w, three };
    memcpy(f->shape, (is_planar(d->layout) ? planar : pixels) + (4 - f->rank), sizeof(int64_t) * (size_t)f->rank);
    ret->n = ort_inputs(s);
    for (size_t i = 0; i < ret->n && i < ORT_INPUTS; i++)
        if ((int)i != d->picture)
            TRY(fill_extra(ort_input(s, i), at, &ret->extra[i], &ret->feed[i]));
    return OK;
}

void feeds_done(struct feeds *f)
{
    for (size_t i = 0; i < ORT_INPUTS; i++)
        free(f->extra[i].values);
}
