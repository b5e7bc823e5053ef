/* The largest value of each window; what lies outside the input never is. Of equal values the first takes the gradient. */
#include "nn/ops/ops.h"

static long largest(const struct node *n, long i, int c) /* where in the input, for pixel i of the output */
{
    const struct tensor *x = n->in[0], *y = &n->out;
    struct area a = window_at(n, i);
    long best = -1, image = i / y->w / y->h;
    for (int v = a.top; v < a.bottom; v++)
        for (int u = a.left; u < a.right; u++) {
            long at = ((image * x->h + v) * x->w + u) * x->pitch + c;
            if (best < 0 || x->data[at] > x->data[best])
                best = at;
        }
    return best;
}

static void forward(struct node *n, bool training)
{
    (void)training;
    struct tensor *y = &n->out;
    for (long i = 0; i < tensor_pixels(y); i++)
        for (int c = 0; c < y->c; c++)
            y->data[i * y->pitch + c] = n->in[0]->data[largest(n, i, c)];
}

static void backward(struct node *n)
{
    struct tensor *y = &n->out;
    for (long i = 0; i < tensor_pixels(y) && n->in[0]->grad; i++)
        for (int c = 0; c < y->c; c++)
            n->in[0]->grad[largest(n, i, c)] += y->grad[i * y->pitch + c];
}

const struct op_kind op_max_pool = { "max_pool", KEEPS_IN, forward, backward };

struct tensor *nn_max_pool_with(struct graph *g, struct tensor *x, int kernel, int stride, struct padding padding)
{
    struct node *n = graph_add_node(g, &op_max_pool, &x, 1);
    int h, w;
    n->attr = window_attr(x, kernel, stride, 1, padding, &h, &w);
    return node_shape(g, n, x->n, h, w, x->c);
}

struct tensor *nn_max_pool(struct graph *g, struct tensor *x, int kernel, int stride, int pad)
{
    return nn_max_pool_with(g, x, kernel, stride, (struct padding){ PAD_GIVEN, pad, pad, pad, pad });
}
