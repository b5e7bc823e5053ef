/* nn.h - tensors, a static graph of operators, forward and backward.
 *
 * A network is built once, by calling one builder per layer; shapes are known as it is built. graph_plan() then lays out all values
 * and gradients in one block each and prepares the kernels. All tensors are f32, N x H x W x C (channels last). Parameters have
 * names and can be shared: replicas of one network, each on a thread of its own with a part of the batch, read the same weights;
 * the optimiser sums their gradients. A graph is used by one thread at a time.
 *
 * The loss stands outside: it gets the outputs' values and puts their gradients before graph_backward(). Gradients of parameters
 * add up until graph_zero_grad(), over several batches if one likes.
 *
 * What a tensor holds is the network's memory, which need not be the host's: outside nn/ it is reached by tensor_put() and
 * tensor_get() only. */
#pragma once
#include "base/arena.h"

struct graph;
struct op_kind;
struct draw;

struct tensor {
    int n, h, w, c;
    float *data, *grad; /* n*h*w*c values; grad is NULL where none is needed; both are NULL inside fused operators */
    const char *name;   /* of inputs, outputs and parameters */
    struct node *from;  /* NULL for inputs and parameters */
    int pitch;          /* floats from a pixel to the next: c, or more inside a concatenation; inputs, outputs, parameters: c */
    bool wants_grad;    /* graph_plan() sets it where needed; set for an input before, its gradient is computed too */
    bool is_output;
    bool half; /* data and grad are bf16 (bf16.h); never of inputs, outputs and parameters */
    int id;    /* the planner's */
};
static inline size_t tensor_count(const struct tensor *t)
{
    return (size_t)t->n * (size_t)t->h * (size_t)t->w * (size_t)t->c;
}

enum tensor_part { TENSOR_VALUES, TENSOR_GRADIENT };
/* n of them from the first-th on, f32, into the network's memory and out of it. Inputs, outputs and parameters only. */
void tensor_put(struct tensor *, enum tensor_part, size_t first, const float *from, size_t n);
void tensor_get(const struct tensor *, enum tensor_part, size_t first, float *to, size_t n);
float *tensor_copy(const struct tensor *, struct arena *); /* all its values */

struct param {
    struct tensor
        value; /* conv weights: n = output channels, h, w = kernel, c = input channels per group; biases and norms: c only */
    struct tensor *twin; /* parameter of another graph whose data this one uses, or NULL */
    bool decay;          /* takes part in weight decay (weights of conv and linear, not biases and norms) */
    bool trained;        /* false: a running statistic, or frozen */
    bool borrowed;       /* value.data belongs to the twin */
};

/* What an operator was told when it was built; each kind uses its own part. Read by nn/ and by the ONNX writer. */
struct attr {
    int kernel, stride, dilation, groups; /* conv, pool: square windows; dilation: pixels from a weight to the next */
    int top, left;                        /* conv, pool: zeros before; how many lie after follows from the output's size */
    float epsilon, momentum;              /* batch norm: momentum is the share of the new batch (YOLOX: 0.03) */
    int scale;                            /* upsample, space_to_depth */
    int first;                            /* slice: channel */
    float rate;                           /* dropout, drop_path */
    bool bilinear;                        /* resize */
    bool frozen;                          /* batch norm: the running statistics in training too */
};
/* What lies after a row or column of `size` that holds so many windows of a conv or pool; below 0: the last values are not read. */
int padding_after(int size, int windows, const struct attr *, int before);

struct node {
    const struct op_kind *kind;
    struct attr attr;
    struct tensor *in[8];
    int n_in;
    struct param *params[4]; /* conv: weight, bias or NULL; batch norm: gamma, beta, running mean, running variance */
    struct tensor out;
    const struct draw *draw; /* the graph's random numbers */
    float *kept;             /* batch norm: mean, 1 / deviation and variance of the last batch, c each */
    struct node *next;       /* in the order they were built, which is a topological one */
};

/* What lies around the input of a convolution (zeros) or a pool (nothing). */
enum padding_kind {
    PAD_HALF,  /* half of the kernel's extent on all sides: with an odd kernel, stride 1 keeps the size */
    PAD_SAME,  /* as TensorFlow does: so many that there are size / stride windows, rounded up; an odd one comes after */
    PAD_GIVEN, /* these */
};
struct padding {
    enum padding_kind kind;
    int top, left, bottom, right;
};
struct conv_options { /* stride, dilation, groups: 0 means 1 */
    int channels, kernel, stride, dilation, groups;
    bool bias;
    struct padding padding;
};

/* Building. name prefixes the parameters ("backbone.stem.conv" → "backbone.stem.conv.weight"). seed: initial weights. */
struct graph *graph_new(uint64_t seed);
void graph_free(struct graph *);
struct tensor *nn_input(struct graph *, const char *name, int n, int h, int w, int c);
struct tensor *nn_conv2d(struct graph *, struct tensor *x, const char *name, int out_channels, int kernel, int stride, int groups,
                         bool bias);
struct tensor *nn_conv2d_with(struct graph *, struct tensor *x, const char *name, struct conv_options);
/* The convolution that made `like`, of stride 1, once more on another input: its parameters learn from both. */
struct tensor *nn_conv2d_again(struct graph *, struct tensor *x, const struct tensor *like);
struct tensor *nn_batch_norm(struct graph *, struct tensor *x, const char *name, float epsilon, float momentum);
/* Neither its statistics nor its affine parameters are trained, and it uses the running statistics always. */
struct tensor *nn_batch_norm_frozen(struct graph *, struct tensor *x, const char *name, float epsilon);
struct tensor *nn_silu(struct graph *, struct tensor *x);
struct tensor *nn_relu(struct graph *, struct tensor *x);
struct tensor *nn_relu6(struct graph *, struct tensor *x); /* MobileNet (Howard et al. 2017) */
struct tensor *nn_sigmoid(struct graph *, struct tensor *x);
struct tensor *nn_hard_swish(struct graph *, struct tensor *x); /* MobileNetV3 (Howard et al. 2019), and the next */
struct tensor *nn_hard_sigmoid(struct graph *, struct tensor *x);
struct tensor *nn_softmax(struct graph *, struct tensor *x); /* along C */
struct tensor *nn_add(struct graph *, struct tensor *a, struct tensor *b);
struct tensor *nn_mul(struct graph *, struct tensor *a, struct tensor *b); /* b: as a, or N × 1 × 1 × C */
/* Σ w_i x_i, w_i = max(p_i, 0) / (epsilon + Σ max(p_j, 0)), p learned: BiFPN's fusion (Tan et al. 2020; epsilon 1e-4). At most 8.
 */
struct tensor *nn_weighted_sum(struct graph *, struct tensor *const *x, int n, const char *name, float epsilon);
struct tensor *nn_concat(struct graph *, struct tensor *const *x, int n);           /* along C */
struct tensor *nn_slice(struct graph *, struct tensor *x, int first, int channels); /* these channels alone */
struct tensor *nn_max_pool(struct graph *, struct tensor *x, int kernel, int stride, int pad);
struct tensor *nn_max_pool_with(struct graph *, struct tensor *x, int kernel, int stride, struct padding);
struct tensor *nn_global_pool(struct graph *, struct tensor *x); /* the mean of each image's pixels: N × 1 × 1 × C */
struct tensor *nn_avg_pool(struct graph *, struct tensor *x, int kernel, int stride, struct padding); /* of what lies inside */
struct tensor *nn_upsample(struct graph *, struct tensor *x, int scale);                              /* nearest */
struct tensor *nn_resize(struct graph *, struct tensor *x, int h, int w, bool bilinear); /* half-pixel centres; else nearest */
/* PAD_SAME: the output is stride times as large. Weights as those of a convolution from x to the output. No groups, no dilation. */
struct tensor *nn_conv_transpose(struct graph *, struct tensor *x, const char *name, struct conv_options);
/* In training, by chance; see graph_set_step(). Values (Srivastava et al. 2014), or whole samples (Huang et al. 2016). */
struct tensor *nn_dropout(struct graph *, struct tensor *x, float rate);
struct tensor *nn_drop_path(struct graph *, struct tensor *x, float rate);
/* YOLOX's Focus: the four pixels of 2×2 side by side in C: top left, bottom left, top right, bottom right. */
struct tensor *nn_space_to_depth(struct graph *, struct tensor *x);
struct tensor *nn_linear(struct graph *, struct tensor *x, const char *name, int out, bool bias); /* x: N × 1 × 1 × C */
/* x times gate(fc2(act(fc1(mean of x)))), a factor for each channel (Hu et al. 2018). EfficientNet: nn_silu, nn_sigmoid. */
struct tensor *nn_squeeze_excite(struct graph *, struct tensor *x, const char *name, int squeezed,
                                 struct tensor *(*act)(struct graph *, struct tensor *),
                                 struct tensor *(*gate)(struct graph *, struct tensor *));
void nn_output(struct graph *, struct tensor *x, const char *name);

enum graph_use { GRAPH_TRAIN, GRAPH_INFER };
enum precision {
    PRECISION_AUTO, /* bf16 where that is measured to be faster: with AMX, and on AMD's processors with AVX512_BF16 */
    PRECISION_F32,
    PRECISION_BF16, /* where oneDNN has it: in training, convolutions multiply bf16 and add f32; values between them are bf16 */
};
struct plan_options {
    enum graph_use use; /* GRAPH_INFER makes no gradients and reuses value memory */
    enum precision precision;
    const char *frozen; /* parameters whose names begin so are not trained, and their norms take the running statistics; or NULL */
    /* Values and their gradients would take more than this: those inside stretches of the network are forgotten, and computed once
     * more when it goes backward. The gradients are the same, to the bit; it takes less memory and more time. 0: never. */
    size_t values_most;
    bool plain; /* only the plain loops (the specification), f32 */
};
/* After building. */
MUST_USE enum err graph_plan_with(struct graph *, const struct plan_options *);
MUST_USE enum err graph_plan(struct graph *, enum graph_use, bool plain); /* in f32 */
enum precision precision_here(enum precision asked);                      /* what comes of it on this machine: f32 or bf16 */
/* Before graph_plan(): the parameters of g use the data of those of `other`, by name; both must be the same network. */
MUST_USE enum err graph_share(struct graph *g, struct graph *other);

/* What dropout draws from: the graph's seed, the step of the training, and which of the batch the first sample of this graph is.
 * The same for all replicas but for first_sample, so that a batch draws the same however it is split. */
void graph_set_step(struct graph *, int64_t step, int64_t first_sample);
void graph_forward(struct graph *); /* GRAPH_TRAIN: with the statistics of the batch; GRAPH_INFER: with the running ones */
void graph_backward(struct graph *);
void graph_zero_grad(struct graph *);

size_t graph_params(struct graph *, struct param ***ret);
struct param *graph_param(struct graph *, const char *name); /* NULL: none */
struct tensor *graph_output(struct graph *, const char *name);
struct node *graph_nodes(struct graph *);
const char *node_kind(const struct node *);                    /* "conv2d", "batch_norm", … */
void node_sum_weights(const struct node *, float *ret_weight); /* of a weighted sum, for each input: together just under 1 */
size_t graph_peak_bytes(const struct graph *);                 /* values, gradients, parameters and what the kernels need besides */
/* Values, their gradients and scratch; how many times as much it is as the most that is in use at one time. */
size_t graph_value_bytes(const struct graph *, double *ret_over_ideal);
bool graph_recomputes(const struct graph *); /* values are forgotten and computed again: plan_options.values_most */
/* Moves the running statistics towards the mean of those that the replicas' last forward saw; optim_step() calls it. */
void graph_update_statistics(struct graph *const *replicas, size_t n);
const char *nn_backend(void); /* "oneDNN 3.2" or "plain loops", after the first graph_plan() */
