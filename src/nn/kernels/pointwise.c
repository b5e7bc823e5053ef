/* Activations alone: one pass over memory, whole registers at a time. */
#include "nn/kernels/kernels.h"

/* The loops of one activation. dx may lie where dy does; by: what the operator keeps. */
struct pointwise {
    const struct op_kind *kind;
    void (*forward)(const float *x, float *y, long n);
    void (*give)(const float *by, const float *dy, float *dx, long n);
    void (*add)(const float *by, const float *dy, float *dx, long n);
};

/* VALUE is written in x, SLOPE in `by`. */
#define POINTWISE(name, VALUE, SLOPE)                                                                                              \
    WIDEST static void name##_forward(const float *restrict from, float *restrict to, long n)                                      \
    {                                                                                                                              \
        for (long i = 0; i < n; i++) {                                                                                             \
            float x = from[i];                                                                                                     \
            to[i] = VALUE;                                                                                                         \
        }                                                                                                                          \
    }                                                                                                                              \
    WIDEST static void name##_give(const float *restrict kept, const float *dy, float *dx, long n)                                 \
    {                                                                                                                              \
        _Pragma("GCC ivdep") for (long i = 0; i < n; i++)                                                                          \
        {                                                                                                                          \
            float by = kept[i];                                                                                                    \
            dx[i] = dy[i] * (SLOPE);                                                                                               \
        }                                                                                                                          \
    }                                                                                                                              \
    WIDEST static void name##_add(const float *restrict kept, const float *restrict dy, float *restrict dx, long n)                \
    {                                                                                                                              \
        for (long i = 0; i < n; i++) {                                                                                             \
            float by = kept[i];                                                                                                    \
            dx[i] += dy[i] * (SLOPE);                                                                                              \
        }                                                                                                                          \
    }

static inline float between(float x, float least, float most)
{
    x = x > least ? x : least;
    return x < most ? x : most;
}
static inline float slope_inside(float y, float most, float slope)
{
    return ((y > 0) & (y < most)) ? slope : 0.0f;
}
static inline float silu_slope(float x)
{
    float s = fast_sigmoid(x);
    return s * (1 + x * (1 - s));
}

POINTWISE(relu, x > 0 ? x : 0, by > 0 ? 1.0f : 0.0f)
POINTWISE(relu6, between(x, 0, 6), slope_inside(by, 6, 1))
POINTWISE(sigmoid, fast_sigmoid(x), by *(1 - by))
POINTWISE(silu, x *fast_sigmoid(x), silu_slope(by))
POINTWISE(hard_sigmoid, between((x + 3) * (1.0f / 6), 0, 1), slope_inside(by, 1, 1.0f / 6))
POINTWISE(hard_swish, x *between((x + 3) * (1.0f / 6), 0, 1), by <= -3 ? 0 : by >= 3 ? 1 : (2 * by + 3) * (1.0f / 6))

#define ROW(name)                                                                                                                  \
    {                                                                                                                              \
        &op_##name, name##_forward, name##_give, name##_add                                                                        \
    }
static const struct pointwise rows[] = { ROW(relu), ROW(relu6), ROW(sigmoid), ROW(silu), ROW(hard_sigmoid), ROW(hard_swish) };

static bool prepare(struct step *s)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (rows[i].kind == s->node->kind)
            s->state = (void *)(uintptr_t)&rows[i];
    return s->state;
}

/* Rows where the output lies inside a concatenation, else all at once. */
static long runs(const struct tensor *y, long *ret_n)
{
    bool dense = y->pitch == y->c;
    *ret_n = dense ? (long)tensor_count(y) : y->c;
    return dense ? 1 : tensor_pixels(y);
}

static void forward(struct step *s)
{
    const struct pointwise *p = s->state;
    struct tensor *x = s->node->in[0], *y = s->out;
    long n, count = runs(y, &n);
    for (long i = 0; i < count; i++)
        p->forward(x->data + i * x->c, y->data + i * y->pitch, n);
}

static void backward(struct step *s)
{
    const struct pointwise *p = s->state;
    struct tensor *x = s->node->in[0], *y = s->out;
    bool by_in = p->kind->keeps & KEEPS_IN;
    long n, count = runs(y, &n);
    for (long i = 0; i < count && x->grad; i++)
        (step_adds(s, 0) ? p->add : p->give)(by_in ? x->data + i * x->c : y->data + i * y->pitch, y->grad + i * y->pitch,
                                             x->grad + i * x->c, n);
}

#define KERNEL(op, kept)                                                                                                           \
    const struct kernel kernel_##op = {                                                                                            \
        .name = #op,                                                                                                               \
        .chain = { &op_##op },                                                                                                     \
        .traits = FOR_TRAINING | FOR_INFERENCE | PITCHED_OUT | GRAD_IN_PLACE,                                                      \
        .keeps = kept,                                                                                                             \
        .prepare = prepare,                                                                                                        \
        .forward = forward,                                                                                                        \
        .backward = backward,                                                                                                      \
    };
KERNEL(relu, KEEPS_OUT)
KERNEL(relu6, KEEPS_OUT)
KERNEL(sigmoid, KEEPS_OUT)
KERNEL(silu, KEEPS_IN)
KERNEL(hard_sigmoid, KEEPS_OUT)
KERNEL(hard_swish, KEEPS_IN)
