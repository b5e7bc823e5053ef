#include "base/test.h"
#include "infer/elsewhere.h"
#include "infer/onnx_check.h"
#include "infer/tiny_test.h"
#include <stdlib.h>

static enum err named(const char *name, char ret[PLACE_NAME])
{
    return place_name((const uint8_t *)name, strlen(name), ret);
}

TEST(names_of_files_stay_in_the_folder_of_the_model)
{
    static const char *const good[][2] = {
        { "a.data", "a.data" }, { "./a.data", "a.data" }, { "w/./a", "w/a" }, { "...", "..." }, { "a..b/c", "a..b/c" }
    };
    static const char *const bad[] = { "",     "/a", "..", "../a", "a/../../b", "a\\b", "C:a",
                                       "a//b", "a/", ".",  "./",   "\xff\xfe",  "a/..", "./../a" };
    char name[PLACE_NAME], longer[PLACE_NAME + 1] = { 0 };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        MUST(named(good[i][0], name));
        CHECK_TEXT(name, good[i][1]);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        MUST_FAIL(named(bad[i], name), E_UNMEANT, "no name of a file");
    MUST_FAIL(place_name((const uint8_t *)"a\0b", 3, name), E_UNMEANT, "no name of a file");
    memset(longer, 'x', PLACE_NAME);
    MUST_FAIL(named(longer, name), E_UNMEANT, "no name of a file");
    longer[PLACE_NAME - 1] = 0;
    MUST(named(longer, name));
}

/* The tensors of TINY_OURS, found again in the same model with its tensors elsewhere. */
static void check_joined(enum tiny_kind kind, const uint8_t *data, size_t n_data)
{
    AUTO(arena) struct arena *a = arena_new();
    struct elsewhere e;
    uint8_t *bytes, *joined;
    size_t n, n_joined;
    tiny_model(kind, &bytes, &n);
    CHECK(onnx_check(bytes, n) != OK);
    MUST(elsewhere_find(bytes, n, a, &e));
    CHECK_INT(e.n, 1);
    CHECK_TEXT(e.places[0].name, "boxes.data");
    MUST_FAIL(elsewhere_join(bytes, n, &e, 1 << 20, &joined, &n_joined), E_UNMEANT, "\"boxes.data\", which is not there");
    e.places[0].bytes = data;
    e.places[0].n = n_data - 1;
    MUST_FAIL(elsewhere_join(bytes, n, &e, 1 << 20, &joined, &n_joined), E_UNMEANT, "cut off");
    e.places[0].n = n_data;
    MUST_FAIL(elsewhere_join(bytes, n, &e, 100, &joined, &n_joined), E_TOO_BIG, "together");
    MUST(elsewhere_join(bytes, n, &e, 1 << 20, &joined, &n_joined));
    MUST(onnx_check(joined, n_joined));
    CHECK(memmem(joined, n_joined, data, n_data));
    struct elsewhere none;
    MUST(elsewhere_find(joined, n_joined, a, &none));
    CHECK_INT(none.n, 0);
    free(joined);
    for (size_t cut = 1; cut < n; cut += 3) /* never a crash; what is cut off is refused or joined */
        if (elsewhere_find(bytes, n - cut, a, &none) == OK && elsewhere_join(bytes, n - cut, &e, 1 << 20, &joined, &n_joined) == OK)
            free(joined);
    free(bytes);
}

TEST(tensors_are_joined_from_other_files_wherever_they_hide)
{
    uint8_t data[sizeof tiny_boxes];
    memcpy(data, tiny_boxes, sizeof data);
    check_joined(TINY_APART, data, sizeof data);
    check_joined(TINY_APART_SPARSE, data, sizeof data);
    check_joined(TINY_APART_SUBGRAPH, data, sizeof data);
    check_joined(TINY_APART_FUNCTION, data, sizeof data);
}
