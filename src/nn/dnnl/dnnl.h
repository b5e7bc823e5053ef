/* dnnl.h - kernels of oneDNN (v3 C API). The library is loaded when the first graph is planned, so that programs that plan none do
 * not pay for it; without it every kernel here declines and the plain loops run. */
#pragma once
#include "nn/graph.h"

extern const struct kernel dnnl_conv2d, dnnl_conv2d_silu, dnnl_conv2d_relu, dnnl_conv2d_relu6, dnnl_conv2d_norm,
    dnnl_conv_transpose;

bool dnnl_there(void);               /* loads it at the first call */
const char *dnnl_version_text(void); /* "oneDNN 3.2", or NULL */
