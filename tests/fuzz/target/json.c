#include "json/json.h"
#include "../fuzz.h"
#include "base/file.h"
#include "json/pull.h"
#include <string.h>
#include <sys/mman.h>

/* Everything is passed over as one value. */
static enum err pulled(const uint8_t *bytes, size_t n)
{
    AUTO(fd) int fd = memfd_create("json", MFD_CLOEXEC);
    AUTO(pull) struct pull *p = pull_new(fd, 0, n, 1 << 20);
    enum pull_event e;
    TRY(file_write_all(fd, bytes, n));
    do
        TRY(pull_next(p, &e));
    while (e != PULL_END);
    return OK;
}

/* What was read and printed reads back and prints the same; and the reader of large files takes it too. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    AUTO(arena) struct arena *a = arena_new();
    const struct json *first, *second;
    if (json_parse(a, (const char *)bytes, n, &first) != OK)
        return pulled(bytes, n) == E_BROKEN;
    if (n < 400 && pulled(bytes, n) != OK) /* a longer number would be refused */
        __builtin_trap();
    const char *text = json_print(a, first);
    if (json_parse(a, text, strlen(text), &second) != OK || strcmp(text, json_print(a, second)) != 0)
        __builtin_trap();
    return 0;
}
