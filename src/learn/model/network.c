#include "learn/model/network.h"

void network_done(struct network *n)
{
    graph_free(n->graph);
    n->graph = NULL;
}

static bool side_fits(int side)
{
    return side >= 64 && side <= 1280 && side % 32 == 0;
}

enum err network_new(const struct model *model, int batch, struct frame frame, int labels, uint64_t seed, enum graph_use use,
                     struct network *shared, struct network *ret)
{
    struct plan_options o = { .use = use, .precision = PRECISION_F32 };
    return network_new_with(model, batch, frame, labels, seed, &o, shared, ret);
}

enum err network_new_with(const struct model *model, int batch, struct frame frame, int labels, uint64_t seed,
                          const struct plan_options *o, struct network *shared, struct network *ret)
{
    if (!side_fits(frame.width) || !side_fits(frame.height))
        return fail(E_UNMEANT, "the sides of the input must be multiples of 32 between 64 and 1280, not %d and %d", frame.width,
                    frame.height);
    if (labels < 1 || labels > LABELS_MOST)
        return fail(E_UNMEANT, "a network for %d labels is not possible; 1 to %d are", labels, LABELS_MOST);
    struct network n = { .model = model, .graph = graph_new(seed), .batch = batch, .frame = frame, .labels = labels };
    model->build(&n);
    enum err e = shared ? graph_share(n.graph, shared->graph) : OK;
    if (e == OK)
        e = graph_plan_with(n.graph, o);
    if (e != OK) {
        graph_free(n.graph);
        return e;
    }
    if (!shared && model->start)
        model->start(&n);
    *ret = n;
    return OK;
}
