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

/* An image with what was found in it, in pixels of the image as shown, best first. found_share: for each label, the share of its
 * annotations that are found. */
void doubt_boxes(const struct sample *, const struct found *, int n, const double *found_share, struct doubts *);
/* Whether something found with that label is at the annotated box. */
bool box_is_found(const struct labelled_box *, const struct found *, int n);
