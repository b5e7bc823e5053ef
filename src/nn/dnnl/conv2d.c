/* Convolutions and transposed ones, alone or for inference with the batch norm behind them folded into their weights and the
 * activation applied. Values stay N H W C; oneDNN chooses the layout of the weights, which are brought into it before each pass:
 * they change with every step anyway, and the copy is small beside the pass.
 *
 * In bf16 the inputs of a product are bf16 and its sums f32 (Kalamkar et al. 2019): x, weights and dy are rounded where they are
 * not bf16 already; gradients of weights and biases come out in f32. Weights themselves stay f32. */
#include "nn/dnnl/dnnl.h"
#include "nn/dnnl/pass.h"
#include "nn/ops/ops.h"
#include "nn/vector.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WEIGHT, BIAS };
enum { FORWARD, BACKWARD_DATA, BACKWARD_WEIGHT, PASSES };

struct conv {
    struct pass pass[PASSES]; /* those that are not needed are empty */
    bool bf16;
    size_t x_floats, y_floats; /* scratch for x and dy in bf16, where they are f32 */
    size_t dx_floats;          /* scratch for a gradient that is added to another */
    float *folded;             /* weights, then biases, with the norm in them; NULL: the convolution's own */
};

struct shape {
    struct pass_shape of;
    dnnl_dims_t strides, dilates, pad_before, pad_after;
};

/* What differs between a convolution and a transposed one. */
struct calls {
    __typeof__(dnnl_convolution_forward_primitive_desc_create) *forward;
    __typeof__(dnnl_convolution_backward_data_primitive_desc_create) *backward_data;
    __typeof__(dnnl_convolution_backward_weights_primitive_desc_create) *backward_weights;
    dnnl_alg_kind_t how;
};
static bool is_transposed(const struct node *n)
{
    return n->kind == &op_conv_transpose;
}
static struct calls calls_for(const struct node *n)
{
    if (is_transposed(n))
        return (struct calls){ dnnl.deconvolution_forward_primitive_desc_create,
                               dnnl.deconvolution_backward_data_primitive_desc_create,
                               dnnl.deconvolution_backward_weights_primitive_desc_create, dnnl_deconvolution_direct };
    return (struct calls){ dnnl.convolution_forward_primitive_desc_create, dnnl.convolution_backward_data_primitive_desc_create,
                           dnnl.convolution_backward_weights_primitive_desc_create, dnnl_convolution_direct };
}

static dnnl_memory_desc_t describe(const dnnl_dims_t dims, int n_dims, dnnl_data_type_t type, dnnl_format_tag_t tag)
{
    dnnl_memory_desc_t d = NULL;
    dnnl_must(dnnl.memory_desc_create_with_tag(&d, n_dims, dims, type, tag), "description of a tensor");
    return d;
}

static dnnl_memory_desc_t describe_pixels(const struct tensor *t, bool half)
{
    return describe((dnnl_dims_t){ t->n, t->c, t->h, t->w }, 4, half ? dnnl_bf16 : dnnl_f32, dnnl_nhwc);
}

static struct shape shape_of(const struct node *n, bool bias, bool half_x, bool half_y, bool half_weight)
{
    const struct attr *a = &n->attr;
    const struct tensor *x = n->in[0], *y = &n->out, *large = is_transposed(n) ? y : x, *small = is_transposed(n) ? x : y;
    struct shape s = { .of.x = describe_pixels(x, half_x), .of.y = describe_pixels(y, half_y) };
    bool groups = a->groups > 1;
    dnnl_dims_t grouped = { a->groups, y->c / a->groups, x->c / a->groups, a->kernel, a->kernel },
                dense = { y->c, x->c, a->kernel, a->kernel }, *dims = groups ? &grouped : &dense;
    s.of.weight = describe(*dims, groups ? 5 : 4, half_weight ? dnnl_bf16 : dnnl_f32, dnnl_format_tag_any);
    s.of.our_weight = describe(*dims, groups ? 5 : 4, dnnl_f32, groups ? dnnl_gohwi : dnnl_ohwi);
    s.of.bias = bias ? describe((dnnl_dims_t){ y->c }, 1, dnnl_f32, dnnl_a) : NULL;
    for (int i = 0; i < 2; i++) {
        int before = i ? a->left : a->top;
        s.strides[i] = a->stride;
        s.dilates[i] = a->dilation - 1;
        s.pad_before[i] = before;
        s.pad_after[i] = padding_after(i ? large->w : large->h, i ? small->w : small->h, a, before);
    }
    return s;
}

static void forget_shape(struct shape *s)
{
    dnnl_memory_desc_t all[] = { s->of.x, s->of.y, s->of.weight, s->of.our_weight, s->of.bias };
    for (size_t i = 0; i < COUNT_OF(all); i++)
        if (all[i])
            dnnl.memory_desc_destroy(all[i]);
}

static void release(struct step *step)
{
    struct conv *c = step->state;
    for (int i = 0; i < PASSES; i++)
        pass_forget(&c->pass[i]);
    free(c->folded);
    free(c);
}

static bool slow(dnnl_primitive_desc_t pd) /* oneDNN's own plain loops are slower than ours need be */
{
    const char *name = "";
    dnnl.primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name);
    return strncmp(name, "ref", 3) == 0 || strstr(name, "+ref");
}

static dnnl_primitive_attr_t attributes(enum act act)
{
    dnnl_primitive_attr_t attr = NULL;
    dnnl_must(dnnl.primitive_attr_create(&attr), "attributes");
    dnnl_must(dnnl.primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user), "scratchpad mode");
    if (act != ACT_NONE) {
        dnnl_post_ops_t ops = NULL;
        dnnl_alg_kind_t how = act == ACT_SILU ? dnnl_eltwise_swish : act == ACT_RELU ? dnnl_eltwise_relu : dnnl_eltwise_clip;
        dnnl_must(dnnl.post_ops_create(&ops), "activation");
        dnnl_must(dnnl.post_ops_append_eltwise(ops, how, act == ACT_SILU ? 1 : 0, act == ACT_RELU6 ? 6 : 0), "activation");
        dnnl_must(dnnl.primitive_attr_set_post_ops(attr, ops), "activation");
        dnnl.post_ops_destroy(ops);
    }
    return attr;
}

/* One pass with values of these types; hint: the forward pass that a backward one belongs to. NULL: oneDNN has none. */
static dnnl_primitive_desc_t describe_pass(const struct step *step, int which, const struct shape *s, dnnl_primitive_desc_t hint,
                                           dnnl_primitive_attr_t attr)
{
    struct calls make = calls_for(step->node);
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t status;
    if (which == FORWARD)
        status =
            make.forward(&pd, dnnl_engine(), step->use == GRAPH_TRAIN ? dnnl_forward_training : dnnl_forward_inference, make.how,
                         s->of.x, s->of.weight, s->of.bias, s->of.y, s->strides, s->dilates, s->pad_before, s->pad_after, attr);
    else if (which == BACKWARD_DATA)
        status = make.backward_data(&pd, dnnl_engine(), make.how, s->of.x, s->of.weight, s->of.y, s->strides, s->dilates,
                                    s->pad_before, s->pad_after, hint, attr);
    else
        status = make.backward_weights(&pd, dnnl_engine(), make.how, s->of.x, s->of.weight, s->of.bias, s->of.y, s->strides,
                                       s->dilates, s->pad_before, s->pad_after, hint, attr);
    return status == dnnl_success ? pd : NULL;
}

static bool is_needed(const struct step *step, int which)
{
    return which == FORWARD ||
           (step->use == GRAPH_TRAIN && step->out->wants_grad && (which == BACKWARD_WEIGHT || step->node->in[0]->wants_grad));
}

/* Makes the passes, or with `only_ask` says whether oneDNN has them. half_x, half_y: how values are kept outside. */
static bool make_passes(struct step *step, struct conv *c, bool bias, enum act act, bool half_x, bool half_y, bool only_ask)
{
    dnnl_primitive_attr_t attr = attributes(act);
    struct shape as_hint = shape_of(step->node, bias, c->bf16, c->bf16, c->bf16);
    dnnl_primitive_desc_t hint = describe_pass(step, FORWARD, &as_hint, NULL, attr);
    bool fits = hint && !slow(hint);
    for (int i = 0; i < PASSES && fits; i++) {
        if (!is_needed(step, i))
            continue;
        struct shape s = shape_of(step->node, bias && i != BACKWARD_DATA, i == BACKWARD_DATA ? half_x : c->bf16,
                                  i == FORWARD ? half_y : c->bf16, i == BACKWARD_WEIGHT ? false : c->bf16);
        dnnl_primitive_desc_t pd = describe_pass(step, i, &s, hint, attr);
        fits = pd != NULL;
        if (fits && !only_ask)
            pass_prepare(&c->pass[i], pd, i == BACKWARD_WEIGHT ? dnnl_query_diff_weights_md : dnnl_query_weights_md, &s.of,
                         i == BACKWARD_WEIGHT);
        if (pd)
            dnnl.primitive_desc_destroy(pd);
        forget_shape(&s);
    }
    if (hint)
        dnnl.primitive_desc_destroy(hint);
    forget_shape(&as_hint);
    dnnl.primitive_attr_destroy(attr);
    return fits;
}

/* Scratch of a step: x and dy in bf16; then of a pass: the weights in oneDNN's layout, a gradient to be added (of x, or of weights
 * and bias), oneDNN's own. */
static void set_scratch(struct step *step, struct conv *c)
{
    const struct tensor *x = step->node->in[0], *y = step->out;
    c->x_floats = c->bf16 && !x->half ? whole_lines(2 * tensor_count(x)) : 0;
    c->y_floats = c->bf16 && !y->half ? whole_lines(2 * tensor_count(y)) : 0;
    c->dx_floats = is_needed(step, BACKWARD_DATA) ? whole_lines(tensor_value_bytes(x) * tensor_count(x)) : 0;
    size_t more[PASSES] = { 0, c->dx_floats,
                            whole_lines(sizeof(float) * tensor_count(&step->node->params[WEIGHT]->value)) +
                                whole_lines(sizeof(float) * (size_t)y->c) };
    size_t most = 0;
    for (int i = 0; i < PASSES; i++) {
        size_t floats = c->pass[i].weight_floats + c->pass[i].scratch_floats + more[i];
        most = floats > most ? floats : most;
    }
    step->scratch_bytes = sizeof(float) * (c->x_floats + c->y_floats + most);
}

static bool prepare_with(struct step *step, bool bias, enum act act)
{
    if (!dnnl_there())
        return false;
    struct conv *c = step->state = heap_take(sizeof *c);
    dnnl_stream();
    c->bf16 = step->bf16 && step->node->attr.groups == 1 && !is_transposed(step->node) && !step->out->is_output;
    c->bf16 = c->bf16 && make_passes(step, c, bias, act, true, true, true);
    step->reads_half = step->writes_half = c->bf16;
    if (!c->bf16 && !make_passes(step, c, bias, act, false, false, false)) {
        release(step);
        return false;
    }
    set_scratch(step, c);
    return true;
}

static bool prepare(struct step *step)
{
    return prepare_with(step, step->node->params[BIAS] != NULL, ACT_NONE);
}

static void finish(struct step *step)
{
    struct conv *c = step->state;
    if (!c->bf16)
        return;
    bool made = make_passes(step, c, step->node->params[BIAS] != NULL, ACT_NONE, step->node->in[0]->half, step->out->half, false);
    dnnl_must(made ? dnnl_success : dnnl_unimplemented, "convolution in bf16");
    set_scratch(step, c);
}

static bool prepare_folded(struct step *step)
{
    if (!prepare_with(step, true, step_act(step)))
        return false;
    struct conv *c = step->state;
    c->folded = heap_take(sizeof(float) * (tensor_count(&step->node->params[WEIGHT]->value) + (size_t)step->out->c));
    return true;
}

/* norm(conv(x)) is a convolution again: weights times gamma / deviation, and a bias. Done at every pass, for the weights may have
 * changed since the last one. Returns the biases. */
static const float *fold(const struct conv *c, const struct node *conv, const struct node *norm)
{
    const struct tensor *w = &conv->params[WEIGHT]->value;
    size_t each = tensor_count(w) / (size_t)w->n;
    float *bias = c->folded + tensor_count(w);
    for (int o = 0; o < w->n; o++) {
        float scale = norm->params[0]->value.data[o] / sqrtf(norm->params[3]->value.data[o] + norm->attr.epsilon);
        for (size_t i = 0; i < each; i++)
            c->folded[(size_t)o * each + i] = w->data[(size_t)o * each + i] * scale;
        float own = conv->params[BIAS] ? conv->params[BIAS]->value.data[o] : 0;
        bias[o] = norm->params[1]->value.data[o] + (own - norm->params[2]->value.data[o]) * scale;
    }
    return bias;
}

/* The values as the passes read them: rounded into the scratch where that is needed. */
static const void *as_read(const struct conv *c, const struct tensor *t, const float *values, float *scratch)
{
    if (!c->bf16 || t->half)
        return values;
    vector_to_bf16((uint16_t *)(void *)scratch, values, tensor_count(t));
    return scratch;
}

static void forward(struct step *step)
{
    struct conv *c = step->state;
    struct node *n = step->node;
    struct pass *p = &c->pass[FORWARD];
    float *scratch = step->scratch + c->x_floats;
    const void *x = as_read(c, n->in[0], n->in[0]->data, step->scratch);
    const float *bias = c->folded ? fold(c, n, n->next) : p->bias ? n->params[BIAS]->value.data : NULL;
    const void *weights = pass_bring_weights(p, c->folded ? c->folded : n->params[WEIGHT]->value.data, scratch);
    dnnl_exec_arg_t args[ARGS_MOST] = { pass_argument(DNNL_ARG_SRC, p->x, x), pass_argument(DNNL_ARG_DST, p->y, step->out->data),
                                        pass_argument(DNNL_ARG_WEIGHTS, p->weight, weights),
                                        pass_argument(DNNL_ARG_SCRATCHPAD, p->scratchpad, scratch + p->weight_floats) };
    if (p->bias)
        args[4] = pass_argument(DNNL_ARG_BIAS, p->bias, bias);
    pass_execute(p->run, args, p->bias ? 5 : 4);
}

static void backward_data(struct step *step, const void *dy, float *scratch)
{
    struct conv *c = step->state;
    struct tensor *x = step->node->in[0];
    struct pass *p = &c->pass[BACKWARD_DATA];
    const void *weights = pass_bring_weights(p, step->node->params[WEIGHT]->value.data, scratch);
    float *dx = step_adds(step, 0) ? scratch + p->weight_floats : x->grad;
    pass_execute(
        p->run,
        (dnnl_exec_arg_t[]){ pass_argument(DNNL_ARG_DIFF_SRC, p->x, dx), pass_argument(DNNL_ARG_DIFF_DST, p->y, dy),
                             pass_argument(DNNL_ARG_WEIGHTS, p->weight, weights),
                             pass_argument(DNNL_ARG_SCRATCHPAD, p->scratchpad, scratch + p->weight_floats + c->dx_floats) },
        4);
    if (dx != x->grad)
        tensor_give(x, x->grad, dx);
}

static void backward_weight(struct step *step, const void *dy, float *scratch)
{
    struct conv *c = step->state;
    struct node *n = step->node;
    struct tensor *w = &n->params[WEIGHT]->value;
    struct pass *p = &c->pass[BACKWARD_WEIGHT];
    const void *x = as_read(c, n->in[0], n->in[0]->data, step->scratch);
    float *ours = scratch + p->weight_floats, *theirs = p->reorder ? scratch : ours;
    float *dbias = ours + whole_lines(sizeof(float) * tensor_count(w)),
          *scratchpad = dbias + whole_lines(sizeof(float) * (size_t)step->out->c);
    dnnl_exec_arg_t args[ARGS_MOST] = { pass_argument(DNNL_ARG_SRC, p->x, x), pass_argument(DNNL_ARG_DIFF_DST, p->y, dy),
                                        pass_argument(DNNL_ARG_DIFF_WEIGHTS, p->weight, theirs),
                                        pass_argument(DNNL_ARG_SCRATCHPAD, p->scratchpad, scratchpad) };
    if (p->bias)
        args[4] = pass_argument(DNNL_ARG_DIFF_BIAS, p->bias, dbias);
    pass_execute(p->run, args, p->bias ? 5 : 4);
    pass_take_weights(p, theirs, ours);
    if (w->grad)
        vector_add(w->grad, ours, tensor_count(w));
    if (p->bias && n->params[BIAS]->value.grad)
        vector_add(n->params[BIAS]->value.grad, dbias, (size_t)step->out->c);
}

static void backward(struct step *step)
{
    struct conv *c = step->state;
    float *scratch = step->scratch + c->x_floats;
    const void *dy = as_read(c, step->out, step->out->grad, scratch);
    backward_weight(step, dy, scratch + c->y_floats);
    if (step->node->in[0]->grad)
        backward_data(step, dy, scratch + c->y_floats);
}

const struct kernel dnnl_conv2d = {
    .name = "conv2d onednn",
    .chain = { &op_conv2d },
    .traits = FOR_TRAINING | FOR_INFERENCE,
    .keeps = KEEPS_IN,
    .prepare = prepare,
    .finish = finish,
    .forward = forward,
    .backward = backward,
    .release = release,
};

const struct kernel dnnl_conv_transpose = {
    .name = "transposed conv onednn",
    .chain = { &op_conv_transpose },
    .traits = FOR_TRAINING | FOR_INFERENCE,
    .keeps = KEEPS_IN,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
    .release = release,
};

#define FOLDED(variable, text, ...)                                                                                                \
    const struct kernel variable = {                                                                                               \
        .name = text,                                                                                                              \
        .chain = { &op_conv2d, &op_batch_norm, __VA_ARGS__ },                                                                      \
        .traits = FOR_INFERENCE,                                                                                                   \
        .prepare = prepare_folded,                                                                                                 \
        .forward = forward,                                                                                                        \
        .release = release,                                                                                                        \
    }
FOLDED(dnnl_conv2d_silu, "conv2d + norm + silu onednn", &op_silu);
FOLDED(dnnl_conv2d_relu, "conv2d + norm + relu onednn", &op_relu);
FOLDED(dnnl_conv2d_relu6, "conv2d + norm + relu6 onednn", &op_relu6);
FOLDED(dnnl_conv2d_norm, "conv2d + norm onednn", NULL);
