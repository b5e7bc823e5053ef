#include "learn/models.h"
#include "learn/models/yolox.h"
#include "learn/task.h"
#include <string.h>

const struct model models[] = {
    { "yolox-nano", &task_detect, "0.9 million weights: quick to train on a CPU", 0.33f, 0.25f, true, yolox_build, yolox_start },
    { "yolox-tiny", &task_detect, "5 million weights", 0.33f, 0.375f, false, yolox_build, yolox_start },
    { "yolox-s", &task_detect, "9 million weights", 0.33f, 0.5f, false, yolox_build, yolox_start },
    { NULL },
};

const struct model *model_find(const char *name)
{
    for (const struct model *m = models; m->name; m++)
        if (name && strcmp(m->name, name) == 0)
            return m;
    return NULL;
}

void network_done(struct network *n)
{
    graph_free(n->graph);
    n->graph = NULL;
}

enum err network_new(const struct model *model, int batch, int size, int labels, uint64_t seed, enum graph_use use,
                     struct network *shared, struct network *ret)
{
    if (size < 64 || size > 1280 || size % 32)
        return fail(E_UNMEANT, "the image size must be a multiple of 32 between 64 and 1280, not %d", size);
    if (labels < 1 || labels > LABELS_MOST)
        return fail(E_UNMEANT, "a network for %d labels is not possible; 1 to %d are", labels, LABELS_MOST);
    struct network n = { .model = model, .graph = graph_new(seed), .batch = batch, .size = size, .labels = labels };
    model->build(&n);
    enum err e = shared ? graph_share(n.graph, shared->graph) : OK;
    if (e == OK)
        e = graph_plan(n.graph, use, false);
    if (e != OK) {
        graph_free(n.graph);
        return e;
    }
    if (!shared)
        model->start(&n);
    *ret = n;
    return OK;
}
