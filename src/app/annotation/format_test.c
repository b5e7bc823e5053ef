#include "app/annotation/format.h"
#include "base/file.h"
#include "base/test.h"
#include <stdlib.h>
#include <unistd.h>

static enum err read_text(struct arena *a, const char *name, const char *text, struct format_set **ret)
{
    struct format_file f = { name, text, strlen(text) };
    const char *format;
    return format_read(a, &f, 1, ret, &format);
}

static const char coco[] = "{\"images\":[{\"id\":7,\"file_name\":\"../../x/a.jpg\",\"width\":100,\"height\":50}],"
                           "\"categories\":[{\"id\":0,\"name\":\"cell\"},{\"id\":9,\"name\":\"dust\"}],\"annotations\":["
                           "{\"id\":1,\"image_id\":7,\"category_id\":9,\"bbox\":[1,2,30,4.5]},"
                           "{\"id\":2,\"image_id\":7,\"category_id\":0,\"segmentation\":[[0,0,10,0,10,10]],\"bbox\":[0,0,10,10]},"
                           "{\"id\":3,\"image_id\":7,\"category_id\":0,\"bbox\":[],\"segmentation\":[]}]}";

TEST(coco_is_read_with_category_zero_and_names_without_folders)
{
    AUTO(arena) struct arena *a = arena_new();
    struct format_set *s = NULL;
    MUST(read_text(a, "x.json", coco, &s));
    CHECK_INT(s->n_images, 1);
    CHECK_TEXT(s->images[0].filename, "a.jpg");
    CHECK_INT(s->images[0].n_shapes, 3);
    CHECK_TEXT(s->images[0].shapes[0].label, "dust");
    CHECK(s->images[0].shapes[0].h == 4.5);
    CHECK(s->images[0].shapes[1].kind == FORMAT_POLYGON && s->images[0].shapes[1].n_points == 3);
    CHECK(s->images[0].shapes[2].kind == FORMAT_CLASSIFICATION);
}

static const char voc[] =
    "<annotation><filename>a.png</filename><size><width>64</width><height>48</height></size><object><name> cat </name>"
    "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>11.5</xmax><ymax>22</ymax></bndbox>"
    "<part><name>ear</name><bndbox><xmin>3</xmin></bndbox></part></object></annotation>";

TEST(voc_is_read_and_parts_of_objects_do_not_disturb)
{
    AUTO(arena) struct arena *a = arena_new();
    struct format_set *s = NULL;
    MUST(read_text(a, "q.xml", voc, &s));
    CHECK_TEXT(s->images[0].filename, "a.png");
    CHECK_TEXT(s->images[0].shapes[0].label, "cat");
    CHECK(s->images[0].shapes[0].x == 1 && s->images[0].shapes[0].w == 10.5 && s->images[0].width == 64);
}

TEST(yolo_is_read_with_its_class_list)
{
    AUTO(arena) struct arena *a = arena_new();
    struct format_set *s = NULL;
    const char *format, *yaml = "# x\npath: ../data\nnames:\n  0: cat\n  1: 'big dog'\nnc: 2\n",
                        *txt = "1 0.5 0.5 0.5 1\r\n\n0 0 0 1 0 1 1\n";
    struct format_file files[] = { { "sub/a.txt", txt, strlen(txt) }, { "data.yaml", yaml, strlen(yaml) } };
    MUST(format_read(a, files, 2, &s, &format));
    CHECK_TEXT(format, "YOLO");
    CHECK_TEXT(s->images[0].filename, "a");
    CHECK(s->images[0].stem && s->images[0].fractions && s->images[0].n_shapes == 2);
    CHECK_TEXT(s->images[0].shapes[0].label, "big dog");
    CHECK(s->images[0].shapes[0].x == 0.25 && s->images[0].shapes[0].y == 0);
    CHECK(s->images[0].shapes[1].kind == FORMAT_POLYGON);
    yaml = "names: ['cat', dog]";
    files[1] = (struct format_file){ "data.yaml", yaml, strlen(yaml) };
    MUST(format_read(a, files, 2, &s, &format));
    CHECK_TEXT(s->labels[1], "dog");
    CHECK_TEXT(s->labels[0], "cat");
}

TEST(bad_annotation_files_are_refused_with_their_place)
{
    static const struct {
        const char *name, *text, *says;
    } cases[] = {
        { "a.json", "{\"images\":[]}", "no COCO file" },
        { "a.json", "{\"images\":[", "not valid JSON at line 1" },
        { "a.json",
          "{\"images\":[],\"categories\":[{\"id\":1,\"name\":\"a\"}],\"annotations\":[{\"image_id\":1,\"category_id\":1}]}",
          "annotations[0].image_id" },
        { "a.json",
          "{\"images\":[{\"id\":1,\"file_name\":\"a\"},{\"id\":1,\"file_name\":\"b\"}],\"categories\":[],\"annotations\":[]}",
          "twice" },
        { "a.xml", "<annotation><object></object></annotation>", "line 1: the object has no <name>" },
        { "a.xml", "<annotation>\n<object><name>x</name>\n<bndbox><xmin>nan</xmin>", "line 3: <xmin> must be a number" },
        { "a.xml", "<!DOCTYPE x [<!ENTITY a \"b\">]><annotation>&a;</annotation>", "document type" },
        { "a.xml", "<svg></svg>", "<annotation> expected" },
        { "a.xml", "<annotation>", "no element found" },
        { "classes.txt", "", "class names" },
        { "a.exe", "MZ", "no annotation file" },
        { "a.zip", "PK\x03\x04 not really", "not a readable zip" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(arena) struct arena *a = arena_new();
        struct format_set *s = NULL;
        MUST_FAIL(read_text(a, cases[i].name, cases[i].text, &s), E_INVALID, cases[i].says);
    }
    static const char *const lines[][2] = { { "x 0 0 1 1", "number of a class" },
                                            { "7 0 0 1 1", "has no name" },
                                            { "0 0 0 2 1", "from 0 to 1" },
                                            { "0 0.5 nan 0.1 0.1", "from 0 to 1" },
                                            { "0 0.5 0.5 0.5", "4 numbers" } };
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        AUTO(arena) struct arena *a = arena_new();
        struct format_set *s = NULL;
        const char *format;
        struct format_file files[] = { { "classes.txt", "cat\n", 4 }, { "a.txt", lines[i][0], strlen(lines[i][0]) } };
        MUST_FAIL(format_read(a, files, 2, &s, &format), E_INVALID, lines[i][1]);
        CHECK(strstr(fail_text(), "a.txt, line 1"));
    }
}

static enum err put(void *with, const char *name, const char *bytes, size_t n)
{
    return archive_add(with, name, bytes, n);
}

TEST(what_is_written_is_read_back_from_a_zip)
{
    for (const struct format_kind *const *k = format_kinds; *k; k++) {
        AUTO(arena) struct arena *a = arena_new();
        struct format_set *s = NULL, *back = NULL;
        MUST(read_text(a, "x.json", coco, &s));
        char path[] = "/tmp/saccade_zip_XXXXXX";
        close(mkstemp(path));
        struct archive_writer *w = NULL;
        MUST(archive_new(path, &w));
        MUST((*k)->write(s, put, w));
        MUST(archive_close(w));
        struct format_file f = { .name = "all.zip" };
        char *bytes = NULL;
        MUST(file_read(a, path, 1 << 20, &bytes, &f.n));
        f.bytes = bytes;
        const char *format = NULL;
        MUST(format_read(a, &f, 1, &back, &format));
        CHECK_TEXT(format, (*k)->name);
        CHECK_INT(back->n_images, 1);
        CHECK_INT(back->images[0].n_shapes, strcmp(format, "PASCAL_VOC") == 0 ? 1 : 3);
        CHECK_TEXT(back->images[0].shapes[0].label, "dust");
        unlink(path);
    }
}

TEST(a_zip_bomb_is_refused_before_it_is_unpacked)
{
    AUTO(arena) struct arena *a = arena_new();
    char path[] = "/tmp/saccade_zip_XXXXXX";
    close(mkstemp(path));
    struct archive_writer *w = NULL;
    MUST(archive_new(path, &w));
    size_t n = 64 << 20;
    char *zeros = calloc(n, 1);
    MUST(archive_add(w, "bomb.txt", zeros, n));
    free(zeros);
    MUST(archive_close(w));
    char *bytes = NULL;
    size_t size = 0, count = 0;
    struct format_file *files = NULL;
    MUST(file_read(a, path, 1 << 20, &bytes, &size));
    MUST_FAIL(archive_read(a, bytes, size, &files, &count), E_TOO_BIG, "bomb.txt");
    unlink(path);
}
