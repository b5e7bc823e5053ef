#include "base/file.h"
#include "base/test.h"
#include "blob/blob.h"
#include "blob/sign.h"
#include "infer/tensor.h"
#include "infer/tiny_test.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct bench {
    struct arena *a;
    struct infer_pool *pool;
    int model;
    char hash[HASH_SIZE];
};

static void open_bench(struct bench *b, enum tiny_kind kind)
{
    uint8_t *bytes;
    size_t n;
    tiny_model(kind, &bytes, &n);
    b->a = arena_new();
    b->model = memfd_create("model", MFD_CLOEXEC);
    MUST(file_write_all(b->model, bytes, n));
    sha256_hex(bytes, n, b->hash);
    free(bytes);
    MUST(infer_start("/proc/self/exe", 1, 1, &b->pool));
}

static void close_bench(struct bench *b)
{
    infer_stop(b->pool);
    close(b->model);
    arena_free(b->a);
}

static const struct tensor image_input = {
    .name = "images", .type = TENSOR_FP32, .rank = 4, .shape = { 1, 3, TINY_SIDE, TINY_SIDE }
};

/* An image of one colour each. */
static void fill(struct tensors *t, const struct tensor *in, float red, float green, float blue)
{
    uint8_t *data;
    const float colours[] = { red, green, blue };
    size_t pixels = (size_t)TINY_SIDE * TINY_SIDE;
    MUST(tensors_add(t, in, &data));
    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < pixels; i++)
            memcpy(data + (c * pixels + i) * sizeof(float), &colours[c], sizeof(float));
}

TEST(a_network_tells_its_own_tensors_and_runs_on_them)
{
    struct bench b;
    struct tensor_list in, out;
    open_bench(&b, TINY_OURS);
    MUST(infer_signature(b.pool, "me", &(struct infer_model){ b.hash, b.model, NULL }, &in, &out));
    CHECK(in.n == 1 && out.n == 2);
    CHECK(in.items[0].type == TENSOR_FP32 && in.items[0].rank == 4 && in.items[0].shape[2] == TINY_SIDE);
    struct tensor given = image_input;
    memcpy(given.name, in.items[0].name, TENSOR_NAME);
    AUTO(tensors) struct tensors *t = NULL;
    MUST(tensors_new(&t));
    fill(t, &given, 0.25F, 0.5F, 1);
    MUST(infer_run(b.pool, "me", &(struct infer_model){ b.hash, b.model, NULL }, t));
    CHECK(t->out.n == 2 && t->latency_s >= 0);
    CHECK_TEXT(t->out.items[1].name, "scores");
    CHECK_TEXT(tensor_shape_text(b.a, &t->out.items[1]), "1×4×3");
    float scores[TINY_ANCHORS][3], boxes[TINY_ANCHORS][4];
    memcpy(scores, tensors_data(t, &t->out.items[1]), sizeof scores);
    memcpy(boxes, tensors_data(t, &t->out.items[0]), sizeof boxes);
    for (size_t i = 0; i < TINY_ANCHORS; i++)
        CHECK(scores[i][0] == tiny_factors[i] * 0.25F && scores[i][2] == tiny_factors[i]);
    CHECK(memcmp(boxes, tiny_boxes, sizeof boxes) == 0);
    close_bench(&b);
}

TEST(tensors_that_a_network_does_not_take_are_refused_in_words)
{
    struct bench b;
    struct tensor_list in, out;
    open_bench(&b, TINY_OURS);
    MUST(infer_signature(b.pool, "me", &(struct infer_model){ b.hash, b.model, NULL }, &in, &out));
    struct tensor right = image_input;
    memcpy(right.name, in.items[0].name, TENSOR_NAME);
    struct {
        struct tensor t;
        const char *says;
    } cases[] = {
        { right, "send one at a time" }, { right, "is 1×3×64×64, not 1×3×64" },   { right, "is FP32, not UINT8" },
        { right, "no input 'picture'" }, { right, "is 1×3×64×64, not 1×3×1×64" },
    };
    cases[0].t.shape[0] = 2;
    cases[1].t.rank = 3;
    cases[2].t.type = TENSOR_UINT8;
    memcpy(cases[3].t.name, "picture", 8);
    cases[4].t.shape[2] = 1;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(tensors) struct tensors *t = NULL;
        uint8_t *data;
        MUST(tensors_new(&t));
        MUST(tensors_add(t, &cases[i].t, &data));
        MUST_FAIL(infer_run(b.pool, "me", &(struct infer_model){ b.hash, b.model, NULL }, t), E_INVALID, cases[i].says);
    }
    AUTO(tensors) struct tensors *none = NULL;
    MUST(tensors_new(&none));
    MUST_FAIL(infer_run(b.pool, "me", &(struct infer_model){ b.hash, b.model, NULL }, none), E_INVALID, "is missing");
    close_bench(&b);
}

TEST(tensors_have_a_cap)
{
    uint8_t *data;
    AUTO(tensors) struct tensors *t = NULL;
    MUST(tensors_new(&t));
    const struct tensor most = { .name = "a", .type = TENSOR_UINT8, .rank = 1, .shape = { TENSOR_INPUT_CAP } };
    const struct tensor endless = { .name = "a", .type = TENSOR_FP64, .rank = 3, .shape = { INT64_MAX, INT64_MAX, INT64_MAX } };
    const struct tensor negative = { .name = "a", .type = TENSOR_FP64, .rank = 1, .shape = { -1 } };
    MUST_FAIL(tensors_add(t, &endless, &data), E_TOO_BIG, "MiB");
    MUST_FAIL(tensors_add(t, &negative, &data), E_INVALID, "dimension");
    MUST(tensors_add(t, &most, &data));
    MUST_FAIL(tensors_add(t, &most, &data), E_TOO_BIG, "MiB");
}

TEST(what_a_network_saw_is_no_tensor_of_its_own)
{
    struct bench b;
    struct tensor_list in, out;
    open_bench(&b, TINY_SEEING);
    MUST(infer_signature(b.pool, "me", &(struct infer_model){ b.hash, b.model, NULL }, &in, &out));
    CHECK(in.n == 1 && out.n == 1);
    CHECK_TEXT(out.items[0].name, "output0");
    struct tensor given = image_input;
    AUTO(tensors) struct tensors *t = NULL;
    MUST(tensors_new(&t));
    fill(t, &given, 0.25F, 0.5F, 1);
    MUST(infer_run(b.pool, "me", &(struct infer_model){ b.hash, b.model, NULL }, t));
    CHECK_INT(t->out.n, 1);
    close_bench(&b);
}
