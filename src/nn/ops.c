#include "nn/dnnl/dnnl.h"
#include "nn/kernels/kernels.h"

const struct op_kind *const nn_ops[] = {
    &op_conv2d,       &op_batch_norm, &op_silu,           &op_relu,           &op_sigmoid,      &op_add,
    &op_concat,       &op_max_pool,   &op_upsample,       &op_space_to_depth, &op_relu6,        &op_hard_swish,
    &op_hard_sigmoid, &op_mul,        &op_global_pool,    &op_slice,          &op_weighted_sum, &op_softmax,
    &op_avg_pool,     &op_resize,     &op_conv_transpose, &op_dropout,        &op_drop_path,    NULL
};

const struct kernel *const nn_kernels[] = { &dnnl_conv2d_silu, &dnnl_conv2d_relu,      &dnnl_conv2d_relu6,
                                            &dnnl_conv2d_norm, &kernel_depthwise,      &kernel_winograd,
                                            &dnnl_conv2d,      &dnnl_conv_transpose,   &kernel_norm_silu,
                                            &kernel_norm_relu, &kernel_norm_relu6,     &kernel_norm,
                                            &kernel_add,       &kernel_concat,         &kernel_max_pool,
                                            &kernel_upsample,  &kernel_space_to_depth, &kernel_slice,
                                            &kernel_relu,      &kernel_relu6,          &kernel_sigmoid,
                                            &kernel_silu,      &kernel_hard_sigmoid,   &kernel_hard_swish,
                                            &kernel_mul,       &kernel_global_pool,    &kernel_weighted_sum,
                                            &kernel_resize,    &kernel_avg_pool,       &kernel_dropout,
                                            &kernel_drop_path, &kernel_softmax,        NULL };

const char *nn_backend(void)
{
    const char *library = dnnl_version_text();
    return library ? library : "plain loops";
}
