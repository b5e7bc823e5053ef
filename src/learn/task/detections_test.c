#include "base/test.h"
#include "learn/task/detections.h"

TEST(overlapping_boxes_of_a_label_give_way_to_the_best)
{
    struct found f[] = {
        { { 0, 0, 10, 10 }, 0, 0.5f },  /* covered by the next */
        { { 1, 0, 11, 10 }, 0, 0.9f },  /* IoU 9/11 with the first */
        { { 0, 0, 10, 10 }, 1, 0.4f },  /* another label */
        { { 20, 0, 30, 10 }, 0, 0.3f }, /* elsewhere */
        { { 6, 0, 16, 10 }, 0, 0.2f },  /* IoU 5/15 with the best: stays */
    };
    CHECK_INT(detect_suppress(f, COUNT_OF(f), 0.6f, 300), 4);
    CHECK(f[0].score == 0.9f && f[1].label == 1 && f[2].score == 0.3f && f[3].score == 0.2f);
}

TEST(no_more_boxes_are_kept_than_asked_for)
{
    struct found f[] = { { { 0, 0, 1, 1 }, 0, 0.1f }, { { 5, 0, 6, 1 }, 0, 0.3f }, { { 9, 0, 10, 1 }, 0, 0.2f } };
    CHECK_INT(detect_suppress(f, 3, 0.6f, 2), 2);
    CHECK(f[0].score == 0.3f && f[1].score == 0.2f);
    CHECK_INT(detect_suppress(f, 0, 0.6f, 2), 0);
}
