#include "nn/dnnl/pass.h"
#include <stdint.h>

static dnnl_memory_t memory_for(const_dnnl_memory_desc_t d)
{
    dnnl_memory_t m = NULL;
    dnnl_must(dnnl.memory_create(&m, d, dnnl_engine(), NULL), "memory");
    return m;
}

static dnnl_primitive_t make(const_dnnl_primitive_desc_t pd)
{
    dnnl_primitive_t p = NULL;
    dnnl_must(dnnl.primitive_create(&p, pd), "primitive");
    return p;
}

static void prepare_reorder(struct pass *p, const_dnnl_memory_desc_t theirs, const_dnnl_memory_desc_t ours, bool towards_us)
{
    p->our_weight = memory_for(ours);
    if (dnnl.memory_desc_equal(theirs, ours))
        return;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_must(dnnl.reorder_primitive_desc_create(&pd, towards_us ? theirs : ours, dnnl_engine(), towards_us ? ours : theirs,
                                                 dnnl_engine(), NULL),
              "reorder");
    p->reorder = make(pd);
    dnnl.primitive_desc_destroy(pd);
    p->weight_floats = whole_lines(dnnl.memory_desc_get_size(theirs));
}

void pass_prepare(struct pass *p, const_dnnl_primitive_desc_t pd, dnnl_query_t weight, const struct pass_shape *s, bool towards_us)
{
    const_dnnl_memory_desc_t theirs = dnnl.primitive_desc_query_md(pd, weight, 0),
                             scratch = dnnl.primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
    p->x = memory_for(s->x);
    p->y = memory_for(s->y);
    p->weight = memory_for(theirs);
    p->bias = s->bias ? memory_for(s->bias) : NULL;
    p->scratchpad = memory_for(scratch);
    p->scratch_floats = whole_lines(dnnl.memory_desc_get_size(scratch));
    prepare_reorder(p, theirs, s->our_weight, towards_us);
    p->run = make(pd);
}

void pass_forget(struct pass *p)
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

dnnl_exec_arg_t pass_argument(int which, dnnl_memory_t m, const void *data)
{
    dnnl_must(dnnl.memory_set_data_handle(m, (void *)(uintptr_t)data), "address");
    return (dnnl_exec_arg_t){ which, m };
}

void pass_execute(dnnl_primitive_t p, const dnnl_exec_arg_t *args, int n)
{
    dnnl_must(dnnl.primitive_execute(p, dnnl_stream(), n, args), "pass");
}

static void reorder(struct pass *p, dnnl_memory_t from, const void *from_data, dnnl_memory_t to, void *to_data)
{
    pass_execute(p->reorder,
                 (dnnl_exec_arg_t[]){ pass_argument(DNNL_ARG_FROM, from, from_data), pass_argument(DNNL_ARG_TO, to, to_data) }, 2);
}

const void *pass_bring_weights(struct pass *p, const float *weights, void *scratch)
{
    if (!p->reorder)
        return weights;
    reorder(p, p->our_weight, weights, p->weight, scratch);
    return scratch;
}

void pass_take_weights(struct pass *p, const void *theirs, float *ours)
{
    if (p->reorder)
        reorder(p, p->weight, theirs, p->our_weight, ours);
}
