/* augment.h - training images and what is annotated in them, changed by chance so that few images teach more. Everything drawn
 * comes from the random numbers handed in: the same ones make the same example. */
#pragma once
#include "img/img.h"
#include "learn/data/affine.h"
#include "learn/data/data.h"
#include "learn/data/random.h"
#include "learn/data/settings.h"

/* Points that belong to a box: the corners of a polygon (closed), or single ones, such as joints. */
struct outline {
    struct point *points;
    int n;
    bool closed;
};
/* A decoded image, scaled to fit into the network's input, and what is annotated, in these pixels. */
struct picture {
    struct image image;
    const struct labelled_box *boxes;
    int n;
    int label;                      /* of the whole image */
    const struct outline *outlines; /* one for each box, or NULL */
    const uint8_t *mask;            /* a value for each pixel, 0: background; or NULL */
};
/* A network's input: height × width × 3 values, normalised as its model wants them, and what is in it. Boxes of which less than a
 * third is in view leave. */
struct example {
    float *pixels;
    struct frame frame;
    const struct normalise *normalise;
    struct labelled_box *boxes;
    int n, room; /* boxes beyond room are left out */
    int label;   /* of the (first) picture */
    /* Optional: wanted if not NULL. */
    struct outline *outlines; /* room of them; polygons are cut at the edge, single points out of view are NAN */
    struct point *points;     /* what they consist of */
    int n_points, room_points;
    uint8_t *mask; /* height × width */
    /* After augment_mix(): the first `own` boxes are of the picture that makes up `share` of the pixels. */
    float share;
    int own, other; /* other: the label of the second picture, or -1 */
};

/* As it is served: top left, padded. */
void augment_none(const struct picture *, struct example *);
/* pictures: one, or four for a mosaic (Bochkovskiy et al. 2020): each fills a quarter around a point near the middle. */
void augment(const struct picture *const *pictures, int n, const struct settings *, struct random *, struct example *);
/* For classification: a part of the picture, by chance, that fills the input (Szegedy et al. 2015); settings.crop is its least
 * area. */
void augment_crop(const struct picture *, const struct settings *, struct random *, struct example *);
/* Mixup (Zhang et al. 2018): the other example, with the same frame, shines through; its boxes are added. */
void augment_mix(struct example *, const struct example *other, struct random *);
