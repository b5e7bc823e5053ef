#include "learn/train/start.h"
#include "base/file.h"
#include "nn/checkpoint.h"

enum err start_find(const struct model *m, struct arena *a, struct start *ret)
{
    struct start s = { 0 };
    char *source, *licence;
    if (m->weights) {
        s.path = file_brought(a, arena_fmt(a, "../share/saccade/%s.safetensors", m->weights),
                              arena_fmt(a, "weights/%s.safetensors", m->weights));
        if (!s.path)
            s.missing = arena_fmt(a, "; the ImageNet weights of %s are not on this machine: set-up brings them", m->weights);
    } else {
        s.missing = arena_fmt(a, "; there are no ImageNet weights of %s", m->name);
    }
    if (s.path) {
        TRY(checkpoint_note(s.path, "source", a, &source));
        TRY(checkpoint_note(s.path, "licence", a, &licence));
        s.says = arena_fmt(a, "ImageNet weights (%s, %s)", source, licence);
    }
    *ret = s;
    return OK;
}
