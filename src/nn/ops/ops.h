/* ops.h - the operators, one file each. */
#pragma once
#include "nn/graph.h"

extern const struct op_kind op_conv2d, op_batch_norm, op_silu, op_relu, op_sigmoid, op_add, op_concat, op_max_pool, op_upsample,
    op_space_to_depth, op_relu6, op_hard_swish, op_hard_sigmoid, op_mul, op_global_pool, op_slice, op_weighted_sum, op_softmax,
    op_avg_pool, op_resize, op_conv_transpose, op_dropout, op_drop_path;

enum act { ACT_NONE, ACT_RELU, ACT_RELU6, ACT_SILU };
static inline enum act step_act(const struct step *s) /* what a chain ends with */
{
    const struct op_kind *k = s->last->kind;
    return k == &op_silu ? ACT_SILU : k == &op_relu ? ACT_RELU : k == &op_relu6 ? ACT_RELU6 : ACT_NONE;
}

void batch_norm_use_running(struct node *); /* the running mean and variance as those of the last batch */

/* Where the windows of a convolution or a pool lie: kernel, stride, dilation (0: 1), top, left; and the size of the output. */
struct attr window_attr(const struct tensor *x, int kernel, int stride, int dilation, struct padding, int *ret_h, int *ret_w);

struct area { /* of an input, in pixels; right and bottom are the first outside */
    int top, left, bottom, right;
};
struct area window_at(const struct node *, long i); /* of a pool without dilation, for pixel i of the output: what lies inside */
static inline int area_pixels(struct area a)
{
    return (a.bottom - a.top) * (a.right - a.left);
}

/* Of a resize from `from` to `to` rows or columns: number `at` of the output is (1 - part) of `low` and part of `high`. */
struct tap {
    int low, high;
    float part;
};
struct tap resize_tap(int at, int from, int to, bool bilinear);

float drop_path_scale(const struct node *, int sample); /* in training: 0, or more than 1 */

enum { SUMMANDS_MOST = 8 };
/* Adds to the gradient of the numbers that the weights come from. dot: for each input, the sum of its values times dy. */
void weighted_sum_give(struct node *, const float *weight, const double *dot);
