/* library.h - oneDNN (v3 C API), loaded when the first network is planned, so that the roles that train nothing do not pay for it.
 * The only folder that names dnnl_*. */
#pragma once
#include <dnnl.h>
#include <stdbool.h>

#define DNNL_FUNCTIONS(X)                                                                                                          \
    X(dnnl_engine_create)                                                                                                          \
    X(dnnl_stream_create)                                                                                                          \
    X(dnnl_version)                                                                                                                \
    X(dnnl_memory_desc_create_with_strides)                                                                                        \
    X(dnnl_memory_desc_create_with_tag)                                                                                            \
    X(dnnl_memory_desc_get_size)                                                                                                   \
    X(dnnl_memory_desc_equal)                                                                                                      \
    X(dnnl_memory_desc_destroy)                                                                                                    \
    X(dnnl_memory_create)                                                                                                          \
    X(dnnl_memory_destroy)                                                                                                         \
    X(dnnl_memory_set_data_handle)                                                                                                 \
    X(dnnl_primitive_attr_create)                                                                                                  \
    X(dnnl_primitive_attr_destroy)                                                                                                 \
    X(dnnl_primitive_attr_set_scratchpad_mode)                                                                                     \
    X(dnnl_primitive_desc_query_md)                                                                                                \
    X(dnnl_primitive_desc_destroy)                                                                                                 \
    X(dnnl_primitive_create)                                                                                                       \
    X(dnnl_primitive_destroy)                                                                                                      \
    X(dnnl_primitive_execute)                                                                                                      \
    X(dnnl_reorder_primitive_desc_create)                                                                                          \
    X(dnnl_convolution_forward_primitive_desc_create)                                                                              \
    X(dnnl_convolution_backward_data_primitive_desc_create)                                                                        \
    X(dnnl_convolution_backward_weights_primitive_desc_create)

struct dnnl_library {
#define X(name) __typeof__(name) *name;
    DNNL_FUNCTIONS(X)
#undef X
    void (*omp_set_num_threads)(int);
    dnnl_engine_t engine;
    dnnl_stream_t stream; /* has no state on a CPU: used by all threads */
    char name[32];
};
/* NULL: not there. Thread-safe. */
const struct dnnl_library *dnnl_library(void);
