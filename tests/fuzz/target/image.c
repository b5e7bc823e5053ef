#include "../fuzz.h"
#include "img/img.h"

/* Pictures of up to a million pixels, so that a run has time for many. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct image_info info;
    AUTO(image) struct image image = { 0 };
    if (image_probe(bytes, n, &info) == OK && (int64_t)info.width * info.height <= 1000000 &&
        image_decode(bytes, n, n % 3 ? 0 : 32, &image) != OK)
        return 0;
    return 0;
}
