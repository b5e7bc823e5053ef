#include "base/clock.h"
#include "base/text.h"
#include "foreign/sent_test.h"

#define COCO(images, categories, annotations)                                                                                      \
    "{\"images\":[" images "],\"categories\":[" categories "],\"annotations\":[" annotations "]}"
#define A_JPG "{\"id\":1,\"file_name\":\"a.jpg\",\"width\":100,\"height\":80}"
#define CAT "{\"id\":1,\"name\":\"cat\"}"
#define BOX "{\"id\":1,\"image_id\":1,\"category_id\":1,\"bbox\":[10,20,30,40],\"area\":1200,\"iscrowd\":0}"

static const char *read_coco(struct arena *a, const char *text, struct foreign_set **ret)
{
    MUST(READ(a, ret, { "x.json", text }));
    CHECK_TEXT((*ret)->format, "COCO");
    return sent_shown(a, *ret);
}

TEST(coco_is_read_whatever_the_order_of_its_lists)
{
    AUTO(arena) struct arena *a = arena_new();
    struct foreign_set *s = NULL;
    CHECK_TEXT(read_coco(a, COCO(A_JPG, CAT, BOX), &s), "a.jpg: cat 10,20,30,40\n");
    CHECK_TEXT(
        read_coco(a, "{\"annotations\":[" BOX "],\"info\":{\"x\":[[{}]]},\"categories\":[" CAT "],\"images\":[" A_JPG "]}", &s),
        "a.jpg: cat 10,20,30,40\n");
    CHECK_INT(s->images[0].image.width, 100);
    CHECK_INT(s->n_left, 0);
}

TEST(coco_shapes_come_image_by_image_though_the_file_mixes_them)
{
    AUTO(arena) struct arena *a = arena_new();
    struct foreign_set *s = NULL;
    CHECK_TEXT(read_coco(a,
                         COCO("{\"id\":9,\"file_name\":\"b\"},{\"id\":\"x7\",\"file_name\":\"d\\\\e.png\"}",
                              CAT ",{\"id\":0,\"name\":\"dog\"}",
                              "{\"image_id\":\"x7\",\"category_id\":0,\"bbox\":[1,2,3,4.5]},"
                              "{\"image_id\":9,\"category_id\":1,\"bbox\":[0,0,1,1]},"
                              "{\"bbox\":[5,5,5,5],\"category_id\":1,\"image_id\":\"x7\"}"),
                         &s),
               "b: cat 0,0,1,1\nd/e.png: dog 1,2,3,4.5 cat 5,5,5,5\n");
    CHECK_INT(s->images[1].shapes[1].at, 2);
}

TEST(a_byte_order_mark_is_taken_in_every_format)
{
    AUTO(arena) struct arena *a = arena_new();
    struct foreign_set *s = NULL;
    CHECK_TEXT(read_coco(a, "\xef\xbb\xbf" COCO(A_JPG, CAT, BOX), &s), "a.jpg: cat 10,20,30,40\n");
    MUST(READ(a, &s,
              { "a.txt", "\xef\xbb\xbf"
                         "0 0.5 0.5 1 1\r\n" },
              { "classes.txt", "\xef\xbb\xbf"
                               "cat\r\n" }));
    CHECK_TEXT(sent_shown(a, s), "a %: cat 0,0,1,1\n");
    MUST(READ(a, &s, { "a.txt", "0 0.5 0.5 1 1" }, { "data.yaml", "\xef\xbb\xbfnames: [cat]" }));
    CHECK_TEXT(sent_shown(a, s), "a %: cat 0,0,1,1\n");
    MUST(READ(a, &s, { "a.xml", "\xef\xbb\xbf<annotation><filename>a.jpg</filename></annotation>" }));
    CHECK_TEXT(sent_shown(a, s), "a.jpg:\n");
}

TEST(coco_boxes_keep_their_fractions)
{
    AUTO(arena) struct arena *a = arena_new();
    struct foreign_set *s = NULL;
    CHECK_TEXT(read_coco(a, COCO(A_JPG, CAT, "{\"image_id\":1,\"category_id\":1,\"bbox\":[10.4,20.6,29.7,39.2]}"), &s),
               "a.jpg: cat 10.4,20.6,29.7,39.2\n");
    CHECK(s->images[0].shapes[0].box[0] == 10.4 && s->images[0].shapes[0].box[3] == 39.2);
}

TEST(one_coco_object_in_two_parts_is_one_shape)
{
    AUTO(arena) struct arena *a = arena_new();
    struct foreign_set *s = NULL;
    CHECK_TEXT(
        read_coco(
            a,
            COCO(A_JPG, CAT,
                 "{\"image_id\":1,\"category_id\":1,\"bbox\":[10,20,30,40],\"segmentation\":[[10,20,20,20,20,30,10,30],[30,50,"
                 "40,50,40,60]]}"),
            &s),
        "a.jpg: cat 10,20,30,40 poly 4+3\n");
    /* and without the inner brackets, as some tools write the only part */
    CHECK_TEXT(read_coco(a, COCO(A_JPG, CAT, "{\"image_id\":1,\"category_id\":1,\"segmentation\":[10,20,20,20,20,30]}"), &s),
               "a.jpg: cat poly 3\n");
    double box[4];
    CHECK(foreign_box(&s->images[0].shapes[0], box) && box[0] == 10 && box[1] == 20 && box[2] == 10 && box[3] == 10);
}

TEST(coco_masks_of_both_kinds_are_read_and_crowds_are_told)
{
    AUTO(arena) struct arena *a = arena_new();
    struct foreign_set *s = NULL;
    double box[4];
    CHECK_TEXT(
        read_coco(a,
                  COCO(A_JPG, CAT,
                       "{\"image_id\":1,\"category_id\":1,\"bbox\":[10,20,1,40],\"iscrowd\":1,\"segmentation\":{\"size\":[80,100],"
                       "\"counts\":[820,40,7140]}}"),
                  &s),
        "a.jpg: cat crowd 10,20,1,40 mask 100x80 di0X1To6\n");
    const char *mask = s->images[0].shapes[0].mask;
    const char *again =
        COCO(A_JPG, CAT, "{\"image_id\":1,\"category_id\":1,\"segmentation\":{\"counts\":\"%s\",\"size\":[80,100]}}");
    read_coco(a, arena_fmt(a, again, mask), &s);
    CHECK_TEXT(s->images[0].shapes[0].mask, mask);
    CHECK(foreign_box(&s->images[0].shapes[0], box) && box[0] == 10 && box[1] == 20 && box[2] == 1 && box[3] == 40);
}

TEST(what_coco_files_hold_beside_usable_shapes_is_left_out_and_told)
{
    AUTO(arena) struct arena *a = arena_new();
    struct foreign_set *s = NULL;
    CHECK_TEXT(
        read_coco(
            a,
            COCO(A_JPG, CAT,
                 BOX
                 ",{\"image_id\":77,\"category_id\":1,\"bbox\":[1,2,3,4]},{\"image_id\":1,\"category_id\":9,\"bbox\":[1,2,3,4]},"
                 "{\"image_id\":1,\"category_id\":1,\"segmentation\":[[1,2,3,4]]},"
                 "{\"image_id\":1,\"category_id\":1,\"bbox\":[10,20,30,40],\"segmentation\":[[10,20,40,20]]},"
                 "{\"category_id\":1}"),
            &s),
        "a.jpg: cat 10,20,30,40 cat 10,20,30,40\n");
    CHECK_TEXT(sent_left(a, s),
               "image_not_in_file x.json, annotations[1].image_id\nimage_not_in_file x.json, annotations[5].image_id\n"
               "category_not_in_file x.json, annotations[2].category_id\nno_area x.json, annotations[3]\n");
}

TEST(faults_of_coco_files_are_named_one_by_one)
{
    static const char *const cases[][2] = {
        { "\"bbox\":[1,2,3]", "fault x.json, annotations[0].bbox must be [x, y, width, height]\n" },
        { "\"bbox\":[1,2,\"x\",4]", "fault x.json, annotations[0].bbox must be [x, y, width, height]\n" },
        { "\"bbox\":[1,2,1e9,4]", "fault x.json, annotations[0].bbox must be [x, y, width, height]\n" },
        { "\"segmentation\":[[1,2,3,4,5,6,7]]", "fault x.json, annotations[0].segmentation must be lists of 3 to 10000 points\n" },
        { "\"segmentation\":[[1,2,3,4,5,\"6\"]]",
          "fault x.json, annotations[0].segmentation must be lists of 3 to 10000 points\n" },
        { "\"segmentation\":{\"size\":[80,100],\"counts\":[1,2]}",
          "fault x.json, annotations[0].segmentation is no mask: the mask does not cover an image of 100 x 80\n" },
        { "\"segmentation\":{\"counts\":[1,2]}", "fault x.json, annotations[0].segmentation is no mask: its size is missing\n" },
        { "\"segmentation\":{\"size\":[80,100],\"counts\":\"\\u00e4\"}",
          "fault x.json, annotations[0].segmentation is no mask: character 1 of the mask is no run length\n" },
        { "\"segmentation\":{\"size\":[8,8],\"counts\":[-1,65]}",
          "fault x.json, annotations[0].segmentation is no mask: a run is no whole number\n" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(arena) struct arena *a = arena_new();
        struct foreign_set *s = NULL;
        const char *text = arena_fmt(a, COCO(A_JPG, CAT, "{\"image_id\":1,\"category_id\":1,%s}"), cases[i][0]);
        CHECK_TEXT(read_coco(a, text, &s), "a.jpg:\n");
        CHECK_TEXT(sent_left(a, s), cases[i][1]);
    }
}

TEST(names_of_labels_are_trimmed_and_each_is_one_label)
{
    AUTO(arena) struct arena *a = arena_new();
    struct foreign_set *s = NULL;
    read_coco(a, COCO("", "{\"id\":1,\"name\":\" cat \"},{\"id\":2,\"name\":\"cat\"},{\"id\":3,\"name\":\"dog\\n\"}", ""), &s);
    CHECK_INT(s->n_labels, 2);
    CHECK_TEXT(s->labels[0], "cat");
    CHECK_TEXT(s->labels[1], "dog");
}

TEST(twenty_thousand_categories_are_read_at_once)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(text) struct text t;
    struct foreign_set *s = NULL;
    text_init(&t, 64 << 20);
    text_add(&t, "{\"images\":[{\"id\":0,\"file_name\":\"a\"}],\"categories\":[");
    for (int i = 0; i < 20000; i++)
        text_fmt(&t, "%s{\"id\":%d,\"name\":\"c%d\"}", i ? "," : "", i, i);
    text_add(&t, "],\"annotations\":[");
    for (int i = 0; i < 20000; i++)
        text_fmt(&t, "%s{\"image_id\":0,\"category_id\":%d,\"bbox\":[1,1,5,5]}", i ? "," : "", i);
    text_add(&t, "]}");
    double begun = clock_seconds();
    read_coco(a, t.bytes, &s);
    CHECK_INT(s->n_labels, 20000);
    CHECK_INT(s->n_shapes, 20000);
    CHECK_TEXT(s->labels[s->images[0].shapes[19999].label], "c19999");
    CHECK(clock_seconds() - begun < 10);
}

TEST(voc_is_read_and_parts_of_objects_do_not_disturb)
{
    AUTO(arena) struct arena *a = arena_new();
    struct foreign_set *s = NULL;
    MUST(READ(a, &s,
              { "sub/q.xml",
                "<annotation><filename>a.png</filename><size><width>64</width><height>48</height></size><object><name> cat </name>"
                "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>11.5</xmax><ymax>22</ymax></bndbox>"
                "<part><name>ear</name><bndbox><xmin>3</xmin></bndbox></part></object></annotation>" }));
    CHECK_TEXT(sent_shown(a, s), "a.png: cat 1,2,10.5,20\n");
    CHECK_TEXT(s->images[0].image.other, "sub/q");
    CHECK_INT(s->images[0].image.width, 64);
}

TEST(voc_outlines_are_read_beside_their_boxes)
{
    AUTO(arena) struct arena *a = arena_new();
    struct foreign_set *s = NULL;
    MUST(READ(a, &s,
              { "q.xml",
                "<annotation><object><name>cat</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>"
                "<polygon><x1>1</x1><y1>2</y1><x2>9</x2><y2>2</y2><x3>9</x3><y3>9</y3></polygon></object></annotation>" }));
    CHECK_TEXT(sent_shown(a, s), "q: cat 1,2,8,7 poly 3\n");
}

#define LABEL "0 0.25 0.5 0.3 0.5\n"
static const struct sent label = { "a.txt", LABEL };

TEST(yolo_class_lists_are_read_as_yaml)
{
    static const struct {
        const char *name, *text, *want;
    } cases[] = {
        { "data.yaml", "names: {0: cat, 1: dog}\nnc: 2\n", "cat" },
        { "data.yaml", "names: [\n  'cat', # one\n  dog\n]\n", "cat" },
        { "data.yaml", "# x\r\nnames:\r\n  0: cat # first\r\n  1: dog\r\n", "cat" },
        { "data.yml", "path: ../data\nnames:\n- \"big: cat\"\n- dog\nnc: 2\n", "big: cat" },
        { "data.yaml", "{\"names\": [\"cat\"]}", "cat" },
        { "data.yaml", "names:\n  0: &x cat\n  1: dog\n  2: *x\n", "cat" },
        { "data.yaml", "names:\n  0: 5\n", "5" },
        { "data.yaml", "train: a\nnames:\n  0: |\n    cat\n", "cat" },
        { "classes.txt", "cat\r\n\r\ndog", "cat" },
        { "obj.names", "cat\ndog\n", "cat" },
        { "_darknet.labels", "cat\ndog\n", "cat" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(arena) struct arena *a = arena_new();
        struct foreign_set *s = NULL;
        MUST(READ(a, &s, label, { cases[i].name, cases[i].text }));
        CHECK_TEXT(s->format, "YOLO");
        CHECK_TEXT(sent_shown(a, s), arena_fmt(a, "a %%: %s 0.1,0.25,0.3,0.5\n", cases[i].want));
        CHECK_INT(s->n_left, 0);
    }
}

TEST(yolo_class_numbers_may_have_gaps)
{
    AUTO(arena) struct arena *a = arena_new();
    struct foreign_set *s = NULL;
    MUST(READ(a, &s, { "a.txt", "7 0.25 0.5 0.3 0.5\n3 0.5 0.5 1 1\n" }, { "data.yaml", "names:\n  7: cat\n  2: dog\n" }));
    CHECK_TEXT(sent_shown(a, s), "a %: cat 0.1,0.25,0.3,0.5\n");
    CHECK_INT(s->n_labels, 2);
    CHECK_TEXT(sent_left(a, s), "fault a.txt, line 2: class 3 has no name in the class list\n");
}

TEST(yolo_lines_are_boxes_outlines_keypoints_or_classes)
{
    AUTO(arena) struct arena *a = arena_new();
    struct foreign_set *s = NULL;
    MUST(READ(a, &s, { "a.txt", "0 0.5 0.5 0.5 1\r\n\r\n0 0 0 1 0 1 1\n0\n" }, { "classes.txt", "cat" }));
    CHECK_TEXT(sent_shown(a, s), "a %: cat 0.25,0,0.5,1 cat poly 3 cat\n");
    MUST(READ(a, &s, { "a.txt", "0 0.5 0.5 0.5 1 0.1 0.1 2 0.2 0.2 1\n" }, { "data.yaml", "kpt_shape: [2, 3]\nnames: [cat]" }));
    CHECK_TEXT(sent_shown(a, s), "a %: cat 0.25,0,0.5,1\n");
}

TEST(faults_of_yolo_lines_are_named)
{
    static const char *const lines[][2] = { { "x 0 0 1 1", "number of a class" },
                                            { "7 0 0 1 1", "has no name" },
                                            { "0 0 0 2 1", "from 0 to 1" },
                                            { "0 0.5 nan 0.1 0.1", "from 0 to 1" },
                                            { "0 0.5 0.5 0.5", "4 numbers" } };
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        AUTO(arena) struct arena *a = arena_new();
        struct foreign_set *s = NULL;
        MUST(READ(a, &s, { "classes.txt", "cat\n" }, { "a.txt", lines[i][0] }));
        CHECK(strstr(sent_left(a, s), "fault a.txt, line 1: ") && strstr(sent_left(a, s), lines[i][1]));
    }
}

TEST(data_sets_as_their_tools_lay_them_out_are_read_and_the_rest_is_passed_over)
{
    AUTO(arena) struct arena *a = arena_new();
    struct foreign_set *s = NULL;
    /* Roboflow */
    MUST(READ(a, &s, { "data.yaml", "names: [cat]\ntrain: ../train/images\nval: ../valid/images\n" },
              { "README.dataset.txt", "# cats > 2024-01-01\nhttps://…" }, { "README.roboflow.txt", "\ncats - v1\n" },
              { "train/labels/a.txt", LABEL }, { "train/images/a.jpg", "\xff\xd8" }, { "valid/labels/b.txt", LABEL }));
    CHECK_TEXT(sent_shown(a, s), "train/images/a @train %: cat 0.1,0.25,0.3,0.5\nvalid/images/b @val %: cat 0.1,0.25,0.3,0.5\n");
    CHECK_TEXT(sent_left(a, s), "passed README.dataset.txt\npassed README.roboflow.txt\n");
    /* CVAT */
    MUST(READ(a, &s, { "obj.data", "classes = 1\ntrain = data/train.txt\nnames = data/obj.names\n" }, { "obj.names", "cat\n" },
              { "train.txt", "data/obj_train_data/a.jpg\n" }, { "obj_train_data/a.txt", LABEL }));
    CHECK_TEXT(sent_shown(a, s), "obj_train_data/a @train %: cat 0.1,0.25,0.3,0.5\n");
    CHECK_TEXT(sent_left(a, s), "passed obj.data\npassed train.txt\n");
    /* Label Studio */
    MUST(READ(a, &s, { "classes.txt", "cat" }, { "notes.json", "{\"categories\":[{\"id\":0,\"name\":\"cat\"}],\"info\":{}}" },
              { "labels/a.txt", LABEL }, { "images/a.jpg", "\xff\xd8" }));
    CHECK_TEXT(sent_shown(a, s), "images/a %: cat 0.1,0.25,0.3,0.5\n");
    CHECK_TEXT(sent_left(a, s), "passed notes.json\n");
    /* Ultralytics, and what a Mac adds */
    MUST(READ(a, &s, { "set/data.yaml", "path: set\ntrain: images/train\nval: images/val\nnames:\n  0: cat\n" },
              { "set/labels/train/a.txt", LABEL }, { "set/labels/val/b.txt", LABEL }, { "set/hyp.yaml", "lr0: 0.1\n" },
              { "set/.DS_Store", "x" }, { "__MACOSX/set/._a.txt", "\0\5\26\7", 4 }, { "set/labels/train.cache", "x" }));
    CHECK_TEXT(sent_shown(a, s),
               "set/images/train/a @train %: cat 0.1,0.25,0.3,0.5\nset/images/val/b @val %: cat 0.1,0.25,0.3,0.5\n");
    CHECK_TEXT(sent_left(a, s), "passed set/hyp.yaml\npassed set/labels/train.cache\n");
    /* Roboflow's COCO, and COCO's own names */
    MUST(READ(a, &s, { "train/_annotations.coco.json", COCO(A_JPG, CAT, BOX) },
              { "valid/_annotations.coco.json", COCO(A_JPG, CAT, "") }, { "README.txt", "x" }));
    CHECK_TEXT(sent_shown(a, s), "a.jpg @train: cat 10,20,30,40\na.jpg @val:\n");
    MUST(READ(a, &s, { "annotations/instances_val2017.json", COCO(A_JPG, CAT, BOX) },
              { "annotations/captions_val2017.json", "{\"images\":[],\"annotations\":[]}" }));
    CHECK_TEXT(sent_shown(a, s), "a.jpg @val: cat 10,20,30,40\n");
    CHECK_TEXT(sent_left(a, s), "passed annotations/captions_val2017.json\n");
}

TEST(splits_in_folders_of_any_name_are_those_of_data_yaml)
{
    AUTO(arena) struct arena *a = arena_new();
    struct foreign_set *s = NULL;
    MUST(READ(a, &s, { "set/data.yaml", "path: .\ntrain: [images/one, ../set/images/two/]\nval: ./images/three\nnames: [cat]" },
              { "set/labels/one/a.txt", LABEL }, { "set/labels/two/b.txt", LABEL }, { "set/labels/three/c.txt", LABEL },
              { "set/labels/threes/d.txt", LABEL }));
    CHECK_TEXT(s->images[0].image.split, "train");
    CHECK_TEXT(s->images[1].image.split, "train");
    CHECK_TEXT(s->images[2].image.split, "val");
    CHECK(!s->images[3].image.split);
}

TEST(a_label_file_may_be_called_like_a_split)
{
    AUTO(arena) struct arena *a = arena_new();
    struct foreign_set *s = NULL;
    MUST(READ(a, &s, { "classes.txt", "cat" }, { "train.txt", LABEL }, { "test.txt", "images/a.jpg\n" }));
    CHECK_TEXT(sent_shown(a, s), "train %: cat 0.1,0.25,0.3,0.5\n");
    CHECK_TEXT(sent_left(a, s), "passed test.txt\n");
}

TEST(splits_are_words_of_folders_and_not_parts_of_words)
{
    static const char *const cases[][2] = { { "train/labels/a.txt", "train" },
                                            { "a/Valid/b.txt", "val" },
                                            { "labels/val2017/b.txt", "val" },
                                            { "obj_Test_data/b.txt", "test" },
                                            { "trains/a.txt", NULL },
                                            { "contest/a.txt", NULL },
                                            { "instances_train2017.json", "train" },
                                            { "train.txt", NULL },
                                            { "train/val/a.txt", "val" },
                                            { "validation/x.xml", "val" } };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *got = foreign_split(cases[i][0]);
        CHECK(cases[i][1] ? got && strcmp(got, cases[i][1]) == 0 : !got);
    }
}

TEST(unreadable_files_are_refused_with_their_place)
{
    static const struct {
        const char *name, *text, *says;
    } cases[] = {
        { "a.json", "{\"images\":[]}", "no COCO file" },
        { "a.json", "[]", "no COCO file" },
        { "a.json", "{\"images\":[", "not valid JSON at line 1" },
        { "a.json", "{\"images\":[],\n\"categories\":[],\"annotations\":[]}\nx", "line 3" },
        { "a.json", COCO(A_JPG "," A_JPG, CAT, ""), "images[0] and images[1]" },
        { "a.json", COCO("", CAT ",{\"id\":1,\"name\":\"dog\"}", ""), "twice" },
        { "classes.txt", "", "class names" },
        { "data.yaml", "names: [a", "line 2" },
        { "data.yaml", "names: {x: a}", "no class" },
        { "data.yaml", "names: {99999999: a}", "no class" },
        { "data.yaml", "names: [[a]]", "no text" },
        { "a.exe", "MZ", "no annotation file" },
        { "a.zip", "PK\x03\x04 not really", "not a readable zip" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(arena) struct arena *a = arena_new();
        struct foreign_set *s = NULL;
        MUST_FAIL(READ(a, &s, { cases[i].name, cases[i].text }), E_INVALID, cases[i].says);
    }
    static const char *const xml[][2] = {
        { "<annotation><object></object></annotation>", "line 1: the object has no <name>" },
        { "<annotation>\n<object><name>x</name>\n<bndbox><xmin>nan</xmin>", "line 3: <xmin> must be a number" },
        { "<!DOCTYPE x [<!ENTITY a \"b\">]><annotation>&a;</annotation>", "document type" },
        { "<svg></svg>", "<annotation> expected" },
        { "<annotation>", "no element found" },
    };
    for (size_t i = 0; i < COUNT_OF(xml); i++) {
        AUTO(arena) struct arena *a = arena_new();
        struct foreign_set *s = NULL;
        MUST(READ(a, &s, { "a.xml", xml[i][0] }));
        CHECK_INT(s->n_left, 1);
        CHECK(strstr(sent_left(a, s), xml[i][1]));
    }
}

TEST(floods_of_brackets_take_no_memory)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(text) struct text t;
    struct foreign_set *s = NULL;
    text_init(&t, 64 << 20);
    text_add(&t, "{\"images\":[],\"annotations\":[],\"categories\":[],\"x\":[");
    for (int i = 0; i < 1 << 20; i++)
        text_add(&t, "[],");
    text_add(&t, "1]}");
    read_coco(a, t.bytes, &s);
    text_clear(&t);
    text_add(&t, "{\"x\":");
    for (int i = 0; i < 1 << 20; i++)
        text_add(&t, "[");
    MUST_FAIL(READ(a, &s, { "x.json", t.bytes }), E_INVALID, "deeper than 64");
}
