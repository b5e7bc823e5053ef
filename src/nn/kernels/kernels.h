/* kernels.h - our own faster ways to do what the plain loops of ops/ say. */
#pragma once
#include "nn/ops/ops.h"
#include "nn/vector.h"

extern const struct kernel kernel_depthwise, kernel_norm, kernel_norm_silu, kernel_norm_relu, kernel_norm_relu6, kernel_add,
    kernel_concat, kernel_max_pool, kernel_upsample, kernel_space_to_depth, kernel_slice, kernel_relu, kernel_relu6, kernel_sigmoid,
    kernel_silu, kernel_hard_sigmoid, kernel_hard_swish, kernel_mul, kernel_global_pool, kernel_weighted_sum, kernel_resize,
    kernel_avg_pool, kernel_dropout, kernel_drop_path, kernel_softmax, kernel_winograd;
