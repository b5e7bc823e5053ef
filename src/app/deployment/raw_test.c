#include "app/deployment/deployment.h"
#include "base/test.h"

static enum err read(struct arena *a, const char *type, const char *text, struct predicted_shapes *ret)
{
    const struct json *raw = NULL;
    MUST(json_parse(a, text, strlen(text), &raw));
    *ret = (struct predicted_shapes){ 0 };
    return raw_read(a, raw, type, ret);
}

TEST(boxes_come_as_top_left_bottom_right_and_go_out_the_same)
{
    AUTO(arena) struct arena *a = arena_new();
    struct predicted_shapes s;
    MUST(read(a, "OBJECT_DETECTION",
              "{\"detection_classes\":[1,0],\"detection_scores\":[0.5,0.25],\"detection_boxes\":[[10,20,40,80],[0,0,5,5]]}", &s));
    CHECK_INT(s.n, 2);
    CHECK(s.items[0].x == 20 && s.items[0].y == 10 && s.items[0].w == 60 && s.items[0].h == 30);
    CHECK(s.items[0].label == 1 && s.items[1].score == 0.25);
    AUTO(out) struct out o;
    out_init(&o, 10000);
    raw_write(&o, NULL, "OBJECT_DETECTION", &s);
    CHECK_TEXT(o.text.bytes,
               "{\"detection_classes\":[1,0],\"detection_scores\":[0.5,0.25],\"detection_boxes\":[[10,20,40,80],[0,0,5,5]]}");
}

TEST(a_polygon_keeps_its_points_and_gets_the_box_around_them)
{
    AUTO(arena) struct arena *a = arena_new();
    struct predicted_shapes s;
    MUST(read(a, "SEGMENTATION",
              "{\"detection_classes\":[0],\"detection_scores\":[1],\"detection_masks\":[[[5,9],[20,4],[11,30]]]}", &s));
    CHECK_TEXT(s.items[0].geometry, "[[5,9],[20,4],[11,30]]");
    CHECK(s.items[0].x == 5 && s.items[0].y == 4 && s.items[0].w == 15 && s.items[0].h == 26);
}

TEST(lists_that_do_not_fit_together_are_refused_and_named)
{
    AUTO(arena) struct arena *a = arena_new();
    struct predicted_shapes s;
    MUST_FAIL(read(a, "OBJECT_DETECTION", "{\"detection_classes\":[0],\"detection_scores\":[0.5]}", &s), E_INVALID,
              "detection_boxes");
    MUST_FAIL(read(a, "OBJECT_DETECTION",
                   "{\"detection_classes\":[0,1],\"detection_scores\":[0.5,0.5],\"detection_boxes\":[[0,0,1,1]]}", &s),
              E_INVALID, "one length");
    MUST_FAIL(
        read(a, "OBJECT_DETECTION", "{\"detection_classes\":[0],\"detection_scores\":[1.5],\"detection_boxes\":[[0,0,1,1]]}", &s),
        E_INVALID, "detection_scores[0]");
    MUST_FAIL(
        read(a, "OBJECT_DETECTION", "{\"detection_classes\":[-1],\"detection_scores\":[0.5],\"detection_boxes\":[[0,0,1,1]]}", &s),
        E_INVALID, "detection_classes[0]");
    MUST_FAIL(
        read(a, "OBJECT_DETECTION", "{\"detection_classes\":[0],\"detection_scores\":[0.5],\"detection_boxes\":[[9,0,1,1]]}", &s),
        E_INVALID, "detection_boxes[0]");
    MUST_FAIL(read(a, "OBJECT_DETECTION",
                   "{\"detection_classes\":[0],\"detection_scores\":[0.5],\"detection_boxes\":[[0,0,1e300,1]]}", &s),
              E_INVALID, "detection_boxes[0]");
    MUST_FAIL(read(a, "NOT_CONFIGURED", "{}", &s), E_UNMEANT, "cannot be stored");
}
