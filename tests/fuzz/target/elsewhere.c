#include "infer/elsewhere.h"
#include "../fuzz.h"
#include "infer/onnx_check.h"
#include <stdlib.h>
#include <string.h>

/* A model whose tensors lie in other files, each of which is that very model. No name leads out, and what was joined is whole. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    AUTO(arena) struct arena *a = arena_new();
    struct elsewhere e, none;
    uint8_t *joined;
    size_t n_joined;
    char name[PLACE_NAME];
    if (place_name(bytes, n, name) == OK && (strstr(name, "../") || name[0] == '/' || strchr(name, '\\') || strlen(name) > n))
        abort();
    if (elsewhere_find(bytes, n, a, &e) != OK)
        return 0;
    for (size_t i = 0; i < e.n; i++) {
        e.places[i].bytes = bytes;
        e.places[i].n = n;
    }
    if (elsewhere_join(bytes, n, &e, 4 << 20, &joined, &n_joined) != OK)
        return 0;
    if (elsewhere_find(joined, n_joined, a, &none) != OK || none.n)
        abort();
    free(joined);
    return 0;
}
