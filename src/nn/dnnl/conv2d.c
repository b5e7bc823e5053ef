/* Convolution forward, backward by data and by weights. Activations stay N x H x W x C; oneDNN chooses the layout of the weights,
 * which are put into it before each use (they are small, and change at every step). */
#include "nn/dnnl/library.h"
#include "nn/ops.h"
#include <stdlib.h>
#include <string.h>

enum { ARGS = 6 };

/* A primitive with the memories it is run with; those without a place of their own get it before each run. */
struct run {
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t args[ARGS];
    int n;
};

/* Weights in our layout and in that which a primitive wants. */
struct weights {
    dnnl_memory_t ours, theirs; /* the same memory where the layouts are */
    float *theirs_data;
    dnnl_primitive_t reorder;
};

struct kept {
    struct run forward, by_data, by_weights;
    struct weights forward_weights, data_weights, weights_grad;
    dnnl_memory_desc_t x, y, w, bias, w_any;
    size_t scratchpad, grad_floats; /* floats */
    float *bias_grad;
};

#define SUCCEEDS(call) ((call) == dnnl_success)

static dnnl_memory_t memory(const_dnnl_memory_desc_t md, void *data)
{
    const struct dnnl_library *l = dnnl_library();
    dnnl_memory_t m = NULL;
    return SUCCEEDS(l->dnnl_memory_create(&m, md, l->engine, data)) ? m : NULL;
}

static void free_run(struct run *r)
{
    const struct dnnl_library *l = dnnl_library();
    for (int i = 0; i < r->n; i++)
        if (r->args[i].memory)
            l->dnnl_memory_destroy(r->args[i].memory);
    if (r->primitive)
        l->dnnl_primitive_destroy(r->primitive);
}

static void free_weights(struct weights *w)
{
    const struct dnnl_library *l = dnnl_library();
    if (w->ours)
        l->dnnl_memory_destroy(w->ours);
    if (w->theirs && w->theirs != w->ours)
        l->dnnl_memory_destroy(w->theirs);
    if (w->reorder)
        l->dnnl_primitive_destroy(w->reorder);
    free(w->theirs_data);
}

static void release(void *with)
{
    struct kept *k = with;
    const struct dnnl_library *l = dnnl_library();
    dnnl_memory_desc_t *const all[] = { &k->x, &k->y, &k->w, &k->bias, &k->w_any };
    /* the weights' memories are arguments of the runs too: those are taken out first */
    for (int i = 0; i < k->forward.n; i++)
        if (k->forward.args[i].arg == DNNL_ARG_WEIGHTS)
            k->forward.args[i].memory = NULL;
    for (int i = 0; i < k->by_data.n; i++)
        if (k->by_data.args[i].arg == DNNL_ARG_WEIGHTS)
            k->by_data.args[i].memory = NULL;
    for (int i = 0; i < k->by_weights.n; i++)
        if (k->by_weights.args[i].arg == DNNL_ARG_DIFF_WEIGHTS)
            k->by_weights.args[i].memory = NULL;
    free_run(&k->forward);
    free_run(&k->by_data);
    free_run(&k->by_weights);
    free_weights(&k->forward_weights);
    free_weights(&k->data_weights);
    free_weights(&k->weights_grad);
    for (size_t i = 0; i < COUNT_OF(all); i++)
        if (*all[i])
            l->dnnl_memory_desc_destroy(*all[i]);
    free(k->bias_grad);
    free(k);
}

static bool nhwc(const struct tensor *t, dnnl_memory_desc_t *ret)
{
    const dnnl_dims_t dims = { t->n, t->c, t->h, t->w };
    return SUCCEEDS(dnnl_library()->dnnl_memory_desc_create_with_tag(ret, 4, dims, dnnl_f32, dnnl_nhwc));
}

/* Ours: out x kernel x kernel x in-per-group, described to oneDNN as (group,) out, in, kernel, kernel. */
static bool describe_weights(struct kept *k, const struct tensor *w, int groups)
{
    const struct dnnl_library *l = dnnl_library();
    dnnl_dim_t o = w->n / groups, i = w->c, s = w->h;
    const dnnl_dims_t dims = { o, i, s, s }, strides = { s * s * i, 1, s * i, i };
    const dnnl_dims_t group_dims = { groups, o, i, s, s }, group_strides = { o * s * s * i, s * s * i, 1, s * i, i };
    bool grouped = groups > 1;
    return SUCCEEDS(l->dnnl_memory_desc_create_with_strides(&k->w, grouped ? 5 : 4, grouped ? group_dims : dims, dnnl_f32,
                                                            grouped ? group_strides : strides)) &&
           SUCCEEDS(l->dnnl_memory_desc_create_with_tag(&k->w_any, grouped ? 5 : 4, grouped ? group_dims : dims, dnnl_f32,
                                                        dnnl_format_tag_any));
}

static bool reorder(const_dnnl_memory_desc_t from, const_dnnl_memory_desc_t to, dnnl_primitive_t *ret)
{
    const struct dnnl_library *l = dnnl_library();
    dnnl_primitive_desc_t pd = NULL;
    bool fine = SUCCEEDS(l->dnnl_reorder_primitive_desc_create(&pd, from, l->engine, to, l->engine, NULL)) &&
                SUCCEEDS(l->dnnl_primitive_create(ret, pd));
    if (pd)
        l->dnnl_primitive_desc_destroy(pd);
    return fine;
}

/* data: ours. outward: from ours to theirs (for reading weights), else back (for gradients). */
static bool make_weights(struct kept *k, struct weights *w, const_dnnl_memory_desc_t wanted, float *data, bool outward)
{
    const struct dnnl_library *l = dnnl_library();
    w->ours = memory(k->w, data);
    if (!w->ours)
        return false;
    if (l->dnnl_memory_desc_equal(wanted, k->w)) {
        w->theirs = w->ours;
        return true;
    }
    size_t bytes = (l->dnnl_memory_desc_get_size(wanted) + 63) & ~(size_t)63;
    w->theirs_data = aligned_alloc(64, bytes);
    if (!w->theirs_data)
        return false;
    memset(w->theirs_data, 0, bytes);
    w->theirs = memory(wanted, w->theirs_data);
    return w->theirs && (outward ? reorder(k->w, wanted, &w->reorder) : reorder(wanted, k->w, &w->reorder));
}

static void convert(struct weights *w, bool outward)
{
    const struct dnnl_library *l = dnnl_library();
    if (!w->reorder)
        return;
    const dnnl_exec_arg_t args[] = { { DNNL_ARG_FROM, outward ? w->ours : w->theirs },
                                     { DNNL_ARG_TO, outward ? w->theirs : w->ours } };
    l->dnnl_primitive_execute(w->reorder, l->stream, 2, args);
}

static void argument(struct run *r, int which, dnnl_memory_t m)
{
    r->args[r->n++] = (dnnl_exec_arg_t){ which, m };
}

static bool finish(struct kept *k, struct run *r, dnnl_primitive_desc_t pd)
{
    const struct dnnl_library *l = dnnl_library();
    const_dnnl_memory_desc_t pad = l->dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
    size_t floats = (l->dnnl_memory_desc_get_size(pad) + 3) / 4;
    k->scratchpad = floats > k->scratchpad ? floats : k->scratchpad;
    bool fine = SUCCEEDS(l->dnnl_primitive_create(&r->primitive, pd));
    argument(r, DNNL_ARG_SCRATCHPAD, memory(pad, NULL));
    for (int i = 0; i < r->n; i++)
        fine = fine && r->args[i].memory;
    return fine;
}

static void set_data(struct run *r, int which, void *data)
{
    for (int i = 0; i < r->n; i++)
        if (r->args[i].arg == which)
            dnnl_library()->dnnl_memory_set_data_handle(r->args[i].memory, data);
}

static void execute(struct run *r)
{
    const struct dnnl_library *l = dnnl_library();
    l->dnnl_primitive_execute(r->primitive, l->stream, r->n, r->args);
}

/* ---- the three primitives */

struct shape {
    dnnl_dims_t stride, dilation, pad;
};

static bool make_forward(struct node *n, struct kept *k, const struct shape *s, dnnl_primitive_attr_t attr, bool train,
                         dnnl_primitive_desc_t *pd)
{
    const struct dnnl_library *l = dnnl_library();
    struct param *bias = n->params[1];
    if (!SUCCEEDS(l->dnnl_convolution_forward_primitive_desc_create(
            pd, l->engine, train ? dnnl_forward_training : dnnl_forward_inference, dnnl_convolution_direct, k->x, k->w_any,
            bias ? k->bias : NULL, k->y, s->stride, s->dilation, s->pad, s->pad, attr)))
        return false;
    if (!make_weights(k, &k->forward_weights, l->dnnl_primitive_desc_query_md(*pd, dnnl_query_weights_md, 0),
                      n->params[0]->value.data, true))
        return false;
    argument(&k->forward, DNNL_ARG_SRC, memory(k->x, n->in[0]->data));
    argument(&k->forward, DNNL_ARG_WEIGHTS, k->forward_weights.theirs);
    argument(&k->forward, DNNL_ARG_DST, memory(k->y, n->out.data));
    if (bias)
        argument(&k->forward, DNNL_ARG_BIAS, memory(k->bias, bias->value.data));
    return finish(k, &k->forward, *pd);
}

static bool make_by_data(struct node *n, struct kept *k, const struct shape *s, dnnl_primitive_attr_t attr,
                         dnnl_primitive_desc_t hint)
{
    const struct dnnl_library *l = dnnl_library();
    dnnl_primitive_desc_t pd = NULL;
    if (!SUCCEEDS(l->dnnl_convolution_backward_data_primitive_desc_create(
            &pd, l->engine, dnnl_convolution_direct, k->x, k->w_any, k->y, s->stride, s->dilation, s->pad, s->pad, hint, attr)))
        return false;
    bool fine = make_weights(k, &k->data_weights, l->dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0),
                             n->params[0]->value.data, true);
    argument(&k->by_data, DNNL_ARG_DIFF_DST, memory(k->y, n->out.grad));
    argument(&k->by_data, DNNL_ARG_WEIGHTS, k->data_weights.theirs);
    argument(&k->by_data, DNNL_ARG_DIFF_SRC, memory(k->x, NULL));
    fine = fine && finish(k, &k->by_data, pd);
    l->dnnl_primitive_desc_destroy(pd);
    return fine;
}

static bool make_by_weights(struct node *n, struct kept *k, const struct shape *s, dnnl_primitive_attr_t attr,
                            dnnl_primitive_desc_t hint)
{
    const struct dnnl_library *l = dnnl_library();
    struct param *bias = n->params[1];
    dnnl_primitive_desc_t pd = NULL;
    if (!SUCCEEDS(l->dnnl_convolution_backward_weights_primitive_desc_create(&pd, l->engine, dnnl_convolution_direct, k->x,
                                                                             k->w_any, bias ? k->bias : NULL, k->y, s->stride,
                                                                             s->dilation, s->pad, s->pad, hint, attr)))
        return false;
    bool fine = make_weights(k, &k->weights_grad, l->dnnl_primitive_desc_query_md(pd, dnnl_query_diff_weights_md, 0), NULL, false);
    argument(&k->by_weights, DNNL_ARG_SRC, memory(k->x, n->in[0]->data));
    argument(&k->by_weights, DNNL_ARG_DIFF_DST, memory(k->y, n->out.grad));
    argument(&k->by_weights, DNNL_ARG_DIFF_WEIGHTS, k->weights_grad.theirs);
    if (bias)
        argument(&k->by_weights, DNNL_ARG_DIFF_BIAS, memory(k->bias, k->bias_grad));
    fine = fine && finish(k, &k->by_weights, pd);
    l->dnnl_primitive_desc_destroy(pd);
    return fine;
}

/* ---- running */

static void forward(struct node *n)
{
    struct kept *k = n->kept;
    convert(&k->forward_weights, true);
    set_data(&k->forward, DNNL_ARG_SCRATCHPAD, graph_scratch(n->graph, k->scratchpad));
    execute(&k->forward);
}

static void add_to(float *sum, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sum[i] += x[i];
}

/* Scratch memory: first the gradient that node_grad() may have put there, then the weights' gradient, then oneDNN's own. */
static void backward(struct node *n)
{
    struct kept *k = n->kept;
    struct param *w = n->params[0], *bias = n->params[1];
    size_t input = (tensor_count(n->in[0]) + 15) & ~(size_t)15;
    float *scratch = graph_scratch(n->graph, input + k->grad_floats + k->scratchpad), *own = scratch + input + k->grad_floats;
    if (w->value.grad) {
        float *grad = scratch + input;
        dnnl_library()->dnnl_memory_set_data_handle(k->weights_grad.ours, grad);
        set_data(&k->by_weights, DNNL_ARG_SCRATCHPAD, own);
        execute(&k->by_weights);
        convert(&k->weights_grad, false);
        add_to(w->value.grad, grad, tensor_count(&w->value));
        if (bias && bias->value.grad)
            add_to(bias->value.grad, k->bias_grad, tensor_count(&bias->value));
    }
    float *dx = node_grad(n, 0);
    if (dx) {
        convert(&k->data_weights, true);
        set_data(&k->by_data, DNNL_ARG_DIFF_SRC, dx);
        set_data(&k->by_data, DNNL_ARG_SCRATCHPAD, own);
        execute(&k->by_data);
    }
    node_grad_done(n, 0, dx);
}

static bool make_all(struct node *n, struct kept *k, bool train, dnnl_primitive_attr_t attr)
{
    const struct dnnl_library *l = dnnl_library();
    const struct shape s = { { n->attr.stride, n->attr.stride }, { 0, 0 }, { n->attr.pad, n->attr.pad } };
    const dnnl_dims_t channels = { n->out.c };
    if (!nhwc(n->in[0], &k->x) || !nhwc(&n->out, &k->y) || !describe_weights(k, &n->params[0]->value, n->attr.groups) ||
        !SUCCEEDS(l->dnnl_memory_desc_create_with_tag(&k->bias, 1, channels, dnnl_f32, dnnl_a)))
        return false;
    dnnl_primitive_desc_t hint = NULL;
    bool fine = make_forward(n, k, &s, attr, train, &hint);
    if (fine && train)
        fine = make_by_weights(n, k, &s, attr, hint) && (!n->in[0]->grad || make_by_data(n, k, &s, attr, hint));
    if (hint)
        l->dnnl_primitive_desc_destroy(hint);
    return fine;
}

bool dnnl_take(struct node *n, bool train)
{
    const struct dnnl_library *l = dnnl_library();
    if (!l || n->kind != &op_conv2d)
        return false;
    struct kept *k = heap_take(sizeof *k);
    k->bias_grad = heap_take(sizeof(float) * (size_t)n->out.c + 64);
    k->grad_floats = (tensor_count(&n->params[0]->value) + 15) & ~(size_t)15;
    dnnl_primitive_attr_t attr = NULL;
    bool fine = SUCCEEDS(l->dnnl_primitive_attr_create(&attr)) &&
                SUCCEEDS(l->dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user)) &&
                make_all(n, k, train, attr);
    if (attr)
        l->dnnl_primitive_attr_destroy(attr);
    if (!fine) {
        release(k);
        return false;
    }
    n->kept = k;
    n->release = release;
    n->forward = forward;
    n->backward = backward;
    return true;
}
