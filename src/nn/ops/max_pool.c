#include "nn/ops.h"
#include <stdlib.h>
#include <string.h>

/* kept: for each value of the output, which of the input's it came from. */
static void prepare(struct node *n, bool train)
{
    (void)train;
    n->kept = heap_take(tensor_count(&n->out) * sizeof(uint32_t));
    n->release = free;
}

static void forward(struct node *n)
{
    const struct tensor *x = n->in[0];
    const struct tensor *y = &n->out;
    uint32_t *winner = n->kept;
    int k = n->attr.kernel, s = n->attr.stride, pad = n->attr.pad;
    size_t c = (size_t)x->c;
    for (int b = 0; b < y->n; b++)
        for (int oy = 0; oy < y->h; oy++)
            for (int ox = 0; ox < y->w; ox++) {
                size_t to = ((size_t)(b * y->h + oy) * (size_t)y->w + (size_t)ox) * c;
                bool first = true;
                for (int iy = oy * s - pad; iy < oy * s - pad + k; iy++)
                    for (int ix = ox * s - pad; ix < ox * s - pad + k; ix++) {
                        if (iy < 0 || ix < 0 || iy >= x->h || ix >= x->w)
                            continue;
                        size_t from = ((size_t)(b * x->h + iy) * (size_t)x->w + (size_t)ix) * c;
                        for (size_t j = 0; j < c; j++) {
                            bool better = first || x->data[from + j] > y->data[to + j];
                            y->data[to + j] = better ? x->data[from + j] : y->data[to + j];
                            winner[to + j] = better ? (uint32_t)(from + j) : winner[to + j];
                        }
                        first = false;
                    }
            }
}

static void backward(struct node *n)
{
    const uint32_t *winner = n->kept;
    float *dx = node_grad(n, 0);
    if (!dx)
        return;
    memset(dx, 0, tensor_count(n->in[0]) * sizeof *dx);
    for (size_t i = 0, count = tensor_count(&n->out); i < count; i++)
        dx[winner[i]] += n->out.grad[i];
    node_grad_done(n, 0, dx);
}

const struct op_kind op_max_pool = { "max_pool", forward, backward, prepare };

struct tensor *nn_max_pool(struct graph *g, struct tensor *x, int kernel, int stride, int pad)
{
    struct node *n =
        graph_add_node(g, &op_max_pool, x->n, (x->h + 2 * pad - kernel) / stride + 1, (x->w + 2 * pad - kernel) / stride + 1, x->c);
    n->attr = (struct attr){ .kernel = kernel, .stride = stride, .pad = pad };
    n->in[0] = x;
    n->n_in = 1;
    return &n->out;
}
