/* prepare.h - a picture becomes the input of a network, as a description says, and points of the input find their place on it. */
#pragma once
#include "img/img.h"
#include "infer/description.h"

/* A point (x, y) of the input lies at ((x - dx) * per_x, (y - dy) * per_y) of the picture as shown. */
struct placed {
    int width, height;       /* of the picture as shown */
    int in_width, in_height; /* of the input */
    float per_x, per_y, dx, dy;
};
struct input {
    void *values; /* owned */
    size_t room;
};

/* The longer side at which the picture should be decoded; 0: as it is. */
int prepare_side(const struct description *, int width, int height);
/* E_TOO_BIG, E_INVALID. ret: grown as needed. */
MUST_USE enum err prepare(const struct description *, const struct image *, struct input *ret, struct placed *ret_at);

/* The feed of each input: the picture, and what else networks of known families ask for (sizes, masks). E_UNMEANT names one that
 * nobody knows. extra: of the process, for the small ones. */
struct feeds {
    struct ort_feed feed[ORT_INPUTS];
    struct input extra[ORT_INPUTS];
    size_t n;
};
MUST_USE enum err feeds_fill(const struct ort_session *, const struct description *, const struct input *, const struct placed *,
                             struct feeds *ret);
void feeds_done(struct feeds *);
