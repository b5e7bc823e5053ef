/* Convolutions of 3 × 3, stride 1, in training, by Winograd's minimal filtering: less than half the multiplications of the sum over
 * the window. Worth it where the processor multiplies no faster than it adds, so not with AMX. */
#include "nn/kernels/winograd.h"
#include "nn/kernels/kernels.h"

/* Tiles that are worked on together stay in the cache; with many channels it is the weights that pass through it for each block, so
 * that a block must not be small. */
enum { BLOCK_BYTES = 512 << 10, BLOCK_LEAST = 64 };

static long round_up(long n, long to)
{
    return (n + to - 1) / to * to;
}

/* Tiles of a block: a whole number of blocks is about as large. bytes: of a tile. */
static long block_of(long tiles, size_t bytes)
{
    long most = (long)(BLOCK_BYTES / bytes), blocks;
    most = max_long(most, BLOCK_LEAST);
    blocks = (tiles + most - 1) / most;
    return round_up((tiles + blocks - 1) / blocks, WINOGRAD_ROWS);
}

static long tiles_of(const struct tensor *t)
{
    return (long)t->n * ((t->h + 1) / 2) * ((t->w + 1) / 2);
}

/* Bytes of a number that is multiplied. */
static size_t each(const struct winograd_way *w)
{
    return w->half ? 2 : 4;
}

static size_t tile_bytes(const struct winograd_way *w, int from, int to) /* forth, or the data back */
{
    return WINOGRAD_PLACES * (each(w) * (size_t)from + sizeof(float) * (size_t)to);
}
static size_t weight_tile_bytes(const struct winograd_way *w, int in, int out)
{
    return WINOGRAD_PLACES * each(w) * (size_t)(in + out);
}

/* Enough tiles for what is done once for all of them, with the weights, and few that reach over the edge. */
static bool pays_for(const struct tensor *t)
{
    long tiles = tiles_of(t), pixels = tensor_pixels(t);
    return tiles >= BLOCK_LEAST && 4 * tiles >= t->c && 10 * pixels >= 7 * 4 * tiles;
}

static bool fits(const struct tensor *t)
{
    return t->c % WINOGRAD_CHANNELS == 0 && t->c <= WINOGRAD_CHANNELS_MOST && pays_for(t);
}

static void set_scratch(struct step *s)
{
    const struct winograd_way *w = s->state;
    const struct tensor *x = s->node->in[0], *y = s->out;
    size_t numbers = WINOGRAD_PLACES * (size_t)x->c * (size_t)y->c;
    size_t forth = tile_bytes(w, x->c, y->c), back = tile_bytes(w, y->c, x->c), weights = weight_tile_bytes(w, x->c, y->c);
    size_t each_way[] = { each(w) * numbers + forth * (size_t)block_of(tiles_of(y), forth),
                          each(w) * numbers + back * (size_t)block_of(tiles_of(x), back),
                          sizeof(float) * numbers + weights * (size_t)block_of(tiles_of(y), weights) };
    for (size_t i = 0; i < COUNT_OF(each_way); i++)
        s->scratch_bytes = each_way[i] > s->scratch_bytes ? each_way[i] : s->scratch_bytes;
}

static bool prepare(struct step *s)
{
    const struct node *n = s->node;
    const struct attr *a = &n->attr;
    bool half = s->bf16 && !s->out->is_output;
    if (a->kernel != 3 || a->stride != 1 || a->dilation != 1 || a->groups != 1 || n->params[1] || !fits(n->in[0]) ||
        !fits(s->out) || (half && (!winograd_is_wide(true) || processor_has_amx_bf16())))
        return false;
    s->state = (void *)(uintptr_t)(half ? &winograd_wide_bf16 : winograd_is_wide(false) ? &winograd_wide_f32 : &winograd_plain);
    s->reads_half = s->writes_half = half;
    set_scratch(s);
    return true;
}

static struct winograd_pixels pixels_of(const struct tensor *t, void *values, int top, int left, const struct tensor *tiled)
{
    return (struct winograd_pixels){ values, t->half, t->h, t->w, t->c, top, left, (tiled->h + 1) / 2, (tiled->w + 1) / 2 };
}

/* The convolution of `from` into `to`, tile by tile. */
static void convolve(struct step *s, const struct winograd_pixels *from, const struct winograd_pixels *to, long tiles, bool turned,
                     bool adds)
{
    const struct winograd_way *w = s->state;
    const struct tensor *weights = &s->node->params[0]->value;
    long block = block_of(tiles, tile_bytes(w, from->c, to->c)), units = (long)each(w) * from->c / 4;
    uint32_t *u = (uint32_t *)(void *)s->scratch, *v = u + WINOGRAD_PLACES * units * to->c;
    float *m = (float *)(void *)(v + WINOGRAD_PLACES * block * units);
    w->take_weights(weights->data, weights->n, weights->c, turned, u);
    for (long first = 0; first < tiles; first += block) {
        long count = tiles - first < block ? tiles - first : block;
        struct winograd_span span = { first, count, round_up(count, WINOGRAD_ROWS) };
        w->take(from, &span, false, v);
        for (int k = 0; k < WINOGRAD_PLACES; k++)
            w->product(&(struct winograd_product){ .a = v + k * span.room * units,
                                                   .b = u + k * units * to->c,
                                                   .c = m + k * span.room * to->c,
                                                   .rows = span.room,
                                                   .columns = to->c,
                                                   .units = units,
                                                   .a_row = units,
                                                   .a_unit = 1 });
        w->give(to, &span, m, adds);
    }
}

static void forward(struct step *s)
{
    const struct attr *a = &s->node->attr;
    const struct tensor *x = s->node->in[0], *y = s->out;
    struct winograd_pixels from = pixels_of(x, x->data, a->top, a->left, y), to = pixels_of(y, y->data, 0, 0, y);
    convolve(s, &from, &to, tiles_of(y), false, false);
}

static void backward_data(struct step *s)
{
    const struct attr *a = &s->node->attr;
    const struct tensor *x = s->node->in[0], *y = s->out;
    struct winograd_pixels from = pixels_of(y, y->grad, 2 - a->top, 2 - a->left, x), to = pixels_of(x, x->grad, 0, 0, x);
    convolve(s, &from, &to, tiles_of(x), true, step_adds(s, 0));
}

static void backward_weight(struct step *s)
{
    const struct winograd_way *w = s->state;
    const struct attr *a = &s->node->attr;
    const struct tensor *x = s->node->in[0], *y = s->out;
    struct winograd_pixels in = pixels_of(x, x->data, a->top, a->left, y), out = pixels_of(y, y->grad, 0, 0, y);
    long tiles = tiles_of(y), block = block_of(tiles, weight_tile_bytes(w, x->c, y->c)), numbers = (long)x->c * y->c;
    float *sums = s->scratch;
    uint32_t *v = (uint32_t *)(void *)(sums + WINOGRAD_PLACES * numbers),
             *g = v + WINOGRAD_PLACES * block * (long)each(w) * x->c / 4;
    for (long first = 0; first < tiles; first += block) {
        long count = tiles - first < block ? tiles - first : block;
        struct winograd_span span = { first, count, round_up(count, WINOGRAD_ROWS) };
        long units = span.room * (long)each(w) / 4;
        w->take(&in, &span, true, v);
        w->take_grad(&out, &span, g);
        for (int k = 0; k < WINOGRAD_PLACES; k++)
            w->product(&(struct winograd_product){ .a = g + k * units * y->c,
                                                   .b = v + k * units * x->c,
                                                   .c = sums + k * numbers,
                                                   .rows = y->c,
                                                   .columns = x->c,
                                                   .units = units,
                                                   .a_row = 1,
                                                   .a_unit = y->c,
                                                   .adds = first > 0 });
    }
    w->give_weights(sums, y->c, x->c, s->node->params[0]->value.grad);
}

static void backward(struct step *s)
{
    if (s->node->params[0]->value.grad)
        backward_weight(s);
    if (s->node->in[0]->grad)
        backward_data(s);
}

const struct kernel kernel_winograd = {
    .name = "conv2d winograd",
    .chain = { &op_conv2d },
    .traits = FOR_TRAINING,
    .keeps = KEEPS_IN,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
};
