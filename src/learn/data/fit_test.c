#include "base/test.h"
#include "learn/data/fit.h"

TEST(images_are_made_as_large_as_small_objects_need_and_not_larger_than_they_are)
{
    const struct extent large = { 4000, 0.3f }, fine = { 4000, 0.04f }, tiny = { 4000, 0.001f }, stamps = { 100, 0.01f },
                        none = { 0, 0 };
    CHECK_INT(fit_image_size(&large, 320, 32, false), 320);
    CHECK_INT(fit_image_size(&fine, 320, 32, false), 416);
    CHECK_INT(fit_image_size(&tiny, 320, 32, false), 640);
    CHECK_INT(fit_image_size(&tiny, 512, 128, false), 640);
    CHECK_INT(fit_image_size(&stamps, 320, 32, false), 128);
    CHECK_INT(fit_image_size(&none, 320, 32, false), 320);
    CHECK_INT(fit_image_size(&fine, 224, 32, true), 224);
}

TEST(batches_are_made_as_large_as_memory_and_the_number_of_images_allow)
{
    CHECK_INT(fit_batch_size(100 << 20, (size_t)8 << 30, 200, false), 8);
    CHECK_INT(fit_batch_size(100 << 20, (size_t)1 << 30, 200, false), 4);
    CHECK_INT(fit_batch_size((size_t)2 << 30, (size_t)1 << 30, 200, false), 1);
    CHECK_INT(fit_batch_size(100 << 20, (size_t)8 << 30, 1, false), 4);
    CHECK_INT(fit_batch_size(10 << 20, (size_t)8 << 30, 200, true), 16);
}
