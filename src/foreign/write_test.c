#include "base/text.h"
#include "foreign/sent_test.h"

static enum err put(void *with, const char *bytes, size_t n)
{
    text_bytes(with, bytes, n);
    return OK;
}

static const double corners[] = { 1, 2, 9.5, 2, 9, 9, 20, 20, 30, 20, 30, 30.25 };
static const uint32_t parts[] = { 3, 3 };
static const char *const labels[] = { "dust & \"co\"", "cat" };

/* An image with a box, an outline in one and in two parts, a mask and a class; and one with nothing. */
static void write_all(const char *format, struct text *ret, size_t *left_out)
{
    const struct foreign_shape shapes[] = {
        { .label = 1, .has_box = true, .box = { 10.4, 20.6, 29.7, 39.2 } },
        { .label = 0, .points = corners, .parts = parts, .n_points = 3, .n_parts = 1 },
        { .label = 0, .points = corners, .parts = parts, .n_points = 6, .n_parts = 2 },
        { .label = 1, .mask = "di0X1To6", .mask_width = 100, .mask_height = 80 },
        { .label = 1 },
    };
    const struct foreign_image one = { .name = "<a>.jpg", .width = 100, .height = 80 },
                               two = { .name = "b.jpg", .width = 5, .height = 5 };
    struct foreign_writer *w = NULL;
    *left_out = 0;
    MUST(foreign_write_open(format, (struct foreign_put){ put, ret }, labels, 2, &w));
    MUST(foreign_write_image(w, &one, "<a>", shapes, COUNT_OF(shapes), left_out));
    MUST(foreign_write_image(w, &two, "b", NULL, 0, left_out));
    MUST(foreign_write_close(w));
}

TEST(what_is_written_reads_back_as_each_format_can_say_it)
{
    static const struct {
        const char *format, *name, *shown;
        size_t left_out;
    } cases[] = {
        { "COCO", "x.json",
          "<a>.jpg: cat 10.4,20.6,29.7,39.2 dust & \"co\" 1,2,8.5,7 poly 3 dust & \"co\" 1,2,29,28.25 poly 3+3 cat 10,20,1,40 mask "
          "100x80 di0X1To6 cat\nb.jpg:\n",
          0 },
        { "PASCAL_VOC", "x.zip",
          "<a>.jpg: cat 10.4,20.6,29.7,39.2 dust & \"co\" 1,2,8.5,7 dust & \"co\" 1,2,29,28.25 cat 10,20,1,40\nb.jpg:\n", 1 },
        { "YOLO", "x.zip",
          "images/<a> %: cat 0.104,0.2575,0.297,0.49 dust & \"co\" poly 3 dust & \"co\" 0.01,0.025,0.29,0.353125 cat "
          "0.1,0.25,0.01,0.5 "
          "cat\nimages/b %:\n",
          0 },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(arena) struct arena *a = arena_new();
        AUTO(text) struct text t;
        struct foreign_set *s = NULL;
        size_t left_out;
        text_init(&t, 1 << 20);
        write_all(cases[i].format, &t, &left_out);
        CHECK_INT(left_out, cases[i].left_out);
        const struct sent file = { cases[i].name, t.bytes, t.n };
        MUST(sent_read(a, &file, 1, &s));
        CHECK_TEXT(s->format, cases[i].format);
        CHECK_TEXT(sent_shown(a, s), cases[i].shown);
        CHECK_INT(s->n_left, 0);
        if (strcmp(cases[i].format, "PASCAL_VOC") != 0)
            CHECK_TEXT(s->labels[0], labels[0]);
    }
}

TEST(zips_are_read_with_limits_of_size_and_ratio)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(text) struct text t, zeros;
    struct foreign_set *s = NULL;
    text_init(&t, 64 << 20);
    text_init(&zeros, 64 << 20);
    for (int i = 0; i < 1 << 20; i++)
        text_add(&zeros, "                ");
    const struct sent bombs[] = { { "bomb.json", zeros.bytes, zeros.n }, { "b.txt", "x" } };
    MUST(foreign_zip(sent_files(a, bombs, 2), (struct foreign_put){ put, &t }));
    const struct sent file = { "x.zip", t.bytes, t.n };
    MUST_FAIL(sent_read(a, &file, 1, &s), E_TOO_BIG, "bomb.json");
}

TEST(a_zip_that_is_cut_off_anywhere_is_refused)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(text) struct text t;
    struct foreign_set *s = NULL;
    text_init(&t, 1 << 20);
    const struct sent inner[] = { { "a.json", "{\"images\": [], \"annotations\": [], \"categories\": []}" }, { "b.txt", "x" } };
    MUST(foreign_zip(sent_files(a, inner, 2), (struct foreign_put){ put, &t }));
    for (size_t cut = 1; cut < t.n; cut++) {
        const struct sent part = { "x.zip", t.bytes, cut };
        CHECK(foreign_collect(a, foreign_read_here, NULL, sent_files(a, &part, 1), &s) != OK);
    }
}

TEST(a_zip_of_many_members_is_read_whole)
{
    enum { MANY = 70000 }; /* more than its short form can count */
    AUTO(arena) struct arena *a = arena_new();
    AUTO(text) struct text t;
    struct foreign_writer *w = NULL;
    struct foreign_set *s = NULL;
    size_t left_out = 0;
    text_init(&t, 64 << 20);
    MUST(foreign_write_open("YOLO", (struct foreign_put){ put, &t }, labels, 2, &w));
    for (int i = 0; i < MANY; i++) {
        const struct foreign_image image = { .name = "x", .width = 9, .height = 9 };
        MUST(foreign_write_image(w, &image, arena_fmt(a, "%d", i), NULL, 0, &left_out));
    }
    MUST(foreign_write_close(w));
    const struct sent file = { "x.zip", t.bytes, t.n };
    MUST(foreign_collect(a, foreign_read_here, NULL, sent_files(a, &file, 1), &s));
    CHECK_INT(s->n_images, MANY);
}
