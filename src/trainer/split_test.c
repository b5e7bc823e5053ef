#include "base/arena.h"
#include "base/test.h"
#include "trainer/split.h"

/* Images whose boxes have these labels, one letter each: "ab", "" … */
static struct samples images(struct arena *a, const char *const *labels, size_t n)
{
    struct samples s = { arena_new_array(a, struct sample, n), n };
    for (size_t i = 0; i < n; i++) {
        s.items[i].n = (int)strlen(labels[i]);
        s.items[i].boxes = arena_new_array(a, struct labelled_box, strlen(labels[i]) + 1);
        for (int k = 0; k < s.items[i].n; k++)
            s.items[i].boxes[k].label = labels[i][k] - 'a';
        s.items[i].label = -1;
    }
    return s;
}

TEST(a_fifth_is_kept_for_evaluation)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *labels[100];
    for (size_t i = 0; i < 100; i++)
        labels[i] = i % 2 ? "aab" : "b";
    struct samples all = images(a, labels, 100), eval;
    train_split(a, &all, false, 1, &eval);
    CHECK_INT(all.n, 80);
    CHECK_INT(eval.n, 20);
}

TEST(the_only_image_with_a_label_is_learnt_from)
{
    AUTO(arena) struct arena *a = arena_new();
    static const char *const labels[] = { "a", "a", "ab", "a", "a" };
    for (uint64_t seed = 0; seed < 30; seed++) {
        struct samples all = images(a, labels, 5), eval;
        bool there = false;
        train_split(a, &all, false, seed, &eval);
        CHECK_INT(eval.n, 1);
        for (size_t i = 0; i < all.n; i++)
            there |= all.items[i].n == 2;
        CHECK(there);
    }
}

TEST(where_one_image_is_annotated_nothing_is_kept_for_evaluation)
{
    AUTO(arena) struct arena *a = arena_new();
    static const char *const labels[] = { "", "", "a", "", "", "" };
    for (uint64_t seed = 0; seed < 30; seed++) {
        struct samples all = images(a, labels, 6), eval;
        train_split(a, &all, false, seed, &eval);
        CHECK_INT(all.n, 6);
        CHECK_INT(eval.n, 0);
    }
}

TEST(of_each_label_of_whole_images_one_stays_and_two_are_shared)
{
    AUTO(arena) struct arena *a = arena_new();
    static const int labels[] = { 0, 0, 0, 0, 0, 0, 1, 1, 2 };
    struct samples all = { arena_new_array(a, struct sample, 9), 9 }, eval;
    int kept[3] = { 0 };
    for (size_t i = 0; i < 9; i++)
        all.items[i].label = labels[i];
    train_split(a, &all, true, 3, &eval);
    for (size_t i = 0; i < eval.n; i++)
        kept[eval.items[i].label]++;
    CHECK(kept[0] == 1 && kept[1] == 1 && kept[2] == 0);
}

TEST(an_image_that_several_versions_have_is_learnt_from_once_as_the_last_has_it)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *labels[] = { "a", "b", "c", "d", "" };
    static const char *const paths[] = { "2", "1", "2", "3", "2" };
    struct samples all = images(a, labels, 5);
    for (size_t i = 0; i < 5; i++)
        all.items[i].path = paths[i];
    CHECK_INT(train_drop_twins(a, &all), 2);
    CHECK_INT(all.n, 3);
    CHECK_TEXT(all.items[0].path, "1");
    CHECK_TEXT(all.items[1].path, "3");
    CHECK_TEXT(all.items[2].path, "2");
    CHECK_INT(all.items[2].n, 0);
}
