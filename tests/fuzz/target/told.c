#include "../fuzz.h"
#include "infer/description.h"
#include "infer/graph.h"
#include "infer/onnx_check.h"

/* What a version tells about its file, and what a file tells of its graph. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    AUTO(arena) struct arena *a = arena_new();
    struct description d;
    AUTO(out) struct out o;
    out_init(&o, 1 << 20);
    description_init(&d);
    if (description_tell(a, arena_copy(a, (const char *)bytes, n), &d) == OK) {
        out_object(&o, NULL);
        description_write(&o, &d);
        out_end_object(&o);
        for (int i = -2; i < 300; i++)
            if (label_of_class(&d, i) < -1 || label_of_column(&d, i < 0 ? 0 : i, 300) < -1)
                __builtin_trap();
    }
    if (onnx_check(bytes, n) == OK) {
        struct graph *g = arena_take(a, sizeof *g);
        graph_read(a, bytes, n, g);
        if (g->n_operators > OPERATORS_MOST || g->n_sets > OPERATOR_SETS_MOST)
            __builtin_trap();
        (void)graph_last(g, "output0");
    }
    return 0;
}
