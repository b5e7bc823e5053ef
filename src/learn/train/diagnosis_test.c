#include "base/test.h"
#include "learn/train/diagnosis.h"

static const char *const labels[] = { "cat", "dog" };
static const struct note rising[] = { { 100, 8, 0.2 }, { 200, 6, 0.4 }, { 300, 5, 0.5 }, { 400, 4, 0.6 } };
static const struct note level[] = { { 100, 8, 0.6 }, { 200, 6, 0.8 }, { 300, 5, 0.81 }, { 400, 4, 0.81 } };
static const struct note falling[] = { { 100, 8, 0.6 }, { 200, 6, 0.8 }, { 300, 5, 0.75 }, { 400, 4, 0.7 } };
static const int64_t many[] = { 300, 200 };

static struct facts good(const struct doubts *d)
{
    return (struct facts){ .task = &task_detect,
                           .labels = labels,
                           .n_labels = 2,
                           .notes = level,
                           .n_notes = 4,
                           .steps = 400,
                           .best_step = 400,
                           .train_score = 0.85,
                           .eval_score = 0.81,
                           .train_images = 200,
                           .eval_images = 50,
                           .train_things = many,
                           .eval_things = many,
                           .image_size = 320,
                           .useful_size = 320,
                           .doubts = d };
}

/* The one finding must be that, and say the words. */
static void check_only(const struct facts *f, const char *what, const char *words)
{
    AUTO(arena) struct arena *a = arena_new();
    struct finding found[FINDINGS_MOST];
    int n = diagnose(f, a, found);
    CHECK_INT(n, 1);
    CHECK_TEXT(found[0].what, what);
    if (!strstr(found[0].says, words))
        fail_msg("\"%s\" does not say \"%s\"", found[0].says, words);
}

TEST(a_training_in_which_nothing_stands_out_is_called_good)
{
    struct doubts none = { .looked_at = 500 };
    struct facts f = good(&none);
    check_only(&f, "good", "Nothing stands out");
}

TEST(an_evaluation_on_images_that_were_learnt_from_is_told)
{
    struct doubts none = { .looked_at = 500 };
    struct facts f = good(&none);
    f.shared_images = 12;
    check_only(&f, "evaluated on what was learnt", "12 of the 50 evaluation images are learnt from too");
}

TEST(a_network_that_has_not_learnt_is_never_called_good)
{
    static const struct note flat[] = { { 100, 8, 0.010 }, { 200, 8, 0.011 }, { 300, 8, 0.012 }, { 400, 8, 0.012 } };
    struct doubts none = { .looked_at = 500 }, noisy = { .looked_at = 500, .likely = 400 };
    struct facts f = good(&none);
    f.notes = flat;
    f.train_score = 0.015;
    f.eval_score = 0.012;
    check_only(&f, "not learnt", "mAP50 is 0.015 even on images that were learnt from: the network has not learnt");
    f.doubts = &noisy; /* what it says of the annotations means nothing */
    check_only(&f, "not learnt", "nothing it says can be relied on");
    f = good(&none);
    f.train_score = f.eval_score = 0.31;
    check_only(&f, "weak", "mAP50 is 0.310, and nothing");
}

/* 60 % of the images are cats: saying so always is right that often. */
TEST(a_classifier_that_only_guesses_has_not_learnt)
{
    struct doubts none = { .looked_at = 500 };
    struct facts f = good(&none);
    f.task = &task_classify;
    f.train_score = 0.62;
    f.eval_score = 0.61;
    check_only(&f, "not learnt", "accuracy is 0.620 even on images that were learnt from (guessing gives 0.600)");
    f.train_score = f.eval_score = 0.75;
    check_only(&f, "weak", "accuracy is 0.750");
    f.train_score = f.eval_score = 0.9;
    check_only(&f, "good", "Nothing stands out");
}

TEST(a_training_that_was_too_short_or_too_long_is_told)
{
    struct doubts none = { .looked_at = 500 };
    struct facts f = good(&none);
    f.notes = rising;
    check_only(&f, "under-trained", "twice as many steps (800)");
    f.notes = falling;
    f.best_step = 200;
    check_only(&f, "over-trained", "The weights of step 200");
    f = good(&none);
    f.train_score = 0.99;
    f.eval_score = 0.6;
    check_only(&f, "over-fitted", "0.990 on images that were learnt from and 0.600 on others");
}

TEST(labels_with_few_examples_are_named)
{
    static const int64_t few[] = { 300, 29 }, rare[] = { 3000, 40 }, gone[] = { 300, 0 };
    struct doubts none = { .looked_at = 500 };
    struct facts f = good(&none);
    f.train_things = few;
    check_only(&f, "too little data", "dog has 29 boxes");
    f.train_things = rare;
    check_only(&f, "unbalanced labels", "cat has 3000 boxes, dog has 40");
    f.train_things = gone;
    check_only(&f, "too little data", "cannot be recognized");
    f = good(&none);
    f.eval_things = gone;
    check_only(&f, "untested labels", "1 label has no box in the evaluation images");
}

TEST(small_objects_missing_evaluation_and_doubtful_annotations_are_told)
{
    struct doubts none = { .looked_at = 500 }, noisy = { .looked_at = 500, .likely = 30 };
    struct facts f = good(&none);
    f.small_share = 0.4;
    f.useful_size = 640;
    check_only(&f, "small objects", "try image_size 640");
    f.useful_size = 320;
    check_only(&f, "small objects", "the images are no larger");
    f = good(&noisy);
    check_only(&f, "doubtful annotations", "30 of 500 annotations");
    f = good(&none);
    f.eval_images = 0;
    f.eval_score = f.train_score = -1;
    f.n_notes = 0;
    check_only(&f, "not evaluated", "Attach a dataset version");
}
