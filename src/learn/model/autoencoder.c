#include "learn/model/autoencoder.h"
#include "learn/model/layers.h"
#include <stdlib.h>

static const float EPSILON = 1e-5f, MOMENTUM = 0.1f;
static const float MEAN = 0.5f, DEVIATION = 0.25f; /* pixels from 0 to 1 become values from -2 to 2 */
/* Three halvings, to cells, of which each keeps so many values, and back. */
enum { STAGES = 3, NARROW = 8 };
static const int channels[STAGES] = { 16, 32, 64 };

static struct tensor *narrow(const struct layers *l, struct tensor *x)
{
    for (int i = 0; i < STAGES; i++)
        x = layer_conv_act(l, x, arena_fmt(l->names, "encoder.%d", i), (struct conv_options){ channels[i], 3, 2 });
    return layer_conv(l, x, "narrow", (struct conv_options){ NARROW, 1 });
}

static struct tensor *widen(const struct layers *l, struct tensor *x)
{
    for (int i = STAGES - 1; i >= 0; i--) {
        x = layer_conv_act(l, x, arena_fmt(l->names, "decoder.%d", i), (struct conv_options){ channels[i], 3 });
        x = nn_upsample(l->g, x, 2);
    }
    return nn_conv2d(l->g, x, "decoder.out", 3, 3, 1, 1, true);
}

enum err autoencoder_new(int batch, uint64_t seed, const struct plan_options *o, const struct autoencoder *shared,
                         struct autoencoder *ret)
{
    AUTO(arena) struct arena *names = arena_new();
    struct autoencoder net = { .graph = graph_new(seed), .batch = batch };
    struct layers l = { net.graph, names, EPSILON, MOMENTUM, nn_relu, PAD_HALF };
    net.input = nn_input(net.graph, "images", batch, AUTOENCODER_SIDE, AUTOENCODER_SIDE, 3);
    net.output = widen(&l, narrow(&l, net.input));
    nn_output(net.graph, net.output, "images_again");
    enum err e = shared ? graph_share(net.graph, shared->graph) : OK;
    if (e == OK)
        e = graph_plan_with(net.graph, o);
    if (e == OK)
        *ret = net;
    else
        graph_free(net.graph);
    return e;
}

void autoencoder_done(struct autoencoder *net)
{
    graph_free(net->graph);
    net->graph = NULL;
}

static void put_image(struct autoencoder *net, int i, const uint8_t *pixels)
{
    float values[AUTOENCODER_VALUES];
    for (int k = 0; k < AUTOENCODER_VALUES; k++)
        values[k] = ((float)pixels[k] / 255.0f - MEAN) / DEVIATION;
    tensor_put(net->input, TENSOR_VALUES, (size_t)i * AUTOENCODER_VALUES, values, AUTOENCODER_VALUES);
}

/* Output less input of image i, and the mean of its squares in pixels from 0 to 1. */
static double differences(const struct autoencoder *net, int i, float *ret)
{
    float in[AUTOENCODER_VALUES];
    double sum = 0;
    tensor_get(net->input, TENSOR_VALUES, (size_t)i * AUTOENCODER_VALUES, in, AUTOENCODER_VALUES);
    tensor_get(net->output, TENSOR_VALUES, (size_t)i * AUTOENCODER_VALUES, ret, AUTOENCODER_VALUES);
    for (int k = 0; k < AUTOENCODER_VALUES; k++) {
        ret[k] -= in[k];
        sum += (double)ret[k] * (double)ret[k];
    }
    return sum / AUTOENCODER_VALUES * (double)(DEVIATION * DEVIATION);
}

void autoencoder_score(struct autoencoder *net, const uint8_t *pixels, double *ret)
{
    float d[AUTOENCODER_VALUES];
    for (int i = 0; i < net->batch; i++)
        put_image(net, i, pixels + (size_t)i * AUTOENCODER_VALUES);
    graph_forward(net->graph);
    for (int i = 0; i < net->batch; i++)
        ret[i] = differences(net, i, d);
}

double autoencoder_learn(struct autoencoder *net, const uint8_t *const *images)
{
    float d[AUTOENCODER_VALUES];
    double sum = 0;
    for (int i = 0; i < net->batch; i++)
        put_image(net, i, images[i]);
    graph_forward(net->graph);
    for (int i = 0; i < net->batch; i++) {
        sum += differences(net, i, d);
        for (int k = 0; k < AUTOENCODER_VALUES; k++)
            d[k] *= 2 * DEVIATION * DEVIATION / AUTOENCODER_VALUES;
        tensor_put(net->output, TENSOR_GRADIENT, (size_t)i * AUTOENCODER_VALUES, d, AUTOENCODER_VALUES);
    }
    graph_backward(net->graph);
    return sum;
}
