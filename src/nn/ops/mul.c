/* The product of two tensors of one shape, or of a tensor and one of N × 1 × 1 × C, which counts for every pixel. */
#include "nn/ops/ops.h"
#include <assert.h>

static long factor_at(const struct tensor *y, const struct tensor *b, long i) /* the pixel of b for pixel i of y */
{
    return b->h == y->h && b->w == y->w ? i : i / y->w / y->h;
}

static void forward(struct node *n, bool training)
{
    (void)training;
    struct tensor *a = n->in[0], *b = n->in[1], *y = &n->out;
    for (long i = 0; i < tensor_pixels(y); i++)
        for (int c = 0; c < y->c; c++)
            y->data[i * y->pitch + c] = a->data[i * a->pitch + c] * b->data[factor_at(y, b, i) * b->pitch + c];
}

static void backward(struct node *n)
{
    struct tensor *a = n->in[0], *b = n->in[1], *y = &n->out;
    for (long i = 0; i < tensor_pixels(y); i++)
        for (int c = 0; c < y->c; c++) {
            long at = i * a->pitch + c, factor = factor_at(y, b, i) * b->pitch + c;
            float dy = y->grad[i * y->pitch + c];
            if (a->grad)
                a->grad[at] += dy * b->data[factor];
            if (b->grad)
                b->grad[factor] += dy * a->data[at];
        }
}

const struct op_kind op_mul = { "mul", KEEPS_IN, forward, backward };

struct tensor *nn_mul(struct graph *g, struct tensor *a, struct tensor *b)
{
    assert(a->n == b->n && a->c == b->c && ((a->h == b->h && a->w == b->w) || (b->h == 1 && b->w == 1)));
    return node_shape(g, graph_add_node(g, &op_mul, (struct tensor *[]){ a, b }, 2), a->n, a->h, a->w, a->c);
}
