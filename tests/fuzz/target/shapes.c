#include "../fuzz.h"
#include "app/annotation/annotation.h"

/* An annotation as it is sent: what is accepted lies inside the image. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    enum { WIDTH = 100, HEIGHT = 50 };
    static const char *ids[] = { "01900000-0000-7000-8000-00000000000a" };
    const struct label_set labels = { ids, 1 };
    AUTO(arena) struct arena *a = arena_new();
    const struct json *v;
    struct shape_list list = { 0 };
    if (json_parse(a, (const char *)bytes, n, &v) != OK || shapes_read(a, v, &labels, WIDTH, HEIGHT, "", &list) != OK)
        return 0;
    for (size_t i = 0; i < list.n; i++) {
        const struct shape *s = &list.items[i];
        if (s->x < 0 || s->y < 0 || s->w < 0 || s->h < 0 || s->x + s->w > WIDTH || s->y + s->h > HEIGHT || !(s->area >= 0))
            __builtin_trap();
    }
    return 0;
}
