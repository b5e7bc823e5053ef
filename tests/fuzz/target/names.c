#include "../fuzz.h"
#include "infer/metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *text = arena_copy(a, (const char *)bytes, n), **names;
    size_t count;
    int width, height;
    if (names_read(a, text, &names, &count) == OK && count > NAMES_MOST)
        __builtin_trap();
    if (image_size_read(text, &height, &width) == OK && (width < 1 || height < 1))
        __builtin_trap();
    return 0;
}
