/* boxes.h - what was found: boxes on the picture, their suppression, outlines and keypoints. */
#pragma once
#include "infer/description.h"
#include "infer/infer.h"
#include "infer/prepare.h"
#include <stdlib.h>

struct box {
    float x1, y1, x2, y2, score; /* pixels of the picture */
    int label;
    uint32_t row; /* of the network's answer, by which its mask or keypoints are found */
};
struct boxes {
    struct box *items;
    size_t n, room;
};
static inline void auto_boxes(struct boxes *b)
{
    free(b->items);
}

/* From the description's form and unit to the picture, not clipped yet. What is not finite or has no area is dropped, and what has
 * no label (< 0). */
void boxes_add(struct boxes *, const struct description *, const struct placed *, const float box[4], float score, int label,
               uint32_t row);

/* Best score first, of equal ones the first; of boxes that overlap more than `iou` only the best stays (of one label, or across
 * them). At most `most` are left. */
void boxes_suppress(struct boxes *, double iou, bool across, size_t most);
void boxes_sort(struct boxes *, size_t most); /* the order only */

/* As boxes_suppress(), of turned boxes by their rows: how much two overlap is said by the normal distributions with their moments
 * (Llerena et al., Gaussian Bounding Boxes and Probabilistic Intersection-over-Union, 2021), and what a better box overlaps goes
 * whether that one stays or not (Bolya et al., YOLACT, 2019), as such networks are exported to be read. */
struct turned {
    float x, y, width, height, angle; /* radians */
};
typedef struct turned turned_of(const void *with, uint32_t row);
struct spot spot_placed(const struct placed *, float x, float y, float seen); /* of the input, on the picture */
/* What of a turned box of the input lies on the picture; nothing where it lies beside it. A box has at most eight corners then, and
 * what numbers that make no sense come to has room too. */
enum { TURNED_SPOTS = 32 };
size_t turned_outline(const struct placed *, struct turned, struct spot ret[TURNED_SPOTS]);
void boxes_suppress_turned(struct boxes *, turned_of *, const void *with, double iou, bool across, size_t most);

/* What goes back: room for everything is that of a message. */
struct found {
    struct detection *items; /* best first; room for DETECTIONS_MOST */
    size_t n;
    struct spot *spots; /* of all items, one after the other */
    size_t n_spots, room_spots;
    const char *kind;
};
/* Boxes clipped to the picture. */
void found_boxes(struct found *, const struct boxes *, const struct placed *);
void found_label(struct found *, int label, float score);
/* A shape of points around or within a box; too many points are thinned out, but for keypoints. */
void found_shape(struct found *, const struct placed *, const struct box *, const struct spot *, size_t n);

/* All of a detector's end: suppresses as described, and gives boxes, or shapes by `outline` where these are wanted: it answers the
 * points of a box's outline or its keypoints on the picture, the caller's memory until the next call; 0: none. */
typedef size_t outline_of(void *with, const struct box *, const struct spot **ret);
void found_objects(struct found *, const struct description *, const struct placed *, struct boxes *, outline_of *, void *with);

/* The outline of a mask that is a sum of prototypes (ROLE_MASKS), within the box. ret: *room, which is grown. */
size_t found_prototypes(const struct ort_session *, const struct description *, const struct placed *, const struct box *,
                        const float *coefficients, int64_t n, struct spot **room, const struct spot **ret);
/* The same of a map of its own over the input, or over the picture: `value` of width × height; what is over `limit` is in. clip:
 * only within the box. */
struct mask {
    const float *value;
    int64_t width, height;
    float limit;
    bool over_picture, clip;
};
size_t found_mask(const struct mask *, const struct placed *, const struct box *, struct spot **room, const struct spot **ret);
/* Each region of a map that is over its limit, the largest first, as an outline of that label; small specks are left out. */
void found_regions(struct found *, const struct placed *, const struct mask *, int label, float score);
void box_around(const struct spot *, size_t n, struct box *ret); /* the corners only */
