/* synth.h - made-up microscope fields with exact boxes: for the demo, for trying things out and for tests, where no real images
 * may be used. Three kinds of cells that overlap, touch the border and vary in size, shape and stain, on an uneven background, with
 * defocus and sensor noise. Drawn as light absorbed on its way through the specimen (Beer-Lambert), so overlaps look right. */
#pragma once
#include "img/img.h"

enum { SYNTH_WIDTH = 640, SYNTH_HEIGHT = 480, SYNTH_LABELS = 3, SYNTH_MOST = 64 };
extern const char *const synth_labels[SYNTH_LABELS];

struct synth_box {
    int label;          /* of synth_labels */
    int x0, y0, x1, y1; /* pixels; x1 and y1 are just outside */
};
struct synth_boxes {
    struct synth_box items[SYNTH_MOST];
    int n;
};
/* The index-th image of a seed. ret is new, for image_done(). */
MUST_USE enum err synth_draw(uint64_t seed, uint64_t index, struct image *ret, struct synth_boxes *ret_boxes);
/* Writes dir/JPEGImages/cells_00000.jpg … and dir/Annotations/cells_00000.xml … (Pascal VOC). */
MUST_USE enum err synth_write(const char *dir, int count, uint64_t seed);
