#include "base/test.h"
#include "learn/task/doubt.h"

static const char *const labels[] = { "cat", "dog" };
static const struct trust good[] = { { 100, 95, 100, 95 }, { 100, 95, 100, 95 } };

static struct doubts doubts_of(struct sample *s, const struct found *f, int n)
{
    struct doubts d = { 0 };
    doubt_boxes(s, f, n, good, &d);
    return d;
}
static void check_doubt(const struct doubts *d, enum doubt_kind kind, const char *text)
{
    AUTO(arena) struct arena *a = arena_new();
    CHECK_INT(d->n, 1);
    CHECK_INT(d->items[0].kind, kind);
    CHECK_TEXT(doubt_text(&d->items[0], labels, a), text);
    CHECK(d->items[0].score > 0.4f);
}

TEST(an_annotation_that_the_network_agrees_with_is_not_doubted)
{
    struct labelled_box box = { { 10, 10, 50, 50 }, 0 };
    struct sample s = { .boxes = &box, .n = 1 };
    const struct found f = { { 11, 10, 50, 52 }, 0, 0.9f };
    CHECK_INT(doubts_of(&s, &f, 1).n, 0);
    CHECK_INT(doubts_of(&s, &f, 1).looked_at, 1);
}

TEST(each_kind_of_wrong_annotation_is_named)
{
    struct labelled_box box = { { 10, 10, 50, 50 }, 0 }, two[2] = { box, { { 10, 10, 50, 51 }, 0 } };
    struct sample none = { 0 }, one = { .boxes = &box, .n = 1 }, twice = { .boxes = two, .n = 2 };
    const struct found cat = { { 10, 10, 50, 50 }, 0, 0.9f }, dog = { { 10, 10, 50, 50 }, 1, 0.9f };
    const struct found aside = { { 28, 10, 68, 50 }, 0, 0.9f };
    struct doubts d = doubts_of(&none, &cat, 1);
    check_doubt(&d, DOUBT_MISSING, "looks like cat, but nothing is annotated here");
    d = doubts_of(&one, &dog, 1);
    check_doubt(&d, DOUBT_LABEL, "annotated as cat, looks like dog");
    d = doubts_of(&one, &aside, 1);
    check_doubt(&d, DOUBT_PLACE, "the box of this cat seems to be in the wrong place or of the wrong size");
    d = doubts_of(&one, NULL, 0);
    check_doubt(&d, DOUBT_NOTHING, "annotated as cat, but nothing like it is seen here");
    d = doubts_of(&twice, &cat, 1);
    check_doubt(&d, DOUBT_TWICE, "cat and another annotation have nearly the same box");
}

TEST(what_the_network_misses_often_is_less_suspicious)
{
    const struct trust few[] = { { 100, 20, 20, 19 } };
    struct labelled_box box = { { 10, 10, 50, 50 }, 0 };
    struct sample s = { .boxes = &box, .n = 1 };
    struct doubts d = { 0 };
    doubt_boxes(&s, NULL, 0, few, &d);
    CHECK(d.n == 1 && d.items[0].score < 0.2f);
    CHECK_INT(d.likely, 0);
}

/* It says cat with confidence all over the place, as one does that was stopped after a few steps. */
TEST(what_a_network_is_sure_of_counts_little_if_it_is_usually_wrong)
{
    struct labelled_box box = { { 10, 10, 50, 50 }, 0 };
    struct sample s = { .boxes = &box, .n = 1 }, none = { 0 };
    struct found said[30];
    struct trust trust[2] = { 0 };
    for (int i = 0; i < 30; i++)
        said[i] = (struct found){ { (float)(60 * i), 100, (float)(60 * i + 40), 140 }, 0, 0.98f };
    trust_boxes(&s, said, 30, trust);
    CHECK_INT(trust[0].annotated, 1);
    CHECK_INT(trust[0].found, 0);
    CHECK_INT(trust[0].said, 30);
    CHECK_INT(trust[0].right, 0);
    struct doubts d = { 0 };
    doubt_boxes(&none, said, 30, trust, &d);
    CHECK_INT(d.n, 0);
    doubt_boxes(&none, said, 1, good, &d);
    CHECK(d.n == 1 && d.items[0].score > 0.9f);
}

TEST(what_is_said_where_it_is_annotated_is_right)
{
    struct labelled_box boxes[] = { { { 10, 10, 50, 50 }, 0 }, { { 100, 10, 150, 50 }, 1 } };
    struct sample s = { .boxes = boxes, .n = 2 };
    const struct found said[] = { { { 11, 10, 50, 52 }, 0, 0.9f },
                                  { { 100, 10, 150, 50 }, 0, 0.8f },
                                  { { 100, 10, 150, 50 }, 1, 0.3f } };
    struct trust trust[2] = { 0 };
    trust_boxes(&s, said, 3, trust);
    CHECK(trust[0].said == 2 && trust[0].right == 1 && trust[0].annotated == 1 && trust[0].found == 1);
    CHECK(trust[1].said == 0 && trust[1].annotated == 1 && trust[1].found == 1); /* a third of certainty is enough to be seen */
    CHECK(trust_found(&trust[1]) == 1 && trust_right(&trust[0]) == 0.5);
}

TEST(the_twenty_most_suspicious_are_kept_in_order)
{
    struct doubts d = { 0 };
    for (int i = 0; i < 50; i++)
        doubts_add(&d, &(struct doubt){ .score = (float)(i * 37 % 50) / 50 });
    CHECK_INT(d.n, DOUBTS_MOST);
    for (int i = 0; i < DOUBTS_MOST; i++)
        CHECK(d.items[i].score == (float)(49 - i) / 50);
    CHECK_INT(d.likely, 24);
}
