/* Networks that answer nothing that a prediction could hold. */
#include "infer/family/family.h"
#include <string.h>

static bool recognise_prompted(const struct look *l, struct description *d)
{
    (void)d;
    return look_output(l, "image_embeddings") >= 0 || look_output(l, "image_embed") >= 0 || look_input(l, "point_coords") >= 0 ||
           look_input(l, "batched_point_coords") >= 0;
}

const struct family family_prompted = {
    "half of a network that is asked by points (SAM and its kin)",
    "it answers image_embeddings or masks of points, and knows no labels: no prediction can be made "
    "of it; bring a detector or a segmenter",
    recognise_prompted, NULL, NULL
};

/* Five maps of classes and five of boxes. */
static bool recognise_pyramid(const struct look *l, struct description *d)
{
    (void)d;
    size_t n = ort_outputs(l->session), maps = 0;
    for (size_t i = 0; i < n; i++)
        maps += ort_output(l->session, i)->rank == 4;
    return n >= 6 && n % 2 == 0 && maps == n;
}

const struct family family_pyramid = { "a detector without its last step (a map of classes and one of boxes at each scale)",
                                       "its boxes are still offsets from anchors that the file does not hold; export it with its "
                                       "post-processing (effdet: DetBenchPredict), so that it answers boxes, scores and classes",
                                       recognise_pyramid, NULL, NULL };
