/* graph.h - what the operators, the kernels and the planner know of a graph. Only inside nn/.
 *
 * An operator (op_kind) is its plain loops: the specification, and the fallback everywhere. A kernel is a faster way to do one
 * operator, or a chain of them, for the shapes it says it fits. graph_plan() turns the nodes into steps, each with a kernel or with
 * the plain loops of its node. */
#pragma once
#include "nn/nn.h"

enum keeps { /* what the backward pass reads */
             KEEPS_NOTHING = 0,
             KEEPS_IN = 1,
             KEEPS_OUT = 2,
};

struct op_kind {
    const char *name;
    unsigned keeps;
    void (*forward)(struct node *, bool training);
    void (*backward)(struct node *); /* adds to the gradients of the inputs that have one, and of the parameters */
};
extern const struct op_kind *const nn_ops[]; /* ends with NULL */

struct step;
enum kernel_traits {
    FOR_TRAINING = 1,
    FOR_INFERENCE = 2,
    PITCHED_OUT = 4,        /* can write an output, and read its gradient, whose pixels do not lie side by side */
    GRAD_IN_PLACE = 8,      /* the gradient of its one input may lie where that of the output does */
    GRAD_SHARED = 16,       /* the gradient of one input is that of the output: the kernel skips it where the addresses are equal */
    SAME_IN_INFERENCE = 32, /* there its output is its one input: they may lie in the same place */
    SAME_TYPE = 64,         /* moves values only: its output and all inputs are kept in bf16, or none is */
};
enum { CHAIN_MOST = 3 };
struct kernel {
    const char *name;
    const struct op_kind *chain[CHAIN_MOST]; /* one kind, or several of which each feeds only the next */
    unsigned traits, keeps;
    bool (*prepare)(struct step *); /* false: it does not fit; the next kernel of the table is asked. May be NULL */
    void (*finish)(struct step *);  /* once it is known which values are bf16; may be NULL */
    void (*forward)(struct step *);
    void (*backward)(struct step *); /* writes the gradient of input i, or adds to it where `adds` has bit i */
    void (*release)(struct step *);  /* may be NULL */
};
extern const struct kernel *const nn_kernels[]; /* in order of preference; ends with NULL */

struct step {
    const struct kernel *kernel; /* NULL: the plain loops */
    enum graph_use use;
    bool bf16;                    /* may be used */
    bool reads_half, writes_half; /* prepare() says so: inputs, and the output, may be bf16, their gradients too */
    struct node *node, *last;     /* of a chain: the first and the last */
    struct tensor *out;           /* of the last */
    int segment;                  /* of those whose values are forgotten together; never falls from step to step */
    bool again;                   /* done once more before its segment goes backward */
    unsigned adds;                /* bit i: the gradient of input i holds something already */
    void *state;                  /* the kernel's */
    size_t scratch_bytes;         /* wanted by the kernel */
    float *scratch;               /* the same for all steps; holds nothing from one step to the next */
    double forward_s, backward_s;
};
static inline bool step_adds(const struct step *s, int i)
{
    return s->adds & 1u << i;
}

struct draw { /* what random numbers are drawn from */
    uint64_t seed;
    int64_t step, first_sample;
};
struct graph {
    struct arena *arena;
    uint64_t seed;
    struct draw draw;
    struct node *first, **end;
    struct tensor **tensors; /* by id */
    int n_tensors;
    struct param **params;
    size_t n_params;
    enum graph_use use;
    bool bf16;
    struct step *steps;
    int n_steps;
    void *memory, *grad_memory;                   /* values, their gradients and scratch; gradients of parameters */
    size_t memory_bytes, ideal_bytes, grad_bytes; /* ideal: the most of memory_bytes that is in use at a time */
    int passes;                                   /* since the last graph_costs() */
    bool profiled;
};

bool processor_has_amx_bf16(void);

/* The first step of the segment that step i is in. */
int graph_segment_start(const struct graph *, int i);

/* For builders. The shape of the output is the builder's to state; a graph that does not fit together is a bug of the caller. */
struct node *graph_add_node(struct graph *, const struct op_kind *, struct tensor *const *in, int n_in);
struct tensor *node_shape(struct graph *, struct node *, int n, int h, int w, int c);
struct param *graph_add_param(struct graph *, const char *prefix, const char *name, int n, int h, int w, int c);
void param_fill(struct param *, float);
/* Uniform in ±1 / √fan_in (LeCun et al. 1998), from a stream of the graph's seed and the parameter's name. */
void param_init_uniform(struct param *, uint64_t seed, int fan_in);

static inline float *pixel_at(const struct tensor *t, float *of, long n, long y, long x)
{
    return of + ((n * t->h + y) * t->w + x) * t->pitch;
}
static inline long tensor_pixels(const struct tensor *t)
{
    return (long)t->n * t->h * t->w;
}
static inline size_t tensor_value_bytes(const struct tensor *t)
{
    return t->half ? 2 : 4;
}
static inline void *tensor_at(const struct tensor *t, const void *of, long i) /* value i of its data or gradient */
{
    return (char *)(uintptr_t)of + i * (long)tensor_value_bytes(t);
}
static inline long max_long(long a, long b)
{
    return a > b ? a : b;
}

/* Gradients of this tensor, f32 or bf16. to += from, dense: */
void tensor_give(const struct tensor *, void *to, const void *from);
/* Rows of n values, a pitch apart: to = from, or to += from. */
void tensor_give_rows(const struct tensor *, void *to, long to_pitch, const void *from, long from_pitch, long rows, long n,
                      bool adds);
