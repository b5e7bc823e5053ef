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

static size_t cells_of(const struct level *l)
{
    return (size_t)l->h * (size_t)l->w;
}

void network_get(const struct network *net, int i, struct arena *a, struct level_values ret[LEVELS_MOST])
{
    for (int k = 0; k < net->n_levels; k++) {
        const struct level *l = &net->levels[k];
        size_t boxes = cells_of(l) * 5, labels = cells_of(l) * (size_t)net->labels;
        ret[k] = (struct level_values){ arena_new_array(a, float, boxes), arena_new_array(a, float, labels) };
        tensor_get(l->box, TENSOR_VALUES, (size_t)i * boxes, ret[k].box, boxes);
        tensor_get(l->label, TENSOR_VALUES, (size_t)i * labels, ret[k].label, labels);
    }
}

void network_put_gradient(const struct network *net, int i, const struct level_values gradient[LEVELS_MOST])
{
    for (int k = 0; k < net->n_levels; k++) {
        const struct level *l = &net->levels[k];
        size_t boxes = cells_of(l) * 5, labels = cells_of(l) * (size_t)net->labels;
        tensor_put(l->box, TENSOR_GRADIENT, (size_t)i * boxes, gradient[k].box, boxes);
        tensor_put(l->label, TENSOR_GRADIENT, (size_t)i * labels, gradient[k].label, labels);
    }
}
