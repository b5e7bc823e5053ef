/* doubt.h - annotations that a trained network finds hard to believe: the first place to look when it does not learn. */
#pragma once
#include "learn/data/data.h"
#include "learn/task/detections.h"

enum doubt_kind {
    DOUBT_MISSING, /* a confident prediction where nothing is annotated */
    DOUBT_LABEL,   /* the network is sure of another label */
    DOUBT_PLACE,   /* the network is sure of a box that overlaps this one badly */
    DOUBT_NOTHING, /* the network finds most of these, but not this one */
    DOUBT_TWICE,   /* the same place is annotated more than once */
};
struct doubt {
    const struct sample *sample;
    enum doubt_kind kind;
    int label, said; /* annotated, -1: nothing is; what the network says, -1: nothing */
    float score;     /* 0 to 1, the higher the more suspicious */
    struct box box;  /* pixels of the image as shown; without an area: the image as a whole */
};
enum { DOUBTS_MOST = 20 };
struct doubts {
    struct doubt items[DOUBTS_MOST]; /* the most suspicious first */
    int n;
    int64_t looked_at, likely; /* annotations looked at; doubts whose score is over DOUBT_LIKELY, those not kept included */
};
#define DOUBT_LIKELY 0.5f

void doubts_add(struct doubts *, const struct doubt *); /* one that is hardly suspicious is left out */
/* What people read: "annotated as cat, looks like dog". Texts are the arena's. */
const char *doubt_text(const struct doubt *, const char *const *labels, struct arena *);
extern const char *const doubt_words[]; /* by kind: "not annotated", … */

/* What a network has shown that it knows of a label, over all images looked at: what it is sure of says little about an annotation
 * if it is usually wrong, and what it misses says little if it misses most. */
struct trust {
    int64_t annotated, found; /* annotations of the label; those at which something of the label was found */
    int64_t said, right;      /* what was said to be of the label, surely; of that, what is annotated so */
};
double trust_found(const struct trust *); /* shares from 0 to 1 */
double trust_right(const struct trust *); /* by the rule of succession, so that a lucky hit is not yet knowledge */

/* An image with what was found in it, in pixels of the image as shown, best first. */
void trust_boxes(const struct sample *, const struct found *, int n, struct trust *by_label);
void doubt_boxes(const struct sample *, const struct found *, int n, const struct trust *by_label, struct doubts *);
