/* ops.h - what an operator is to the graph. Inside nn/. One op, one file in ops/; its row stands in ops.c. */
#pragma once
#include "nn/nn.h"

struct op_kind {
    const char *name;
    /* Plain loops: the specification, and what runs where no faster kernel is there. forward writes out.data (=). backward reads
     * out.grad and writes (=) into what node_grad() gives for each input that wants it, and adds (+=) to the gradients of
     * parameters. */
    void (*forward)(struct node *);
    void (*backward)(struct node *);
    /* Before the first run: memory of the kernel's own (kept, release). May be NULL. */
    void (*prepare)(struct node *, bool train);
};
extern const struct op_kind *const nn_ops[]; /* NULL-terminated */
extern const struct op_kind op_conv2d, op_batch_norm, op_silu, op_relu, op_sigmoid, op_add, op_concat, op_max_pool, op_upsample,
    op_space_to_depth;

/* For builders. The new node's output has the shape given; inputs and attr are the caller's to fill. */
struct node *graph_add_node(struct graph *, const struct op_kind *, int n, int h, int w, int c);
struct param *graph_add_param(struct graph *, const char *name, int n, int h, int w, int c, bool decay, bool trained);
double graph_random(struct graph *); /* uniform in [0, 1) */

/* For backward: where the gradient of input i goes. NULL: nobody wants it. The first writer of a tensor gets the place itself,
 * later ones scratch memory, which node_grad_done() adds. */
float *node_grad(struct node *, int i);
void node_grad_done(struct node *, int i, float *grad);
float *graph_scratch(struct graph *, size_t floats); /* at least so many; a later call may move it */
bool graph_trains(const struct graph *);

/* exp(x) for floats, relative error under 2e-7 within -87 … 88, written so that compilers vectorise it (Cephes' polynomial). */
static inline float fast_exp(float x)
{
    x = x < -87.0f ? -87.0f : x > 88.0f ? 88.0f : x;
    float k = x * 1.44269504f + 12582912.0f; /* round to nearest by the magic number */
    float n = k - 12582912.0f;
    float r = x - n * 0.693359375f + n * 2.12194440e-4f;
    float p =
        ((((1.9875691500e-4f * r + 1.3981999507e-3f) * r + 8.3334519073e-3f) * r + 4.1665795894e-2f) * r + 1.6666665459e-1f) * r +
        5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    int32_t bits = ((int32_t)n + 127) << 23;
    float two;
    __builtin_memcpy(&two, &bits, sizeof two);
    return p * two;
}
static inline float sigmoid(float x)
{
    return 1.0f / (1.0f + fast_exp(-x));
}

/* The back end beside the plain loops (nn/dnnl/): takes a node over if it can. */
bool dnnl_take(struct node *, bool train);
const char *dnnl_name(void); /* NULL: the library is not there */
void dnnl_one_thread(void);  /* this thread's kernels use this thread only */
