#include "base/test.h"
#include "learn/data/alias.h"

TEST(what_is_to_be_measured_on_is_told_by_whole_words_of_its_name)
{
    static const char *const measured[] = { "eval", "Test", "my_test", "Holdout-2", "valid", "dev" };
    static const char *const learnt[] = { "train", "feedback", "contest", "evaluated", "part-3", "" };
    for (size_t i = 0; i < COUNT_OF(measured); i++)
        CHECK(alias_measures(measured[i]));
    for (size_t i = 0; i < COUNT_OF(learnt); i++)
        CHECK(!alias_measures(learnt[i]));
    CHECK(!alias_measures(NULL));
}
