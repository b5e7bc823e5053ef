#include "infer/bundle.h"
#include "../fuzz.h"
#include "base/file.h"
#include "blob/sign.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int file_of(const uint8_t *bytes, size_t n)
{
    int fd = memfd_create("brought", MFD_CLOEXEC);
    if (fd < 0 || file_write_all(fd, bytes, n) != OK)
        abort();
    return fd;
}

/* A model as it was brought: a file or a zip; what lies beside it is what was sent, too. What is joined holds nothing elsewhere. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(bundle) struct bundle *b = bundle_new(a);
    struct elsewhere none;
    char hash[HASH_SIZE];
    const uint8_t *whole;
    size_t n_whole;
    if (!n)
        return 0;
    AUTO(fd) int fd = file_of(bytes, n), other = file_of(bytes, n);
    sha256_hex(bytes, n, hash);
    if (bundle_open(b, &fd, hash) != OK)
        return 0;
    const struct elsewhere *e = bundle_elsewhere(b);
    for (size_t i = 0; i < e->n; i++)
        if (bundle_add(b, e->places[i].name, hash, other) != OK)
            return 0;
    if (bundle_join(b, &whole, &n_whole) == OK && (elsewhere_find(whole, n_whole, a, &none) != OK || none.n))
        abort();
    return 0;
}
