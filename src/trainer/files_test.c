#include "base/file.h"
#include "base/test.h"
#include "trainer/files.h"
#include <stdio.h>
#include <stdlib.h>

/* A folder with these files. */
static void make(struct arena *a, char dir[40], const char *const *names, size_t n, struct files *ret)
{
    snprintf(dir, 40, "/tmp/saccade_files_XXXXXX");
    CHECK(mkdtemp(dir) != NULL);
    for (size_t i = 0; i < n; i++) {
        const char *path = arena_fmt(a, "%s/%s", dir, names[i]);
        MUST(file_make_dirs(arena_fmt(a, "%.*s", (int)(strrchr(path, '/') - path), path), 0700));
        MUST(file_write(path, "", 0, 0600));
    }
    MUST(files_list(a, dir, ret));
    MUST(file_remove_tree(dir));
}
static void check_find(const struct files *f, const char *name, bool stem, const char *split, const char *want)
{
    size_t at;
    enum file_found found = files_find(f, name, stem, split, &at);
    CHECK_TEXT(found == FILE_FOUND ? f->items[at].name : found == FILE_SEVERAL ? "several" : "none", want);
}

TEST(files_are_found_by_name_by_stem_and_by_another_ending)
{
    static const char *const names[] = { "a.jpg", "a.txt", "b.c.png", ".hidden.jpg", "deep/er/d.JPEG" };
    AUTO(arena) struct arena *a = arena_new();
    struct files f;
    char dir[40];
    make(a, dir, names, COUNT_OF(names), &f);
    CHECK_INT(f.n, 4);
    CHECK_INT(f.images, 3);
    check_find(&f, "a.jpg", false, NULL, "a.jpg");
    check_find(&f, "a", true, NULL, "a.jpg");
    check_find(&f, "a.png", false, NULL, "a.jpg"); /* a Pascal VOC file may say another ending */
    check_find(&f, "b.c", true, NULL, "b.c.png");
    check_find(&f, "b.c", false, NULL, "b.c.png"); /* lists name images without their ending */
    check_find(&f, "d.jpg", false, NULL, "deep/er/d.JPEG");
    check_find(&f, "none.jpg", false, NULL, "none");
}

TEST(folders_and_splits_tell_files_of_one_name_apart)
{
    static const char *const names[] = { "one/0.jpg", "two/0.jpg", "img/train/x.png", "img/val/x.png" };
    AUTO(arena) struct arena *a = arena_new();
    struct files f;
    char dir[40];
    make(a, dir, names, COUNT_OF(names), &f);
    check_find(&f, "one/0.jpg", false, NULL, "one/0.jpg");
    check_find(&f, "far/away/two/0.jpg", false, NULL, "two/0.jpg");
    check_find(&f, "0.jpg", false, NULL, "several");
    check_find(&f, "three/0.jpg", false, NULL, "several");
    check_find(&f, "labels/train/x", true, "train", "img/train/x.png");
    check_find(&f, "valid/images/x", true, "val", "img/val/x.png");
}
