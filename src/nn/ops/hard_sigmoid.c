/* x / 6 + 1/2 between 0 and 1 (Howard et al. 2019, MobileNetV3). */
#include "nn/ops/pointwise.h"

static float value(float x)
{
    return x <= -3 ? 0 : x >= 3 ? 1 : (x + 3) / 6;
}
static float slope(float y)
{
    return y > 0 && y < 1 ? 1.0f / 6 : 0;
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

const struct op_kind op_hard_sigmoid = { "hard_sigmoid", KEEPS_OUT, forward, backward };

struct tensor *nn_hard_sigmoid(struct graph *g, struct tensor *x)
{
    return pointwise(g, &op_hard_sigmoid, x);
}
