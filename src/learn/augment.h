/* augment.h - training images and their boxes, changed by chance so that few images teach more. */
#pragma once
#include "img/img.h"
#include "learn/data.h"
#include "learn/random.h"
#include "learn/settings.h"

/* A decoded image, its longer side scaled to the network's size, and its boxes in these pixels. */
struct picture {
    struct image image;
    const struct labelled_box *boxes;
    int n;
    int label; /* of the whole image */
};
/* A network's input: size × size × 3 values, normalised, and the boxes in it. */
struct example {
    float *pixels;
    struct labelled_box *boxes;
    int n, room; /* boxes beyond room are left out */
    int label;   /* of the (first) picture */
};
extern const struct normalise learn_normalise; /* what every network of learn/ takes */

/* As it is served: top left, padded. */
void augment_none(const struct picture *, int size, struct example *);
/* pictures: one, or four for a mosaic (Bochkovskiy et al. 2020): each fills a quarter around a point near the middle. */
void augment(const struct picture *const *pictures, int n, const struct settings *, struct random *, struct example *);
