/* loader.h - decoded images in memory, and batches made ahead by threads of their own, so that the network never waits.
 *
 * What is in a batch depends on the seed and the number of the step alone: not on threads, memory, or where a training was
 * resumed. */
#pragma once
#include "img/decoder.h"
#include "learn/task.h"

struct gallery; /* images by number, decoded when first asked for, kept while there is room */

struct gallery_says { /* one at a time, from any thread */
    void (*unreadable)(void *with, const char *name, const char *why);
    bool (*go_on)(void *with, size_t done, size_t of); /* false: stop, E_CANCELLED */
    void *with;
};
/* Decodes every image once: those that cannot be are told and left out; boxes are clipped to their image, and those without an area
 * left out and counted. room: bytes of pixels kept. E_UNMEANT if none is left. The samples are the caller's and must stay. */
MUST_USE enum err gallery_open(struct decoder *, const struct samples *, int size, size_t room, int threads,
                               const struct gallery_says *, struct gallery **ret);
/* The smallest frame with sides of whole multiples that shows all pictures but a few (one in fifty) at the size they were opened
 * with: images of one shape leave no part of the input empty. */
struct frame gallery_frame(const struct gallery *, int multiple);
/* Pictures that reach over the frame are made smaller, in memory now and whenever they are decoded. Once, before any is taken. */
MUST_USE enum err gallery_fit(struct gallery *, struct frame);
void gallery_close(struct gallery *);
static inline void auto_gallery(struct gallery **g)
{
    gallery_close(*g);
}
size_t gallery_count(const struct gallery *); /* images that can be read */
const struct sample *gallery_sample(const struct gallery *, size_t i);
size_t gallery_bad_boxes(const struct gallery *); /* left out */
size_t gallery_clipped_boxes(const struct gallery *);
/* Picture i; done with it: gallery_return(). Its boxes are in pixels of the picture. Thread-safe. E_INVALID: its file cannot be
 * read any more, which was told. */
MUST_USE enum err gallery_take(struct gallery *, size_t i, struct picture *ret);
void gallery_return(struct gallery *, size_t i, struct picture *);
void gallery_scale(const struct gallery *, size_t i, float *ret_x, float *ret_y); /* picture pixels for a pixel of the image */

struct batch {
    int64_t step;
    float *pixels;            /* batch × height × width × 3 */
    struct example *examples; /* whose pixels lie in it one after the other */
};
struct loader;
/* Batches first, first + 1, … of a training with these settings. It begins with so many threads, and starts more when it is waited
 * for. In the place of a picture that cannot be read any more comes the next one that can. */
struct loader *loader_start(struct gallery *, const struct model *, const struct settings *, struct frame, int64_t first,
                            int threads);
void loader_stop(struct loader *); /* NULL is fine */
/* The next batch in order; the one before is taken back. */
MUST_USE enum err loader_next(struct loader *, const struct batch **ret);
double loader_waited(const struct loader *); /* seconds that loader_next() took in all */
int loader_threads(const struct loader *);
