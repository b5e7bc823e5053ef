/* x · hard_sigmoid(x) (Howard et al. 2019, MobileNetV3). */
#include "nn/ops/pointwise.h"

static float value(float x)
{
    return x <= -3 ? 0 : x >= 3 ? x : x * (x + 3) / 6;
}
static float slope(float x)
{
    return x <= -3 ? 0 : x >= 3 ? 1 : (2 * x + 3) / 6;
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

const struct op_kind op_hard_swish = { "hard_swish", KEEPS_IN, forward, backward };

struct tensor *nn_hard_swish(struct graph *g, struct tensor *x)
{
    return pointwise(g, &op_hard_swish, x);
}
