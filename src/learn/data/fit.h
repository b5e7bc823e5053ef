/* fit.h - the size of images and batches that suits the data and the memory, for those who leave them open. */
#pragma once
#include "img/decoder.h"
#include "learn/data/data.h"

/* Of images, in pixels as shown. */
struct extent {
    float longer; /* the median of the longer sides */
    float small; /* sides of a box (root of its area) as a share of its image's longer side: a tenth of the boxes are smaller; 0: no
                    box */
};
/* From at most some dozens of images, evenly taken; those that cannot be read do not count. */
struct extent fit_measure(struct decoder *, const struct samples *);

/* A multiple of `step`. usual: what the model takes otherwise; whole: images are told apart as wholes. */
int64_t fit_image_size(const struct extent *, int64_t usual, int64_t step, bool whole);
/* bytes: that an image of a batch takes; room: that there are. */
int64_t fit_batch_size(size_t bytes, size_t room, size_t images, bool whole);
