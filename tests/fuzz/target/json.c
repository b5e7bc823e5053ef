#include "json/json.h"
#include "../fuzz.h"
#include <string.h>

/* What was read and printed reads back and prints the same. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    AUTO(arena) struct arena *a = arena_new();
    const struct json *first, *second;
    if (json_parse(a, (const char *)bytes, n, &first) != OK)
        return 0;
    const char *text = json_print(a, first);
    if (json_parse(a, text, strlen(text), &second) != OK || strcmp(text, json_print(a, second)) != 0)
        __builtin_trap();
    return 0;
}
