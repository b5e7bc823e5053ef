/* lib.h - the entry points of oneDNN, by their own names, and short forms of what our kernels do with them. Only inside nn/dnnl/.
 */
#pragma once
#include "nn/graph.h"
#include <oneapi/dnnl/dnnl.h>

#define DNNL_CALLS(X)                                                                                                              \
    X(version)                                                                                                                     \
    X(engine_create)                                                                                                               \
    X(stream_create)                                                                                                               \
    X(memory_desc_create_with_tag)                                                                                                 \
    X(memory_desc_create_with_strides)                                                                                             \
    X(memory_desc_destroy)                                                                                                         \
    X(memory_desc_equal)                                                                                                           \
    X(memory_desc_get_size)                                                                                                        \
    X(memory_create)                                                                                                               \
    X(memory_set_data_handle)                                                                                                      \
    X(memory_destroy)                                                                                                              \
    X(primitive_attr_create)                                                                                                       \
    X(primitive_attr_destroy)                                                                                                      \
    X(primitive_attr_set_scratchpad_mode)                                                                                          \
    X(primitive_attr_set_post_ops)                                                                                                 \
    X(post_ops_create)                                                                                                             \
    X(post_ops_append_eltwise)                                                                                                     \
    X(post_ops_destroy)                                                                                                            \
    X(convolution_forward_primitive_desc_create)                                                                                   \
    X(convolution_backward_data_primitive_desc_create)                                                                             \
    X(convolution_backward_weights_primitive_desc_create)                                                                          \
    X(deconvolution_forward_primitive_desc_create)                                                                                 \
    X(deconvolution_backward_data_primitive_desc_create)                                                                           \
    X(deconvolution_backward_weights_primitive_desc_create)                                                                        \
    X(reorder_primitive_desc_create)                                                                                               \
    X(primitive_desc_query)                                                                                                        \
    X(primitive_desc_query_md)                                                                                                     \
    X(primitive_desc_destroy)                                                                                                      \
    X(primitive_create)                                                                                                            \
    X(primitive_execute)                                                                                                           \
    X(primitive_destroy)

struct dnnl_lib {
#define X(name) __typeof__(dnnl_##name) *name;
    DNNL_CALLS(X)
#undef X
    void (*omp_set_num_threads)(int);
};
extern struct dnnl_lib dnnl; /* filled once dnnl_there() says so */

dnnl_engine_t dnnl_engine(void); /* the CPU */
dnnl_stream_t dnnl_stream(void); /* this thread's; from here on the thread runs primitives alone, whatever the machine has */
void dnnl_must(dnnl_status_t, const char *what); /* what cannot fail once the primitive exists */
