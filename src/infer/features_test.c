/* Which value of a graph is taken for what the network saw. */
#include "base/test.h"
#include "infer/features.h"
#include "infer/onnx_check.h"
#include "infer/tiny_test.h"
#include "learn/onnx/onnx.h"
#include <stdlib.h>
#include <string.h>

static const char *conv(struct onnx *o, const char *x, int64_t stride)
{
    const float one[] = { 1 };
    const char *out = ONNX(o, "Conv", x, onnx_floats(o, (int64_t[]){ 1, 1, 1, 1 }, 4, one));
    onnx_ints(o, "strides", (int64_t[]){ stride, stride }, 2);
    return out;
}

/* ret: the arena's. */
static const uint8_t *pack(struct onnx *o, size_t *ret_n)
{
    onnx_input(o, "images", (int64_t[]){ 1, 1, 64, 64 }, 4);
    *ret_n = onnx__model_proto__get_packed_size(&o->model);
    uint8_t *bytes = arena_take(o->arena, *ret_n);
    onnx__model_proto__pack(&o->model, bytes);
    MUST(onnx_check(bytes, *ret_n));
    return bytes;
}

static void check_found(struct onnx *o, const char *want)
{
    char name[FEATURES_NAME] = "nothing";
    size_t n;
    const uint8_t *bytes = pack(o, &n);
    CHECK_INT(features_find(bytes, n, name), want != NULL);
    CHECK_TEXT(name, want ? want : "nothing");
}

static struct onnx *begin(struct arena *a)
{
    struct onnx *o = arena_take(a, sizeof *o);
    onnx_init(o, a);
    return o;
}

TEST(the_map_before_the_first_upsampling_is_what_a_detector_saw)
{
    AUTO(arena) struct arena *a = arena_new();
    struct onnx *o = begin(a);
    const char *fine = ONNX(o, "Relu", conv(o, conv(o, "images", 2), 2));
    const char *deep = ONNX(o, "Relu", conv(o, fine, 2));
    const char *sum = ONNX(o, "Concat", ONNX(o, "Resize", deep), fine);
    const char *again = ONNX(o, "Relu", conv(o, conv(o, sum, 2), 2)); /* as coarse, but of the neck */
    ONNX(o, "Reshape", conv(o, again, 1));
    check_found(o, deep);
}

TEST(the_map_that_a_classifier_averages_is_what_it_saw)
{
    AUTO(arena) struct arena *a = arena_new();
    struct onnx *o = begin(a);
    const char *x = conv(o, conv(o, conv(o, "images", 2), 2), 2);
    const char *squeezed = ONNX(o, "Sigmoid", conv(o, ONNX(o, "GlobalAveragePool", x), 1)); /* is of no place */
    const char *map = ONNX(o, "Mul", x, squeezed);
    ONNX(o, "Gemm", ONNX(o, "Flatten", ONNX(o, "GlobalAveragePool", map)));
    check_found(o, map);
}

TEST(a_value_that_is_melted_with_what_follows_is_not_taken)
{
    AUTO(arena) struct arena *a = arena_new();
    struct onnx *o = begin(a);
    const char *x = conv(o, conv(o, conv(o, "images", 2), 2), 2);
    const char *more = conv(o, x, 1);
    ONNX(o, "Flatten", ONNX(o, "Relu", more)); /* the convolution and its Relu become one */
    check_found(o, o->graph.node[o->graph.n_node - 2]->output[0]);
    struct onnx *second = begin(a);
    x = conv(second, conv(second, conv(second, "images", 2), 2), 2);
    ONNX(second, "Reshape", ONNX(second, "Relu", conv(second, x, 1)));
    check_found(second, x);
}

TEST(channels_that_are_shuffled_by_changing_the_shape_are_followed)
{
    AUTO(arena) struct arena *a = arena_new();
    struct onnx *o = begin(a);
    const char *x = conv(o, conv(o, conv(o, "images", 2), 2), 2);
    x = ONNX(o, "Reshape", ONNX(o, "Transpose", ONNX(o, "Reshape", x)));
    const char *map = conv(o, x, 2);
    ONNX(o, "ReduceMean", map);
    check_found(o, map);
}

TEST(a_network_of_fewer_than_three_convolutions_has_no_map)
{
    AUTO(arena) struct arena *a = arena_new();
    struct onnx *o = begin(a);
    ONNX(o, "GlobalAveragePool", conv(o, conv(o, "images", 2), 2));
    check_found(o, NULL);
}

TEST(a_file_may_name_its_map_if_a_node_makes_it)
{
    AUTO(arena) struct arena *a = arena_new();
    struct onnx *o = begin(a), *wrong = begin(a);
    const char *x = conv(o, "images", 2);
    conv(wrong, "images", 2);
    onnx_metadata(o, "features", x);
    onnx_metadata(wrong, "features", "elsewhere");
    check_found(o, x);
    check_found(wrong, NULL);
}

TEST(files_that_are_cut_off_or_damaged_are_only_without_a_map)
{
    char name[FEATURES_NAME];
    uint8_t *bytes;
    size_t n;
    tiny_model(TINY_SEEING, &bytes, &n);
    CHECK(features_find(bytes, n, name));
    CHECK_TEXT(name, "map");
    for (size_t cut = 0; cut < n; cut++) {
        uint8_t *part = heap_take(cut + 1); /* so that reading too far is seen */
        memcpy(part, bytes, cut);
        features_find(part, cut, name);
        free(part);
    }
    for (size_t i = 0; i < n; i++) {
        bytes[i] ^= 0x55;
        features_find(bytes, n, name);
        bytes[i] ^= 0x55;
    }
    free(bytes);
}
