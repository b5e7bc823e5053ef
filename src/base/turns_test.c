#include "base/test.h"
#include "base/turns.h"

TEST(parties_take_turns_however_many_of_one_came_first)
{
    struct turns t;
    struct turn a[5], b[2];
    turns_init(&t, 1);
    for (int i = 0; i < 5; i++)
        turns_join(&t, &a[i], "a");
    CHECK(turns_may_go(&t, &a[0]) && !turns_may_go(&t, &a[1]));
    turns_go(&t, &a[0]);
    CHECK(!turns_may_go(&t, &a[1])); /* the only place */
    turns_join(&t, &b[0], "b");
    turns_join(&t, &b[1], "b");
    CHECK_INT(turns_waiting(&t, "a"), 4);
    CHECK_INT(turns_waiting(&t, "b"), 2);
    turns_done(&t, &a[0]);
    CHECK(turns_may_go(&t, &b[0]) && !turns_may_go(&t, &a[1]) && !turns_may_go(&t, &b[1]));
    turns_go(&t, &b[0]);
    turns_done(&t, &b[0]);
    CHECK(turns_may_go(&t, &a[1]) && !turns_may_go(&t, &b[1]));
    turns_leave(&t, &a[1]);
    CHECK(turns_may_go(&t, &a[2]));
}

TEST(no_party_takes_the_last_place_of_several)
{
    struct turns t;
    struct turn a[3], b;
    turns_init(&t, 3);
    for (int i = 0; i < 3; i++)
        turns_join(&t, &a[i], "a");
    turns_go(&t, &a[0]);
    turns_go(&t, &a[1]);
    CHECK(!turns_may_go(&t, &a[2]));
    turns_join(&t, &b, NULL);
    CHECK(turns_may_go(&t, &b));
    turns_go(&t, &b);
    turns_done(&t, &a[0]);
    CHECK(turns_may_go(&t, &a[2]));
}

TEST(one_that_cannot_use_a_place_keeps_nobody_from_it)
{
    struct turns t;
    struct turn a, b;
    turns_init(&t, 2);
    turns_join(&t, &a, "a");
    turns_join(&t, &b, "b");
    CHECK(turns_may_go(&t, &a) && !turns_may_go(&t, &b));
    a.blocked = true;
    CHECK(turns_may_go(&t, &b));
}

TEST(the_next_one_is_the_one_that_may_go)
{
    struct turns t;
    struct turn a[2], b;
    turns_init(&t, 1);
    CHECK(turns_next(&t) == NULL);
    turns_join(&t, &a[0], "a");
    turns_join(&t, &a[1], "a");
    turns_join(&t, &b, "b");
    CHECK(turns_next(&t) == &a[0]);
    turns_go(&t, &a[0]);
    CHECK(turns_next(&t) == NULL);
    turns_done(&t, &a[0]);
    CHECK(turns_next(&t) == &b);
    b.blocked = true;
    CHECK(turns_next(&t) == &a[1]);
}
