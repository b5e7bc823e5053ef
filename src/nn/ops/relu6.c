/* max(x, 0), at most 6 (Howard et al. 2017). */
#include "nn/ops/pointwise.h"

static float value(float x)
{
    return x < 0 ? 0 : x > 6 ? 6 : x;
}
static float slope(float y)
{
    return y > 0 && y < 6;
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

const struct op_kind op_relu6 = { "relu6", KEEPS_OUT, forward, backward };

struct tensor *nn_relu6(struct graph *g, struct tensor *x)
{
    return pointwise(g, &op_relu6, x);
}
