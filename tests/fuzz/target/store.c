#include "../fuzz.h"
#include "app/datalake/bucket.h"
#include "s3/answer.h"
#include <stdlib.h>
#include <string.h>

/* A page that is taken has keys in their order, of which each gives a file's name; an error's code is a word. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    AUTO(arena) struct arena *a = arena_new();
    struct s3_list l;
    struct profile p;
    char code[64];
    s3_read_code((const char *)bytes, n, code, sizeof code);
    if (strspn(code, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != strlen(code))
        __builtin_trap();
    if (profile_parse(a, arena_copy(a, (const char *)bytes, n), "name", &p) == OK && (!*p.access_key || !*p.secret))
        __builtin_trap();
    if (s3_read_list(a, (const char *)bytes, n, &l) != OK)
        return 0;
    for (size_t i = 0; i < l.n; i++) {
        const char *name = bucket_filename(a, l.items[i].key);
        if ((i && strcmp(l.items[i - 1].key, l.items[i].key) > 0) || !*l.items[i].key || !*name || strlen(name) > 255 || strchr(name, '/'))
            __builtin_trap();
    }
    return 0;
}
