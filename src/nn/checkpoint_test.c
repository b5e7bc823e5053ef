#include "base/file.h"
#include "base/test.h"
#include "nn/checkpoint.h"
#include <stdlib.h>
#include <unistd.h>

struct run {
    struct graph *graph;
    struct tensor *x, *y;
    struct optim *optim;
};

static struct run begin(uint64_t seed, int outputs)
{
    struct run r = { .graph = graph_new(seed) };
    r.x = nn_input(r.graph, "x", 2, 4, 4, 3);
    struct tensor *t = nn_silu(r.graph, nn_batch_norm(r.graph, nn_conv2d(r.graph, r.x, "a", 5, 3, 1, 1, false), "b", 1e-3f, 0.03f));
    r.y = nn_conv2d(r.graph, t, "c", outputs, 1, 1, 1, true);
    nn_output(r.graph, r.y, "y");
    MUST(graph_plan(r.graph, GRAPH_TRAIN, false));
    r.optim = optim_new(r.graph, &(struct optim_options){ OPTIM_ADAMW, 0, 0.9f, 0.999f, 1e-8f, 0.01f, 10, 0.99f });
    return r;
}
static void end(struct run *r)
{
    optim_free(r->optim);
    graph_free(r->graph);
}
static void train(struct run *r, int from, int to)
{
    for (int step = from; step < to; step++) {
        for (size_t i = 0; i < tensor_count(r->x); i++)
            r->x->data[i] = (float)((i * 37 + (size_t)step * 11) % 64) / 32 - 1;
        graph_zero_grad(r->graph);
        graph_forward(r->graph);
        for (size_t i = 0; i < tensor_count(r->y); i++)
            r->y->grad[i] = r->y->data[i] - 1;
        graph_backward(r->graph);
        optim_step(r->optim, NULL, &r->graph, 1, 0.01f, 1);
    }
}
static void check_same(struct run *a, struct run *b)
{
    struct param **p, **q;
    size_t n = graph_params(a->graph, &p);
    graph_params(b->graph, &q);
    for (size_t i = 0; i < n; i++)
        assert_memory_equal(p[i]->value.data, q[i]->value.data, sizeof(float) * tensor_count(&p[i]->value));
}

static char dir[32];
static const char *in_dir(struct arena *a, const char *name)
{
    memcpy(dir, "/tmp/checkpoint-XXXXXX", 23);
    CHECK(mkdtemp(dir) != NULL);
    return arena_fmt(a, "%s/%s", dir, name);
}
static void remove_dir(void)
{
    MUST(file_remove_tree(dir));
}

TEST(a_run_taken_up_again_goes_on_bit_for_bit)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *path = in_dir(a, "c.safetensors");
    char *said;
    struct run whole = begin(1, 4), first = begin(1, 4), second = begin(2, 4);
    train(&whole, 0, 6);
    train(&first, 0, 3);
    MUST(checkpoint_save(path, first.graph, first.optim, "{\"step\":3}"));
    MUST(checkpoint_load(path, second.graph, second.optim, a, &said));
    CHECK_TEXT(said, "{\"step\":3}");
    train(&second, 3, 6);
    check_same(&whole, &second);
    optim_swap_ema(whole.optim);
    optim_swap_ema(second.optim);
    check_same(&whole, &second);
    end(&whole);
    end(&first);
    end(&second);
    remove_dir();
}

TEST(starting_from_another_model_takes_what_fits)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *path = in_dir(a, "c.safetensors");
    struct run from = begin(1, 4), to = begin(2, 7);
    size_t taken;
    MUST(checkpoint_save(path, from.graph, NULL, NULL));
    MUST_FAIL(checkpoint_load(path, to.graph, NULL, a, NULL), E_UNMEANT, "c.weight");
    MUST_FAIL(checkpoint_load(path, from.graph, from.optim, a, NULL), E_UNMEANT, "optimiser");
    char *note;
    MUST(checkpoint_note(path, "state", a, &note));
    CHECK_TEXT(note, "{}");
    MUST_FAIL(checkpoint_note(path, "licence", a, &note), E_UNMEANT, "licence");
    MUST(checkpoint_start_from(path, to.graph, &taken));
    CHECK_INT(taken, 5); /* the convolution and the norm, not the last layer's weight and bias */
    CHECK(graph_param(to.graph, "a.weight")->value.data[7] == graph_param(from.graph, "a.weight")->value.data[7]);
    end(&from);
    end(&to);
    remove_dir();
}

TEST(a_start_takes_the_averaged_weights)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *path = in_dir(a, "c.safetensors");
    struct run from = begin(1, 4), to = begin(2, 4);
    size_t taken;
    train(&from, 0, 3);
    MUST(checkpoint_save(path, from.graph, from.optim, NULL));
    MUST(checkpoint_start_from(path, to.graph, &taken));
    optim_swap_ema(from.optim);
    check_same(&from, &to);
    end(&from);
    end(&to);
    remove_dir();
}

TEST(damaged_checkpoints_are_refused_and_change_nothing)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *path = in_dir(a, "c.safetensors");
    struct run r = begin(1, 4), same = begin(1, 4);
    char *bytes;
    size_t n;
    MUST_FAIL(checkpoint_load(path, r.graph, NULL, a, NULL), E_NOT_FOUND, "c.safetensors");
    MUST(checkpoint_save(path, r.graph, r.optim, NULL));
    MUST(file_read(a, path, 1 << 20, &bytes, &n));
    for (size_t cut = 0; cut < n; cut += cut < 16 ? 1 : n / 13) {
        MUST(file_write(path, bytes, cut, 0600));
        CHECK(checkpoint_load(path, r.graph, r.optim, a, NULL) != OK);
    }
    uint32_t seed = 1;
    for (int i = 0; i < 30; i++) { /* what it takes must at least be a checkpoint; nothing may break */
        char *copy = arena_copy(a, bytes, n);
        seed = seed * 1664525 + 1013904223;
        copy[seed % 1200] = (char)(seed >> 16);
        MUST(file_write(path, copy, n, 0600));
        if (checkpoint_load(path, r.graph, r.optim, a, NULL) == OK)
            MUST(checkpoint_load(path, r.graph, NULL, a, NULL));
        else
            check_same(&r, &same);
        memcpy(copy, bytes, n);
        MUST(file_write(path, copy, n, 0600));
        MUST(checkpoint_load(path, r.graph, r.optim, a, NULL));
    }
    end(&r);
    end(&same);
    remove_dir();
}
