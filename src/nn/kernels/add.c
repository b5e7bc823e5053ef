/* Sums. The gradient of one of the two may be that of the output itself (the planner sees to that). */
#include "nn/kernels/kernels.h"

static void sum(const struct tensor *t, void *to, const void *a, const void *b, size_t n)
{
    if (t->half)
        vector_sum_bf16(to, a, b, n);
    else
        vector_sum(to, a, b, n);
}

static void forward(struct step *s)
{
    struct tensor *a = s->node->in[0], *b = s->node->in[1], *y = s->out;
    if (y->pitch == y->c)
        sum(y, y->data, a->data, b->data, tensor_count(y));
    else
        for (long i = 0; i < tensor_pixels(y); i++)
            sum(y, tensor_at(y, y->data, i * y->pitch), tensor_at(y, a->data, i * y->c), tensor_at(y, b->data, i * y->c),
                (size_t)y->c);
}

static void backward(struct step *s)
{
    struct tensor *y = s->out;
    for (int k = 0; k < 2; k++) {
        struct tensor *x = s->node->in[k];
        if (x->grad && x->grad != y->grad)
            tensor_give_rows(x, x->grad, x->c, y->grad, y->pitch, tensor_pixels(y), x->c, step_adds(s, k));
    }
}

const struct kernel kernel_add = {
    .name = "add",
    .chain = { &op_add },
    .traits = FOR_TRAINING | FOR_INFERENCE | PITCHED_OUT | GRAD_SHARED | SAME_TYPE,
    .forward = forward,
    .backward = backward,
};
