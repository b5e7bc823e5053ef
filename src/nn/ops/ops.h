/* ops.h - the operators, one file each. */
#pragma once
#include "nn/graph.h"

extern const struct op_kind op_conv2d, op_batch_norm, op_silu, op_relu, op_sigmoid, op_add, op_concat, op_max_pool, op_upsample,
    op_space_to_depth;

void batch_norm_use_running(struct node *); /* the running mean and variance as those of the last batch */
