/* kernels.h - our own faster ways to do what the plain loops of ops/ say. */
#pragma once
#include "nn/ops/ops.h"
#include "nn/vector.h"

extern const struct kernel kernel_norm, kernel_norm_silu, kernel_add, kernel_concat, kernel_max_pool, kernel_upsample,
    kernel_space_to_depth;
