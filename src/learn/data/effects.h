/* effects.h - what is done to a whole network input, height × width × 3 normalised values, once everything is in its place. */
#pragma once
#include "learn/data/affine.h"
#include "learn/data/random.h"

void effect_blur(float *pixels, struct frame, float deviation); /* Gaussian; deviation in pixels, at most 4 is taken */
void effect_noise(float *pixels, struct frame, float deviation, struct random *); /* normal, a value of its own for each colour */
void effect_erase(float *pixels, struct frame, const struct window *, const float colour[3]);
void effect_mix(float *pixels, const float *other, struct frame, float share); /* share * pixels + (1 - share) * other */
