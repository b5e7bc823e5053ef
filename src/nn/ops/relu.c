/* max(x, 0). */
#include "nn/ops/pointwise.h"

static float value(float x)
{
    return x > 0 ? x : 0;
}
static float slope(float y)
{
    return y > 0;
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

const struct op_kind op_relu = { "relu", KEEPS_OUT, forward, backward };

struct tensor *nn_relu(struct graph *g, struct tensor *x)
{
    return pointwise(g, &op_relu, x);
}
