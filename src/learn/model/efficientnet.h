#pragma once
#include "learn/model/layers.h"

/* The scalings of the family: EfficientNet-Lite 0 to 4, EfficientNet-B0 to B3. */
enum efficientnet { LITE0, LITE1, LITE2, LITE3, LITE4, B0, B1, B2, B3 };
static inline bool efficientnet_is_lite(int variant)
{
    return variant <= LITE4;
}

struct layers efficientnet_layers(struct graph *, struct arena *names, int variant);
/* All but the classifier. ret: the features at strides 8, 16 and 32. Parameters: backbone.*. */
void efficientnet_backbone(const struct layers *, int variant, struct tensor *x, struct tensor *ret[3]);
void efficientnet_build(struct network *);
