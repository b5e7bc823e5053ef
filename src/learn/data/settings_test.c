#include "base/test.h"
#include "learn/data/settings.h"

static enum err read_text(struct settings *s, const char *text, struct arena *a, const char **ret_unknown)
{
    const struct json *object;
    MUST(json_parse(a, text, strlen(text), &object));
    memset(s, 0, sizeof *s);
    settings_defaults(s);
    return settings_read(s, object, a, ret_unknown);
}

TEST(parameters_are_read_by_name_whether_numbers_or_texts)
{
    AUTO(arena) struct arena *a = arena_new();
    struct settings s;
    const char *unknown;
    MUST(read_text(&s, "{\"steps\":\"40\",\"learning_rate\":0.5,\"lr_type\":\"constant\",\"staircase\":\"True\",\"mine\":[1]}", a,
                   &unknown));
    CHECK(s.steps == 40 && s.learning_rate == 0.5 && s.staircase);
    CHECK_TEXT(s.lr_type, "constant");
    CHECK_TEXT(unknown, "mine");
    CHECK(s.batch_size == 8);
}

TEST(a_parameter_that_makes_no_sense_is_named)
{
    AUTO(arena) struct arena *a = arena_new();
    struct settings s;
    const char *unknown;
    MUST_FAIL(read_text(&s, "{\"steps\":-1}", a, &unknown), E_UNMEANT, "parameter steps");
    MUST_FAIL(read_text(&s, "{\"steps\":1.5}", a, &unknown), E_UNMEANT, "parameter steps");
    MUST_FAIL(read_text(&s, "{\"batch_size\":\"many\"}", a, &unknown), E_UNMEANT, "parameter batch_size");
    MUST_FAIL(read_text(&s, "{\"optimizer\":\"adagrad\"}", a, &unknown), E_UNMEANT, "adamw, sgd");
    MUST_FAIL(read_text(&s, "{\"image_size\":100}", a, &unknown), E_UNMEANT, "multiple of 32");
    MUST_FAIL(read_text(&s, "{\"staircase\":3}", a, &unknown), E_UNMEANT, "true or false");
}

TEST(printed_parameters_read_back_the_same)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(out) struct out o = { 0 };
    struct settings s, back;
    const char *unknown;
    MUST(read_text(&s, "{\"steps\":7,\"warmup_lr\":0.001,\"optimizer\":\"sgd\",\"image_size\":96}", a, &unknown));
    out_init(&o, 1 << 16);
    out_object(&o, NULL);
    settings_write(&s, &o);
    out_end_object(&o);
    MUST(read_text(&back, o.text.bytes, a, &unknown));
    CHECK(memcmp(&s, &back, sizeof s) == 0 && !unknown);
}

TEST(the_length_of_a_training_follows_what_was_said_or_the_number_of_images)
{
    struct settings s;
    settings_defaults(&s);
    s.batch_size = 8;
    CHECK_INT(settings_steps(&s, 16000, 300), 2000);
    CHECK_INT(settings_steps(&s, 16000, 8000), 15000); /* every image 15 times */
    CHECK_INT(settings_steps(&s, 16000, 4), 150);      /* and none more than 300 times */
    s.batch_size = 256;
    CHECK_INT(settings_steps(&s, 16000, 0), 1);
    s.steps = 70;
    CHECK_INT(settings_steps(&s, 16000, 300), 70);
    s.epochs = 3;
    CHECK_INT(settings_steps(&s, 16000, 300), 4); /* 900 images */
}
