/* loader.h - batches made ahead by threads of their own, so that the network never waits.
 *
 * What is in a batch depends on the seed and the number of the step alone: not on threads, memory, or where a training was
 * resumed. */
#pragma once
#include "learn/data/gallery.h"

struct batch {
    int64_t step;
    float *pixels;            /* batch × height × width × 3 */
    struct example *examples; /* whose pixels lie in it one after the other */
};
/* What a network wants of a batch. */
struct wanted {
    struct frame frame;
    const struct normalise *input; /* what pixels become */
    bool whole;                    /* an image is one thing: it is seen by itself, cropped, and never in a mosaic */
};
struct loader;
/* Batches first, first + 1, … of a training with these settings. It begins with so many threads, and starts more when it is waited
 * for. In the place of a picture that cannot be read any more comes the next one that can. */
struct loader *loader_start(struct gallery *, const struct wanted *, const struct settings *, int64_t first, int threads);
void loader_stop(struct loader *); /* NULL is fine */
/* The next batch in order; the one before is taken back. */
MUST_USE enum err loader_next(struct loader *, const struct batch **ret);
double loader_waited(const struct loader *); /* seconds that loader_next() took in all */
int loader_threads(const struct loader *);
