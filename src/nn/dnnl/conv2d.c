/* Convolutions and transposed ones, alone or for inference with the batch norm behind them folded into their weights and SiLU
 * applied. Activations stay N H W C; oneDNN chooses the layout of the weights, which are brought into it before each pass: they
 * change with every step anyway, and the copy is small beside the pass. */
#include "nn/dnnl/dnnl.h"
#include "nn/dnnl/lib.h"
#include "nn/ops/ops.h"
#include "nn/vector.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WEIGHT, BIAS };
enum { ARGS_MOST = 5 };

struct pass {
    dnnl_primitive_t run, reorder; /* reorder: NULL where oneDNN takes our layout */
    dnnl_memory_t x, y, weight, our_weight, bias, scratchpad;
    size_t weight_floats, scratch_floats; /* each rounded up to whole cache lines */
};
struct conv {
    struct pass forward, backward_data, backward_weight;
    size_t x_floats; /* scratch for a gradient that is added to another */
    float *folded;   /* weights, then biases, with the norm in them; NULL: the convolution's own */
};

struct shape {
    dnnl_memory_desc_t x, y, weight, our_weight, bias;
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

static size_t whole_lines(size_t bytes)
{
    return (bytes + 63) / 64 * 16;
}

static dnnl_memory_desc_t describe(const dnnl_dims_t dims, int n_dims, dnnl_format_tag_t tag)
{
    dnnl_memory_desc_t d = NULL;
    dnnl_must(dnnl.memory_desc_create_with_tag(&d, n_dims, dims, dnnl_f32, tag), "description of a tensor");
    return d;
}

static dnnl_memory_desc_t describe_pixels(const struct tensor *t)
{
    return describe((dnnl_dims_t){ t->n, t->c, t->h, t->w }, 4, dnnl_nhwc);
}

static struct shape shape_of(const struct node *n, bool bias)
{
    const struct attr *a = &n->attr;
    const struct tensor *x = n->in[0], *y = &n->out, *large = is_transposed(n) ? y : x, *small = is_transposed(n) ? x : y;
    struct shape s = { .x = describe_pixels(x), .y = describe_pixels(y) };
    bool groups = a->groups > 1;
    dnnl_dims_t grouped = { a->groups, y->c / a->groups, x->c / a->groups, a->kernel, a->kernel },
                dense = { y->c, x->c, a->kernel, a->kernel }, *dims = groups ? &grouped : &dense;
    s.weight = describe(*dims, groups ? 5 : 4, dnnl_format_tag_any);
    s.our_weight = describe(*dims, groups ? 5 : 4, groups ? dnnl_gohwi : dnnl_ohwi);
    s.bias = bias ? describe((dnnl_dims_t){ y->c }, 1, dnnl_a) : NULL;
    for (int i = 0; i < 2; i++) {
        int before = i ? a->left : a->top;
        s.strides[i] = a->stride;
        s.dilates[i] = a->dilation - 1;
        s.pad_before[i] = before;
        s.pad_after[i] = padding_after(i ? large->w : large->h, i ? small->w : small->h, a, before);
    }
    return s;
}

static void forget_desc(dnnl_memory_desc_t d)
{
    if (d)
        dnnl.memory_desc_destroy(d);
}

static void forget_shape(struct shape *s)
{
    forget_desc(s->x);
    forget_desc(s->y);
    forget_desc(s->weight);
    forget_desc(s->our_weight);
    forget_desc(s->bias);
}

static dnnl_memory_t memory_for(const_dnnl_memory_desc_t d)
{
    dnnl_memory_t m = NULL;
    dnnl_must(dnnl.memory_create(&m, d, dnnl_engine(), NULL), "memory");
    return m;
}

static dnnl_primitive_t make(dnnl_primitive_desc_t pd)
{
    dnnl_primitive_t p = NULL;
    dnnl_must(dnnl.primitive_create(&p, pd), "primitive");
    return p;
}

static void prepare_reorder(struct pass *p, const_dnnl_memory_desc_t theirs, const_dnnl_memory_desc_t ours, bool towards_us,
                            const_dnnl_primitive_attr_t attr)
{
    p->our_weight = memory_for(ours);
    if (dnnl.memory_desc_equal(theirs, ours))
        return;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_must(dnnl.reorder_primitive_desc_create(&pd, towards_us ? theirs : ours, dnnl_engine(), towards_us ? ours : theirs,
                                                 dnnl_engine(), attr),
              "reorder");
    p->reorder = make(pd);
    dnnl.primitive_desc_destroy(pd);
    p->weight_floats = whole_lines(dnnl.memory_desc_get_size(theirs));
}

static void prepare_pass(struct pass *p, dnnl_primitive_desc_t pd, dnnl_query_t weight, const struct shape *s, bool towards_us)
{
    const_dnnl_memory_desc_t theirs = dnnl.primitive_desc_query_md(pd, weight, 0),
                             scratch = dnnl.primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
    p->x = memory_for(s->x);
    p->y = memory_for(s->y);
    p->weight = memory_for(theirs);
    p->bias = s->bias ? memory_for(s->bias) : NULL;
    p->scratchpad = memory_for(scratch);
    p->scratch_floats = whole_lines(dnnl.memory_desc_get_size(scratch));
    prepare_reorder(p, theirs, s->our_weight, towards_us, NULL);
    p->run = make(pd);
}

static void forget_pass(struct pass *p)
{
    if (p->run)
        dnnl.primitive_destroy(p->run);
    if (p->reorder)
        dnnl.primitive_destroy(p->reorder);
    dnnl_memory_t all[] = { p->x, p->y, p->weight, p->our_weight, p->bias, p->scratchpad };
    for (size_t i = 0; i < COUNT_OF(all); i++)
        if (all[i])
            dnnl.memory_destroy(all[i]);
}

static void release(struct step *step)
{
    struct conv *c = step->state;
    forget_pass(&c->forward);
    forget_pass(&c->backward_data);
    forget_pass(&c->backward_weight);
    free(c->folded);
    free(c);
}

static bool slow(dnnl_primitive_desc_t pd) /* oneDNN's own plain loops are slower than ours need be */
{
    const char *name = "";
    dnnl.primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name);
    return strncmp(name, "ref", 3) == 0 || strstr(name, "+ref");
}

static bool prepare_backward(struct step *step, struct conv *c, const struct shape *s, dnnl_primitive_desc_t forward,
                             dnnl_primitive_attr_t attr)
{
    struct calls make_desc = calls_for(step->node);
    dnnl_primitive_desc_t pd = NULL;
    if (step->node->in[0]->wants_grad) {
        if (make_desc.backward_data(&pd, dnnl_engine(), make_desc.how, s->x, s->weight, s->y, s->strides, s->dilates, s->pad_before,
                                    s->pad_after, forward, attr) != dnnl_success)
            return false;
        prepare_pass(&c->backward_data, pd, dnnl_query_weights_md, s, false);
        dnnl.primitive_desc_destroy(pd);
        c->x_floats = whole_lines(dnnl.memory_desc_get_size(s->x));
    }
    if (make_desc.backward_weights(&pd, dnnl_engine(), make_desc.how, s->x, s->weight, s->bias, s->y, s->strides, s->dilates,
                                   s->pad_before, s->pad_after, forward, attr) != dnnl_success)
        return false;
    prepare_pass(&c->backward_weight, pd, dnnl_query_diff_weights_md, s, true);
    dnnl.primitive_desc_destroy(pd);
    return true;
}

/* Scratch of a pass: the weights in oneDNN's layout, a gradient to be added (of x, or of weights and bias), oneDNN's own. */
static size_t scratch_for(const struct step *step, const struct conv *c)
{
    size_t ours = whole_lines(sizeof(float) * tensor_count(&step->node->params[WEIGHT]->value)) +
                  whole_lines(sizeof(float) * (size_t)step->out->c);
    size_t forward = c->forward.weight_floats + c->forward.scratch_floats,
           data = c->backward_data.weight_floats + c->x_floats + c->backward_data.scratch_floats,
           weight = c->backward_weight.weight_floats + ours + c->backward_weight.scratch_floats;
    size_t most = forward > data ? forward : data;
    return sizeof(float) * (most > weight ? most : weight);
}

static dnnl_primitive_attr_t attributes(bool silu)
{
    dnnl_primitive_attr_t attr = NULL;
    dnnl_must(dnnl.primitive_attr_create(&attr), "attributes");
    dnnl_must(dnnl.primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user), "scratchpad mode");
    if (silu) {
        dnnl_post_ops_t ops = NULL;
        dnnl_must(dnnl.post_ops_create(&ops), "activation");
        dnnl_must(dnnl.post_ops_append_eltwise(ops, dnnl_eltwise_swish, 1, 0), "activation");
        dnnl_must(dnnl.primitive_attr_set_post_ops(attr, ops), "activation");
        dnnl.post_ops_destroy(ops);
    }
    return attr;
}

static bool prepare_with(struct step *step, bool bias, bool silu)
{
    if (!dnnl_there())
        return false;
    struct conv *c = step->state = heap_take(sizeof *c);
    struct shape s = shape_of(step->node, bias);
    struct calls make_desc = calls_for(step->node);
    dnnl_primitive_attr_t attr = attributes(silu);
    dnnl_stream();
    dnnl_primitive_desc_t pd = NULL;
    bool fits = make_desc.forward(&pd, dnnl_engine(), step->use == GRAPH_TRAIN ? dnnl_forward_training : dnnl_forward_inference,
                                  make_desc.how, s.x, s.weight, s.bias, s.y, s.strides, s.dilates, s.pad_before, s.pad_after,
                                  attr) == dnnl_success &&
                !slow(pd);
    if (fits) {
        prepare_pass(&c->forward, pd, dnnl_query_weights_md, &s, false);
        fits = step->use == GRAPH_INFER || prepare_backward(step, c, &s, pd, attr);
    }
    if (pd)
        dnnl.primitive_desc_destroy(pd);
    dnnl.primitive_attr_destroy(attr);
    forget_shape(&s);
    if (fits)
        step->scratch_bytes = scratch_for(step, c);
    else
        release(step);
    return fits;
}

static bool prepare(struct step *step)
{
    return prepare_with(step, step->node->params[BIAS] != NULL, false);
}

static bool prepare_folded(struct step *step)
{
    if (!prepare_with(step, true, true))
        return false;
    struct conv *c = step->state;
    c->folded = heap_take(sizeof(float) * (tensor_count(&step->node->params[WEIGHT]->value) + (size_t)step->out->c));
    return true;
}

static dnnl_exec_arg_t argument(int which, dnnl_memory_t m, const float *data)
{
    dnnl_must(dnnl.memory_set_data_handle(m, (void *)(uintptr_t)data), "address");
    return (dnnl_exec_arg_t){ which, m };
}

static void execute(dnnl_primitive_t p, const dnnl_exec_arg_t *args, int n)
{
    dnnl_must(dnnl.primitive_execute(p, dnnl_stream(), n, args), "pass");
}

static void reorder(struct pass *p, dnnl_memory_t from, const float *from_data, dnnl_memory_t to, float *to_data)
{
    execute(p->reorder, (dnnl_exec_arg_t[]){ argument(DNNL_ARG_FROM, from, from_data), argument(DNNL_ARG_TO, to, to_data) }, 2);
}

static const float *bring_weights(struct pass *p, const float *weights, float *scratch)
{
    if (!p->reorder)
        return weights;
    reorder(p, p->our_weight, weights, p->weight, scratch);
    return scratch;
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

static void forward(struct step *step)
{
    struct conv *c = step->state;
    struct node *n = step->node;
    struct pass *p = &c->forward;
    const float *bias = c->folded ? fold(c, n, n->next) : p->bias ? n->params[BIAS]->value.data : NULL;
    const float *weights = bring_weights(p, c->folded ? c->folded : n->params[WEIGHT]->value.data, step->scratch);
    dnnl_exec_arg_t args[ARGS_MOST] = { argument(DNNL_ARG_SRC, p->x, n->in[0]->data), argument(DNNL_ARG_DST, p->y, step->out->data),
                                        argument(DNNL_ARG_WEIGHTS, p->weight, weights),
                                        argument(DNNL_ARG_SCRATCHPAD, p->scratchpad, step->scratch + p->weight_floats) };
    if (p->bias)
        args[4] = argument(DNNL_ARG_BIAS, p->bias, bias);
    execute(p->run, args, p->bias ? 5 : 4);
}

static void backward_data(struct step *step)
{
    struct conv *c = step->state;
    struct tensor *x = step->node->in[0];
    struct pass *p = &c->backward_data;
    const float *weights = bring_weights(p, step->node->params[WEIGHT]->value.data, step->scratch);
    float *dx = step_adds(step, 0) ? step->scratch + p->weight_floats : x->grad;
    execute(p->run,
            (dnnl_exec_arg_t[]){ argument(DNNL_ARG_DIFF_SRC, p->x, dx), argument(DNNL_ARG_DIFF_DST, p->y, step->out->grad),
                                 argument(DNNL_ARG_WEIGHTS, p->weight, weights),
                                 argument(DNNL_ARG_SCRATCHPAD, p->scratchpad, step->scratch + p->weight_floats + c->x_floats) },
            4);
    if (dx != x->grad)
        vector_add(x->grad, dx, tensor_count(x));
}

static void backward_weight(struct step *step)
{
    struct conv *c = step->state;
    struct node *n = step->node;
    struct tensor *w = &n->params[WEIGHT]->value;
    struct pass *p = &c->backward_weight;
    float *ours = step->scratch + p->weight_floats, *theirs = p->reorder ? step->scratch : ours;
    float *dbias = ours + whole_lines(sizeof(float) * tensor_count(w)),
          *scratchpad = dbias + whole_lines(sizeof(float) * (size_t)step->out->c);
    dnnl_exec_arg_t args[ARGS_MOST] = { argument(DNNL_ARG_SRC, p->x, n->in[0]->data),
                                        argument(DNNL_ARG_DIFF_DST, p->y, step->out->grad),
                                        argument(DNNL_ARG_DIFF_WEIGHTS, p->weight, theirs),
                                        argument(DNNL_ARG_SCRATCHPAD, p->scratchpad, scratchpad) };
    if (p->bias)
        args[4] = argument(DNNL_ARG_DIFF_BIAS, p->bias, dbias);
    execute(p->run, args, p->bias ? 5 : 4);
    if (p->reorder)
        reorder(p, p->weight, theirs, p->our_weight, ours);
    if (w->grad)
        vector_add(w->grad, ours, tensor_count(w));
    if (p->bias && n->params[BIAS]->value.grad)
        vector_add(n->params[BIAS]->value.grad, dbias, (size_t)step->out->c);
}

static void backward(struct step *step)
{
    backward_weight(step);
    if (step->node->in[0]->grad)
        backward_data(step);
}

const struct kernel dnnl_conv2d = {
    .name = "conv2d onednn",
    .chain = { &op_conv2d },
    .traits = FOR_TRAINING | FOR_INFERENCE,
    .keeps = KEEPS_IN,
    .prepare = prepare,
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

const struct kernel dnnl_conv2d_folded = {
    .name = "conv2d + norm + silu onednn",
    .chain = { &op_conv2d, &op_batch_norm, &op_silu },
    .traits = FOR_INFERENCE,
    .prepare = prepare_folded,
    .forward = forward,
    .release = release,
};
