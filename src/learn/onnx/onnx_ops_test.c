#include "base/file.h"
#include "base/test.h"
#include "learn/data/random.h"
#include "learn/onnx/onnx_ops.h"
#include "learn/onnx/onnx_run_test.h"
#include "nn/graph.h"
#include <math.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HEIGHT = 13, WIDTH = 11, COLOURS = 3, OUTPUTS = 6 };

double onnx_run_apart(const char *bytes, size_t n, float *input, const int64_t *shape,
                      double (*compare)(const void *with, const struct ort_session *), const void *with)
{
    int end[2], status;
    double worst = 1e9;
    CHECK(pipe(end) == 0);
    pid_t child = fork();
    if (child == 0) {
        struct ort_session *s;
        enum err e = ort_start(2);
        if (e == OK)
            e = ort_load((const uint8_t *)bytes, n, &s);
        if (e == OK)
            e = ort_run(s, &(struct ort_feed){ input, 4, { shape[0], shape[1], shape[2], shape[3] } }, 1);
        if (e != OK)
            print_error("%s\n", fail_text());
        else
            worst = compare(with, s);
        _exit(write(end[1], &worst, sizeof worst) != sizeof worst);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(read(end[0], &worst, sizeof worst) == sizeof worst);
    close(end[0]);
    close(end[1]);
    return worst;
}

struct every { /* a network of every operator */
    struct graph *graph;
    struct tensor *input, *output[OUTPUTS];
};

static struct every build(void)
{
    struct every e = { .graph = graph_new(1) };
    struct graph *g = e.graph;
    struct tensor *x = e.input = nn_input(g, "images", 1, HEIGHT, WIDTH, COLOURS);
    struct conv_options half = { 8, 3, 2, .padding = { .kind = PAD_SAME } },
                        wide = { 8, 3, .dilation = 2, .groups = 2, .bias = true },
                        twice = { 6, 4, 2, .bias = true, .padding = { .kind = PAD_SAME } };
    struct tensor *a = nn_silu(g, nn_batch_norm(g, nn_conv2d_with(g, x, "half", half), "norm", 1e-3f, 0.1f));
    struct tensor *b = nn_relu6(g, nn_conv2d_with(g, a, "wide", wide));
    struct tensor *sum = nn_weighted_sum(g, (struct tensor *[]){ a, b, nn_hard_swish(g, a) }, 3, "fuse", 1e-4f);
    struct tensor *c = nn_batch_norm_frozen(g, nn_batch_norm(g, sum, "alone", 1e-3f, 0.1f), "frozen", 1e-3f);
    struct tensor *d = nn_squeeze_excite(g, c, "excite", 3, nn_relu, nn_hard_sigmoid);
    e.output[0] = nn_add(g, d, nn_drop_path(g, nn_dropout(g, c, 0.5f), 0.5f));
    struct tensor *f = nn_concat(g, (struct tensor *[]){ nn_slice(g, e.output[0], 2, 3), nn_sigmoid(g, a) }, 2);
    e.output[1] = nn_avg_pool(g, f, 3, 2, (struct padding){ PAD_GIVEN, 1, 0, 1, 2 });
    struct tensor *up = nn_conv_transpose(g, nn_max_pool_with(g, f, 3, 2, (struct padding){ PAD_SAME }), "twice", twice);
    e.output[2] = nn_resize(g, up, 11, 5, true);
    e.output[3] = nn_resize(g, up, 10, 14, false);
    e.output[4] = nn_upsample(g, nn_space_to_depth(g, e.output[3]), 3);
    e.output[5] = nn_softmax(g, nn_linear(g, nn_global_pool(g, e.output[4]), "linear", 7, true));
    for (int i = 0; i < OUTPUTS; i++)
        nn_output(g, e.output[i], (const char *[]){ "0", "1", "2", "3", "4", "5" }[i]);
    MUST(graph_plan(g, GRAPH_INFER, false));
    return e;
}

static void fill(struct every *e, float *planes) /* the same pixels, channels last in the network and first in `planes` */
{
    struct random r = { 5 };
    struct param **p;
    size_t n = graph_params(e->graph, &p);
    for (size_t i = 0; i < n; i++) {
        bool positive = strstr(p[i]->value.name, "running_var") || strstr(p[i]->value.name, "fuse");
        for (size_t k = 0; k < tensor_count(&p[i]->value); k++)
            p[i]->value.data[k] = positive ? random_in(&r, 0.5f, 1.5f) : random_in(&r, -0.8f, 0.8f);
    }
    for (int i = 0; i < HEIGHT * WIDTH * COLOURS; i++)
        planes[i % COLOURS * HEIGHT * WIDTH + i / COLOURS] = e->input->data[i] = random_in(&r, -2, 2);
}

static double compare(const void *with, const struct ort_session *s)
{
    const struct every *e = with;
    double worst = 0;
    for (size_t k = 0; k < OUTPUTS; k++) {
        const struct tensor *t = e->output[k];
        const float *planes = ort_output(s, k)->data;
        long pixels = tensor_pixels(t);
        for (long i = 0; i < pixels; i++)
            for (long c = 0; c < t->c; c++)
                worst = fmax(worst, fabs((double)(t->data[i * t->c + c] - planes[c * pixels + i])));
    }
    return worst;
}

static bool has(const struct every *e, const struct op_kind *kind)
{
    for (const struct node *n = graph_nodes(e->graph); n; n = n->next)
        if (n->kind == kind)
            return true;
    return false;
}

static void write_file(const struct every *e, struct arena *a, char **ret_bytes, size_t *ret_n)
{
    struct onnx o;
    struct onnx_names *names = arena_take(a, sizeof *names);
    char path[] = "/tmp/saccade_onnx_XXXXXX";
    close(mkstemp(path));
    onnx_init(&o, a);
    onnx_input(&o, "images", (int64_t[]){ 1, COLOURS, HEIGHT, WIDTH }, 4);
    onnx_set_name(names, e->input, "images");
    MUST(onnx_write_nodes(&o, names, e->graph));
    for (int i = 0; i < OUTPUTS; i++) {
        const struct tensor *t = e->output[i];
        onnx_output(&o, onnx_name_of(names, t), (int64_t[]){ 1, t->c, t->h, t->w }, 4);
    }
    MUST(onnx_save(&o, path));
    MUST(file_read(a, path, 1 << 20, ret_bytes, ret_n));
    unlink(path);
}

TEST(every_operator_says_in_onnx_runtime_what_it_says_here)
{
    AUTO(arena) struct arena *a = arena_new();
    struct every e = build();
    float planes[HEIGHT * WIDTH * COLOURS];
    char *bytes;
    size_t n;
    for (const struct op_kind *const *k = nn_ops; *k; k++)
        if (!has(&e, *k))
            fail_msg("the network has no %s", (*k)->name);
    fill(&e, planes);
    write_file(&e, a, &bytes, &n);
    graph_forward(e.graph);
    double worst = onnx_run_apart(bytes, n, planes, (int64_t[]){ 1, COLOURS, HEIGHT, WIDTH }, compare, &e);
    if (!(worst < 1e-4))
        fail_msg("the ONNX file differs by %g", worst);
    graph_free(e.graph);
}

TEST(every_operator_can_be_written_to_onnx)
{
    for (const struct op_kind *const *k = nn_ops; *k; k++)
        if (!onnx_writes((*k)->name))
            fail_msg("no row for %s", (*k)->name);
}
