/* gallery.h - decoded images by number, kept in memory while there is room. */
#pragma once
#include "img/decoder.h"
#include "learn/data/augment.h"

struct gallery;

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
