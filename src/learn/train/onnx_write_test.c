#include "base/file.h"
#include "base/test.h"
#include "learn/data/random.h"
#include "learn/models.h"
#include "learn/onnx/onnx_run_test.h"
#include "learn/task/loss.h"
#include "learn/train/onnx_write.h"
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum { WIDTH = 128, HEIGHT = 96, LABELS = 3 };

/* Values as after a training, so that no layer is the identity. */
static void disturb(struct network *net, struct random *r)
{
    struct param **p;
    size_t n = graph_params(net->graph, &p);
    for (size_t i = 0; i < n; i++) {
        const char *name = p[i]->value.name;
        bool spread = strstr(name, "running_var") || (strstr(name, "bn.") && strstr(name, ".weight"));
        bool shift = strstr(name, "running_mean") || strstr(name, ".bias");
        for (size_t k = 0; k < tensor_count(&p[i]->value); k++)
            if (spread)
                p[i]->value.data[k] = random_in(r, 0.5f, 1.5f);
            else if (shift)
                p[i]->value.data[k] += random_in(r, -0.3f, 0.3f);
    }
}

static float sigmoid(float x)
{
    return 1 / (1 + expf(-x));
}

static double compare_classes(const struct network *net, const struct ort_session *s)
{
    if (strcmp(ort_output(s, 0)->name, "scores") != 0)
        return 1e9;
    const float *scores = ort_output(s, 0)->data, *logit = net->logits->data;
    double worst = 0, sum = 0;
    for (int i = 0; i < LABELS; i++)
        sum += exp((double)logit[i]);
    for (int i = 0; i < LABELS; i++)
        worst = fmax(worst, fabs(exp((double)logit[i]) / sum - (double)scores[i]));
    return worst;
}

/* Largest difference of all boxes and scores. */
static double compare(const void *with, const struct ort_session *s)
{
    const struct network *net = with;
    if (net->logits)
        return compare_classes(net, s);
    if (strcmp(ort_output(s, 0)->name, "boxes") != 0 || strcmp(ort_output(s, 1)->name, "scores") != 0)
        return 1e9;
    const float *boxes = ort_output(s, 0)->data, *scores = ort_output(s, 1)->data;
    double worst = 0;
    int at = 0;
    for (int k = 0; k < net->n_levels; k++)
        for (int cell = 0; cell < net->levels[k].h * net->levels[k].w; cell++, at++) {
            const float *t = net->levels[k].box->data + cell * 5, *label = net->levels[k].label->data + cell * LABELS;
            struct box b = level_box(&net->levels[k], cell, t);
            const float own[4] = { b.x0, b.y0, b.x1, b.y1 };
            for (int i = 0; i < 4; i++)
                worst = fmax(worst, fabs((double)(own[i] / (float)(i % 2 ? HEIGHT : WIDTH) - boxes[at * 4 + i])));
            for (int i = 0; i < LABELS; i++)
                worst = fmax(worst, fabs((double)(sigmoid(t[4]) * sigmoid(label[i]) - scores[at * LABELS + i])));
        }
    return worst;
}

static void check_model(const struct model *m)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *const names[LABELS] = { "one", "two \"quoted\"", "drei" };
    struct network net;
    struct random r = { 3 };
    char path[] = "/tmp/saccade_onnx_XXXXXX", *bytes;
    size_t n;
    close(mkstemp(path));
    MUST(network_new(m, 1, (struct frame){ WIDTH, HEIGHT }, LABELS, 1, GRAPH_INFER, NULL, &net));
    disturb(&net, &r);
    float *image = heap_take(sizeof(float) * 3 * WIDTH * HEIGHT);
    for (int i = 0; i < WIDTH * HEIGHT * 3; i++) { /* the same pixels, channels last here and first there */
        net.input->data[i] = random_in(&r, -2, 2);
        image[i % 3 * WIDTH * HEIGHT + i / 3] = net.input->data[i];
    }
    MUST(onnx_write(&net, names, path));
    graph_forward(net.graph);
    MUST(file_read(a, path, 64 << 20, &bytes, &n));
    unlink(path);
    double worst = onnx_run_apart(bytes, n, image, (int64_t[]){ 1, 3, HEIGHT, WIDTH }, compare, &net);
    if (!(worst < 1e-4))
        fail_msg("%s: the ONNX file differs by %g", m->name, worst);
    free(image);
    network_done(&net);
}

TEST(the_onnx_file_says_what_the_network_says)
{
    for (const struct model *m = models; m->name; m++)
        check_model(m);
}
