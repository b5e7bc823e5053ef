/* 1 / (1 + exp(-x)). */
#include "nn/ops/pointwise.h"
#include <math.h>

static float value(float x)
{
    return 1 / (1 + expf(-x));
}
static float slope(float y)
{
    return y * (1 - y);
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

const struct op_kind op_sigmoid = { "sigmoid", KEEPS_OUT, forward, backward };

struct tensor *nn_sigmoid(struct graph *g, struct tensor *x)
{
    return pointwise(g, &op_sigmoid, x);
}
