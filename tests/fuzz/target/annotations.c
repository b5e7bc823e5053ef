#include "../fuzz.h"
#include "app/annotation/format.h"

/* The first byte picks the file's name; names decide little, the bytes much. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const char *const names[] = { "a.json", "a.xml", "a.txt", "a.zip" };
    AUTO(arena) struct arena *a = arena_new();
    if (n < 1)
        return 0;
    const char *copy = arena_copy(a, (const char *)bytes + 1, n - 1);
    const struct format_file files[] = { { names[bytes[0] % COUNT_OF(names)], copy, n - 1 }, { "classes.txt", "cat\ndog\n", 8 } };
    struct format_set *set;
    const char *format;
    if (format_read(a, files, bytes[0] & 4 ? 2 : 1, &set, &format) == OK && set->n_shapes > FORMAT_SHAPES)
        __builtin_trap();
    return 0;
}
