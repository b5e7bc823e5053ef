/* To any height and width; pixels have their centres at halves. Nearest: the pixel that the centre lies in. Bilinear: of the four
 * whose centres lie around it, those beyond the edge being the edge's. */
#include "nn/ops/ops.h"

struct tap resize_tap(int at, int from, int to, bool bilinear)
{
    if (!bilinear) {
        int in = (int)((2L * at + 1) * from / (2L * to));
        return (struct tap){ in, in, 0 };
    }
    float centre = ((float)at + 0.5f) * (float)from / (float)to - 0.5f;
    centre = centre < 0 ? 0 : centre;
    int low = (int)centre < from ? (int)centre : from - 1;
    return (struct tap){ low, low + 1 < from ? low + 1 : low, centre - (float)low };
}

/* The four pixels of x that pixel i of y is made of, and their shares. */
struct source {
    long pixel[4];
    float share[4];
};
static struct source source(const struct node *n, long i)
{
    const struct tensor *x = n->in[0], *y = &n->out;
    struct tap v = resize_tap((int)(i / y->w % y->h), x->h, y->h, n->attr.bilinear),
               u = resize_tap((int)(i % y->w), x->w, y->w, n->attr.bilinear);
    long image = i / y->w / y->h * x->h, top = (image + v.low) * x->w, bottom = (image + v.high) * x->w;
    return (struct source){ { top + u.low, top + u.high, bottom + u.low, bottom + u.high },
                            { (1 - v.part) * (1 - u.part), (1 - v.part) * u.part, v.part * (1 - u.part), v.part * u.part } };
}

static void forward(struct node *n, bool training)
{
    (void)training;
    struct tensor *x = n->in[0], *y = &n->out;
    for (long i = 0; i < tensor_pixels(y); i++) {
        struct source s = source(n, i);
        for (int c = 0; c < y->c; c++) {
            float sum = 0;
            for (int k = 0; k < 4; k++)
                sum += s.share[k] * x->data[s.pixel[k] * x->pitch + c];
            y->data[i * y->pitch + c] = sum;
        }
    }
}

static void backward(struct node *n)
{
    struct tensor *x = n->in[0], *y = &n->out;
    for (long i = 0; i < tensor_pixels(y) && x->grad; i++) {
        struct source s = source(n, i);
        for (int c = 0; c < y->c; c++)
            for (int k = 0; k < 4; k++)
                x->grad[s.pixel[k] * x->pitch + c] += s.share[k] * y->grad[i * y->pitch + c];
    }
}

const struct op_kind op_resize = { "resize", KEEPS_NOTHING, forward, backward };

struct tensor *nn_resize(struct graph *g, struct tensor *x, int h, int w, bool bilinear)
{
    struct node *n = graph_add_node(g, &op_resize, &x, 1);
    n->attr = (struct attr){ .bilinear = bilinear };
    return node_shape(g, n, x->n, h, w, x->c);
}
