/* data.h - what a training is given: images with boxes, or each with a label of its own. */
#pragma once
#include "base/arena.h"
#include "learn/data/box.h"
#include <stddef.h>

enum { TRUTHS_MOST = 300 }; /* objects in an image that are learnt from */

/* Where a server keeps an image. */
struct origin {
    const char *asset, *data, *version; /* ids */
    int64_t width, height;              /* of the image as shown; 0: not known */
};
/* One image; boxes in pixels of the image as shown. */
struct sample {
    const char *path, *name; /* the file, and what people call it */
    struct labelled_box *boxes;
    int n;
    int label;                   /* of the image as a whole */
    const struct origin *origin; /* NULL: a folder */
};
struct samples {
    struct sample *items;
    size_t n;
};
