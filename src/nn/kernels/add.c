/* Sums. The gradient of one of the two may be that of the output itself (the planner sees to that). */
#include "nn/kernels/kernels.h"

static void forward(struct step *s)
{
    struct tensor *a = s->node->in[0], *b = s->node->in[1], *y = s->out;
    if (y->pitch == y->c)
        vector_sum(y->data, a->data, b->data, tensor_count(y));
    else
        for (long i = 0; i < tensor_pixels(y); i++)
            vector_sum(y->data + i * y->pitch, a->data + i * y->c, b->data + i * y->c, (size_t)y->c);
}

static void backward(struct step *s)
{
    struct tensor *y = s->out;
    for (int k = 0; k < 2; k++) {
        struct tensor *x = s->node->in[k];
        if (x->grad && x->grad != y->grad)
            vector_give_rows(x->grad, x->c, y->grad, y->pitch, tensor_pixels(y), x->c, step_adds(s, k));
    }
}

const struct kernel kernel_add = {
    .name = "add",
    .chain = { &op_add },
    .traits = FOR_TRAINING | FOR_INFERENCE | PITCHED_OUT | GRAD_SHARED,
    .forward = forward,
    .backward = backward,
};
