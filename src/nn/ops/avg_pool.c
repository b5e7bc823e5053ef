/* The mean of what lies inside the input of each window. */
#include "nn/ops/ops.h"

static void forward(struct node *n, bool training)
{
    (void)training;
    struct tensor *x = n->in[0], *y = &n->out;
    for (long i = 0; i < tensor_pixels(y); i++) {
        struct area a = window_at(n, i);
        for (int c = 0; c < y->c; c++) {
            double sum = 0;
            for (int v = a.top; v < a.bottom; v++)
                for (int u = a.left; u < a.right; u++)
                    sum += (double)pixel_at(x, x->data, i / y->w / y->h, v, u)[c];
            y->data[i * y->pitch + c] = (float)(sum / area_pixels(a));
        }
    }
}

static void backward(struct node *n)
{
    struct tensor *x = n->in[0], *y = &n->out;
    for (long i = 0; i < tensor_pixels(y) && x->grad; i++) {
        struct area a = window_at(n, i);
        for (int v = a.top; v < a.bottom; v++)
            for (int u = a.left; u < a.right; u++)
                for (int c = 0; c < y->c; c++)
                    pixel_at(x, x->grad, i / y->w / y->h, v, u)[c] += y->grad[i * y->pitch + c] / (float)area_pixels(a);
    }
}

const struct op_kind op_avg_pool = { "avg_pool", KEEPS_NOTHING, forward, backward };

struct tensor *nn_avg_pool(struct graph *g, struct tensor *x, int kernel, int stride, struct padding padding)
{
    struct node *n = graph_add_node(g, &op_avg_pool, &x, 1);
    int h, w;
    n->attr = window_attr(x, kernel, stride, 1, padding, &h, &w);
    return node_shape(g, n, x->n, h, w, x->c);
}
