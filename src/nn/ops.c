#include "nn/ops.h"
#include <stddef.h>

const struct op_kind *const nn_ops[] = {
    &op_conv2d, &op_batch_norm, &op_silu,     &op_relu,           &op_sigmoid, &op_add,
    &op_concat, &op_max_pool,   &op_upsample, &op_space_to_depth, NULL,
};
