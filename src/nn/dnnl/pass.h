/* pass.h - one oneDNN primitive with the memory descriptions of its arguments, and how it is executed. Only inside nn/dnnl/. */
#pragma once
#include "nn/dnnl/lib.h"

enum { ARGS_MOST = 5 };
struct pass {
    dnnl_primitive_t run, reorder; /* reorder: of the weights; NULL where oneDNN takes our layout */
    dnnl_memory_t x, y, weight, our_weight, bias, scratchpad;
    size_t weight_floats, scratch_floats; /* each rounded up to whole cache lines */
};
struct pass_shape {
    dnnl_memory_desc_t x, y, weight, our_weight, bias; /* bias may be NULL */
};
/* weight: what to ask the description for its weights by; towards_us: they are a gradient, which goes from oneDNN's layout to ours.
 */
void pass_prepare(struct pass *, const_dnnl_primitive_desc_t, dnnl_query_t weight, const struct pass_shape *, bool towards_us);
void pass_forget(struct pass *);

dnnl_exec_arg_t pass_argument(int which, dnnl_memory_t, const void *data);
void pass_execute(dnnl_primitive_t, const dnnl_exec_arg_t *, int n);
const void *pass_bring_weights(struct pass *, const float *weights, void *scratch); /* where they are in oneDNN's layout and type */
void pass_take_weights(struct pass *, const void *theirs, float *ours);

/* Floats that so many bytes take, in whole cache lines. */
static inline size_t whole_lines(size_t bytes)
{
    return (bytes + 63) / 64 * 16;
}
