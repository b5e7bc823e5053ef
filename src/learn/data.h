/* data.h - what a training is given: images with boxes. */
#pragma once
#include "base/arena.h"
#include "learn/box.h"
#include <stddef.h>

/* One image; boxes in pixels of the image as shown. */
struct sample {
    const char *path, *name; /* the file, and what people call it */
    struct labelled_box *boxes;
    int n;
};
struct samples {
    struct sample *items;
    size_t n;
};
