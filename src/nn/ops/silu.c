/* x · sigmoid(x) (Elfwing et al. 2017). */
#include "nn/ops/pointwise.h"
#include <math.h>

static float value(float x)
{
    return x / (1 + expf(-x));
}
static float slope(float x)
{
    float s = 1 / (1 + expf(-x));
    return s * (1 + x * (1 - s));
}

static void forward(struct node *n, bool training)
{
    (void)training;
    pointwise_forward(n, value);
}
static void backward(struct node *n)
{
    pointwise_backward(n, slope);
}

const struct op_kind op_silu = { "silu", KEEPS_IN, forward, backward };

struct tensor *nn_silu(struct graph *g, struct tensor *x)
{
    return pointwise(g, &op_silu, x);
}
