/* A fitted network as a file, and what it says of images. */
#include "learn/outlier/outlier.h"
#include <string.h>

/* The file: this, then the values of all parameters in the order of the graph, as this machine has them (little-endian). */
struct head {
    char magic[16];
    uint32_t side, values;
};
static const char MAGIC[16] = "saccade outlier";

static size_t count_values(struct graph *g)
{
    struct param **params;
    size_t n = graph_params(g, &params), values = 0;
    for (size_t i = 0; i < n; i++)
        values += tensor_count(&params[i]->value);
    return values;
}

void outlier_net_write(const struct autoencoder *net, struct arena *a, char **ret, size_t *ret_n)
{
    struct head head = { .side = AUTOENCODER_SIDE, .values = (uint32_t)count_values(net->graph) };
    struct param **params;
    size_t n = graph_params(net->graph, &params);
    memcpy(head.magic, MAGIC, sizeof head.magic);
    *ret_n = sizeof head + head.values * sizeof(float);
    *ret = arena_take(a, *ret_n);
    memcpy(*ret, &head, sizeof head);
    float *to = arena_new_array(a, float, head.values), *at = to;
    for (size_t i = 0; i < n; i++) {
        size_t k = tensor_count(&params[i]->value);
        tensor_get(&params[i]->value, TENSOR_VALUES, 0, at, k);
        at += k;
    }
    memcpy(*ret + sizeof head, to, head.values * sizeof(float));
}

enum err outlier_net_new(struct outlier_net *ret)
{
    const struct plan_options o = { .use = GRAPH_INFER, .precision = PRECISION_F32 };
    *ret = (struct outlier_net){ 0 };
    TRY(autoencoder_new(1, 1, &o, NULL, &ret->one));
    enum err e = autoencoder_new(OUTLIER_BATCH, 1, &o, &ret->one, &ret->many);
    if (e != OK)
        outlier_net_done(ret);
    return e;
}

void outlier_net_done(struct outlier_net *net)
{
    autoencoder_done(&net->many);
    autoencoder_done(&net->one);
}

enum err outlier_net_read(struct outlier_net *net, const void *file, size_t n)
{
    AUTO(arena) struct arena *a = arena_new();
    struct head head;
    struct param **params;
    size_t values = count_values(net->one.graph), n_params = graph_params(net->one.graph, &params);
    if (n != sizeof head + values * sizeof(float))
        return fail(E_BROKEN, "a fit to training images has %zu bytes, not %zu", n, sizeof head + values * sizeof(float));
    memcpy(&head, file, sizeof head);
    if (memcmp(head.magic, MAGIC, sizeof head.magic) != 0 || head.side != AUTOENCODER_SIDE || head.values != values)
        return fail(E_BROKEN, "a file is no fit to training images");
    float *from = arena_new_array(a, float, values), *at = from;
    memcpy(from, (const char *)file + sizeof head, values * sizeof(float));
    for (size_t i = 0; i < n_params; i++) {
        size_t k = tensor_count(&params[i]->value);
        tensor_put(&params[i]->value, TENSOR_VALUES, 0, at, k);
        at += k;
    }
    return OK;
}

void outlier_net_score(struct outlier_net *net, const uint8_t *pixels, int n, double *ret)
{
    int i = 0;
    for (; i + OUTLIER_BATCH <= n; i += OUTLIER_BATCH)
        autoencoder_score(&net->many, pixels + (size_t)i * AUTOENCODER_VALUES, ret + i);
    for (; i < n; i++)
        autoencoder_score(&net->one, pixels + (size_t)i * AUTOENCODER_VALUES, ret + i);
}
